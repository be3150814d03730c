//! Blocks that another node has made, on both kinds of chains.
#![allow(missing_docs)]

mod common;

use std::{path::Path, sync::Arc, thread};

use alloy_consensus::{EthereumTxEnvelope, Sealable, SignableTransaction, TxEip1559};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, TxKind, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use aura_chain::{
    AccountProof, Chain, ChainConfig, ChainError, decode_block, encode_block, recover_block,
};
use aura_chainspec::{ChainSpec, Commitment};
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_primitives::{
    Account, AccountChange, ExecutedBlock, RecoveredTx, SealedBlock, SlotChange, StateDiff,
};
use aura_storage::{StateView, StorageError, Store, StoreConfig};
use common::Running;

/// The development chain, with Ethereum's state commitment and rules or with our own.
fn spec(commitment: Commitment) -> ChainSpec {
    let dev = include_str!("../../../genesis/dev.json");
    let mut genesis: serde_json::Value = serde_json::from_str(dev).unwrap();
    if commitment == Commitment::Mpt {
        genesis.as_object_mut().unwrap().remove("aura");
        // Later forks call contracts that the development chain does without.
        for fork in ["pragueTime", "osakaTime"] {
            genesis["config"].as_object_mut().unwrap().remove(fork);
        }
    }
    ChainSpec::from_genesis_json(&genesis.to_string()).unwrap()
}

/// Opens a chain with its writer.
fn open(path: &Path, commitment: Commitment, config: ChainConfig) -> Result<Running, ChainError> {
    let settings = StoreConfig {
        max_size_bytes: 256 << 20,
        growth_step_bytes: 1 << 20,
        durable: false,
        ..StoreConfig::default()
    };
    let store = Store::open(path, &settings).unwrap();
    let (chain, writer) = Chain::open(store, Arc::new(spec(commitment)), config)?;
    let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
    Ok(Running::new(chain, writer))
}

fn signer() -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase("test test test test test test test test test test test junk")
        .build()
        .unwrap()
}

/// Init code that returns the six bytes behind it: NUMBER PUSH1 1 SSTORE STOP, and a pad.
const CONTRACT: [u8; 18] = [
    0x60, 6, 0x60, 12, 0x60, 0, 0x39, 0x60, 6, 0x60, 0, 0xf3, 0x43, 0x60, 1, 0x55, 0, 0,
];

fn transaction(nonce: u64, to: TxKind, value: u64) -> Arc<RecoveredTx> {
    let signer = signer();
    let mut tx = TxEip1559 {
        chain_id: 13371,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        ..Default::default()
    };
    if to.is_create() {
        tx.input = CONTRACT.to_vec().into();
    }
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    let envelope = EthereumTxEnvelope::Eip1559(tx.into_signed(signature));
    Arc::new(RecoveredTx::new(envelope, signer.address()))
}

fn contract() -> Address {
    signer().address().create(0)
}

/// The next block: creates a contract that stores the block's number in slot 1, later calls it; and
/// makes a new account.
fn build(chain: &Chain) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp + 12,
        prev_randao: B256::ZERO,
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: Some(B256::ZERO),
        withdrawals: None,
        extra_data: Default::default(),
    };
    let view = chain.tip_view().unwrap();
    let mut executor =
        BlockExecutor::begin(chain.spec().clone(), &parent, attributes, view).unwrap();
    let number = parent.number;
    let contract = match number {
        0 => TxKind::Create,
        _ => TxKind::Call(contract()),
    };
    let fresh = Address::from_word(keccak256(number.to_be_bytes()));
    for tx in [
        transaction(2 * number, contract, 0),
        transaction(2 * number + 1, TxKind::Call(fresh), 7),
    ] {
        assert!(executor.execute(&tx).unwrap().success);
    }
    executor.finish().unwrap()
}

