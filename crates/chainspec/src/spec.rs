//! The rules of one chain.

use std::path::Path;

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_genesis::Genesis;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B256};
use aura_primitives::GenesisState;

use crate::{ChainSpecError, FeeParams};

/// The rules of one chain.
#[derive(Debug, Clone)]
pub struct ChainSpec {}

#[allow(unused_variables)]
impl ChainSpec {
    /// Reads and checks a genesis file of an Aura chain.
    pub fn from_genesis_json(json: &str) -> Result<Self, ChainSpecError> {
        todo!()
    }
    /// Reads and checks a genesis file of an Aura chain.
    pub fn from_genesis_file(path: &Path) -> Result<Self, ChainSpecError> {
        todo!()
    }
    /// Any chain, from Frontier on, without the checks of an Aura chain.
    pub fn from_genesis(genesis: Genesis, fee: FeeParams) -> Self {
        todo!()
    }
    /// A chain on which `fork` and all forks before it are active from genesis.
    pub fn at_fork(fork: EthereumHardfork, genesis: Genesis, fee: FeeParams) -> Self {
        todo!()
    }
    /// The development chain.
    pub fn dev() -> Self {
        todo!()
    }
    /// Chain id.
    pub const fn chain_id(&self) -> u64 {
        0
    }
    /// The genesis file.
    pub fn genesis(&self) -> &Genesis {
        todo!()
    }
    /// Header of block 0.
    pub fn genesis_header(&self, state_root: B256) -> Header {
        todo!()
    }
    /// State of block 0.
    pub fn genesis_state(&self) -> GenesisState {
        todo!()
    }
    /// Fee parameters.
    pub fn fee(&self) -> &FeeParams {
        todo!()
    }
    /// Base fee of the block after `parent`.
    pub fn next_base_fee(&self, parent: &Header) -> u64 {
        todo!()
    }
    /// Blob parameters; `None` before Cancun.
    pub fn blob_params_at(&self, timestamp: u64) -> Option<BlobParams> {
        todo!()
    }
    /// Digest that tells chains apart before the genesis state root is known.
    pub fn identity(&self) -> B256 {
        todo!()
    }
    /// Fields of the file that mean nothing to Aura.
    pub fn unknown_fields(&self) -> &[String] {
        todo!()
    }
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, _fork: EthereumHardfork) -> ForkCondition {
        todo!()
    }
}

impl EthExecutorSpec for ChainSpec {
    fn deposit_contract_address(&self) -> Option<Address> {
        todo!()
    }
}
