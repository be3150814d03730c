// Permit2 of the genesis: signatures instead of approvals.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { maxUint256, parseAbi } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, signer } from "../lib/viem.js";

const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const [owner, spender, recipient] = accounts.map(({ address }) => address);
const later = 2n ** 40n; // a deadline
const abi = parseAbi([
    "struct TokenPermissions { address token; uint256 amount; }",
    "struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }",
    "struct SignatureTransferDetails { address to; uint256 requestedAmount; }",
    "function permitTransferFrom(PermitTransferFrom permit, SignatureTransferDetails details, address owner, bytes signature)",
    "struct PermitDetails { address token; uint160 amount; uint48 expiration; uint48 nonce; }",
    "struct PermitSingle { PermitDetails details; address spender; uint256 sigDeadline; }",
    "function permit(address owner, PermitSingle permitSingle, bytes signature)",
    "function transferFrom(address from, address to, uint160 amount, address token)",
    "function allowance(address owner, address token, address spender) view returns (uint160 amount, uint48 expiration, uint48 nonce)",
    "error InvalidNonce()", "error InvalidSigner()", "error SignatureExpired(uint256 deadline)", "error InsufficientAllowance(uint256 amount)",
]);
let node;
let viem;
let token;
let permit2;
let domain;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    token = await viem.deploy(contract("Token"), ["Token", "TOK", 1000n]);
    permit2 = viem.at(PERMIT2, abi);
    domain = { name: "Permit2", chainId: viem.chain.id, verifyingContract: PERMIT2 };
    await token.write(0, "approve", [PERMIT2, maxUint256]);
});
after(() => node?.stop());

test("a signed transfer is made once, by the one it was signed for", async () => {
    const permit = { permitted: { token: token.address, amount: 300n }, nonce: 5n, deadline: later };
    const sign = (domainOf) => signer(0).signTypedData({
        domain: domainOf,
        types: {
            PermitTransferFrom: [
                { name: "permitted", type: "TokenPermissions" }, { name: "spender", type: "address" },
                { name: "nonce", type: "uint256" }, { name: "deadline", type: "uint256" },
            ],
            TokenPermissions: [{ name: "token", type: "address" }, { name: "amount", type: "uint256" }],
        },
        primaryType: "PermitTransferFrom",
        message: { ...permit, spender },
    });
    const args = [permit, { to: recipient, requestedAmount: 200n }, owner, await sign(domain)];
    await assert.rejects(permit2.simulate(2, "permitTransferFrom", args), /InvalidSigner/);
    const elsewhere = [...args.slice(0, 3), await sign({ ...domain, chainId: 1 })];
    await assert.rejects(permit2.simulate(1, "permitTransferFrom", elsewhere), /InvalidSigner/, "signed for mainnet");
    await permit2.write(1, "permitTransferFrom", args);
    assert.equal(await token.read("balanceOf", recipient), 200n);
    await assert.rejects(permit2.simulate(1, "permitTransferFrom", args), /InvalidNonce/);
});

test("a signed allowance is spent until it is used up", async () => {
    const details = { token: token.address, amount: 100n, expiration: 2 ** 40, nonce: 0 };
    const permit = { details, spender, sigDeadline: later };
    const signature = await signer(0).signTypedData({
        domain,
        types: {
            PermitSingle: [
                { name: "details", type: "PermitDetails" }, { name: "spender", type: "address" }, { name: "sigDeadline", type: "uint256" },
            ],
            PermitDetails: [
                { name: "token", type: "address" }, { name: "amount", type: "uint160" },
                { name: "expiration", type: "uint48" }, { name: "nonce", type: "uint48" },
            ],
        },
        primaryType: "PermitSingle",
        message: permit,
    });
    await permit2.write(9, "permit", [owner, permit, signature]);
    assert.deepEqual(await permit2.read("allowance", owner, token.address, spender), [100n, 2 ** 40, 1]);
    const before = await token.read("balanceOf", spender);
    await permit2.write(1, "transferFrom", [owner, spender, 60n, token.address]);
    assert.equal(await token.read("balanceOf", spender), before + 60n);
    await assert.rejects(permit2.simulate(1, "transferFrom", [owner, spender, 41n, token.address]), /InsufficientAllowance/);
    await assert.rejects(permit2.simulate(9, "permit", [owner, permit, signature]), /InvalidNonce/);
});