/// Seals `count` blocks and returns their encodings.
fn make_chain(commitment: Commitment, count: u64) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path(), commitment, ChainConfig::default()).unwrap();
    for _ in 0..count {
        running.chain.seal(build(&running.chain)).unwrap();
    }
    running.settle();
    let reader = running.chain.store().reader().unwrap();
    let encoded = (1..=count).map(|number| {
        let mut rlp = Vec::new();
        encode_block(&reader.block(number).unwrap().unwrap(), &mut rlp);
        rlp
    });
    let encoded = encoded.collect();
    drop(reader);
    running.stop().unwrap();
    encoded
}

fn decode(rlp: &[u8]) -> SealedBlock {
    recover_block(decode_block(rlp).unwrap()).unwrap()
}

fn with_state_root(block: &SealedBlock, root: B256) -> SealedBlock {
    let mut header = block.header.inner().clone();
    header.state_root = root;
    SealedBlock {
        header: header.seal_slow(),
        ..block.clone()
    }
}

fn imports_and_refuses(commitment: Commitment) {
    const BLOCKS: u64 = 40;
    let blocks = make_chain(commitment, BLOCKS);
    let folder = tempfile::tempdir().unwrap();
    let config = ChainConfig {
        proof_interval_blocks: 8,
        ..ChainConfig::default()
    };
    let running = open(folder.path(), commitment, config.clone()).unwrap();
    let chain = &running.chain;
    for (number, rlp) in (1u64..).zip(&blocks) {
        let block = decode(rlp);
        let before = chain.tip();
        let error = chain
            .import(with_state_root(&block, B256::repeat_byte(7)))
            .unwrap_err();
        let is_root =
            matches!(error, ChainError::InvalidStateRoot { number: n, .. } if n == number);
        assert!(is_root, "{error}");
        let mut header = block.header.inner().clone();
        header.gas_used += 1;
        let error = chain
            .import(SealedBlock {
                header: header.seal_slow(),
                ..block.clone()
            })
            .unwrap_err();
        let is_gas = matches!(error, ChainError::InvalidBlock { number: n, .. } if n == number);
        assert!(is_gas, "{error}");
        assert_eq!(chain.tip(), before);
        assert_eq!(chain.import(block.clone()).unwrap(), block.header);
        let error = chain.import(block).unwrap_err();
        assert!(matches!(error, ChainError::WrongParent { .. }), "{error}");
    }
    running.settle();
    let tip = chain.tip();
    let word = chain.tip_view().unwrap().slot(contract(), U256::ONE);
    assert_eq!(word.unwrap(), U256::from(BLOCKS));
    running.chain.unwind(BLOCKS / 2).unwrap();
    for rlp in &blocks[BLOCKS as usize / 2..] {
        chain.import(decode(rlp)).unwrap();
    }
    assert_eq!(chain.tip(), tip);
    running.settle();
    running.stop().unwrap();
    // The state that a start computes the root from is that of the imported head.
    let running = open(folder.path(), commitment, config).unwrap();
    assert_eq!(running.chain.tip(), tip);
    running.stop().unwrap();
}

#[test]
fn a_chain_of_ours_imports_and_a_bad_root_leaves_the_tree_as_it_was() {
    imports_and_refuses(Commitment::Smt);
}

#[test]
fn an_ethereum_chain_imports_and_a_bad_root_leaves_the_tries_as_they_were() {
    imports_and_refuses(Commitment::Mpt);
}

#[test]
fn a_state_above_the_limit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = ChainConfig {
        max_mpt_entries: 3,
        ..ChainConfig::default()
    };
    let error = open(folder.path(), Commitment::Mpt, config.clone()).unwrap_err();
    let ChainError::StateTooLarge { entries, max: 3 } = error else {
        panic!("{error}");
    };
    // One more than the genesis has: the first block needs several.
    let config = ChainConfig {
        max_mpt_entries: entries + 1,
        ..config
    };
    let block = decode(&make_chain(Commitment::Mpt, 1)[0]);
    let running = open(folder.path(), Commitment::Mpt, config).unwrap();
    let error = running.chain.import(block).unwrap_err();
    assert!(matches!(error, ChainError::StateTooLarge { .. }), "{error}");
    assert_eq!(running.chain.tip().number, 0);
    running.stop().unwrap();
}

