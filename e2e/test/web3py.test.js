// web3.py: the steps are in python/web3py.py, which asserts each of them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Node } from "../lib/node.js";

const root = join(import.meta.dirname, "..");
const steps = ["chain", "transfer", "deploy", "contract", "kinds", "filters", "errors", "batch", "subscriptions"];
let node;

before(async () => (node = await Node.start()));
after(() => node?.stop());

test(`web3.py: ${steps.join(", ")}`, async () => {
    const { AURA_PYTHON } = process.env;
    assert.ok(AURA_PYTHON, "scripts/setup.sh says where web3.py is");
    const args = [join(root, "python/web3py.py"), node.url, node.ws, join(root, "out/Probe.sol/Probe.json")];
    const { stdout } = await promisify(execFile)(join(AURA_PYTHON, "bin/python"), args, { timeout: 120_000 }).catch((error) => {
        throw new Error(`web3.py failed:\n${error.stdout}\n${error.stderr}`);
    });
    assert.deepEqual(stdout.trim().split("\n"), steps.map((step) => `ok ${step}`));
});
