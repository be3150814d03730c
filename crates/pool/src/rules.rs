//! Checks that need nothing but the transaction and the rules of the next block.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_consensus::{Header, Transaction};
use alloy_eips::eip2930::AccessList;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::U256;
use aura_chainspec::{ChainSpec, Commitment};
use aura_primitives::{DEPOSIT_TX_TYPE, RecoveredTx};
use revm::{
    context_interface::cfg::gas_params::GasParams,
    primitives::{eip3860::MAX_INITCODE_SIZE, eip7825::TX_GAS_LIMIT_CAP, hardfork::SpecId},
};

use crate::{PoolConfig, PoolError, blobs::BlobRules};

/// What a transaction must satisfy to be includable in the block after the head.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    chain_id: u64,
    min_base_fee: u64,
    min_tip: u64,
    max_tx_bytes: usize,
    block_gas_limit: u64,
    spec_id: SpecId,
    gas: GasParams,
    head_timestamp: u64,
    /// Time from which on another fork may be active.
    valid_until: u64,
    /// Absent where blob transactions are not accepted.
    blobs: Option<BlobRules>,
}

/// Refuses bytes that cannot be an acceptable transaction before they cost a hash.
pub(crate) fn precheck(raw: &[u8], max_tx_bytes: usize) -> Result<(), PoolError> {
    match raw.first() {
        Some(0x01..=0x04 | 0x80..) | None => {}
        Some(&DEPOSIT_TX_TYPE) => return Err(PoolError::Deposit),
        Some(other) => return Err(PoolError::UnknownType(*other)),
    }
    check_size(raw.len(), max_tx_bytes)
}

fn check_size(size: usize, limit: usize) -> Result<(), PoolError> {
    if size > limit {
        return Err(PoolError::Oversized { size, limit });
    }
    Ok(())
}

impl Rules {
    /// Rules for the block after `head`.
    ///
    /// Forks go by the wall clock or the head's time, whichever is later, for the next block's time
    /// is at least that.
    pub(crate) fn after(head: &Header, spec: &ChainSpec, config: &PoolConfig) -> Self {
        let mut rules = Self {
            chain_id: spec.chain_id(),
            min_base_fee: spec.fee().min_base_fee_wei,
            min_tip: config.min_tip_wei,
            max_tx_bytes: config.max_tx_bytes,
            block_gas_limit: config.block_gas_limit.unwrap_or(head.gas_limit),
            spec_id: SpecId::CANCUN,
            gas: GasParams::new_spec(SpecId::CANCUN),
            head_timestamp: head.timestamp,
            valid_until: 0,
            blobs: None,
        };
        rules.refresh(spec);
        rules
    }

    /// Looks again which fork is active.
    pub(crate) fn refresh(&mut self, spec: &ChainSpec) {
        let now = unix_time().max(self.head_timestamp);
        self.spec_id = spec_id_at(spec, now);
        self.gas = GasParams::new_spec(self.spec_id);
        self.valid_until = now.saturating_add(1);
        // Our own chains have no blobs by design.
        self.blobs = match spec.commitment() {
            Commitment::Smt => None,
            Commitment::Mpt => spec.blob_params_at(now).map(|params| BlobRules {
                cell_proofs: self.spec_id >= SpecId::OSAKA,
                max_blobs: params.max_blobs_per_tx,
            }),
        };
    }

    /// What the next block's fork says of blobs; `None` where they are not accepted.
    pub(crate) const fn blobs(&self) -> Option<BlobRules> {
        self.blobs
    }

    /// Returns `true` if a fork may have begun since the rules were made.
    pub(crate) fn is_stale(&self) -> bool {
        // The newest fork that we know never ends.
        self.spec_id < SpecId::OSAKA && unix_time() >= self.valid_until
    }

    /// Checks everything that does not depend on the sender's account.
    pub(crate) fn check(&self, tx: &RecoveredTx) -> Result<(), PoolError> {
        let envelope = tx.envelope();
        self.check_type(tx)?;
        check_size(tx.encoded().len(), self.max_tx_bytes)?;
        let initcode = envelope.input().len();
        if envelope.is_create() && initcode > MAX_INITCODE_SIZE {
            return Err(PoolError::InitcodeTooLarge {
                size: initcode,
                limit: MAX_INITCODE_SIZE,
            });
        }
        if let Some(have) = envelope.chain_id()
            && have != self.chain_id
        {
            return Err(PoolError::WrongChainId {
                have,
                want: self.chain_id,
            });
        }
        self.check_gas(tx)?;
        self.check_fees(tx)?;
        if envelope.nonce() == u64::MAX {
            return Err(PoolError::NonceMax(tx.sender()));
        }
        Ok(())
    }

