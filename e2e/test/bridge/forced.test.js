// What is in the queue comes to L2: by an honest sequencer once it is overdue, and against a censoring one
// by a call of anybody.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeFunctionData, parseEther } from "viem";
import { Bridge, PATIENCE_MS, PREDEPLOYS, bridgeContract } from "../../lib/bridge.js";
import { accounts } from "../../lib/fixtures.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";

const FORCE_DELAY_S = 30n;
const HOLD = "--testing-hold-queue";
const random = new Random(0xf02ced);
const passerAbi = bridgeContract("AuraMessagePasser").abi;
let bridge;

before(async () => (bridge = await Bridge.start({ anvil: { blockTime: 0.5 } })));
after(() => bridge?.stop());

/** A transaction on L2 sent by way of L1, with ether for it. */
async function force(index, { to, value = 0n, gas = 21_000n, data = "0x", mint = 0n }) {
    const { logs } = await bridge.portal.write(index, "forceTransaction", [to, value, gas, data], mint);
    return bridge.entries(logs)[0];
}

/** Waits until the entry is overdue: L1's clock is that of the world, and so is L2's. */
async function overdue({ time }) {
    const late = async () => (await bridge.l1.client.getBlock()).timestamp > time + FORCE_DELAY_S;
    await eventually(late, PATIENCE_MS, "time", 500);
}

test("a forced transaction runs as its sender, pays its gas, and may fail", async () => {
    const [from, to] = [accounts[1].address, random.address()];
    const before = await bridge.onL2(from);
    const nonce = await bridge.l2.client.getTransactionCount({ address: from });
    const mint = parseEther("0.5");
    const { id } = await force(1, { to, value: 1_000n, mint });
    await bridge.consumed(id + 1n);
    assert.equal(await bridge.onL2(to), 1_000n);
    const spent = before + mint - 1_000n - (await bridge.onL2(from));
    assert.ok(spent > 0n && spent < parseEther("0.001"), `gas cost ${spent}`);
    assert.equal(await bridge.l2.client.getTransactionCount({ address: from }), nonce + 1);

    // More than the account has: the ether that came with it stays, nothing else happens.
    const rich = await bridge.onL2(from);
    const failing = await force(1, { to, value: parseEther("1000000"), mint: 5n });
    await bridge.consumed(failing.id + 1n);
    assert.equal(await bridge.onL2(from), rich + 5n);
    assert.equal(await bridge.onL2(to), 1_000n);
    assert.equal(await bridge.l2.client.getTransactionCount({ address: from }), nonce + 1);
});

test("who is not let in on L2 leaves by L1 alone: a forced withdrawal", async () => {
    const to = random.address();
    const data = encodeFunctionData({ abi: passerAbi, functionName: "withdrawETH", args: [to] });
    const count = await bridge.passer.read("count");
    const { id } = await force(2, { to: PREDEPLOYS.passer, value: 777n, gas: 300_000n, data, mint: parseEther("0.1") });
    await bridge.consumed(id + 1n);
    assert.equal(await bridge.passer.read("count"), count + 1n);
    await bridge.claim(count);
    assert.equal(await bridge.onL1(to), 777n);
});

test("an overdue entry makes the sequencer include it", async () => {
    await bridge.settled();
    await bridge.node.end("SIGKILL");
    const to = random.address();
    const entry = await force(1, { to, value: 3n, mint: parseEther("0.1") });
    const { id } = entry;
    await overdue(entry);
    const { batchCount } = await bridge.head();
    await bridge.startNode();
    await eventually(async () => (await bridge.head()).consumed > id, PATIENCE_MS, "the entry in a batch");
    assert.ok((await bridge.head()).batchCount > batchCount);
    assert.equal(await bridge.onL2(to), 3n);
    await bridge.postsAgain();
});

test("with a censoring sequencer anybody forces the queue, and the chain goes on", async () => {
    await bridge.settled();
    await bridge.crash([HOLD]);
    const [to, friend] = [random.address(), random.address()];
    const entry = await force(1, { to, value: 11n, mint: parseEther("0.1") });
    const { id } = entry;
    await bridge.l2.send(4, { to: friend, value: 5n });
    await assert.rejects(bridge.rollup.write(5, "forceBatch", [id + 1n]), /NothingOverdue/);
    assert.equal(await bridge.l1Block.read("consumed"), id, "the sequencer leaves it out");
    await overdue(entry);

    // Account 5 has no role.
    await bridge.rollup.write(5, "forceBatch", [id + 1n]);
    assert.ok((await bridge.head()).consumed > id);
    await bridge.consumed(id + 1n);
    assert.equal(await bridge.onL2(to), 11n);
    // What users had done is not lost by it.
    await eventually(async () => (await bridge.onL2(friend)) === 5n, PATIENCE_MS, "the friend's transfer");
    await assert.rejects(bridge.rollup.write(5, "forceBatch", [id + 1n]), /NothingOverdue/);
    await bridge.postsAgain();
    const { o } = (await bridge.roots()).at(-1);
    assert.equal((await bridge.l2.client.getBlock({ blockNumber: o.l2Block })).hash, o.l2BlockHash);

    // And when it censors no more, nothing is left behind.
    await bridge.crash();
    const { id: next } = await bridge.deposit(2, 9n, to);
    await bridge.consumed(next + 1n);
    assert.equal(await bridge.onL2(to), 20n);
    await bridge.settled();
});
