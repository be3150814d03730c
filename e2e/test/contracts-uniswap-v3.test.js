// Uniswap v3 as its packages ship it: factory, pool, positions, router, quoter.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodePacked, getAddress, maxUint128, parseEther, parseEventLogs, stringToHex } from "viem";
import { Node } from "../lib/node.js";
import { accounts, contract } from "../lib/fixtures.js";
import { Viem, artifact, link } from "../lib/viem.js";

const [alice, bob] = accounts.map(({ address }) => address);
const core = (name) => artifact(`@uniswap/v3-core/artifacts/contracts/${name}.sol/${name}.json`);
const periphery = (path, name = path) => artifact(`@uniswap/v3-periphery/artifacts/contracts/${path}.sol/${name}.json`);
const FEE = 3000;
const SPACING = 60;
const Q96 = 2n ** 96n;
const later = 2n ** 40n; // a deadline
let node;
let viem;
let factory;
let positions;
let router;
let quoter;
let pool;
let token0;
let token1;

before(async () => {
    node = await Node.start();
    viem = new Viem(node);
    factory = await viem.deploy(core("UniswapV3Factory"));
    const weth = await viem.deploy(artifact("@uniswap/v2-periphery/build/WETH9.json"));
    const NFTDescriptor = (await viem.deploy(periphery("libraries/NFTDescriptor", "NFTDescriptor"))).address;
    const descriptor = await viem.deploy(
        link(periphery("NonfungibleTokenPositionDescriptor"), { NFTDescriptor }), [weth.address, stringToHex("ETH", { size: 32 })],
    );
    positions = await viem.deploy(periphery("NonfungiblePositionManager"), [factory.address, weth.address, descriptor.address]);
    router = await viem.deploy(periphery("SwapRouter"), [factory.address, weth.address]);
    quoter = await viem.deploy(periphery("lens/QuoterV2", "QuoterV2"), [factory.address, weth.address]);
    const tokens = [];
    for (const name of ["One", "Two"]) tokens.push(await viem.deploy(contract("Token"), [name, name, parseEther("1000000")]));
    [token0, token1] = tokens.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    for (const token of tokens) {
        for (const spender of [positions, router]) await token.write(0, "approve", [spender.address, parseEther("1000000")]);
    }
});
after(() => node?.stop());

test("a pool is created and initialised at a price of 4", async () => {
    const create = [token0.address, token1.address, FEE, 2n * Q96];
    await positions.write(0, "createAndInitializePoolIfNecessary", create);
    pool = viem.at(getAddress(await factory.read("getPool", token0.address, token1.address, FEE)), core("UniswapV3Pool").abi);
    const [price, tick] = await pool.read("slot0");
    assert.deepEqual([price, tick], [2n * Q96, 13863]);
    assert.equal(await pool.read("tickSpacing"), SPACING);
});

test("a position is minted, and its token describes it", async () => {
    const [tickLower, tickUpper] = [6000, 21600];
    const [amount0Desired, amount1Desired] = [parseEther("100"), parseEther("400")];
    const { logs } = await positions.write(0, "mint", [{
        token0: token0.address, token1: token1.address, fee: FEE, tickLower, tickUpper, amount0Desired, amount1Desired,
        amount0Min: 0n, amount1Min: 0n, recipient: alice, deadline: later,
    }]);
    const [{ args }] = parseEventLogs({ abi: positions.abi, logs, eventName: "IncreaseLiquidity" });
    assert.equal(args.tokenId, 1n);
    assert.equal(await pool.read("liquidity"), args.liquidity);
    const held = await Promise.all([token0, token1].map((token) => token.read("balanceOf", pool.address)));
    assert.deepEqual(held, [args.amount0, args.amount1]);
    assert.ok(args.amount0 === amount0Desired || args.amount1 === amount1Desired, "one of both is used up");
    assert.equal(await positions.read("ownerOf", 1n), alice);
    const uri = await positions.read("tokenURI", 1n);
    const { name } = JSON.parse(Buffer.from(uri.split(",")[1], "base64").toString());
    assert.match(name, /^Uniswap - 0\.3% - (One\/Two|Two\/One) - /);
});

test("a quote is what a swap pays, and ticks move", async () => {
    const amountIn = parseEther("3");
    const { result } = await quoter.simulate(0, "quoteExactInputSingle", [{
        tokenIn: token0.address, tokenOut: token1.address, amountIn, fee: FEE, sqrtPriceLimitX96: 0n,
    }]);
    const [amountOut, priceAfter] = result;
    assert.ok(amountOut > parseEther("11") && amountOut < parseEther("12"), `${amountOut}`);
    const { logs } = await router.write(0, "exactInputSingle", [{
        tokenIn: token0.address, tokenOut: token1.address, fee: FEE, recipient: bob, deadline: later,
        amountIn, amountOutMinimum: amountOut, sqrtPriceLimitX96: 0n,
    }]);
    assert.equal(await token1.read("balanceOf", bob), amountOut);
    const [{ args }] = parseEventLogs({ abi: pool.abi, logs, eventName: "Swap" });
    assert.deepEqual([args.amount0, args.amount1, args.sqrtPriceX96], [amountIn, -amountOut, priceAfter]);
    const [price, tick] = await pool.read("slot0");
    assert.deepEqual([price, tick], [priceAfter, args.tick]);
    assert.ok(tick < 13863);
});

test("a swap along a path for an exact output takes no more than allowed", async () => {
    const amountOut = parseEther("1");
    // Paths of exact outputs run backwards.
    const path = encodePacked(["address", "uint24", "address"], [token0.address, FEE, token1.address]);
    const before = await token1.read("balanceOf", alice);
    const swap = (amountInMaximum) => [{ path, recipient: bob, deadline: later, amountOut, amountInMaximum }];
    await assert.rejects(router.simulate(0, "exactOutput", swap(parseEther("3"))), /Too much requested/);
    await router.write(0, "exactOutput", swap(parseEther("5")));
    assert.equal(await token0.read("balanceOf", bob), amountOut);
    const paid = before - (await token1.read("balanceOf", alice));
    assert.ok(paid > parseEther("3") && paid < parseEther("5"), `${paid}`);
});

test("fees are collected and the position is burnt", async () => {
    const collect = [{ tokenId: 1n, recipient: alice, amount0Max: maxUint128, amount1Max: maxUint128 }];
    const { result: fees } = await positions.simulate(0, "collect", collect);
    // 0.3 % of 3 token0, rounded down.
    assert.ok(fees[0] > 8_999_999_999_999_000n && fees[0] <= 9_000_000_000_000_000n, `${fees[0]}`);
    const [, , , , , , , liquidity] = await positions.read("positions", 1n);
    await positions.write(0, "decreaseLiquidity", [{ tokenId: 1n, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: later }]);
    await positions.write(0, "collect", collect);
    await positions.write(0, "burn", [1n]);
    assert.equal(await pool.read("liquidity"), 0n);
    await assert.rejects(positions.read("ownerOf", 1n), /owner query for nonexistent token/);
    const left = await Promise.all([token0, token1].map((token) => token.read("balanceOf", pool.address)));
    assert.ok(left.every((amount) => amount < 10n), `dust only: ${left}`);
});
