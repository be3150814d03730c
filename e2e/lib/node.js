// Starts the node under test on a free loopback port, and speaks plain JSON-RPC to it.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
export const CHAIN_ID = 13371;

const peer = process.env.AURA_E2E_PEER; // "anvil": check the tests themselves against another node
const bin = peer ? join(import.meta.dirname, "../node_modules/.bin/anvil") : process.env.AURA_BIN;
if (!bin) throw new Error("AURA_BIN must name the built node");

/** Asks the system for a port that nobody listens on. */
export async function freePort() {
    const server = createServer();
    await new Promise((ready, failed) => server.once("error", failed).listen(0, "127.0.0.1", ready));
    const { port } = server.address();
    await new Promise((closed) => server.close(closed));
    return port;
}

function commandLine({ port, datadir, blockTime, gasLimit, proofWindow, proofInterval, genesis, args: more = [] }) {
    if (peer) {
        const args = ["--port", port, "--chain-id", CHAIN_ID, "--state", join(datadir, "state.json"), "--state-interval", 1];
        if (blockTime !== "instant") args.push("--block-time", parseFloat(blockTime));
        if (gasLimit) args.push("--gas-limit", gasLimit);
        if (genesis) args.push("--init", genesis);
        return args;
    }
    const args = ["dev", "--port", port, "--datadir", datadir, "--block-time", blockTime];
    if (gasLimit) args.push("--gas-limit", gasLimit);
    if (genesis) args.push("--chain", genesis);
    if (proofWindow) args.push("--proof-window", proofWindow);
    if (proofInterval) args.push("--proof-interval", proofInterval);
    return [...args, ...more];
}

export class Node {
    /**
     * Starts a node and waits until it answers. `datadir` defaults to a new folder of its own, `port` to a
     * free one; `args` are further flags, `env` further variables.
     */
    static async start({ datadir, port, blockTime = "instant", env, ...settings } = {}) {
        const ownsDatadir = !datadir;
        datadir ??= mkdtempSync(join(tmpdir(), "aura-e2e-"));
        port ??= await freePort();
        const words = commandLine({ port, datadir, blockTime, ...settings });
        return Node.spawn({ port, words, env: { ...process.env, ...env }, datadir, ownsDatadir });
    }

    /** Starts a process that answers on `port`: the node's command line and its whole environment. */
    static async spawn({ port, words, env, datadir, ownsDatadir = false }) {
        const node = new Node();
        Object.assign(node, { port, datadir, ownsDatadir });
        node.url = `http://127.0.0.1:${node.port}`;
        node.ws = `ws://127.0.0.1:${node.port}`;
        node.output = "";
        node.child = spawn(bin, words.map(String), { stdio: ["ignore", "pipe", "pipe"], env });
        node.exited = new Promise((done) => node.child.once("exit", (code, signal) => done({ code, signal })));
        node.child.once("error", (error) => (node.output += `${error}\n`));
        for (const stream of [node.child.stdout, node.child.stderr]) {
            // The tail is enough to explain a failure.
            stream.on("data", (data) => (node.output = (node.output + data).slice(-60_000)));
        }
        await node.waitUntilReady();
        return node;
    }

    async waitUntilReady() {
        const deadline = Date.now() + START_TIMEOUT_MS;
        while (Date.now() < deadline) {
            if (this.child.exitCode !== null || !this.child.pid) break;
            try {
                await this.rpc("eth_chainId");
                return;
            } catch {
                await sleep(25);
            }
        }
        this.child.kill("SIGKILL");
        throw new Error(`the node did not start:\n${this.output}`);
    }

    /** Posts any body; returns status, headers and text. */
    async post(body, headers = { "content-type": "application/json" }) {
        const response = await fetch(this.url, { method: "POST", headers, body });
        return { status: response.status, headers: response.headers, text: await response.text() };
    }

    /** One request; returns the whole response object. */
    async request(method, params = []) {
        const { text } = await this.post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
        return JSON.parse(text);
    }

    /** One request; returns the result, or throws the error object's text. */
    async rpc(method, params = []) {
        const response = await this.request(method, params);
        if (response.error) throw new Error(`${method}: ${JSON.stringify(response.error)}`);
        return response.result;
    }

    /** Polls until `hash` is mined. */
    async receipt(hash, timeoutMs = 15_000) {
        return eventually(() => this.rpc("eth_getTransactionReceipt", [hash]), timeoutMs, `receipt of ${hash}`);
    }

    /** Ends the process with `signal`, keeping the data directory; returns its exit. */
    async end(signal) {
        this.child.kill(signal);
        const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
        const exit = await this.exited;
        clearTimeout(timer);
        return exit;
    }

    /** Ends the process and removes what it wrote. */
    async stop() {
        await this.end("SIGKILL");
        if (this.ownsDatadir) rmSync(this.datadir, { recursive: true, force: true });
    }
}

/** Repeats `attempt` until it returns something other than null, undefined or false. */
export async function eventually(attempt, timeoutMs = 15_000, what = "condition", everyMs = 20) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        const value = await attempt();
        if (value !== null && value !== undefined && value !== false) return value;
        if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
        await sleep(everyMs);
    }
}