/// Verifies a proof as a light client does.
fn verify(proof: &AccountProof, root: B256) {
    use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
    let account = proof.account.map(|account| {
        alloy_rlp::encode(TrieAccount::new(
            account.nonce,
            account.balance,
            proof.storage_root,
            account.code_hash,
        ))
    });
    let path = |key: &[u8]| Nibbles::unpack(keccak256(key));
    verify_proof(root, path(proof.address.as_slice()), account, &proof.proof).unwrap();
    for slot in &proof.slots {
        let word =
            (!slot.word.is_zero()).then(|| alloy_rlp::encode_fixed_size(&slot.word).to_vec());
        let key = slot.slot.to_be_bytes::<32>();
        verify_proof(proof.storage_root, path(&key), word, &slot.proof).unwrap();
    }
}

#[test]
fn accounts_and_slots_are_proven_at_every_block_and_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path(), Commitment::Mpt, ChainConfig::default()).unwrap();
    let chain = &running.chain;
    for _ in 0..10 {
        chain.seal(build(chain)).unwrap();
    }
    running.settle();
    let slots = [U256::ONE, U256::ZERO, U256::MAX];
    for number in 0..=10 {
        let reader = chain.store().reader().unwrap();
        let root = reader.header(number).unwrap().unwrap().state_root;
        let view = StateView::at(reader, number);
        let unchanged = chain.state_root_with(&view, &StateDiff::default()).unwrap();
        assert_eq!(unchanged, Some(root));
        for address in [contract(), signer().address(), Address::repeat_byte(0xab)] {
            let proof = chain
                .account_proof(&view, address, &slots)
                .unwrap()
                .unwrap();
            assert_eq!(proof.state_root, root);
            assert_eq!(proof.account, view.account(address).unwrap());
            assert_eq!(proof.slots[0].word, view.slot(address, slots[0]).unwrap());
            verify(&proof, root);
        }
    }
    // With a change on top.
    let view = chain.tip_view().unwrap();
    let mut diff = StateDiff::default();
    let fresh = Address::repeat_byte(0xab);
    let account = AccountChange {
        before: None,
        after: Some(Account::default()),
    };
    diff.accounts.insert(fresh, account);
    let change = SlotChange {
        before: U256::from(10),
        after: U256::ZERO,
    };
    diff.slots
        .entry(contract())
        .or_default()
        .insert(U256::ONE, change);
    let root = chain.state_root_with(&view, &diff).unwrap().unwrap();
    assert_ne!(root, chain.tip().state_root);
    let view = view.with_layers(vec![aura_storage::Layer::Frozen(Arc::new(diff))]);
    let proof = chain.account_proof(&view, fresh, &slots).unwrap().unwrap();
    assert_eq!(
        (proof.state_root, proof.account),
        (root, Some(Account::default()))
    );
    verify(&proof, root);
    let proof = chain
        .account_proof(&view, contract(), &slots)
        .unwrap()
        .unwrap();
    assert_eq!(proof.slots[0].word, U256::ZERO);
    verify(&proof, root);
    assert!(matches!(
        chain.prove(5, &[B256::ZERO]),
        Err(ChainError::NoTree)
    ));
    drop(view);
    running.stop().unwrap();
}

#[test]
fn a_chain_of_ours_has_no_ethereum_root() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path(), Commitment::Smt, ChainConfig::default()).unwrap();
    let chain = &running.chain;
    let view = chain.tip_view().unwrap();
    let root = chain.state_root_with(&view, &StateDiff::default()).unwrap();
    assert_eq!(root, None);
    assert_eq!(
        chain.account_proof(&view, Address::ZERO, &[]).unwrap(),
        None
    );
    assert!(matches!(view.accounts(), Err(StorageError::NoPreimages)));
    drop(view);
    running.stop().unwrap();
}
