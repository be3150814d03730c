//! A header against its parent's.

use std::fmt::Display;

use alloy_consensus::{BlockHeader as _, EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{B64, U256};
use aura_chainspec::{ChainSpec, Commitment};
use aura_primitives::SealedHeader;

use super::{Ancestors, BlockRule};
use crate::{ExecutionError, rules::BlockRules};

/// Smallest block gas limit that the protocol allows.
const MIN_GAS_LIMIT: u64 = 5_000;
/// Largest block gas limit that the protocol allows (go-ethereum's bound, `2^63 - 1`).
const MAX_GAS_LIMIT: u64 = i64::MAX as u64;
/// The gas limit moves by less than this part of the parent's.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;
/// Longest `extraData`. Proof-of-authority engines need more, and are not supported.
const MAX_EXTRA_DATA_BYTES: usize = 32;
/// Extra data on the side of the DAO fork that moves the balances.
const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";

/// Checks everything about `header` that does not need the body or its execution.
pub(super) fn check_header(
    spec: &ChainSpec,
    parent: &SealedHeader,
    header: &Header,
    ancestors: &dyn Ancestors,
) -> Result<(), ExecutionError> {
    let field = Comparison(header.number);
    field.check("number", header.number, parent.number.saturating_add(1))?;
    field.check("parentHash", header.parent_hash, parent.seal())?;
    check_merge(spec, parent, header, ancestors)?;
    check_own_rules(spec, parent, header)
        .map_err(|rule| ExecutionError::invalid_block(header.number, rule))?;
    if spec.is_merged(header) {
        field.check("difficulty", header.difficulty, U256::ZERO)?;
        field.check("nonce", header.nonce, B64::ZERO)?;
        field.check("sha3Uncles", header.ommers_hash, EMPTY_OMMER_ROOT_HASH)?;
    } else {
        let difficulty = spec.next_difficulty(parent, header.timestamp);
        field.check("difficulty", header.difficulty, difficulty)?;
    }
    check_fees(spec, parent, header)
}

/// The side of the merge, by the total difficulty.
fn check_merge(
    spec: &ChainSpec,
    parent: &SealedHeader,
    header: &Header,
    ancestors: &dyn Ancestors,
) -> Result<(), ExecutionError> {
    let Some(terminal) = spec.terminal_total_difficulty() else {
        return Ok(());
    };
    let merged = spec.is_merged(header);
    let invalid = |rule| Err(ExecutionError::invalid_block(header.number, rule));
    if spec.is_merged(parent) {
        return if merged {
            Ok(())
        } else {
            let total = terminal;
            invalid(BlockRule::ProofOfWorkAfterMerge { total })
        };
    }
    let total = ancestors
        .total_difficulty(parent)
        .map_err(ExecutionError::State)?;
    match (total >= terminal, merged) {
        (true, false) => invalid(BlockRule::ProofOfWorkAfterMerge { total }),
        (false, true) => invalid(BlockRule::MergeTooEarly { total, terminal }),
        _ => Ok(()),
    }
}

fn check_own_rules(
    spec: &ChainSpec,
    parent: &SealedHeader,
    header: &Header,
) -> Result<(), BlockRule> {
    let is_aura = spec.commitment() == Commitment::Smt;
    let in_order =
        header.timestamp > parent.timestamp || (is_aura && header.timestamp == parent.timestamp);
    if !in_order {
        return Err(BlockRule::Timestamp {
            timestamp: header.timestamp,
            parent: parent.timestamp,
        });
    }
    if header.extra_data.len() > MAX_EXTRA_DATA_BYTES {
        return Err(BlockRule::ExtraDataTooLong(header.extra_data.len()));
    }
    if let Some(moves) = spec.dao_side(header.number)
        && moves != (header.extra_data.as_ref() == DAO_EXTRA_DATA)
    {
        return Err(BlockRule::DaoExtraData);
    }
    if !(MIN_GAS_LIMIT..=MAX_GAS_LIMIT).contains(&header.gas_limit) {
        return Err(BlockRule::GasLimit(header.gas_limit));
    }
    if header.gas_used > header.gas_limit {
        return Err(BlockRule::GasUsed {
            used: header.gas_used,
            limit: header.gas_limit,
        });
    }
    // The operator of an Aura chain sets the gas limit as it likes.
    if is_aura {
        Ok(())
    } else {
        check_gas_limit_step(spec, parent, header)
    }
}

fn check_gas_limit_step(
    spec: &ChainSpec,
    parent: &SealedHeader,
    header: &Header,
) -> Result<(), BlockRule> {
    let london = |number| spec.is_london_active_at_block(number);
    // In London's first block the limit becomes the target, and the limit twice that.
    let parent_limit = if london(header.number) && !london(parent.number) {
        parent.gas_limit.saturating_mul(spec.fee().elasticity)
    } else {
        parent.gas_limit
    };
    if header.gas_limit.abs_diff(parent_limit) < parent_limit / GAS_LIMIT_BOUND_DIVISOR {
        Ok(())
    } else {
        Err(BlockRule::GasLimitStep {
            found: header.gas_limit,
            parent: parent_limit,
        })
    }
}

/// Base fee, blob gas, and which fields of later forks there are.
fn check_fees(
    spec: &ChainSpec,
    parent: &SealedHeader,
    header: &Header,
) -> Result<(), ExecutionError> {
    let field = Comparison(header.number);
    let rules = BlockRules::new(spec, header);
    let base_fee = rules
        .is_london_active_at_block(header.number)
        .then(|| spec.next_base_fee(parent));
    field.check_option("baseFeePerGas", header.base_fee_per_gas, base_fee)?;
    let time = header.timestamp;
    let shanghai = rules.is_shanghai_active_at_timestamp(time);
    let cancun = rules.is_cancun_active_at_timestamp(time);
    let prague = rules.is_prague_active_at_timestamp(time);
    let amsterdam = rules.is_ethereum_fork_active_at_timestamp(EthereumHardfork::Amsterdam, time);
    let fields = [
        (
            "withdrawalsRoot",
            header.withdrawals_root.is_some(),
            shanghai,
        ),
        ("blobGasUsed", header.blob_gas_used.is_some(), cancun),
        (
            "parentBeaconBlockRoot",
            header.parent_beacon_block_root.is_some(),
            cancun,
        ),
        ("requestsHash", header.requests_hash.is_some(), prague),
        ("slotNumber", header.slot_number.is_some(), amsterdam),
        (
            "blockAccessListHash",
            header.block_access_list_hash.is_some(),
            amsterdam,
        ),
    ];
    for (name, found, required) in fields {
        let text = |present| if present { "present" } else { "absent" };
        field.check(name, text(found), text(required))?;
    }
    let blob_params = spec.blob_params_at(time).filter(|_| cancun);
    if let (Some(params), Some(used)) = (blob_params, header.blob_gas_used) {
        let max = params.max_blob_count;
        if used % DATA_GAS_PER_BLOB != 0 || used / DATA_GAS_PER_BLOB > max {
            let rule = BlockRule::BlobGas { found: used, max };
            return Err(ExecutionError::invalid_block(header.number, rule));
        }
    }
    // The first block with blobs has a parent without.
    let excess = blob_params.map(|params| {
        parent
            .maybe_next_block_excess_blob_gas(Some(params))
            .unwrap_or_default()
    });
    field.check_option("excessBlobGas", header.excess_blob_gas, excess)
}

/// Compares fields of the block with this number.
pub(super) struct Comparison(pub(super) u64);

impl Comparison {
    pub(super) fn check<T: PartialEq + Display>(
        &self,
        field: &'static str,
        found: T,
        computed: T,
    ) -> Result<(), ExecutionError> {
        if found == computed {
            return Ok(());
        }
        Err(ExecutionError::HeaderMismatch {
            number: self.0,
            field,
            found: found.to_string(),
            computed: computed.to_string(),
        })
    }

    pub(super) fn check_option<T: PartialEq + Display>(
        &self,
        field: &'static str,
        found: Option<T>,
        computed: Option<T>,
    ) -> Result<(), ExecutionError> {
        let text = |value: Option<T>| value.map_or_else(|| "absent".to_owned(), |v| v.to_string());
        if found == computed {
            return Ok(());
        }
        self.check(field, text(found), text(computed))
    }
}
