// What L1 owes, from L1's events and L2's state alone, to compare with what its escrow holds.

import { parseEventLogs } from "viem";
import { ETHER, KIND, PREDEPLOYS, bridgeContract, portalAbi } from "./bridge.js";
import { accounts } from "./fixtures.js";

const passerAbi = bridgeContract("AuraMessagePasser").abi;

const sum = (values) => values.reduce((total, value) => total + value, 0n);

/**
 * What the bridge owes of `token`: balances on L2, what left L2 and was not paid, and what L2 has not
 * consumed. `holders` are the accounts that hold ether on L2 besides the prefunded ones; the prefunded
 * balances of the genesis are nobody's claim.
 */
export async function owed(bridge, token = ETHER, holders = []) {
    const { address } = bridge.portal;
    const logs = await bridge.l1.client.getLogs({ address, fromBlock: 0n, toBlock: "latest" });
    const paid = parseEventLogs({ abi: portalAbi, eventName: "Withdrawn", logs })
        .filter(({ args }) => args.token.toLowerCase() === token.toLowerCase())
        .map(({ args }) => args.amount);
    const consumed = await bridge.l1Block.read("consumed");
    const waiting = bridge.entries(logs).filter(({ id }) => id >= consumed);
    return (await onL2(bridge, token, holders)) - sum(paid) + sum(waiting.map((entry) => worth(entry, token)));
}

/** What a queue entry brings of `token`. */
export function worth({ kind, mint, data }, token) {
    if (token === ETHER) return mint;
    if (kind !== KIND.token) return 0n;
    // finalizeDeposit(address l1Token, address to, uint256 amount)
    const [l1Token, amount] = [`0x${data.slice(34, 74)}`, BigInt(`0x${data.slice(138, 202)}`)];
    return l1Token.toLowerCase() === token.toLowerCase() ? amount : 0n;
}

/** On L2, what left it included: ether that leaves stays in the message passer, tokens are burnt. */
async function onL2(bridge, token, holders) {
    if (token === ETHER) {
        const tracked = [...new Set([...accounts.map(({ address }) => address), PREDEPLOYS.passer, PREDEPLOYS.feeVault, ...holders])];
        const now = await bridge.manyOnL2(tracked);
        const atGenesis = await Promise.all(tracked.map((address) => bridge.l2.client.getBalance({ address, blockNumber: 0n })));
        return sum(now) - sum(atGenesis);
    }
    const supply = await (await bridge.l2Token(token)).read("totalSupply");
    const logs = await bridge.l2.client.getLogs({ address: PREDEPLOYS.passer, fromBlock: 0n, toBlock: "latest" });
    const left = parseEventLogs({ abi: passerAbi, eventName: "MessagePassed", logs })
        .filter(({ args }) => args.token.toLowerCase() === token.toLowerCase())
        .map(({ args }) => args.amount);
    return supply + sum(left);
}

/** What L1's queue, as it is, gave to each account in ether: `Map` of lower-case address to wei. */
export async function credits(bridge) {
    const totals = new Map();
    for (const { kind, to, mint } of await bridge.queue()) {
        if (kind !== KIND.credit) continue;
        const key = to.toLowerCase();
        totals.set(key, (totals.get(key) ?? 0n) + mint);
    }
    return totals;
}

/**
 * Compares the balances on L2 of `receivers`, who get deposits and do nothing else, with L1's queue as it
 * is; returns the differences.
 */
export async function differences(bridge, receivers) {
    const truth = await credits(bridge);
    const balances = await bridge.manyOnL2(receivers);
    return receivers
        .map((address, i) => ({ address, onL2: balances[i], onL1: truth.get(address.toLowerCase()) ?? 0n }))
        .filter(({ onL1, onL2: found }) => onL1 !== found);
}

