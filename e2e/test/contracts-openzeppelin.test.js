// OpenZeppelin's tokens and its governor with a timelock, compiled here.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BaseError, ContractFunctionRevertedError, encodeFunctionData, keccak256, parseEther, parseEventLogs, toHex, zeroAddress } from "viem";
import { Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, signer } from "../lib/viem.js";

const [alice, bob, carol] = accounts.map(({ address }) => address);
let node;
let viem;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
});
after(() => node?.stop());

/** Awaits the revert of `promise`; returns the name and the arguments of its custom error. */
async function custom(promise) {
    try {
        await promise;
    } catch (error) {
        assert.ok(error instanceof BaseError, error);
        const { data } = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
        return [data.errorName, data.args];
    }
    assert.fail("should have reverted");
}

test("ERC-20: transfer, allowance and what it refuses", async () => {
    const token = await viem.deploy(contract("Token"), ["Token", "TOK", 1000n]);
    const { logs } = await token.write(0, "transfer", [bob, 400n]);
    const [{ eventName, args }] = parseEventLogs({ abi: token.abi, logs });
    assert.deepEqual([eventName, args], ["Transfer", { from: alice, to: bob, value: 400n }]);
    await token.write(1, "approve", [carol, 150n]);
    await token.write(2, "transferFrom", [bob, carol, 100n]);
    assert.deepEqual(await Promise.all([alice, bob, carol].map((who) => token.read("balanceOf", who))), [600n, 300n, 100n]);
    assert.equal(await token.read("allowance", bob, carol), 50n);
    assert.deepEqual(await custom(token.simulate(2, "transferFrom", [bob, carol, 51n])), ["ERC20InsufficientAllowance", [carol, 50n, 51n]]);
    assert.deepEqual(await custom(token.simulate(2, "transfer", [alice, 101n])), ["ERC20InsufficientBalance", [carol, 100n, 101n]]);
});

test("ERC-721: mint, safe transfer, enumeration and interfaces", async () => {
    const nft = await viem.deploy(contract("Collectible"));
    for (const id of [7n, 8n]) await nft.write(0, "mint", [alice, id]);
    await nft.write(0, "approve", [bob, 8n]);
    await nft.write(1, "safeTransferFrom", [alice, carol, 8n]);
    assert.deepEqual([await nft.read("ownerOf", 7n), await nft.read("ownerOf", 8n)], [alice, carol]);
    assert.deepEqual([await nft.read("totalSupply"), await nft.read("tokenOfOwnerByIndex", carol, 0n)], [2n, 8n]);
    assert.equal(await nft.read("tokenURI", 8n), "ipfs://collectible/8");
    assert.deepEqual(await Promise.all(["0x80ac58cd", "0x780e9d63", "0xffffffff"].map((id) => nft.read("supportsInterface", id))), [true, true, false]);
    const logs = await viem.client.getContractEvents({ ...nft, eventName: "Transfer", args: { tokenId: 8n }, fromBlock: 0n });
    assert.deepEqual(logs.map(({ args }) => [args.from, args.to]), [[zeroAddress, alice], [alice, carol]]);
    // A contract that cannot hold tokens refuses them.
    assert.deepEqual(await custom(nft.simulate(0, "safeTransferFrom", [alice, nft.address, 7n])), ["ERC721InvalidReceiver", [nft.address]]);
});

test("ERC-1155: batches", async () => {
    const items = await viem.deploy(contract("Items"), [[1n, 2n, 3n], [10n, 20n, 30n]]);
    const { logs } = await items.write(0, "safeBatchTransferFrom", [alice, bob, [1n, 3n], [4n, 5n], "0x"]);
    const [{ eventName, args }] = parseEventLogs({ abi: items.abi, logs });
    assert.deepEqual([eventName, args.ids, args.values], ["TransferBatch", [1n, 3n], [4n, 5n]]);
    assert.deepEqual(await items.read("balanceOfBatch", [alice, alice, alice, bob, bob], [1n, 2n, 3n, 1n, 3n]), [6n, 20n, 25n, 4n, 5n]);
    await items.write(1, "setApprovalForAll", [carol, true]);
    await items.write(2, "safeTransferFrom", [bob, carol, 1n, 1n, "0x"]);
    assert.equal(await items.read("balanceOf", carol, 1n), 1n);
    assert.equal((await custom(items.simulate(0, "safeTransferFrom", [alice, bob, 2n, 21n, "0x"])))[0], "ERC1155InsufficientBalance");
});

