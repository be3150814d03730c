// Sends many transactions without a question before each.

import { signer } from "./viem.js";

export class Sender {
    /** Sends as account `index` of `chain` (a `Viem`); counts the nonce by itself. */
    static async of(chain, index, { maxFeePerGas = 500_000_000_000n, maxPriorityFeePerGas = 1_000_000_000n } = {}) {
        const sender = new Sender();
        Object.assign(sender, { chain, account: typeof index === "number" ? signer(index) : index, fees: { maxFeePerGas, maxPriorityFeePerGas } });
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
        const raw = await this.sign(request);
        const hash = await this.chain.client.sendRawTransaction({ serializedTransaction: raw });
        return { hash, raw };
    }

    /** Sends a transaction and waits for its block. */
    async mined(request) {
        return this.chain.mined((await this.send(request)).hash);
    }
}
