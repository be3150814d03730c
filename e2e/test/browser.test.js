// A page in headless Chromium, whose provider talks to the node across origins.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { encodeFunctionData } from "viem";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem } from "../lib/viem.js";

const [alice, bob] = accounts;
const root = join(import.meta.dirname, "..");
const files = {
    "/": [join(root, "page/index.html"), "text/html"],
    "/ethers.js": [join(root, "node_modules/ethers/dist/ethers.min.js"), "text/javascript"],
};
let node;
let viem;
let server;
let browser;
let page;
const failures = [];

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    server = createServer(({ url }, response) => {
        const [path, type] = files[url] ?? [];
        if (!path) return response.writeHead(404).end();
        response.writeHead(200, { "content-type": type }).end(readFileSync(path));
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    browser = await chromium.launch({
        executablePath: "/usr/bin/chromium",
        args: [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
            "--disable-component-update", "--disable-sync",
        ],
    });
    page = await browser.newPage();
    page.on("pageerror", (error) => failures.push(`${error}`));
    page.on("requestfailed", (request) => failures.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
    // By name, the page's origin is another host than the node's, too.
    await page.goto(`http://localhost:${server.address().port}/`);
    await page.waitForFunction(() => window.ready);
    await page.evaluate(([url, ws, key]) => void window.connect(url, ws, key), [node.url, node.ws, alice.privateKey]);
});
after(async () => {
    await browser?.close();
    server?.close();
    await node?.stop();
});

const request = (method, params = []) => page.evaluate((call) => window.ethereum.request(call), { method, params });

test("the page connects, across origins and with a header of its own", async () => {
    assert.notEqual(await page.evaluate(() => location.origin), new URL(node.url).origin);
    assert.deepEqual(await request("eth_requestAccounts"), [alice.address]);
    assert.equal(Number(await request("eth_chainId")), CHAIN_ID);
    // The page's header makes the browser ask with OPTIONS first; without leave, `fetch` fails.
    assert.equal(BigInt(await request("eth_getBalance", [alice.address, "latest"])), 10n ** 22n);
});

test("it sends a transaction and reads its receipt at once", async () => {
    const before = await viem.client.getBalance({ address: bob.address });
    const hash = await request("eth_sendTransaction", [{ from: alice.address, to: bob.address, value: "0xde0b6b3a7640000" }]);
    assert.equal((await request("eth_getTransactionByHash", [hash])).from, alice.address.toLowerCase());
    const receipt = await eventually(() => request("eth_getTransactionReceipt", [hash]), 5_000, "the receipt");
    assert.equal(receipt.status, "0x1");
    assert.equal(await viem.client.getBalance({ address: bob.address }), before + 10n ** 18n);
});

test("an error arrives with code, words and data", async () => {
    const probe = await viem.deploy(contract("Probe"), [], 5);
    const call = { from: alice.address, to: probe.address, data: encodeFunctionData({ abi: probe.abi, functionName: "failReason", args: [1n] }) };
    const error = await page.evaluate(async (transaction) => {
        const refused = window.ethereum.request({ method: "eth_estimateGas", params: [transaction] });
        return refused.then(() => null, ({ code, message, data }) => ({ code, message, data }));
    }, call);
    assert.deepEqual([error.code, error.message], [3, "execution reverted: no entry"]);
    assert.match(error.data, /^0x08c379a0/);
});

test("it receives new heads and logs over WebSocket while others transact", async () => {
    const probe = await viem.deploy(contract("Probe"), [], 5);
    await page.evaluate(async (address) => {
        window.heads = [];
        window.logs = [];
        window.ethereum.on("message", ({ data: { result } }) => (result.topics ? window.logs.push(result) : window.heads.push(result)));
        window.subscriptions = [await window.ethereum.subscribe("newHeads"), await window.ethereum.subscribe("logs", { address })];
    }, probe.address);
    const subscriptions = await page.evaluate(() => window.subscriptions);
    assert.equal(new Set(subscriptions).size, 2);
    const mined = [];
    for (let id = 1n; id <= 3n; id++) mined.push(await probe.write(6, "ping", [id, "to the page"]));
    await page.waitForFunction(() => window.heads.length >= 3 && window.logs.length >= 3, undefined, { timeout: 10_000 });
    const { heads, logs } = await page.evaluate(() => ({ heads: window.heads, logs: window.logs }));
    assert.deepEqual(heads.map(({ number, hash }) => [BigInt(number), hash]), mined.map(({ blockNumber, blockHash }) => [blockNumber, blockHash]));
    assert.deepEqual(logs.map(({ transactionHash }) => transactionHash), mined.map(({ transactionHash }) => transactionHash));
});

test("a page without an origin of its own may call too", async () => {
    // A sandboxed frame has the origin "null".
    const answer = await page.evaluate((url) => new Promise((done) => {
        window.addEventListener("message", ({ data }) => done(data), { once: true });
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
        frame.srcdoc = `<script>fetch(${JSON.stringify(url)}, { method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(body)} })
            .then((response) => response.json()).then(({ result }) => parent.postMessage(origin + " " + result, "*"), (error) => parent.postMessage(String(error), "*"))<\/script>`;
        document.body.append(frame);
    }), node.url);
    assert.equal(answer, `null 0x${CHAIN_ID.toString(16)}`);
    assert.deepEqual(failures, []);
});
