//! What does not get into a block: invalid transactions, those without room, wrong attributes.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Bytes, U256};
use aura_evm::{BlockExecutor, ExecutionError, PayloadAttributes};

use crate::common::*;

fn reason(error: ExecutionError) -> String {
    assert!(
        matches!(error, ExecutionError::InvalidTransaction(_)),
        "{error:?}"
    );
    assert!(!error.is_fatal());
    error.to_string()
}

#[test]
fn invalid_transactions_say_why_in_geths_words_and_leave_the_block_unchanged() {
    let chain = TestChain::osaka();
    let mut executor = chain.begin();
    executor.execute(&transfer(0, BOB, 1)).unwrap();
    let before = (
        executor.shared().diff.read().clone(),
        executor.header(),
        executor.len(),
    );
    let mut refused = |tx: TxEip1559| reason(executor.execute(&sent_by(ALICE, tx)).unwrap_err());
    assert!(refused(eip1559(0, BOB)).starts_with("nonce too low"));
    assert!(refused(eip1559(2, BOB)).starts_with("nonce too high"));
    let poor = TxEip1559 {
        value: U256::from(2_000 * ETHER),
        ..eip1559(1, BOB)
    };
    assert!(refused(poor).starts_with("insufficient funds for gas * price + value"));
    let low = TxEip1559 {
        gas_limit: 20_999,
        ..eip1559(1, BOB)
    };
    assert!(refused(low).starts_with("intrinsic gas too low"));
    let floor = TxEip1559 {
        gas_limit: 21_000 + 16 * 100,
        input: Bytes::from(vec![1; 100]),
        ..eip1559(1, BOB)
    };
    assert!(refused(floor).starts_with("insufficient gas for floor data gas cost"));
    let cheap = TxEip1559 {
        max_fee_per_gas: 1,
        max_priority_fee_per_gas: 1,
        ..eip1559(1, BOB)
    };
    assert_eq!(refused(cheap), "max fee per gas less than block base fee");
    let tip = TxEip1559 {
        max_priority_fee_per_gas: 101 * GWEI,
        ..eip1559(1, BOB)
    };
    assert_eq!(
        refused(tip),
        "max priority fee per gas higher than max fee per gas"
    );
    let foreign = TxEip1559 {
        chain_id: 1,
        ..eip1559(1, BOB)
    };
    assert_eq!(refused(foreign), "invalid chain id for signer");
    let huge = TxEip1559 {
        gas_limit: 16_777_217,
        ..eip1559(1, BOB)
    };
    assert!(refused(huge).starts_with("transaction gas limit too high (cap: 16777216"));
    let after = (
        executor.shared().diff.read().clone(),
        executor.header(),
        executor.len(),
    );
    assert_eq!(before, after);
    assert!(executor.execute(&transfer(1, BOB, 1)).unwrap().success);
}

#[test]
fn a_transaction_above_the_gas_left_does_not_fit() {
    let chain = TestChain::osaka();
    let attributes = PayloadAttributes {
        gas_limit: 50_000,
        ..chain.attributes()
    };
    let mut executor = chain.begin_with(attributes);
    executor.execute(&transfer(0, BOB, 1)).unwrap();
    assert_eq!(executor.gas_left(), 29_000);
    let big = TxEip1559 {
        gas_limit: 29_001,
        ..eip1559(1, BOB)
    };
    let error = executor.execute(&sent_by(ALICE, big)).unwrap_err();
    let ExecutionError::BlockGasExhausted { needed, left } = error else {
        panic!("{error:?}");
    };
    assert_eq!((needed, left), (29_001, 29_000));
    assert!(error.is_block_full() && !error.is_fatal());
    executor.execute(&transfer(1, BOB, 1)).unwrap();
}

#[test]
fn a_block_stays_below_the_size_limit_of_osaka() {
    let count = |fork| {
        let chain = TestChain::new(fork, Vec::new());
        let mut executor = chain.begin();
        for nonce in 0..70 {
            let tx = TxEip1559 {
                gas_limit: 10_000_000,
                input: Bytes::from(vec![0; 131_072]),
                ..eip1559(nonce, BOB)
            };
            match executor.execute(&sent_by(ALICE, tx)) {
                Ok(_) => {}
                Err(ExecutionError::BlockFull { resource, .. }) => {
                    assert_eq!(resource, "bytes");
                    break;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        let block = executor.finish().unwrap();
        let body: usize = block
            .transactions
            .iter()
            .map(|tx| tx.encoded().len() + 4)
            .sum();
        (block.transactions.len(), body)
    };
    let (transactions, bytes) = count(EthereumHardfork::Osaka);
    assert_eq!(transactions, 63);
    assert!(bytes < 8_388_608);
    assert_eq!(count(EthereumHardfork::Prague).0, 70);
}

#[test]
fn attributes_that_break_the_rules_are_refused() {
    let chain = TestChain::osaka();
    let refused = |attributes| {
        let spec = Arc::clone(&chain.spec);
        let error = BlockExecutor::begin(spec, &chain.genesis, attributes, chain.view());
        error.unwrap_err().to_string()
    };
    let base = chain.attributes();
    let gas = refused(PayloadAttributes {
        gas_limit: 4_999,
        ..base.clone()
    });
    assert!(gas.contains("gas limit 4999"));
    let extra_data = Bytes::from(vec![0; 33]);
    assert!(refused(PayloadAttributes { extra_data, ..base }).contains("33 bytes"));
}
