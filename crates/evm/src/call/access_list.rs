//! The access list that a transaction would profit from.

use alloy_consensus::Header;
use alloy_eips::eip2930::AccessListResult;
use alloy_primitives::U256;
use aura_chainspec::ChainSpec;
use aura_storage::StateView;
use revm::{
    context::TxEnv,
    context_interface::{result::ExecutionResult, transaction::TransactionType},
};
use revm_inspectors::access_list::AccessListInspector;

use super::{CallError, CallLimits, CallRequest, execution::Execution, failed};

/// Most runs until the list must stand; each one costs a full execution.
const MAX_ROUNDS: usize = 16;

/// Collects addresses and slots that the transaction touches, without the sender, the callee and
/// precompiles, and the gas used with that list.
///
/// The list changes gas and so may change what is touched: as geth, the transaction is run with the
/// list of the run before until it stays the same. A failing transaction gives a list too, and
/// its error in the result.
///
/// # Errors
/// As for [`call`](super::call), but for reverts and halts.
pub fn create_access_list(
    spec: &ChainSpec,
    view: StateView,
    env_header: &Header,
    request: CallRequest,
    limits: &CallLimits,
) -> Result<AccessListResult, CallError> {
    let mut execution = Execution::prepare(spec, view, env_header, request, limits)?;
    execution.clamp_to_funds()?;
    let mut access_list = execution.tx.access_list.clone();
    let mut rounds = 0;
    loop {
        let mut tx = TxEnv {
            access_list: access_list.clone(),
            ..execution.tx.clone()
        };
        if tx.tx_type == TransactionType::Legacy as u8 {
            tx.tx_type = TransactionType::Eip2930 as u8;
        }
        let inspector = AccessListInspector::new(access_list.clone());
        let (next, inspector, result) = execution.inspect(tx, inspector)?;
        execution = next;
        let found = inspector.into_access_list();
        rounds += 1;
        if found == access_list || rounds == MAX_ROUNDS {
            return Ok(AccessListResult {
                access_list: found,
                gas_used: U256::from(result.tx_gas_used()),
                error: match result {
                    ExecutionResult::Success { .. } => None,
                    failure => Some(failed(failure).to_string()),
                },
            });
        }
        access_list = found;
    }
}
