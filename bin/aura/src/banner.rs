//! What `aura dev` greets with.

use alloy_primitives::{Address, hex, utils::format_ether};
use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use aura_node::Node;

/// The mnemonic of the development accounts. Everybody knows it.
const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Development accounts.
const ACCOUNTS: u32 = 10;

/// Prints the chain and its L1, the funded accounts with their keys, and the URL.
pub(crate) fn print(node: &Node, l1: Option<&Node>) -> eyre::Result<()> {
    println!("Aura {} development chain\n", env!("CARGO_PKG_VERSION"));
    let state = node.chain().tip_view()?;
    let mut keys = Vec::new();
    println!("Accounts");
    for index in 0..ACCOUNTS {
        let signer = MnemonicBuilder::<English>::default()
            .phrase(MNEMONIC)
            .index(index)?
            .build()?;
        let address: Address = signer.address();
        let balance = state.account(address)?.unwrap_or_default().balance;
        println!("({index}) {address} ({} ETH)", format_ether(balance));
        keys.push(hex::encode_prefixed(signer.to_bytes()));
    }
    println!("\nPrivate keys");
    for (index, key) in keys.iter().enumerate() {
        println!("({index}) {key}");
    }
    println!("\nMnemonic: {MNEMONIC}");
    println!("WARNING: these keys are public. Whatever is sent to them on a real chain is lost.\n");
    if let Some(bridge) = node.chain().spec().bridge() {
        println!("L1 chain id: {}", bridge.l1_chain_id);
        println!("Portal on L1: {}", bridge.portal);
        println!("Rollup on L1: {}", bridge.rollup);
    }
    if let Some(l1) = l1 {
        println!("L1 listening on http://{0} and ws://{0}\n", l1.address());
    }
    println!("Chain id: {}", node.chain().spec().chain_id());
    println!("Listening on http://{0} and ws://{0}", node.address());
    Ok(())
}
