// One withdrawal is paid once: the attacks 1 to 9 of the bridge's design, with real proofs of the node
// against the real contracts. What needs a frozen rollup or a forged state (7 in full, exits in 8) is in
// contracts/test/bridge and contracts/test/SparseMerkle*.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { concat, hexToBytes, bytesToHex, keccak256, numberToHex, parseEther, toFunctionSelector, zeroHash } from "viem";
import { Bridge, freshAccount } from "../../lib/bridge.js";
import { appendBatch, deployBridge, emptyOutput, grant } from "../../lib/deploy.js";
import { accounts, contract } from "../../lib/fixtures.js";
import { Random } from "../../lib/random.js";

const random = new Random(0xa77ac4);
const AMOUNT = parseEther("1");
const REENTRANT = toFunctionSelector("ReentrancyGuardReentrantCall()");
const ALREADY_CLAIMED = toFunctionSelector("AlreadyClaimed()");
let bridge;

before(async () => {
    bridge = await Bridge.start();
    // The escrow could pay each of these attacks.
    const { id } = await bridge.deposit(1, parseEther("100"), accounts[1].address);
    await bridge.consumed(id + 1n);
});
after(() => bridge?.stop());

/** A withdrawal to `to`, ready to be paid: the arguments of the call. */
async function withdrawal(to, amount = AMOUNT, from = 1) {
    const { index } = await bridge.withdraw(from, amount, to);
    return bridge.arguments(index);
}

const simulated = (args, portal = bridge.portal) => portal.simulate(5, "withdraw", args);

test("1: once paid, a withdrawal is not paid again, under the same root or a later one", async () => {
    const to = random.address();
    const before = await bridge.onL2(accounts[1].address);
    const { index, receipt } = await bridge.withdraw(1, AMOUNT, to);
    const fee = receipt.gasUsed * receipt.effectiveGasPrice;
    assert.equal(await bridge.onL2(accounts[1].address), before - AMOUNT - fee, "debited on L2 before L1 pays");
    const args = await bridge.arguments(index);
    await bridge.pay(args);
    assert.equal(await bridge.onL1(to), AMOUNT);
    for (const by of [1, 5]) await assert.rejects(bridge.pay(args, by), /AlreadyClaimed/);

    // The same leaf is in the tree of every later root.
    const later = await withdrawal(random.address());
    assert.ok(later[1] > args[1], "another root");
    const again = await bridge.arguments(index, undefined, later[1]);
    assert.equal(again[1], later[1]);
    assert.notDeepEqual(again[3], args[3], "another proof");
    await assert.rejects(bridge.pay(again), /AlreadyClaimed/);
    await bridge.pay(later);
    await assert.rejects(bridge.pay(again), /AlreadyClaimed/);
    assert.equal(await bridge.onL1(to), AMOUNT);
    assert.equal(await bridge.portal.read("isClaimed", index), true);
});

test("2: a proof is of no use to another portal, nor under a root that was not posted", async () => {
    const args = await withdrawal(random.address());
    const [w, , output, proof] = args;
    // A second bridge on the same L1 for the same L2 chain id, whose poster of roots helps the attacker.
    const genesis = emptyOutput(output.withdrawalRoot);
    const other = await deployBridge(bridge.l1, { l2ChainId: bridge.deployment.l2ChainId, genesis, settings: { window: 0 } });
    await grant(other.rollup, "SEQUENCER", 5);
    await grant(other.rollup, "PROPOSER", 5);
    await other.portal.write(2, "depositTo", [accounts[2].address], parseEther("10"));
    const forged = { ...output, ...(await appendBatch(bridge.l1, other, 5)) };
    await other.rollup.write(5, "updateStateRoot", [forged]);
    await assert.rejects(simulated([w, 1n, forged, proof], other.portal), /BadProof/);
    await assert.rejects(simulated([w, 0n, genesis, proof], other.portal), /BadProof/);
    // And the output of the one is none of the other's.
    await assert.rejects(simulated([w, 1n, output, proof], other.portal), /WrongOutput/);
    await assert.rejects(simulated([w, args[1], forged, proof]), /WrongOutput/);
    await bridge.pay(args);
});

test("2: nor is an output that was changed in any member", async () => {
    const [w, rootId, output, proof] = await withdrawal(random.address());
    for (const name of ["stateRoot", "withdrawalRoot", "l2BlockHash", "batchHash"]) {
        const changed = { ...output, [name]: flip(output[name], random.below(256)) };
        await assert.rejects(simulated([w, rootId, changed, proof]), /WrongOutput/, name);
    }
    for (const name of ["l2Block", "batchIndex"]) {
        await assert.rejects(simulated([w, rootId, { ...output, [name]: output[name] + 1n }, proof]), /WrongOutput/, name);
    }
    await assert.rejects(simulated([w, rootId + 1_000n, output, proof]), /WrongOutput/);
    await assert.rejects(simulated([w, 0n, output, proof]), /WrongOutput/, "the root of the genesis");
    await bridge.pay([w, rootId, output, proof]);
});

