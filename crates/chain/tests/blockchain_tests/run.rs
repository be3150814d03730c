//! One case on a database of its own.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread};

use alloy_primitives::{B256, U256, keccak256};
use aura_chain::{Chain, ChainConfig, decode_block, recover_block};
use aura_chainspec::ChainSpec;
use aura_primitives::StateDiff;
use aura_storage::{StateView, Store, StoreConfig};

use crate::case::{Block, Case, State};

/// A small database that is thrown away: nothing waits for the disk.
fn store_config() -> StoreConfig {
    StoreConfig {
        max_size_bytes: 256 << 20,
        growth_step_bytes: 1 << 20,
        durable: false,
        ..StoreConfig::default()
    }
}

/// Runs a case; the error says what is different.
pub(crate) fn run(case: &Case, scratch: &Path) -> Result<(), String> {
    let spec = ChainSpec::from_genesis_json(&case.genesis())
        .map_err(|error| format!("genesis: {}", with_causes(&error)))?;
    let folder = tempfile::tempdir_in(scratch).unwrap();
    let store = Store::open(folder.path(), &store_config()).unwrap();
    let (chain, writer) = Chain::open(store, Arc::new(spec), ChainConfig::default())
        .map_err(|error| with_causes(&error))?;
    thread::scope(|scope| {
        let writing = scope.spawn(move || writer.run());
        let mut outcome = import_all(case, &chain);
        chain.shutdown();
        if let Err(error) = writing.join().unwrap() {
            outcome = Err(format!("writer: {}", with_causes(&error)));
        }
        outcome.and_then(|refused| check_end(case, &chain, &refused))
    })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Imports every block; returns the hashes of those that were refused, as they must be.
fn import_all(case: &Case, chain: &Chain) -> Result<Vec<B256>, String> {
    let genesis = chain.tip().seal();
    if genesis != case.genesis_hash() {
        return Err(format!("genesis is {genesis}, not {}", case.genesis_hash()));
    }
    let mut refused = Vec::new();
    let mut imported = Vec::new();
    for (position, block) in case.blocks.iter().enumerate() {
        let before = chain.tip();
        let (hash, outcome) = import(chain, block);
        match (outcome, &block.expect_exception) {
            (Ok(()), None) => imported.extend(hash),
            (Err(_), Some(_)) if chain.tip() == before => refused.extend(hash),
            (Err(_), Some(_)) => return Err(format!("block [{position}] moved the tip")),
            (Ok(()), Some(expected)) => {
                return Err(format!("block [{position}] is not refused: {expected}"));
            }
            (Err(error), None) => return Err(format!("block [{position}]: {error}")),
        }
    }
    // A good header can come with a bad body first.
    refused.retain(|hash| !imported.contains(hash));
    Ok(refused)
}

/// The block's hash, if it has one, and whether it was imported.
fn import(chain: &Chain, block: &Block) -> (Option<B256>, Result<(), String>) {
    let decoded = decode_block(&block.rlp).and_then(recover_block);
    match decoded {
        Ok(block) => {
            let hash = block.hash();
            let imported = chain.import(block).map_err(|error| with_causes(&error));
            (Some(hash), imported.map(drop))
        }
        Err(error) => (None, Err(with_causes(&error))),
    }
}

/// What the database holds in the end.
fn check_end(case: &Case, chain: &Chain, refused: &[B256]) -> Result<(), String> {
    let tip = chain.tip();
    if tip.seal() != case.lastblockhash {
        let expected = case.lastblockhash;
        return Err(format!(
            "head is {} {}, not {expected}",
            tip.number,
            tip.seal()
        ));
    }
    let view = || StateView::latest(chain.store().reader().unwrap());
    let reader = chain.store().reader().unwrap();
    for hash in refused {
        if reader.block_number(*hash).unwrap().is_some() {
            return Err(format!("refused block {hash} is in the database"));
        }
    }
    if reader.block_hash(tip.number).unwrap() != Some(tip.seal()) {
        return Err("the head is not in the database".to_owned());
    }
    let stored_root = chain.state_root_with(&view(), &StateDiff::default());
    let stored_root = stored_root.map_err(|error| with_causes(&error))?;
    if stored_root != Some(tip.state_root) {
        return Err(format!("the database has state root {stored_root:?}"));
    }
    match (&case.post_state, case.post_state_hash) {
        (Some(expected), _) => check_state(&view(), expected),
        (None, Some(root)) if root == tip.state_root => Ok(()),
        (None, Some(root)) => Err(format!("state root is {}, not {root}", tip.state_root)),
        (None, None) => Err("the case says nothing of its state".to_owned()),
    }
}

fn check_state(view: &StateView, expected: &State) -> Result<(), String> {
    let found: BTreeMap<_, _> = view.accounts().unwrap().into_iter().collect();
    if !found.keys().eq(expected.keys()) {
        return Err(format!("accounts are {:?}", found.keys()));
    }
    for (address, expected) in expected {
        let account = found[address];
        if (account.nonce, account.balance, account.code_hash)
            != (
                expected.nonce.to(),
                expected.balance,
                keccak256(&expected.code),
            )
        {
            return Err(format!("account {address} is {account:?}"));
        }
        if account.has_code()
            && view.code(account.code_hash).unwrap().as_ref() != Some(&expected.code)
        {
            return Err(format!("code of {address}"));
        }
        let slots = expected.storage.iter().map(|(slot, word)| (*slot, *word));
        let slots: Vec<(U256, U256)> = slots.filter(|(_, word)| !word.is_zero()).collect();
        if view.slots_of(*address).unwrap() != slots {
            return Err(format!("storage of {address}"));
        }
    }
    Ok(())
}
