// aura_getProof, asked by cast, viem and ethers, and checked by a contract on L1 that knows nothing of
// the state but roots: those of the head and of an old block, which were posted to it.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Contract, JsonRpcProvider } from "ethers";
import { createPublicClient, createWalletClient, defineChain, encodeAbiParameters, http, keccak256, numberToHex, pad } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { L1 } from "../lib/l1.js";
import { CHAIN_ID, Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { ok } from "../lib/run.js";

const INTERVAL = 8;
const WINDOW = 4;
const { abi, bytecode } = contract("Probe");
const [alice] = accounts;
const carol = "0x00000000000000000000000000000000000ca401";
const dave = "0x0000000000000000000000000000000000da4e02"; // comes into being after the old block
const nobody = "0x00000000000000000000000000000000000abc03";
const SLOT = pad("0x0", { size: 32 }); // of Probe.value
const PINGS = keccak256(encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [alice.address, 1n]));
const datadir = mkdtempSync(join(tmpdir(), "aura-e2e-proofs-"));

let node;
let client;
let wallet;
let l1;
let posted; // contract on L1
let kept; // contract on L2 whose value is set at the old block and deleted at the head
let dropped; // contract on L2 whose value is deleted at the old block and set at the head
let old; // numbers of blocks
let head;

const start = () => Node.start({ datadir, proofWindow: WINDOW, proofInterval: INTERVAL });

async function connect() {
    const chain = defineChain({
        id: CHAIN_ID, name: "Aura", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [node.url] } },
    });
    const transport = http(node.url, { retryCount: 0 });
    client = createPublicClient({ chain, transport, pollingInterval: 20, cacheTime: 0 });
    wallet = createWalletClient({ account: privateKeyToAccount(alice.privateKey), chain, transport });
}

async function mined(hash) {
    const receipt = await client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, "success");
    return receipt;
}

const deploy = async () => (await mined(await wallet.deployContract({ abi, bytecode }))).contractAddress;
const write = async (address, functionName, ...args) => mined(await wallet.writeContract({ address, abi, functionName, args }));
const pay = async (to) => mined(await wallet.sendTransaction({ to, value: 1_000_000_007n }));
const blockNumber = async () => Number(await client.getBlockNumber());
const getProof = (address, slots, block) => client.request({ method: "aura_getProof", params: [address, slots, block] });
const stateRoot = (block) => client.request({ method: "aura_stateRoot", params: [block] });

before(async () => {
    [node, l1] = await Promise.all([start(), L1.start()]);
    await connect();
    posted = await l1.deploy("PostedRoots");
    kept = await deploy();
    dropped = await deploy();
    await write(kept, "set", 7n);
    await write(kept, "ping", 1n, "one");
    await write(dropped, "set", 5n);
    await write(dropped, "set", 0n);
    do await pay(carol);
    while ((await blockNumber()) % INTERVAL !== 0);
    old = await blockNumber();
    // The same leaves change in many blocks more.
    for (let i = 1n; i <= 7n; i++) {
        await write(kept, "set", 100n + i);
        await write(dropped, "set", 200n + i);
        await pay(carol);
    }
    await write(kept, "ping", 2n, "two");
    await write(kept, "set", 0n);
    await pay(dave);
    head = await blockNumber();
    assert.ok(head > old + 2 * INTERVAL);
    for (const block of [old, head]) {
        const root = await stateRoot(numberToHex(block));
        assert.equal(BigInt(root.blockNumber), BigInt(block));
        await posted.write("post", [BigInt(block), root.stateRoot]);
    }
});
after(async () => {
    await Promise.all([node?.stop(), l1?.stop()]);
    rmSync(datadir, { recursive: true, force: true });
});

/** Every claim of an answer, as calls of the contract on L1 about the root of `block`. */
function claims(proof, block) {
    const of = [BigInt(block), proof.address];
    const { accountProof: path } = proof;
    const account = path.leaf
        ? ["lacksAccount", [...of, path]]
        : ["hasAccount", [...of, BigInt(proof.nonce), BigInt(proof.balance), proof.codeHash, path]];
    const slots = proof.storageProof.map(({ key, value, proof: path }) =>
        path.leaf ? ["lacksSlot", [...of, key, path]] : ["hasSlot", [...of, key, value, path]],
    );
    return [account, ...slots];
}

/** What the contract on L1 says of each claim. */
const judge = (proof, block) => Promise.all(claims(proof, block).map(([name, args]) => posted.read(name, args)));
const names = (proof) => claims(proof, 0).map(([name]) => name);

/** The same questions at any block. */
const ask = (block) =>
    Promise.all([
        getProof(kept, [SLOT, PINGS, "0x63"], block),
        getProof(dropped, ["0x0"], block),
        getProof(alice.address, [], block),
        getProof(carol, [], block),
        getProof(dave, [], block),
        getProof(nobody, ["0x0"], block),
    ]);

