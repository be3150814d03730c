// The bridge as its users and operators see it: an L1 (anvil, or the one inside of `aura dev`), a node on
// it, and the steps of deposits and withdrawals with viem.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFunctionData, getAddress, parseAbi, parseEventLogs, zeroAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { Anvil } from "./anvil.js";
import { Node, eventually, freePort } from "./node.js";
import { Proxy } from "./proxy.js";
import { Viem } from "./viem.js";

/** A contract of the bridge, as it is committed: `{ abi, bytecode }`. */
export function bridgeContract(name) {
    const { abi, bytecode } = JSON.parse(readFileSync(join(import.meta.dirname, `../../contracts/artifacts/${name}.json`), "utf8"));
    return { abi, bytecode };
}

export const portalAbi = bridgeContract("AuraPortal").abi;
export const rollupAbi = bridgeContract("AuraRollup").abi;
const passerAbi = bridgeContract("AuraMessagePasser").abi;
const tokenBridgeAbi = bridgeContract("AuraTokenBridge").abi;
const l1BlockAbi = bridgeContract("AuraL1Block").abi;
export const l2TokenAbi = bridgeContract("AuraERC20").abi;
/** Of a token on L1, also of one whose functions return nothing. */
export const tokenAbi = parseAbi([
    "function balanceOf(address) view returns (uint256)",
    "function approve(address, uint256)",
    "function transfer(address, uint256)",
]);

export const ETHER = zeroAddress;
export const PREDEPLOYS = {
    l1Block: "0xAA00000000000000000000000000000000000001",
    passer: "0xAa00000000000000000000000000000000000002",
    tokenBridge: "0xaA00000000000000000000000000000000000003",
    feeVault: "0xAa00000000000000000000000000000000000005",
};
/** Who is who on a development chain, by account of the mnemonic. */
export const ROLES = { admin: 0, challenger: 6, verifier: 7, proposer: 8, sequencer: 9 };
/** Kinds of queue entries. */
export const KIND = { credit: 0, token: 1, forced: 2, registration: 3, configuration: 4 };
/** Nothing here takes as long; what does not come by then will not come. */
export const PATIENCE_MS = Number(process.env.AURA_E2E_PATIENCE_MS ?? 60_000);

const CLAIM_GAS = 500_000n;

/** The members of an answer with quantities as whole numbers, whatever their form. */
const whole = (object, names) => ({ ...object, ...Object.fromEntries(names.map((name) => [name, BigInt(object[name])])) });

export class Bridge {
    /**
     * Starts L1 and a node on it. `embedded`: L1 is inside of the node; else `anvil` has its settings.
     * `proxied`: the node reaches L1 through a `Proxy`. `window`: seconds until a root is final; null: as the node would have it.
     */
    static async start({ embedded = false, anvil = {}, proxied = false, window = 0, blockTime, args = [], env } = {}) {
        const bridge = new Bridge();
        bridge.datadir = mkdtempSync(join(tmpdir(), "aura-e2e-bridge-"));
        bridge.flags = [...(window === null ? [] : ["--window", window]), ...args];
        bridge.env = env;
        bridge.blockTime = blockTime;
        try {
            if (embedded) {
                bridge.l1Port = await freePort();
            } else {
                bridge.anvil = await Anvil.start(anvil);
                if (proxied) bridge.proxy = await Proxy.start(bridge.anvil.port);
            }
            await bridge.startNode();
            await bridge.connect();
        } catch (error) {
            await bridge.stop();
            throw error;
        }
        return bridge;
    }

    /** Starts the node, on the data that the last one left. `flags` come on top of those of `start`. */
    async startNode(flags = []) {
        const file = join(this.datadir, "deployment.json");
        const where = this.anvil ? ["--l1-rpc", (this.proxy ?? this.anvil).ws] : ["--l1-port", this.l1Port];
        this.node = await Node.start({
            datadir: join(this.datadir, "node"),
            port: this.node?.port,
            blockTime: this.blockTime,
            args: [...where, "--deployment-out", file, ...this.flags, ...flags],
            env: this.env,
        });
        this.deployment = await eventually(() => existsSync(file) && tryParse(readFileSync(file, "utf8")), PATIENCE_MS, "deployment file");
    }

    async connect() {
        const l1 = this.anvil ?? { url: `http://127.0.0.1:${this.l1Port}`, ws: `ws://127.0.0.1:${this.l1Port}` };
        this.l1Url = l1.url;
        this.l1 = new Viem(l1, this.deployment.l1ChainId);
        this.l2 = new Viem(this.node, this.deployment.l2ChainId);
        this.portal = this.l1.at(getAddress(this.deployment.portal), portalAbi);
        this.rollup = this.l1.at(getAddress(this.deployment.rollup), rollupAbi);
        this.passer = this.l2.at(PREDEPLOYS.passer, passerAbi);
        this.tokenBridge = this.l2.at(PREDEPLOYS.tokenBridge, tokenBridgeAbi);
        this.l1Block = this.l2.at(PREDEPLOYS.l1Block, l1BlockAbi);
    }

