// Randomness that can be repeated.

/** A seeded generator (mulberry32). AURA_E2E_SEED overrides `seed`; the test prints what it used. */
export class Random {
    constructor(seed) {
        this.seed = Number(process.env.AURA_E2E_SEED ?? seed) >>> 0;
        this.state = this.seed;
    }

    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return (t ^ (t >>> 14)) >>> 0;
    }

    /** A whole number from 0 to `end - 1`. */
    below(end) {
        return this.next() % end;
    }

    pick(list) {
        return list[this.below(list.length)];
    }

    /** An amount from 1 to `most`, of any size. */
    amount(most) {
        const wide = (BigInt(this.next()) << 32n) | BigInt(this.next());
        return most <= 1n ? most : 1n + ((wide * (most - 1n)) >> 64n);
    }

    /** An address that nobody has used. */
    address() {
        let digits = "";
        while (digits.length < 40) digits += this.next().toString(16).padStart(8, "0");
        return `0x${digits.slice(0, 40)}`;
    }

    /** A private key. */
    key() {
        let digits = "";
        while (digits.length < 64) digits += this.next().toString(16).padStart(8, "0");
        return `0x${digits}`;
    }
}
