//! Rules of Ethereum's blocks, each by itself, without Ethereum's own tests.
#![allow(missing_docs)]

#[path = "../memory_chain/mod.rs"]
mod memory_chain;
mod uncles;

use std::sync::Arc;

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, EthereumTxEnvelope, Header, Sealable, SignableTransaction, TxLegacy,
    proofs::calculate_ommers_root,
};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, hex};
use aura_chainspec::ChainSpec;
use aura_evm::{BlockRule, ExecutionError};
use aura_primitives::{ExecutedBlock, RecoveredTx, SealedBlock};
use memory_chain::{MemoryChain, chain_of};
use serde_json::{Value, json};

const ETHER: u128 = 1_000_000_000_000_000_000;
const MINER: Address = Address::repeat_byte(0x11);
const SENDER: Address = Address::repeat_byte(0x22);
const CONTRACT: Address = Address::repeat_byte(0x33);

/// A chain with the given forks. The contract destroys itself in favour of nobody.
fn chain(config: &Value) -> MemoryChain {
    let mut config = config.clone();
    config["chainId"] = json!(1);
    let file = json!({
        "config": config, "gasLimit": "0x989680", "difficulty": "0x20000",
        "alloc": {
            (SENDER.to_string()): { "balance": "0x3635c9adc5dea00000" },
            (CONTRACT.to_string()): {
                "balance": "0x0", "code": "0x6000ff",
                "storage": { "0x01": "0x05", "0x02": "0x06", "0x03": "0x07" }
            }
        }
    });
    MemoryChain::new(ChainSpec::from_genesis_json(&file.to_string()).unwrap())
}

/// An empty block on `parent`, 15 seconds later.
fn on(chain: &MemoryChain, parent: &SealedBlock) -> Header {
    let timestamp = parent.header.timestamp + 15;
    let empty = Header::default();
    Header {
        parent_hash: parent.hash(),
        number: parent.number() + 1,
        timestamp,
        beneficiary: MINER,
        difficulty: chain.spec().next_difficulty(&parent.header, timestamp),
        gas_limit: parent.header.gas_limit,
        ..empty
    }
}

fn next(chain: &MemoryChain) -> Header {
    on(chain, chain.head_block())
}

fn block(header: Header, ommers: Vec<Header>) -> SealedBlock {
    let ommers_hash = calculate_ommers_root(&ommers);
    SealedBlock {
        l1_info: None,
        header: Header {
            ommers_hash,
            ..header
        }
        .seal_slow(),
        transactions: Vec::new(),
        ommers,
        withdrawals: None,
    }
}

fn extend(chain: &mut MemoryChain, ommers: Vec<Header>) -> ExecutedBlock {
    let header = next(chain);
    chain.extend(block(header, ommers)).unwrap()
}

/// Why the block is refused, with all causes.
#[track_caller]
fn refusal(chain: &mut MemoryChain, block: SealedBlock) -> String {
    chain_of(&*chain.extend(block).unwrap_err())
}

#[track_caller]
fn broken_rule(chain: &mut MemoryChain, block: SealedBlock) -> BlockRule {
    let error = chain.extend(block).unwrap_err();
    match *error.downcast::<ExecutionError>().unwrap() {
        ExecutionError::InvalidBlock { rule, .. } => rule,
        other => panic!("{other:?}"),
    }
}

fn balance(block: &ExecutedBlock, address: Address) -> U256 {
    block.diff.accounts[&address].after.unwrap().balance
}

#[test]
fn block_rewards_fall_with_the_forks_and_end_with_the_merge() {
    let mut chain = chain(&json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 2, "constantinopleBlock": 3, "petersburgBlock": 3
    }));
    let mut total = U256::ZERO;
    for ether in [5, 3, 2, 2] {
        let executed = extend(&mut chain, Vec::new());
        total += U256::from(ether * ETHER);
        assert_eq!(balance(&executed, MINER), total);
    }
}

