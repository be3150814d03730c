// The node is killed with -9 in the middle of deposits, batches and roots.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData } from "viem";
import { Bridge, ETHER, PATIENCE_MS, ROLES, portalAbi } from "../../lib/bridge.js";
import { accounts } from "../../lib/fixtures.js";
import { differences, owed } from "../../lib/ledger.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";
import { Sender } from "../../lib/sender.js";

const random = new Random(0xdead09);
let bridge;
let payer;
const receivers = []; // get deposits and nothing else
const others = []; // get transfers on L2

before(async () => {
    bridge = await Bridge.start({ anvil: { blockTime: 0.25 } });
    payer = await Sender.of(bridge.l1, 1);
});
after(() => bridge?.stop());

function deposit() {
    const to = random.address();
    receivers.push(to);
    const data = encodeFunctionData({ abi: portalAbi, functionName: "depositTo", args: [to] });
    return payer.send({ to: bridge.portal.address, value: 1n + BigInt(random.below(1_000_000)), data });
}

function transfer() {
    const to = random.address();
    others.push(to);
    return bridge.l2.send(2, { to, value: 1n });
}

/** Every balance is what L1 says, L1 holds what it owes, and posting goes on. */
async function whole() {
    await payer.mined({ to: payer.account.address, gas: 21_000n });
    assert.equal(await bridge.portal.read("messageCount"), BigInt(receivers.length), "all deposits are on L1");
    await bridge.settled();
    assert.deepEqual(await differences(bridge, receivers), []);
    await bridge.postsAgain();
    assert.equal(await owed(bridge, ETHER, receivers.concat(others)), await bridge.onL1(bridge.portal.address));
}

test(`killed during deposits, seed ${random.seed}`, async () => {
    for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 40; i++) await deposit();
        // Somewhere between the first log and the last block.
        await sleep(random.below(700));
        await bridge.crash();
    }
    await whole();
});

test("a transaction whose receipt was seen is there after kills", async () => {
    const kept = [];
    for (let round = 0; round < 3; round++) {
        await deposit();
        const receipt = await transfer();
        kept.push(receipt);
        await sleep(random.below(300));
        await bridge.crash();
    }
    await whole();
    for (const { transactionHash, blockHash } of kept) {
        assert.equal((await bridge.l2.client.getTransactionReceipt({ hash: transactionHash })).blockHash, blockHash);
    }
});

/** Kills the node as soon as `account` has sent something to L1 that is not mined, or that was mined just now. */
async function killWhilePosting(account, afterMs) {
    const { address } = accounts[account];
    const nonce = (blockTag) => bridge.l1.client.getTransactionCount({ address, blockTag });
    const before = await nonce("latest");
    await deposit();
    await transfer();
    await eventually(async () => (await nonce("pending")) > before, PATIENCE_MS, "something to post");
    await sleep(afterMs);
    await bridge.crash();
}

for (const [what, account] of [["batches", ROLES.sequencer], ["roots", ROLES.proposer]]) {
    test(`killed during ${what}`, async (context) => {
        for (const afterMs of [0, 0, 100, 250, 400]) await killWhilePosting(account, afterMs);
        await whole();
        const batches = (await bridge.roots()).map(({ o }) => o.batchIndex);
        assert.deepEqual(batches, [...new Set(batches)], "no batch has two roots");
        context.diagnostic(`${batches.length} roots, ${await bridge.failedPosts()} failed transactions on L1`);
    });
}

test("what happened on L1 while the node was down is not lost", async () => {
    await deposit();
    await bridge.node.end("SIGKILL");
    for (let i = 0; i < 60; i++) await deposit();
    await bridge.anvil.mine(40);
    await bridge.startNode();
    await whole();
});
