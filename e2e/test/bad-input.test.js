// Requests that are wrong: each gets the right error code, and the node keeps serving.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { Wallet } from "ethers";
import { WebSocket } from "ws";
import { CHAIN_ID, Node } from "../lib/node.js";
import { accounts } from "../lib/fixtures.js";
import { reset } from "../lib/proxy.js";

const PARSE = -32700;
const REQUEST = -32600;
const METHOD = -32601;
const PARAMS = -32602;
// EIP-1474 has -32001 for it, geth answers -32000; clients take both.
const UNKNOWN_BLOCK = [-32000, -32001];
const account = accounts[0].address;
const hash = `0x${"12".repeat(32)}`;
let node;

before(async () => {
    node = await Node.start();
    // A head above 0, so that "latest" to "earliest" is a reversed range.
    const raw = await new Wallet(accounts[0].privateKey).signTransaction({
        type: 2, chainId: CHAIN_ID, nonce: 0, gasLimit: 21_000, to: account, maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1n,
    });
    await node.receipt(await node.rpc("eth_sendRawTransaction", [raw]));
});
after(() => node?.stop());
afterEach(async () => {
    assert.equal(Number(await node.rpc("eth_chainId")), CHAIN_ID, "the node keeps serving");
});

/** Posts `body` and returns the parsed answer. */
const answer = async (body) => JSON.parse((await node.post(body)).text);

function assertError(error, codes, what) {
    assert.ok(error, `${what}: no error`);
    assert.ok([codes].flat().includes(error.code), `${what}: ${JSON.stringify(error)}`);
    assert.equal(typeof error.message, "string");
    assert.ok(error.message.length > 3, `${what}: says what is wrong`);
}

test("malformed JSON is -32700", async () => {
    for (const body of ["{", "", "nonsense", '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"', '{"jsonrpc":"2.0",}', "[1,", "\u0000"]) {
        const { error, id } = await answer(body);
        assertError(error, PARSE, JSON.stringify(body));
        assert.equal(id, null);
    }
});

test("JSON that is no request is -32600", async () => {
    for (const body of ["{}", "[]", "1", '"eth_chainId"', "null", '{"jsonrpc":"2.0","id":1}', '{"jsonrpc":"2.0","id":1,"method":5}']) {
        assertError((await answer(body)).error, REQUEST, body);
    }
    const batch = await answer("[1,2]");
    assert.equal(batch.length, 2);
    for (const { error } of batch) assertError(error, REQUEST, "[1,2]");
});

test("a batch answers each of its requests, good or bad", async () => {
    const batch = await answer(JSON.stringify([
        { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] },
        { jsonrpc: "2.0", id: "two", method: "eth_nothing", params: [] },
        { foo: 1 },
        { jsonrpc: "2.0", id: 4, method: "eth_getBalance", params: ["0x1", "latest"] },
    ]));
    const by = (id) => batch.find((entry) => entry.id === id);
    assert.equal(batch.length, 4);
    assert.equal(Number(by(1).result), CHAIN_ID);
    assertError(by("two").error, METHOD, "unknown method");
    assertError(by(null).error, REQUEST, "no request");
    assertError(by(4).error, PARAMS, "short address");
});

test("unknown members are ignored", async () => {
    const { result } = await answer(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [], extra: { a: 1 } }));
    assert.equal(Number(result), CHAIN_ID);
});

test("an unknown method is -32601", async () => {
    for (const method of ["eth_nothing", "", "eth_chainid", "anvil_nodeInfo", "eth_sendTransaction", "x".repeat(10_000)]) {
        assertError((await node.request(method)).error, METHOD, method.slice(0, 30));
    }
});

