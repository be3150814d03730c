//! The rules of one chain.

use std::path::Path;

use alloy_consensus::{Header, constants::EMPTY_WITHDRAWALS};
use alloy_eips::{BlobScheduleBlobParams, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams};
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::{EthereumChainHardforks, EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, Keccak256, U256, keccak256};
use aura_primitives::{Account, GenesisState};

use crate::{BridgeSpec, ChainSpecError, FeeParams, bridge, check, forks, parse};

/// The development chain's genesis file.
const DEV_GENESIS: &str = include_str!("../../../genesis/dev.json");
/// That of its L1.
const DEV_L1_GENESIS: &str = include_str!("../../../genesis/dev-l1.json");

/// How a header's state root commits to the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commitment {
    /// Root of Aura's sparse Merkle tree.
    Smt,
    /// Root of Ethereum's Merkle Patricia tries, on chains of a plain Ethereum genesis.
    Mpt,
}

/// The rules of one chain: forks, fee parameters, and the block and state it starts from.
///
/// Holds the accounts of the genesis file (about 250 bytes each); share it behind an
/// [`Arc`](std::sync::Arc).
#[derive(Debug, Clone)]
pub struct ChainSpec {
    chain_id: u64,
    pub(crate) genesis: Genesis,
    fee: FeeParams,
    commitment: Commitment,
    bridge: Option<BridgeSpec>,
    pub(crate) terminal_total_difficulty: Option<U256>,
    forks: EthereumChainHardforks,
    blob_schedule: BlobScheduleBlobParams,
    unknown_fields: Vec<String>,
}

impl ChainSpec {
    /// Reads and checks a genesis in geth's format.
    ///
    /// With an `aura` section it is an Aura chain: Cancun or later from block 0, sparse Merkle tree,
    /// the section's fee parameters. Without one it is an Ethereum chain: any schedule of forks from
    /// Frontier on, Merkle Patricia tries, Ethereum's fees.
    ///
    /// Fields of other clients are named in one warning and kept in [`Self::unknown_fields`].
    ///
    /// # Errors
    /// Any [`ChainSpecError`]; each names the field or the fork.
    pub fn from_genesis_json(json: &str) -> Result<Self, ChainSpecError> {
        let parsed = parse::parse(json)?;
        let bridge = parsed.section.as_ref().and_then(|section| section.bridge);
        let (fee, commitment) = match parsed.section {
            Some(section) => (section.fee_params()?, Commitment::Smt),
            None => (FeeParams::ETHEREUM, Commitment::Mpt),
        };
        check::check(&parsed.genesis, &fee, commitment)?;
        if let Some(bridge) = &bridge {
            bridge::check(&parsed.genesis, bridge)?;
        }
        if !parsed.unknown_fields.is_empty() {
            tracing::warn!(
                fields = %parsed.unknown_fields.join(", "),
                "genesis has fields without a meaning here"
            );
        }
        let mut spec = Self::from_genesis(parsed.genesis, fee);
        spec.commitment = commitment;
        spec.bridge = bridge;
        spec.unknown_fields = parsed.unknown_fields;
        Ok(spec)
    }

