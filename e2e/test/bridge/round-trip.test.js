// Ether goes in, is used and comes out again, with viem and with cast, on anvil and on the L1 inside of
// `aura dev`; every balance exact to the wei.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseEther } from "viem";
import { Bridge, PATIENCE_MS, PREDEPLOYS, freshAccount } from "../../lib/bridge.js";
import { accounts } from "../../lib/fixtures.js";
import { owed } from "../../lib/ledger.js";
import { eventually } from "../../lib/node.js";
import { Random } from "../../lib/random.js";
import { ok } from "../../lib/run.js";
import { leaf, proofOf, rootOf, withdrawalOf } from "../../lib/withdrawals.js";

const random = new Random(0x5eed01);
const DEPOSIT = parseEther("3") + 17n;
const TRANSFER = parseEther("0.5") + 3n;
const WITHDRAWAL = parseEther("1.25") + 5n;
/** A bound of liveness, not of speed: the measured time is printed. */
const LATENCY_MS = 10_000;

for (const embedded of [false, true]) {
    describe(embedded ? "on the embedded L1" : "on anvil", () => {
        let bridge;
        before(async () => (bridge = await Bridge.start({ embedded })));
        after(() => bridge?.stop());
        viem(() => bridge);
        cast(() => bridge);
        latency(() => bridge);
        tree(() => bridge);
    });
}

/** Deposit, transfer, withdraw, prove, finalize; with wallets of viem. */
function viem(the) {
    test(`viem: ether round trip, seed ${random.seed}`, async () => {
        const bridge = the();
        const [alice, bob, carol] = [freshAccount(random), random.address(), random.address()];
        const escrow = await bridge.onL1(bridge.portal.address);

        const { id } = await bridge.deposit(1, DEPOSIT, alice.address);
        assert.equal(await bridge.onL1(bridge.portal.address), escrow + DEPOSIT);
        await bridge.consumed(id + 1n);
        assert.equal(await bridge.onL2(alice.address), DEPOSIT);

        const sent = await bridge.l2.send(alice, { to: bob, value: TRANSFER });
        const left = await bridge.withdraw(alice, WITHDRAWAL, carol);
        const fees = [sent, left.receipt].map(({ gasUsed, effectiveGasPrice }) => gasUsed * effectiveGasPrice);
        assert.equal(await bridge.onL2(bob), TRANSFER);
        assert.equal(await bridge.onL2(alice.address), DEPOSIT - TRANSFER - WITHDRAWAL - fees[0] - fees[1]);
        assert.deepEqual([left.recipient.toLowerCase(), left.amount], [carol, WITHDRAWAL]);

        await bridge.claim(left.index);
        assert.equal(await bridge.onL1(carol), WITHDRAWAL);
        assert.equal(await bridge.onL1(bridge.portal.address), escrow + DEPOSIT - WITHDRAWAL);
        assert.equal(await owed(bridge, undefined, [alice.address, bob]), escrow + DEPOSIT - WITHDRAWAL);
    });
}

/** The same from a shell: nothing but cast and what the node answers. */
function cast(the) {
    test("cast: ether round trip", async () => {
        const bridge = the();
        const [bob, carol, secret] = [random.address(), random.address(), random.key()];
        const [l1, l2] = [bridge.l1Url, bridge.node.url];
        const from = await ok("cast", ["wallet", "address", "--private-key", secret]);
        const send = async (url, privateKey, ...args) => {
            const receipt = JSON.parse(await ok("cast", ["send", "--json", "--private-key", privateKey, ...args], url));
            assert.equal(receipt.status, "0x1");
            return receipt;
        };
        const balance = async (url, address) => BigInt(await ok("cast", ["balance", address], url));

        await send(l1, accounts[2].privateKey, bridge.portal.address, "depositTo(address)", from, "--value", DEPOSIT);
        await eventually(async () => (await balance(l2, from)) === DEPOSIT, PATIENCE_MS, "deposit on L2");
        const paid = [await send(l2, secret, bob, "--value", TRANSFER)];
        paid.push(await send(l2, secret, PREDEPLOYS.passer, "withdrawETH(address)", carol, "--value", WITHDRAWAL));
        const fees = paid.map(({ gasUsed, effectiveGasPrice }) => BigInt(gasUsed) * BigInt(effectiveGasPrice));
        assert.equal(await balance(l2, bob), TRANSFER);
        assert.equal(await balance(l2, from), DEPOSIT - TRANSFER - WITHDRAWAL - fees[0] - fees[1]);

        const index = BigInt(paid[1].logs[0].topics[1]);
        const args = castArguments(await bridge.arguments(index));
        await send(l1, accounts[4].privateKey, bridge.portal.address, WITHDRAW, ...args);
        assert.equal(await balance(l1, carol), WITHDRAWAL);
    });
}

const WITHDRAW =
    "withdraw((uint64,address,address,address,uint256,bytes32),uint64,(bytes32,bytes32,bytes32,uint64,uint64,bytes32),bytes32[32])";

/** The arguments of the call as cast reads them. */
function castArguments([w, rootId, o, proof]) {
    const tuple = (values) => `(${values.join(",")})`;
    return [
        tuple([w.index, w.sender, w.recipient, w.token, w.amount, w.dataHash]),
        rootId,
        tuple([o.stateRoot, o.withdrawalRoot, o.l2BlockHash, o.l2Block, o.batchIndex, o.batchHash]),
        `[${proof.join(",")}]`,
    ];
}

/** From the receipt on L1 to the balance on L2. */
function latency(the) {
    test("a deposit is on L2 soon", async (context) => {
        const bridge = the();
        const times = [];
        for (let i = 0; i < 10; i++) {
            const to = random.address();
            await bridge.deposit(1, 1n, to);
            const start = performance.now();
            await eventually(async () => (await bridge.onL2(to)) === 1n, LATENCY_MS, "deposit on L2");
            times.push(performance.now() - start);
        }
        times.sort((a, b) => a - b);
        context.diagnostic(`deposit latency: median ${times[4].toFixed(0)} ms, worst ${times[9].toFixed(0)} ms`);
    });
}

/** What the node proves is judged by another implementation of the tree. */
function tree(the) {
    test("proofs are those of the tree of all withdrawals", async () => {
        const bridge = the();
        await bridge.withdraw(1, 1n, random.address());
        const count = await bridge.passer.read("count");
        const all = [];
        for (let index = 0n; index < count; index++) all.push(await bridge.arguments(index));
        const events = await bridge.l2.client.getLogs({ address: PREDEPLOYS.passer, fromBlock: 0n, toBlock: "latest" });
        const leaves = events.map((log) => leaf(bridge.deployment, withdrawalOf(bridge.passed({ logs: [log] }))));
        assert.equal(BigInt(leaves.length), count);
        assert.equal(await bridge.passer.read("root"), rootOf(leaves));
        for (const [index, [w, , output, proof]] of all.entries()) {
            assert.equal(leaf(bridge.deployment, w), leaves[index]);
            const posted = await bridge.passer.readAt(output.l2Block, "count");
            const then = leaves.slice(0, Number(posted));
            assert.equal(output.withdrawalRoot, rootOf(then), `root of withdrawal ${index}`);
            assert.deepEqual(proof, proofOf(then, index), `proof of withdrawal ${index}`);
        }
    });
}
