//! Gas and tips of recent blocks, for fee suggestions and `eth_feeHistory`.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::B256;
use aura_primitives::SealedHeader;
use aura_storage::Reader;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use crate::{bridge::deposit_count, errors::Fault};

/// Gas used by a transaction and the tip it paid per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) tip: u128,
    pub(crate) gas_used: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<B256, Arc<[Paid]>> for ByBytes {
    fn weight(&self, _: &B256, value: &Arc<[Paid]>) -> u64 {
        const OVERHEAD: u64 = 96;
        size_of_val::<[Paid]>(value) as u64 + OVERHEAD
    }
}

/// What the transactions of recent blocks paid, sorted by tip, by block hash; bounded by bytes.
#[derive(Debug)]
pub(crate) struct FeeCache {
    blocks: Cache<B256, Arc<[Paid]>, ByBytes>,
    samples: Cache<B256, Arc<[Paid]>, ByBytes>,
}

impl FeeCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let cache = |bytes| {
            let options = OptionsBuilder::new()
                .estimated_items_capacity(2_048)
                .weight_capacity(bytes)
                .shards(2)
                .build()
                .expect("both capacities are set");
            Cache::with_options(options, ByBytes, Default::default(), Default::default())
        };
        Self {
            blocks: cache(bytes - bytes / 4),
            samples: cache(bytes / 4),
        }
    }

    /// What all transactions of the block paid; deposits do not bid for their place.
    pub(crate) fn block(
        &self,
        reader: &Reader,
        header: &SealedHeader,
    ) -> Result<Arc<[Paid]>, Fault> {
        let hash = header.seal();
        if let Some(paid) = self.blocks.get(&hash) {
            return Ok(paid);
        }
        let missing = Fault::Inconsistent("transactions of a block are missing");
        let block = reader.block(header.number)?.ok_or(missing)?;
        let receipts = reader
            .receipts(header.number)?
            .ok_or(Fault::Inconsistent("receipts of a block are missing"))?;
        let mut cumulative = 0;
        let mut paid: Vec<Paid> = block
            .transactions
            .iter()
            .zip(receipts)
            .filter_map(|(tx, receipt)| {
                let gas_used = receipt.cumulative_gas_used.saturating_sub(cumulative);
                cumulative = receipt.cumulative_gas_used;
                let envelope = tx.envelope();
                (!envelope.is_deposit()).then(|| Paid {
                    tip: tip(header, envelope),
                    gas_used,
                })
            })
            .collect();
        paid.sort_unstable_by_key(|paid| paid.tip);
        let paid: Arc<[Paid]> = paid.into();
        self.blocks.insert(hash, paid.clone());
        Ok(paid)
    }

    /// What some transactions of the block, evenly spread over those after its deposits, paid: enough
    /// for a suggestion, whatever the size of the block.
    pub(crate) fn sample(
        &self,
        reader: &Reader,
        header: &SealedHeader,
    ) -> Result<Arc<[Paid]>, Fault> {
        const SAMPLES: u64 = 32;
        let hash = header.seal();
        if let Some(paid) = self.samples.get(&hash) {
            return Ok(paid);
        }
        let deposits = deposit_count(reader, header.number)?;
        let count = reader.transaction_count(header.number)?.unwrap_or_default();
        let count = count.saturating_sub(deposits);
        let wanted = count.min(SAMPLES);
        let mut paid = Vec::new();
        for sample in 0..wanted {
            let index = deposits + sample * count / wanted;
            if let Some(tx) = reader.transaction_at(header.number, index)? {
                paid.push(Paid {
                    tip: tip(header, tx.envelope()),
                    gas_used: 0,
                });
            }
        }
        paid.sort_unstable_by_key(|paid| paid.tip);
        let paid: Arc<[Paid]> = paid.into();
        self.samples.insert(hash, paid.clone());
        Ok(paid)
    }
}

fn tip(header: &SealedHeader, envelope: &aura_primitives::TxEnvelope) -> u128 {
    envelope
        .effective_tip_per_gas(header.base_fee_per_gas.unwrap_or_default())
        .unwrap_or_default()
}
