// The client as hive would start it, without Docker: the same script, below a folder of its own.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const SCRIPT = join(import.meta.dirname, "../clients/aura/aura.sh");
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** What the suite gives each request. */
const REQUEST_TIMEOUT_MS = 5_000;

async function freePort() {
    const server = createServer();
    await new Promise((ready, failed) => server.once("error", failed).listen(0, "127.0.0.1", ready));
    const { port } = server.address();
    await new Promise((closed) => server.close(closed));
    return port;
}

/** A token as the Engine API wants it. */
function token(secret) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${encode({ typ: "JWT", alg: "HS256" })}.${encode({ iat: Math.floor(Date.now() / 1000) })}`;
    const signature = createHmac("sha256", secret).update(signed).digest("base64url");
    return `${signed}.${signature}`;
}

export class Client {
    /**
     * Starts a client on the files that a simulator would upload: the path of `genesis`, that of
     * `chain` (RLP), `blocks` by name; and the HIVE_* variables in `env`.
     */
    static async start({ genesis, chain, blocks = {}, env = {} }) {
        const client = new Client();
        client.root = mkdtempSync(join(tmpdir(), "aura-hive-"));
        cpSync(genesis, join(client.root, "genesis.json"));
        if (chain) cpSync(chain, join(client.root, "chain.rlp"));
        if (Object.keys(blocks).length) mkdirSync(join(client.root, "blocks"));
        for (const [name, bytes] of Object.entries(blocks)) writeFileSync(join(client.root, "blocks", name), bytes);
        const [port, enginePort] = [await freePort(), await freePort()];
        client.url = `http://127.0.0.1:${port}`;
        client.engineUrl = `http://127.0.0.1:${enginePort}`;
        client.output = "";
        client.child = spawn("bash", [SCRIPT], {
            stdio: ["ignore", "pipe", "pipe"],
            // A process group of its own: the script may be waiting for an import.
            detached: true,
            env: {
                PATH: [dirname(process.env.AURA_BIN), process.env.PATH].join(delimiter),
                HOME: client.root,
                HIVE_LOGLEVEL: "2",
                ...env,
                AURA_HIVE_ROOT: client.root,
                AURA_HOST: "127.0.0.1",
                AURA_PORT: String(port),
                AURA_ENGINE_HOST: "127.0.0.1",
                AURA_ENGINE_PORT: String(enginePort),
            },
        });
        client.exited = new Promise((done) => client.child.once("exit", done));
        for (const stream of [client.child.stdout, client.child.stderr]) {
            // The tail is enough to explain a failure.
            stream.on("data", (data) => (client.output = (client.output + data).slice(-10_000)));
        }
        await client.waitUntilReady();
        return client;
    }

    async waitUntilReady() {
        for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(50)) {
            if (this.child.exitCode !== null) break;
            try {
                await this.rpc("eth_chainId");
                return;
            } catch {
                // Not yet.
            }
        }
        await this.stop();
        throw new Error(`the client did not start:\n${this.output}`);
    }

    /** Posts a body to the JSON-RPC port and returns the answer's text. */
    async post(body) {
        const headers = { "content-type": "application/json" };
        const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
        return (await fetch(this.url, { method: "POST", headers, body, signal })).text();
    }

    /** One request; returns its result, or throws its error. */
    async rpc(method, ...params) {
        return result(method, JSON.parse(await this.post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }))));
    }

    /** Posts a body to the Engine API, signed; returns status and text. */
    async postEngine(body, headers = { authorization: `Bearer ${token(this.secret())}` }) {
        const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
        const response = await fetch(this.engineUrl, {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body,
            signal,
        });
        return { status: response.status, text: await response.text() };
    }

    /** The whole answer to one request to the Engine API. */
    async engine(method, ...params) {
        const { text } = await this.postEngine(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
        return JSON.parse(text);
    }

    secret() {
        return Buffer.from(readFileSync(join(this.root, "jwt.hex"), "utf8").trim(), "hex");
    }

    signal(name) {
        try {
            process.kill(-this.child.pid, name);
        } catch {
            // Nobody is left.
        }
    }

    async stop() {
        const timer = setTimeout(() => this.signal("SIGKILL"), STOP_TIMEOUT_MS);
        this.signal("SIGTERM");
        await this.exited;
        clearTimeout(timer);
        this.signal("SIGKILL");
        rmSync(this.root, { recursive: true, force: true });
    }
}

function result(method, answer) {
    if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
}
