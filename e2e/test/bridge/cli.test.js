// `aura bridge …`, as a user and as a script uses it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseEther } from "viem";
import { Bridge, ROLES, tokenAbi } from "../../lib/bridge.js";
import { accounts, contract } from "../../lib/fixtures.js";
import { Random } from "../../lib/random.js";

const random = new Random(0xc11);
const SUPPLY = 10n ** 24n;
let bridge;
let home;

before(async () => {
    home = mkdtempSync(join(tmpdir(), "aura-e2e-cli-"));
    writeFileSync(join(home, "key"), accounts[2].privateKey);
    bridge = await Bridge.start({ anvil: { blockTime: 0.25 }, window: 2 });
});
after(async () => {
    await bridge?.stop();
    rmSync(home, { recursive: true, force: true });
});

/** Runs `aura bridge <words>`: `{ code, stdout, stderr }`. */
function aura(...words) {
    const env = { PATH: process.env.PATH, HOME: home, AURA_L1_RPC: bridge.l1Url, AURA_L2_RPC: bridge.node.url };
    return new Promise((done) => {
        execFile(process.env.AURA_BIN, ["bridge", ...words.map(String)], { env, timeout: 90_000 }, (error, stdout, stderr) =>
            done({ code: error ? (error.code ?? 1) : 0, stdout: stdout.trim(), stderr: stderr.trim() }),
        );
    });
}

/** The JSON object that a command ends with. */
async function json(...words) {
    const { code, stdout, stderr } = await aura(...words, "--json");
    assert.equal(code, 0, `${words.join(" ")}\n${stdout}\n${stderr}`);
    return JSON.parse(stdout);
}

async function shown(...words) {
    const { code, stdout, stderr } = await aura(...words);
    assert.equal(code, 0, `${words.join(" ")}\n${stdout}\n${stderr}`);
    return `${stdout}\n${stderr}`;
}

/** A command that must fail; returns what it says. */
async function refused(...words) {
    const { code, stdout, stderr } = await aura(...words);
    assert.notEqual(code, 0, stdout);
    assert.doesNotMatch(stderr, /panicked|Backtrace/);
    return { code, text: `${stdout}\n${stderr}` };
}

test("ether: deposit, withdraw, prove, finalize, exact", async () => {
    const [to, carol] = [random.address(), random.address()];
    await shown("deposit", "1.5ether", "--to", to, "--key-file", join(home, "key"));
    assert.equal(await bridge.onL2(to), parseEther("1.5"), "it waits until the deposit is on L2");
    const index = Number(await bridge.passer.read("count"));
    await shown("withdraw", "0.75", "--to", carol, "--dev-account", 1);
    await shown("prove", index);
    await shown("finalize", index, "--dev-account", 4);
    assert.equal(await bridge.onL1(carol), parseEther("0.75"));
    const again = await refused("finalize", index, "--dev-account", 4);
    assert.match(again.text, /paid already|AlreadyClaimed/);
    await shown("status");
    assert.match(await shown("status", "--withdrawal", index), /paid|claimed|finalized/i);
});

test("a withdrawal may be claimed by the same command", async () => {
    const carol = random.address();
    await shown("withdraw", "1234wei", "--to", carol, "--dev-account", 1, "--finalize");
    assert.equal(await bridge.onL1(carol), 1234n);
});

test("what `prove --json` prints are the arguments of the contract", async () => {
    const { index } = await bridge.withdraw(1, 5n, random.address());
    await bridge.arguments(index);
    const proof = await json("prove", index);
    assert.equal(proof.proof?.length ?? proof.arguments?.[3]?.length, 32, JSON.stringify(proof));
});

test("tokens: registration, deposit, withdrawal", async () => {
    const { address: token } = await bridge.l1.deploy(contract("SilentToken"), [SUPPLY], 2);
    const [to, carol] = [random.address(), random.address()];
    await bridge.l1.at(token, tokenAbi).write(2, "transfer", [accounts[3].address, 10_000_000n]);
    const unknown = await refused("deposit-erc20", token, "1", "--to", to, "--dev-account", 3);
    assert.match(unknown.text, /NotRegistered|not registered|--register/i);
    await shown("deposit-erc20", token, "2.5", "--to", to, "--register", "--dev-account", 3);
    assert.equal(await bridge.onL2(to, token), 2_500_000n, "six decimals");
    await bridge.portal.write(ROLES.admin, "setOutflowFloor", [token, 2n ** 191n]);
    await shown("deposit-erc20", token, "1", "--dev-account", 3);
    await shown("withdraw", "0.5", "--token", token, "--to", carol, "--dev-account", 3, "--finalize");
    assert.equal(await bridge.onL1(carol, token), 500_000n);
    assert.equal(await bridge.onL2(accounts[3].address, token), 500_000n);
    const most = await refused("deposit-erc20", token, "1000", "--dev-account", 3);
    assert.match(most.text, /balance|enough|has/i);
});

test("a forced withdrawal and a forced call", async () => {
    const [to, carol] = [random.address(), random.address()];
    const count = await bridge.passer.read("count");
    await shown("force", "--withdraw", "0.01ether", "--recipient", carol, "--deposit", "0.1", "--dev-account", 5);
    await bridge.consumed();
    await shown("finalize", count, "--dev-account", 4);
    assert.equal(await bridge.onL1(carol), parseEther("0.01"));
    await shown("force", "--to", to, "--value", "7wei", "--gas-limit", 21_000, "--dev-account", 5);
    await bridge.consumed();
    assert.equal(await bridge.onL2(to), 7n);
});

test("scripts get JSON", async () => {
    const { id } = await bridge.deposit(1, 3n, random.address());
    await bridge.consumed(id + 1n);
    const status = await json("status");
    assert.equal(JSON.stringify(status).toLowerCase().includes(bridge.portal.address.toLowerCase()), true, "names the portal");
    const deposit = await json("status", "--deposit", id);
    assert.ok(Object.keys(deposit).length > 2, JSON.stringify(deposit));
    const made = await json("deposit", "11wei", "--to", random.address(), "--dev-account", 1);
    assert.ok(Object.keys(made).length > 1, JSON.stringify(made));
});

test("what cannot be is refused in words, without a transaction", async () => {
    const nonce = () => bridge.l1.client.getTransactionCount({ address: accounts[1].address });
    const before = await nonce();
    for (const [words, says] of [
        [["deposit", "1000000ether", "--dev-account", 1], /ETH|balance|enough|funds/i],
        [["deposit", "0", "--dev-account", 1], /ZeroAmount|zero|nothing/i],
        [["deposit", "1e18", "--dev-account", 1], /amount/],
        [["deposit", "1ether"], /--key-file|--dev-account/],
        [["finalize", 999_999, "--dev-account", 1], /no withdrawal|not found|unknown|no such|999999/i],
        [["prove", 999_999], /no withdrawal|not found|unknown|no such|999999/i],
        [["deposit-erc20", accounts[5].address, "1", "--dev-account", 1], /contract|token/i],
    ]) {
        assert.match((await refused(...words)).text, says, words.join(" "));
    }
    assert.equal(await nonce(), before);
});

test("an endpoint that is not there, or another chain, is named", async () => {
    const away = await refused("status", "--l1-rpc", "http://127.0.0.1:9");
    assert.match(away.text, /127\.0\.0\.1:9|L1/);
    const swapped = await refused("deposit", "1wei", "--dev-account", 1, "--l1-rpc", bridge.node.url);
    assert.match(swapped.text, /chain/i);
});