    /// Reads and checks a genesis file.
    ///
    /// # Errors
    /// As [`Self::from_genesis_json`], and [`ChainSpecError::Read`].
    pub fn from_genesis_file(path: &Path) -> Result<Self, ChainSpecError> {
        let json = std::fs::read_to_string(path).map_err(|source| ChainSpecError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_genesis_json(&json)
    }

    /// Any schedule of forks, from Frontier on, without checks; the commitment is [`Commitment::Smt`].
    pub fn from_genesis(genesis: Genesis, fee: FeeParams) -> Self {
        Self {
            chain_id: genesis.config.chain_id,
            forks: forks::activations(&genesis),
            terminal_total_difficulty: forks::terminal_difficulty(&genesis),
            blob_schedule: genesis.config.blob_schedule_blob_params(),
            genesis,
            fee,
            commitment: Commitment::Smt,
            bridge: None,
            unknown_fields: Vec::new(),
        }
    }

    /// As [`Self::from_genesis`], with `fork` and every fork before it active from block 0 and no
    /// later one; the forks of `genesis.config` are overwritten.
    pub fn at_fork(fork: EthereumHardfork, mut genesis: Genesis, fee: FeeParams) -> Self {
        forks::schedule_until(&mut genesis.config, fork);
        Self::from_genesis(genesis, fee)
    }

    /// The development chain: id 13371, Osaka, ten accounts of the well-known test mnemonic with
    /// 10,000 ETH each. Its bridge leads to [`Self::dev_l1`], where the first of these accounts makes the
    /// contracts with its first transactions.
    pub fn dev() -> Self {
        Self::from_genesis_json(DEV_GENESIS).expect("a test reads the embedded file")
    }

    /// Text of the development chain's genesis, for [`with_bridge`](crate::with_bridge).
    pub const fn dev_genesis_json() -> &'static str {
        DEV_GENESIS
    }

    /// The L1 of the development chain: id 1337, the same accounts, no bridge.
    pub fn dev_l1() -> Self {
        Self::from_genesis_json(DEV_L1_GENESIS).expect("a test reads the embedded file")
    }

    /// Chain id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The genesis file, without its `aura` section.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// How headers commit to the state. It also tells an Aura chain from an Ethereum chain.
    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// The L1 side of this chain's bridge; `None` on a chain without one.
    pub const fn bridge(&self) -> Option<&BridgeSpec> {
        self.bridge.as_ref()
    }

    /// Fee parameters.
    pub const fn fee(&self) -> &FeeParams {
        &self.fee
    }

    /// Fields of the genesis file that mean nothing here, as paths (`config.clique`), sorted.
    pub fn unknown_fields(&self) -> &[String] {
        &self.unknown_fields
    }

    /// Header of block 0 over the given state root.
    pub fn genesis_header(&self, state_root: B256) -> Header {
        let genesis = &self.genesis;
        let number = genesis.number.unwrap_or(0);
        let time = genesis.timestamp;
        let base_fee = || match genesis.base_fee_per_gas {
            // A checked genesis fits; of others only the low half can be meant.
            Some(base_fee) => u64::try_from(base_fee).unwrap_or(u64::MAX),
            None => self.fee.initial_base_fee(),
        };
        let cancun = self.is_cancun_active_at_timestamp(time);
        Header {
            parent_hash: genesis.parent_hash.unwrap_or_default(),
            beneficiary: genesis.coinbase,
            state_root,
            difficulty: genesis.difficulty,
            number,
            gas_limit: genesis.gas_limit,
            timestamp: time,
            extra_data: genesis.extra_data.clone(),
            mix_hash: genesis.mix_hash,
            nonce: genesis.nonce.into(),
            base_fee_per_gas: self.is_london_active_at_block(number).then(base_fee),
            withdrawals_root: self.is_shanghai_active_at_timestamp(time).then(|| {
                match self.bridge {
                    // Headers commit to the withdrawal tree of `AuraMessagePasser`; it starts empty.
                    Some(_) => bridge::empty_withdrawal_root(),
                    None => EMPTY_WITHDRAWALS,
                }
            }),
            blob_gas_used: cancun.then(|| genesis.blob_gas_used.unwrap_or(0)),
            excess_blob_gas: cancun.then(|| genesis.excess_blob_gas.unwrap_or(0)),
            parent_beacon_block_root: cancun.then_some(B256::ZERO),
            requests_hash: self
                .is_prague_active_at_timestamp(time)
                .then_some(EMPTY_REQUESTS_HASH),
            // Transactions, receipts, uncles and bloom are empty.
            ..Header::default()
        }
    }

