// What docker/compose.yaml starts, run as processes of their own in the same order with the same commands and
// variables: L1, the deployer, the node. And its alert rules name metrics that exist.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Anvil } from "../../lib/anvil.js";
import { Bridge } from "../../lib/bridge.js";
import { composeService, composeText, exampleEnv } from "../../lib/compose.js";
import { Node, freePort } from "../../lib/node.js";

const ROOT = join(import.meta.dirname, "../../..");
const variables = exampleEnv();
let directory;
let anvil;
let bridge;

before(async () => {
    directory = mkdtempSync(join(tmpdir(), "aura-e2e-compose-"));
    for (const name of ["chain", "data"]) mkdirSync(join(directory, name));
    const { command } = composeService("l1", variables);
    const flag = (name) => command.find((word) => word.startsWith(`--${name}=`)).split("=")[1];
    anvil = await Anvil.start({ chainId: Number(flag("chain-id")), slotsInAnEpoch: Number(flag("slots-in-an-epoch")), blockTime: 0.5 });
});
after(async () => {
    await bridge?.node?.stop();
    await anvil?.stop();
    rmSync(directory, { recursive: true, force: true });
});

/** A word of the file as it is outside of containers. */
function outside(word) {
    return word
        .replace("ws://l1:8545", anvil.ws)
        .replace(/\/run\/secrets\/(\w+?)_key/, (_, name) => join(ROOT, `docker/keys/dev-${name}.key`))
        .replace(/(^|=)\/(chain|data)/, (_, before, name) => `${before}${join(directory, name)}`);
}

function deploy() {
    const { entrypoint, command, environment } = composeService("deployer", variables);
    const words = [...entrypoint.slice(1), ...command].map(outside);
    return new Promise((done) => {
        execFile(process.env.AURA_BIN, words, { env: { PATH: process.env.PATH, ...environment }, timeout: 60_000 }, (error, stdout, stderr) =>
            done({ code: error ? (error.code ?? 1) : 0, text: `${stdout}\n${stderr}` }),
        );
    });
}

test("the deployer puts the contracts on L1, and leaves them alone when it runs again", async () => {
    const first = await deploy();
    assert.equal(first.code, 0, first.text);
    const path = join(directory, "chain/deployment.json");
    assert.ok(existsSync(join(directory, "chain/genesis.json")) && existsSync(path), first.text);
    const written = readFileSync(path, "utf8");
    const again = await deploy();
    assert.equal(again.code, 0, again.text);
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), JSON.parse(written));
});

test("the node takes its settings from the variables, and the bridge works", async () => {
    const { command, environment } = composeService("node", variables);
    assert.deepEqual(command, ["node"]);
    const env = Object.fromEntries(Object.entries(environment).map(([key, word]) => [key, outside(word)]));
    const port = await freePort();
    Object.assign(env, { AURA_HOST: "127.0.0.1", AURA_PORT: String(port), AURA_METRICS_PORT: String(await freePort()) });
    bridge = new Bridge();
    bridge.anvil = anvil;
    bridge.node = await Node.spawn({ port, words: command, env });
    bridge.deployment = JSON.parse(readFileSync(join(directory, "chain/deployment.json"), "utf8"));
    await bridge.connect();
    const to = "0x00000000000000000000000000000000000c0a05";
    const { id } = await bridge.deposit(1, 1_234_567n, to);
    await bridge.consumed(id + 1n);
    assert.equal(await bridge.onL2(to), 1_234_567n);
    // Batches come every few minutes; that they come is tested elsewhere.
    const response = await fetch(`http://127.0.0.1:${env.AURA_METRICS_PORT}/metrics`);
    const metrics = await response.text();
    assert.match(metrics, /aura_l1_head/);
});

test("each variable of the file is in .env.example, and the other way round", () => {
    const used = new Set([...composeText().matchAll(/\$\{(\w+)/g)].map(([, name]) => name));
    assert.deepEqual([...used].sort(), Object.keys(variables).sort());
});

test("alert rules name metrics that exist", () => {
    const sources = ["crates", "bin"].flatMap((top) =>
        readdirSync(join(ROOT, top), { recursive: true }).filter((path) => path.endsWith(".rs")).map((path) => join(ROOT, top, path)),
    );
    const code = sources.map((path) => readFileSync(path, "utf8")).join("\n");
    const named = new Set(readFileSync(join(ROOT, "docker/alerts.yml"), "utf8").match(/\baura_[a-z0-9_]+\b/g));
    assert.ok(named.size > 5);
    // A histogram's parts have names of their own.
    const missing = [...named].filter((name) => !code.includes(`"${name.replace(/_(bucket|sum|count)$/, "")}"`));
    assert.deepEqual(missing, []);
});
