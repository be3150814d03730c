// Kill -9, and what a client was told is still there.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Interface, Wallet } from "ethers";
import { CHAIN_ID, Node, eventually } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";

const { abi, bytecode } = contract("Probe");
const probe = new Interface(abi);
const wallets = accounts.map(({ privateKey }) => new Wallet(privateKey));
const nonces = accounts.map(() => 0);
let datadir;

before(() => (datadir = mkdtempSync(join(tmpdir(), "aura-e2e-restart-"))));
after(() => rmSync(datadir, { recursive: true, force: true }));

/** Signs the next transaction of account `index`; an explicit `nonce` does not count. */
function sign(index, fields) {
    const nonce = fields.nonce ?? nonces[index]++;
    return wallets[index].signTransaction({
        type: 2, chainId: CHAIN_ID, gasLimit: 1_000_000, maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
        ...fields, nonce,
    });
}

const submit = async (node, raw) => node.rpc("eth_sendRawTransaction", [raw]);

/** Everything a client can ask about these transactions and accounts, at the head and before it. */
async function picture(node, hashes, address, head) {
    const ask = [];
    for (const hash of hashes) {
        ask.push(["eth_getTransactionReceipt", [hash]], ["eth_getTransactionByHash", [hash]]);
    }
    for (let number = 0; number <= head; number++) {
        ask.push(["eth_getBlockByNumber", [`0x${number.toString(16)}`, true]], ["eth_getBlockReceipts", [`0x${number.toString(16)}`]]);
    }
    for (const number of [head, head - 3]) {
        const at = `0x${number.toString(16)}`;
        for (const account of accounts) {
            ask.push(["eth_getBalance", [account.address, at]], ["eth_getTransactionCount", [account.address, at]]);
        }
        ask.push(["eth_getCode", [address, at]], ["eth_getStorageAt", [address, "0x0", at]]);
        ask.push(["eth_call", [{ to: address, data: probe.encodeFunctionData("value") }, at]]);
    }
    ask.push(["eth_getLogs", [{ fromBlock: "0x0", toBlock: `0x${head.toString(16)}`, address }]]);
    const answers = [];
    for (const [method, params] of ask) answers.push([method, params, await node.rpc(method, params)]);
    return answers;
}

test("after kill -9 and a restart every answer is the same", async () => {
    let node = await Node.start({ datadir });
    const hashes = [];
    let queued;
    try {
        const deployment = await submit(node, await sign(0, { data: bytecode }));
        hashes.push(deployment);
        const { contractAddress: address } = await node.receipt(deployment);
        for (let i = 1; i <= 5; i++) {
            hashes.push(await submit(node, await sign(0, { to: address, data: probe.encodeFunctionData("set", [i]) })));
            hashes.push(await submit(node, await sign(1, { to: address, data: probe.encodeFunctionData("ping", [i, "kept"]) })));
            for (const hash of hashes.slice(-2)) await node.receipt(hash);
        }
        queued = await submit(node, await sign(2, { to: accounts[3].address, value: 7, nonce: 1 }));
        const head = Number(await node.rpc("eth_blockNumber"));
        const before = await picture(node, hashes, address, head);
        assert.ok(before.some(([method, , result]) => method === "eth_getLogs" && result.length === 5));

        await node.end("SIGKILL");
        node = await Node.start({ datadir });
        assert.ok(Number(await node.rpc("eth_blockNumber")) >= head);
        const after = await picture(node, hashes, address, head);
        for (const [i, [method, params, result]] of before.entries()) {
            assert.deepEqual(after[i][2], result, `${method} ${JSON.stringify(params)}`);
        }

        // The accepted transaction is still waiting for its predecessor, and is mined after it.
        assert.equal((await node.rpc("eth_getTransactionByHash", [queued]))?.blockHash ?? null, null);
        assert.equal((await node.rpc("eth_getTransactionByHash", [queued]))?.hash, queued);
        await submit(node, await sign(2, { to: accounts[3].address, value: 6, nonce: 0 }));
        assert.equal((await node.receipt(queued)).status, "0x1");
        nonces[2] = 2;
    } finally {
        await node.stop();
    }
});

test("kill -9 under load, three times: receipts seen are kept, accepted transactions are mined", async () => {
    for (let round = 0; round < 3; round++) {
        let node = await Node.start({ datadir, blockTime: "250ms" });
        const accepted = [];
        const seen = new Map();
        try {
            const first = nonces[4];
            const raws = [];
            for (let i = 0; i < 120; i++) raws.push(await sign(4, { to: accounts[5].address, value: 1, gasLimit: 21_000 }));
            const killed = new Promise((done) => setTimeout(done, 300 + 170 * round)).then(() => node.end("SIGKILL"));
            for (const raw of raws) {
                try {
                    accepted.push(await submit(node, raw));
                    const receipt = await node.rpc("eth_getTransactionReceipt", [accepted[Math.floor(accepted.length / 2)]]);
                    if (receipt) seen.set(receipt.transactionHash, receipt);
                } catch (error) {
                    assert.match(String(error), /fetch failed/, "only the kill may end the load");
                    break;
                }
            }
            await killed;
            assert.ok(accepted.length > 0);
            nonces[4] = first + accepted.length;

            node = await Node.start({ datadir, blockTime: "250ms" });
            for (const [hash, receipt] of seen) {
                assert.deepEqual(await node.rpc("eth_getTransactionReceipt", [hash]), receipt);
            }
            for (const hash of accepted) assert.equal((await node.receipt(hash)).status, "0x1");
            // A request in flight at the kill may have been journaled without its answer.
            nonces[4] = Number(await node.rpc("eth_getTransactionCount", [accounts[4].address, "pending"]));
        } finally {
            await node.stop();
        }
    }
});

test("SIGTERM ends the node within five seconds, cleanly", async () => {
    const node = await Node.start({ datadir, blockTime: "1s" });
    const hash = await submit(node, await sign(6, { to: accounts[7].address, value: 1 }));
    const begun = Date.now();
    const exit = await node.end("SIGTERM");
    assert.deepEqual(exit, { code: 0, signal: null }, node.output);
    assert.ok(Date.now() - begun < 5_000);
    const again = await Node.start({ datadir, blockTime: "1s" });
    try {
        assert.equal((await again.receipt(hash)).status, "0x1");
    } finally {
        await again.stop();
    }
});

test("a second node on the same data is refused by name, and the first goes on", async () => {
    const node = await Node.start({ datadir });
    try {
        await assert.rejects(Node.start({ datadir }), /lock|in use/i);
        await eventually(() => node.rpc("eth_blockNumber"));
    } finally {
        await node.stop();
    }
});
