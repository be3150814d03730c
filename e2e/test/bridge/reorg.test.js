// L1 takes back 1, 3 and 20 blocks, with deposits, batches and roots in them: what was credited follows L1,
// users' transactions on L2 stay, and posting goes on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, parseEther } from "viem";
import { Bridge, ETHER, PATIENCE_MS, portalAbi } from "../../lib/bridge.js";
import { differences, owed } from "../../lib/ledger.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";
import { Sender } from "../../lib/sender.js";

const DEPTHS = [1, 3, 20];
const random = new Random(0x2e026);
let bridge;
let payer;
const receivers = []; // get deposits and nothing else
const kept = []; // get transfers on L2 that must not be lost: { to, value }

before(async () => {
    bridge = await Bridge.start({ anvil: { blockTime: 0.5 } });
    payer = await Sender.of(bridge.l1, 1);
    // No reorganisation reaches the contracts.
    await bridge.anvil.mine(30);
});
after(() => bridge?.stop());

const depositTo = (to) => encodeFunctionData({ abi: portalAbi, functionName: "depositTo", args: [to] });

/** Sends a deposit; returns what was sent. */
async function send(sender = payer) {
    const to = random.address();
    receivers.push(to);
    return { to, ...(await sender.send({ to: bridge.portal.address, value: 1n + BigInt(random.below(1_000_000)), data: depositTo(to) })) };
}

async function deposit() {
    const sent = await send();
    await bridge.l1.mined(sent.hash);
    return sent;
}

/**
 * A deposit in the newest block of L1, which L2 has seen; no block comes after it, and none of the `depth`
 * before has other deposits.
 */
async function newestDeposit(depth) {
    bridge.anvil.hold();
    await bridge.anvil.mine(depth);
    const sent = await send();
    await bridge.anvil.mine();
    await bridge.l1.mined(sent.hash);
    await bridge.consumed();
    return sent;
}

/** Mines one block after the other until `happened`; no block comes after that one. */
async function mineUntil(happened, what) {
    bridge.anvil.hold();
    await eventually(async () => (await happened()) || (await bridge.anvil.mine(), await sleep(200), happened()), PATIENCE_MS, what);
}

async function transfer() {
    const [to, value] = [random.address(), 1n + BigInt(random.below(1_000_000))];
    await bridge.l2.send(4, { to, value });
    kept.push({ to, value });
}

/**
 * Takes the newest block of L1 back, in the middle of `depth` blocks, after L2 had time to use what is in
 * them; `pairs` are transactions that come again. Then blocks come by themselves again.
 */
async function takeBack(depth, pairs) {
    for (let i = 0; i < Math.floor((depth - 1) / 2); i++) {
        await bridge.anvil.mine();
        await sleep(50);
    }
    await bridge.anvil.reorg(depth, pairs);
    bridge.anvil.release();
    await payer.sync();
}

async function whole() {
    // The node learns of it in its own time; what it then says must stay.
    await eventually(async () => (await differences(bridge, receivers)).length === 0, PATIENCE_MS, "balances as L1 says", 200);
    await bridge.settled();
    assert.deepEqual(await differences(bridge, receivers), []);
    const balances = async () => (await bridge.manyOnL2(kept.map(({ to }) => to))).map(String);
    const expected = kept.map(({ value }) => String(value));
    await eventually(async () => String(await balances()) === String(expected), PATIENCE_MS, "transfers on L2 again", 200);
    await bridge.postsAgain();
    assert.equal(await owed(bridge, ETHER, receivers.concat(kept.map(({ to }) => to))), await bridge.onL1(bridge.portal.address));
}

for (const depth of DEPTHS) {
    test(`depth ${depth}: a deposit that L2 has seen is gone`, async () => {
        await deposit();
        await whole();
        const lost = await newestDeposit(depth);
        assert.notEqual(await bridge.onL2(lost.to), 0n);
        await transfer();
        await takeBack(depth);
        assert.equal((await bridge.queue()).some(({ to }) => to.toLowerCase() === lost.to), false, "L1 has forgotten it");
        await whole();
        assert.equal(await bridge.onL2(lost.to), 0n);
    });

    test(`depth ${depth}: a deposit comes again in another block, after another`, async () => {
        const first = await newestDeposit(depth);
        const other = random.address();
        receivers.push(other);
        const sender = await Sender.of(bridge.l1, 2);
        const raw = await sender.sign({ to: bridge.portal.address, value: 5n, data: depositTo(other) });
        await transfer();
        await takeBack(depth, [[raw, depth - 1], [first.raw, depth - 1]]);
        await whole();
        assert.equal(await bridge.onL2(other), 5n);
    });

    test(`depth ${depth}: a batch is taken back`, async () => {
        const { batchCount } = await bridge.head();
        await transfer();
        await deposit();
        await mineUntil(async () => (await bridge.head()).batchCount > batchCount, "batch");
        await takeBack(depth);
        await transfer();
        await whole();
    });

    test(`depth ${depth}: a root is taken back, and a withdrawal under it is paid once`, async () => {
        const [to, amount] = [random.address(), 1n + BigInt(random.below(1_000))];
        await payer.mined({ to: bridge.portal.address, value: parseEther("0.01"), data: "0x" });
        // Too deep to be taken back: it pays for the withdrawal.
        await bridge.anvil.mine(depth);
        const { index, receipt } = await bridge.withdraw(5, amount, to);
        await mineUntil(async () => (await bridge.roots()).some(({ o }) => o.l2Block >= receipt.blockNumber), "root");
        await takeBack(depth);
        await whole();
        await bridge.claim(index);
        assert.equal(await bridge.onL1(to), amount);
        await assert.rejects(bridge.claim(index), /AlreadyClaimed/);
        await whole();
    });
}