test("3: a recipient that calls again from within its payment gets nothing more", async () => {
    const recipient = await bridge.l1.deploy(contract("Reenterer"), [bridge.portal.address]);
    const first = await bridge.withdraw(1, AMOUNT, recipient.address);
    const second = await bridge.withdraw(1, AMOUNT, recipient.address);
    const calls = [await bridge.arguments(first.index), await bridge.arguments(second.index)];
    for (const args of calls) await recipient.write(2, "prepare", [bridge.calldata(args)]);
    await bridge.pay(calls[0]);
    const answers = await recipient.read("answers");
    assert.deepEqual(answers.map((answer) => answer.slice(0, 10)), [REENTRANT, REENTRANT]);
    assert.equal(await bridge.onL1(recipient.address), AMOUNT);
    // The other one is still due, once.
    await bridge.pay(calls[1]);
    assert.equal(await bridge.onL1(recipient.address), 2n * AMOUNT);
    assert.equal(await recipient.read("paid"), 2n);
    for (const args of calls) await assert.rejects(bridge.pay(args), /AlreadyClaimed/);
});

test("4: a payment that fails for lack of gas, or because it is refused, can be repeated", async () => {
    const recipient = await bridge.l1.deploy(contract("Picky"));
    const args = await withdrawal(recipient.address);
    await assert.rejects(bridge.pay(args), /SendFailed/, "closed");
    await recipient.write(2, "open");
    const data = bridge.calldata(args);
    const { client } = bridge.l1;
    const needed = await client.estimateGas({ account: accounts[5].address, to: bridge.portal.address, data });
    let failures = 0;
    // Below that the calldata alone would cost more.
    for (let gas = 100_000n; gas < needed; gas += 12_500n) {
        const hash = await bridge.l1.wallet(5).sendTransaction({ to: bridge.portal.address, data, gas });
        const receipt = await client.waitForTransactionReceipt({ hash });
        if (receipt.status === "success") break;
        failures += 1;
        assert.equal(await bridge.portal.read("isClaimed", args[0].index), false, `${gas} gas`);
        assert.equal(await bridge.onL1(recipient.address), 0n);
    }
    assert.ok(failures >= 3, `${failures} failures`);
    if (!(await bridge.portal.read("isClaimed", args[0].index))) await bridge.pay(args);
    assert.equal(await bridge.onL1(recipient.address), AMOUNT);
    await assert.rejects(bridge.pay(args), /AlreadyClaimed/);
});

test("5: who claims, in which order and how often, changes nothing for others", async () => {
    const recipients = Array.from({ length: 4 }, () => random.address());
    const indexes = [];
    for (const to of recipients) indexes.push((await bridge.withdraw(1, AMOUNT, to)).index);
    const all = await Promise.all(indexes.map((index) => bridge.arguments(index)));
    const root = (rootId) => bridge.rollup.read("roots", rootId);
    const before = await root(all[0][1]);
    for (const i of [2, 0, 3, 1]) {
        await bridge.pay(all[i], 2 + (i % 3));
        await assert.rejects(bridge.pay(all[i], 2), /AlreadyClaimed/);
    }
    for (const to of recipients) assert.equal(await bridge.onL1(to), AMOUNT);
    const after = await root(all[0][1]);
    assert.deepEqual([after.output, after.postedAt], [before.output, before.postedAt], "the root's age is its own");
});

test(`6: no bit of index, leaf or siblings can be changed, seed ${random.seed}`, async () => {
    const args = await withdrawal(random.address());
    const [w, rootId, output, proof] = args;
    const refused = /BadProof|IndexRange|AlreadyClaimed/;
    for (let bit = 0; bit < 64; bit++) {
        const index = w.index ^ (1n << BigInt(bit));
        await assert.rejects(simulated([{ ...w, index }, rootId, output, proof]), refused, `bit ${bit} of the index`);
    }
    for (const name of ["sender", "recipient", "token"]) {
        for (let i = 0; i < 8; i++) {
            const changed = { ...w, [name]: flip(w[name].toLowerCase(), random.below(160)) };
            await assert.rejects(simulated([changed, rootId, output, proof]), refused, name);
        }
    }
    for (let i = 0; i < 8; i++) {
        await assert.rejects(simulated([{ ...w, dataHash: flip(w.dataHash, random.below(256)) }, rootId, output, proof]), refused);
        const amount = w.amount ^ (1n << BigInt(random.below(256)));
        await assert.rejects(simulated([{ ...w, amount }, rootId, output, proof]), refused);
    }
    for (let height = 0; height < proof.length; height++) {
        for (let i = 0; i < 4; i++) {
            const changed = proof.with(height, flip(proof[height], random.below(256)));
            await assert.rejects(simulated([w, rootId, output, changed]), refused, `sibling ${height}`);
        }
    }
    for (let i = 0; i + 1 < 8; i++) {
        if (proof[i] === proof[i + 1]) continue;
        const swapped = proof.with(i, proof[i + 1]).with(i + 1, proof[i]);
        await assert.rejects(simulated([w, rootId, output, swapped]), refused, "siblings in another order");
    }
    await simulated(args);
    await bridge.pay(args);
});

