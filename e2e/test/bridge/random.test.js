// 500 random operations of users; then the sum of what L1 owes is what its escrow holds, of each token.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeFunctionData, parseEther } from "viem";
import { Bridge, ETHER, PREDEPLOYS, bridgeContract, freshAccount, portalAbi, tokenAbi } from "../../lib/bridge.js";
import { contract } from "../../lib/fixtures.js";
import { owed } from "../../lib/ledger.js";
import { Random } from "../../lib/random.js";
import { Sender } from "../../lib/sender.js";

const OPERATIONS = 500;
const CHECK_EVERY = 125;
const USERS = 5;
const SUPPLY = 10n ** 30n;
const GAS_MONEY = parseEther("1");
const passerAbi = bridgeContract("AuraMessagePasser").abi;
const tokenBridgeAbi = bridgeContract("AuraTokenBridge").abi;
const l2TokenAbi = bridgeContract("AuraERC20").abi;
const random = new Random(0x500a11);
const call = (abi, functionName, args) => encodeFunctionData({ abi, functionName, args });

let bridge;
let tokens; // ether first
let users; // accounts of nobody before, who have on L2 what came through the bridge
let payers; // senders on L1
let open; // withdrawals that were not paid: { index, token, amount, to }
let received; // on L1, by recipient and token
let done;

before(async () => {
    bridge = await Bridge.start();
    const artifacts = [["Token", ["Gold", "GLD", SUPPLY]], ["FeeToken", [SUPPLY]], ["SilentToken", [SUPPLY]]];
    tokens = [ETHER];
    for (const [name, args] of artifacts) {
        const { address } = await bridge.l1.deploy(contract(name), args, 1);
        tokens.push(address);
        await bridge.registerToken(address);
        await bridge.l1.at(address, tokenAbi).write(1, "approve", [bridge.portal.address, SUPPLY]);
    }
    payers = { ether: await Sender.of(bridge.l1, 2), token: await Sender.of(bridge.l1, 1), claim: await Sender.of(bridge.l1, 5) };
    const owners = Array.from({ length: USERS }, () => freshAccount(random));
    for (const { address } of owners) await bridge.deposit(3, GAS_MONEY, address);
    await bridge.consumed();
    users = await Promise.all(owners.map((owner) => Sender.of(bridge.l2, owner)));
    [open, received, done] = [[], new Map(), {}];
});
after(() => bridge?.stop());

const operations = {
    async deposit() {
        const to = random.pick(users).account.address;
        const amount = random.amount(parseEther("2"));
        await payers.ether.mined({ to: bridge.portal.address, value: amount, data: call(portalAbi, "depositTo", [to]) });
    },
    async depositToken() {
        const to = random.pick(users).account.address;
        const token = random.pick(tokens.slice(1));
        const data = call(portalAbi, "depositERC20", [token, to, 1_000n + random.amount(10n ** 21n)]);
        await payers.token.mined({ to: bridge.portal.address, data, gas: 300_000n });
    },
    async force() {
        // A transfer that no sequencer can leave out; half of them cannot be paid for.
        const value = random.pick([1n, parseEther("1000000")]);
        const data = call(portalAbi, "forceTransaction", [random.pick(users).account.address, value, 50_000n, "0x"]);
        await payers.ether.mined({ to: bridge.portal.address, value: random.amount(parseEther("0.1")), data });
    },
    async transfer() {
        const [from, to] = [random.pick(users), random.pick(users).account.address];
        await from.mined({ to, value: await part(from, ETHER), gas: 21_000n });
    },
    async transferToken() {
        const [from, to, token] = [random.pick(users), random.pick(users).account.address, random.pick(tokens.slice(1))];
        const amount = await part(from, token);
        if (amount === 0n) return false;
        const { address } = await bridge.l2Token(token);
        await from.mined({ to: address, data: call(l2TokenAbi, "transfer", [to, amount]) });
    },
    async withdraw() {
        const [from, to] = [random.pick(users), random.address()];
        const amount = await part(from, ETHER);
        if (amount === 0n) return false;
        const receipt = await from.mined({ to: PREDEPLOYS.passer, value: amount, data: call(passerAbi, "withdrawETH", [to]) });
        open.push({ index: bridge.passed(receipt).index, token: ETHER, amount, to });
    },
    async withdrawToken() {
        const [from, to, token] = [random.pick(users), random.address(), random.pick(tokens.slice(1))];
        const amount = await part(from, token);
        if (amount === 0n) return false;
        const data = call(tokenBridgeAbi, "withdraw", [token, to, amount]);
        const receipt = await from.mined({ to: PREDEPLOYS.tokenBridge, data, gas: 400_000n });
        open.push({ index: bridge.passed(receipt).index, token, amount, to });
    },
    async claim() {
        if (open.length === 0) return false;
        const [due] = open.splice(random.below(open.length), 1);
        const args = await bridge.arguments(due.index);
        await payers.claim.mined({ to: bridge.portal.address, data: bridge.calldata(args), gas: 400_000n });
        received.set(`${due.to} ${due.token}`, due);
    },
};

/** A part of what `user` has on L2 of `token`; of ether so much that gas can still be paid. */
async function part({ account }, token) {
    const balance = await bridge.onL2(account.address, token);
    const spare = token === ETHER ? balance - GAS_MONEY / 2n : balance;
    return spare > 0n ? random.amount(spare) : 0n;
}

/** Deposits and transfers more often than what takes value out, so that there is something to take. */
const chances = [
    "deposit", "deposit", "depositToken", "depositToken", "force", "transfer", "transfer", "transferToken", "transferToken",
    "withdraw", "withdraw", "withdrawToken", "withdrawToken", "claim", "claim",
];

async function compare(step) {
    await bridge.consumed();
    const holders = [...users.map(({ account }) => account.address), PREDEPLOYS.tokenBridge];
    for (const token of tokens) {
        const escrow = await bridge.onL1(bridge.portal.address, token);
        assert.equal(await owed(bridge, token, holders), escrow, `${token} after ${step} operations, seed ${random.seed}`);
    }
}

test(`what L1 owes is what it holds, after ${OPERATIONS} random operations, seed ${random.seed}`, async (context) => {
    for (let step = 0; step < OPERATIONS; ) {
        const name = random.pick(chances);
        if ((await operations[name]()) === false) continue;
        done[name] = (done[name] ?? 0) + 1;
        step += 1;
        if (step % CHECK_EVERY === 0) await compare(step);
    }
    context.diagnostic(JSON.stringify(done));
    assert.deepEqual(Object.keys(done).sort(), Object.keys(operations).sort(), "every kind of operation took place");
    // Whoever is still owed is paid.
    while (open.length > 0) await operations.claim();
    await compare("all");
    for (const { to, token, amount } of received.values()) {
        const kept = token === tokens[2] ? amount / 100n : 0n;
        assert.equal(await bridge.onL1(to, token), amount - kept, `recipient of ${amount} of ${token}`);
    }
});
