// web3.js 4 over HTTP and WebSocket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Web3 } from "web3";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";

const { abi, bytecode } = contract("Probe");
const [alice, bob, carol] = accounts;
let node;
let web3;
let probe;

before(async () => {
    node = await Node.start();
    web3 = new Web3(node.url);
    web3.setConfig({ transactionPollingInterval: 50, transactionReceiptPollingInterval: 50 });
    for (const { privateKey } of accounts) web3.eth.accounts.wallet.add(privateKey);
    probe = await new web3.eth.Contract(abi).deploy({ data: bytecode }).send({ from: alice.address });
    probe.setConfig(web3.config);
});
after(() => node?.stop());

/** Awaits the rejection of `promise` and returns it. */
async function rejection(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    assert.fail("should have been refused");
}

test("chain, network, status and block agree", async () => {
    assert.equal(await web3.eth.getChainId(), BigInt(CHAIN_ID));
    assert.equal(await web3.eth.net.getId(), BigInt(CHAIN_ID));
    assert.equal(await web3.eth.net.isListening(), true);
    assert.equal(await web3.eth.net.getPeerCount(), 0n);
    assert.equal(await web3.eth.isSyncing(), false);
    assert.match(await web3.eth.getNodeInfo(), /^aura\//i);
    const block = await web3.eth.getBlock("latest", true);
    assert.equal((await web3.eth.getBlock(block.hash)).number, block.number);
    assert.equal(block.transactions.length, 1);
    assert.equal(await web3.eth.getBlockTransactionCount(block.number), 1n);
    assert.equal(await web3.eth.getBlockUncleCount(block.number), 0n);
    const fees = await web3.eth.calculateFeeData();
    assert.ok(fees.maxFeePerGas >= block.baseFeePerGas && fees.gasPrice >= block.baseFeePerGas);
    const history = await web3.eth.getFeeHistory(2, "latest", [50]);
    assert.equal(history.baseFeePerGas.at(-2), block.baseFeePerGas);
});

test("ether is sent, and its receipt and transaction say so", async () => {
    const before = await web3.eth.getBalance(bob.address);
    const steps = [];
    const sending = web3.eth.sendTransaction({ from: alice.address, to: bob.address, value: web3.utils.toWei("1", "ether") });
    for (const step of ["sending", "sent", "transactionHash", "receipt"]) sending.on(step, () => steps.push(step));
    const receipt = await sending;
    assert.deepEqual(steps, ["sending", "sent", "transactionHash", "receipt"]);
    assert.deepEqual([receipt.status, receipt.type, receipt.gasUsed], [1n, 2n, 21_000n]);
    assert.equal(await web3.eth.getBalance(bob.address), before + 10n ** 18n);
    const tx = await web3.eth.getTransaction(receipt.transactionHash);
    assert.deepEqual([tx.from, tx.value, tx.chainId], [alice.address.toLowerCase(), 10n ** 18n, BigInt(CHAIN_ID)]);
});

test("a contract is written, read and searched for its events", async () => {
    await probe.methods.set(21).send({ from: bob.address });
    assert.equal(await probe.methods.value().call(), 21n);
    assert.equal(await probe.methods.caller().call({ from: carol.address }), carol.address);
    const receipt = await probe.methods.ping(5, "from web3.js").send({ from: bob.address, value: "3" });
    const { id, text } = receipt.events.Ping.returnValues;
    assert.deepEqual([id, text], [5n, "from web3.js"]);
    const found = await probe.getPastEvents("Ping", { filter: { id: 5 }, fromBlock: 0 });
    assert.deepEqual(found.map((event) => event.transactionHash), [receipt.transactionHash]);
    assert.equal(BigInt(await web3.eth.getStorageAt(probe.options.address, 0)), 21n);
    assert.ok((await web3.eth.getCode(probe.options.address)).length > 2);
});

test("a legacy transaction and one with an access list are mined", async () => {
    const gasPrice = await web3.eth.getGasPrice();
    const legacy = await web3.eth.sendTransaction({ from: alice.address, to: bob.address, value: 1, type: 0, gasPrice });
    assert.equal(legacy.type, 0n);
    const { accessList, gasUsed } = await web3.eth.createAccessList({ from: bob.address, to: probe.options.address, data: probe.methods.set(3).encodeABI() });
    assert.deepEqual(accessList.map(({ address }) => address), [probe.options.address.toLowerCase()]);
    assert.ok(gasUsed > 21_000n);
    const listed = await web3.eth.sendTransaction({
        from: bob.address, to: probe.options.address, data: probe.methods.set(3).encodeABI(), type: 1, gasPrice, accessList,
    });
    assert.deepEqual([listed.type, listed.status], [1n, 1n]);
});

test("reverts and refusals are told with their reason", async () => {
    const reason = await rejection(probe.methods.failReason(1).call());
    assert.equal(reason.cause.message, "execution reverted: no entry");
    const custom = await rejection(probe.methods.failCustom(7).call({ from: bob.address }));
    assert.equal(custom.cause.errorName, "Probe_Refused");
    assert.equal(custom.cause.errorArgs.code, 7n);
    const estimate = await rejection(probe.methods.failReason(1).estimateGas());
    assert.match(`${estimate.message} ${estimate.cause?.message}`, /no entry/);
    const reverted = await rejection(probe.methods.failReason(1).send({ from: bob.address, gas: "100000" }));
    assert.match(reverted.message, /reverted/);

    const nonce = await rejection(web3.eth.sendTransaction({ from: alice.address, to: bob.address, value: 1, nonce: 0, gas: 21_000 }));
    assert.match(nonce.cause?.message ?? nonce.message, /nonce too low/);
    const poor = await rejection(web3.eth.sendTransaction({ from: alice.address, to: bob.address, value: 10n ** 23n, gas: 21_000 }));
    // web3.js calls before it sends, and takes any error of that for a revert.
    assert.match(poor.reason ?? poor.cause?.message ?? poor.message, /insufficient funds for gas \* price \+ value/);
});

test("a batch is answered as a whole", async () => {
    const batch = new web3.BatchRequest();
    const asked = [
        { method: "eth_chainId", params: [] }, { method: "eth_nothing", params: [] }, { method: "eth_getBalance", params: [carol.address, "latest"] },
    ];
    const answers = asked.map((request, id) => batch.add({ jsonrpc: "2.0", id, ...request }).catch((error) => error));
    await batch.execute();
    const [chain, missing, balance] = await Promise.all(answers);
    assert.equal(Number(chain), CHAIN_ID);
    assert.match(`${missing.message} ${missing.cause?.message}`, /method/i);
    assert.equal(BigInt(balance), 10n ** 22n);
});

test("WebSocket subscriptions see each head, event and pending transaction once", async () => {
    const live = new Web3(node.ws);
    try {
        const heads = [];
        const pings = [];
        const pending = [];
        const onHead = await live.eth.subscribe("newHeads");
        onHead.on("data", (head) => heads.push(head.number));
        const onPing = new live.eth.Contract(abi, probe.options.address).events.Ping({ filter: { from: carol.address } });
        onPing.on("data", (event) => pings.push(event.returnValues.id));
        const onPending = await live.eth.subscribe("pendingTransactions");
        onPending.on("data", (hash) => pending.push(hash));
        await eventually(() => onPing.id, 5_000, "the subscription to events");
        const first = (await live.eth.getBlockNumber()) + 1n;
        const sent = [];
        for (let id = 1; id <= 5; id++) sent.push((await probe.methods.ping(id, "seen").send({ from: carol.address })).transactionHash);
        await eventually(() => heads.length >= 5 && pings.length >= 5 && pending.length >= 5, 10_000, "events");
        assert.deepEqual(pings, [1n, 2n, 3n, 4n, 5n]);
        assert.deepEqual(heads, sent.map((_, i) => first + BigInt(i)));
        assert.deepEqual(pending, sent);
        await onHead.unsubscribe();
        await probe.methods.ping(6, "unseen").send({ from: carol.address });
        await eventually(() => pings.length === 6, 5_000, "the sixth event");
        assert.equal(heads.length, 5, "no head after unsubscribing");
    } finally {
        live.provider.disconnect();
    }
});
