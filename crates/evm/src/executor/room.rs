//! Whether a transaction has its place in the open block.

use std::sync::Arc;

use alloy_consensus::Transaction;
use alloy_eips::Typed2718;
use aura_primitives::{DepositRule, RecoveredTx, TxDeposit, bridge::predeploys};

use super::BlockExecutor;
use crate::{ExecutionError, error::DepositFault};

impl BlockExecutor {
    /// Lets the transactions that follow have at most `bytes` together.
    pub fn limit_bytes(&mut self, bytes: u64) {
        self.bytes_left = self.bytes_left.min(bytes);
    }

    pub(super) fn check_room(&self, tx: &RecoveredTx, bytes: u64) -> Result<(), ExecutionError> {
        if bytes > self.bytes_left {
            return Err(ExecutionError::BlockFull {
                resource: "bytes",
                needed: bytes,
                left: self.bytes_left,
            });
        }
        if let Some(deposit) = tx.as_deposit() {
            self.check_deposit(deposit)?;
        } else if tx.envelope().is_eip4844() {
            let needed = tx.envelope().blob_gas_used().unwrap_or_default();
            let left = self.max_blob_gas.saturating_sub(self.inner.blob_gas_used);
            // A transaction that no block could hold is invalid; revm says so.
            if needed > left && needed <= self.max_blob_gas {
                return Err(ExecutionError::BlockFull {
                    resource: "blob gas",
                    needed,
                    left,
                });
            }
        }
        Ok(())
    }

    /// A deposit's place and form. One that needs more gas than the block has left waits for the
    /// next, with all that follow it in the queue.
    fn check_deposit(&self, deposit: &TxDeposit) -> Result<(), ExecutionError> {
        let is_first = |tx: &Arc<RecoveredTx>| tx.envelope().is_deposit();
        let fault = match deposit.rule() {
            _ if self.spec.bridge().is_none() => Some(DepositFault::NoBridge),
            _ if !self
                .open
                .body
                .read()
                .transactions
                .last()
                .is_none_or(is_first) =>
            {
                Some(DepositFault::AfterTransaction)
            }
            DepositRule::System
                if deposit.from != predeploys::SYSTEM
                    || !deposit.mint.is_zero()
                    || !deposit.value.is_zero() =>
            {
                Some(DepositFault::SystemCall)
            }
            DepositRule::Credit if deposit.value != deposit.mint || !deposit.input.is_empty() => {
                Some(DepositFault::Credit)
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(ExecutionError::InvalidDeposit(fault));
        }
        let (needed, left) = (deposit.gas, self.gas_left());
        if needed > left {
            return Err(ExecutionError::BlockFull {
                resource: "gas",
                needed,
                left,
            });
        }
        Ok(())
    }
}