fn balance_now(chain: &MemoryChain, address: Address) -> U256 {
    chain.state().accounts[&address].after.unwrap().balance
}

#[test]
fn london_doubles_the_gas_limit_and_starts_at_one_gwei() {
    let schedule = json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
        "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 2
    });
    let mut chain = chain(&schedule);
    extend(&mut chain, Vec::new());
    let parent_limit = chain.head_block().header.gas_limit;
    let london = Header {
        gas_limit: 2 * parent_limit,
        base_fee_per_gas: Some(1_000_000_000),
        ..next(&chain)
    };
    let undoubled = Header {
        gas_limit: parent_limit,
        ..london.clone()
    };
    assert_eq!(
        broken_rule(&mut chain, block(undoubled, Vec::new())),
        BlockRule::GasLimitStep {
            found: parent_limit,
            parent: 2 * parent_limit
        }
    );
    let bound = 2 * parent_limit / 1_024;
    let too_far = Header {
        gas_limit: 2 * parent_limit + bound,
        ..london.clone()
    };
    assert!(matches!(
        broken_rule(&mut chain, block(too_far, Vec::new())),
        BlockRule::GasLimitStep { .. }
    ));
    for base_fee_per_gas in [None, Some(999_999_999)] {
        let wrong = Header {
            base_fee_per_gas,
            ..london.clone()
        };
        let text = refusal(&mut chain, block(wrong, Vec::new()));
        assert!(text.contains("baseFeePerGas"), "{text}");
    }
    let farthest = Header {
        gas_limit: 2 * parent_limit + bound - 1,
        ..london
    };
    chain.extend(block(farthest, Vec::new())).unwrap();
    let second = Header {
        base_fee_per_gas: Some(875_000_000),
        ..next(&chain)
    };
    chain.extend(block(second, Vec::new())).unwrap();
}

#[test]
fn the_merge_comes_with_the_terminal_total_difficulty() {
    let mut chain = chain(&json!({
        "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
        "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
        "terminalTotalDifficulty": 300_000
    }));
    let work = |chain: &MemoryChain| Header {
        base_fee_per_gas: Some(chain.spec().next_base_fee(&chain.head_block().header)),
        ..next(chain)
    };
    let stake = |chain: &MemoryChain| Header {
        difficulty: U256::ZERO,
        ..work(chain)
    };
    let early = block(stake(&chain), Vec::new());
    assert_eq!(
        broken_rule(&mut chain, early),
        BlockRule::MergeTooEarly {
            total: U256::from(131_072),
            terminal: U256::from(300_000)
        }
    );
    for _ in 0..2 {
        let header = work(&chain);
        chain.extend(block(header, Vec::new())).unwrap();
    }
    let earned = balance_now(&chain, MINER);
    let late = block(work(&chain), Vec::new());
    assert!(matches!(
        broken_rule(&mut chain, late),
        BlockRule::ProofOfWorkAfterMerge { .. }
    ));
    let with_nonce = Header {
        nonce: 1u64.to_be_bytes().into(),
        ..stake(&chain)
    };
    assert!(refusal(&mut chain, block(with_nonce, Vec::new())).contains("nonce"));
    let header = stake(&chain);
    chain.extend(block(header, Vec::new())).unwrap();
    let header = stake(&chain);
    let executed = chain.extend(block(header, Vec::new())).unwrap();
    assert!(!executed.diff.accounts.contains_key(&MINER), "no reward");
    assert_eq!(balance_now(&chain, MINER), earned);
}

