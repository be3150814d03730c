//! What the verification of somebody else's block needs of the executor.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawals;
use alloy_evm::Evm;
use alloy_primitives::Address;
use aura_chainspec::ChainSpec;
use aura_primitives::{ExecutedBlock, SealedHeader, bridge::L1BlockInfo};
use aura_storage::StateView;
use revm::Database;

use super::{BlockExecutor, check_state};
use crate::{ExecutionError, verify::PostState};

impl BlockExecutor {
    /// Opens a block of somebody else's. Its size has been checked.
    pub(crate) fn verifying(
        spec: Arc<ChainSpec>,
        parent: &SealedHeader,
        header: Header,
        withdrawals: Option<Withdrawals>,
        l1_info: Option<&L1BlockInfo>,
        view: StateView,
    ) -> Result<Self, ExecutionError> {
        let mut executor = Self::with_header(spec, parent, header, withdrawals, l1_info, view)?;
        executor.bytes_left = u64::MAX;
        Ok(executor)
    }

    /// Gives the newest receipt the state root of now in place of its status (before Byzantium).
    pub(crate) fn set_post_state(
        &mut self,
        post_state: &mut PostState<'_>,
    ) -> Result<(), ExecutionError> {
        let root = self.inner.evm.db().with_state(post_state);
        let mut body = self.open.body.write();
        let index = body.transactions.len().saturating_sub(1);
        let root = root.flatten().ok_or(ExecutionError::NoPostState {
            number: self.open.header.number,
            index,
        })?;
        if let Some(receipt) = body.receipts.last_mut() {
            receipt.status = root.into();
        }
        Ok(())
    }

    /// Returns `true` if there is code at `address` now.
    pub(crate) fn has_code(&mut self, address: Address) -> Result<bool, ExecutionError> {
        let account = self.inner.evm.db_mut().basic(address);
        let account = check_state(&self.failure, account)?;
        Ok(account.is_some_and(|account| !account.is_code_hash_empty_or_zero()))
    }

    /// As [`finish`](Self::finish), for a block with uncles, which earn their part of the reward.
    pub(crate) fn finish_with_ommers(
        self,
        ommers: Vec<Header>,
    ) -> Result<ExecutedBlock, ExecutionError> {
        Ok(self.close(ommers)?.0)
    }
}
