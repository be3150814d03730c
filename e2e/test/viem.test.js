// viem over HTTP and WebSocket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    BaseError, ContractFunctionRevertedError, InsufficientFundsError, NonceTooLowError, createPublicClient, createWalletClient,
    decodeEventLog, defineChain, http, parseEther, parseGwei, webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";

const { abi, bytecode } = contract("Probe");
const token = contract("Token");
const signer = (index) => privateKeyToAccount(accounts[index].privateKey);
let node;
let chain;
let client;
let probe;

const wallet = (index) => createWalletClient({ account: signer(index), chain, transport: http(node.url, { retryCount: 0 }), pollingInterval: 50 });
const mined = (hash) => client.waitForTransactionReceipt({ hash });

before(async () => {
    node = await Node.start();
    chain = defineChain({
        id: CHAIN_ID,
        name: "Aura",
        nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
        rpcUrls: { default: { http: [node.url], webSocket: [node.ws] } },
    });
    client = createPublicClient({ chain, transport: http(node.url, { retryCount: 0 }), pollingInterval: 50, cacheTime: 0 });
    probe = (await mined(await wallet(0).deployContract({ abi, bytecode }))).contractAddress;
});
after(() => node?.stop());

/** Awaits viem's rejection and returns the innermost error of class `kind`. */
async function refusal(promise, kind) {
    try {
        await promise;
    } catch (error) {
        assert.ok(error instanceof BaseError, error);
        const found = error.walk((cause) => cause instanceof kind);
        assert.ok(found, `not a ${kind.name}: ${error}`);
        return found;
    }
    assert.fail("should have been refused");
}

test("a token is deployed, written and read", async () => {
    const hash = await wallet(0).deployContract({ abi: token.abi, bytecode: token.bytecode, args: ["Viem", "VIE", 1000n] });
    const { contractAddress: address, status } = await mined(hash);
    assert.equal(status, "success");
    const { request, result } = await client.simulateContract({
        account: signer(0), address, abi: token.abi, functionName: "transfer", args: [accounts[1].address, 30n],
    });
    assert.equal(result, true);
    await mined(await wallet(0).writeContract(request));
    const balances = await Promise.all(
        [0, 1].map((i) => client.readContract({ address, abi: token.abi, functionName: "balanceOf", args: [accounts[i].address] })),
    );
    assert.deepEqual(balances, [970n, 30n]);
});

test("blocks, fees and state at a number agree", async () => {
    const block = await client.getBlock({ includeTransactions: true });
    assert.equal((await client.getBlock({ blockHash: block.hash })).number, block.number);
    const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
    assert.equal(history.baseFeePerGas.at(-2), block.baseFeePerGas);
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas();
    assert.ok(maxFeePerGas >= block.baseFeePerGas && maxPriorityFeePerGas <= maxFeePerGas);
    assert.equal(await client.getBalance({ address: accounts[9].address, blockNumber: 0n }), parseEther("10000"));
    assert.equal(await client.getBlockTransactionCount({ blockNumber: block.number }), block.transactions.length);
    assert.equal(typeof (await client.getBlock({ blockTag: "pending" })).timestamp, "bigint");
});

/** Watches over `transport` while five pings are sent; each must be seen once, in order. */
async function watch(transport) {
    const watcher = createPublicClient({ chain, transport, pollingInterval: 50, cacheTime: 0 });
    const seen = [];
    const heads = [];
    const errors = [];
    const stop = [
        watcher.watchContractEvent({
            address: probe, abi, eventName: "Ping", strict: true, args: { from: accounts[2].address },
            onLogs: (logs) => seen.push(...logs.map((log) => log.args.id)), onError: (error) => errors.push(error),
        }),
        watcher.watchBlocks({ emitMissed: true, onBlock: (block) => heads.push(block.number), onError: (error) => errors.push(error) }),
    ];
    try {
        const ping = async (id) =>
            mined(await wallet(2).writeContract({ address: probe, abi, functionName: "ping", args: [id, "watched"] }));
        // viem does not say when its subscriptions stand, so pings are sent until one is seen.
        for (let i = 0; i < 40 && (seen.length === 0 || heads.length === 0); i++) {
            const { blockNumber } = await ping(0n);
            await eventually(() => heads.at(-1) >= blockNumber && seen.length > 0, 250, "").catch(() => {});
        }
        const first = (await client.getBlockNumber()) + 1n;
        for (let id = 1n; id <= 5n; id++) await ping(id);
        await eventually(() => seen.includes(5n) && heads.includes(first + 4n), 10_000, "events");
        assert.deepEqual(seen.filter((id) => id > 0n), [1n, 2n, 3n, 4n, 5n]);
        // viem fetches each block by itself, and one answer may overtake another.
        const counted = heads.filter((number) => number >= first).sort((a, b) => Number(a - b));
        assert.deepEqual(counted, [0n, 1n, 2n, 3n, 4n].map((i) => first + i), "every head once");
        assert.deepEqual(errors, []);
    } finally {
        stop.forEach((end) => end());
        // viem keeps a socket open for the next user of the same URL; the test has to end.
        if (watcher.transport.type === "webSocket") (await watcher.transport.getRpcClient()).close();
    }
}

