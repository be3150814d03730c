//! Read-only executions: call, gas estimation, access list.

mod access_list;
pub(crate) mod deadline;
mod error;
mod estimate;
pub(crate) mod execution;
pub(crate) mod request;

use std::time::Duration;

use alloy_consensus::Header;
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use aura_chainspec::ChainSpec;
use aura_storage::StateView;
use revm::context_interface::result::ExecutionResult;

pub use access_list::create_access_list;
pub use error::CallError;
pub use estimate::estimate_gas;

use crate::describe_halt;
use execution::Execution;

/// In which block a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockEnvSource {
    /// In the block of the given header, after its last transaction.
    Header,
    /// In the block after it, at `timestamp` (at the header's time if that is later).
    Next {
        /// Unix time in seconds of the next block.
        timestamp: u64,
    },
}

/// A call with its surroundings.
#[derive(Debug, Clone)]
pub struct CallRequest {
    /// What the client sent.
    pub tx: TransactionRequest,
    /// In which block it runs.
    pub block: BlockEnvSource,
    /// Accounts to be changed before.
    pub state_overrides: Option<StateOverride>,
    /// Fields of the block environment to be changed.
    pub block_overrides: Option<Box<BlockOverrides>>,
}

/// What one call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Largest gas limit; a request's is clamped to it.
    pub gas_cap: u64,
    /// Longest execution.
    pub timeout: Duration,
}

/// Runs a message call (or creation) on `view` and returns its output.
///
/// As geth's `eth_call`: no signature, nonce or code of the sender is checked, fees only if the
/// request names a nonzero price, funds for `value` always.
///
/// # Errors
/// Any [`CallError`]; a revert carries the callee's data untouched.
pub fn call(
    spec: &ChainSpec,
    view: StateView,
    env_header: &Header,
    request: CallRequest,
    limits: &CallLimits,
) -> Result<Bytes, CallError> {
    let mut execution = Execution::prepare(spec, view, env_header, request, limits)?;
    execution.clamp_to_funds()?;
    let tx = execution.tx.clone();
    match execution.run(tx)? {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        failure => Err(failed(failure)),
    }
}

/// The error of an execution that did not succeed.
fn failed(result: ExecutionResult) -> CallError {
    match result {
        ExecutionResult::Halt { reason, gas, .. } => CallError::Halt {
            reason: describe_halt(&reason),
            gas_used: gas.tx_gas_used(),
        },
        ExecutionResult::Revert { output, .. } => CallError::Revert { data: output },
        ExecutionResult::Success { output, .. } => CallError::Revert {
            data: output.into_data(),
        },
    }
}