const AT_OLD = [
    ["hasAccount", "hasSlot", "hasSlot", "lacksSlot"], ["hasAccount", "lacksSlot"], ["hasAccount"], ["hasAccount"], ["lacksAccount"], ["lacksAccount", "lacksSlot"],
];
const AT_HEAD = [
    ["hasAccount", "lacksSlot", "hasSlot", "lacksSlot"], ["hasAccount", "hasSlot"], ["hasAccount"], ["hasAccount"], ["hasAccount"], ["lacksAccount", "lacksSlot"],
];

/** Asks at `block`, expects these kinds of claims, the values that eth_ methods give, and the contract's yes. */
async function verified(block, kinds) {
    const at = numberToHex(block);
    const proofs = await ask(at);
    assert.deepEqual(proofs.map(names), kinds);
    const header = await client.getBlock({ blockNumber: BigInt(block) });
    for (const proof of proofs) {
        assert.deepEqual([proof.stateRoot, proof.blockHash, proof.blockNumber], [header.stateRoot, header.hash, at]);
        assert.equal(proof.balance, await node.rpc("eth_getBalance", [proof.address, at]));
        assert.equal(proof.nonce, await node.rpc("eth_getTransactionCount", [proof.address, at]));
        for (const { key, value } of proof.storageProof) {
            assert.equal(value, await node.rpc("eth_getStorageAt", [proof.address, key, at]));
        }
        const code = await node.rpc("eth_getCode", [proof.address, at]);
        const absent = proof.accountProof.leaf !== undefined;
        assert.equal(proof.codeHash, absent ? pad("0x0", { size: 32 }) : keccak256(code));
        assert.ok((await judge(proof, block)).every((yes) => yes), JSON.stringify(proof));
    }
    return proofs;
}

test("viem: accounts and slots, present and absent, at the head", () => verified(head, AT_HEAD));

test("viem: the same at an old posted root, which the head's proofs do not verify against", async () => {
    const before = await verified(old, AT_OLD);
    const now = await ask("latest");
    for (const [i, proof] of before.entries()) {
        assert.deepEqual(await judge(proof, head), names(proof).map(() => false), "an old proof at the head's root");
        assert.deepEqual(await judge(now[i], old), names(now[i]).map(() => false), "a proof of the head at the old root");
    }
});

test("a block is named by number, hash, object or tag", async () => {
    const { blockHash } = await stateRoot(numberToHex(old));
    const [proof] = await ask(numberToHex(old));
    for (const block of [blockHash, { blockHash }, { blockHash, requireCanonical: true }, { blockNumber: numberToHex(old) }]) {
        assert.deepEqual((await ask(block))[0], proof);
    }
    assert.equal((await getProof(carol, [], "latest")).blockNumber, numberToHex(head));
    for (const tag of ["earliest", "safe", "finalized"]) {
        const proof = await getProof(carol, [], tag);
        assert.equal(proof.blockNumber, "0x0");
        const { stateRoot: root } = await stateRoot(tag);
        await posted.write("post", [0n, root]);
        assert.deepEqual([names(proof), await judge(proof, 0)], [["lacksAccount"], [true]]);
    }
});

test("cast asks the node, and the contract on L1", async () => {
    const at = numberToHex(old);
    const slots = JSON.stringify([SLOT, "0x63"]);
    const answer = JSON.parse(await ok("cast", ["rpc", "aura_getProof", kept, slots, at], node.url));
    assert.deepEqual(answer, await getProof(kept, [SLOT, "0x63"], at));
    const tuple = ({ depths, siblings, leaf }) => `(${[depths, `[${siblings}]`, ...(leaf ? [`(${leaf.key},${leaf.value})`] : [])]})`;
    const [present, absent] = answer.storageProof;
    const { nonce, balance, codeHash, accountProof } = answer;
    const PATH = "(bytes,bytes32[])";
    const ABSENCE = "(bytes,bytes32[],(bytes32,bytes32))";
    const call = (signature, ...args) => ok("cast", ["call", posted.address, `${signature}(bool)`, ...args], l1.url);
    for (const [block, said] of [[old, "true"], [head, "false"]]) {
        assert.equal(await call(`hasAccount(uint64,address,uint64,uint256,bytes32,${PATH})`, block, kept, nonce, balance, codeHash, tuple(accountProof)), said);
        assert.equal(await call(`hasSlot(uint64,address,bytes32,bytes32,${PATH})`, block, kept, present.key, present.value, tuple(present.proof)), said);
        assert.equal(await call(`lacksSlot(uint64,address,bytes32,${ABSENCE})`, block, kept, absent.key, tuple(absent.proof)), said);
    }
    const root = JSON.parse(await ok("cast", ["rpc", "aura_stateRoot", at], node.url));
    assert.equal(root.stateRoot, answer.stateRoot);
});

