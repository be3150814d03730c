// MetaMask's own code: its network, gas fee and transaction controllers with their block tracker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeFunctionData } from "viem";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { MetaMask } from "../lib/metamask.js";
import { Viem } from "../lib/viem.js";

const USER = 7; // nobody else signs for this account, as its nonces are the wallet's
const [, bob, carol] = accounts.map(({ address }) => address.toLowerCase());
const alice = accounts[USER].address.toLowerCase();
let node;
let viem;
let mask;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    mask = await MetaMask.start(node.url, CHAIN_ID, alice);
});
after(async () => {
    mask?.stop();
    await node?.stop();
});

const request = (method, params = []) => mask.provider.request({ method, params });

test("a network is added, found available and EIP-1559 capable", async () => {
    await mask.network.lookupNetwork();
    const { networksMetadata, selectedNetworkClientId } = mask.network.state;
    assert.equal(selectedNetworkClientId, mask.clientId);
    assert.equal(networksMetadata[mask.clientId].status, "available");
    assert.equal(await mask.network.getEIP1559Compatibility(), true);
    assert.equal(mask.network.state.networksMetadata[mask.clientId].EIPS[1559], true);
    assert.equal(await request("eth_chainId"), mask.chainId);
});

test("the block tracker follows the head", async () => {
    const seen = [];
    const onBlock = (number) => seen.push(Number(number));
    mask.blockTracker.on("latest", onBlock);
    try {
        for (let i = 0; i < 2; i++) {
            const { blockNumber } = await viem.send(5, { to: bob, value: 1n });
            await eventually(() => seen.at(-1) === Number(blockNumber), 5_000, "the new block");
        }
    } finally {
        mask.blockTracker.removeListener("latest", onBlock);
    }
});

test("reads are made at the tracker's block", async () => {
    const { address, abi } = await viem.deploy(contract("Token"), ["Mask", "MSK", 1000n]);
    const number = await mask.blockTracker.checkForLatestBlock();
    assert.equal(BigInt(number), await viem.client.getBlockNumber());
    mask.sent.length = 0;
    assert.equal(BigInt(await request("eth_getBalance", [carol, "latest"])), 10n ** 22n);
    assert.match(await request("eth_call", [{ to: address, data: "0x95d89b41" }, "latest"]), /4d534b/);
    assert.ok(abi.length > 0 && (await request("eth_getCode", [address, "latest"])).length > 2);
    const blocks = mask.sent.filter(({ method }) => method !== "eth_blockNumber").map(({ method, params }) => [method, params.at(-1)]);
    assert.deepEqual(blocks, [["eth_getBalance", number], ["eth_call", number], ["eth_getCode", number]]);
});

test("fees of an unknown chain come from eth_gasPrice", async () => {
    mask.sent.length = 0;
    const { gasEstimateType, gasFeeEstimates } = await mask.fees.fetchGasFeeEstimates({ networkClientId: mask.clientId });
    assert.equal(gasEstimateType, "eth_gasPrice");
    assert.deepEqual(mask.sent.map(({ method }) => method).filter((method) => method !== "eth_blockNumber"), ["eth_gasPrice"]);
    const { baseFeePerGas } = await viem.client.getBlock();
    const price = Number(gasFeeEstimates.gasPrice) * 1e9;
    assert.ok(price >= Number(baseFeePerGas), `${price} wei is no safe fee cap at a base fee of ${baseFeePerGas}`);
});

test("a transfer is estimated, signed, sent and seen confirmed", async () => {
    mask.sent.length = 0;
    const before = await viem.client.getBalance({ address: bob });
    const { name, hash, meta } = await mask.send({ to: bob, value: "0xde0b6b3a7640000" });
    assert.equal(name, "transactionConfirmed", JSON.stringify(meta.error));
    assert.equal(meta.status, "confirmed");
    assert.deepEqual([meta.txParams.gas, meta.txParams.type], ["0x5208", "0x2"]);
    // Fee cap and tip are both the node's gas price.
    assert.equal(meta.txParams.maxFeePerGas, meta.txParams.maxPriorityFeePerGas);
    assert.equal(await viem.client.getBalance({ address: bob }), before + 10n ** 18n);
    const receipt = await viem.client.getTransactionReceipt({ hash });
    assert.equal(meta.txReceipt.blockHash, receipt.blockHash);
    assert.equal(Number(meta.txReceipt.gasUsed), 21_000);
    const methods = new Set(mask.sent.map(({ method }) => method));
    for (const method of ["eth_estimateGas", "eth_getTransactionCount", "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getBlockByHash"]) {
        assert.ok(methods.has(method), method);
    }
});

test("a contract is called, and a failing one is told", async () => {
    const probe = await viem.deploy(contract("Probe"));
    const set = encodeFunctionData({ abi: probe.abi, functionName: "set", args: [7n] });
    const { name, meta } = await mask.send({ to: probe.address.toLowerCase(), data: set });
    assert.equal(name, "transactionConfirmed", JSON.stringify(meta.error));
    assert.equal(await probe.read("value"), 7n);

    // failReason(uint256) with gas enough: it is mined and reverts.
    const data = encodeFunctionData({ abi: probe.abi, functionName: "failReason", args: [1n] });
    const failed = await mask.send({ to: probe.address.toLowerCase(), data, gas: "0x186a0" });
    assert.equal(failed.name, "transactionFailed");
    assert.equal((await viem.client.getTransactionReceipt({ hash: failed.hash })).status, "reverted");
});

test("a transaction that waits is sped up and confirmed once", async () => {
    // Nothing is mined until the nonce before it comes.
    const nonce = await viem.client.getTransactionCount({ address: alice });
    const { transactionMeta, result } = await mask.transactions.addTransaction(
        { from: alice, to: carol, value: "0x1", nonce: `0x${(nonce + 1).toString(16)}`, gas: "0x5208" },
        { networkClientId: mask.clientId, requireApproval: true },
    );
    const first = await result;
    assert.equal((await request("eth_getTransactionByHash", [first]))?.hash, first, "the promise of a hash");
    const confirmed = [];
    mask.root.subscribe("TransactionController:transactionConfirmed", (meta) => confirmed.push(meta.hash));
    await mask.transactions.speedUpTransaction(transactionMeta.id);
    const [faster] = mask.transactions.state.transactions.filter(({ type }) => type === "retry");
    assert.notEqual(faster.hash, first);
    await viem.send(USER, { to: bob, value: 1n, nonce });
    await eventually(() => confirmed.includes(faster.hash), 10_000, "the faster one");
    assert.equal(await request("eth_getTransactionReceipt", [first]), null);
    const { status } = mask.transactions.state.transactions.find(({ id }) => id === transactionMeta.id);
    assert.ok(["dropped", "failed"].includes(status), status);
});

test("a refusal reaches the page with the node's words", async () => {
    // The wallet wraps what the node says.
    const refusal = async (...call) => (await request(...call).then(assert.fail, (error) => error)).data;
    assert.equal((await refusal("eth_nothing")).code, -32601);
    const raw = await viem.wallet(5).signTransaction({ ...(await viem.wallet(5).prepareTransactionRequest({ to: bob, value: 1n })), nonce: 0 });
    const used = await refusal("eth_sendRawTransaction", [raw]);
    assert.match(used.message, /nonce too low/);
});
