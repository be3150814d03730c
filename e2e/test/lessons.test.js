// What clients were seen to need beyond the tests that carry their names: history, traces, crowds, probes.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { concat, encodeFunctionData, pad, parseEther, toHex } from "viem";
import { WebSocket } from "ws";
import { Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { ok } from "../lib/run.js";
import { Viem, signer } from "../lib/viem.js";

const [alice, bob] = accounts.map(({ address }) => address);
const SUBSCRIBERS = 200;
const IDLE_SOCKETS = 500;
let node;
let viem;
let probe;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    probe = await viem.deploy(contract("Probe"));
});
after(() => node?.stop());

/** A WebSocket with one subscription; `seen` fills with its notifications. */
async function subscribe(...params) {
    const socket = new WebSocket(node.ws);
    const seen = [];
    const answer = await new Promise((done, failed) => {
        socket.on("error", failed);
        socket.on("open", () => socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params })));
        socket.on("message", (data) => {
            const message = JSON.parse(data);
            if (message.id === 1) done(message);
            else seen.push(message.params.result);
        });
    });
    return { socket, seen, answer };
}

test("methods that clients probe for work, or are -32601 exactly", async () => {
    const { balance, code } = await node.rpc("eth_getAccountInfo", [probe.address, "latest"]);
    assert.deepEqual([balance, code], ["0x0", await node.rpc("eth_getCode", [probe.address, "latest"])]);
    // viem asks before every send, and uses what it gets.
    const { tx } = await node.rpc("eth_fillTransaction", [{ from: alice, to: bob, value: "0x1" }]);
    assert.deepEqual([BigInt(tx.gas), tx.to, tx.value], [21_000n, bob.toLowerCase(), "0x1"]);
    // Clients fall back on this code only.
    for (const method of ["anvil_nodeInfo", "eth_sendTransaction"]) {
        const { error } = await node.request(method, [{ from: alice }]);
        assert.equal(error?.code, -32601, `${method}: ${JSON.stringify(error)}`);
    }
});

test("state is served at the last 128 blocks and at older ones", async () => {
    const first = await viem.client.getBlockNumber();
    const balances = new Map([[first, await viem.client.getBalance({ address: bob })]]);
    for (let i = 1n; i <= 130n; i++) {
        const { blockNumber } = await viem.send(0, { to: bob, value: i, gas: 21_000n });
        balances.set(blockNumber, balances.get(blockNumber - 1n) + i);
    }
    for (const blockNumber of [first, first + 1n, first + 64n, first + 130n]) {
        assert.equal(await viem.client.getBalance({ address: bob, blockNumber }), balances.get(blockNumber));
        assert.equal(await viem.client.getTransactionCount({ address: alice, blockNumber }), Number(blockNumber));
    }
});

test("cast run executes an old transaction again, and traces show its call", async () => {
    const { transactionHash: hash } = await probe.write(1, "ping", [4n, "traced"]);
    const printed = await ok("cast", ["run", hash, "--quick"], node.url);
    assert.match(printed, /Transaction successfully executed/);
    const call = await node.rpc("debug_traceTransaction", [hash, { tracer: "callTracer", tracerConfig: { withLog: true } }]);
    assert.deepEqual([call.type, call.to, call.logs.length], ["CALL", probe.address.toLowerCase(), 1]);
    const steps = await node.rpc("debug_traceTransaction", [hash]);
    assert.equal(steps.failed, false);
    assert.ok(steps.structLogs.some(({ op }) => op === "SSTORE"));
    const before = await node.rpc("debug_traceTransaction", [hash, { tracer: "prestateTracer", tracerConfig: { diffMode: true } }]);
    assert.ok(before.post[probe.address.toLowerCase()].storage);
    const [flat] = await node.rpc("trace_transaction", [hash]);
    assert.deepEqual([flat.type, flat.action.to, flat.transactionHash], ["call", probe.address.toLowerCase(), hash]);
});

