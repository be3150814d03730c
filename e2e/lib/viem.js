// viem's clients for a node, and shorthands that the tests of contracts share.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createPublicClient, createWalletClient, defineChain, getAddress, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CHAIN_ID } from "./node.js";
import { accounts } from "./fixtures.js";

/** Where every chain has it. */
export const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";

/** The key of the prefunded account `index`, as viem wants it. */
export const signer = (index) => privateKeyToAccount(accounts[index].privateKey);

/** The artifact at `path` in an npm package: `{ abi, bytecode }`, and its link references. */
export function artifact(path) {
    const { abi, bytecode, linkReferences } = JSON.parse(readFileSync(join(import.meta.dirname, "../node_modules", path), "utf8"));
    return { abi, bytecode: bytecode.startsWith("0x") ? bytecode : `0x${bytecode}`, linkReferences };
}

/** `bytecode` with the address of each library in its place. */
export function link({ abi, bytecode, linkReferences }, libraries) {
    const code = bytecode.slice(2).split("");
    for (const names of Object.values(linkReferences)) {
        for (const [name, places] of Object.entries(names)) {
            for (const { start, length } of places) code.splice(start * 2, length * 2, ...libraries[name].slice(2).toLowerCase());
        }
    }
    return { abi, bytecode: `0x${code.join("")}` };
}

/** viem for `node`: a public client, wallets by account index, and contracts as objects. */
export class Viem {
    constructor(node, id = CHAIN_ID) {
        this.chain = defineChain({
            id,
            name: "Aura",
            nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
            rpcUrls: { default: { http: [node.url], webSocket: [node.ws] } },
            contracts: { multicall3: { address: MULTICALL3 } },
        });
        this.transport = http(node.url, { retryCount: 0 });
        this.client = createPublicClient({ chain: this.chain, transport: this.transport, pollingInterval: 20, cacheTime: 0 });
    }

    /** A wallet of the prefunded account `index`, or of an account of viem. */
    wallet(index) {
        const account = typeof index === "number" ? signer(index) : index;
        return createWalletClient({ account, chain: this.chain, transport: this.transport, pollingInterval: 20 });
    }

    /** Awaits the receipt of a transaction that must have succeeded. */
    async mined(hash) {
        const receipt = await this.client.waitForTransactionReceipt({ hash });
        if (receipt.status !== "success") throw new Error(`${hash} failed: ${await this.whyFailed(receipt)}`);
        return receipt;
    }

    /** Where the transaction is, its gas, and what its trace says. */
    async whyFailed({ transactionHash, blockNumber, transactionIndex, gasUsed }) {
        const { gas, type } = await this.client.getTransaction({ hash: transactionHash });
        const trace = await this.client
            .request({ method: "debug_traceTransaction", params: [transactionHash, { tracer: "callTracer" }] })
            .catch(({ message }) => message);
        return `block ${blockNumber}, index ${transactionIndex}, ${type}, ${gasUsed} of ${gas} gas, ${JSON.stringify(trace).slice(0, 2_000)}`;
    }

    async send(index, request) {
        return this.mined(await this.wallet(index).sendTransaction(request));
    }

    /** Deploys from account 0, or `from`. */
    async deploy({ abi, bytecode }, args = [], from = 0) {
        const { contractAddress } = await this.mined(await this.wallet(from).deployContract({ abi, bytecode, args }));
        return this.at(getAddress(contractAddress), abi);
    }

    /** The contract at `address`: `read(name, ...args)`, `readAt` a block, `write(index, name, args, value)` and `simulate`, as account `index`. */
    at(address, abi) {
        const call = (functionName, args) => ({ address, abi, functionName, args });
        return {
            address,
            abi,
            read: (name, ...args) => this.client.readContract(call(name, args)),
            readAt: (blockNumber, name, ...args) => this.client.readContract({ ...call(name, args), blockNumber }),
            simulate: (index, name, args = [], value = 0n) => this.client.simulateContract({ ...call(name, args), account: this.wallet(index).account, value }),
            write: async (index, name, args = [], value = 0n) =>
                this.mined(await this.wallet(index).writeContract({ ...call(name, args), value })),
        };
    }
}
