//! `pending`: the open block, or what the next one would be.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use alloy_consensus::{BlockHeader, EMPTY_OMMER_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS};
use alloy_eips::{eip4895::Withdrawals, eip7685::EMPTY_REQUESTS_HASH};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::Bloom;
use aura_evm::OpenBlock;
use aura_primitives::{RecoveredTx, SealedHeader};

use crate::{
    api::Api,
    bridge::DepositIds,
    types::{BlockView, HeaderView, SharedJson},
};

/// The pending block at one moment.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) header: Header,
    pub(crate) transactions: Vec<Arc<RecoveredTx>>,
    pub(crate) deposits: DepositIds,
}

/// Time since the Unix epoch.
pub(crate) fn unix_time() -> Duration {
    UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Unix time in seconds.
pub(crate) fn now() -> u64 {
    unix_time().as_secs()
}

/// The open block, unless it builds on something that is no longer the tip.
pub(crate) fn open_block(api: &Api) -> Option<Arc<OpenBlock>> {
    let tip = api.chain.tip();
    api.chain
        .open_block()
        .filter(|open| open.parent.seal() == tip.seal())
}

impl Pending {
    pub(crate) fn new(api: &Api) -> Self {
        let Some(open) = open_block(api) else {
            return Self {
                header: complete(api, next_header(api, &api.chain.tip())),
                transactions: Vec::new(),
                deposits: DepositIds::default(),
            };
        };
        let body = open.body.read().clone();
        let mut header = open.header.clone();
        header.gas_used = body.gas_used;
        header.logs_bloom = body.receipts.iter().flat_map(|receipt| &receipt.logs).fold(
            Bloom::ZERO,
            |mut bloom, log| {
                bloom.accrue_log(log);
                bloom
            },
        );
        Self {
            header: complete(api, header),
            transactions: body.transactions,
            deposits: DepositIds::of_open(&open),
        }
    }

    /// As `eth_getHeaderByNumber("pending")` answers it.
    pub(crate) fn header_json(&self) -> SharedJson {
        SharedJson::new(&HeaderView {
            header: &self.header,
            hash: self.header.hash_slow(),
        })
    }

    /// As `eth_getBlockByNumber("pending")` answers it.
    ///
    /// Roots are not known before sealing and stand as those of empty tries; hash and number are
    /// there all the same, because libraries refuse a block without them.
    pub(crate) fn json(&self, full: bool) -> SharedJson {
        let empty = Withdrawals::default();
        SharedJson::new(&BlockView {
            header: HeaderView {
                header: &self.header,
                hash: self.header.hash_slow(),
            },
            transactions: &self.transactions,
            ommers: &[],
            withdrawals: self.header.withdrawals_root.map(|_| &empty),
            deposits: self.deposits,
            full,
        })
    }
}

/// Fields that are known only after execution, as if nothing had been executed.
fn complete(api: &Api, mut header: Header) -> Header {
    let spec = api.spec();
    if spec.is_shanghai_active_at_timestamp(header.timestamp) {
        header.withdrawals_root.get_or_insert(EMPTY_WITHDRAWALS);
    }
    if spec.is_prague_active_at_timestamp(header.timestamp) {
        header.requests_hash.get_or_insert(EMPTY_REQUESTS_HASH);
    }
    header
}

/// Header of an empty block on `parent`, now.
fn next_header(api: &Api, parent: &SealedHeader) -> Header {
    let spec = api.spec();
    let timestamp = now().max(parent.timestamp);
    let number = parent.number + 1;
    let blob_params = spec.blob_params_at(timestamp);
    let excess_blob_gas = parent
        .maybe_next_block_excess_blob_gas(blob_params)
        .unwrap_or_default();
    Header {
        parent_hash: parent.seal(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: parent.beneficiary,
        number,
        gas_limit: parent.gas_limit,
        timestamp,
        base_fee_per_gas: spec
            .is_london_active_at_block(number)
            .then(|| spec.next_base_fee(parent)),
        blob_gas_used: blob_params.map(|_| 0),
        excess_blob_gas: blob_params.map(|_| excess_blob_gas),
        parent_beacon_block_root: blob_params.map(|_| Default::default()),
        ..Header::default()
    }
}
