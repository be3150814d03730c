//! What a chain requires of its genesis beyond being well-formed.

use alloy_genesis::{ChainConfig, Genesis};
use alloy_primitives::U256;

use crate::{ChainSpecError, Commitment, FeeParams, forks};

/// Largest chain id for which `v = 35 + 2 * id + 1` of EIP-155 fits 64 bits (EIP-2294).
const MAX_CHAIN_ID: u64 = u64::MAX / 2 - 36;
/// Ethereum's bounds of a block's gas limit.
const MIN_GAS_LIMIT: u64 = 5_000;
const MAX_GAS_LIMIT: u64 = u64::MAX / 2;
/// Far above any schedule, and low enough that blob gas never overflows 64 bits.
const MAX_BLOBS_PER_BLOCK: u64 = 4_096;

/// Refuses what a chain of this kind cannot run, by name.
pub(crate) fn check(
    genesis: &Genesis,
    fee: &FeeParams,
    commitment: Commitment,
) -> Result<(), ChainSpecError> {
    check_header(genesis, fee, commitment)?;
    forks::check_order(&genesis.config)?;
    check_blob_schedule(&genesis.config)?;
    match commitment {
        Commitment::Smt => {
            check_active_at_genesis(genesis)?;
            check_accounts(genesis)
        }
        // What Ethereum's clients accept: any schedule, and accounts as they are written.
        Commitment::Mpt => check_merge(genesis),
    }
}

fn check_header(
    genesis: &Genesis,
    fee: &FeeParams,
    commitment: Commitment,
) -> Result<(), ChainSpecError> {
    let chain_id = genesis.config.chain_id;
    if chain_id == 0 || chain_id > MAX_CHAIN_ID {
        return Err(ChainSpecError::ChainId(chain_id));
    }
    // Ethereum bounds the gas limit of every block but the first.
    let min_gas_limit = match commitment {
        Commitment::Smt => MIN_GAS_LIMIT,
        Commitment::Mpt => 0,
    };
    if !(min_gas_limit..=MAX_GAS_LIMIT).contains(&genesis.gas_limit) {
        return Err(ChainSpecError::GasLimit(genesis.gas_limit));
    }
    if let Some(number @ 1..) = genesis.number {
        return Err(ChainSpecError::Number(number));
    }
    let Some(base_fee) = genesis.base_fee_per_gas else {
        return Ok(());
    };
    let base_fee = u64::try_from(base_fee).map_err(|_| ChainSpecError::InvalidField {
        field: "baseFeePerGas".to_owned(),
        reason: format!("{base_fee} does not fit 64 bits"),
    })?;
    if base_fee < fee.min_base_fee_wei {
        return Err(ChainSpecError::BaseFeeBelowMinimum {
            base_fee,
            minimum: fee.min_base_fee_wei,
        });
    }
    Ok(())
}

/// Cancun and everything before it must be active in block 0, the merge included.
fn check_active_at_genesis(genesis: &Genesis) -> Result<(), ChainSpecError> {
    let config = &genesis.config;
    let terminal = forks::terminal_difficulty(genesis).unwrap_or_default();
    if terminal > genesis.difficulty {
        return Err(ChainSpecError::NotMerged {
            terminal,
            difficulty: genesis.difficulty,
        });
    }
    if config.dao_fork_block.is_some_and(|block| block != 0) {
        return Err(ChainSpecError::DaoFork);
    }
    for entry in forks::entries(config) {
        let required = entry.is_required_before_prague();
        if (required || entry.is_scheduled_by_block()) && !entry.is_active_at_genesis(genesis) {
            return Err(ChainSpecError::NotActiveAtGenesis(entry.key));
        }
    }
    Ok(())
}

/// A chain with forks by time has to merge first.
fn check_merge(genesis: &Genesis) -> Result<(), ChainSpecError> {
    if forks::terminal_difficulty(genesis).is_some() {
        return Ok(());
    }
    match forks::first_by_time(&genesis.config) {
        Some(fork) => Err(ChainSpecError::NoMerge(fork)),
        None => Ok(()),
    }
}

/// Cancun, Prague and Osaka have Ethereum's parameters by default, a BPO fork has no default.
fn check_blob_schedule(config: &ChainConfig) -> Result<(), ChainSpecError> {
    let refuse = |fork: &str, reason| {
        Err(ChainSpecError::BlobSchedule {
            fork: fork.to_owned(),
            reason,
        })
    };
    for (fork, params) in &config.blob_schedule {
        if params.max_blob_count == 0 || params.max_blob_count > MAX_BLOBS_PER_BLOCK {
            return refuse(fork, "`max` is not in 1..=4096");
        }
        if params.target_blob_count > params.max_blob_count {
            return refuse(fork, "`target` is above `max`");
        }
        if params.update_fraction == 0 {
            return refuse(fork, "`baseFeeUpdateFraction` is zero");
        }
    }
    let bpo_forks = [
        ("bpo1", config.bpo1_time),
        ("bpo2", config.bpo2_time),
        ("bpo3", config.bpo3_time),
        ("bpo4", config.bpo4_time),
        ("bpo5", config.bpo5_time),
    ];
    for (fork, time) in bpo_forks {
        if time.is_some() && !config.blob_schedule.contains_key(fork) {
            return refuse(
                fork,
                "the fork is scheduled, but its blob parameters are missing",
            );
        }
    }
    Ok(())
}

fn check_accounts(genesis: &Genesis) -> Result<(), ChainSpecError> {
    for (address, account) in &genesis.alloc {
        let nonce = account.nonce.unwrap_or(0);
        if nonce == u64::MAX {
            return Err(ChainSpecError::Nonce(*address));
        }
        let is_empty =
            nonce == 0 && account.balance == U256::ZERO && account.non_empty_code().is_none();
        if is_empty && account.storage_slots().any(|(_, value)| !value.is_zero()) {
            return Err(ChainSpecError::StorageOfEmptyAccount(*address));
        }
    }
    Ok(())
}
