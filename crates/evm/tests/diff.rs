//! The state diff of a block equals what revm's own database gives.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_evm::{Evm, EvmEnv, EvmFactory, FromRecoveredTx, eth::EthEvmFactory};
use alloy_hardforks::EthereumHardfork::{self, Cancun, Osaka, Shanghai};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use aura_primitives::{Account, ExecutedBlock, RecoveredTx};
use common::*;
use proptest::prelude::*;
use revm::{
    DatabaseCommit,
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    database_interface::DatabaseCommitExt,
    state::{AccountInfo, Bytecode},
};

#[derive(Debug, Clone)]
enum Step {
    Transfer { to: u8, value: u64 },
    Store { slot: u8, value: u8 },
    Create { slot: u8, value: u8 },
    CreateAndDestroy { value: u64 },
    Fail,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..4, 0u64..3).prop_map(|(to, value)| Step::Transfer { to, value }),
        (0u8..4, 0u8..3).prop_map(|(slot, value)| Step::Store { slot, value }),
        (0u8..4, 0u8..3).prop_map(|(slot, value)| Step::Create { slot, value }),
        (0u64..3).prop_map(|value| Step::CreateAndDestroy { value }),
        Just(Step::Fail),
    ]
}

fn transaction(nonce: u64, step: &Step) -> Arc<RecoveredTx> {
    let base = |to: TxKind, value: u64, input: Vec<u8>| TxEip1559 {
        value: U256::from(value),
        input: input.into(),
        ..eip1559(nonce, to)
    };
    let tx = match *step {
        Step::Transfer { to, value } => base(Address::repeat_byte(to).into(), value, Vec::new()),
        Step::Store { slot, value } => {
            let mut input = U256::from(slot).to_be_bytes_vec();
            input.extend(U256::from(value).to_be_bytes_vec());
            base(CONTRACT.into(), 0, input)
        }
        // SSTORE(slot, value), return three bytes of zero code
        Step::Create { slot, value } => base(
            TxKind::Create,
            1,
            vec![0x60, value, 0x60, slot, 0x55, 0x60, 3, 0x5f, 0xf3],
        ),
        // SSTORE(1, 1), SELFDESTRUCT(repeat_byte(2))
        Step::CreateAndDestroy { value } => {
            let mut init = hex!("600160015573").to_vec();
            init.extend(Address::repeat_byte(2));
            init.push(0xff);
            base(TxKind::Create, value, init)
        }
        // INVALID in creation code
        Step::Fail => base(TxKind::Create, 0, vec![0xfe]),
    };
    sent_by(ALICE, tx)
}

/// A contract that sets slot `calldata[0..32]` to `calldata[32..64]`.
fn genesis(fork: EthereumHardfork) -> TestChain {
    TestChain::with_code(fork, hex!("6020355f355500"))
}

/// The same transactions on revm's in-memory database, one after the other.
fn reference(chain: &TestChain, block: &ExecutedBlock) -> CacheDB<EmptyDB> {
    let mut db = CacheDB::new(EmptyDB::new());
    let state = chain.spec.genesis_state();
    for (address, account) in state.accounts {
        let code = state
            .code
            .iter()
            .find(|(hash, _)| *hash == account.code_hash);
        let code = code.map(|(_, code)| Bytecode::new_raw(code.clone()));
        db.insert_account_info(
            address,
            AccountInfo {
                balance: account.balance,
                nonce: account.nonce,
                code_hash: account.code_hash,
                code: Some(code.unwrap_or_default()),
                account_id: None,
            },
        );
    }
    let spec = &chain.spec;
    let params = spec.blob_params_at(block.header.timestamp);
    let env = EvmEnv::for_eth_block(&block.header, spec, CHAIN_ID, params);
    let mut evm = EthEvmFactory::default().create_evm(db, env);
    for tx in &block.transactions {
        let outcome = evm
            .transact(TxEnv::from_recovered_tx(
                tx.envelope().as_signed().unwrap(),
                tx.sender(),
            ))
            .unwrap();
        evm.db_mut().commit(outcome.state);
        // Ethereum burns it.
        let base_fee = block.header.base_fee_per_gas.unwrap();
        let fee = u128::from(base_fee) * u128::from(outcome.result.tx_gas_used());
        evm.db_mut().increment_balances([(VAULT, fee)]).unwrap();
    }
    evm.into_db()
}

fn check(chain: &TestChain, block: &ExecutedBlock) {
    let reference = reference(chain, block);
    let parent = chain.view();
    let after = chain.view_after(block);
    for (address, cached) in &reference.cache.accounts {
        let info = cached.info().filter(|info| !info.is_empty());
        let expected = info.map(|info| Account {
            nonce: info.nonce,
            balance: info.balance,
            code_hash: info.code_hash,
        });
        assert_eq!(after.account(*address).unwrap(), expected, "{address}");
        for (slot, value) in &cached.storage {
            assert_eq!(
                after.slot(*address, *slot).unwrap(),
                *value,
                "{address} {slot}"
            );
        }
        if let Some(account) = expected.filter(Account::has_code) {
            let code: Bytes = after.code(account.code_hash).unwrap().unwrap();
            assert_eq!(alloy_primitives::keccak256(&code), account.code_hash);
        }
    }
    for (address, change) in &block.diff.accounts {
        assert_eq!(change.before, parent.account(*address).unwrap());
        assert_ne!(change.before, change.after);
        assert!(reference.cache.accounts.contains_key(address));
    }
    for (address, slots) in &block.diff.slots {
        for (slot, change) in slots {
            assert_eq!(change.before, parent.slot(*address, *slot).unwrap());
            assert_ne!(change.before, change.after);
            assert!(reference.cache.accounts[address].storage.contains_key(slot));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn diff_equals_that_of_revms_database(
        steps in prop::collection::vec(step(), 0..24),
        fork in prop_oneof![Just(Shanghai), Just(Cancun), Just(Osaka)],
    ) {
        let chain = genesis(fork);
        let transactions: Vec<_> =
            (0..).zip(&steps).map(|(nonce, step)| transaction(nonce, step)).collect();
        let block = chain.block(&transactions);
        check(&chain, &block);
    }
}
