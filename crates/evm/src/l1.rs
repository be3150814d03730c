//! What a block reads and writes of the bridge's contracts on L2.

use alloy_evm::Evm;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use aura_chainspec::ChainSpec;
use aura_primitives::bridge::{
    L1BlockInfo,
    predeploys::{self, config_slots, passer_slots},
};
use aura_storage::{StateView, StorageError};
use revm::{Database, DatabaseCommit, context_interface::result::ExecutionResult};

use crate::{
    ExecutionError, StateDb, block_evm::BlockEvm, describe_halt, state_db::StateReadError,
};

/// What the system call before a block's transactions calls.
const SET: &str = "set(uint64,uint64,bytes32,uint256,uint256,uint64,bytes32)";

/// Input of `AuraL1Block.set`.
fn set_input(info: &L1BlockInfo) -> Bytes {
    let origin = &info.origin;
    let words: [B256; 7] = [
        U256::from(origin.number).into(),
        U256::from(origin.timestamp).into(),
        origin.hash,
        origin.base_fee.into(),
        origin.blob_base_fee.into(),
        U256::from(info.consumed).into(),
        info.queue_acc,
    ];
    let mut input = keccak256(SET)[..4].to_vec();
    for word in words {
        input.extend_from_slice(word.as_slice());
    }
    input.into()
}

/// Tells L2 what it is to know of L1: the system call of BRIDGE, without transaction and logs.
pub(crate) fn tell(evm: &mut BlockEvm, info: &L1BlockInfo) -> Result<(), ExecutionError> {
    let called =
        evm.transact_system_call(predeploys::SYSTEM, predeploys::L1_BLOCK, set_input(info));
    let outcome = called.map_err(|error| ExecutionError::L1Info(error.to_string()))?;
    let problem = match &outcome.result {
        // An account without code would succeed, too.
        ExecutionResult::Success { .. }
            if outcome
                .state
                .get(&predeploys::L1_BLOCK)
                .is_none_or(|account| account.info.is_code_hash_empty_or_zero()) =>
        {
            Some("there is no contract")
        }
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { .. } => Some("it reverted"),
        ExecutionResult::Halt { reason, .. } => Some(describe_halt(reason)),
    };
    if let Some(problem) = problem {
        return Err(ExecutionError::L1Info(problem.to_owned()));
    }
    evm.db_mut().commit(outcome.state);
    Ok(())
}

/// Queue entries that the blocks before have consumed, as the contract has it.
pub(crate) fn consumed(db: &mut StateDb) -> Result<u64, StateReadError> {
    // The first slot of `AuraL1Block`: number and time of the L1 block and this, 64 bits each.
    let numbers = db.storage(predeploys::L1_BLOCK, U256::ZERO)?;
    Ok(numbers.as_limbs()[2])
}

/// Root of the withdrawals, which the header of a bridged chain holds; `None` on other chains.
pub(crate) fn withdrawal_root(
    spec: &ChainSpec,
    db: &mut StateDb,
) -> Result<Option<B256>, StateReadError> {
    if spec.bridge().is_none() {
        return Ok(None);
    }
    let root = db.storage(predeploys::MESSAGE_PASSER, passer_slots::ROOT)?;
    Ok(Some(root.into()))
}

/// Gas limit of the block on top of `view`: what L1 has set, else `fallback`.
///
/// # Errors
/// Whatever a read of the state can fail with.
pub fn next_gas_limit(view: &StateView, fallback: u64) -> Result<u64, StorageError> {
    let set = view.slot(predeploys::CONFIG, config_slots::GAS_LIMIT)?;
    // The contract takes no value above ten billion.
    Ok(u64::try_from(set)
        .ok()
        .filter(|limit| *limit > 0)
        .unwrap_or(fallback))
}
