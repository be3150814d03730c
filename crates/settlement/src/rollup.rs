//! The rollup contract.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use aura_bindings::rollup::AuraRollup;
use aura_l1::L1Provider;
use aura_primitives::bridge::{Output, QueueSlot};

use crate::SettlementError;

/// Which rollup contract, and what it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollup {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Its address.
    pub address: Address,
    /// What batch 0 and root 0 are.
    pub genesis_output: Output,
}

impl Rollup {
    /// What the first batch names as its parent.
    pub(crate) fn genesis_parent(&self) -> B256 {
        QueueSlot(self.genesis_output.hash(self.l1_chain_id, self.address)).trim()
    }
}

/// What the contract allows, seconds and blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Age from which a queue entry can be forced.
    pub force_delay: u64,
    /// Age from which a root with few signatures can be final.
    pub window: u64,
    /// Age from which a root with many signatures can be final.
    pub fast: u64,
    /// Age of the first block of a batch, at most.
    pub max_batch_age: u64,
    /// Age of the anchor in L1 blocks, at most.
    pub anchor_depth: u64,
    /// Signatures that a root always needs.
    pub k_slow: u8,
    /// Signatures that shorten its wait.
    pub k_fast: u8,
}

impl Limits {
    /// Asks the contract.
    ///
    /// # Errors
    /// [`SettlementError::NotTheRollup`], [`SettlementError::L1`].
    pub async fn read(provider: &L1Provider, rollup: Address) -> Result<Self, SettlementError> {
        Ok(Self {
            force_delay: ask(
                provider,
                rollup,
                &AuraRollup::FORCE_DELAYCall {},
                "FORCE_DELAY",
            )
            .await?,
            window: ask(provider, rollup, &AuraRollup::WINDOWCall {}, "WINDOW").await?,
            fast: ask(provider, rollup, &AuraRollup::FASTCall {}, "FAST").await?,
            max_batch_age: ask(
                provider,
                rollup,
                &AuraRollup::MAX_BATCH_AGECall {},
                "MAX_BATCH_AGE",
            )
            .await?,
            anchor_depth: ask(
                provider,
                rollup,
                &AuraRollup::ANCHOR_DEPTHCall {},
                "ANCHOR_DEPTH",
            )
            .await?,
            k_slow: ask(provider, rollup, &AuraRollup::K_SLOWCall {}, "K_SLOW").await?,
            k_fast: ask(provider, rollup, &AuraRollup::K_FASTCall {}, "K_FAST").await?,
        })
    }
}

async fn ask<C: SolCall>(
    provider: &L1Provider,
    rollup: Address,
    call: &C,
    question: &'static str,
) -> Result<C::Return, SettlementError> {
    let data = call.abi_encode().into();
    let answer = match provider.call(rollup, data, BlockId::latest()).await {
        Ok(answer) => answer,
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(error) => {
            tracing::error!(%rollup, %error, question, "the rollup contract does not answer");
            return Err(SettlementError::NotTheRollup { question });
        }
    };
    C::abi_decode_returns(&answer).map_err(|_| SettlementError::NotTheRollup { question })
}
