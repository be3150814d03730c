//! Which blocks still stand on L1 as it is now.

use aura_chain::Chain;
use aura_l1::L1View;
use aura_primitives::bridge::L1BlockInfo;
use aura_storage::StorageError;

/// The newest durable block whose origin and consumed entries L1 still has.
///
/// Origins and queue only grow from block to block, so everything below such a block stands as well,
/// and halving the range finds it.
pub(crate) fn newest_canonical(
    chain: &Chain,
    view: &L1View,
    tip: u64,
) -> Result<u64, StorageError> {
    let reader = chain.store().reader()?;
    let stands = |number: u64| match reader.l1_info_at(number)? {
        Some(info) => is_canonical(view, &info),
        None => Ok(true),
    };
    if stands(tip)? {
        return Ok(tip);
    }
    // Block 0 refers to nothing.
    let (mut good, mut bad) = (0, tip);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if stands(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(good)
}

fn is_canonical(view: &L1View, info: &L1BlockInfo) -> Result<bool, StorageError> {
    let has_queue = view.queue_acc(info.consumed)? == Some(info.queue_acc);
    let has_origin = match view.origin(info.origin.number)? {
        Some(origin) => origin.hash == info.origin.hash,
        // Blocks up to the head are kept from the newest back: what is missing below it is older than
        // any reorganisation that the tracker survives.
        None => info.origin.number < view.status().head.number,
    };
    Ok(has_queue && has_origin)
}
