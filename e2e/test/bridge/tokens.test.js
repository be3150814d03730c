// Tokens go in, are used and come out again: one as usual, one that keeps a fee, one whose functions return
// nothing. What has arrived in the escrow is what L2 has.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { maxUint256, parseSignature } from "viem";
import { Bridge, PREDEPLOYS, freshAccount, tokenAbi } from "../../lib/bridge.js";
import { accounts, contract } from "../../lib/fixtures.js";
import { owed } from "../../lib/ledger.js";
import { Random } from "../../lib/random.js";

const SUPPLY = 10n ** 24n;
const random = new Random(0x70ce75);
let bridge;

before(async () => (bridge = await Bridge.start()));
after(() => bridge?.stop());

const kinds = [
    { name: "an ERC-20", artifact: "Token", args: ["Gold", "GLD", SUPPLY], metadata: ["Gold", "GLD", 18], arrives: (amount) => amount },
    { name: "a token with a fee", artifact: "FeeToken", args: [SUPPLY], metadata: ["Toll", "TOLL", 18], arrives: (amount) => amount - amount / 100n },
    { name: "a token that returns nothing", artifact: "SilentToken", args: [SUPPLY], metadata: ["Silent", "SIL", 6], arrives: (amount) => amount },
];

for (const { name, artifact, args, metadata, arrives } of kinds) {
    test(`${name}: round trip, exact`, async () => {
        const { address: token } = await bridge.l1.deploy(contract(artifact), args, 2);
        await bridge.registerToken(token);
        const [alice, bob, carol] = [freshAccount(random), random.address(), random.address()];
        const gas = await bridge.deposit(1, 10n ** 18n, alice.address);
        const deposit = 1_000_003n + random.amount(10n ** 20n);

        const { id } = await bridge.depositToken(2, token, deposit, alice.address);
        assert.equal(id, gas.id + 1n);
        await bridge.consumed(id + 1n);
        const arrived = arrives(deposit);
        assert.equal(await bridge.onL1(bridge.portal.address, token), arrived);
        const l2 = await bridge.l2Token(token);
        assert.equal(await l2.read("balanceOf", alice.address), arrived);
        assert.equal(l2.address.toLowerCase(), (await bridge.portal.read("l2Token", token)).toLowerCase(), "both layers agree on its place");
        const said = await Promise.all(["name", "symbol", "decimals"].map((what) => l2.read(what)));
        assert.deepEqual(said, metadata);
        assert.equal((await l2.read("l1Token")).toLowerCase(), token.toLowerCase());

        const sent = 3n + arrived / 3n;
        await l2.write(alice, "transfer", [bob, sent]);
        assert.equal(await l2.read("balanceOf", bob), sent, "nothing is kept on L2");
        const leaves = arrived / 4n;
        const { index } = await bridge.withdrawToken(alice, token, leaves, carol);
        assert.equal(await l2.read("balanceOf", alice.address), arrived - sent - leaves);
        assert.equal(await l2.read("totalSupply"), arrived - leaves);
        await bridge.claim(index);
        assert.equal(await bridge.onL1(carol, token), arrives(leaves));
        assert.equal(await bridge.onL1(bridge.portal.address, token), arrived - leaves);
        assert.equal(await owed(bridge, token), arrived - leaves);
        await assert.rejects(bridge.claim(index), /AlreadyClaimed/);
    });
}

test("a deposited token has permit", async () => {
    const { address: token } = await bridge.l1.deploy(contract("Token"), ["Pass", "PAS", SUPPLY], 2);
    await bridge.registerToken(token);
    const owner = freshAccount(random);
    const { id } = await bridge.depositToken(2, token, 1_000n, owner.address);
    await bridge.consumed(id + 1n);
    const l2 = await bridge.l2Token(token);
    const signature = await owner.signTypedData({
        domain: { name: "Pass", version: "1", chainId: bridge.deployment.l2ChainId, verifyingContract: l2.address },
        types: {
            Permit: [
                { name: "owner", type: "address" }, { name: "spender", type: "address" }, { name: "value", type: "uint256" },
                { name: "nonce", type: "uint256" }, { name: "deadline", type: "uint256" },
            ],
        },
        primaryType: "Permit",
        message: { owner: owner.address, spender: accounts[1].address, value: 400n, nonce: 0n, deadline: maxUint256 },
    });
    const { r, s, v } = parseSignature(signature);
    await l2.write(1, "permit", [owner.address, accounts[1].address, 400n, maxUint256, Number(v), r, s]);
    await l2.write(1, "transferFrom", [owner.address, accounts[1].address, 400n]);
    assert.equal(await l2.read("balanceOf", accounts[1].address), 400n);
});

test("a token of L2's own cannot claim the escrow of another", async () => {
    const { address: token } = await bridge.l1.deploy(contract("Token"), ["Real", "REAL", SUPPLY], 2);
    await bridge.registerToken(token);
    const { id } = await bridge.depositToken(2, token, 1_000n, accounts[1].address);
    await bridge.consumed(id + 1n);
    const fake = await bridge.l2.deploy(contract("Token"), ["Real", "REAL", SUPPLY], 3);
    // The bridge burns what it knows by the L1 token's address; the holder of the fake has none of that.
    await assert.rejects(bridge.withdrawToken(3, token, 1n, accounts[3].address));
    // A token that was never registered has no place on L2.
    await assert.rejects(bridge.withdrawToken(3, fake.address, 1n, accounts[3].address), /NotRegistered/);
    // Nobody but the node's own system calls mints.
    await assert.rejects(bridge.tokenBridge.write(3, "finalizeDeposit", [token, accounts[3].address, 1n]), /NotSystem/);
    await assert.rejects((await bridge.l2Token(token)).write(3, "mint", [accounts[3].address, 1n]), /NotTokenBridge/);
    assert.equal(await owed(bridge, token), 1_000n);
});

test("deposits that cannot be are refused on L1 by name", async () => {
    const { address: token } = await bridge.l1.deploy(contract("Token"), ["Late", "LATE", SUPPLY], 2);
    await assert.rejects(bridge.depositToken(2, token, 5n, accounts[2].address), /NotRegistered/);
    await assert.rejects(bridge.portal.write(2, "registerToken", [accounts[5].address]), /NotAContract/);
    await bridge.registerToken(token);
    await assert.rejects(bridge.portal.write(2, "registerToken", [token]), /AlreadyRegistered/);
    await bridge.l1.at(token, tokenAbi).write(2, "approve", [bridge.portal.address, 5n]);
    await assert.rejects(bridge.portal.write(2, "depositERC20", [token, `0x${"0".repeat(40)}`, 5n]), /ZeroAddress/);
    await assert.rejects(bridge.portal.write(2, "depositERC20", [token, accounts[2].address, 0n]), /ZeroAmount/);
    await assert.rejects(bridge.portal.write(2, "depositTo", [accounts[2].address]), /ZeroAmount/);
});

test("ether that is sent to the portal is a deposit of the sender; its events are there", async () => {
    const before = await bridge.onL2(accounts[4].address);
    const receipt = await bridge.l1.send(4, { to: bridge.portal.address, value: 77n });
    const [entry] = bridge.entries(receipt.logs);
    assert.deepEqual([entry.to, entry.mint, entry.kind], [accounts[4].address, 77n, 0]);
    await bridge.consumed(entry.id + 1n);
    assert.equal(await bridge.onL2(accounts[4].address), before + 77n);
    assert.equal(await bridge.onL2(PREDEPLOYS.tokenBridge), 0n);
});