test("viem simulates calls with the changes of assets, a creation among them", async () => {
    const token = await viem.deploy(contract("Token"), ["Token", "TOK", 1000n]);
    const { results, assetChanges } = await viem.client.simulateCalls({
        account: signer(0).address,
        traceAssetChanges: true,
        calls: [
            { to: token.address, abi: token.abi, functionName: "transfer", args: [bob, 10n] },
            { to: bob, value: parseEther("1") },
            { to: probe.address, abi: probe.abi, functionName: "failReason", args: [1n] },
        ],
    });
    assert.deepEqual(results.map(({ status }) => status), ["success", "success", "failure"]);
    const changed = assetChanges.find(({ token: { address } }) => address.toLowerCase() === token.address.toLowerCase());
    assert.deepEqual([changed.value.diff, changed.token.symbol], [-10n, "TOK"]);
    assert.equal(await token.read("balanceOf", bob), 0n, "nothing was sent");

    const [block] = await viem.client.simulateBlocks({ blocks: [{ calls: [{ account: alice, data: contract("Probe").bytecode }] }] });
    assert.equal(block.calls[0].status, "success");
});

test("receipts of a block, its configuration and access lists", async () => {
    const { blockNumber, transactionHash } = await probe.write(1, "set", [9n]);
    const receipts = await node.rpc("eth_getBlockReceipts", [toHex(blockNumber)]);
    assert.deepEqual(receipts, [await node.rpc("eth_getTransactionReceipt", [transactionHash])]);
    const { current } = await node.rpc("eth_config");
    assert.equal(Number(current.chainId), viem.chain.id);
    const data = encodeFunctionData({ abi: probe.abi, functionName: "set", args: [10n] });
    const { accessList } = await viem.client.createAccessList({ account: alice, to: probe.address, data });
    assert.deepEqual(accessList, [{ address: probe.address.toLowerCase(), storageKeys: [pad("0x0", { size: 32 })] }]);
});

test("P-256 signatures are verified by the precompile of Osaka", async () => {
    const { subtle } = globalThis.crypto;
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await subtle.generateKey(algorithm, true, ["sign"]);
    const text = new TextEncoder().encode("passkey");
    const signature = toHex(new Uint8Array(await subtle.sign(algorithm, keys.privateKey, text)));
    const digest = toHex(new Uint8Array(await subtle.digest("SHA-256", text)));
    const point = toHex(new Uint8Array(await subtle.exportKey("raw", keys.publicKey)).slice(1));
    const verify = (data) => node.rpc("eth_call", [{ to: pad("0x100", { size: 20 }), data }, "latest"]);
    assert.equal(await verify(concat([digest, signature, point])), pad("0x1", { size: 32 }));
    assert.equal(await verify(concat([pad("0x7", { size: 32 }), signature, point])), "0x");
});

test("subscriptions: full pending transactions, and an unknown kind is an error", async () => {
    const full = await subscribe("newPendingTransactions", true);
    const strange = await subscribe("newThings");
    try {
        assert.match(full.answer.result, /^0x[0-9a-f]+$/);
        assert.equal(typeof strange.answer.error.code, "number");
        const { transactionHash } = await viem.send(1, { to: bob, value: 77n });
        await eventually(() => full.seen.length > 0, 5_000, "the transaction");
        assert.deepEqual([full.seen[0].hash, full.seen[0].value, full.seen[0].from], [transactionHash, "0x4d", bob.toLowerCase()]);
    } finally {
        for (const { socket } of [full, strange]) socket.terminate();
    }
});

test(`${SUBSCRIBERS} subscribers all see every head, beside ${IDLE_SOCKETS} idle sockets`, async () => {
    const idle = Array.from({ length: IDLE_SOCKETS }, () => connect(node.port, "127.0.0.1").on("error", () => {}));
    await eventually(() => idle.every(({ readyState }) => readyState === "open"), 10_000, "idle sockets");
    const crowd = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => subscribe("newHeads")));
    try {
        const mined = [];
        for (let i = 0; i < 5; i++) mined.push((await viem.send(2, { to: bob, value: 1n, gas: 21_000n })).blockHash);
        await eventually(() => crowd.every(({ seen }) => seen.length >= 5), 10_000, "heads");
        for (const { seen } of crowd) assert.deepEqual(seen.map(({ hash }) => hash), mined);
    } finally {
        for (const { socket } of crowd) socket.terminate();
        for (const socket of idle) socket.destroy();
    }
    assert.ok((await viem.client.getBlockNumber()) > 0n);
});
