// Every check of the hive client: mapper, genesis blocks, imports, JSON-RPC round trips.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import * as blocks from "./lib/blocks.js";
import { Client } from "./lib/client.js";
import { environmentOf } from "./lib/environment.js";
import { judge, parseRecording } from "./lib/judge.js";
import { Report } from "./lib/report.js";

const here = import.meta.dirname;
const shared = process.env.AURA_SHARED ?? join(here, "../../shared");
const spec = join(shared, "execution-apis");
const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const report = new Report(json(join(here, "exceptions.json")), process.argv[2]);

const want = (wanted, have) => (wanted === have ? null : `want ${wanted}, have ${have}`);

/** Runs `use` with a client, and stops it in any case. */
async function withClient(files, use) {
    const client = await Client.start(files);
    try {
        return await use(client);
    } finally {
        await client.stop();
    }
}

/** The mapper gives the fork schedule that the genesis file itself has. */
function mapped(genesis, variables) {
    const mapper = join(here, "clients/aura/mapper.jq");
    const env = { PATH: process.env.PATH, ...variables };
    return JSON.parse(execFileSync("jq", ["-f", mapper, genesis], { env, encoding: "utf8", maxBuffer: 64 << 20 }));
}

async function mapper() {
    const path = join(spec, "genesis.json");
    await report.check("mapper/execution-apis", () => {
        const { config, ...rest } = json(path);
        const { config: have, ...other } = mapped(path, json(join(spec, "forkenv.json")));
        const sorted = (value) => JSON.stringify(Object.entries(value).sort());
        return want(sorted(config), sorted(have)) ?? want(JSON.stringify(rest), JSON.stringify(other));
    });
    await report.check("mapper/large-total-difficulty", () => {
        const difficulty = "58750000000000000000000";
        const { config } = mapped(path, { HIVE_TERMINAL_TOTAL_DIFFICULTY: difficulty });
        return want(difficulty, config.terminalTotalDifficulty);
    });
}

async function genesisBlocks() {
    const folder = join(shared, "hive/genesis");
    if (!existsSync(folder)) return report.skip("genesis", `${folder} is not there`);
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".expect.json"))) {
        const name = file.replace(".expect.json", "");
        await report.check(`genesis/${name}`, async () => {
            const genesis = join(folder, `${name}.json`);
            const files = { genesis, env: environmentOf(json(genesis).config) };
            const block = await withClient(files, (client) => client.rpc("eth_getBlockByNumber", "0x0", false));
            return want(json(join(folder, file)).genesisHash, block.hash);
        });
    }
}

async function imports() {
    const folder = join(shared, "hive/graphql");
    await report.check("import/graphql-chain", async () => {
        const genesis = join(folder, "genesis.json");
        const chain = join(folder, "chain.rlp");
        const files = { genesis, chain, env: environmentOf(json(genesis).config) };
        // Its first block is the genesis block.
        const last = blocks.hash(blocks.split(readFileSync(chain)).at(-1));
        const head = await withClient(files, (client) => client.rpc("eth_getBlockByNumber", "latest", false));
        return want(last, head.hash);
    });
    await report.check("import/bad-blocks-do-not-stop-the-start", async () => {
        const chain = blocks.split(readFileSync(join(spec, "chain.rlp")));
        const files = {
            genesis: join(spec, "genesis.json"),
            env: json(join(spec, "forkenv.json")),
            blocks: {
                "1.rlp": chain[0],
                "2.rlp": blocks.withStateRoot(chain[1], `0x${"ab".repeat(32)}`),
                "3.rlp": chain[2],
                "4.rlp": chain[1].subarray(0, chain[1].length - 1),
                "10.rlp": chain[1],
                "11.rlp": chain[2],
                "12.rlp": Buffer.from("no block"),
            },
        };
        const head = await withClient(files, (client) => client.rpc("eth_getBlockByNumber", "latest", false));
        return want("0x3", head.number) ?? want(blocks.hash(chain[2]), head.hash);
    });
}