    /** Kills the node, which is told nothing before, and starts it again on its data. */
    async crash(flags) {
        await this.node.end("SIGKILL");
        await this.startNode(flags);
    }

    async stop() {
        // What the node said last explains a failure.
        if (process.env.AURA_E2E_LOG && this.node) process.stderr.write(`${this.node.output}\n`);
        await this.node?.stop();
        await this.proxy?.stop();
        await this.anvil?.stop();
        rmSync(this.datadir, { recursive: true, force: true });
    }

    // ---- deposits

    /** Puts ether into the portal for `to` on L2; returns the queue entry. */
    async deposit(from, amount, to) {
        const receipt = await this.portal.write(from, "depositTo", [to], amount);
        return { ...this.entries(receipt.logs)[0], receipt };
    }

    async registerToken(token) {
        const { logs } = await this.portal.write(0, "registerToken", [token]);
        // Else a quarter of what is there would be the most that leaves in a day.
        await this.portal.write(ROLES.admin, "setOutflowFloor", [token, 2n ** 191n]);
        return this.entries(logs)[0];
    }

    async depositToken(from, token, amount, to) {
        await this.l1.at(token, tokenAbi).write(from, "approve", [this.portal.address, amount]);
        const receipt = await this.portal.write(from, "depositERC20", [token, to, amount]);
        return { ...this.entries(receipt.logs)[0], receipt };
    }

    /** The queue entries among `logs` of L1. */
    entries(logs) {
        return parseEventLogs({ abi: portalAbi, eventName: "MessageEnqueued", logs }).map(({ args }) => args);
    }

    /** Every queue entry of L1 as it is now. */
    async queue() {
        const { address } = this.portal;
        return this.entries(await this.l1.client.getLogs({ address, fromBlock: 0n, toBlock: "latest" }));
    }

    /** Waits until L2 has consumed the queue below `count`, by default as far as L1 has it now. */
    async consumed(count, timeoutMs = PATIENCE_MS) {
        const upTo = count ?? (await this.portal.read("messageCount"));
        // Without a count L2 must have just as many: it may have seen more, which L1 took back.
        const enough = (consumed) => (count === undefined ? consumed === upTo : consumed >= upTo);
        await eventually(async () => enough(await this.l1Block.read("consumed")), timeoutMs, `${upTo} queue entries on L2`);
        return upTo;
    }

    // ---- batches and roots

    async head() {
        const [batchCount, consumed, lastTime, rootCount] = await this.rollup.read("head");
        return { batchCount, consumed, lastTime, rootCount };
    }

    async roots() {
        const { address } = this.rollup;
        const logs = await this.l1.client.getLogs({ address, fromBlock: 0n, toBlock: "latest" });
        return parseEventLogs({ abi: rollupAbi, eventName: "StateRootUpdated", logs }).map(({ args }) => args);
    }

    /** Waits until a root on L1 covers the L2 block `number` of the chain as it is; returns its event. */
    async rooted(number, timeoutMs = PATIENCE_MS) {
        return eventually(
            async () => {
                const root = (await this.roots()).at(-1);
                // What L1 has taken back may have left a shorter chain.
                const head = await this.l2.client.getBlockNumber();
                if (!root || root.o.l2Block < (number < head ? number : head)) return false;
                const block = await this.l2.client.getBlock({ blockNumber: root.o.l2Block }).catch(() => null);
                return block?.hash === root.o.l2BlockHash && root;
            },
            timeoutMs,
            `root of block ${number}`,
            100,
        );
    }

    /** Waits until L1 has batches and a root of everything that L1 has queued and L2 has done until now. */
    async settled(timeoutMs = PATIENCE_MS) {
        const count = await this.consumed(undefined, timeoutMs);
        const root = await this.rooted(await this.l2.client.getBlockNumber(), timeoutMs);
        await eventually(async () => (await this.head()).consumed >= count, timeoutMs, "consumption on L1");
        return root;
    }

    /** Sends a transaction on L2 and waits until L1 has a root of it: posting goes on. */
    async postsAgain(timeoutMs = PATIENCE_MS) {
        const before = await this.head();
        const { blockNumber } = await this.l2.send(3, { to: PREDEPLOYS.feeVault, value: 1n });
        await this.rooted(blockNumber, timeoutMs);
        const after = await this.head();
        if (after.batchCount <= before.batchCount) throw new Error("no batch was posted");
    }

