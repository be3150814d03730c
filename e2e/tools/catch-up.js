// How fast a node takes deposits that L1 has queued while it was away: AURA_BIN names the node, the first
// argument the number of deposits. Prints one line. A benchmark, not a test.

import { readFileSync } from "node:fs";
import { encodeFunctionData, parseAbi } from "viem";
import { Bridge, portalAbi } from "../lib/bridge.js";

const MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11";
/** Deposits of one L1 transaction, which may use 2^24 gas. */
const OF_ONE = 300;
const wanted = Number(process.argv[2] ?? 100_000);

const genesis = JSON.parse(readFileSync(new URL("../../genesis/dev.json", import.meta.url)));
const [, { code }] = Object.entries(genesis.alloc).find(([address]) => MULTICALL.toLowerCase().endsWith(address.toLowerCase().replace(/^0x/, "")));
const abi = parseAbi(["function aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[]) payable"]);

const bridge = await Bridge.start({ anvil: { args: ["--gas-limit", 60_000_000] } });
try {
    await bridge.node.end("SIGTERM");
    await bridge.anvil.rpc("anvil_setCode", [MULTICALL, code]);
    const many = bridge.l1.at(MULTICALL, abi);
    for (let done = 0; done < wanted; done += OF_ONE) {
        const calls = Array.from({ length: Math.min(OF_ONE, wanted - done) }, (_, i) => ({
            target: bridge.portal.address,
            allowFailure: false,
            value: 1n,
            callData: encodeFunctionData({
                abi: portalAbi,
                functionName: "depositTo",
                args: [`0x${(0x10000 + done + i).toString(16).padStart(40, "0")}`],
            }),
        }));
        await many.write(1, "aggregate3Value", [calls], BigInt(calls.length));
    }
    const queued = await bridge.portal.read("messageCount");
    const started = performance.now();
    await bridge.startNode();
    await bridge.consumed(queued, 300_000);
    const seconds = (performance.now() - started) / 1_000;
    console.log(`${queued} deposits in ${await bridge.anvil.blockNumber()} L1 blocks: ${seconds.toFixed(1)} s, ${(Number(queued) / seconds).toFixed(0)} a second, start of the node included`);
} finally {
    await bridge.stop();
}
