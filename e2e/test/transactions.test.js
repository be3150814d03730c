// What is accepted, what is refused and in which words, and the forms of requests that clients use.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Interface, JsonRpcProvider, Transaction, Wallet, encodeRlp, keccak256, toBeHex } from "ethers";
import { CHAIN_ID, Node } from "../lib/node.js";
import { FACTORY, accounts, contract, ensureFactory } from "../lib/fixtures.js";

const probe = contract("Probe");
const calls = new Interface(probe.abi);
const GWEI = 10n ** 9n;
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
let node;
let address;

const wallet = (index) => new Wallet(accounts[index].privateKey);
const nonceOf = async (index) => Number(await node.rpc("eth_getTransactionCount", [accounts[index].address, "pending"]));
const base = async (index) => ({
    type: 2, chainId: CHAIN_ID, nonce: await nonceOf(index), gasLimit: 21_000, to: accounts[9].address, value: 1,
    maxFeePerGas: 50n * GWEI, maxPriorityFeePerGas: GWEI,
});
const sign = async (index, fields = {}) => wallet(index).signTransaction({ ...(await base(index)), ...fields });
const submit = (raw) => node.request("eth_sendRawTransaction", [raw]);

before(async () => {
    node = await Node.start();
    const hash = await node.rpc("eth_sendRawTransaction", [await sign(0, { data: probe.bytecode, to: null, value: 0, gasLimit: 1_000_000 })]);
    address = (await node.receipt(hash)).contractAddress;
});
after(() => node?.stop());

test("a transaction signed before EIP-155 is mined, and the keyless factory deploys", async () => {
    const raw = await wallet(1).signTransaction({
        type: 0, nonce: 0, gasLimit: 21_000, gasPrice: 100n * GWEI, to: accounts[9].address, value: 1,
    });
    assert.ok([27, 28].includes(Transaction.from(raw).signature.v), "the test signs without a chain id");
    assert.equal((await node.receipt((await submit(raw)).result)).status, "0x1");

    const provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1 });
    try {
        await ensureFactory(node, wallet(2).connect(provider));
    } finally {
        provider.destroy();
    }
    assert.equal((await node.rpc("eth_getCode", [FACTORY, "latest"])).length, 2 + 2 * 69);
});

const quantity = (value) => (BigInt(value) === 0n ? "0x" : toBeHex(BigInt(value)));

/** A type 2 transaction's bytes, for what ethers refuses to encode. Without a signature: what is signed. */
function encode(tx, signature) {
    const fields = [tx.chainId, tx.nonce, tx.maxPriorityFeePerGas, tx.maxFeePerGas, tx.gasLimit].map(quantity);
    fields.push(tx.to, quantity(tx.value), "0x", []);
    if (signature) fields.push(...[signature.yParity, signature.r, signature.s].map(quantity));
    return `0x02${encodeRlp(fields).slice(2)}`;
}

/** `fields` differ from a good transaction; the refusal must say `words`. */
const refusals = [
    ["a nonce that was used", { nonce: 0 }, /nonce too low/],
    ["more value than the balance", { value: 10n ** 24n }, /insufficient funds for gas \* price \+ value/],
    ["gas below the intrinsic cost", { gasLimit: 20_999 }, /intrinsic gas too low/],
    ["gas below the cost of its data", { data: "0x01" }, /intrinsic gas too low|floor/],
    ["gas below EIP-7623's floor", { data: `0x${"01".repeat(1000)}`, gasLimit: 21_000 + 16_000 + 10 }, /floor data gas|intrinsic gas too low/],
    ["a fee cap below the base fee", { maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }, /max fee per gas less than block base fee|underpriced/],
    ["gas above the block's", { gasLimit: 2n ** 40n }, /exceeds block gas limit|gas limit too high/i],
    ["gas above EIP-7825's cap", { gasLimit: 16_777_217 }, /gas limit too high|exceeds.*(cap|limit|maximum)/i],
    ["another chain's id", { chainId: 1 }, /invalid chain id for signer/],
    ["init code above EIP-3860's limit", { to: null, data: `0x${"00".repeat(49_153)}`, gasLimit: 5_000_000 }, /max initcode size exceeded/],
    ["more than 128 KiB", { data: `0x${"00".repeat(140_000)}`, gasLimit: 5_000_000 }, /oversized data/],
    ["an empty EIP-7702 list", { type: 4, authorizationList: [], gasLimit: 100_000 }, /authorization/i],
];
for (const [what, fields, words] of refusals) {
    test(`refused at submission: ${what}`, async () => {
        const raw = await sign(0, fields);
        const { error, result } = await submit(raw);
        assert.equal(result, undefined, `accepted ${result}`);
        assert.ok([-32000, -32003].includes(error.code), JSON.stringify(error));
        assert.match(error.message, words);
        assert.equal(await node.rpc("eth_getTransactionByHash", [Transaction.from(raw).hash]), null);
    });
}