    /** Transactions to the rollup that failed on L1: paid for in vain. */
    async failedPosts() {
        const blocks = Array.from({ length: Number(await this.l1.client.getBlockNumber()) + 1 }, (_, number) => `0x${number.toString(16)}`);
        const receipts = await Promise.all(blocks.map((block) => this.l1.client.request({ method: "eth_getBlockReceipts", params: [block] })));
        const rollup = this.rollup.address.toLowerCase();
        return receipts.flat().filter((receipt) => receipt?.to?.toLowerCase() === rollup && receipt.status === "0x0").length;
    }

    // ---- withdrawals

    /** Sends ether from L2 to `to` on L1; returns the withdrawal's index and the receipt. */
    async withdraw(from, amount, to) {
        return this.passed(await this.passer.write(from, "withdrawETH", [to], amount));
    }

    async withdrawToken(from, token, amount, to) {
        return this.passed(await this.tokenBridge.write(from, "withdraw", [token, to, amount]));
    }

    passed(receipt) {
        const [event] = parseEventLogs({ abi: passerAbi, eventName: "MessagePassed", logs: receipt.logs });
        if (!event) throw new Error(`nothing left L2: ${JSON.stringify(receipt, (_, value) => (typeof value === "bigint" ? Number(value) : value))}`);
        const { args } = event;
        return { ...args, receipt };
    }

    /** The node's answer once a root (`rootId`, if it is given) covers the withdrawal `index`, as JSON. */
    async proof(index, timeoutMs = PATIENCE_MS, rootId = undefined) {
        const params = [index, rootId].filter((value) => value !== undefined).map((value) => `0x${BigInt(value).toString(16)}`);
        const ask = () => this.node.request("aura_getWithdrawalProof", params);
        let last;
        const found = await eventually(async () => (last = await ask()).result ?? false, timeoutMs, "withdrawal proof").catch((error) => {
            throw new Error(`${error.message}: ${JSON.stringify(last)}`);
        });
        return found;
    }

    /** The arguments of `AuraPortal.withdraw` for the withdrawal `index`. */
    async arguments(index, timeoutMs, rootId) {
        const { withdrawal, rootId: id, output, proof } = await this.proof(index, timeoutMs, rootId);
        return [
            whole(withdrawal, ["index", "amount"]),
            BigInt(id),
            whole(output, ["l2Block", "batchIndex"]),
            proof,
        ];
    }

    /** What `AuraPortal.exitETH` would be told of `address`, once a final root has it: output, account and proof. */
    async exitProof(address) {
        const ask = async () => (await this.node.request("aura_getExitProof", [address])).result;
        const { output, account, proof } = await eventually(ask, PATIENCE_MS, "exit proof");
        return { output: whole(output, ["l2Block", "batchIndex"]), account: whole(account, ["nonce", "balance"]), proof };
    }

    /** Pays the withdrawal `index` out on L1; whoever calls. */
    async claim(index, by = 5) {
        return this.pay(await this.arguments(index), by);
    }

    /** Sends the claim. Its gas is not what was estimated: that depends on whether its root is final by then. */
    async pay(args, by = 5) {
        const { request } = await this.portal.simulate(by, "withdraw", args);
        return this.l1.mined(await this.l1.wallet(by).writeContract({ ...request, gas: CLAIM_GAS }));
    }

    /** The calldata of `AuraPortal.withdraw`. */
    calldata(args) {
        return encodeFunctionData({ abi: portalAbi, functionName: "withdraw", args });
    }

    // ---- balances

    /** Balance of `token` (zero: ether) on L1. */
    async onL1(address, token = ETHER) {
        if (token === ETHER) return this.l1.client.getBalance({ address });
        return this.l1.at(token, tokenAbi).read("balanceOf", address);
    }

    async l2Token(token) {
        return this.l2.at(await this.tokenBridge.read("l2Token", token), l2TokenAbi);
    }

    /** Balance on L2 of the token that has `token` on L1. */
    async onL2(address, token = ETHER) {
        if (token === ETHER) return this.l2.client.getBalance({ address });
        return (await this.l2Token(token)).read("balanceOf", address);
    }

    /** Balances of many accounts on L2, in few requests. */
    async manyOnL2(addresses) {
        const balances = [];
        for (let start = 0; start < addresses.length; start += 500) {
            const calls = addresses
                .slice(start, start + 500)
                .map((address, id) => ({ jsonrpc: "2.0", id, method: "eth_getBalance", params: [address, "latest"] }));
            const answers = JSON.parse((await this.node.post(JSON.stringify(calls))).text);
            answers.sort((a, b) => a.id - b.id);
            balances.push(...answers.map(({ result }) => BigInt(result)));
        }
        return balances;
    }
}

function tryParse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return false; // half written
    }
}

/** An account of nobody before; its viem account. */
export const freshAccount = (random) => privateKeyToAccount(random.key());
