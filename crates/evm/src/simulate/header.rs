//! Header and environment of a simulated block.

use alloy_consensus::{BlockHeader, EMPTY_OMMER_ROOT_HASH, Header};
use alloy_evm::EvmEnv;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::U256;
use aura_chainspec::ChainSpec;
use aura_primitives::SealedHeader;

use super::plan::Planned;
use crate::rules::{BlockRules, evm_env};

/// Header before execution: what request and parent give.
pub(super) fn header(
    spec: &ChainSpec,
    planned: &Planned,
    parent: &SealedHeader,
    validation: bool,
) -> Header {
    let Planned {
        number, timestamp, ..
    } = *planned;
    let overrides = &planned.block.overrides;
    let base_fee = || match overrides.base_fee {
        Some(fee) => fee.saturating_to(),
        None if validation => spec.next_base_fee(parent),
        // A call without a price could not pay any other.
        None => 0,
    };
    let merged = parent.difficulty.is_zero() || spec.is_paris_active_at_block(number);
    let mut header = Header {
        parent_hash: parent.seal(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: overrides.coinbase.unwrap_or(parent.beneficiary),
        difficulty: if merged {
            U256::ZERO
        } else {
            overrides.difficulty.unwrap_or(parent.difficulty)
        },
        number,
        timestamp,
        gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
        mix_hash: overrides.random.unwrap_or_default(),
        base_fee_per_gas: spec.is_london_active_at_block(number).then(base_fee),
        ..Header::default()
    };
    let rules = BlockRules::new(spec, &header);
    if rules.is_cancun_active_at_timestamp(timestamp) {
        let blob_params = spec.blob_params_at(timestamp);
        let excess = parent.maybe_next_block_excess_blob_gas(blob_params);
        header.blob_gas_used = Some(0);
        header.excess_blob_gas = Some(excess.unwrap_or_default());
        header.parent_beacon_block_root = Some(overrides.beacon_root.unwrap_or_default());
    }
    header
}

/// Environment of the block, without the rules that simulated senders need not keep.
pub(super) fn env(
    spec: &ChainSpec,
    header: &Header,
    blob_base_fee: Option<U256>,
    validation: bool,
) -> EvmEnv {
    let mut env = evm_env(spec, header);
    let cfg = &mut env.cfg_env;
    cfg.disable_eip3607 = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    cfg.disable_nonce_check = !validation;
    cfg.disable_base_fee = !validation;
    if let (Some(fee), Some(blob)) = (blob_base_fee, &mut env.block_env.blob_excess_gas_and_price) {
        blob.blob_gasprice = fee.saturating_to();
    }
    env
}
