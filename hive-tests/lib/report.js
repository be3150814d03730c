// Counts checks and prints those that fail.

export class Report {
    passed = 0;
    failed = [];
    known = [];

    /** `exceptions`: checks that are known to fail, with the reason. */
    constructor(exceptions, filter) {
        this.exceptions = exceptions;
        this.filter = filter;
    }

    /** Whether checks whose names start so are asked for. */
    wants(name) {
        return !this.filter || name.includes(this.filter) || this.filter.includes(name);
    }

    /** Runs a check: it fails if it throws, or returns what is wrong. */
    async check(name, attempt) {
        if (this.filter && !name.includes(this.filter)) return;
        let wrong;
        try {
            wrong = (await attempt()) ?? null;
        } catch (error) {
            wrong = error.message;
        }
        const reason = this.exceptions[name];
        if (wrong === null && reason === undefined) this.passed++;
        else if (wrong === null) this.fail(name, "passes, but stands in the list of exceptions");
        else if (reason !== undefined) this.known.push(`known  ${name}: ${reason} (${wrong})`);
        else this.fail(name, wrong);
    }

    fail(name, wrong) {
        this.failed.push(name);
        console.log(`FAILED ${name}: ${wrong}`);
    }

    skip(what, why) {
        console.log(`skipped: ${what}: ${why}`);
    }

    close() {
        for (const line of this.known) console.log(line);
        const known = this.known.length ? `, ${this.known.length} known exceptions` : "";
        console.log(`hive-tests: ${this.passed} passed, ${this.failed.length} failed${known}`);
        return this.failed.length === 0;
    }
}
