// ethers v6 over HTTP and WebSocket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, isError, parseEther } from "ethers";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";

const { abi, bytecode } = contract("Probe");
let node;
let provider;
let probe;

const wallet = (index) => new Wallet(accounts[index].privateKey, provider);

before(async () => {
    node = await Node.start();
    provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
    const deployed = await new ContractFactory(abi, bytecode, wallet(0)).deploy();
    await deployed.waitForDeployment();
    probe = new Contract(await deployed.getAddress(), abi, wallet(1));
});
after(async () => {
    provider?.destroy();
    await node?.stop();
});

/** Awaits the rejection of `promise` and returns it. */
async function rejection(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    assert.fail("should have been refused");
}

test("network, fee data and block are what the chain says", async () => {
    assert.equal((await provider.getNetwork()).chainId, BigInt(CHAIN_ID));
    const fees = await provider.getFeeData();
    const block = await provider.getBlock("latest");
    assert.ok(fees.maxFeePerGas >= block.baseFeePerGas);
    assert.ok(fees.gasPrice >= block.baseFeePerGas);
    assert.equal((await provider.getBlock(block.hash)).number, block.number);
});

test("a deployed contract is written, read and estimated", async () => {
    await (await probe.set(11)).wait();
    assert.equal(await probe.value(), 11n);
    assert.equal(await probe.caller(), accounts[1].address);
    const gas = await probe.set.estimateGas(12);
    const receipt = await (await probe.set(12, { gasLimit: gas })).wait();
    assert.equal(receipt.status, 1);
    assert.ok(gas >= receipt.gasUsed && gas < (receipt.gasUsed * 13n) / 10n, `estimate ${gas}, used ${receipt.gasUsed}`);
});

test("events are decoded from receipts and by queries", async () => {
    const receipt = await (await probe.ping(5, "from ethers")).wait();
    const event = receipt.logs[0];
    assert.deepEqual([event.fragment.name, event.args.id, event.args.text], ["Ping", 5n, "from ethers"]);
    const found = await probe.queryFilter(probe.filters.Ping(accounts[1].address, 5), 0, "latest");
    assert.deepEqual(found.map((log) => log.transactionHash), [receipt.hash]);
    assert.deepEqual(await probe.queryFilter(probe.filters.Ping(accounts[9].address), 0), []);
});

test("WebSocket subscriptions see each head and each event once", async () => {
    const ws = new WebSocketProvider(node.ws);
    const live = new Contract(await probe.getAddress(), abi, ws);
    const heads = [];
    const pings = [];
    const pending = [];
    try {
        await ws.on("block", (number) => heads.push(number));
        await ws.on("pending", (hash) => pending.push(hash));
        await live.on("Ping", (from, id, text) => pings.push([from, id, text]));
        await ws.getBlockNumber(); // the subscriptions were requested before this answer
        const first = (await provider.getBlockNumber()) + 1;
        const sent = [];
        for (let id = 100; id < 110; id++) {
            const tx = await probe.ping(id, `ping ${id}`);
            await tx.wait();
            sent.push(tx.hash);
        }
        await eventually(() => pings.length >= 10 && heads.length >= 10 && pending.length >= 10, 10_000, "events");
        assert.deepEqual(pings, sent.map((_, i) => [accounts[1].address, BigInt(100 + i), `ping ${100 + i}`]));
        assert.deepEqual(heads, sent.map((_, i) => first + i));
        assert.deepEqual(new Set(pending), new Set(sent));
    } finally {
        await ws.destroy();
    }
});

test("a revert reason, a custom error and a panic are decoded", async () => {
    for (const attempt of [probe.failReason.estimateGas, probe.failReason.staticCall, probe.failReason]) {
        const error = await rejection(attempt(1));
        assert.ok(isError(error, "CALL_EXCEPTION"), error);
        assert.equal(error.reason, "no entry");
    }
    // ethers decodes a custom error itself for calls; for estimates it hands the data over.
    const called = await rejection(probe.failCustom.staticCall(403));
    assert.equal(called.revert?.name, "Probe_Refused");
    for (const attempt of [probe.failCustom.estimateGas, probe.failCustom.staticCall, probe.failCustom]) {
        const error = await rejection(attempt(403));
        assert.ok(isError(error, "CALL_EXCEPTION"), error);
        const { name, args } = probe.interface.parseError(error.data);
        assert.deepEqual([name, ...args], ["Probe_Refused", accounts[1].address, 403n]);
    }
    const panic = await rejection(probe.failPanic.staticCall(0));
    assert.equal(panic.revert?.name, "Panic");
    assert.equal(Number(panic.revert.args[0]), 0x32);
    const empty = await rejection(probe.failEmpty());
    assert.ok(isError(empty, "CALL_EXCEPTION"), empty);
});

