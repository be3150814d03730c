// Foundry's `cast` against a node that seals at once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CHAIN_ID, Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { ok, run } from "../lib/run.js";

const [alice, bob] = accounts;
let node;
let probe;

const cast = (...args) => ok("cast", args, node.url);
const castJson = async (...args) => JSON.parse(await cast(...args, "--json"));
const send = (...args) => castJson("send", "--private-key", alice.privateKey, ...args);

before(async () => {
    node = await Node.start();
    probe = (await send("--create", contract("Probe").bytecode)).contractAddress;
});
after(() => node?.stop());

test("chain-id, client and the development accounts", async () => {
    assert.equal(await cast("chain-id"), String(CHAIN_ID));
    assert.notEqual(await cast("client"), "");
    for (const { address } of accounts.slice(1)) {
        assert.equal(await cast("balance", address, "--ether"), "10000.000000000000000000");
    }
});

test("send moves value, and receipt, tx, nonce and balance agree", async () => {
    const to = "0x00000000000000000000000000000000000a11ce";
    const nonce = Number(await cast("nonce", alice.address));
    const before = BigInt(await cast("balance", alice.address));
    const receipt = await send(to, "--value", "1ether");
    assert.equal(receipt.status, "0x1");
    assert.equal(BigInt(receipt.gasUsed), 21_000n);
    assert.equal(await cast("balance", to), "1000000000000000000");
    assert.equal(Number(await cast("nonce", alice.address)), nonce + 1);
    const spent = before - BigInt(await cast("balance", alice.address));
    assert.equal(spent, 10n ** 18n + BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice));

    const read = await castJson("receipt", receipt.transactionHash);
    assert.equal(read.blockHash, receipt.blockHash);
    const tx = await castJson("tx", receipt.transactionHash);
    assert.equal(tx.from, alice.address.toLowerCase());
    assert.equal(BigInt(tx.value), 10n ** 18n);
});

test("legacy and access-list transactions are mined", async () => {
    const legacy = await send(bob.address, "--value", "1", "--legacy");
    assert.deepEqual([legacy.status, legacy.type], ["0x1", "0x0"]);
    const listed = await send(probe, "set(uint256)", "5", "--access-list");
    assert.equal(listed.status, "0x1");
    assert.equal(await cast("call", probe, "value()(uint256)"), "5");
});

test("block by number, tag and hash; fields and uncles", async () => {
    const block = await castJson("block", "latest");
    assert.equal(await cast("block", block.hash, "--field", "number"), String(BigInt(block.number)));
    assert.equal(await cast("block-number"), String(BigInt(block.number)));
    const full = await castJson("block", "latest", "--full");
    assert.equal(full.transactions[0].blockHash, block.hash);
    for (const tag of ["earliest", "safe", "finalized", "pending"]) {
        assert.match((await castJson("block", tag)).number, /^0x/, tag);
    }
    assert.match(await cast("age"), /\d{4}/);
    assert.ok(BigInt(await cast("base-fee")) > 0n);
});

test("call, calldata with tuple results, code, codesize and storage", async () => {
    await send(probe, "set(uint256)", "42");
    assert.equal(await cast("call", probe, "value()(uint256)"), "42");
    assert.equal(await cast("call", probe, "caller()(address)", "--from", bob.address), bob.address);
    assert.equal(BigInt(await cast("storage", probe, "0")), 42n);
    const code = await cast("code", probe);
    assert.equal(Number(await cast("codesize", probe)), (code.length - 2) / 2);
    assert.equal(await cast("code", bob.address), "0x");
});

test("call at an older block sees the older state", async () => {
    await send(probe, "set(uint256)", "1");
    const number = await cast("block-number");
    await send(probe, "set(uint256)", "2");
    assert.equal(await cast("call", probe, "value()(uint256)", "--block", number), "1");
    assert.equal(await cast("call", probe, "value()(uint256)"), "2");
});

test("logs by address, by topic and by block range", async () => {
    const receipt = await send(probe, "ping(uint256,string)", "77", "hello");
    const signature = "Ping(address indexed,uint256 indexed,string)";
    const all = await castJson("logs", "--address", probe, "--from-block", "earliest", signature);
    assert.ok(all.some((log) => log.transactionHash === receipt.transactionHash));
    const topic = await castJson("logs", "--address", probe, "--from-block", "0", signature, alice.address, "77");
    assert.deepEqual(topic.map((log) => log.transactionHash), [receipt.transactionHash]);
    const none = await castJson("logs", "--address", probe, "--from-block", "0", signature, bob.address);
    assert.deepEqual(none, []);
    const number = String(BigInt(receipt.blockNumber));
    const one = await castJson("logs", "--from-block", number, "--to-block", number);
    assert.equal(one.length, 1);
});

test("estimate, gas-price and access-list", async () => {
    assert.equal(await cast("estimate", bob.address, "--value", "1", "--from", alice.address), "21000");
    const estimate = Number(await cast("estimate", probe, "set(uint256)", "9", "--from", alice.address));
    const receipt = await send(probe, "set(uint256)", "9", "--gas-limit", estimate);
    assert.equal(receipt.status, "0x1");
    assert.ok(BigInt(await cast("gas-price")) >= BigInt(await cast("base-fee")));
    assert.match(await cast("access-list", probe, "value()"), new RegExp(probe.slice(2), "i"));
});

test("a reverting send fails with the contract's reason", async () => {
    const result = await run("cast", ["send", probe, "failReason(uint256)", "1", "--private-key", alice.privateKey], node.url);
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /execution reverted: no entry/);
    const call = await run("cast", ["call", probe, "failCustom(uint256)", "3"], node.url);
    assert.notEqual(call.code, 0);
    assert.match(call.stderr, /execution reverted/);
});

test("publish takes a transaction signed offline, and mktx agrees with its hash", async () => {
    const raw = await cast("mktx", bob.address, "--value", "3", "--private-key", alice.privateKey);
    const receipt = JSON.parse(await cast("publish", raw, "--json"));
    assert.equal(receipt.transactionHash ?? receipt, await cast("keccak", raw));
});

test("rpc passes any method through", async () => {
    assert.equal(JSON.parse(await cast("rpc", "eth_chainId")), `0x${CHAIN_ID.toString(16)}`);
    assert.equal(JSON.parse(await cast("rpc", "net_version")), String(CHAIN_ID));
});