test("refused at submission: legacy with another chain's id", async () => {
    const { error } = await submit(await sign(0, { type: 0, chainId: 5, gasPrice: 10n * GWEI, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined }));
    assert.match(error?.message, /invalid chain id for signer/);
});

test("refused at submission: a tip above the fee cap", async () => {
    const tx = { ...(await base(0)), maxPriorityFeePerGas: 51n * GWEI };
    const { error } = await submit(encode(tx, wallet(0).signingKey.sign(keccak256(encode(tx)))));
    assert.match(error?.message, /max priority fee per gas higher than max fee per gas/);
});

test("refused at submission: a high-s signature", async () => {
    const tx = Transaction.from(await sign(0));
    const { r, s, yParity } = tx.signature;
    assert.equal(encode(tx, { r, s, yParity }), tx.serialized, "the test encodes as ethers does");
    const raw = encode(tx, { r, s: toBeHex(CURVE_ORDER - BigInt(s)), yParity: 1 - yParity });
    const { error } = await submit(raw);
    assert.match(error?.message, /invalid.*signature|signature.*invalid|invalid transaction v, r, s/i);
});

test("refused at submission: trailing bytes, a cut, a blob transaction, an unknown type", async () => {
    const good = await sign(0);
    for (const raw of [`${good}00`, good.slice(0, -2), "0x", "0x02", "0x02c0", "0xc0", "0x7f00", `0x${"ff".repeat(100)}`]) {
        const { error } = await submit(raw);
        assert.ok(error, `accepted ${raw.slice(0, 20)}…`);
        assert.ok([-32000, -32003, -32602].includes(error.code), JSON.stringify(error));
        assert.ok(error.message.length > 5);
    }
    const blob = new Transaction();
    Object.assign(blob, {
        type: 3, chainId: CHAIN_ID, nonce: await nonceOf(0), gasLimit: 21_000, to: accounts[9].address, maxFeePerGas: 50n * GWEI,
        maxPriorityFeePerGas: GWEI, maxFeePerBlobGas: GWEI, blobVersionedHashes: [`0x01${"00".repeat(31)}`],
    });
    blob.signature = wallet(0).signingKey.sign(blob.unsignedHash);
    const { error } = await submit(blob.serialized);
    assert.match(error?.message, /blob|type not supported/i);
});

test("a duplicate says already known", async () => {
    const raw = await sign(3, { nonce: (await nonceOf(3)) + 5 });
    assert.equal((await submit(raw)).error, undefined);
    assert.match((await submit(raw)).error?.message, /already known/);
});

