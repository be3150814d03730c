// Runs a command line program with a clean home, so that a user's settings cannot change a test.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const home = mkdtempSync(join(tmpdir(), "aura-e2e-home-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));
const root = join(import.meta.dirname, "..");

/**
 * Runs `node_modules/.bin/<program>` in `cwd`; returns `{ code, stdout, stderr }` and never throws on a
 * non-zero exit, for some tests want one.
 */
export function run(program, args, url, { cwd = root, ...settings } = {}) {
    const env = { ...settings, PATH: process.env.PATH, HOME: home, ETH_RPC_URL: url, NO_COLOR: "1", FOUNDRY_DISABLE_NIGHTLY_WARNING: "1" };
    return new Promise((done) => {
        execFile(
            join(root, "node_modules/.bin", program),
            args.map(String),
            { cwd, env, timeout: 60_000, maxBuffer: 16 << 20 },
            (error, stdout, stderr) => done({ code: error ? (error.code ?? 1) : 0, stdout: stdout.trim(), stderr: stderr.trim() }),
        );
    });
}

/** As `run`, but a failure of the program fails the test with what it printed. */
export async function ok(program, args, url, settings) {
    const result = await run(program, args, url, settings);
    if (result.code !== 0) {
        throw new Error(`${program} ${args.join(" ")} ended with ${result.code}:\n${result.stderr}\n${result.stdout}`);
    }
    return result.stdout;
}
