// Foundry's `forge` deploys an OpenZeppelin token, by itself and by a script.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { JsonRpcProvider, Wallet } from "ethers";
import { CHAIN_ID, Node } from "../lib/node.js";
import { accounts, ensureFactory } from "../lib/fixtures.js";
import { ok } from "../lib/run.js";

const [alice] = accounts;
const root = join(import.meta.dirname, "..");

/** Deploys with the script and checks all it did. */
async function script(node) {
    const provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1 });
    try {
        await ensureFactory(node, new Wallet(accounts[1].privateKey, provider));
    } finally {
        provider.destroy();
    }
    await ok(
        "forge",
        ["script", "script/Deploy.s.sol:Deploy", "--broadcast", "--slow", "--private-key", alice.privateKey, "--rpc-url", node.url],
        node.url,
    );
    const path = join(root, `broadcast/Deploy.s.sol/${CHAIN_ID}/run-latest.json`);
    const { receipts, returns } = JSON.parse(readFileSync(path, "utf8"));
    assert.equal(receipts.length, 4);
    for (const { status } of receipts) assert.equal(status, "0x1");
    const token = returns.token.value;
    const balance = await ok("cast", ["call", token, "balanceOf(address)(uint256)", "0x000000000000000000000000000000000000bEEF"], node.url);
    assert.match(balance, /^5000000000000000000( |$)/);
    const pings = await ok("cast", ["call", returns.probe.value, "pings(address)(uint256)", alice.address], node.url);
    assert.equal(pings, "1");
}

let node;
before(async () => (node = await Node.start()));
after(() => node?.stop());

test("forge create deploys the token, and cast transfers it", async () => {
    const out = await ok(
        "forge",
        ["create", "contracts/Token.sol:Token", "--broadcast", "--json", "--private-key", alice.privateKey,
            "--rpc-url", node.url, "--constructor-args", "Created", "CRT", "1000000"],
        node.url,
    );
    const { deployedTo, deployer } = JSON.parse(out);
    assert.equal(deployer, alice.address);
    assert.equal(await ok("cast", ["call", deployedTo, "symbol()(string)"], node.url), '"CRT"');
    await ok(
        "cast",
        ["send", deployedTo, "transfer(address,uint256)", accounts[2].address, "25", "--private-key", alice.privateKey],
        node.url,
    );
    const balance = await ok("cast", ["call", deployedTo, "balanceOf(address)(uint256)", accounts[2].address], node.url);
    assert.equal(balance, "25");
});

test("forge script --broadcast with instant sealing", () => script(node));

test("forge script --broadcast with blocks every second", async () => {
    const slow = await Node.start({ blockTime: "1s" });
    try {
        await script(slow);
    } finally {
        await slow.stop();
    }
});