test("6: a proof of another length is no call at all", async () => {
    const args = await withdrawal(random.address());
    const data = bridge.calldata(args);
    const call = (changed) => bridge.l1.client.call({ account: accounts[5].address, to: bridge.portal.address, data: changed });
    await call(data);
    await assert.rejects(call(data.slice(0, -64)), "31 siblings");
    // What stands behind the last sibling is not read: it is the same claim, and is paid once.
    const longer = concat([data, zeroHash]);
    const hash = await bridge.l1.wallet(5).sendTransaction({ to: bridge.portal.address, data: longer });
    assert.equal((await bridge.l1.mined(hash)).status, "success");
    await assert.rejects(call(data), new RegExp(ALREADY_CLAIMED));
});

test("7: a node of the tree is no leaf, and a message no value", async () => {
    const [w, rootId, output, proof] = await withdrawal(random.address());
    const leaf = await bridge.portal.read("withdrawalLeaf", w);
    const even = (w.index & 1n) === 0n;
    const parent = keccak256(concat(even ? [leaf, proof[0]] : [proof[0], leaf]));
    // The parent in the leaf's place, one level higher.
    const higher = [...proof.slice(1), zeroHash];
    for (const dataHash of [parent, leaf]) {
        await assert.rejects(simulated([{ ...w, index: w.index >> 1n, dataHash }, rootId, output, higher]), /BadProof|AlreadyClaimed/);
    }
    await assert.rejects(bridge.portal.simulate(5, "consumeMessage", [w, rootId, output, proof]), /NotRecipient/);
    await bridge.pay([w, rootId, output, proof]);

    // A message carries nothing that could be paid, and only its recipient takes it.
    const receipt = await bridge.passer.write(1, "sendMessage", [accounts[2].address, "0xc0ffee"]);
    const message = await bridge.arguments(bridge.passed(receipt).index);
    await assert.rejects(simulated(message), /ZeroAmount/);
    await assert.rejects(simulated([{ ...message[0], amount: 1n }, ...message.slice(1)]), /BadProof/);
    await assert.rejects(bridge.portal.simulate(5, "consumeMessage", message), /NotRecipient/);
    await bridge.portal.write(2, "consumeMessage", message);
    await assert.rejects(bridge.portal.write(2, "consumeMessage", message), /AlreadyClaimed/);
});

test("8 and 9: a balance is proven by its own path only, and cannot leave while the rollup lives", async () => {
    const user = freshAccount(random);
    const { id } = await bridge.deposit(1, 12_345n, user.address);
    await bridge.consumed(id + 1n);
    // Exits are proven against final roots only.
    const { rootId } = await bridge.settled();
    await bridge.rollup.write(5, "finalize", [rootId]);
    const { output, account, proof } = await bridge.exitProof(user.address);
    const posted = await bridge.l1.deploy(contract("PostedRoots"));
    await posted.write(0, "post", [1n, output.stateRoot]);
    const holds = (path, address = user.address, balance = account.balance) =>
        posted.read("hasAccount", 1n, address, account.nonce, balance, account.codeHash, path).catch(() => false);
    assert.equal(account.balance, 12_345n);
    assert.equal(await holds(proof), true);
    const depths = [...hexToBytes(proof.depths)];
    const without = (list, i) => [...list.slice(0, i), ...list.slice(i + 1)];
    const twice = (list, i) => [...list.slice(0, i), list[i], ...list.slice(i)];
    for (let i = 0; i < depths.length; i++) {
        for (const change of [without, twice]) {
            const changed = { depths: bytesToHex(Uint8Array.from(change(depths, i))), siblings: change(proof.siblings, i) };
            assert.equal(await holds(changed), false, `${change.name} sibling ${i}`);
            assert.equal(await holds({ ...proof, siblings: changed.siblings }), false);
            assert.equal(await holds({ ...proof, depths: changed.depths }), false);
        }
        const moved = bytesToHex(Uint8Array.from(depths.with(i, (depths[i] + 1) & 0xff)));
        assert.equal(await holds({ ...proof, depths: moved }), false, "another depth");
    }
    // One account, one key: the path is nobody else's, and shows no other balance.
    assert.equal(await holds(proof, accounts[1].address), false);
    assert.equal(await holds(proof, user.address, account.balance + 1n), false);
    await assert.rejects(
        bridge.portal.simulate(5, "exitETH", [output, account, proof, user.address, "0x", user.address]),
        /NotFrozen/,
    );
});

/** `hex` with the bit `place` changed. */
function flip(hex, place) {
    const changed = BigInt(hex) ^ (1n << BigInt(place));
    return numberToHex(changed, { size: (hex.length - 2) / 2 });
}
