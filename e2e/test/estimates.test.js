// Estimates that clients sign as they are, and balances that scripts check to the wei.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeFunctionData, parseEther } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, signer } from "../lib/viem.js";

const [alice, bob] = accounts.map(({ address }) => address);
let node;
let viem;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
});
after(() => node?.stop());

test("a plain transfer is 21,000, with the funds for it", async () => {
    const fresh = `0x${"ab".repeat(20)}`;
    for (const to of [bob, fresh]) assert.equal(await viem.client.estimateGas({ account: signer(0), to, value: 1n }), 21_000n);
    await assert.rejects(viem.client.estimateGas({ account: signer(0), to: bob, value: parseEther("10001") }), /insufficient funds/);
});

test("an estimate holds when the next second needs more", async () => {
    const clock = await viem.deploy(contract("Clock"));
    const call = { ...clock, functionName: "tick", account: signer(0) };
    let isSameSecond = false;
    for (let attempt = 0; attempt < 5 && !isSameSecond; attempt++) {
        const { blockNumber } = await clock.write(0, "tick");
        const { timestamp } = await viem.client.getBlock({ blockNumber });
        const gas = await viem.client.estimateContractGas(call);
        isSameSecond = BigInt(Math.floor(Date.now() / 1000)) === timestamp;
        // Two slots are written in another second; within the same one nothing is.
        assert.ok(gas > 40_000n, `${gas}`);
    }
    assert.ok(isSameSecond, "never within one second");
});

test("a call's estimate is enough and tight", async () => {
    const probe = await viem.deploy(contract("Probe"));
    for (const [functionName, args] of [["set", [5n]], ["ping", [1n, "x".repeat(500)]]]) {
        const call = { ...probe, functionName, args, account: signer(1) };
        const gas = await viem.client.estimateContractGas(call);
        const { gasUsed } = await viem.mined(await viem.wallet(1).writeContract({ ...call, gas }));
        assert.ok(gasUsed <= gas && gas < (gasUsed * 11n) / 10n, `${functionName}: estimate ${gas}, used ${gasUsed}`);
    }
    const data = encodeFunctionData({ abi: probe.abi, functionName: "failReason", args: [1n] });
    const { error } = await node.request("eth_estimateGas", [{ from: alice, to: probe.address, data }]);
    assert.equal(error.code, 3);
    assert.match(error.message, /^execution reverted: no entry$/);
    assert.match(error.data, /^0x08c379a0/);
});

test("a balance falls by value and gas, and by nothing else", async () => {
    const before = await viem.client.getBalance({ address: alice });
    const { gasUsed, effectiveGasPrice } = await viem.send(0, { to: bob, value: 7n });
    assert.equal(await viem.client.getBalance({ address: alice }), before - 7n - gasUsed * effectiveGasPrice);
});
