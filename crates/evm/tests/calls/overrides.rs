//! Accounts that are different for one call.

use alloy_hardforks::EthereumHardfork::Osaka;
use alloy_primitives::{B256, Bytes, U256, address, bytes, hex};
use alloy_rpc_types_eth::state::StateOverride;
use aura_evm::CallError;

use crate::{common::*, fixture::*};

fn overrides(json: serde_json::Value) -> StateOverride {
    serde_json::from_value(json).unwrap()
}

#[test]
fn state_overrides_change_code_balance_and_storage() {
    // returns SLOAD(0) + SLOAD(1)
    let code = hex!("5f546001540160005260206000f3");
    let mut account = contract(code);
    account.storage = Some([(B256::ZERO, B256::with_last_byte(5))].into());
    let chain = TestChain::new(Osaka, vec![(CONTRACT, account)]);
    let sum = |json| {
        let mut request = request(to(CONTRACT));
        request.state_overrides = Some(overrides(json));
        word(&run(&chain, request).unwrap())
    };
    let one = format!("{:#x}", B256::with_last_byte(1));
    let two = format!("{:#x}", B256::with_last_byte(2));
    assert_eq!(sum(serde_json::json!({})), U256::from(5));
    let diff = serde_json::json!({ CONTRACT.to_string(): { "stateDiff": { one.clone(): two } } });
    assert_eq!(sum(diff), U256::from(7));
    let full = serde_json::json!({ CONTRACT.to_string(): { "state": { one.clone(): two } } });
    assert_eq!(sum(full), U256::from(2));

    let mut both = request(to(CONTRACT));
    let json = serde_json::json!({ CONTRACT.to_string(): { "state": {}, "stateDiff": {} } });
    both.state_overrides = Some(overrides(json));
    assert!(matches!(
        run(&chain, both),
        Err(CallError::InvalidRequest(_))
    ));

    let fresh = address!("00000000000000000000000000000000000f4e54");
    let code = Bytes::from(returning(0x47));
    let json = serde_json::json!({ fresh.to_string(): { "balance": "0x9", "code": code } });
    let mut request = request(to(fresh));
    request.state_overrides = Some(overrides(json));
    assert_eq!(word(&run(&chain, request).unwrap()), U256::from(9));
}

#[test]
fn a_precompile_may_be_moved() {
    let chain = TestChain::osaka();
    let identity = address!("0000000000000000000000000000000000000004");
    let mut moved = request(to(BOB).input(bytes!("0102").into()));
    let json = serde_json::json!({ identity.to_string(): { "movePrecompileToAddress": BOB } });
    moved.state_overrides = Some(overrides(json));
    assert_eq!(run(&chain, moved).unwrap(), bytes!("0102"));
    let mut wrong = request(to(BOB));
    let json = serde_json::json!({ CONTRACT.to_string(): { "movePrecompileToAddress": BOB } });
    wrong.state_overrides = Some(overrides(json));
    assert!(matches!(
        run(&chain, wrong),
        Err(CallError::InvalidRequest(_))
    ));
}