    /// State of block 0, sorted; zero slots are left out.
    ///
    /// So are, on an Aura chain, accounts that are empty by EIP-161. On an Ethereum chain they are part
    /// of the state until they are touched.
    pub fn genesis_state(&self) -> GenesisState {
        let mut state = GenesisState::default();
        // The map iterates by address, and an account's map by slot.
        for (address, entry) in &self.genesis.alloc {
            let account = account_of(entry);
            if account.is_empty() && self.commitment == Commitment::Smt {
                continue;
            }
            if let Some(code) = entry.non_empty_code() {
                state.code.push((account.code_hash, code.clone()));
            }
            state.accounts.push((*address, account));
            state.slots.extend(
                entry
                    .storage_slots()
                    .filter(|(_, value)| !value.is_zero())
                    .map(|(slot, value)| (*address, U256::from_be_bytes(slot.0), value)),
            );
        }
        state.code.sort_by_key(|(hash, _)| *hash);
        state.code.dedup_by_key(|(hash, _)| *hash);
        state
    }

    /// Base fee of the block after `parent`: [`FeeParams::next_base_fee`].
    pub fn next_base_fee(&self, parent: &Header) -> u64 {
        self.fee.next_base_fee(parent)
    }

    /// Blob parameters in force; `None` before Cancun.
    pub fn blob_params_at(&self, timestamp: u64) -> Option<BlobParams> {
        let schedule = &self.blob_schedule;
        if self.is_osaka_active_at_timestamp(timestamp) {
            let scheduled = schedule.active_scheduled_params_at_timestamp(timestamp);
            Some(*scheduled.unwrap_or(&schedule.osaka))
        } else if self.is_prague_active_at_timestamp(timestamp) {
            Some(schedule.prague)
        } else {
            self.is_cancun_active_at_timestamp(timestamp)
                .then_some(schedule.cancun)
        }
    }

    /// Digest that tells chains apart before the root of their genesis state is known.
    ///
    /// ```text
    /// keccak256(chain id[8] ‖ hash of the genesis header over state root zero[32] ‖ state digest[32])
    /// state digest = keccak256 over accounts (address[20] nonce[8] balance[32] code hash[32]),
    ///                then slots (address[20] slot[32] value[32]), in order, each list after its
    ///                length[8]
    /// ```
    /// Numbers are big-endian. Like the genesis hash it does not cover forks and fee parameters, so
    /// that a running chain can schedule an upgrade.
    pub fn identity(&self) -> B256 {
        let mut bytes = [0u8; 72];
        bytes[..8].copy_from_slice(&self.chain_id.to_be_bytes());
        let header = self.genesis_header(B256::ZERO).hash_slow();
        bytes[8..40].copy_from_slice(header.as_slice());
        bytes[40..].copy_from_slice(digest(&self.genesis_state()).as_slice());
        keccak256(bytes)
    }
}

fn account_of(entry: &GenesisAccount) -> Account {
    Account {
        nonce: entry.nonce.unwrap_or(0),
        balance: entry.balance,
        code_hash: entry.code_hash().unwrap_or(KECCAK256_EMPTY),
    }
}

fn digest(state: &GenesisState) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update((state.accounts.len() as u64).to_be_bytes());
    for (address, account) in &state.accounts {
        hasher.update(address);
        hasher.update(account.nonce.to_be_bytes());
        hasher.update(account.balance.to_be_bytes::<32>());
        hasher.update(account.code_hash);
    }
    hasher.update((state.slots.len() as u64).to_be_bytes());
    for (address, slot, value) in &state.slots {
        hasher.update(address);
        hasher.update(slot.to_be_bytes::<32>());
        hasher.update(value.to_be_bytes::<32>());
    }
    hasher.finalize()
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        self.forks.ethereum_fork_activation(fork)
    }
}

impl EthExecutorSpec for ChainSpec {
    fn deposit_contract_address(&self) -> Option<Address> {
        self.genesis.config.deposit_contract_address
    }
}