/** The states of a proposal, by their numbers. */
const [PENDING, ACTIVE, SUCCEEDED, QUEUED, EXECUTED] = [0, 1, 4, 5, 7];

test("Governor: propose, vote, queue and execute after the timelock's delay", async () => {
    const delay = 2n;
    const votes = await viem.deploy(contract("Votes"), [parseEther("100")]);
    const timelock = await viem.deploy(contract("TimelockController"), [delay, [], [zeroAddress], alice]);
    const assembly = contract("Assembly");
    // The timelock's errors come through the governor.
    const errors = timelock.abi.filter(({ type }) => type === "error");
    const governor = await viem.deploy({ ...assembly, abi: [...assembly.abi, ...errors] }, [votes.address, timelock.address]);
    await timelock.write(0, "grantRole", [await timelock.read("PROPOSER_ROLE"), governor.address]);

    // The treasury is the timelock's; voters delegate before the vote.
    await votes.write(0, "transfer", [timelock.address, parseEther("10")]);
    await votes.write(0, "transfer", [bob, parseEther("30")]);
    await votes.write(0, "delegate", [alice]);
    await votes.write(1, "delegate", [bob]);

    const data = encodeFunctionData({ abi: votes.abi, functionName: "transfer", args: [carol, parseEther("10")] });
    const action = [[votes.address], [0n], [data]];
    const text = "pay carol";
    const byHash = [...action, keccak256(toHex(text))];
    const { logs } = await governor.write(0, "propose", [...action, text]);
    const [{ args: { proposalId, voteStart } }] = parseEventLogs({ abi: governor.abi, logs, eventName: "ProposalCreated" });
    const state = () => governor.read("state", proposalId);
    /** A block that does nothing but come: the governor's clock. */
    const tick = () => viem.send(5, { to: accounts[6].address, value: 1n });
    assert.equal(await state(), PENDING);
    while ((await viem.client.getBlockNumber()) <= voteStart) await tick();
    assert.equal(await state(), ACTIVE);

    // One vote is sent, one is signed and brought by somebody else.
    await governor.write(0, "castVoteWithReason", [proposalId, 1, "earned"]);
    const signature = await signer(1).signTypedData({
        domain: { name: "Assembly", version: "1", chainId: viem.chain.id, verifyingContract: governor.address },
        types: {
            Ballot: [
                { name: "proposalId", type: "uint256" }, { name: "support", type: "uint8" },
                { name: "voter", type: "address" }, { name: "nonce", type: "uint256" },
            ],
        },
        primaryType: "Ballot",
        message: { proposalId, support: 0, voter: bob, nonce: 0n },
    });
    await governor.write(7, "castVoteBySig", [proposalId, 0, bob, signature]);
    assert.deepEqual(await governor.read("proposalVotes", proposalId), [parseEther("30"), parseEther("60"), 0n]);
    assert.equal((await custom(governor.simulate(0, "castVote", [proposalId, 1])))[0], "GovernorAlreadyCastVote");

    const deadline = await governor.read("proposalDeadline", proposalId);
    while ((await viem.client.getBlockNumber()) <= deadline) await tick();
    assert.equal(await state(), SUCCEEDED);
    await governor.write(3, "queue", byHash);
    assert.equal(await state(), QUEUED);
    const eta = await governor.read("proposalEta", proposalId);
    const queued = await viem.client.getBlock();
    assert.equal(eta, queued.timestamp + delay, "the delay runs from the block that queued it");
    assert.equal((await custom(governor.simulate(3, "execute", byHash)))[0], "TimelockUnexpectedOperationState");
    // No block comes by itself, but an estimate is made on the time of the next one.
    const estimate = () => viem.client.estimateContractGas({ ...governor, functionName: "execute", args: byHash, account: signer(3) });
    await eventually(() => estimate().then((gas) => gas > 0n, () => false), 10_000, "the delay");
    await governor.write(3, "execute", byHash);
    assert.equal(await state(), EXECUTED);
    assert.deepEqual(await Promise.all([carol, timelock.address].map((who) => votes.read("balanceOf", who))), [parseEther("10"), 0n]);
});
