// Stands between the node and its L1, and does what networks and providers do: cuts connections, is slow,
// refuses, limits. HTTP and WebSocket pass through as bytes.

import { connect, createServer } from "node:net";
import { eventually } from "./node.js";

const LIMITED = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/** Closes `socket` as a fault would, with RST. */
export function reset(socket) {
    // One that is shutting down cannot be reset (libuv: EINVAL): it would stay open, and keep the process from ending.
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
}

export class Proxy {
    /** Forwards a free loopback port to `port`. */
    static async start(port) {
        const proxy = new Proxy();
        proxy.target = port;
        /** What happens to new connections: `pass`, `refuse` or `limit` (HTTP status 429). */
        proxy.mode = "pass";
        /** Milliseconds that each piece of data from L1 is held back. */
        proxy.delayMs = 0;
        proxy.accepted = 0;
        proxy.killed = 0;
        proxy.pairs = new Set();
        proxy.sockets = new Set();
        proxy.server = createServer((client) => proxy.accept(client));
        await new Promise((ready, failed) => proxy.server.once("error", failed).listen(0, "127.0.0.1", ready));
        proxy.port = proxy.server.address().port;
        proxy.url = `http://127.0.0.1:${proxy.port}`;
        proxy.ws = `ws://127.0.0.1:${proxy.port}`;
        return proxy;
    }

    accept(client) {
        this.sockets.add(client);
        client.on("error", () => client.destroy()).on("close", () => this.sockets.delete(client));
        if (this.mode === "refuse") return client.destroy();
        // What is not read is not closed either.
        if (this.mode === "limit") return client.resume().end(LIMITED);
        this.accepted += 1;
        const upstream = connect(this.target, "127.0.0.1");
        upstream.setNoDelay(true);
        client.setNoDelay(true);
        const pair = { client, upstream };
        this.pairs.add(pair);
        const end = () => {
            this.pairs.delete(pair);
            client.destroy();
            upstream.destroy();
        };
        for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
        client.on("data", (data) => upstream.write(data));
        upstream.on("data", (data) => this.answer(client, data));
    }

    /** Timers of one length fire in their order, so the bytes keep theirs as long as the delay is not changed. */
    answer(client, data) {
        if (this.delayMs === 0) return client.write(data);
        setTimeout(() => client.writable && client.write(data), this.delayMs);
    }

    /** Waits until there is a connection, which `kill` could cut. */
    async connected(timeoutMs = 60_000) {
        await eventually(() => this.pairs.size > 0, timeoutMs, "connection to L1");
    }

    /** Cuts every open connection in the middle of whatever it does; returns how many. */
    kill() {
        const open = [...this.pairs];
        for (const { client, upstream } of open) {
            reset(client);
            upstream.destroy();
        }
        this.killed += open.length;
        return open.length;
    }

    async stop() {
        this.kill();
        const closed = new Promise((done) => this.server.close(done));
        for (const socket of this.sockets) socket.destroy();
        await closed;
    }
}
