//! The development chain's genesis file is what its inputs generate, and means what it should.

use std::path::Path;

use alloy_eips::{eip2935, eip4788};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{B256, U256, address, b256, keccak256};
use aura_chainspec::{ChainSpec, FeeParams};

#[path = "../examples/generate_genesis/generator.rs"]
mod generator;
#[path = "../examples/generate_genesis/predeploys.rs"]
mod predeploys;
#[path = "../examples/generate_genesis/preinstalls.rs"]
mod preinstalls;

fn genesis_directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis")
}

#[test]
fn committed_files_are_generated_from_their_inputs() {
    let read = |name: &str| std::fs::read_to_string(genesis_directory().join(name)).unwrap();
    let artifacts = genesis_directory().join("../contracts/artifacts");
    for name in ["dev", "dev-l1"] {
        let inputs = read(&format!("inputs/{name}.toml"));
        let generated =
            generator::generate(&inputs, &read("inputs/preinstalls.json"), &artifacts).unwrap();
        assert!(
            generated == read(&format!("{name}.json")),
            "genesis/{name}.json is stale: cargo run -p aura-chainspec --example generate_genesis"
        );
    }
}

#[test]
fn has_the_promised_chain_id_forks_and_fees() {
    let spec = ChainSpec::dev();
    assert_eq!(spec.chain_id(), 13371);
    for fork in EthereumHardfork::VARIANTS {
        let active = match spec.ethereum_fork_activation(*fork) {
            condition if condition.is_timestamp() => condition.active_at_timestamp(0),
            condition => condition.active_at_block(0),
        };
        let expected = *fork <= EthereumHardfork::Osaka && *fork != EthereumHardfork::Dao;
        assert_eq!(active, expected, "{fork}");
    }
    let expected = FeeParams {
        min_base_fee_wei: 1_000_000,
        ..FeeParams::ETHEREUM
    };
    assert_eq!(*spec.fee(), expected);
    assert_eq!(spec.genesis().gas_limit, 100_000_000);
    assert!(spec.unknown_fields().is_empty());
    let blobs = spec.blob_params_at(0).unwrap();
    assert_eq!((blobs.target_blob_count, blobs.max_blob_count), (6, 9));
    assert_eq!(blobs.max_blobs_per_tx, 6);
}

#[test]
fn holds_ten_funded_accounts_and_two_system_contracts() {
    let state = ChainSpec::dev().genesis_state();
    let funded = state
        .accounts
        .iter()
        .filter(|(_, account)| !account.balance.is_zero());
    assert_eq!(funded.count(), 10);
    assert!(state.accounts.windows(2).all(|pair| pair[0].0 < pair[1].0));

    // As anvil prints them.
    let first = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    let last = address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720");
    let account = |wanted| {
        state
            .accounts
            .iter()
            .find(|(address, _)| *address == wanted)
    };
    let ether = U256::from(10u64.pow(18));
    for wanted in [first, last] {
        let (_, account) = account(wanted).unwrap();
        assert_eq!(account.balance, U256::from(10_000) * ether);
        assert_eq!(account.nonce, 0);
        assert!(!account.has_code());
    }
    for (wanted, code) in [
        (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
        (
            eip2935::HISTORY_STORAGE_ADDRESS,
            &eip2935::HISTORY_STORAGE_CODE,
        ),
    ] {
        let (_, account) = account(wanted).unwrap();
        assert_eq!(account.nonce, 1);
        assert_eq!(account.code_hash, keccak256(code));
        assert!(state.code.contains(&(account.code_hash, code.clone())));
    }
}

#[test]
fn genesis_header_has_every_osaka_field() {
    let root = B256::repeat_byte(7);
    let header = ChainSpec::dev().genesis_header(root);
    assert_eq!(header.state_root, root);
    assert_eq!((header.number, header.timestamp), (0, 0));
    assert_eq!(header.base_fee_per_gas, Some(1_000_000_000));
    assert_eq!(header.beneficiary, FeeParams::DEFAULT_FEE_VAULT);
    let empty_trie = b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    // Of the withdrawal tree: 32 levels over zero.
    let no_withdrawals =
        b256!("0x27ae5ba08d7291c96c8cbddcc148bf48a6d68c7974b94356f53754ef6171d757");
    assert_eq!(header.withdrawals_root, Some(no_withdrawals));
    let on_l1 = ChainSpec::dev_l1().genesis_header(root);
    assert_eq!(on_l1.withdrawals_root, Some(empty_trie));
    assert_eq!(header.transactions_root, empty_trie);
    assert_eq!(header.receipts_root, empty_trie);
    assert_eq!(header.blob_gas_used, Some(0));
    assert_eq!(header.excess_blob_gas, Some(0));
    assert_eq!(header.parent_beacon_block_root, Some(B256::ZERO));
    // sha256 of nothing, by EIP-7685.
    let no_requests = b256!("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(header.requests_hash, Some(no_requests));
}

#[test]
fn its_l1_has_the_same_accounts_and_no_bridge() {
    let spec = ChainSpec::dev_l1();
    assert_eq!(spec.chain_id(), 1337);
    assert_eq!(spec.bridge(), None);
    let dev = ChainSpec::dev();
    for (address, account) in &dev.genesis().alloc {
        if !account.balance.is_zero() {
            let there = spec
                .genesis()
                .alloc
                .get(address)
                .map(|account| account.balance);
            assert_eq!(there, Some(account.balance), "{address}");
        }
    }
    assert_eq!(dev.bridge().unwrap().l1_chain_id, spec.chain_id());
}
