// A client that waits for a transaction looks whether another of its sender with the same nonce has come
// instead. A deposit has no nonce: it is not that other one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { JsonRpcProvider, Wallet } from "ethers";
import { Bridge, PATIENCE_MS } from "../../lib/bridge.js";
import { accounts } from "../../lib/fixtures.js";
import { eventually } from "../../lib/node.js";

let bridge;

before(async () => (bridge = await Bridge.start({ embedded: true, blockTime: "2s" })));
after(() => bridge?.stop());

/** A deposit and a forced transaction that does not run, in the newest block; the sender's nonce is still 0. */
async function deposits(index) {
    const { address } = accounts[index];
    const from = address.toLowerCase();
    const arrive = async () => {
        await bridge.deposit(index, 1n, address);
        const { logs } = await bridge.portal.write(index, "forceTransaction", [address, 0n, 21_000n, `0x${"00".repeat(1_000)}`]);
        await bridge.consumed(bridge.entries(logs)[0].id + 1n);
        const { transactions } = await bridge.l2.client.getBlock({ includeTransactions: true });
        return transactions.some((tx) => tx.from === from && tx.typeHex === "0x7e");
    };
    await eventually(arrive, PATIENCE_MS, "deposits in the newest block");
    assert.equal(await bridge.l2.client.getTransactionCount({ address }), 0);
}

test("viem waits for the transaction, not for a deposit", async () => {
    await deposits(3);
    const hash = await bridge.l2.wallet(3).sendTransaction({ to: accounts[4].address, value: 1n });
    const receipt = await bridge.l2.client.waitForTransactionReceipt({
        hash,
        onReplaced: ({ reason, transaction }) => assert.fail(`${reason} by ${transaction.typeHex} ${transaction.hash}`),
    });
    assert.equal(receipt.transactionHash, hash);
    assert.equal(receipt.status, "success");
});

test("so does ethers", async () => {
    const provider = new JsonRpcProvider(bridge.node.url, undefined, { staticNetwork: true, pollingInterval: 50 });
    try {
        const wallet = new Wallet(accounts[5].privateKey, provider);
        await deposits(5);
        const sent = await wallet.sendTransaction({ to: accounts[4].address, value: 1n });
        const receipt = await sent.wait();
        assert.equal(receipt.hash, sent.hash);
        const { transactions } = await provider.getBlock(receipt.blockNumber, true);
        assert.ok(transactions.includes(sent.hash));
    } finally {
        provider.destroy();
    }
});