    fn check_type(&self, tx: &RecoveredTx) -> Result<(), PoolError> {
        match tx.tx_type() {
            0..=2 => Ok(()),
            3 if self.blobs.is_some() => Ok(()),
            3 => Err(PoolError::BlobTransaction),
            4 if self.spec_id < SpecId::PRAGUE => Err(PoolError::TypeNotActive {
                ty: 4,
                fork: "Prague",
            }),
            4 if tx.envelope().authorization_count() == Some(0) => {
                Err(PoolError::EmptyAuthorizationList)
            }
            4 => Ok(()),
            DEPOSIT_TX_TYPE => Err(PoolError::Deposit),
            other => Err(PoolError::UnknownType(other)),
        }
    }

    fn check_gas(&self, tx: &RecoveredTx) -> Result<(), PoolError> {
        let envelope = tx.envelope();
        let gas_limit = envelope.gas_limit();
        if gas_limit > self.block_gas_limit {
            return Err(PoolError::ExceedsBlockGasLimit {
                gas_limit,
                block_gas_limit: self.block_gas_limit,
            });
        }
        if self.spec_id >= SpecId::OSAKA && gas_limit > TX_GAS_LIMIT_CAP {
            return Err(PoolError::GasLimitTooHigh {
                cap: TX_GAS_LIMIT_CAP,
                gas_limit,
            });
        }
        let access_list = envelope.access_list();
        let needed = self.gas.initial_tx_gas(
            envelope.input(),
            envelope.is_create(),
            access_list.map_or(0, |list| list.len() as u64),
            access_list.map_or(0, AccessList::storage_keys_count) as u64,
            envelope.authorization_count().unwrap_or(0),
            None,
        );
        let intrinsic = needed.initial_total_gas();
        if gas_limit < intrinsic {
            return Err(PoolError::IntrinsicGas {
                have: gas_limit,
                want: intrinsic,
            });
        }
        if self.spec_id >= SpecId::PRAGUE && gas_limit < needed.floor_gas() {
            return Err(PoolError::FloorDataGas {
                have: gas_limit,
                want: needed.floor_gas(),
            });
        }
        Ok(())
    }

    fn check_fees(&self, tx: &RecoveredTx) -> Result<(), PoolError> {
        let fee_cap = tx.envelope().max_fee_per_gas();
        let tip = tx.envelope().priority_fee_or_price();
        if tip > fee_cap {
            return Err(PoolError::TipAboveFeeCap { tip, fee_cap });
        }
        // Like geth, a transaction under the current base fee may wait for a lower one. Under the
        // chain's minimum there is nothing to wait for.
        if fee_cap < u128::from(self.min_base_fee) {
            return Err(PoolError::FeeCapTooLow {
                sender: tx.sender(),
                fee_cap,
                base_fee: self.min_base_fee,
            });
        }
        if tip < u128::from(self.min_tip) {
            return Err(PoolError::Underpriced {
                needed: self.min_tip.into(),
                tip,
            });
        }
        Ok(())
    }
}

fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The rule set at `timestamp`. Aura chains start at Cancun at the earliest.
fn spec_id_at(spec: &ChainSpec, timestamp: u64) -> SpecId {
    if spec.is_osaka_active_at_timestamp(timestamp) {
        SpecId::OSAKA
    } else if spec.is_prague_active_at_timestamp(timestamp) {
        SpecId::PRAGUE
    } else {
        SpecId::CANCUN
    }
}

/// Highest possible cost of a transaction: gas and blob gas times their fee caps, plus value.
pub(crate) fn max_cost(tx: &RecoveredTx) -> Result<U256, PoolError> {
    let envelope = tx.envelope();
    // 64 bits times 128 bits fits.
    let gas = U256::from(envelope.gas_limit()) * U256::from(envelope.max_fee_per_gas());
    let blob_gas = U256::from(envelope.blob_gas_used().unwrap_or_default());
    let blobs = blob_gas * U256::from(envelope.max_fee_per_blob_gas().unwrap_or_default());
    gas.checked_add(blobs)
        .and_then(|cost| cost.checked_add(envelope.value()))
        .ok_or(PoolError::CostOverflow)
}
