// The commands of the README's section on the bridge, copied from there, are run in one shell. Only the
// ports are others, and what `make dev` starts is running already.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { parseEther } from "viem";
import { Bridge } from "../../lib/bridge.js";
import { shellBlocks } from "../../lib/markdown.js";

const README = join(import.meta.dirname, "../../../README.md");
const STARTS = /^make dev\b.*$/m;
const TIMEOUT_MS = 120_000;
let bridge;
let home;

before(async () => {
    home = mkdtempSync(join(tmpdir(), "aura-e2e-readme-"));
    // As `make dev` starts it, with its own window.
    bridge = await Bridge.start({ embedded: true, window: null });
});
after(async () => {
    await bridge?.stop();
    rmSync(home, { recursive: true, force: true });
});

/** Runs `script` with the programs under test before all others. */
function shell(script) {
    const programs = [dirname(process.env.AURA_BIN), join(import.meta.dirname, "../../node_modules/.bin"), process.env.PATH];
    // Where `aura bridge` looks without a flag.
    const where = { AURA_L1_RPC: bridge.l1Url, AURA_L2_RPC: bridge.node.url };
    const env = { ...where, PATH: programs.join(delimiter), HOME: home, NO_COLOR: "1", FOUNDRY_DISABLE_NIGHTLY_WARNING: "1" };
    return new Promise((done) => {
        execFile("bash", ["--noprofile", "--norc", "-euo", "pipefail", "-xc", script], { cwd: home, env, timeout: TIMEOUT_MS }, (error, stdout, stderr) =>
            done({ code: error ? (error.code ?? 1) : 0, stdout, stderr }),
        );
    });
}

test("the README's commands for the bridge do what it says", async () => {
    const blocks = shellBlocks(README, "Bridge");
    assert.ok(blocks.some((block) => STARTS.test(block)), "the section begins with how to start");
    const script = blocks
        .map((block) => block.replace(STARTS, ":"))
        .join("\n")
        .replaceAll("127.0.0.1:8545", `127.0.0.1:${bridge.node.port}`)
        .replaceAll("127.0.0.1:9545", `127.0.0.1:${bridge.l1Port}`);
    assert.doesNotMatch(script, /\b(8545|9545)\b/, "a port that the test does not replace");
    const { code, stdout, stderr } = await shell(script);
    assert.equal(code, 0, `${stdout}\n${stderr}`);

    // What the section promises: what came is on L2, what left is on L1, to the wei.
    const [came, left] = ["0x00000000000000000000000000000000000a11ce", "0x0000000000000000000000000000000000000b0b"];
    assert.equal(await bridge.onL2(came), parseEther("1"));
    assert.equal(await bridge.onL1(left), parseEther("0.25"));
    assert.match(stdout, /^1\.0+$/m, "the balance on L2 that is printed");
    assert.match(stdout, /^0\.250+$/m, "the balance on L1 that is printed");
    assert.equal(await bridge.passer.read("count"), 2n, "the forced withdrawal left, too");
});