test("a block's hash is the hash of its header, from genesis to the head", async () => {
    const head = Number(await node.rpc("eth_blockNumber"));
    let parent = `0x${"00".repeat(32)}`;
    for (let number = 0; number <= head; number++) {
        const b = await node.rpc("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
        const fields = [
            b.parentHash, b.sha3Uncles, b.miner, b.stateRoot, b.transactionsRoot, b.receiptsRoot, b.logsBloom, quantity(b.difficulty),
            quantity(b.number), quantity(b.gasLimit), quantity(b.gasUsed), quantity(b.timestamp), b.extraData, b.mixHash, b.nonce,
            quantity(b.baseFeePerGas), b.withdrawalsRoot, quantity(b.blobGasUsed), quantity(b.excessBlobGas), b.parentBeaconBlockRoot,
        ];
        if (b.requestsHash) fields.push(b.requestsHash);
        assert.equal(keccak256(encodeRlp(fields)), b.hash, `block ${number}`);
        assert.equal(b.parentHash, parent);
        parent = b.hash;
    }
    assert.ok(head > 0);
});

test("block parameters: tags, numbers, EIP-1898 objects and a bare hash", async () => {
    const { number, hash } = await node.rpc("eth_getBlockByNumber", ["latest", false]);
    const expected = await node.rpc("eth_getBalance", [accounts[0].address, number]);
    for (const block of ["latest", "pending", { blockNumber: number }, { blockHash: hash }, { blockHash: hash, requireCanonical: true }, hash]) {
        assert.equal(await node.rpc("eth_getBalance", [accounts[0].address, block]), expected, JSON.stringify(block));
    }
    for (const block of ["safe", "finalized", "earliest"]) {
        assert.match(await node.rpc("eth_getBalance", [accounts[0].address, block]), /^0x/);
    }
    const unknown = { blockHash: `0x${"11".repeat(32)}` };
    const { error } = await node.request("eth_getBalance", [accounts[0].address, unknown]);
    assert.ok([-32000, -32001].includes(error?.code), JSON.stringify(error));
});

test("a call may be written in every way that clients write it", async () => {
    const data = calls.encodeFunctionData("caller");
    const from = accounts[4].address;
    const self = `0x${from.slice(2).toLowerCase().padStart(64, "0")}`;
    const zero = `0x${"0".repeat(64)}`;
    const call = (...params) => node.rpc("eth_call", params);
    assert.equal(await call({ to: address, from, data, input: data }, "latest"), self);
    assert.equal(await call({ to: address, from, input: data }), self, "without a block");
    assert.equal(await call({ to: address, data }, "latest"), zero, "without from");
    assert.equal(await call({ to: address, data, value: "0x0", gas: null, accessList: null, gasPrice: null }, "latest"), zero);
    assert.equal(await call({ to: address, from, data, type: "0x2", chainId: `0x${CHAIN_ID.toString(16)}`, nonce: "0x0", accessList: [] }, "latest"), self);
    assert.equal(await call({ to: address, from, data, gas: "0xffffffffffffff" }, "latest"), self, "gas above the cap is lowered");
    const differing = await node.request("eth_call", [{ to: address, data, input: "0x1234" }, "latest"]);
    assert.equal(differing.error?.code, -32602);
    for (const slot of ["0x0", "0x00", zero]) {
        assert.equal(await node.rpc("eth_getStorageAt", [address, slot, "latest"]), zero, slot);
    }
    for (const count of ["0x2", 2]) {
        assert.ok((await node.rpc("eth_feeHistory", [count, "latest", []])).baseFeePerGas.length >= 2);
    }
    const overridden = await call({ to: address, data: calls.encodeFunctionData("value") }, "latest", {
        [address]: { stateDiff: { [zero]: `0x${"0".repeat(62)}63` } },
    });
    assert.equal(BigInt(overridden), 99n);
});

test("an endless call ends soon, with an error", async () => {
    const begun = Date.now();
    const { error } = await node.request("eth_call", [{ to: address, data: calls.encodeFunctionData("spin") }, "latest"]);
    assert.match(error?.message, /out of gas|timeout|timed out|gas required/i);
    assert.ok(Date.now() - begun < 10_000);
});

test("pending is the open block: a full block with a number", async () => {
    const latest = await node.rpc("eth_getBlockByNumber", ["latest", false]);
    const pending = await node.rpc("eth_getBlockByNumber", ["pending", true]);
    assert.equal(Number(pending.number), Number(latest.number) + 1);
    assert.equal(pending.parentHash, latest.hash);
    assert.ok(Array.isArray(pending.transactions));
});

test("the pending nonce counts the gapless run only", async () => {
    const mined = await nonceOf(5);
    for (const ahead of [2, 3]) await node.rpc("eth_sendRawTransaction", [await sign(5, { nonce: mined + ahead })]);
    assert.equal(await nonceOf(5), mined);
    await node.receipt((await submit(await sign(5, { nonce: mined }))).result);
    assert.equal(await nonceOf(5), mined + 1);
    await node.receipt((await submit(await sign(5, { nonce: mined + 1 }))).result);
    assert.equal(await nonceOf(5), mined + 4);
});