test("events and blocks are watched over WebSocket", () => watch(webSocket(node.ws, { reconnect: false })));

test("events and blocks are watched over HTTP", () => watch(http(node.url)));

test("a revert reason and a custom error are decoded", async () => {
    const call = (functionName, args) => client.simulateContract({ account: signer(1), address: probe, abi, functionName, args });
    const reason = await refusal(call("failReason", [1n]), ContractFunctionRevertedError);
    assert.equal(reason.reason, "no entry");
    const custom = await refusal(call("failCustom", [7n]), ContractFunctionRevertedError);
    assert.deepEqual([custom.data.errorName, custom.data.args], ["Probe_Refused", [accounts[1].address, 7n]]);
    const estimate = client.estimateContractGas({ account: signer(1), address: probe, abi, functionName: "failCustom", args: [8n] });
    const estimated = await refusal(estimate, ContractFunctionRevertedError);
    assert.deepEqual(estimated.data.args, [accounts[1].address, 8n]);
});

test("sendRawTransactionSync answers with the receipt", async () => {
    const account = signer(3);
    const request = await wallet(3).prepareTransactionRequest({ account, to: probe, data: "0x", value: 5n });
    const serializedTransaction = await account.signTransaction(request);
    const receipt = await client.sendRawTransactionSync({ serializedTransaction });
    assert.equal(receipt.status, "success");
    assert.equal((await client.getTransactionReceipt({ hash: receipt.transactionHash })).blockHash, receipt.blockHash);
    const next = await account.signTransaction({ ...request, nonce: request.nonce + 1 });
    const timed = await client.sendRawTransactionSync({ serializedTransaction: next, timeout: 5_000 });
    assert.equal(timed.status, "success");
});

test("refusals are classed as viem knows them", async () => {
    const to = accounts[5].address;
    await mined(await wallet(4).sendTransaction({ to, value: 1n }));
    await refusal(wallet(4).sendTransaction({ to, value: 1n, nonce: 0, gas: 21_000n }), NonceTooLowError);
    await refusal(wallet(4).sendTransaction({ to, value: parseEther("20000"), gas: 21_000n }), InsufficientFundsError);
    await refusal(client.estimateGas({ account: signer(4), to, value: parseEther("20000"), maxFeePerGas: parseGwei("10") }), InsufficientFundsError);
});

test("an EIP-7702 authorization makes an account run a contract's code", async () => {
    const owner = signer(6);
    const authorization = await wallet(6).signAuthorization({ account: owner, contractAddress: probe, executor: "self" });
    const hash = await wallet(6).sendTransaction({ to: owner.address, authorizationList: [authorization], value: 0n, gas: 200_000n });
    const receipt = await mined(hash);
    assert.deepEqual([receipt.status, receipt.type], ["success", "eip7702"]);
    const code = await client.getCode({ address: owner.address });
    assert.equal(code, `0xef0100${probe.slice(2).toLowerCase()}`);
    const value = await client.readContract({ address: owner.address, abi, functionName: "value" });
    assert.equal(value, 1n, "the delegated receive() counted the transfer");
    const tx = await client.getTransaction({ hash });
    assert.equal(tx.authorizationList[0].address.toLowerCase(), probe.toLowerCase());
    // Clearing the delegation empties the code again.
    const clear = await wallet(6).signAuthorization({ account: owner, contractAddress: `0x${"0".repeat(40)}`, executor: "self" });
    await mined(await wallet(6).sendTransaction({ to: owner.address, authorizationList: [clear], gas: 200_000n }));
    assert.equal(await client.getCode({ address: owner.address }), undefined);
});

test("legacy and access-list transactions keep their type and fields", async () => {
    const legacy = await mined(await wallet(7).sendTransaction({ to: probe, type: "legacy", gasPrice: parseGwei("10") }));
    assert.deepEqual([legacy.status, legacy.type], ["success", "legacy"]);
    const accessList = [{ address: probe, storageKeys: [`0x${"0".repeat(64)}`] }];
    const hash = await wallet(7).sendTransaction({ to: probe, accessList, gasPrice: parseGwei("10"), type: "eip2930" });
    assert.equal((await mined(hash)).type, "eip2930");
    assert.deepEqual((await client.getTransaction({ hash })).accessList, [{ ...accessList[0], address: probe }].map((entry) => ({
        ...entry,
        address: entry.address.toLowerCase(),
    })));
});

test("receipt logs decode and carry their position", async () => {
    const one = await mined(await wallet(8).writeContract({ address: probe, abi, functionName: "ping", args: [9n, "x"] }));
    const { eventName, args } = decodeEventLog({ abi, ...one.logs[0] });
    assert.deepEqual([eventName, args.id, args.text], ["Ping", 9n, "x"]);
    assert.deepEqual([one.logs[0].logIndex, one.logs[0].transactionIndex], [0, 0]);
});
