//! Inputs of a new block and the header they give.

use alloy_consensus::{BlockHeader, EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip4895::Withdrawals;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes};
use aura_chainspec::{ChainSpec, Commitment};
use aura_primitives::{SealedHeader, bridge::L1BlockInfo};

use crate::error::{AttributesError, ExecutionError};
pub(crate) use crate::rules::evm_env;

/// Smallest block gas limit that the protocol allows.
const MIN_GAS_LIMIT: u64 = 5_000;
/// Largest block gas limit that the protocol allows (go-ethereum's bound, `2^63 - 1`).
const MAX_GAS_LIMIT: u64 = i64::MAX as u64;
/// Longest `extraData` of a header after the merge.
const MAX_EXTRA_DATA_BYTES: usize = 32;

/// What a block is built from besides its parent and transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadAttributes {
    /// Unix time in seconds; not before the parent's (blocks of an Aura chain may share a second).
    pub timestamp: u64,
    /// Value of `PREVRANDAO`.
    pub prev_randao: B256,
    /// Receives fees; the header's `beneficiary`.
    pub fee_recipient: Address,
    /// Block gas limit.
    pub gas_limit: u64,
    /// Root for the EIP-4788 system call; zero if absent. Ignored before Cancun.
    pub parent_beacon_block_root: Option<B256>,
    /// Withdrawals; none if absent. Ignored before Shanghai.
    pub withdrawals: Option<Withdrawals>,
    /// What the block tells L2 of L1 before its transactions: present if the origin, or what is
    /// consumed of the queue, differs from the parent's. Only on a bridged chain.
    pub l1_info: Option<L1BlockInfo>,
    /// Header field `extraData`, at most 32 bytes.
    pub extra_data: Bytes,
}

impl PayloadAttributes {
    /// Header of the block before execution: every field that does not depend on transactions.
    pub(crate) fn header(
        &self,
        spec: &ChainSpec,
        parent: &SealedHeader,
    ) -> Result<Header, ExecutionError> {
        self.validate(spec, parent)
            .map_err(ExecutionError::InvalidAttributes)?;
        let number = parent.number + 1;
        let cancun = spec.is_cancun_active_at_timestamp(self.timestamp);
        let blob_params = spec.blob_params_at(self.timestamp);
        let excess_blob_gas = parent
            .maybe_next_block_excess_blob_gas(blob_params)
            .unwrap_or_default();
        Ok(Header {
            parent_hash: parent.seal(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.fee_recipient,
            state_root: B256::ZERO,
            transactions_root: B256::ZERO,
            receipts_root: B256::ZERO,
            number,
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.prev_randao,
            base_fee_per_gas: spec
                .is_london_active_at_block(number)
                .then(|| spec.next_base_fee(parent)),
            blob_gas_used: cancun.then_some(0),
            excess_blob_gas: cancun.then_some(excess_blob_gas),
            parent_beacon_block_root: cancun
                .then(|| self.parent_beacon_block_root.unwrap_or_default()),
            ..Header::default()
        })
    }

    fn validate(&self, spec: &ChainSpec, parent: &SealedHeader) -> Result<(), AttributesError> {
        let in_order = match spec.commitment() {
            Commitment::Smt => self.timestamp >= parent.timestamp,
            Commitment::Mpt => self.timestamp > parent.timestamp,
        };
        if !in_order {
            return Err(AttributesError::TimestampBeforeParent {
                timestamp: self.timestamp,
                parent: parent.timestamp,
            });
        }
        if !(MIN_GAS_LIMIT..=MAX_GAS_LIMIT).contains(&self.gas_limit) {
            return Err(AttributesError::GasLimit(self.gas_limit));
        }
        if spec.bridge().is_none() && self.l1_info.is_some() {
            return Err(AttributesError::NoBridge);
        }
        if spec.bridge().is_some() && self.withdrawals.as_ref().is_some_and(|w| !w.is_empty()) {
            return Err(AttributesError::Withdrawals);
        }
        if self.extra_data.len() > MAX_EXTRA_DATA_BYTES {
            return Err(AttributesError::ExtraDataTooLong(self.extra_data.len()));
        }
        Ok(())
    }
}
