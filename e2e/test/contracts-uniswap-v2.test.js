// Uniswap v2 as its packages ship it: factory, pair, router.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getContractAddress, getAddress, keccak256, encodePacked, parseEther, parseEventLogs } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, artifact } from "../lib/viem.js";

const [alice, bob] = accounts.map(({ address }) => address);
const core = (name) => artifact(`@uniswap/v2-core/build/${name}.json`);
const periphery = (name) => artifact(`@uniswap/v2-periphery/build/${name}.json`);
const later = 2n ** 40n; // a deadline
let node;
let viem;
let factory;
let router;
let weth;
let tokens;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    factory = await viem.deploy(core("UniswapV2Factory"), [alice]);
    weth = await viem.deploy(periphery("WETH9"));
    router = await viem.deploy(periphery("UniswapV2Router02"), [factory.address, weth.address]);
    tokens = [];
    for (const name of ["One", "Two"]) tokens.push(await viem.deploy(contract("Token"), [name, name, parseEther("1000000")]));
    for (const token of tokens) await token.write(0, "approve", [router.address, parseEther("1000000")]);
});
after(() => node?.stop());

/** What a pair pays out for `amount`, by the paper. */
const out = (amount, reserveIn, reserveOut) => (amount * 997n * reserveOut) / (reserveIn * 1000n + amount * 997n);

const pairOf = async (a, b) => viem.at(getAddress(await factory.read("getPair", a.address, b.address)), core("UniswapV2Pair").abi);

test("the router adds liquidity to a pair that it creates where it is expected", async () => {
    const [one, two] = tokens;
    const amounts = [parseEther("1000"), parseEther("4000")];
    const { logs } = await router.write(0, "addLiquidity", [one.address, two.address, ...amounts, 0n, 0n, alice, later]);
    const [{ args }] = parseEventLogs({ abi: factory.abi, logs, eventName: "PairCreated" });
    const sorted = [one.address, two.address].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const expected = getContractAddress({
        opcode: "CREATE2", from: factory.address, bytecode: core("UniswapV2Pair").bytecode,
        salt: keccak256(encodePacked(["address", "address"], sorted)),
    });
    assert.deepEqual(args, [...sorted, expected, 1n]); // the last one has no name
    const pair = await pairOf(one, two);
    // sqrt(1000 · 4000) less the 1000 wei that stay for ever.
    assert.equal(await pair.read("balanceOf", alice), parseEther("2000") - 1000n);
    const [reserve0, reserve1] = await pair.read("getReserves");
    assert.deepEqual(sorted[0] === one.address ? [reserve0, reserve1] : [reserve1, reserve0], amounts);
});

test("a swap pays what the formula says, and its events say so", async () => {
    const [one, two] = tokens;
    const amount = parseEther("10");
    const expected = out(amount, parseEther("1000"), parseEther("4000"));
    const path = [one.address, two.address];
    assert.deepEqual(await router.read("getAmountsOut", amount, path), [amount, expected]);
    // Half a percent of slippage, as an interface asks for it.
    const { logs } = await router.write(0, "swapExactTokensForTokens", [amount, (expected * 995n) / 1000n, path, bob, later]);
    assert.equal(await two.read("balanceOf", bob), expected);
    const pair = await pairOf(one, two);
    const [swap] = parseEventLogs({ abi: pair.abi, logs, eventName: "Swap" });
    assert.deepEqual([swap.args.to, swap.args.amount0Out + swap.args.amount1Out], [bob, expected]);
    const found = await viem.client.getContractEvents({ ...pair, eventName: "Swap", args: { to: bob }, fromBlock: 0n });
    assert.deepEqual(found.map((log) => log.transactionHash), [swap.transactionHash]);
    await assert.rejects(router.simulate(0, "swapExactTokensForTokens", [amount, expected, path, bob, later]), /INSUFFICIENT_OUTPUT_AMOUNT/);
    await assert.rejects(router.simulate(0, "swapExactTokensForTokens", [amount, 0n, path, bob, 1n]), /EXPIRED/);
});

test("ether goes in and out through wrapped ether", async () => {
    const [one] = tokens;
    const value = parseEther("5");
    await router.write(0, "addLiquidityETH", [one.address, parseEther("500"), 0n, 0n, alice, later], value);
    const bought = out(parseEther("1"), value, parseEther("500"));
    await router.write(1, "swapExactETHForTokens", [0n, [weth.address, one.address], bob, later], parseEther("1"));
    assert.equal(await one.read("balanceOf", bob), bought);

    await one.write(1, "approve", [router.address, bought]);
    const before = await viem.client.getBalance({ address: bob });
    const { gasUsed, effectiveGasPrice } = await router.write(1, "swapExactTokensForETH", [bought, 0n, [one.address, weth.address], bob, later]);
    const paid = out(bought, parseEther("500") - bought, value + parseEther("1"));
    assert.equal(await viem.client.getBalance({ address: bob }), before + paid - gasUsed * effectiveGasPrice);
});

test("liquidity is taken out again", async () => {
    const [one, two] = tokens;
    const pair = await pairOf(one, two);
    const shares = await pair.read("balanceOf", alice);
    await pair.write(0, "approve", [router.address, shares]);
    const before = await one.read("balanceOf", alice);
    await router.write(0, "removeLiquidity", [one.address, two.address, shares, 0n, 0n, alice, later]);
    assert.equal(await pair.read("balanceOf", alice), 0n);
    assert.equal(await pair.read("totalSupply"), 1000n);
    const gained = (await one.read("balanceOf", alice)) - before;
    assert.ok(gained > parseEther("1009") && gained < parseEther("1010"), `${gained}`);
});
