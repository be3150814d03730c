// A project as Hardhat's own template makes it, with the node under test as its network.

import { join } from "node:path";
import ignition from "@nomicfoundation/hardhat-ignition";
import { defineConfig } from "hardhat/config";

export default defineConfig({
    plugins: [ignition],
    // The compiler that the lock file pins; downloads are not needed.
    solidity: { version: "0.8.37", path: join(import.meta.dirname, "../node_modules/solc/soljson.js") },
    networks: {
        aura: {
            type: "http",
            url: process.env.ETH_RPC_URL,
            accounts: { mnemonic: "test test test test test test test test test test test junk" },
        },
    },
    // CreateX, which the genesis has, deploys to addresses that do not depend on the sender's nonce.
    // Confirmations are left to the default: the node says that there is nothing to wait for.
    ignition: { strategyConfig: { create2: { salt: `0x${"17".repeat(32)}` } } },
});
