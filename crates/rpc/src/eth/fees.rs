//! Fee suggestions and fee history.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::BlockId;
use aura_primitives::{HeadLabel, SealedHeader};
use aura_storage::Reader;

use super::{blocks::number_of, fee_cache::Paid};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
    types::{FeeHistory, Quantity},
};

fn head(reader: &Reader) -> Result<SealedHeader, Fault> {
    let number = reader.head(HeadLabel::Unsafe)?.number;
    header(reader, number)
}

fn header(reader: &Reader, number: u64) -> Result<SealedHeader, Fault> {
    reader
        .header(number)?
        .ok_or(Fault::Inconsistent("header of a block is missing"))
}

/// Base fee of the block after `parent`; zero before London.
fn next_base_fee(api: &Api, parent: &Header) -> u64 {
    if parent.base_fee_per_gas.is_none() {
        return 0;
    }
    api.spec().next_base_fee(parent)
}

/// Blob base fee of the block after `parent`; zero before Cancun.
fn next_blob_base_fee(api: &Api, parent: &Header) -> u128 {
    api.spec()
        .blob_params_at(parent.timestamp)
        .and_then(|params| parent.next_block_blob_fee(params))
        .unwrap_or_default()
}

/// A block that left out what did not fit is this full at least, in percent of its gas limit.
const FULL_PERCENT: u64 = 80;
/// The chain is congested if one of so many last blocks was full.
const CONGESTED_BLOCKS: u64 = 3;
/// A congested chain is told from its blocks so far back.
const USAGE_BLOCKS: u64 = 6;
/// Full blocks after which a price must still be a fee cap above the base fee.
const RISING_BLOCKS: usize = 6;
/// Bound on that, in multiples of the next base fee.
const MAX_RISE: u128 = 3;

const fn is_full(header: &Header) -> bool {
    // As `u128`, for gas limits have no bound.
    header.gas_used as u128 * 100 >= header.gas_limit as u128 * FULL_PERCENT as u128
}

fn recent(
    reader: &Reader,
    head: &SealedHeader,
    blocks: u64,
) -> impl Iterator<Item = Result<SealedHeader, Fault>> {
    let first = (head.number + 1).saturating_sub(blocks);
    (first..=head.number).map(move |number| header(reader, number))
}

/// A tip that gets into one of the next blocks.
///
/// Where there is room for everybody, that is the least tip: what others paid is no price, for
/// wallets that know nothing but `eth_gasPrice` pay its headroom as a tip, and suggesting that to
/// the next ones would raise it for ever. On a congested chain it is a percentile of what got into
/// the full blocks, but no more than the base fee that everybody pays, or a hundred least tips.
///
/// Cost: a cached block each, so one block is read per new head.
fn suggested_tip(api: &Api, reader: &Reader, head: &SealedHeader) -> Result<u128, Fault> {
    const LEAST_TIPS: u128 = 100;
    let config = &api.config;
    let least = u128::from(config.min_tip_wei.max(api.pool.min_tip_wei()));
    let mut is_congested = false;
    for header in recent(reader, head, CONGESTED_BLOCKS) {
        let header = header?;
        is_congested |= is_full(&header);
    }
    if !is_congested {
        return Ok(least);
    }
    let mut tips: Vec<u128> = Vec::new();
    for header in recent(reader, head, u64::from(config.tip_blocks)) {
        let header = header?;
        if is_full(&header) {
            let paid = api.fees.sample(reader, &header)?;
            tips.extend(paid.iter().map(|paid| paid.tip).filter(|tip| *tip > 0));
        }
    }
    tips.sort_unstable();
    let rank = tips.len().saturating_sub(1) * config.tip_percentile as usize / 100;
    let tip = tips.get(rank).copied().unwrap_or_default();
    // Before London the tip is all of the price.
    let most = match head.base_fee_per_gas {
        Some(_) => u128::from(next_base_fee(api, head)).max(least * LEAST_TIPS),
        None => u128::MAX,
    };
    let most = most.min(u128::from(config.max_tip_wei));
    Ok(tip.clamp(least, most.max(least)))
}

