//! What a transaction would need: gas and access lists.

use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::AccessListItem;
use alloy_hardforks::EthereumHardfork::{Osaka, Prague};
use alloy_primitives::{B256, Bytes, TxKind, U256, address, bytes, hex};
use alloy_rpc_types_eth::TransactionRequest;
use aura_evm::{CallError, create_access_list};

use crate::{common::*, fixture::*};

#[test]
fn a_plain_transfer_is_estimated_exactly() {
    let chain = TestChain::osaka();
    let send = || to(CONTRACT).from(ALICE).value(U256::from(1));
    assert_eq!(estimate(&chain, request(send())).unwrap(), 21_000);
    let mut priced = send();
    priced.max_fee_per_gas = Some(2 * GWEI);
    assert_eq!(estimate(&chain, request(priced)).unwrap(), 21_000);
    let nobody = to(BOB);
    assert_eq!(estimate(&chain, request(nobody)).unwrap(), 21_000);
    let poor = to(BOB).from(CONTRACT).value(U256::from(1));
    assert!(matches!(
        estimate(&chain, request(poor)),
        Err(CallError::InsufficientFunds { .. })
    ));
    let mut poor = to(BOB).from(CONTRACT).value(U256::from(1));
    poor.gas_price = Some(GWEI);
    let error = estimate(&chain, request(poor)).unwrap_err();
    assert_eq!(error.to_string(), "insufficient funds for transfer");
}

/// Sends the transaction with the estimated gas and with 4 % less.
fn assert_tight(chain: &TestChain, input: Bytes, kind: TxKind) {
    let mut tx = TransactionRequest::default()
        .from(ALICE)
        .input(input.clone().into());
    tx.to = Some(kind);
    let gas = estimate(chain, request(tx)).unwrap();
    let with_gas = |gas_limit| {
        let tx = TxEip1559 {
            gas_limit,
            input: input.clone(),
            ..eip1559(0, kind)
        };
        let mut executor = chain.begin();
        executor
            .execute(&sent_by(ALICE, tx))
            .is_ok_and(|outcome| outcome.success)
    };
    assert!(with_gas(gas), "{gas} is not enough");
    assert!(!with_gas(gas - gas / 25), "{gas} is not tight");
}

#[test]
fn estimates_suffice_and_are_tight() {
    // SSTORE(0, 1)
    assert_tight(
        &TestChain::with_code(Osaka, hex!("60015f5500")),
        Bytes::new(),
        CONTRACT.into(),
    );
    // calldata under the floor price
    assert_tight(&TestChain::osaka(), Bytes::from(vec![1; 1_000]), BOB.into());
    // sets three slots and clears them again: the refund comes too late to lower the limit
    let refund = hex!("60015f5560016001556001600255" "5f5f555f6001555f60025500");
    assert_tight(
        &TestChain::with_code(Osaka, refund),
        Bytes::new(),
        CONTRACT.into(),
    );
    // creation of a contract
    let init = bytes!("600360025560015ff3");
    assert_tight(&TestChain::osaka(), init, TxKind::Create);
}

#[test]
fn an_estimate_covers_the_64th_that_a_caller_keeps() {
    // CONTRACT calls BOB's code, which needs much gas; it reverts if the call fails.
    let worker = address!("00000000000000000000000000000000000030b5");
    // loop: 2,000 rounds
    let work = hex!("6107d05b600190038060035700");
    let caller = [
        &hex!("5f5f5f5f5f73")[..],
        worker.as_slice(),
        &hex!("5af16022575f5ffd5b00"),
    ]
    .concat();
    let chain = TestChain::new(
        Osaka,
        vec![(worker, contract(work)), (CONTRACT, contract(caller))],
    );
    assert_tight(&chain, Bytes::new(), CONTRACT.into());
}

#[test]
fn failing_estimates_say_why() {
    let reverting = TestChain::with_code(Osaka, hex!("60aa5f5260205ffd"));
    match estimate(&reverting, request(to(CONTRACT))).unwrap_err() {
        CallError::Revert { data } => assert_eq!(word(&data), U256::from(0xaa)),
        other => panic!("{other:?}"),
    }
    let endless = TestChain::with_code(Osaka, hex!("5b5f56"));
    let error = estimate(&endless, request(to(CONTRACT))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "gas required exceeds allowance (16777216)"
    );
    let prague = TestChain::with_code(Prague, hex!("5b5f56"));
    let error = estimate(&prague, request(to(CONTRACT))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "gas required exceeds allowance (50000000)"
    );
    let limited = request(to(CONTRACT).gas_limit(100_000));
    let error = estimate(&endless, limited).unwrap_err();
    assert_eq!(error.to_string(), "gas required exceeds allowance (100000)");
    let mut poor = to(CONTRACT).from(ALICE);
    poor.gas_price = Some(ETHER);
    let error = estimate(&endless, request(poor)).unwrap_err();
    assert_eq!(error.to_string(), "gas required exceeds allowance (1000)");
}

#[test]
fn an_access_list_names_what_is_touched_without_the_obvious() {
    let other = address!("0000000000000000000000000000000000007e57");
    // SLOAD(3); BALANCE(other); CALL precompile 4
    let code = [
        &hex!("60035450" "73")[..],
        other.as_slice(),
        &hex!("3150" "5f5f5f5f5f60045af1" "00"),
    ]
    .concat();
    let chain = TestChain::with_code(Osaka, code);
    let tx = to(CONTRACT).from(ALICE);
    let list = create_access_list(
        &chain.spec,
        chain.view(),
        chain.header(),
        request(tx.clone()),
        &LIMITS,
    )
    .unwrap();
    assert_eq!(list.error, None);
    let items = [
        AccessListItem {
            address: other,
            storage_keys: Vec::new(),
        },
        AccessListItem {
            address: CONTRACT,
            storage_keys: vec![B256::with_last_byte(3)],
        },
    ];
    assert_eq!(list.access_list.0, items);
    let mut with_list = tx;
    with_list.access_list = Some(list.access_list);
    let chain_id = chain.spec.chain_id();
    with_list.chain_id = Some(chain_id);
    let estimated = estimate(&chain, request(with_list)).unwrap();
    assert!(U256::from(estimated) >= list.gas_used);
}

#[test]
fn an_access_list_of_a_failing_call_carries_its_error() {
    let chain = TestChain::with_code(Osaka, hex!("5f545f5ffd"));
    let list = create_access_list(
        &chain.spec,
        chain.view(),
        chain.header(),
        request(to(CONTRACT)),
        &LIMITS,
    )
    .unwrap();
    assert_eq!(list.error.as_deref(), Some("execution reverted"));
    assert_eq!(list.access_list.0.len(), 1);
}
