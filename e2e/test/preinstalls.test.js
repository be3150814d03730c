// Contracts that the genesis has, and the keyless transactions that make them elsewhere.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Transaction, Wallet, getCreate2Address, getCreateAddress, keccak256 } from "ethers";
import { CHAIN_ID, Node } from "../lib/node.js";
import { FACTORY, FACTORY_DEPLOYMENT, accounts } from "../lib/fixtures.js";
import { TARGET, preinstalls, text } from "../tools/preinstalls.js";

let node;
before(async () => (node = await Node.start()));
after(() => node?.stop());

test("the committed list is what the packages hold", () => {
    assert.equal(readFileSync(TARGET, "utf8"), text(), "genesis/inputs/preinstalls.json is stale: tools/run.sh preinstalls.js");
});

test("every preinstall is there, with the code that is known", async () => {
    const list = preinstalls();
    assert.equal(list.length, 13);
    let hashes = 0;
    for (const { name, address, codeHash } of list) {
        const code = await node.rpc("eth_getCode", [address, "latest"]);
        assert.notEqual(code, "0x", name);
        if (!codeHash) continue;
        assert.equal(keccak256(code), codeHash, name);
        hashes += 1;
    }
    assert.equal(hashes, 11, "all but those that cache the chain id");
});

test("Permit2 and the EntryPoint cache the domain of this chain", async () => {
    const call = (to, data) => node.rpc("eth_call", [{ to, data }, "latest"]);
    // eip712Domain(): fields, name, version, chain id, contract, …
    const domain = await call("0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108", "0x84b0196e");
    assert.equal(BigInt(`0x${domain.slice(2 + 3 * 64, 2 + 4 * 64)}`), BigInt(CHAIN_ID));
    // DOMAIN_SEPARATOR() differs by chain, and is found in the code only if it is the cached one.
    const permit2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
    const separator = await call(permit2, "0x3644e515");
    const code = await node.rpc("eth_getCode", [permit2, "latest"]);
    assert.ok(code.includes(separator.slice(2)), separator);
});

/** Sends `data` to the deterministic deployment proxy and returns the contract's address. */
async function deploySalted(on, index) {
    const init = "0x600160005360016000f3"; // code 0x01
    const salt = `0x${"ab".repeat(32)}`;
    const raw = await new Wallet(accounts[index].privateKey).signTransaction({
        type: 2, chainId: CHAIN_ID, nonce: 0, to: FACTORY, data: salt + init.slice(2), gasLimit: 200_000,
        maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
    });
    const receipt = await on.receipt(await on.rpc("eth_sendRawTransaction", [raw]));
    assert.equal(receipt.status, "0x1");
    return getCreate2Address(FACTORY, salt, keccak256(init));
}

test("the deterministic deployment proxy deploys", async () => {
    const address = await deploySalted(node, 0);
    assert.equal(await node.rpc("eth_getCode", [address, "latest"]), "0x01");
});

test("a keyless transaction makes the proxy on a chain without it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aura-e2e-genesis-"));
    const genesis = JSON.parse(readFileSync(join(import.meta.dirname, "../../genesis/dev.json"), "utf8"));
    assert.ok(delete genesis.alloc[FACTORY.toLowerCase()]);
    const file = join(folder, "genesis.json");
    writeFileSync(file, JSON.stringify(genesis));
    const bare = await Node.start({ genesis: file });
    try {
        assert.equal(await bare.rpc("eth_getCode", [FACTORY, "latest"]), "0x");
        const { from, hash } = Transaction.from(FACTORY_DEPLOYMENT);
        const poor = await bare.request("eth_sendRawTransaction", [FACTORY_DEPLOYMENT]);
        assert.match(poor.error.message, /insufficient funds for gas \* price \+ value/);

        const funding = await new Wallet(accounts[1].privateKey).signTransaction({
            type: 2, chainId: CHAIN_ID, nonce: 0, to: from, value: 10n ** 16n, gasLimit: 21_000,
            maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
        });
        await bare.receipt(await bare.rpc("eth_sendRawTransaction", [funding]));
        assert.equal(await bare.rpc("eth_sendRawTransaction", [FACTORY_DEPLOYMENT]), hash);
        const { status, contractAddress } = await bare.receipt(hash);
        assert.deepEqual([status, contractAddress], ["0x1", FACTORY.toLowerCase()]);
        const sent = await bare.rpc("eth_getTransactionByHash", [hash]);
        assert.deepEqual([sent.type, sent.v, sent.chainId], ["0x0", "0x1b", undefined]);
        assert.equal(await bare.rpc("eth_getRawTransactionByHash", [hash]), FACTORY_DEPLOYMENT);
        assert.equal(await bare.rpc("eth_getCode", [await deploySalted(bare, 0), "latest"]), "0x01");
    } finally {
        await bare.stop();
        rmSync(folder, { recursive: true });
    }
});

test("a pre-EIP-155 transaction of any key is accepted, dear as it may be", async () => {
    const wallet = new Wallet(accounts[2].privateKey);
    // Without a chain id ethers signs as before EIP-155.
    const unsigned = Transaction.from({ type: 0, nonce: 0, gasPrice: 100_000_000_000n, gasLimit: 100_000, data: "0x600160005360016000f3" });
    unsigned.signature = wallet.signingKey.sign(unsigned.unsignedHash);
    assert.ok([27n, 28n].includes(BigInt(unsigned.signature.networkV ?? unsigned.signature.v)));
    const receipt = await node.receipt(await node.rpc("eth_sendRawTransaction", [unsigned.serialized]));
    assert.equal(receipt.status, "0x1");
    assert.equal(receipt.from, wallet.address.toLowerCase());
    assert.equal(receipt.contractAddress, getCreateAddress({ from: wallet.address, nonce: 0 }).toLowerCase());
    assert.equal(await node.rpc("eth_getCode", [receipt.contractAddress, "latest"]), "0x01");
});
