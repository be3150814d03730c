//! The contracts that every Aura genesis has are those of Ethereum's mainnet.

use std::{collections::BTreeMap, path::Path};

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use aura_chainspec::ChainSpec;

#[path = "../examples/generate_genesis/preinstalls.rs"]
mod preinstalls;

const MAINNET: u64 = 1;
const PERMIT2: Address = address!("0x000000000022D473030F116dDEE9F6B43aC78BA3");
const ENTRY_POINT_07: Address = address!("0x0000000071727De22E5E9d8BAf0edAc6f37da032");
const ENTRY_POINT_08: Address = address!("0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108");

/// Hashes of the code on mainnet, as block explorers and the projects' own lists have them.
const ON_MAINNET: [(Address, B256); 15] = [
    (
        address!("0x4e59b44847b379578588920cA78FbF26c0B4956C"),
        b256!("0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"),
    ),
    (
        address!("0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7"),
        b256!("0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"),
    ),
    (
        address!("0xcA11bde05977b3631167028862bE2a173976CA11"),
        b256!("0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"),
    ),
    (
        address!("0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed"),
        b256!("0xbd8a7ea8cfca7b4e5f5041d7d4b17bc317c5ce42cfbc42066a00cf26b43eb53f"),
    ),
    (
        PERMIT2,
        b256!("0xc67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131"),
    ),
    (
        ENTRY_POINT_07,
        b256!("0x8db5ff695839d655407cc8490bb7a5d82337a86a6b39c3f0258aa6c3b582fc58"),
    ),
    // The sender creator of 0.7.
    (
        address!("0xEFC2c1444eBCC4Db75e7613d20C6a62fF67A167C"),
        b256!("0x283c9d14378f5f4c4e24045b87d621d48443fa5b4af7dd7180a599b3756a7689"),
    ),
    (
        ENTRY_POINT_08,
        b256!("0x44e632a24c6f2600cbd5b5b8b4c2d372359112c8b5774297f5fd0a9e64f11f86"),
    ),
    // The sender creator of 0.8.
    (
        address!("0x449ED7C3e6Fee6a97311d4b55475DF59C44AdD33"),
        b256!("0xc69a1b3a000d570bc86eb096ee63a9014a17951ad616d720882ec61432b00fcf"),
    ),
    (
        address!("0x41675C099F32341bf84BFc5382aF534df5C7461a"),
        b256!("0x1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4"),
    ),
    (
        address!("0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"),
        b256!("0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff"),
    ),
    (
        address!("0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67"),
        b256!("0x50c3cdc4074750a7a974204a716c999edd37482f907608d960b2b025ee0b3317"),
    ),
    (
        address!("0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99"),
        b256!("0x7c6007a5d711cea8dfd5d91f5940ec29c7f200fe511eb1fc1397b367af3c42f9"),
    ),
    (
        address!("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
        b256!("0x0e4f7fc66550a322d1e7688e181b75e217e662a4f3f4d6a29b22bc61217c4b77"),
    ),
    (
        address!("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"),
        b256!("0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939"),
    ),
];

fn create(chain_id: u64) -> BTreeMap<Address, GenesisAccount> {
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis/inputs");
    let json = std::fs::read_to_string(inputs.join("preinstalls.json")).unwrap();
    let list = preinstalls::read(&json).unwrap();
    preinstalls::create(&list, chain_id).unwrap()
}

fn code_hashes(accounts: &BTreeMap<Address, GenesisAccount>) -> BTreeMap<Address, B256> {
    let hash = |account: &GenesisAccount| keccak256(account.code.as_ref().unwrap());
    accounts
        .iter()
        .map(|(address, account)| (*address, hash(account)))
        .collect()
}

#[test]
fn constructors_make_the_code_that_mainnet_has() {
    let created = code_hashes(&create(MAINNET));
    assert_eq!(created, BTreeMap::from(ON_MAINNET));
}

#[test]
fn only_cached_domain_separators_differ_on_the_development_chain() {
    let spec = ChainSpec::dev();
    let mut created = code_hashes(&create(spec.chain_id()));
    let in_genesis: BTreeMap<_, _> = spec
        .genesis_state()
        .accounts
        .into_iter()
        .map(|(address, account)| (address, account.code_hash))
        .filter(|(address, _)| created.contains_key(address))
        .collect();
    assert_eq!(
        created, in_genesis,
        "the genesis file has what the constructors make"
    );
    let mut mainnet = BTreeMap::from(ON_MAINNET);
    for address in [PERMIT2, ENTRY_POINT_08] {
        assert_ne!(created.remove(&address), mainnet.remove(&address));
    }
    assert_eq!(created, mainnet);
}

#[test]
fn cached_domain_separators_are_those_of_the_chain() {
    let chain_id = ChainSpec::dev().chain_id();
    let accounts = create(chain_id);
    let chain = U256::from(chain_id).to_be_bytes::<32>();
    let separator = |domain: &[u8], strings: &[&str], contract: Address| {
        let mut words = vec![keccak256(domain)];
        words.extend(strings.iter().map(|text| keccak256(text.as_bytes())));
        words.extend([chain.into(), contract.into_word()]);
        keccak256(words.concat())
    };
    let permit2 = b"EIP712Domain(string name,uint256 chainId,address verifyingContract)";
    let entry_point =
        b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    let expected = [
        (PERMIT2, separator(permit2, &["Permit2"], PERMIT2)),
        (
            ENTRY_POINT_08,
            separator(entry_point, &["ERC4337", "1"], ENTRY_POINT_08),
        ),
    ];
    for (address, separator) in expected {
        let code = accounts[&address].code.as_ref().unwrap();
        let cached = |word: &[u8]| code.windows(32).any(|window| window == word);
        assert!(cached(separator.as_slice()), "{address}: {separator}");
        assert!(cached(&chain), "{address}: chain id");
    }
}

#[test]
fn constructors_leave_their_storage_and_nonces() {
    let accounts = create(ChainSpec::dev().chain_id());
    let slots = |address: &str| {
        let account = &accounts[&address.parse::<Address>().unwrap()];
        let storage = account.storage.clone().unwrap_or_default();
        storage
            .into_iter()
            .map(|(slot, value)| (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0)))
            .collect::<Vec<_>>()
    };
    let one = U256::from(1);
    // The singletons of Safe own themselves, so that nobody can set them up.
    for safe in [
        "0x41675C099F32341bf84BFc5382aF534df5C7461a",
        "0x29fcB43b46531BcA003ddC8FCB67FFE91900C762",
    ] {
        assert_eq!(slots(safe), [(U256::from(4), one)], "threshold of {safe}");
    }
    assert_eq!(
        slots(&ENTRY_POINT_07.to_string()),
        [(U256::from(2), one)],
        "not entered"
    );
    for (address, account) in &accounts {
        assert!(account.nonce.unwrap() >= 1, "{address} is a contract");
        assert!(account.balance.is_zero(), "{address}");
    }
    for entry_point in [ENTRY_POINT_07, ENTRY_POINT_08] {
        assert_eq!(
            accounts[&entry_point].nonce,
            Some(2),
            "it made its sender creator"
        );
    }
}