test("wrong types and wrong arity are -32602", async () => {
    const cases = [
        ["eth_getBalance", []],
        ["eth_getBalance", [account, "latest", "latest", "latest"]],
        ["eth_getBalance", [5, "latest"]],
        ["eth_getBalance", ["0x1234", "latest"]],
        ["eth_getBalance", [`${account}00`, "latest"]],
        ["eth_getBalance", [account.replace("0x", ""), { no: "block" }]],
        ["eth_getBalance", [account, "newest"]],
        ["eth_getBalance", [account, {}]],
        ["eth_getBalance", [account, { blockHash: "0x12" }]],
        ["eth_getBalance", [account, "0x10000000000000000"]],
        ["eth_getBlockByNumber", []],
        ["eth_getBlockByNumber", ["latest", "yes"]],
        ["eth_getBlockByHash", ["0x12", false]],
        ["eth_getTransactionByHash", [hash.slice(0, -2)]],
        ["eth_getTransactionReceipt", [null]],
        ["eth_getStorageAt", [account, "zz", "latest"]],
        ["eth_getStorageAt", [account, `0x1${"0".repeat(64)}`, "latest"]],
        ["eth_call", ["0x", "latest"]],
        ["eth_call", [{ to: "0x12" }, "latest"]],
        ["eth_call", [{ to: account, value: "lots" }, "latest"]],
        ["eth_call", [{ to: account, data: "0x123" }, "latest"]],
        ["eth_estimateGas", []],
        ["eth_feeHistory", ["x", "latest", []]],
        ["eth_feeHistory", ["0x1", "latest", [50, 10]]],
        ["eth_feeHistory", ["0x1", "latest", [101]]],
        ["eth_sendRawTransaction", []],
        ["eth_sendRawTransaction", [1]],
        ["eth_sendRawTransaction", ["nonsense"]],
        ["eth_sendRawTransaction", ["0x123"]],
        ["eth_getLogs", [{ fromBlock: "0x2", toBlock: "0x1" }]],
        ["eth_getLogs", [{ fromBlock: "latest", toBlock: "earliest" }]],
        ["eth_getLogs", [{ blockHash: hash, fromBlock: "0x0" }]],
        ["eth_getLogs", [{ address: "0x12" }]],
        ["eth_getLogs", [{ topics: ["0x12"] }]],
        ["eth_getLogs", [{ topics: [null, null, null, null, null] }]],
    ];
    const wrong = [];
    for (const [method, params] of cases) {
        const response = await node.request(method, params);
        if (response.error?.code !== PARAMS || response.error.message.length < 4) {
            wrong.push(`${method} ${JSON.stringify(params)}: ${JSON.stringify(response.error ?? response.result)}`);
        }
    }
    assert.deepEqual(wrong, []);
});

test("params of the wrong shape are -32600 or -32602", async () => {
    for (const params of ['"latest"', "5", "true"]) {
        const { error } = await answer(`{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":${params}}`);
        assertError(error, [REQUEST, PARAMS], params);
    }
    const named = await answer('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"account":1}}');
    assertError(named.error, PARAMS, "named params");
});

test("unknown hashes and numbers: null for objects, an error for state", async () => {
    assert.equal(await node.rpc("eth_getBlockByHash", [hash, false]), null);
    assert.equal(await node.rpc("eth_getBlockByNumber", ["0xffffff", false]), null);
    assert.equal(await node.rpc("eth_getTransactionByHash", [hash]), null);
    assert.equal(await node.rpc("eth_getTransactionReceipt", [hash]), null);
    assert.equal(await node.rpc("eth_getBlockReceipts", ["0xffffff"]), null);
    assert.equal(await node.rpc("eth_getTransactionByBlockNumberAndIndex", ["latest", "0xffff"]), null);
    assert.equal(await node.rpc("eth_getBlockTransactionCountByHash", [hash]), null);
    for (const [method, params] of [
        ["eth_getBalance", [account, "0xffffff"]],
        ["eth_getBalance", [account, { blockHash: hash }]],
        ["eth_getTransactionCount", [account, { blockNumber: "0xffffff" }]],
        ["eth_getCode", [account, hash]],
        ["eth_call", [{ to: account }, "0xffffff"]],
        ["eth_getLogs", [{ blockHash: hash }]],
    ]) {
        assertError((await node.request(method, params)).error, UNKNOWN_BLOCK, `${method} ${JSON.stringify(params)}`);
    }
});

test("absurd numbers in a call are errors, not crashes", async () => {
    const max = `0x${"f".repeat(64)}`;
    const over = `0x1${"0".repeat(64)}`;
    for (const fields of [{ value: max }, { gasPrice: max }, { maxFeePerGas: max }, { value: over }, { nonce: max }, { gas: over }]) {
        const { error } = await node.request("eth_call", [{ from: account, to: account, ...fields }, "latest"]);
        assert.ok(error, JSON.stringify(fields));
        assert.ok([-32000, -32003, PARAMS].includes(error.code), `${JSON.stringify(fields)}: ${JSON.stringify(error)}`);
    }
    // More gas than the cap is lowered to it, however much more.
    assert.equal(await node.rpc("eth_call", [{ from: account, to: account, gas: "0xffffffffffffffff" }, "latest"]), "0x");
    const { error } = await node.request("eth_estimateGas", [{ from: account, to: account, value: max }]);
    assertError(error, [-32000, -32003], "estimate");
    assert.match(error.message, /insufficient funds/);
});

