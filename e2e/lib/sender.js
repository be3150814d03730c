// Sends many transactions without a question before each.

import { eventually } from "./node.js";
import { signer } from "./viem.js";

export class Sender {
    /** Sends as account `index` of `chain` (a `Viem`); counts the nonce by itself. */
    static async of(chain, index, { maxFeePerGas = 500_000_000_000n, maxPriorityFeePerGas = 1_000_000_000n } = {}) {
        const sender = new Sender();
        Object.assign(sender, { chain, sent: new Map(), account: typeof index === "number" ? signer(index) : index, fees: { maxFeePerGas, maxPriorityFeePerGas } });
        await sender.sync();
        return sender;
    }

    /** Asks for the nonce again: after transactions were lost. */
    async sync() {
        this.nonce = await this.chain.client.getTransactionCount({ address: this.account.address, blockTag: "pending" });
    }

    /** Signs the next transaction: `{ hash, raw }` once sent. */
    async sign({ to, value = 0n, data, gas = 200_000n }) {
        return this.account.signTransaction({
            type: "eip1559", chainId: this.chain.chain.id, nonce: this.nonce++, to, value, data, gas, ...this.fees,
        });
    }

    /** Sends a transaction; returns its hash and what was sent. */
    async send(request) {
        const { nonce } = this;
        const raw = await this.sign(request);
        this.sent.set(nonce, raw);
        const hash = await this.chain.client.sendRawTransaction({ serializedTransaction: raw });
        return { hash, raw };
    }

    /** Sends a transaction and waits for its block. */
    async mined(request) {
        return this.chain.mined((await this.send(request)).hash);
    }

    /**
     * Waits until an anvil has mined all that was sent. One that comes while anvil mines the one before can be
     * kept as if that were missing, with all that follow: they are taken out and sent again.
     */
    async allMined(timeoutMs = 60_000) {
        const { address } = this.account;
        const { client } = this.chain;
        let before;
        const mined = async () => {
            const nonce = await client.getTransactionCount({ address });
            if (nonce === before) await this.again(nonce);
            before = nonce;
            return nonce >= this.nonce;
        };
        await eventually(mined, timeoutMs, `transactions of ${address}`, 1_000);
    }

    async again(nonce) {
        const { client } = this.chain;
        await client.request({ method: "anvil_removePoolTransactions", params: [this.account.address] });
        for (; nonce < this.nonce; nonce++) {
            // Refused if it was mined meanwhile.
            await client.sendRawTransaction({ serializedTransaction: this.sent.get(nonce) }).catch(() => {});
        }
    }
}
