// What MetaMask sends, in its order, as plain requests from a web page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AbiCoder, Transaction, Wallet } from "ethers";
import { CHAIN_ID, Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";

const [alice, bob] = accounts;
let node;
let deployed;

before(async () => {
    node = await Node.start();
    const wallet = new Wallet(accounts[9].privateKey);
    const { bytecode } = contract("Token");
    // The constructor's arguments: two strings and a supply.
    const args = AbiCoder.defaultAbiCoder().encode(["string", "string", "uint256"], ["Mask", "MSK", 10n ** 24n]);
    const raw = await wallet.signTransaction({
        data: bytecode + args.slice(2), chainId: CHAIN_ID, nonce: 0, gasLimit: 2_000_000, type: 2,
        maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
    });
    deployed = (await node.receipt(await node.rpc("eth_sendRawTransaction", [raw]))).contractAddress;
});
after(() => node?.stop());

test("a page may call from any origin, with any headers", async () => {
    for (const origin of ["https://wallet.example", "chrome-extension://abcdefgh", "null"]) {
        const preflight = await fetch(node.url, {
            method: "OPTIONS",
            headers: {
                origin,
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type,x-library-version,infura-source",
            },
        });
        assert.ok(preflight.ok, `${origin}: ${preflight.status}`);
        assert.equal(preflight.headers.get("access-control-allow-origin"), "*", origin);
        const allowed = preflight.headers.get("access-control-allow-headers") ?? "";
        for (const name of ["content-type", "x-library-version", "infura-source"]) {
            assert.ok(allowed === "*" || allowed.toLowerCase().split(/, */).includes(name), `${origin}: ${name} in ${allowed}`);
        }
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
        const answer = await node.post(body, { origin, "content-type": "application/json", "x-library-version": "1" });
        assert.equal(answer.headers.get("access-control-allow-origin"), "*", origin);
        assert.equal(JSON.parse(answer.text).result, `0x${CHAIN_ID.toString(16)}`);
    }
});

test("adding the network, polling, sending and confirming", async () => {
    // Add form, switch, EIP-1559 detection.
    assert.equal(Number(await node.rpc("eth_chainId")), CHAIN_ID);
    const number = await node.rpc("eth_blockNumber");
    const block = await node.rpc("eth_getBlockByNumber", [number, false]);
    assert.match(block.baseFeePerGas, /^0x[1-9a-f]/);
    assert.equal(await node.rpc("net_version"), String(CHAIN_ID));

    // Polling, always at the tracker's number.
    const balance = BigInt(await node.rpc("eth_getBalance", [alice.address, number]));
    assert.equal(balance, 10_000n * 10n ** 18n);
    assert.equal(await node.rpc("eth_getCode", [alice.address, number]), "0x");
    const call = (data) => node.rpc("eth_call", [{ to: deployed, data }, number]);
    assert.match(await call("0x95d89b41"), /4d534b/, "symbol()");
    assert.equal(BigInt(await call("0x313ce567")), 18n, "decimals()");
    const holder = accounts[9].address.slice(2).toLowerCase().padStart(64, "0");
    assert.equal(BigInt(await call(`0x70a08231${holder}`)), 10n ** 24n, "balanceOf()");
    const unsupported = await node.request("eth_call", [{ to: deployed, data: `0x01ffc9a780ac58cd${"0".repeat(56)}` }, number]);
    assert.equal(unsupported.error?.code, 3, "supportsInterface() of a contract without it");

    // Send: the fee cap and the tip are both eth_gasPrice.
    assert.equal(await node.rpc("eth_getCode", [bob.address, number]), "0x");
    const gas = await node.rpc("eth_estimateGas", [{ from: alice.address, to: bob.address, value: "0xde0b6b3a7640000", data: "0x" }]);
    assert.equal(gas, "0x5208");
    const price = BigInt(await node.rpc("eth_gasPrice"));
    const nonce = Number(await node.rpc("eth_getTransactionCount", [alice.address, number]));
    const raw = await new Wallet(alice.privateKey).signTransaction({
        type: 2, chainId: CHAIN_ID, nonce, to: bob.address, value: 10n ** 18n,
        gasLimit: gas, maxFeePerGas: price, maxPriorityFeePerGas: price,
    });
    const hash = await node.rpc("eth_sendRawTransaction", [raw]);
    assert.equal(hash, Transaction.from(raw).hash);
    assert.equal((await node.rpc("eth_getTransactionByHash", [hash]))?.hash, hash, "found at once");

    // Pending: the receipt, its block, and the nonce at that block.
    const receipt = await node.receipt(hash);
    assert.equal(receipt.status, "0x1");
    const including = await node.rpc("eth_getBlockByHash", [receipt.blockHash, false]);
    assert.ok(including.transactions.includes(hash));
    assert.equal(Number(await node.rpc("eth_getTransactionCount", [alice.address, receipt.blockNumber])), nonce + 1);
    assert.ok(Number(await node.rpc("eth_blockNumber")) >= Number(receipt.blockNumber));
    const after = BigInt(await node.rpc("eth_getBalance", [alice.address, receipt.blockNumber]));
    assert.equal(after, balance - 10n ** 18n - BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice));
});

test("polls of a dApp's filters are answered from logs and blocks", async () => {
    const head = await node.rpc("eth_blockNumber");
    const logs = await node.rpc("eth_getLogs", [{ address: deployed, fromBlock: "0x0", toBlock: head }]);
    assert.equal(logs.length, 1, "the mint");
    assert.equal(logs[0].address, deployed.toLowerCase());
    const beyond = await node.rpc("eth_getBlockByNumber", [`0x${(Number(head) + 1).toString(16)}`, false]);
    assert.equal(beyond, null);
});