/// The base fee after some more blocks as full as the last one, or as the last few on average.
fn rising_base_fee(api: &Api, reader: &Reader, head: &SealedHeader) -> Result<u128, Fault> {
    let (mut used, mut limit) = (0u128, 0u128);
    for header in recent(reader, head, USAGE_BLOCKS) {
        let header = header?;
        used += u128::from(header.gas_used);
        limit += u128::from(header.gas_limit);
    }
    let average = (used * u128::from(head.gas_limit))
        .checked_div(limit)
        .unwrap_or_default();
    let mut block = (**head).clone();
    block.gas_used = block
        .gas_used
        .max(u64::try_from(average).unwrap_or(u64::MAX));
    let next = next_base_fee(api, &block);
    for _ in 0..RISING_BLOCKS {
        block.base_fee_per_gas = Some(next_base_fee(api, &block));
    }
    let risen = u128::from(block.base_fee_per_gas.unwrap_or_default());
    Ok(risen.min(u128::from(next) * MAX_RISE))
}

/// `eth_gasPrice`: safe as a fee cap, for MetaMask takes it as fee cap and tip at once.
pub(crate) fn gas_price(api: &Api, _: Args<'_>) -> Result<Quantity<u128>, Fault> {
    let reader = api.reader()?;
    let head = head(&reader)?;
    let tip = suggested_tip(api, &reader, &head)?;
    if head.base_fee_per_gas.is_none() {
        return Ok(Quantity(tip));
    }
    let base_fee = u128::from(next_base_fee(api, &head));
    let headroom = base_fee * u128::from(api.config.gas_price_headroom_percent) / 100;
    let risen = rising_base_fee(api, &reader, &head)?;
    Ok(Quantity((base_fee + headroom).max(risen) + tip))
}

/// Base fee of the next block, if the chain has one, and a tip that gets into it.
pub(super) fn suggestion(api: &Api) -> Result<(Option<u64>, u128), Fault> {
    let reader = api.reader()?;
    let head = head(&reader)?;
    let base_fee = head.base_fee_per_gas.map(|_| next_base_fee(api, &head));
    Ok((base_fee, suggested_tip(api, &reader, &head)?))
}

/// `eth_maxPriorityFeePerGas`.
pub(crate) fn max_priority_fee(api: &Api, _: Args<'_>) -> Result<Quantity<u128>, Fault> {
    let reader = api.reader()?;
    let head = head(&reader)?;
    suggested_tip(api, &reader, &head).map(Quantity)
}

/// `eth_baseFee`: of the next block.
pub(crate) fn base_fee(api: &Api, _: Args<'_>) -> Result<Quantity<u64>, Fault> {
    let head = head(&api.reader()?)?;
    Ok(Quantity(next_base_fee(api, &head)))
}

/// `eth_blobBaseFee`: of the next block.
pub(crate) fn blob_base_fee(api: &Api, _: Args<'_>) -> Result<Quantity<u128>, Fault> {
    let head = head(&api.reader()?)?;
    Ok(Quantity(next_blob_base_fee(api, &head)))
}

/// Percentiles as `eth_feeHistory` takes them: 0 to 100, not falling.
fn percentiles(percentiles: &[f64]) -> Result<(), Fault> {
    const LIMIT: usize = 100;
    if percentiles.len() > LIMIT {
        return Err(Fault::params(format!(
            "invalid reward percentile: over the query limit {LIMIT}"
        )));
    }
    if let Some(bad) = percentiles.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        return Err(Fault::params(format!("invalid reward percentile: {bad}")));
    }
    match percentiles.windows(2).find(|pair| pair[0] > pair[1]) {
        Some(pair) => Err(Fault::params(format!(
            "invalid reward percentile: {} after {}",
            pair[1], pair[0]
        ))),
        None => Ok(()),
    }
}