#[test]
fn time_moves_and_extra_data_is_short_on_ethereum() {
    let mut chain =
        chain(&json!({ "homesteadBlock": 0, "daoForkBlock": 2, "daoForkSupport": true }));
    extend(&mut chain, Vec::new());
    let mut header = next(&chain);
    header.extra_data = Bytes::from_static(b"dao-hard-fork");
    let standing = Header {
        timestamp: chain.head_block().header.timestamp,
        ..header.clone()
    };
    assert!(matches!(
        broken_rule(&mut chain, block(standing, Vec::new())),
        BlockRule::Timestamp { .. }
    ));
    let long = Header {
        extra_data: vec![0; 33].into(),
        ..header.clone()
    };
    assert_eq!(
        broken_rule(&mut chain, block(long, Vec::new())),
        BlockRule::ExtraDataTooLong(33)
    );
    let unmarked = Header {
        extra_data: Bytes::new(),
        ..header.clone()
    };
    assert_eq!(
        broken_rule(&mut chain, block(unmarked, Vec::new())),
        BlockRule::DaoExtraData
    );
    chain.extend(block(header, Vec::new())).unwrap();
}

fn legacy(chain_id: Option<u64>, signature: Signature) -> Arc<RecoveredTx> {
    let tx = TxLegacy {
        chain_id,
        gas_price: 1_000_000_000,
        gas_limit: 100_000,
        to: CONTRACT.into(),
        ..TxLegacy::default()
    };
    let signed = EthereumTxEnvelope::Legacy(tx.into_signed(signature));
    Arc::new(RecoveredTx::new(signed, SENDER))
}

fn with_tx(chain: &MemoryChain, tx: Arc<RecoveredTx>) -> SealedBlock {
    SealedBlock {
        transactions: vec![tx],
        ..block(next(chain), Vec::new())
    }
}

#[test]
fn signatures_are_judged_by_the_fork() {
    let low = Signature::test_signature();
    let order = U256::from_be_bytes(hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let high = Signature::new(low.r(), order - low.s(), !low.v());
    let mut frontier = chain(&json!({}));
    let mut homestead = chain(&json!({ "homesteadBlock": 0 }));

    let refused = with_tx(&homestead, legacy(None, high));
    assert_eq!(broken_rule(&mut homestead, refused), BlockRule::HighS(0));
    let refused = with_tx(&homestead, legacy(Some(1), low));
    assert!(matches!(
        broken_rule(&mut homestead, refused),
        BlockRule::Presence(_)
    ));
    // Frontier takes it: what is wrong is only the header, which has no gas used yet.
    let accepted = with_tx(&frontier, legacy(None, high));
    assert!(refusal(&mut frontier, accepted).contains("gasUsed"));
}

/// Contract code of this chain is `SELFDESTRUCT`; the diff must name what it never touched.
#[test]
fn selfdestruct_clears_slots_that_nobody_touched_and_receipts_have_roots() {
    let mut chain = chain(&json!({ "homesteadBlock": 0 }));
    let tx = legacy(None, Signature::test_signature());
    // What execution gives goes into the header until nothing is missing.
    let mut sealed = with_tx(&chain, tx);
    let executed = loop {
        let error = match chain.extend(sealed.clone()) {
            Ok(executed) => break executed,
            Err(error) => error,
        };
        let mut header = sealed.header.into_inner();
        match *error.downcast::<ExecutionError>().unwrap() {
            ExecutionError::HeaderMismatch {
                field, computed, ..
            } => match field {
                "gasUsed" => header.gas_used = computed.parse().unwrap(),
                "receiptsRoot" => header.receipts_root = computed.parse().unwrap(),
                "transactionsRoot" => header.transactions_root = computed.parse().unwrap(),
                other => panic!("{other}"),
            },
            other => panic!("{other:?}"),
        }
        sealed.header = header.seal_slow();
    };
    assert_eq!(executed.diff.accounts[&CONTRACT].after, None);
    let slots = &executed.diff.slots[&CONTRACT];
    assert_eq!(slots.len(), 3);
    assert!(slots.values().all(|change| change.after.is_zero()));
    assert_eq!(slots[&U256::from(2)].before, U256::from(6));
    let root = executed.receipts[0].post_state().unwrap();
    assert_ne!(root, B256::ZERO);
    // The reward of the block is not part of it.
    assert_ne!(root, chain.state_root());
    assert_eq!(executed.header.ommers_hash, EMPTY_OMMER_ROOT_HASH);
}
