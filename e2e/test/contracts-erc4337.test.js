// ERC-4337: user operations through the EntryPoints of the genesis, with the accounts of their packages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { concat, encodeFunctionData, getAddress, parseEther, parseEventLogs, parseGwei } from "viem";
import { entryPoint07Abi, entryPoint07Address, entryPoint08Abi, entryPoint08Address, getUserOperationHash, toPackedUserOperation } from "viem/account-abstraction";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, artifact, signer } from "../lib/viem.js";

const [, bundler, beneficiary, recipient] = accounts.map(({ address }) => address);
const OWNER = 4;
const BUNDLER = 1;
let node;
let viem;
let probe;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    probe = await viem.deploy(contract("Probe"));
});
after(() => node?.stop());

const versions = {
    0.7: { address: entryPoint07Address, abi: entryPoint07Abi, folder: "account-abstraction-v07", sign: (hash) => signer(OWNER).signMessage({ message: { raw: hash } }) },
    0.8: { address: entryPoint08Address, abi: entryPoint08Abi, folder: "@account-abstraction/contracts", sign: (hash) => signer(OWNER).sign({ hash }) },
};

/** A signed operation of `sender`, and its hash. */
async function operation(version, fields) {
    const { address, sign } = versions[version];
    const entryPoint = viem.at(address, versions[version].abi);
    const userOperation = {
        nonce: await entryPoint.read("getNonce", fields.sender, 0n),
        callGasLimit: 200_000n, verificationGasLimit: 600_000n, preVerificationGas: 60_000n,
        maxFeePerGas: parseGwei("10"), maxPriorityFeePerGas: parseGwei("1"), signature: "0x",
        ...fields,
    };
    const hash = getUserOperationHash({ chainId: viem.chain.id, entryPointAddress: address, entryPointVersion: version, userOperation });
    const signed = { ...userOperation, signature: await sign(hash) };
    const packed = toPackedUserOperation(signed);
    // The contract's own hash: for 0.8 it is made with the cached domain of the chain.
    if (!fields.authorization) assert.equal(await entryPoint.read("getUserOpHash", packed), hash);
    return { packed, hash, entryPoint };
}

/** Sends one operation as a bundler; returns its event and what the bundle cost. */
async function handle({ packed, hash, entryPoint }) {
    const { logs } = await entryPoint.write(BUNDLER, "handleOps", [[packed], beneficiary]);
    const [{ args }] = parseEventLogs({ abi: entryPoint.abi, logs, eventName: "UserOperationEvent" });
    assert.equal(args.userOpHash, hash);
    return args;
}

for (const version of ["0.7", "0.8"]) {
    test(`EntryPoint ${version}: the first operation deploys the account, the next ones use it`, async () => {
        const { address, folder } = versions[version];
        const factory = await viem.deploy(artifact(`${folder}/artifacts/SimpleAccountFactory.json`), [address]);
        const account = artifact(`${folder}/artifacts/SimpleAccount.json`);
        const owner = accounts[OWNER].address;
        const sender = getAddress(await factory.read("getAddress", owner, 7n));
        await viem.send(0, { to: sender, value: parseEther("2") });
        const execute = (target, value, data) => encodeFunctionData({ abi: account.abi, functionName: "execute", args: [target, value, data] });
        const factoryData = encodeFunctionData({ abi: factory.abi, functionName: "createAccount", args: [owner, 7n] });

        const paidBefore = await viem.client.getBalance({ address: beneficiary });
        const gotBefore = await viem.client.getBalance({ address: recipient });
        const first = await operation(version, {
            sender, factory: factory.address, factoryData, callData: execute(recipient, parseEther("1"), "0x"),
        });
        const deployed = await handle(first);
        assert.equal(deployed.success, true);
        assert.notEqual(await viem.client.getCode({ address: sender }), undefined);
        assert.equal(await viem.client.getBalance({ address: recipient }), gotBefore + parseEther("1"));
        assert.equal(await viem.client.getBalance({ address: beneficiary }), paidBefore + deployed.actualGasCost);

        const ping = encodeFunctionData({ abi: probe.abi, functionName: "ping", args: [1n, version] });
        const second = await operation(version, { sender, callData: execute(probe.address, 0n, ping) });
        assert.equal((await handle(second)).success, true);
        assert.equal(await probe.read("pings", sender), 1n, "the account called, not the bundler");

        // A call that reverts: the bundle stands, the operation failed and is paid for.
        const failing = encodeFunctionData({ abi: probe.abi, functionName: "failReason", args: [1n] });
        const failed = await handle(await operation(version, { sender, callData: execute(probe.address, 0n, failing) }));
        assert.equal(failed.success, false);
        assert.ok(failed.actualGasCost > 0n);

        // Replays and foreign signatures never reach a block.
        const { entryPoint } = second;
        await assert.rejects(entryPoint.simulate(BUNDLER, "handleOps", [[second.packed], bundler]), /AA25 invalid account nonce/);
        const { packed } = await operation(version, { sender, callData: "0x" });
        const forged = { ...packed, signature: await signer(5).signMessage({ message: "no" }) };
        await assert.rejects(entryPoint.simulate(BUNDLER, "handleOps", [[forged], bundler]), /AA24 signature error/);
    });
}

test("EntryPoint 0.8: an EIP-7702 account runs a batch that a bundler brings", async () => {
    const account = await viem.deploy(artifact("@account-abstraction/contracts/artifacts/Simple7702Account.json"));
    const owner = signer(OWNER);
    const authorization = await viem.wallet(OWNER).signAuthorization({ account: owner, contractAddress: account.address });
    const calls = [1n, 2n].map((id) => ({
        target: probe.address, value: 0n, data: encodeFunctionData({ abi: probe.abi, functionName: "ping", args: [id, "7702"] }),
    }));
    const callData = encodeFunctionData({ abi: account.abi, functionName: "executeBatch", args: [calls] });
    const factory = "0x7702000000000000000000000000000000000000";
    const { packed, hash, entryPoint } = await operation("0.8", { sender: owner.address, factory, factoryData: "0x", authorization, callData });
    // On the chain, the init code is the marker alone.
    const onChain = { ...packed, initCode: concat([factory]) };
    const data = encodeFunctionData({ abi: entryPoint.abi, functionName: "handleOps", args: [[onChain], beneficiary] });
    const { logs } = await viem.send(BUNDLER, { to: entryPoint.address, data, authorizationList: [authorization] });
    const [{ args }] = parseEventLogs({ abi: entryPoint.abi, logs, eventName: "UserOperationEvent" });
    assert.deepEqual([args.userOpHash, args.success], [hash, true]);
    assert.equal(await probe.read("pings", owner.address), 2n);
    assert.equal(await viem.client.getCode({ address: owner.address }), `0xef0100${account.address.slice(2).toLowerCase()}`);
});
