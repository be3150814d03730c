// Deploys the contracts of the bridge without the node: a second bridge that the node knows nothing of.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeFunctionData, getAddress, getContractAddress, keccak256, toBytes, zeroHash } from "viem";
import { bridgeContract } from "./bridge.js";
import { accounts } from "./fixtures.js";

const profile = (name) => JSON.parse(readFileSync(join(import.meta.dirname, `../../contracts/profiles/${name}.json`), "utf8"));
const TIMING = ["forceDelay", "window", "fast", "disputeTimeout", "freezeDelay", "maxBatchAge", "anchorDepth", "kSlow", "kFast", "bond"];
const LIMITS = ["forcedGasMax", "forcedDataMax", "pauseMax", "pauseCooldown", "settleDelay"];
const some = (settings, names) => Object.fromEntries(names.map((name) => [name, settings[name]]));

/**
 * Deploys portal and rollup for `l2ChainId` from account `deployer`, who becomes admin, council and guardian;
 * `settings` replace those of the profile `dev`. Returns both proxies.
 */
export async function deployBridge(l1, { deployer = 0, l2ChainId, genesis, settings = {} }) {
    const values = { ...profile("dev"), ...settings };
    const owner = accounts[deployer].address;
    const from = getAddress(owner);
    const nonce = BigInt(await l1.client.getTransactionCount({ address: from }));
    const rollupProxy = getContractAddress({ from, nonce: nonce + 2n });
    const portalProxy = getContractAddress({ from, nonce: nonce + 3n });
    const contracts = Object.fromEntries(["AuraPortal", "AuraRollup", "ERC1967Proxy"].map((name) => [name, bridgeContract(name)]));
    const rollupCode = await l1.deploy(contracts.AuraRollup, [portalProxy, some(values, TIMING)], deployer);
    const portalCode = await l1.deploy(contracts.AuraPortal, [rollupProxy, l2ChainId, some(values, LIMITS)], deployer);
    const start = (name, args) => encodeFunctionData({ abi: contracts[name].abi, functionName: "initialize", args });
    await l1.deploy(contracts.ERC1967Proxy, [rollupCode.address, start("AuraRollup", [owner, owner, genesis])], deployer);
    const init = start("AuraPortal", [owner, owner, owner, BigInt(values.maxEscrow)]);
    await l1.deploy(contracts.ERC1967Proxy, [portalCode.address, init], deployer);
    const portal = l1.at(portalProxy, contracts.AuraPortal.abi);
    const rollup = l1.at(rollupProxy, contracts.AuraRollup.abi);
    await portal.write(deployer, "setOutflowFloor", [`0x${"0".repeat(40)}`, BigInt(values.outflowFloor)]);
    return { portal, rollup };
}

/** Gives account `index` the role `name` of `contract`, as account `admin`. */
export const grant = (contract, name, index, admin = 0) =>
    contract.write(admin, "grantRole", [keccak256(toBytes(name)), accounts[index].address]);

/** Appends an empty batch that consumes the whole queue, as account `index`. */
export async function appendBatch(l1, { portal, rollup }, index) {
    const [batchCount] = await rollup.read("head");
    const count = await portal.read("messageCount");
    const [, queueAcc] = await portal.read("queueView", count);
    const block = await l1.client.getBlock();
    const header = {
        parent: trim(await rollup.read("batches", batchCount - 1n)),
        firstTime: block.timestamp,
        lastTime: block.timestamp,
        consumed: count,
        queueAcc,
        anchorNumber: block.number,
        anchorHash: block.hash,
    };
    await rollup.write(index, "appendBatch", [header, "0x00"]);
    return { batchIndex: batchCount, batchHash: trim(await rollup.read("batches", batchCount)) };
}

/** Without the time in the low 32 bits. */
export const trim = (slot) => `${slot.slice(0, 58)}00000000`;

/** What a chain without any history evaluates to. */
export const emptyOutput = (withdrawalRoot) => ({
    stateRoot: zeroHash, withdrawalRoot, l2BlockHash: zeroHash, l2Block: 0n, batchIndex: 0n, batchHash: zeroHash,
});
