//! A genesis with a bridge has Aura's own contracts, and they belong to the contracts on L1 that it names.

use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use aura_chainspec::{BridgeSpec, ChainSpec, ChainSpecError, with_bridge};
use aura_primitives::bridge::predeploys::{
    self, CONFIG, ERC20, FEE_VAULT, L1_BLOCK, MESSAGE_PASSER, TOKEN_BRIDGE,
};
use serde_json::Value;

const DEPLOYER: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

fn other() -> BridgeSpec {
    BridgeSpec {
        l1_chain_id: 31337,
        portal: address!("0x00000000000000000000000000000000000000aa"),
        rollup: address!("0x00000000000000000000000000000000000000bb"),
    }
}

fn slot(spec: &ChainSpec, contract: Address, slot: u64) -> B256 {
    let state = spec.genesis_state();
    let wanted = (contract, U256::from(slot));
    let found = state
        .slots
        .iter()
        .find(|(address, slot, _)| (*address, *slot) == wanted);
    found.map_or(B256::ZERO, |(.., value)| (*value).into())
}

/// The development genesis after a change of its JSON.
fn changed(change: impl FnOnce(&mut Value)) -> Result<ChainSpec, ChainSpecError> {
    let mut genesis: Value = serde_json::from_str(ChainSpec::dev_genesis_json()).unwrap();
    change(&mut genesis);
    ChainSpec::from_genesis_json(&genesis.to_string())
}

fn account(genesis: &mut Value, address: Address) -> &mut Value {
    let alloc = genesis["alloc"].as_object_mut().unwrap();
    let wanted = address.to_string().to_lowercase();
    let entry = alloc
        .iter_mut()
        .find(|(key, _)| key.to_lowercase() == wanted);
    entry.unwrap().1
}

#[test]
fn the_development_chain_belongs_to_the_first_contracts_of_its_deployer() {
    let spec = ChainSpec::dev();
    let bridge = BridgeSpec {
        l1_chain_id: 1337,
        rollup: DEPLOYER.create(2),
        portal: DEPLOYER.create(3),
    };
    assert_eq!(spec.bridge(), Some(&bridge));
    assert_eq!(spec.fee().fee_vault, FEE_VAULT);
    assert_eq!(spec.genesis().coinbase, FEE_VAULT);
}

#[test]
fn a_block_has_room_for_any_entry_of_the_queue() {
    let with =
        |gas_limit: u64| changed(|genesis| genesis["gasLimit"] = format!("{gas_limit:#x}").into());
    assert_eq!(with(10_000_000).unwrap().genesis().gas_limit, 10_000_000);
    let error = with(9_999_999).unwrap_err();
    assert!(
        matches!(error, ChainSpecError::BridgedGasLimit(9_999_999)),
        "{error}"
    );
}

#[test]
fn predeploys_have_their_code_nonce_and_storage() {
    let spec = ChainSpec::dev();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let contracts = [
        ("AuraL1Block", L1_BLOCK),
        ("AuraMessagePasser", MESSAGE_PASSER),
        ("AuraTokenBridge", TOKEN_BRIDGE),
        ("AuraERC20", ERC20),
        ("AuraFeeVault", FEE_VAULT),
        ("AuraConfig", CONFIG),
    ];
    for (name, address) in contracts {
        let path = directory.join(format!("../../contracts/artifacts/{name}.json"));
        let artifact: Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let code = artifact["deployedBytecode"].as_str().unwrap();
        let account = &spec.genesis().alloc[&address];
        assert_eq!(account.code.as_ref().unwrap().to_string(), code, "{name}");
        assert_eq!(account.nonce, Some(1), "{name}");
        assert!(account.balance.is_zero(), "{name}");
    }
    let passer = |number| slot(&spec, MESSAGE_PASSER, number);
    let empty = b256!("0x27ae5ba08d7291c96c8cbddcc148bf48a6d68c7974b94356f53754ef6171d757");
    assert_eq!((passer(32), passer(33)), (B256::ZERO, empty));
    assert_eq!(passer(34), B256::from(U256::from(1337)));
    assert_eq!(passer(35), DEPLOYER.create(3).into_word());
    assert_eq!(slot(&spec, FEE_VAULT, 0), DEPLOYER.into_word());
    // Its constructor names itself, so that nobody else can.
    assert_eq!(slot(&spec, ERC20, 8), ERC20.into_word());
}

#[test]
fn the_header_commits_to_the_empty_withdrawal_tree() {
    let mut node = B256::ZERO;
    for _ in 0..32 {
        node = keccak256([node.0, node.0].concat());
    }
    let header = ChainSpec::dev().genesis_header(B256::ZERO);
    assert_eq!(header.withdrawals_root, Some(node));
}

