// Blocks that hold as much as somebody can make them hold: the chain goes on, and all of it is posted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFunctionData } from "viem";
import { Bridge, PATIENCE_MS, ROLES, portalAbi } from "../../lib/bridge.js";
import { Random } from "../../lib/random.js";
import { Sender } from "../../lib/sender.js";

const random = new Random(0x1a46e);
const noise = (bytes) => `0x${Array.from({ length: bytes / 4 }, () => random.next().toString(16).padStart(8, "0")).join("")}`;

async function withBridge(settings, work) {
    const bridge = await Bridge.start(settings);
    try {
        await work(bridge);
    } finally {
        await bridge.stop();
    }
}

test("a queue with more bytes than a block may have is taken in several blocks", () =>
    withBridge({ anvil: { blockTime: 0.25 } }, async (bridge) => {
        const ENTRIES = 300; // of 32 KiB: a block may have 8 MiB
        await bridge.node.end("SIGTERM");
        const data = encodeFunctionData({
            abi: portalAbi,
            functionName: "forceTransaction",
            args: [bridge.portal.address, 0n, 21_000n, `0x${"00".repeat(32 << 10)}`],
        });
        const senders = await Promise.all([1, 2, 3, 4, 5].map((index) => Sender.of(bridge.l1, index)));
        for (let i = 0; i < ENTRIES; i++) await senders[i % senders.length].send({ to: bridge.portal.address, data, gas: 600_000n });
        await Promise.all(senders.map((sender) => sender.allMined()));
        assert.equal(await bridge.portal.read("messageCount"), BigInt(ENTRIES));

        await bridge.startNode();
        await bridge.consumed(BigInt(ENTRIES));
        const head = Number(await bridge.l2.client.getBlockNumber());
        const blocks = await Promise.all(Array.from({ length: head }, (_, i) => bridge.l2.client.getBlock({ blockNumber: BigInt(i + 1) })));
        const taken = blocks.map(({ transactions }) => transactions.length).filter((count) => count > 0);
        assert.equal(taken.reduce((a, b) => a + b), ENTRIES);
        assert.ok(taken.length >= 3 && Math.max(...taken) <= 128, `entries by block: ${taken}`);
        await bridge.postsAgain();
    }));

test("the gas limit of a new chain is the operator's, and then what L1 sets", () =>
    withBridge({ anvil: { blockTime: 0.5 }, args: ["--gas-limit", 20_000_000] }, async (bridge) => {
        const limits = async () => {
            const numbers = Array.from({ length: Number(await bridge.l2.client.getBlockNumber()) + 1 }, (_, number) => BigInt(number));
            const blocks = await Promise.all(numbers.map((blockNumber) => bridge.l2.client.getBlock({ blockNumber })));
            return blocks.map(({ gasLimit }) => gasLimit);
        };
        await bridge.l2.send(3, { to: bridge.portal.address, value: 1n });
        assert.ok((await limits()).every((limit) => limit === 20_000_000n));

        const { logs } = await bridge.portal.write(ROLES.admin, "configure", [0, 60_000_000n]);
        const [{ id }] = bridge.entries(logs);
        await bridge.consumed(id + 1n);
        await bridge.l2.send(3, { to: bridge.portal.address, value: 1n });
        const after = await limits();
        const set = after.indexOf(60_000_000n);
        assert.ok(set > 0 && after.slice(0, set).every((limit) => limit === 20_000_000n), `${after}`);
        assert.ok(after.slice(set).every((limit) => limit === 60_000_000n), `${after}`);
        await bridge.postsAgain();

        // The operator cannot set another one on a chain that exists.
        await bridge.node.end("SIGTERM");
        bridge.flags = bridge.flags.map((flag) => (flag === 20_000_000 ? 30_000_000 : flag));
        await assert.rejects(bridge.startNode(), /sequencer.gas_limit is 30000000, but the gas limit of a chain with a bridge is the genesis's 20000000/);
    }));

for (const [name, settings] of [
    ["in blobs", { anvil: { blockTime: 0.5 } }],
    ["in calldata of the L1 inside", { embedded: true }],
]) {
    test(`blocks full of bytes that do not compress are posted ${name}`, () =>
        withBridge({ ...settings, blockTime: "3s" }, async (bridge) => {
            const before = await bridge.l2.client.getBlockNumber();
            const hashes = [];
            // 1.2 MB: more than a batch can hold, whatever the settings.
            for (const index of [1, 2, 3, 4, 5]) {
                const sender = await Sender.of(bridge.l2, index);
                for (let i = 0; i < 2; i++) {
                    hashes.push((await sender.send({ to: bridge.portal.address, data: noise(120_000), gas: 6_000_000n })).hash);
                }
            }
            const receipts = await Promise.all(hashes.map((hash) => bridge.l2.mined(hash)));
            const last = receipts.map(({ blockNumber }) => blockNumber).sort().at(-1);
            assert.ok(last - before >= 2n, "they did not fit one block");
            await bridge.rooted(last, 2 * PATIENCE_MS);
            await bridge.postsAgain();
        }));
}
