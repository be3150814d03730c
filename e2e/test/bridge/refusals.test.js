// A node that is told of another bridge than there is says so and does not start.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Anvil } from "../../lib/anvil.js";
import { accounts } from "../../lib/fixtures.js";
import { freePort } from "../../lib/node.js";

const TIMEOUT_MS = 30_000;
let directory;
let anvil;
let deployment;
const file = (name) => join(directory, name);

before(async () => {
    directory = mkdtempSync(join(tmpdir(), "aura-e2e-refusals-"));
    anvil = await Anvil.start();
    for (const [name, index] of [["deployer", 0], ["sequencer", 9], ["proposer", 8], ["stranger", 3]]) {
        writeFileSync(file(`${name}.key`), accounts[index].privateKey, { mode: 0o600 });
    }
    const made = await aura(
        "bridge", "deploy", "--l1-rpc", anvil.ws, "--profile", "dev", "--deployer-key-file", file("deployer.key"),
        "--genesis-out", file("genesis.json"), "--out", file("deployment.json"),
    );
    assert.equal(made.code, 0, made.text);
    deployment = JSON.parse(readFileSync(file("deployment.json"), "utf8"));
});
after(async () => {
    await anvil?.stop();
    rmSync(directory, { recursive: true, force: true });
});

function aura(...words) {
    return new Promise((done) => {
        execFile(process.env.AURA_BIN, words.map(String), { timeout: TIMEOUT_MS }, (error, stdout, stderr) =>
            done({ code: error ? (error.killed ? "still running" : (error.code ?? 1)) : 0, text: `${stdout}\n${stderr}` }),
        );
    });
}

/** Runs a node that must not start; returns what it says. */
async function refused(name, { change = {}, l1 = anvil.ws, sequencer = "sequencer", args = [] } = {}) {
    const path = file(`${name}-deployment.json`);
    writeFileSync(path, JSON.stringify({ ...deployment, ...change }));
    const { code, text } = await aura(
        "node", "--chain", file("genesis.json"), "--datadir", file(name), "--port", await freePort(), "--deployment", path,
        "--l1-rpc", l1, "--sequencer-key", file(`${sequencer}.key`), "--proposer-key", file("proposer.key"), ...args,
    );
    assert.notEqual(code, 0, text);
    assert.notEqual(code, "still running", text);
    assert.doesNotMatch(text, /panicked/);
    return text;
}

const nobody = "0x00000000000000000000000000000000000bad01";

test("a deployment on another L1 chain", async () => {
    const text = await refused("chain", { change: { l1ChainId: 424242 } });
    assert.match(text, /424242/);
});

test("an L1 that is another chain", async () => {
    const other = await Anvil.start({ chainId: 777 });
    try {
        assert.match(await refused("other", { l1: other.ws }), /777/);
    } finally {
        await other.stop();
    }
});

test("an L1 without the contracts", async () => {
    const empty = await Anvil.start();
    try {
        // As high as the deployment says; below that the node would wait for L1.
        await empty.mine(100);
        assert.match(await refused("empty", { l1: empty.ws }), new RegExp(`${deployment.portal}|${deployment.rollup}`, "i"));
    } finally {
        await empty.stop();
    }
});

test("a portal that the genesis does not name", async () => {
    assert.match(await refused("portal", { change: { portal: nobody } }), new RegExp(nobody, "i"));
});

test("a genesis that the rollup does not start from", async () => {
    const genesisHash = `0x${"ab".repeat(32)}`;
    assert.match(await refused("genesis", { change: { genesisHash } }), /genesis/i);
});

test("a key without the sequencer's role", async () => {
    assert.match(await refused("role", { sequencer: "stranger" }), new RegExp(accounts[3].address, "i"));
});

test("files that are not there or hold no key", async () => {
    assert.match(await refused("nokey", { sequencer: "missing" }), /missing\.key/);
    copyFileSync(file("deployment.json"), file("garbage.key"));
    assert.match(await refused("badkey", { sequencer: "garbage" }), /garbage\.key/);
    assert.ok(existsSync(file("deployment.json")));
});
