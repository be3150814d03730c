// Multicall3 of the genesis, as viem and ethers use it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Contract, Interface, JsonRpcProvider, Wallet } from "ethers";
import { createPublicClient, http } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { MULTICALL3, Viem } from "../lib/viem.js";

const [alice, bob] = accounts.map(({ address }) => address);
let node;
let viem;
let token;
let probe;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    token = await viem.deploy(contract("Token"), ["Token", "TOK", 1000n]);
    probe = await viem.deploy(contract("Probe"));
});
after(() => node?.stop());

test("viem's multicall reads many values in one call, failures among them", async () => {
    const read = (functionName, args = []) => ({ ...token, functionName, args });
    const contracts = [read("symbol"), read("balanceOf", [alice]), { ...probe, functionName: "failReason", args: [1n] }, read("totalSupply")];
    const results = await viem.client.multicall({ contracts });
    assert.deepEqual(results.map(({ status }) => status), ["success", "success", "failure", "success"]);
    assert.deepEqual([results[0].result, results[1].result, results[3].result], ["TOK", 1000n, 1000n]);
    assert.match(results[2].error.message, /no entry/);
    const required = await viem.client.multicall({ contracts: [contracts[1]], allowFailure: false, blockNumber: await viem.client.getBlockNumber() });
    assert.deepEqual(required, [1000n]);
});

test("viem batches reads that are made at once", async () => {
    const sent = [];
    const record = (_, { body }) => {
        sent.push(JSON.parse(body)); // what is returned here would replace the request
    };
    const transport = http(node.url, { onFetchRequest: record });
    const batching = createPublicClient({ chain: viem.chain, transport, batch: { multicall: true } });
    const holders = accounts.map(({ address }) => address);
    const balances = await Promise.all(holders.map((who) => batching.readContract({ ...token, functionName: "balanceOf", args: [who] })));
    assert.deepEqual(balances, holders.map((who) => (who === alice ? 1000n : 0n)));
    assert.deepEqual(sent.map(({ method }) => method), ["eth_call"], "ten reads, one request");
    assert.equal(sent[0].params[0].to.toLowerCase(), MULTICALL3.toLowerCase());
});

const ABI = [
    "function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])",
    "function aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])",
    "function getBlockNumber() view returns (uint256)", "function getChainId() view returns (uint256)",
    "function getEthBalance(address) view returns (uint256)", "function getBasefee() view returns (uint256)",
    "function getCurrentBlockGasLimit() view returns (uint256)",
];

test("ethers calls aggregate3, and what it says of the block is so", async () => {
    const provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
    try {
        const multicall = new Contract(MULTICALL3, ABI, new Wallet(accounts[0].privateKey, provider));
        const tokens = new Interface(token.abi);
        const calls = [
            [token.address, false, tokens.encodeFunctionData("balanceOf", [alice])],
            [probe.address, true, new Interface(probe.abi).encodeFunctionData("failCustom", [7])],
            ...["getBlockNumber", "getChainId", "getBasefee", "getCurrentBlockGasLimit"].map((name) => [MULTICALL3, false, multicall.interface.encodeFunctionData(name)]),
            [MULTICALL3, false, multicall.interface.encodeFunctionData("getEthBalance", [bob])],
        ];
        const block = await provider.getBlock("latest");
        // Without a gas price a call sees a base fee of zero, as in geth.
        const results = await multicall.aggregate3.staticCall(calls, { blockTag: block.number, gasPrice: block.baseFeePerGas });
        const [balance, failed, ...rest] = results;
        assert.deepEqual([...tokens.decodeFunctionResult("balanceOf", balance.returnData)], [1000n]);
        assert.equal(failed.success, false);
        assert.equal(new Interface(probe.abi).parseError(failed.returnData).name, "Probe_Refused");
        const { chainId } = await provider.getNetwork();
        assert.deepEqual(
            rest.map(({ returnData }) => BigInt(returnData)),
            [BigInt(block.number), chainId, block.baseFeePerGas, block.gasLimit, await provider.getBalance(bob, block.number)],
        );

        // As a transaction: all of it or nothing.
        const send = [[bob, false, 5n, "0x"], [probe.address, false, 6n, "0x"]];
        const before = await provider.getBalance(bob);
        const receipt = await (await multicall.aggregate3Value(send, { value: 11n })).wait();
        assert.equal(receipt.status, 1);
        assert.equal(await provider.getBalance(bob), before + 5n);
        assert.equal(await provider.getBalance(probe.address), 6n);
        await assert.rejects(multicall.aggregate3.staticCall([calls[1].with(1, false)]), /Multicall3: call failed/);
    } finally {
        provider.destroy();
    }
});
