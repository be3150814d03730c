//! The least gas limit with which a transaction succeeds.

use alloy_consensus::Header;
use alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA;
use alloy_primitives::TxKind;
use aura_chainspec::ChainSpec;
use aura_storage::StateView;
use revm::{
    context::TxEnv,
    context_interface::result::{ExecutionResult, InvalidTransaction},
};

use super::{
    CallError, CallLimits, CallRequest,
    execution::{Execution, TRANSFER_GAS},
    failed,
};
use crate::{InvalidTxReason, halt::is_out_of_gas};

/// Gas that a call with value hands to the callee for free.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when the bounds are this close, as a divisor of the upper one (1.5 %).
const TOLERANCE_DIVISOR: u64 = 66;

/// Finds a gas limit with which the transaction succeeds, at most 1.5 % above the least one; for a
/// plain transfer exactly 21,000.
///
/// As geth: one run with the largest allowed limit, then a bisection between what that run used and
/// the limit. The largest limit is the request's or the block's, what the sender can pay at the
/// request's price, the cap of [`CallLimits`], and EIP-7825's.
///
/// # Errors
/// [`CallError::Revert`] or [`CallError::Halt`] if it fails with the largest limit for a reason
/// that gas does not cure, [`CallError::GasExceedsAllowance`] if it needs more gas.
pub fn estimate_gas(
    spec: &ChainSpec,
    view: StateView,
    env_header: &Header,
    request: CallRequest,
    limits: &CallLimits,
) -> Result<u64, CallError> {
    let mut execution = Execution::prepare(spec, view, env_header, request, limits)?;
    let allowance = allowance(&mut execution)?;
    if is_plain_transfer(&mut execution)? && allowance >= TRANSFER_GAS {
        // What the recipient is does not matter to such a transfer, but whether the sender has
        // the funds does.
        if let Attempt::Success { .. } = attempt(&mut execution, TRANSFER_GAS)? {
            return Ok(TRANSFER_GAS);
        }
    }
    let (mut low, mut high) = match attempt(&mut execution, allowance)? {
        Attempt::Success { gas_used, gas_peak } => {
            let low = gas_used.saturating_sub(1);
            // 63/64 of the gas reach a callee: this much is enough in most cases.
            let optimistic = (gas_peak + CALL_STIPEND).saturating_mul(64) / 63;
            if optimistic < allowance {
                match attempt(&mut execution, optimistic)? {
                    Attempt::Success { .. } => (low, optimistic),
                    _ => (optimistic.max(low), allowance),
                }
            } else {
                (low, allowance)
            }
        }
        Attempt::TooLittleGas => return Err(CallError::GasExceedsAllowance { allowance }),
        Attempt::Failure(result) => return Err(failed(result)),
    };
    while low + 1 < high && high - low > high / TOLERANCE_DIVISOR {
        // Most transactions need little more than they use: look near the lower bound first.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        match attempt(&mut execution, middle)? {
            Attempt::Success { .. } => high = middle,
            _ => low = middle,
        }
    }
    Ok(high)
}

/// Largest gas limit to be tried.
fn allowance(execution: &mut Execution) -> Result<u64, CallError> {
    let mut allowance = match execution.requested_gas {
        Some(gas) if gas >= TRANSFER_GAS => gas,
        _ => execution.block_gas_limit,
    };
    if execution.is_osaka {
        allowance = allowance.min(MAX_TX_GAS_LIMIT_OSAKA);
    }
    if let Some(gas) = execution.affordable_gas()? {
        allowance = allowance.min(gas);
    }
    Ok(allowance.min(execution.limits.gas_cap))
}

/// A transfer to an account without code, with nothing attached that costs gas.
fn is_plain_transfer(execution: &mut Execution) -> Result<bool, CallError> {
    let TxKind::Call(to) = execution.tx.kind else {
        return Ok(false);
    };
    let tx = &execution.tx;
    let bare = tx.data.is_empty()
        && tx.access_list.is_empty()
        && tx.authorization_list.is_empty()
        && tx.blob_hashes.is_empty();
    Ok(bare && !execution.is_precompile(&to) && !execution.has_code(to)?)
}

enum Attempt {
    /// `gas_peak` counts gas that is refunded at the end.
    Success { gas_used: u64, gas_peak: u64 },
    /// More gas might help.
    TooLittleGas,
    /// It reverted, or halted for a reason that gas does not cure.
    Failure(ExecutionResult),
}

fn attempt(execution: &mut Execution, gas_limit: u64) -> Result<Attempt, CallError> {
    let tx = TxEnv {
        gas_limit,
        ..execution.tx.clone()
    };
    match execution.run(tx) {
        Ok(ExecutionResult::Success { gas, .. }) => Ok(Attempt::Success {
            gas_used: gas.tx_gas_used(),
            gas_peak: gas.total_gas_spent().max(gas.floor_gas()),
        }),
        Ok(ExecutionResult::Halt { reason, .. }) if is_out_of_gas(&reason) => {
            Ok(Attempt::TooLittleGas)
        }
        Ok(failure) => Ok(Attempt::Failure(failure)),
        Err(CallError::InvalidTransaction(InvalidTxReason(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
        ))) => Ok(Attempt::TooLittleGas),
        Err(error) => Err(error),
    }
}