/// `eth_feeHistory(count, newest block, percentiles)`.
pub(crate) async fn fee_history(api: Arc<Api>, raw: Raw) -> Result<FeeHistory, Fault> {
    let (count, newest, wanted) = {
        let mut args = raw.args()?;
        let count = args.required("block count", params::count)?;
        let newest = args.required("newest block", params::block_id)?;
        let wanted: Option<Vec<f64>> = args.optional("reward percentiles", params::json)?;
        (count, newest, wanted)
    };
    percentiles(wanted.as_deref().unwrap_or_default())?;
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    // A handful of headers is read where we are; rewards and long ranges are work.
    const INLINE_BLOCKS: u64 = 8;
    if wanted.as_ref().is_none_or(Vec::is_empty) && count <= INLINE_BLOCKS {
        return history(&api, count, newest, None);
    }
    api.on_scans(move |api| history(api, count, newest, wanted.as_deref()))
        .await
}

fn history(
    api: &Api,
    count: u64,
    newest: BlockId,
    percentiles: Option<&[f64]>,
) -> Result<FeeHistory, Fault> {
    let reader = api.reader()?;
    let newest =
        number_of(&reader, newest)?.ok_or_else(|| Fault::params("request beyond head block"))?;
    let count = count.min(api.config.max_fee_history_blocks).min(newest + 1);
    let mut history = FeeHistory {
        oldest_block: newest + 1 - count,
        rewards: percentiles.filter(|p| !p.is_empty()).map(|_| Vec::new()),
        ..FeeHistory::default()
    };
    let mut next = (0, 0);
    for number in history.oldest_block..=newest {
        let header = header(&reader, number)?;
        let blob_params = api.spec().blob_params_at(header.timestamp);
        history
            .base_fees
            .push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
        history
            .gas_used_ratios
            .push(ratio(header.gas_used, header.gas_limit));
        let blob_fee = blob_params.and_then(|params| header.blob_fee(params));
        history.blob_base_fees.push(blob_fee.unwrap_or_default());
        let blob_limit = blob_params.map_or(0, |params| params.max_blob_gas_per_block());
        history
            .blob_gas_used_ratios
            .push(ratio(header.blob_gas_used.unwrap_or_default(), blob_limit));
        if let (Some(rewards), Some(percentiles)) = (&mut history.rewards, percentiles) {
            let paid = api.fees.block(&reader, &header)?;
            rewards.push(rewards_at(&paid, percentiles));
        }
        next = (
            u128::from(next_base_fee(api, &header)),
            next_blob_base_fee(api, &header),
        );
    }
    history.base_fees.push(next.0);
    history.blob_base_fees.push(next.1);
    Ok(history)
}

fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 {
        return 0.0;
    }
    used as f64 / limit as f64
}

/// Tips at the wanted percentiles of the gas that was paid for; `paid` is sorted by tip.
fn rewards_at(paid: &[Paid], percentiles: &[f64]) -> Vec<u128> {
    let gas_used: u64 = paid.iter().map(|paid| paid.gas_used).sum();
    let mut index = 0;
    let mut gas = paid.first().map_or(0, |paid| paid.gas_used);
    percentiles
        .iter()
        .map(|percentile| {
            // As geth: the fraction is cut off.
            let threshold = (gas_used as f64 * percentile / 100.0) as u64;
            while gas < threshold && index + 1 < paid.len() {
                index += 1;
                gas += paid[index].gas_used;
            }
            paid.get(index).map_or(0, |paid| paid.tip)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_follow_the_gas() {
        let paid = [(1, 10), (2, 10), (3, 80)].map(|(tip, gas_used)| Paid { tip, gas_used });
        let rewards = rewards_at(&paid, &[0.0, 10.0, 15.0, 20.0, 21.0, 100.0]);
        assert_eq!(rewards, [1, 1, 2, 2, 3, 3]);
        assert_eq!(rewards_at(&[], &[0.0, 50.0]), [0, 0]);
    }

    #[test]
    fn percentiles_must_rise_within_bounds() {
        assert!(percentiles(&[0.0, 0.0, 50.5, 100.0]).is_ok());
        for bad in [&[-1.0][..], &[100.1], &[50.0, 49.0], &[f64::NAN]] {
            assert!(percentiles(bad).is_err(), "{bad:?}");
        }
        assert!(percentiles(&[1.0; 101]).is_err());
    }
}
