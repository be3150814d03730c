// Blocks with deposits, whose transactions have a type that Ethereum does not, as every client reads them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { JsonRpcProvider } from "ethers";
import { Web3 } from "web3";
import { Anvil } from "../../lib/anvil.js";
import { Bridge, PATIENCE_MS } from "../../lib/bridge.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";
import { ok } from "../../lib/run.js";
import { Sender } from "../../lib/sender.js";

const DEPOSIT = 0x7e;
let bridge;
let block; // with a deposit first and a transfer last
let receiver; // of the transfers

before(async () => {
    bridge = await Bridge.start({ embedded: true, blockTime: "1s" });
    const [depositor, sender] = [await Sender.of(bridge.l1, 1), await Sender.of(bridge.l2, 2)];
    receiver = new Random(0xc11e).address();
    const mixed = async () => {
        await depositor.send({ to: bridge.portal.address, value: 1n });
        await sender.send({ to: receiver, value: 1n, gas: 21_000n });
        const newest = await bridge.node.rpc("eth_getBlockByNumber", ["latest", true]);
        const types = newest.transactions.map(({ type }) => Number(type));
        return types[0] === DEPOSIT && types.at(-1) === 2 && newest;
    };
    block = await eventually(mixed, PATIENCE_MS, "a block with both", 100);
});
after(() => bridge?.stop());

test("ethers", async () => {
    const provider = new JsonRpcProvider(bridge.node.url, undefined, { staticNetwork: true });
    try {
        const { prefetchedTransactions: found } = await provider.getBlock(block.hash, true);
        assert.deepEqual(found.map(({ hash }) => hash), block.transactions.map(({ hash }) => hash));
        assert.equal(found[0].type, DEPOSIT);
        const deposit = await provider.getTransaction(found[0].hash);
        assert.equal(deposit.value, 1n);
        assert.equal((await deposit.wait()).status, 1);
        assert.equal((await found.at(-1).wait()).status, 1);
    } finally {
        provider.destroy();
    }
});

test("viem", async () => {
    const { client } = bridge.l2;
    const { transactions } = await client.getBlock({ blockHash: block.hash, includeTransactions: true });
    assert.deepEqual(transactions.map(({ hash }) => hash), block.transactions.map(({ hash }) => hash));
    const { hash } = transactions[0];
    assert.equal((await client.getTransaction({ hash })).typeHex, "0x7e");
    assert.equal((await client.waitForTransactionReceipt({ hash })).status, "success");
});

test("web3.js", async () => {
    const { eth } = new Web3(bridge.node.url);
    const { transactions } = await eth.getBlock(block.hash, true);
    assert.deepEqual(transactions.map(({ hash }) => hash), block.transactions.map(({ hash }) => hash));
    const { hash } = transactions[0];
    assert.equal((await eth.getTransaction(hash)).type, BigInt(DEPOSIT));
    assert.equal((await eth.getTransactionReceipt(hash)).status, 1n);
});

test("web3.py", async () => {
    const program = `
import sys
from web3 import HTTPProvider, Web3
eth = Web3(HTTPProvider(sys.argv[1])).eth
block = eth.get_block(sys.argv[2], True)
for tx in block.transactions:
    assert eth.get_transaction(tx.hash) == tx
    assert eth.wait_for_transaction_receipt(tx.hash).status == 1
print(*(tx.type for tx in block.transactions))
`;
    const python = join(process.env.AURA_PYTHON, "bin/python");
    const { stdout } = await promisify(execFile)(python, ["-c", program, bridge.node.url, block.hash], { timeout: 60_000 });
    assert.deepEqual(stdout.trim().split(" ").map(Number), block.transactions.map(({ type }) => Number(type)));
});

// `cast run` of Foundry 1.7 reads the block with Ethereum's types alone (mended in foundry-rs/foundry#16459).
test("cast", async () => {
    const [{ hash }] = block.transactions;
    const shown = await ok("cast", ["block", block.hash, "--full"], bridge.node.url);
    for (const { hash } of block.transactions) assert.match(shown, new RegExp(hash));
    assert.match(await ok("cast", ["tx", hash], bridge.node.url), /type +0x7e/);
    assert.match(await ok("cast", ["receipt", hash], bridge.node.url), /status +1/);
});

test("anvil, as a fork", async () => {
    const fork = await Anvil.start({ chainId: 13371, args: ["--fork-url", bridge.node.url, "--fork-block-number", Number(block.number)] });
    try {
        const { transactions } = await fork.rpc("eth_getBlockByHash", [block.hash, true]);
        assert.deepEqual(transactions.map(({ hash }) => hash), block.transactions.map(({ hash }) => hash));
        const balance = await bridge.node.rpc("eth_getBalance", [receiver, block.number]);
        assert.ok(BigInt(balance) > 0n);
        assert.equal(await fork.rpc("eth_getBalance", [receiver, "latest"]), balance);
    } finally {
        await fork.stop();
    }
});
