//! Traces, and that building, verifying and tracing agree on any queue.

use alloy_primitives::{Address, B256, U256};
use aura_evm::PayloadAttributes;
use aura_primitives::{TxDeposit, bridge::predeploys};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{common::*, fixture::*};

#[test]
fn every_deposit_has_a_trace() {
    let chain = chain();
    let block = chain.block(&[
        arc(credit(BOB, 7)),
        arc(system(RECORDER, 120_000, B256::repeat_byte(6))),
        arc(forced(BOB, U256::ZERO, 1, 21_000)),
        arc(forced(REVERTER, U256::from(ETHER), 0, 50_000)),
        transfer(0, BOB, 1),
    ]);
    let calls = traces(&chain, &block, json!({ "tracer": "callTracer" }));
    let field = |name: &str| {
        calls
            .iter()
            .map(|call| call[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        field("value")[..3],
        [json!("0x7"), json!("0x0"), json!("0x1")]
    );
    let errors = field("error");
    assert_eq!((&errors[0], &errors[1]), (&Value::Null, &Value::Null));
    assert!(
        errors[2].as_str().unwrap().contains("insufficient"),
        "{}",
        errors[2]
    );
    assert!(
        errors[3].as_str().unwrap().contains("revert"),
        "{}",
        errors[3]
    );
    assert_eq!(calls[0]["gasUsed"], "0x0");
    assert_eq!(calls[1]["from"], json!(predeploys::SYSTEM));
    let options = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let changes = traces(&chain, &block, options);
    let key = format!("{BOB:#x}");
    let bob = U256::from(1_000 * ETHER) + U256::from(7);
    assert_eq!(changes[0]["post"][&key]["balance"], json!(bob));
    let key = format!("{VAULT:#x}");
    assert!(changes[3]["post"][&key]["balance"].is_string());
}

#[derive(Debug, Clone)]
enum Step {
    Credit(u8, u64),
    Forced {
        mint: u64,
        value: u64,
        gas: u64,
        to: u8,
        input: Vec<u8>,
    },
    System {
        gas: u64,
        to: u8,
        input: Vec<u8>,
    },
}

fn any_to() -> impl Strategy<Value = u8> {
    0u8..5
}

fn target(index: u8) -> Address {
    [BOB, RECORDER, REVERTER, USER, VAULT][usize::from(index)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let input = || prop_oneof![Just(vec![]), Just(vec![7; 32])];
    let gas = || prop_oneof![Just(20_999u64), Just(21_000), 21_000u64..120_000];
    // Around what gas costs at a base fee of less than 1 gwei.
    let ether = || prop_oneof![Just(0u64), 0u64..200_000_000_000_000];
    prop_oneof![
        (any_to(), ether()).prop_map(|(to, mint)| Step::Credit(to, mint)),
        (ether(), 0u64..3, gas(), any_to(), input()).prop_map(|(mint, value, gas, to, input)| {
            Step::Forced {
                mint,
                value,
                gas,
                to,
                input,
            }
        }),
        (gas(), any_to(), input()).prop_map(|(gas, to, input)| Step::System { gas, to, input }),
    ]
}

fn transaction(index: usize, step: &Step) -> TxDeposit {
    let tx = match step.clone() {
        Step::Credit(to, mint) => credit(target(to), mint),
        Step::Forced {
            mint,
            value,
            gas,
            to,
            input,
        } => TxDeposit {
            input: input.into(),
            ..forced(target(to), U256::from(mint), value, gas)
        },
        Step::System { gas, to, input } => system(target(to), gas, input),
    };
    TxDeposit {
        source_hash: U256::from(index).into(),
        ..tx
    }
}

fn total(diff: &aura_primitives::StateDiff) -> (U256, U256) {
    diff.accounts
        .values()
        .fold((U256::ZERO, U256::ZERO), |(before, after), change| {
            let balance = |account: Option<aura_primitives::Account>| {
                account.map_or(U256::ZERO, |account| account.balance)
            };
            (
                before + balance(change.before),
                after + balance(change.after),
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn building_verifying_and_tracing_agree(
        steps in prop::collection::vec(any_step(), 0..12), users in 0u64..4, told: bool,
    ) {
        let chain = chain();
        let deposits: Vec<_> =
            steps.iter().enumerate().map(|(index, step)| transaction(index, step)).collect();
        let mints: U256 = deposits.iter().map(|tx| tx.mint).sum();
        let attributes = PayloadAttributes {
            l1_info: told.then(l1_info),
            ..chain.attributes()
        };
        let mut executor = chain.begin_with(attributes);
        for tx in deposits {
            executor.execute(&arc(tx)).unwrap();
        }
        for nonce in 0..users {
            executor.execute(&transfer(nonce, RECORDER, 0)).unwrap_or_else(|e| panic!("{e}"));
        }
        let block = executor.finish().unwrap();
        verify_again(&chain, &block);
        // No ether comes from or goes to nowhere.
        let (before, after) = total(&block.diff);
        prop_assert_eq!(before + mints, after);
        let mut cumulative = 0;
        let traces = traces(&chain, &block, json!({}));
        prop_assert_eq!(traces.len(), block.receipts.len());
        for (trace, receipt) in traces.iter().zip(&block.receipts) {
            let gas = receipt.cumulative_gas_used - cumulative;
            prop_assert_eq!(&trace["gas"], &json!(gas));
            prop_assert_eq!(&trace["failed"], &json!(!receipt.is_success()));
            cumulative = receipt.cumulative_gas_used;
        }
    }
}