#[test]
fn another_l1_changes_the_section_the_passer_and_nothing_else() {
    let json = with_bridge(ChainSpec::dev_genesis_json(), &other()).unwrap();
    let (dev, spec) = (
        ChainSpec::dev(),
        ChainSpec::from_genesis_json(&json).unwrap(),
    );
    assert_eq!(spec.bridge(), Some(&other()));
    assert_eq!(
        slot(&spec, MESSAGE_PASSER, 34),
        B256::from(U256::from(31337))
    );
    assert_eq!(slot(&spec, MESSAGE_PASSER, 35), other().portal.into_word());
    assert_eq!(spec.genesis().config, dev.genesis().config);
    let mut alloc = spec.genesis().alloc.clone();
    let passer = dev.genesis().alloc[&MESSAGE_PASSER].clone();
    alloc.insert(MESSAGE_PASSER, passer);
    assert_eq!(alloc, dev.genesis().alloc);
    assert_ne!(spec.identity(), dev.identity());

    // It can be changed back, and to the same again.
    let back = with_bridge(&json, dev.bridge().unwrap()).unwrap();
    let again = ChainSpec::from_genesis_json(&back).unwrap();
    assert_eq!(again.identity(), dev.identity());
    assert_eq!(with_bridge(&json, &other()).unwrap(), json);
}

#[test]
fn a_genesis_without_a_section_gets_one_if_it_has_the_contracts() {
    let mut genesis: Value = serde_json::from_str(ChainSpec::dev_genesis_json()).unwrap();
    genesis["aura"].as_object_mut().unwrap().remove("bridge");
    account(&mut genesis, MESSAGE_PASSER)["storage"] = serde_json::json!({});
    let without = ChainSpec::from_genesis_json(&genesis.to_string()).unwrap();
    assert_eq!(without.bridge(), None);
    let dev = ChainSpec::dev();
    let json = with_bridge(&genesis.to_string(), dev.bridge().unwrap()).unwrap();
    let spec = ChainSpec::from_genesis_json(&json).unwrap();
    assert_eq!(spec.identity(), dev.identity());

    let no_contracts = r#"{"config":{"chainId":5,"osakaTime":0},"aura":{"commitment":"smt"},
        "gasLimit":"0x5f5e100","alloc":{}}"#;
    let error = with_bridge(no_contracts, &other()).unwrap_err();
    assert!(matches!(
        error,
        ChainSpecError::BridgePredeploy("AuraMessagePasser")
    ));
    let ethereum = r#"{"config":{"chainId":5},"gasLimit":"0x5f5e100","alloc":{}}"#;
    let error = with_bridge(ethereum, &other()).unwrap_err();
    assert!(matches!(error, ChainSpecError::MissingField("aura")));
}

#[test]
fn storage_of_the_passer_must_agree_with_the_section() {
    let word = |value: u64| Value::String(B256::from(U256::from(value)).to_string());
    for number in [0u64, 31, 32, 33, 34, 35] {
        let error = changed(|genesis| {
            let key = B256::from(U256::from(number)).to_string();
            account(genesis, MESSAGE_PASSER)["storage"][&key] = word(7);
        })
        .unwrap_err();
        match error {
            ChainSpecError::PasserSlot { slot, found, .. } => {
                assert_eq!((slot, found), (number, B256::from(U256::from(7))));
            }
            other => panic!("{other}"),
        }
    }
    let error = changed(|genesis| {
        genesis["aura"]["bridge"]["portal"] = Value::String(other().portal.to_string());
    });
    assert!(matches!(
        error,
        Err(ChainSpecError::PasserSlot { slot: 35, .. })
    ));
}

#[test]
fn every_predeploy_must_be_there() {
    for address in [
        L1_BLOCK,
        MESSAGE_PASSER,
        TOKEN_BRIDGE,
        ERC20,
        FEE_VAULT,
        CONFIG,
    ] {
        let error = changed(|genesis| {
            let code = account(genesis, address);
            code["code"] = Value::String("0x".to_owned());
        });
        assert!(
            matches!(error, Err(ChainSpecError::BridgePredeploy(_))),
            "{address}"
        );
    }
    assert_eq!(
        predeploys::SYSTEM,
        address!("0xAA000000000000000000000000000000000000FF")
    );
}

#[test]
fn impossible_contracts_on_l1_are_refused_by_name() {
    let refused = |member: &str, value: Value| {
        let error = changed(|genesis| genesis["aura"]["bridge"][member] = value).unwrap_err();
        match error {
            ChainSpecError::Bridge { field, .. } => field,
            other => panic!("{other}"),
        }
    };
    let zero = || Value::String(Address::ZERO.to_string());
    assert_eq!(refused("l1ChainId", 0.into()), "l1ChainId");
    assert_eq!(refused("l1ChainId", 13371.into()), "l1ChainId");
    assert_eq!(refused("portal", zero()), "portal");
    assert_eq!(refused("rollup", zero()), "rollup");
    let portal = DEPLOYER.create(3).to_string();
    assert_eq!(refused("rollup", Value::String(portal)), "rollup");
    let unknown = changed(|genesis| genesis["aura"]["bridge"]["inbox"] = zero());
    assert!(matches!(
        unknown,
        Err(ChainSpecError::InvalidAuraSection(_))
    ));
}
