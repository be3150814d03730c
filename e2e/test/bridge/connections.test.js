// The connection to L1 is cut, slowed, refused and limited while 1,000 deposits are made: each is credited
// once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData } from "viem";
import { Bridge, portalAbi } from "../../lib/bridge.js";
import { differences } from "../../lib/ledger.js";
import { Random } from "../../lib/random.js";
import { Sender } from "../../lib/sender.js";

const DEPOSITS = 1_000;
const WAVE = 25;
const random = new Random(0xc0ec7);
let bridge;
let senders;

before(async () => {
    bridge = await Bridge.start({ anvil: { blockTime: 0.25 }, proxied: true });
    senders = await Promise.all([1, 2, 3, 4, 5].map((index) => Sender.of(bridge.l1, index)));
});
after(() => bridge?.stop());

/** What a network does while a wave of deposits is on its way. */
const troubles = {
    async kill(proxy) {
        await proxy.connected();
        proxy.kill();
    },
    async killTwice(proxy) {
        await troubles.kill(proxy);
        await sleep(150);
        proxy.kill();
    },
    async refuse(proxy) {
        await proxy.connected();
        proxy.mode = "refuse";
        proxy.kill();
        await sleep(400);
        proxy.mode = "pass";
    },
    async limit(proxy) {
        await proxy.connected();
        proxy.mode = "limit";
        proxy.kill();
        await sleep(400);
        proxy.mode = "pass";
    },
    async slow(proxy) {
        await proxy.connected();
        proxy.delayMs = 200;
        await sleep(500);
        proxy.kill();
        proxy.delayMs = 0;
    },
    none: () => sleep(100),
};

test(`connections cut during ${DEPOSITS} deposits, seed ${random.seed}`, async (context) => {
    const receivers = [];
    const count = {};
    for (let made = 0; made < DEPOSITS; made += WAVE) {
        const wave = [];
        for (let i = 0; i < WAVE; i++) {
            // Some receive again and again: a credit too many shows in any balance.
            const to = receivers.length > 10 && random.below(10) === 0 ? random.pick(receivers) : random.address();
            receivers.push(to);
            const data = encodeFunctionData({ abi: portalAbi, functionName: "depositTo", args: [to] });
            wave.push(senders[i % senders.length].send({ to: bridge.portal.address, value: 1n + BigInt(random.below(1_000_000)), data }));
        }
        const trouble = random.pick(Object.keys(troubles));
        count[trouble] = (count[trouble] ?? 0) + 1;
        await Promise.all([...wave, troubles[trouble](bridge.proxy)]);
    }
    await Promise.all(senders.map((sender) => sender.allMined()));
    context.diagnostic(`${JSON.stringify(count)}, ${bridge.proxy.killed} connections cut, ${bridge.proxy.accepted} made`);
    assert.ok(bridge.proxy.killed >= 30, "connections were cut");
    assert.equal(await bridge.portal.read("messageCount"), BigInt(DEPOSITS));
    await bridge.consumed(BigInt(DEPOSITS));
    assert.deepEqual(await differences(bridge, [...new Set(receivers)]), []);
    await bridge.settled();
    await bridge.postsAgain();
    assert.deepEqual(await differences(bridge, [...new Set(receivers)]), []);
});
