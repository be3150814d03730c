// The withdrawal tree once more, to judge the node's and the contract's by: depth 32, a node is
// keccak256(left ‖ right), an empty leaf zero.

import { concat, encodeAbiParameters, keccak256, parseAbiParameters, stringToHex, zeroHash } from "viem";

const DEPTH = 32;
const TAG = stringToHex("AuraWithdrawalV0", { size: 32 });
const LEAF = parseAbiParameters("bytes32, uint256, address, uint256, uint64, address, address, address, uint256, bytes32");
const ZEROS = [zeroHash];
for (let height = 0; height < DEPTH; height++) ZEROS.push(node(ZEROS[height], ZEROS[height]));

function node(left, right) {
    return keccak256(concat([left, right]));
}

/** Leaf of the withdrawal `w` of the deployment. */
export function leaf({ l1ChainId, portal, l2ChainId }, w) {
    const values = [TAG, BigInt(l1ChainId), portal, BigInt(l2ChainId), w.index, w.sender, w.recipient, w.token, w.amount, w.dataHash];
    return keccak256(keccak256(encodeAbiParameters(LEAF, values)));
}

/** Root of the tree with these leaves. */
export function rootOf(leaves) {
    let level = leaves;
    for (let height = 0; height < DEPTH; height++) {
        level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => node(level[2 * i], level[2 * i + 1] ?? ZEROS[height]));
    }
    return level[0] ?? ZEROS[DEPTH];
}

/** Siblings of the leaf `index`, lowest first. */
export function proofOf(leaves, index) {
    const siblings = [];
    let level = leaves;
    let place = Number(index);
    for (let height = 0; height < DEPTH; height++) {
        siblings.push(level[place ^ 1] ?? ZEROS[height]);
        level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => node(level[2 * i], level[2 * i + 1] ?? ZEROS[height]));
        place >>= 1;
    }
    return siblings;
}

/** What the calls of `AuraMessagePasser` on L2 left, oldest first, as L1 knows withdrawals. */
export const withdrawalOf = ({ index, sender, recipient, token, amount, data }) => ({
    index, sender, recipient, token, amount, dataHash: amount === 0n ? keccak256(data) : zeroHash,
});
