//! The rules of one block: its forks, and the side of the merge that it is on.

use std::{ops::Deref, sync::Arc};

use alloy_consensus::Header;
use alloy_evm::{EvmEnv, eth::spec::EthExecutorSpec};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::Address;
use aura_chainspec::ChainSpec;

use crate::instructions;

/// A chain's rules for one block.
///
/// Which block is the first after the merge follows from the total difficulty, so no list of fork
/// blocks has it; here the header says. The DAO fork is left out: alloy-evm would move the balances
/// after the transactions, and it has to be done before them.
#[derive(Debug, Clone)]
pub(crate) struct BlockRules<S> {
    spec: S,
    merged: bool,
}

impl<'a> BlockRules<&'a ChainSpec> {
    /// Rules of the block with this header.
    pub(crate) fn new(spec: &'a ChainSpec, header: &Header) -> Self {
        let merged = spec.is_merged(header);
        Self { spec, merged }
    }
}

impl BlockRules<Arc<ChainSpec>> {
    /// Rules of the block with this header, to be kept.
    pub(crate) fn shared(spec: Arc<ChainSpec>, header: &Header) -> Self {
        let merged = spec.is_merged(header);
        Self { spec, merged }
    }
}

impl<S: Deref<Target = ChainSpec>> EthereumHardforks for BlockRules<S> {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        if fork == EthereumHardfork::Dao {
            return ForkCondition::Never;
        }
        match self.spec.ethereum_fork_activation(fork) {
            ForkCondition::TTD {
                fork_block,
                total_difficulty,
                ..
            } => ForkCondition::TTD {
                activation_block_number: if self.merged { 0 } else { u64::MAX },
                fork_block,
                total_difficulty,
            },
            // Forks by time build on the merge.
            ForkCondition::Timestamp(_) if !self.merged => ForkCondition::Never,
            condition => condition,
        }
    }
}

impl<S: Deref<Target = ChainSpec>> EthExecutorSpec for BlockRules<S> {
    fn deposit_contract_address(&self) -> Option<Address> {
        self.spec.deposit_contract_address()
    }
}

/// EVM environment of the block with this header.
pub(crate) fn evm_env(spec: &ChainSpec, header: &Header) -> EvmEnv {
    let rules = BlockRules::new(spec, header);
    let blob_params = spec.blob_params_at(header.timestamp);
    let mut env = EvmEnv::for_eth_block(header, &rules, spec.chain_id(), blob_params);
    let active = |fork| rules.is_ethereum_fork_active_at_block(fork, header.number);
    if active(EthereumHardfork::Constantinople) && !active(EthereumHardfork::Petersburg) {
        instructions::set_constantinople(&mut env.cfg_env);
    }
    env
}
