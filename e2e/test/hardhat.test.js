// Hardhat 3 compiles a project, and Ignition deploys it to the node as to any `url` network.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Node } from "../lib/node.js";
import { accounts } from "../lib/fixtures.js";
import { ok } from "../lib/run.js";
import { Viem } from "../lib/viem.js";

const project = join(import.meta.dirname, "../hardhat");
const deployments = join(project, "ignition/deployments");
let node;
let viem;

before(async () => {
    rmSync(deployments, { recursive: true, force: true });
    node = await Node.start();
    viem = new Viem(node);
});
after(() => node?.stop());

const read = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));

/** Deploys the module; returns its contracts. */
async function deploy(id, ...options) {
    const args = ["ignition", "deploy", "ignition/modules/Books.js", "--network", "aura", "--deployment-id", id, ...options];
    const settings = { cwd: project, HARDHAT_IGNITION_CONFIRM_DEPLOYMENT: "true" };
    const printed = await ok("hardhat", args, node.url, settings);
    const addresses = read(deployments, id, "deployed_addresses.json");
    const at = (name) => viem.at(addresses[`Books#${name}`], read(deployments, id, `artifacts/Books#${name}.json`).abi);
    return { printed, ledger: at("Ledger"), auditor: at("Auditor") };
}

test("Ignition deploys contracts, calls them in order and reads what they said", async () => {
    const [alice, bob, carol] = accounts.map(({ address }) => address);
    const before = await viem.client.getBalance({ address: carol });
    const { printed, ledger, auditor } = await deploy("one");
    assert.match(printed, /\[ Books \] successfully deployed/);
    // 100 at first; 11 by the first account, 31 by the second, then what the auditor saw come after the first.
    assert.equal(await ledger.read("total"), 173n);
    assert.deepEqual(await Promise.all([alice, bob].map((who) => ledger.read("entries", who))), [42n, 31n]);
    assert.deepEqual([await auditor.read("LEDGER"), await auditor.read("SEEN")], [ledger.address, 111n]);
    assert.equal(await viem.client.getBalance({ address: ledger.address }), 5n);
    assert.equal(await viem.client.getBalance({ address: carol }), before + 3n);

    // Run again, it finds everything done: no transaction is sent.
    const block = await viem.client.getBlockNumber();
    const again = await deploy("one");
    assert.match(again.printed, /nothing new to deploy|already been deployed/i);
    assert.deepEqual([again.ledger.address, await viem.client.getBlockNumber()], [ledger.address, block]);
});

test("Ignition's create2 strategy deploys through the CreateX of the genesis", async () => {
    const { ledger, auditor } = await deploy("two", "--strategy", "create2");
    assert.equal(await auditor.read("difference"), (await ledger.read("total")) - 111n);
    const logs = await viem.client.getLogs({ address: "0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed", fromBlock: 0n });
    const created = logs.map(({ topics }) => `0x${topics[1].slice(26)}`);
    assert.deepEqual(created, [ledger.address, auditor.address].map((address) => address.toLowerCase()));
});
