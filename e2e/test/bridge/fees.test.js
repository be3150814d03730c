// Fees of L1 jump to 50 times what they were and come back; the batcher's wallet is empty and is filled
// again: posting goes on without anybody who restarts something.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEther } from "viem";
import { Bridge, PATIENCE_MS, ROLES } from "../../lib/bridge.js";
import { accounts } from "../../lib/fixtures.js";
import { differences } from "../../lib/ledger.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";

const FACTOR = 50n;
const GWEI = 1_000_000_000n;
const random = new Random(0xfee5);
let bridge;
const receivers = [];

before(async () => (bridge = await Bridge.start({ anvil: { blockTime: 0.25 } })));
after(() => bridge?.stop());

async function deposit() {
    const to = random.address();
    receivers.push(to);
    await bridge.deposit(1, 1n + BigInt(random.below(1_000_000)), to);
}

async function whole() {
    await bridge.settled();
    await bridge.postsAgain();
    assert.deepEqual(await differences(bridge, receivers), []);
}

test("fees jump while transactions wait, stay high, and come back", async () => {
    await deposit();
    await bridge.settled();
    const { batchCount } = await bridge.head();
    // Something is sent at the low fee and waits...
    bridge.anvil.hold();
    await bridge.anvil.setBaseFee(GWEI);
    await bridge.anvil.mine();
    await bridge.l2.send(2, { to: random.address(), value: 1n });
    const { address } = accounts[ROLES.sequencer];
    const nonce = (blockTag) => bridge.l1.client.getTransactionCount({ address, blockTag });
    await eventually(async () => (await nonce("pending")) > (await nonce("latest")), PATIENCE_MS, "a batch that waits");
    // ...when the fee is fifty times as high, for a while.
    const low = await bridge.anvil.baseFee();
    assert.ok(low > GWEI / 2n, `base fee ${low}`);
    for (let i = 0; i < 40; i++) {
        await bridge.anvil.setBaseFee(low * FACTOR);
        await bridge.anvil.mine();
        await sleep(100);
    }
    await eventually(
        async () => {
            await bridge.anvil.setBaseFee(low * FACTOR);
            await bridge.anvil.mine();
            await sleep(200);
            return (await bridge.head()).batchCount > batchCount;
        },
        2 * PATIENCE_MS,
        "a batch at the high fee",
    );
    await bridge.anvil.setBaseFee(low);
    bridge.anvil.release();
    await deposit();
    await whole();
});

for (const [who, account] of [["batcher", ROLES.sequencer], ["proposer", ROLES.proposer]]) {
    test(`the ${who}'s wallet is empty and is filled again`, async () => {
        const { address } = accounts[account];
        await bridge.settled();
        const before = await bridge.head();
        await bridge.anvil.setBalance(address, 0n);
        await deposit();
        const { blockNumber } = await bridge.l2.send(2, { to: random.address(), value: 1n });
        // L2 lives on in the meantime; nothing is posted for want of money.
        await bridge.consumed();
        await sleep(3_000);
        assert.equal(await bridge.onL1(address), 0n);
        const meanwhile = await bridge.head();
        if (account === ROLES.sequencer) assert.equal(meanwhile.batchCount, before.batchCount, "no batch without money");
        else assert.equal(meanwhile.rootCount, before.rootCount, "no root without money");
        await bridge.l2.send(2, { to: random.address(), value: 1n });
        await bridge.anvil.setBalance(address, parseEther("10"));
        await bridge.rooted(blockNumber);
        await whole();
    });
}
