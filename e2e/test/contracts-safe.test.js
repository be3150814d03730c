// Safe 1.4.1 of the genesis: a wallet is made, and its owners sign for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { concat, encodeFunctionData, encodePacked, getAddress, hashTypedData, parseEther, parseEventLogs, size, zeroAddress } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, artifact, signer } from "../lib/viem.js";

const safeArtifact = (path) => artifact(`@safe-global/safe-contracts/build/artifacts/contracts/${path}.json`);
const SINGLETON = "0x29fcB43b46531BcA003ddC8FCB67FFE91900C762";
const FACTORY = "0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67";
const HANDLER = "0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99";
const MULTI_SEND = "0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526";
const MULTI_SEND_CALL_ONLY = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";
const [CALL, DELEGATE] = [0, 1];
const OWNERS = [1, 2, 3];
let node;
let viem;
let safe;
let probe;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    probe = await viem.deploy(contract("Probe"));
    const { abi } = safeArtifact("SafeL2.sol/SafeL2");
    const factory = viem.at(FACTORY, safeArtifact("proxies/SafeProxyFactory.sol/SafeProxyFactory").abi);
    const owners = OWNERS.map((index) => accounts[index].address);
    const initializer = encodeFunctionData({
        abi, functionName: "setup", args: [owners, 2n, zeroAddress, "0x", HANDLER, zeroAddress, 0n, zeroAddress],
    });
    const { logs } = await factory.write(0, "createProxyWithNonce", [SINGLETON, initializer, 1n]);
    const [{ args }] = parseEventLogs({ abi: factory.abi, logs, eventName: "ProxyCreation" });
    assert.equal(args.singleton, SINGLETON);
    safe = viem.at(getAddress(args.proxy), abi);
    await viem.send(0, { to: safe.address, value: parseEther("10") });
});
after(() => node?.stop());

const types = {
    SafeTx: [
        { name: "to", type: "address" }, { name: "value", type: "uint256" }, { name: "data", type: "bytes" },
        { name: "operation", type: "uint8" }, { name: "safeTxGas", type: "uint256" }, { name: "baseGas", type: "uint256" },
        { name: "gasPrice", type: "uint256" }, { name: "gasToken", type: "address" }, { name: "refundReceiver", type: "address" },
        { name: "nonce", type: "uint256" },
    ],
};

/** The arguments of `execTransaction`, signed by the accounts `signers`. */
async function signed({ to, value = 0n, data = "0x", operation = CALL }, signers) {
    const nonce = await safe.read("nonce");
    const domain = { chainId: viem.chain.id, verifyingContract: safe.address };
    const fields = [to, value, data, operation, 0n, 0n, 0n, zeroAddress, zeroAddress];
    const message = Object.fromEntries(types.SafeTx.map(({ name }, i) => [name, [...fields, nonce][i]]));
    const typed = { domain, types, primaryType: "SafeTx", message };
    assert.equal(await safe.read("getTransactionHash", ...fields, nonce), hashTypedData(typed));
    // Signatures are ordered by the owner's address.
    const inOrder = signers.map(signer).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    const signatures = await Promise.all(inOrder.map((owner) => owner.signTypedData(typed)));
    return [...fields, concat(signatures)];
}

/** The batch that MultiSend takes. */
const batch = (calls) => ({
    operation: DELEGATE,
    data: encodeFunctionData({
        abi: safeArtifact("libraries/MultiSend.sol/MultiSend").abi, functionName: "multiSend",
        args: [concat(calls.map(({ operation = CALL, to, value = 0n, data = "0x" }) =>
            encodePacked(["uint8", "address", "uint256", "uint256", "bytes"], [operation, to, value, BigInt(size(data)), data])))],
    }),
});

test("the singleton belongs to nobody and cannot be set up", async () => {
    const singleton = viem.at(SINGLETON, safe.abi);
    assert.equal(await singleton.read("getThreshold"), 1n);
    const setup = [[accounts[5].address], 1n, zeroAddress, "0x", zeroAddress, zeroAddress, 0n, zeroAddress];
    await assert.rejects(singleton.simulate(5, "setup", setup), /GS200/);
});

test("the wallet has its owners, threshold and handler", async () => {
    assert.deepEqual(new Set(await safe.read("getOwners")), new Set(OWNERS.map((index) => accounts[index].address)));
    assert.equal(await safe.read("getThreshold"), 2n);
    assert.equal(await safe.read("VERSION"), "1.4.1");
    // onERC721Received is the fallback handler's.
    const handler = viem.at(safe.address, safeArtifact("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler").abi);
    assert.equal(await handler.read("onERC721Received", zeroAddress, zeroAddress, 0n, "0x"), "0x150b7a02");
});

test("two of three owners send ether, one alone does not", async () => {
    const to = accounts[6].address;
    const before = await viem.client.getBalance({ address: to });
    const { logs } = await safe.write(9, "execTransaction", await signed({ to, value: parseEther("1") }, [3, 1]));
    const names = parseEventLogs({ abi: safe.abi, logs }).map(({ eventName }) => eventName);
    assert.deepEqual(names, ["SafeMultiSigTransaction", "ExecutionSuccess"]);
    assert.equal(await viem.client.getBalance({ address: to }), before + parseEther("1"));
    assert.equal(await safe.read("nonce"), 1n);
    await assert.rejects(safe.simulate(9, "execTransaction", await signed({ to }, [1])), /GS020/);
    await assert.rejects(safe.simulate(9, "execTransaction", await signed({ to }, [1, 4])), /GS026/);
});

test("MultiSend runs a batch in the wallet's name, or nothing of it", async () => {
    const ping = (id) => ({ to: probe.address, data: encodeFunctionData({ abi: probe.abi, functionName: "ping", args: [id, "safe"] }) });
    const owner = { to: safe.address, data: encodeFunctionData({ abi: safe.abi, functionName: "addOwnerWithThreshold", args: [accounts[4].address, 3n] }) };
    const calls = [ping(1n), { to: accounts[6].address, value: 5n }, ping(2n), owner];
    const { logs } = await safe.write(9, "execTransaction", await signed({ to: MULTI_SEND, ...batch(calls) }, [1, 2]));
    const pings = parseEventLogs({ abi: probe.abi, logs, eventName: "Ping" }).map(({ args }) => [args.from, args.id]);
    assert.deepEqual(pings, [[safe.address, 1n], [safe.address, 2n]]);
    assert.equal(await safe.read("getThreshold"), 3n);
    const failing = [ping(3n), { to: probe.address, data: encodeFunctionData({ abi: probe.abi, functionName: "failEmpty" }) }];
    await assert.rejects(safe.simulate(9, "execTransaction", await signed({ to: MULTI_SEND, ...batch(failing) }, [1, 2, 4])), /GS013/);
    // Without delegated calls inside, for interfaces that do not trust what they show.
    await safe.write(9, "execTransaction", await signed({ to: MULTI_SEND_CALL_ONLY, ...batch([ping(4n)]) }, [2, 3, 4]));
    assert.equal(await probe.read("pings", safe.address), 3n);
    const inner = batch([{ ...ping(5n), operation: DELEGATE }]);
    await assert.rejects(safe.simulate(9, "execTransaction", await signed({ to: MULTI_SEND_CALL_ONLY, ...inner }, [2, 3, 4])), /GS013/);
});
