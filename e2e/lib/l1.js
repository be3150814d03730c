// An anvil that stands for L1.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import { freePort } from "./node.js";
import { accounts, contract } from "./fixtures.js";

const START_TIMEOUT_MS = 30_000;

export class L1 {
    static async start() {
        const l1 = new L1();
        const port = await freePort();
        l1.url = `http://127.0.0.1:${port}`;
        const bin = join(import.meta.dirname, "../node_modules/.bin/anvil");
        l1.child = spawn(bin, ["--port", String(port), "--quiet"], { stdio: "ignore" });
        l1.exited = new Promise((done) => l1.child.once("exit", done));
        const transport = http(l1.url, { retryCount: 0 });
        l1.client = createPublicClient({ chain: foundry, transport, pollingInterval: 20, cacheTime: 0 });
        const account = privateKeyToAccount(accounts[0].privateKey);
        l1.wallet = createWalletClient({ account, chain: foundry, transport });
        for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(25)) {
            try {
                await l1.client.getChainId();
                return l1;
            } catch (error) {
                if (Date.now() < deadline && l1.child.exitCode === null) continue;
                await l1.stop();
                throw error;
            }
        }
    }

    /** Deploys the compiled contract `name`; returns its address and shorthands for calls. */
    async deploy(name) {
        const { abi, bytecode } = contract(name);
        const { contractAddress: address } = await this.mined(await this.wallet.deployContract({ abi, bytecode }));
        const read = (functionName, args) => this.client.readContract({ address, abi, functionName, args });
        const write = async (functionName, args) => this.mined(await this.wallet.writeContract({ address, abi, functionName, args }));
        return { address, abi, read, write };
    }

    async mined(hash) {
        const receipt = await this.client.waitForTransactionReceipt({ hash });
        if (receipt.status !== "success") throw new Error(`${hash} failed on L1`);
        return receipt;
    }

    async stop() {
        this.child.kill("SIGKILL");
        await this.exited;
    }
}