test("big bodies: 1 MB and 1,000 requests are served, 20 MB is refused cleanly", async () => {
    const call = { jsonrpc: "2.0", id: 1, method: "eth_call", params: [{ to: account, data: `0x${"00".repeat(500_000)}`, gas: "0xffffff" }, "latest"] };
    assert.equal((await answer(JSON.stringify(call))).result, "0x");
    const batch = Array.from({ length: 1_000 }, (_, id) => ({ jsonrpc: "2.0", id, method: "eth_blockNumber", params: [] }));
    const answers = await answer(JSON.stringify(batch));
    assert.deepEqual(new Set(answers.map(({ id }) => id)).size, 1_000);
    assert.ok(answers.every(({ result }) => /^0x/.test(result)));

    call.params[0].data = `0x${"00".repeat(10_000_000)}`;
    const { status, text } = await node.post(JSON.stringify(call));
    assert.ok(status === 413 || JSON.parse(text).error, `${status}: ${text.slice(0, 200)}`);
});

test("a batch beyond the limit is refused cleanly", async () => {
    const batch = Array.from({ length: 50_000 }, (_, id) => ({ jsonrpc: "2.0", id, method: "eth_blockNumber", params: [] }));
    const { status, text } = await node.post(JSON.stringify(batch));
    const parsed = JSON.parse(text);
    assert.ok(status < 500, String(status));
    assert.ok(parsed.error ?? parsed[0].error, text.slice(0, 200));
});

test("deep nesting is an error", async () => {
    const depth = 100_000;
    const nested = "[".repeat(depth) + "]".repeat(depth);
    assertError([(await answer(nested))].flat()[0].error, [PARSE, REQUEST], "a nested body");
    const inside = await answer(`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[${nested},"latest"]}`);
    assertError(inside.error, [PARSE, REQUEST, PARAMS], "nested params");
    const objects = '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
    const object = await answer(`{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[${objects},"latest"]}`);
    assertError(object.error, [PARSE, REQUEST, PARAMS], "nested objects");
    // An unknown member is ignored, whatever is in it; what matters is that an answer comes.
    const ignored = await answer(`{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[${objects}]}`);
    assert.ok(Array.isArray(ignored.result) || [PARSE, REQUEST, PARAMS].includes(ignored.error.code));
});

test("other verbs and content types are refused as HTTP says", async () => {
    const text = await node.post('{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}', { "content-type": "text/plain" });
    assert.ok(text.status === 415 || text.status === 200, String(text.status));
    for (const method of ["PUT", "DELETE", "PATCH"]) {
        const { status } = await fetch(node.url, { method, body: "{}" });
        assert.ok(status >= 400 && status < 500, `${method}: ${status}`);
    }
});

test("half-sent requests and resets do no harm", async () => {
    const head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    const sockets = [];
    for (let i = 0; i < 100; i++) {
        const socket = connect(node.port, "127.0.0.1");
        socket.on("error", () => {});
        await new Promise((ready) => socket.once("connect", ready));
        socket.write(i % 2 ? head : "\u0016\u0003\u0001 no HTTP at all\r\n\r\n");
        sockets.push(socket);
    }
    assert.equal(Number(await node.rpc("eth_chainId")), CHAIN_ID);
    for (const socket of sockets) reset(socket);
});

/** Sends `messages` over one WebSocket and returns as many answers. */
async function overWebSocket(messages) {
    const socket = new WebSocket(node.ws, { headers: { origin: "https://page.example" } });
    const answers = [];
    try {
        await new Promise((open, failed) => socket.once("open", open).once("error", failed));
        for (const message of messages) {
            const reply = new Promise((done, failed) => {
                socket.once("message", done);
                socket.once("close", () => failed(new Error("closed")));
            });
            socket.send(message);
            answers.push(JSON.parse(await reply));
        }
    } finally {
        socket.terminate();
    }
    return answers;
}

test("WebSocket answers with the same codes", async () => {
    const request = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answers = await overWebSocket([
        "{",
        '{"jsonrpc":"2.0","id":1}',
        request("eth_nothing", []),
        request("eth_getBalance", ["0x1"]),
        request("eth_subscribe", ["nothing"]),
        request("eth_subscribe", []),
        request("eth_subscribe", ["logs", { address: "0x12" }]),
        request("eth_chainId", []),
    ]);
    assert.deepEqual(answers.slice(0, 7).map(({ error }) => error?.code), [PARSE, REQUEST, METHOD, PARAMS, PARAMS, PARAMS, PARAMS]);
    assert.equal(Number(answers[7].result), CHAIN_ID);
});

test("a notification gets no answer body", async () => {
    const { text } = await node.post('{"jsonrpc":"2.0","method":"eth_chainId","params":[]}');
    assert.equal(text, "");
});
