// Makes genesis/inputs/preinstalls.json from packages that the lock file and requirements.txt pin.
//
// `tools/run.sh preinstalls.js` writes the file; then `cargo run -p aura-chainspec --example
// generate_genesis` runs the constructors and writes the genesis files. An address proves the code that
// creates it where a factory hashed it (CREATE2) or where no key exists for the signature; the hashes
// of the code say the rest.

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Transaction, getCreate2Address, getCreateAddress, keccak256 } from "ethers";
import { FACTORY } from "../lib/fixtures.js";

const modules = join(import.meta.dirname, "../node_modules");
export const TARGET = join(import.meta.dirname, "../../genesis/inputs/preinstalls.json");

const json = (path) => JSON.parse(readFileSync(join(modules, path), "utf8"));
const version = (name) => json(`${name}/package.json`).version;
const artifact = (path) => json(path).bytecode;

/** A contract that `sender` made with its first transaction. */
function first(name, source, { from, nonce, to, data }, codeHash) {
    if (nonce !== 0 || to !== null) throw new Error(`${name}: not the first transaction, or not a creation`);
    return { name, source, address: getCreateAddress({ from, nonce }), sender: from, initCode: data, codeHash };
}

/** A contract whose creation was signed before EIP-155, for every chain; `eth-contract` has them. */
function keyless(name, file, codeHash) {
    const [path] = globSync(join(process.env.AURA_PYTHON, `lib/python3*/site-packages/eth_contract/txs/${file}.tx`));
    const signed = Transaction.from(readFileSync(path, "utf8").trim());
    if (signed.chainId !== 0n) throw new Error(`${name}: signed for one chain`);
    return first(name, "eth-contract 0.4.1 (PyPI)", signed, codeHash);
}

/** A contract that `factory` made with CREATE2. */
function create2(name, source, factory, salt, initCode, codeHash) {
    return { name, source, address: getCreate2Address(factory, salt, keccak256(initCode)), factory, salt, initCode, codeHash };
}

function safe(factory, name, path, deployment) {
    const { canonical } = json(`@safe-global/safe-deployments/dist/assets/v1.4.1/${deployment}.json`).deployments;
    const initCode = artifact(`@safe-global/safe-contracts/build/artifacts/contracts/${path}.json`);
    const source = `@safe-global/safe-contracts ${version("@safe-global/safe-contracts")}`;
    return create2(name, source, factory, `0x${"0".repeat(64)}`, initCode, canonical.codeHash);
}

function entryPoint(name, folder, salt, codeHash) {
    const source = `@account-abstraction/contracts ${version(folder)}`;
    return create2(name, source, FACTORY, salt, artifact(`${folder}/artifacts/EntryPoint.json`), codeHash);
}

/** Every preinstall, in the order in which their creations have to run. */
export function preinstalls() {
    const singleton = json("@safe-global/safe-singleton-factory/artifacts/1/deployment.json");
    const proxyHash = "0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989";
    const permit2 = readFileSync(join(modules, "hardhat-predeploy/bin/0x000000000022D473030F116dDEE9F6B43aC78BA3.bytecode"));
    const list = [
        keyless("deterministic deployment proxy", "create2", proxyHash),
        first(
            "Safe singleton factory", `@safe-global/safe-singleton-factory ${version("@safe-global/safe-singleton-factory")}`,
            Transaction.from(singleton.transaction), proxyHash,
        ),
        keyless("Multicall3", "multicall3", "0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"),
        keyless("CreateX", "createx", "0xbd8a7ea8cfca7b4e5f5041d7d4b17bc317c5ce42cfbc42066a00cf26b43eb53f"),
        // Its cached domain separator depends on the chain, so there is no hash of the code.
        create2(
            "Permit2", `hardhat-predeploy ${version("hardhat-predeploy")}`, FACTORY,
            "0x0000000000000000000000000000000000000000d3af2663da51c10215000000", `0x${permit2.toString("hex")}`,
        ),
        entryPoint(
            "EntryPoint 0.7", "account-abstraction-v07", "0x90d8084deab30c2a37c45e8d47f49f2f7965183cb6990a98943ef94940681de3",
            "0x8db5ff695839d655407cc8490bb7a5d82337a86a6b39c3f0258aa6c3b582fc58",
        ),
        // As Permit2, it caches its domain separator.
        entryPoint("EntryPoint 0.8", "@account-abstraction/contracts", "0x0a59dbff790c23c976a548690c27297883cc66b4c67024f9117b0238995e35e9"),
    ];
    const factory = list[1].address;
    list.push(
        safe(factory, "Safe 1.4.1", "Safe.sol/Safe", "safe"),
        safe(factory, "SafeL2 1.4.1", "SafeL2.sol/SafeL2", "safe_l2"),
        safe(factory, "SafeProxyFactory 1.4.1", "proxies/SafeProxyFactory.sol/SafeProxyFactory", "safe_proxy_factory"),
        safe(
            factory, "CompatibilityFallbackHandler 1.4.1",
            "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler", "compatibility_fallback_handler",
        ),
        safe(factory, "MultiSend 1.4.1", "libraries/MultiSend.sol/MultiSend", "multi_send"),
        safe(factory, "MultiSendCallOnly 1.4.1", "libraries/MultiSendCallOnly.sol/MultiSendCallOnly", "multi_send_call_only"),
    );
    return list;
}

/** The file's text. */
export const text = () => `${JSON.stringify(preinstalls(), null, 2)}\n`;

if (process.argv[1] === import.meta.filename) writeFileSync(TARGET, text());