test("ethers asks the node, and the contract on L1", async () => {
    const providers = [node.url, l1.url].map((url) => new JsonRpcProvider(url, undefined, { staticNetwork: true }));
    try {
        const [l2, base] = providers;
        const roots = new Contract(posted.address, posted.abi, base);
        for (const block of [old, head]) {
            const proof = await l2.send("aura_getProof", [dropped, [SLOT], numberToHex(block)]);
            for (const [name, args] of claims(proof, block)) assert.equal(await roots[name](...args), true, name);
        }
    } finally {
        providers.forEach((provider) => provider.destroy());
    }
});

test("a block outside the window is refused with the first one that is not", async () => {
    const requested = numberToHex(old + 3);
    const refused = await node.request("aura_getProof", [carol, [], requested]);
    const { code, message, data } = refused.error;
    assert.equal(code, -32000);
    assert.equal(data.requested, requested);
    const first = Number(data.firstAvailable);
    assert.match(message, new RegExp(`no proof at block ${old + 3}: every block from ${first} on can be proven`));
    assert.ok(first <= head - WINDOW && first > old + INTERVAL, message);
    assert.deepEqual(data.nearest.map(Number), [old, old + INTERVAL]);
    for (const block of [data.firstAvailable, ...data.nearest]) await getProof(carol, [], block);
    await assert.rejects(getProof(carol, [], requested), /every block from/);
    const unknown = await node.request("aura_getProof", [carol, [], numberToHex(head + 1)]);
    assert.deepEqual([unknown.error.code, unknown.error.message], [-32000, "header not found"]);
    assert.equal(await stateRoot(numberToHex(head + 1)), null);
    const pending = await node.request("aura_getProof", [carol, [], "pending"]);
    assert.equal(pending.error.code, -32602);
});

test("forged answers are refused by the contract", async () => {
    const flip = (hex, at = hex.length - 1) => `${hex.slice(0, at)}${(parseInt(hex[at], 16) ^ 1).toString(16)}${hex.slice(at + 1)}`;
    const ofPath = (path) => {
        const last = path.siblings.length - 1;
        const forged = [
            { ...path, siblings: path.siblings.slice(1), depths: `0x${path.depths.slice(4)}` },
            { ...path, siblings: path.siblings.slice(0, last), depths: path.depths.slice(0, -2) },
            { ...path, siblings: path.siblings.slice(0, last) },
            { ...path, siblings: path.siblings.toReversed() },
            { ...path, siblings: [...path.siblings, path.siblings[last]], depths: `${path.depths}00` },
        ];
        for (const i of path.siblings.keys()) {
            forged.push({ ...path, siblings: path.siblings.with(i, flip(path.siblings[i])) });
            forged.push({ ...path, depths: flip(path.depths, 3 + 2 * i) });
        }
        if (path.leaf) {
            for (const member of ["key", "value"]) forged.push({ ...path, leaf: { ...path.leaf, [member]: flip(path.leaf[member]) } });
            const zero = pad("0x0", { size: 32 });
            forged.push({ ...path, leaf: { key: zero, value: zero } });
        }
        return forged;
    };
    let refused = 0;
    for (const block of [old, head]) {
        for (const proof of [await getProof(kept, [SLOT, PINGS, "0x63"], numberToHex(block)), await getProof(nobody, [], numberToHex(block))]) {
            for (const [name, args] of claims(proof, block)) {
                assert.equal(await posted.read(name, args), true);
                const values = args.slice(1, -1);
                const forgeries = ofPath(args.at(-1)).map((path) => [...args.slice(0, -1), path]);
                for (const [i, value] of values.entries()) {
                    const other = typeof value === "bigint" ? value + 1n : flip(value.toLowerCase());
                    forgeries.push(args.with(1 + i, other));
                }
                const said = await Promise.all(forgeries.map((forged) => posted.read(name, forged)));
                assert.deepEqual(said, said.map(() => false), name);
                refused += said.length;
            }
        }
    }
    assert.ok(refused > 100, `${refused} forgeries`);
    await assert.rejects(posted.read("lacksAccount", [99_999n, nobody, (await getProof(nobody, [], "latest")).accountProof]), /PostedRoots_Unknown/);
});

test("after kill -9 the old posted root is still provable", async () => {
    const proofs = await ask(numberToHex(old));
    await node.end("SIGKILL");
    node = await start();
    await connect();
    assert.deepEqual(await ask(numberToHex(old)), proofs);
    await write(kept, "set", 1n);
    assert.deepEqual(await verified(old, AT_OLD), proofs);
});
