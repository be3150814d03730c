// Accounts, compiled contracts and the keyless factory, as the client tests share them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HDNodeWallet, Mnemonic, Transaction } from "ethers";

const phrase = "test test test test test test test test test test test junk";

/** The ten prefunded accounts: `{ address, privateKey }`. */
export const accounts = Array.from({ length: 10 }, (_, index) => {
    const wallet = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(phrase), `m/44'/60'/0'/0/${index}`);
    return { address: wallet.address, privateKey: wallet.privateKey };
});

/** The compiled contract `name`: `{ abi, bytecode }`. */
export function contract(name) {
    const path = join(import.meta.dirname, `../out/${name}.sol/${name}.json`);
    const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8"));
    return { abi, bytecode: bytecode.object };
}

/** The deterministic deployment proxy that forge's `new X{salt: …}` calls. */
export const FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C";

/** Its deployment: signed before EIP-155, for no chain in particular. */
export const FACTORY_DEPLOYMENT =
    "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffff" +
    "ffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014" +
    "600cf31ba02222222222222222222222222222222222222222222222222222222222222222a0222222222222222222222222" +
    "2222222222222222222222222222222222222222";

/** Deploys the factory where the chain's genesis does not have it. */
export async function ensureFactory(node, wallet) {
    if ((await node.rpc("eth_getCode", [FACTORY, "latest"])) !== "0x") return;
    const { from } = Transaction.from(FACTORY_DEPLOYMENT);
    const funding = await wallet.sendTransaction({ to: from, value: 10n ** 16n });
    await funding.wait();
    await node.receipt(await node.rpc("eth_sendRawTransaction", [FACTORY_DEPLOYMENT]));
}