test("a transaction that reverts when mined has a receipt with status 0", async () => {
    const tx = await probe.failReason(1, { gasLimit: 100_000 });
    const error = await rejection(tx.wait());
    assert.ok(isError(error, "CALL_EXCEPTION"), error);
    assert.equal(error.receipt.status, 0);
    assert.equal((await provider.getTransactionReceipt(tx.hash)).logs.length, 0);
});

test("a queued transaction is replaced at +10 % and not below", async () => {
    const sender = wallet(3);
    const nonce = (await sender.getNonce()) + 1; // a gap: nothing of this sender can be mined yet
    const base = { to: accounts[4].address, nonce, gasLimit: 21_000, type: 2 };
    const fees = (percent) => ({
        maxFeePerGas: (10_000_000_000n * percent) / 100n,
        maxPriorityFeePerGas: (2_000_000_000n * percent) / 100n,
    });
    const first = await sender.sendTransaction({ ...base, ...fees(100n), value: 1 });
    assert.equal(await provider.getTransactionReceipt(first.hash), null);
    assert.notEqual(await provider.getTransaction(first.hash), null);
    assert.equal(await sender.getNonce("pending"), nonce - 1);

    const low = await rejection(sender.sendTransaction({ ...base, ...fees(109n), value: 2 }));
    assert.ok(isError(low, "REPLACEMENT_UNDERPRICED"), low);

    const second = await sender.sendTransaction({ ...base, ...fees(110n), value: 3 });
    assert.equal(await provider.getTransaction(first.hash), null, "the replaced one vanishes");

    // The gap is filled: both are mined, and the replaced one never.
    const filler = await sender.sendTransaction({ to: accounts[4].address, nonce: nonce - 1, value: 4 });
    assert.equal((await filler.wait()).status, 1);
    const receipt = await second.wait();
    assert.equal(receipt.status, 1);
    assert.equal(await provider.getTransactionReceipt(first.hash), null);
    assert.equal(await sender.getNonce(), nonce + 1);
});

test("refusals are classed as ethers knows them", async () => {
    const sender = wallet(5);
    const to = accounts[6].address;
    await (await sender.sendTransaction({ to, value: 1 })).wait();

    const stale = await rejection(sender.sendTransaction({ to, value: 1, nonce: 0, gasLimit: 21_000 }));
    assert.ok(isError(stale, "NONCE_EXPIRED"), stale);

    const poor = await rejection(sender.sendTransaction({ to, value: parseEther("20000"), gasLimit: 21_000 }));
    assert.ok(isError(poor, "INSUFFICIENT_FUNDS"), poor);

    const estimated = await rejection(sender.estimateGas({ to, value: parseEther("20000") }));
    assert.ok(isError(estimated, "INSUFFICIENT_FUNDS"), estimated);

    const signed = await sender.signTransaction(await sender.populateTransaction({ to, value: 1, nonce: 50, gasLimit: 21_000 }));
    await provider.broadcastTransaction(signed);
    const again = await rejection(provider.broadcastTransaction(signed));
    assert.match(again.error?.message ?? again.message, /already known/);
});

test("fifty transactions sent at once by one account are all mined in order", async () => {
    const sender = new NonceManager(wallet(7));
    const sent = await Promise.all(
        Array.from({ length: 50 }, (_, value) => sender.sendTransaction({ to: accounts[8].address, value, gasLimit: 21_000 })),
    );
    const receipts = await Promise.all(sent.map((tx) => tx.wait()));
    assert.ok(receipts.every(({ status }) => status === 1));
    const byNonce = sent
        .map((tx, i) => ({ nonce: tx.nonce, at: receipts[i].blockNumber * 1e5 + receipts[i].index }))
        .sort((a, b) => a.nonce - b.nonce);
    for (let i = 1; i < byNonce.length; i++) assert.ok(byNonce[i].at > byNonce[i - 1].at);
});