/** What the Engine API answers to whom. */
async function engine(client) {
    const state = json(join(spec, "headfcu.json")).params[0];
    const updated = (changes, attributes = null) =>
        client.engine("engine_forkchoiceUpdatedV3", { ...state, ...changes }, attributes);
    const unknown = `0x${"12".repeat(32)}`;
    await report.check("engine/headfcu", async () => {
        const { text } = await client.postEngine(readFileSync(join(spec, "headfcu.json"), "utf8"));
        const { payloadStatus } = JSON.parse(text).result;
        return want("VALID", payloadStatus.status) ?? want(state.headBlockHash, payloadStatus.latestValidHash);
    });
    await report.check("engine/heads-follow", async () => {
        const heads = await Promise.all(["safe", "finalized"].map((tag) => client.rpc("eth_getBlockByNumber", tag, false)));
        return want(heads[0].hash, state.headBlockHash) ?? want(heads[1].hash, state.headBlockHash);
    });
    await report.check("engine/unknown-head-is-syncing", async () =>
        want("SYNCING", (await updated({ headBlockHash: unknown })).result.payloadStatus.status),
    );
    await report.check("engine/unknown-safe-block-is-inconsistent", async () =>
        want(-38002, (await updated({ safeBlockHash: unknown })).error.code),
    );
    await report.check("engine/attributes-are-refused", async () => want(-38003, (await updated({}, { timestamp: "0x1" })).error.code));
    await report.check("engine/older-head-is-valid-and-changes-nothing", async () => {
        const { hash } = await client.rpc("eth_getBlockByNumber", "0x2", false);
        const answer = await updated({ headBlockHash: hash, safeBlockHash: hash, finalizedBlockHash: hash });
        const safe = await client.rpc("eth_getBlockByNumber", "safe", false);
        return want("VALID", answer.result.payloadStatus.status) ?? want(state.headBlockHash, safe.hash);
    });
    await report.check("engine/without-a-token-is-unauthorized", async () => {
        const { status } = await client.postEngine('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}', {});
        return want(401, status);
    });
    await report.check("engine/not-on-the-public-port", async () => {
        const answer = JSON.parse(await client.post(readFileSync(join(spec, "headfcu.json"), "utf8")));
        return want(-32601, answer.error.code);
    });
}

/** Blocks and state are those of the chain file, byte for byte. */
async function chainData(client) {
    for (const [index, block] of blocks.split(readFileSync(join(spec, "chain.rlp"))).entries()) {
        const number = `0x${(index + 1).toString(16)}`;
        await report.check(`chain/block-${index + 1}`, async () =>
            want(`0x${block.toString("hex")}`, await client.rpc("debug_getRawBlock", number)),
        );
    }
    const { accounts } = json(join(spec, "headstate.json"));
    for (const [address, account] of Object.entries(accounts)) {
        await report.check(`chain/account-${address}`, async () => {
            const have = (method, ...params) => client.rpc(method, address, ...params, "latest");
            const wrong =
                want(BigInt(account.balance), BigInt(await have("eth_getBalance"))) ??
                want(BigInt(account.nonce), BigInt(await have("eth_getTransactionCount"))) ??
                want(account.code ?? "0x", await have("eth_getCode"));
            if (wrong) return wrong;
            for (const [slot, value] of Object.entries(account.storage ?? {})) {
                const wrong = want(`0x${value.padStart(64, "0")}`, await have("eth_getStorageAt", slot));
                if (wrong) return `slot ${slot}: ${wrong}`;
            }
            return null;
        });
    }
}

async function roundTrips(client) {
    const document = json(join(spec, "openrpc.json"));
    const schemas = new Map(document.methods.map((method) => [method.name, method.result.schema]));
    const folder = join(spec, "tests");
    const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".io"));
    for (const file of files.sort()) {
        await report.check(file.slice(0, -".io".length), async () => {
            const { speconly, rounds } = parseRecording(readFileSync(join(folder, file), "utf8"));
            for (const { request, answer } of rounds) {
                const { method } = JSON.parse(request);
                // No schema: nothing is valid.
                const schema = speconly ? (schemas.get(method) ?? false) : undefined;
                const wrong = judge(answer, await client.post(request), schema);
                if (wrong) return wrong;
            }
            return null;
        });
    }
}

async function rpcCompat() {
    const files = {
        genesis: join(spec, "genesis.json"),
        chain: join(spec, "chain.rlp"),
        env: json(join(spec, "forkenv.json")),
    };
    await withClient(files, async (client) => {
        await engine(client);
        await chainData(client);
        await roundTrips(client);
    });
}

if (existsSync(spec)) {
    await mapper();
    await genesisBlocks();
    await imports();
    try {
        await rpcCompat();
    } catch (error) {
        report.fail("rpc-compat", error.message);
    }
} else {
    report.skip("hive-tests", `${relative(process.cwd(), spec)} is not there`);
}
const passed = report.close();
// For whoever wants the names.
if (process.env.AURA_FAILURES) writeFileSync(process.env.AURA_FAILURES, report.failed.map((name) => `${name}\n`).join(""));
process.exitCode = passed ? 0 : 1;
