// An anvil as L1 of the bridge: its clock, its forks, its fees and its end are in the test's hands.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./node.js";

const START_TIMEOUT_MS = 30_000;
const bin = join(import.meta.dirname, "../node_modules/.bin/anvil");

export class Anvil {
    /**
     * Starts an anvil and waits until it answers. Without `blockTime` each transaction is a block; with it
     * blocks come every so many seconds, unless a test holds them.
     */
    static async start({ port, blockTime, chainId = 31337, slotsInAnEpoch = 1, args = [] } = {}) {
        const anvil = new Anvil();
        anvil.port = port ?? (await freePort());
        anvil.chainId = chainId;
        anvil.url = `http://127.0.0.1:${anvil.port}`;
        anvil.ws = `ws://127.0.0.1:${anvil.port}`;
        const line = ["--quiet", "--port", anvil.port, "--chain-id", chainId, "--slots-in-an-epoch", slotsInAnEpoch, ...args];
        if (blockTime) line.push("--no-mining");
        anvil.child = spawn(bin, line.map(String), { stdio: "ignore" });
        anvil.exited = new Promise((done) => anvil.child.once("exit", done));
        for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(25)) {
            try {
                await anvil.rpc("eth_chainId");
                if (blockTime) anvil.release(blockTime * 1_000);
                return anvil;
            } catch (error) {
                if (Date.now() < deadline && anvil.child.exitCode === null) continue;
                await anvil.stop();
                throw error;
            }
        }
    }

    async rpc(method, params = []) {
        const response = await fetch(this.url, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        });
        const { result, error } = await response.json();
        if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
        return result;
    }

    async blockNumber() {
        return Number(await this.rpc("eth_blockNumber"));
    }

    mine(count = 1) {
        return this.rpc("anvil_mine", [`0x${count.toString(16)}`]);
    }

    /** From now on blocks come when the test mines them. */
    hold() {
        clearInterval(this.ticker);
    }

    /** Blocks come by themselves again. */
    release(everyMs = this.everyMs) {
        this.everyMs = everyMs;
        clearInterval(this.ticker);
        // A block that fails is seen by whoever waits for it.
        this.ticker = setInterval(() => this.mine().catch(() => {}), everyMs);
    }

    /** Replaces the newest `depth` blocks by empty ones, or by blocks with `pairs` of `[transaction, place]`. */
    reorg(depth, pairs = []) {
        return this.rpc("anvil_reorg", [depth, pairs]);
    }

    /** Moves the clock of L1 forward and mines a block with it. */
    async warp(seconds) {
        await this.rpc("evm_increaseTime", [seconds]);
        await this.mine();
    }

    setBalance(address, wei) {
        return this.rpc("anvil_setBalance", [address, `0x${wei.toString(16)}`]);
    }

    async baseFee() {
        return BigInt((await this.rpc("eth_getBlockByNumber", ["latest", false])).baseFeePerGas);
    }

    setBaseFee(wei) {
        return this.rpc("anvil_setNextBlockBaseFeePerGas", [`0x${wei.toString(16)}`]);
    }

    async stop() {
        this.hold();
        this.child.kill("SIGKILL");
        await this.exited;
    }
}
