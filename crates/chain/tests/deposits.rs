//! Deposits on a real chain with the real contracts: sealed, stored, unwound and built again.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use aura_chain::{BlockDecodeError, Chain, decode_block, encode_block, recover_block};
use aura_evm::{BlockExecutor, PayloadAttributes, next_gas_limit};
use aura_primitives::{
    ExecutedBlock, RecoveredTx, TxDeposit,
    bridge::{L1BlockInfo, L1Origin, MessageKind, QueueMessage, predeploys},
};
use aura_storage::StateView;
use common::Running;

fn l1_info(number: u64) -> L1BlockInfo {
    L1BlockInfo {
        origin: L1Origin {
            number,
            hash: B256::repeat_byte(0xa0),
            timestamp: 2,
            base_fee: U256::from(3),
            blob_base_fee: U256::from(4),
            prev_randao: B256::repeat_byte(5),
            parent_beacon_block_root: B256::repeat_byte(6),
        },
        consumed: 7,
        queue_acc: B256::repeat_byte(8),
    }
}

/// `AuraConfig.set(parameter, value)`, `AuraTokenBridge.finalizeDeposit(…)`.
fn input(signature: &str, words: &[U256]) -> Bytes {
    let mut input = keccak256(signature)[..4].to_vec();
    for word in words {
        input.extend(word.to_be_bytes::<32>());
    }
    input.into()
}

fn deposit(chain: &Chain, message: &QueueMessage) -> Arc<RecoveredTx> {
    let bridge = chain.spec().bridge().unwrap();
    let source_hash = message.source_hash(bridge.l1_chain_id, bridge.portal);
    let tx = TxDeposit::from_message(message, source_hash);
    Arc::new(RecoveredTx::deposit(tx))
}

/// A credit, a forced transaction, a gas limit, and tokens that nobody has registered.
fn deposits(chain: &Chain, first: u64) -> Vec<Arc<RecoveredTx>> {
    let user = Address::repeat_byte(0x11);
    let message = |id, kind, to, gas_limit, data| QueueMessage {
        id,
        kind,
        l1_sender: user,
        from: user,
        to,
        mint: U256::from(10u64.pow(18)),
        value: U256::from(5),
        gas_limit,
        data,
    };
    let limit = input(
        "set(uint8,uint256)",
        &[U256::ZERO, U256::from(20_000_000 + first)],
    );
    let tokens = input(
        "finalizeDeposit(address,address,uint256)",
        &[U256::from(1), U256::from(2), U256::from(3)],
    );
    let to = Address::repeat_byte(0x22);
    [
        message(first, MessageKind::Credit, to, 0, Bytes::new()),
        message(first + 1, MessageKind::Forced, to, 50_000, Bytes::new()),
        message(
            first + 2,
            MessageKind::Configuration,
            predeploys::CONFIG,
            200_000,
            limit,
        ),
        message(
            first + 3,
            MessageKind::TokenDeposit,
            predeploys::TOKEN_BRIDGE,
            120_000,
            tokens,
        ),
    ]
    .iter()
    .map(|message| deposit(chain, message))
    .collect()
}

fn build(chain: &Chain, l1_info: Option<L1BlockInfo>) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        timestamp: parent.timestamp + 1,
        prev_randao: B256::ZERO,
        fee_recipient: chain.spec().fee().fee_vault,
        gas_limit: 30_000_000,
        parent_beacon_block_root: Some(B256::ZERO),
        withdrawals: None,
        l1_info,
        extra_data: Default::default(),
    };
    let view = chain.tip_view().unwrap();
    let mut executor =
        BlockExecutor::begin(chain.spec().clone(), &parent, attributes, view).unwrap();
    if l1_info.is_some() {
        for tx in deposits(chain, 4 * parent.number) {
            executor.execute(&tx).unwrap();
        }
    }
    executor.finish().unwrap()
}

fn newest(chain: &Chain) -> StateView {
    StateView::latest(chain.store().reader().unwrap())
}

#[test]
fn unwound_deposits_build_the_same_chain_again() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let chain = &running.chain;
    let genesis_root = chain.tip().withdrawals_root.unwrap();
    let infos = [Some(l1_info(1)), None, Some(l1_info(2)), None];
    let extend = |from: usize| {
        for info in &infos[from..] {
            let block = build(chain, *info);
            // No token is registered, so the last of four fails.
            let results: Vec<bool> = block.receipts.iter().map(|r| r.is_success()).collect();
            let want = [true, true, true, false];
            assert_eq!(results, &want[..results.len()]);
            chain.seal(block).unwrap();
        }
    };
    extend(0);
    running.settle();
    let tip = chain.tip();
    assert_eq!(tip.withdrawals_root, Some(genesis_root));
    let view = newest(chain);
    let slot = |slot: u64| view.slot(predeploys::L1_BLOCK, U256::from(slot)).unwrap();
    let packed = U256::from(2) | (U256::from(2) << 64) | (U256::from(7) << 128);
    assert_eq!(slot(0), packed);
    assert_eq!(slot(1), U256::from_be_bytes([0xa0; 32]));
    assert_eq!((slot(2), slot(3)), (U256::from(3), U256::from(4)));
    assert_eq!(slot(4), U256::from_be_bytes([8; 32]));
    assert_eq!(next_gas_limit(&view, 1).unwrap(), 20_000_008);
    drop(view);

    let reader = chain.store().reader().unwrap();
    for (number, info) in (1..).zip(&infos) {
        assert_eq!(reader.block(number).unwrap().unwrap().l1_info, *info);
    }
    assert_eq!(reader.l1_info_at(0).unwrap(), None);
    assert_eq!(reader.l1_info_at(2).unwrap(), infos[0]);
    assert_eq!(reader.l1_info_at(u64::MAX).unwrap(), infos[2]);
    drop(reader);

    for to in [2, 1, 0] {
        chain.unwind(to).unwrap();
        let reader = chain.store().reader().unwrap();
        let left = if to == 0 { None } else { infos[0] };
        assert_eq!(reader.l1_info_at(u64::MAX).unwrap(), left);
        drop(reader);
        extend(to as usize);
        running.settle();
        assert_eq!(chain.tip().seal(), tip.seal());
    }
    running.stop().unwrap();
}

#[test]
fn a_file_of_blocks_holds_no_deposits() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    running
        .chain
        .seal(build(&running.chain, Some(l1_info(1))))
        .unwrap();
    running.settle();
    let reader = running.chain.store().reader().unwrap();
    let block = reader.block(1).unwrap().unwrap();
    drop(reader);
    let mut bytes = Vec::new();
    encode_block(&block, &mut bytes);
    let error = recover_block(decode_block(&bytes).unwrap()).unwrap_err();
    assert_eq!(error, BlockDecodeError::Deposit(0));
    assert!(error.to_string().contains("cannot be imported from a file"));
    running.stop().unwrap();
}
