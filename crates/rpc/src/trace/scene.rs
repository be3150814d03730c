//! Which block, transaction or state a request wants to be traced.

use std::time::Duration;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use aura_evm::trace::{BlockScene, CallBase, TraceError, TraceLimits};
use aura_primitives::{SealedBlock, SealedHeader};
use aura_storage::{Reader, StateView};
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::Fault,
    eth::{
        blocks::number_of,
        calls::{Moment, Scene},
    },
};

/// Bytes that an answer has besides its result.
const ENVELOPE_BYTES: usize = 1_024;

/// A stored block with the state before it.
#[derive(Debug)]
pub(crate) struct StoredBlock {
    pub(crate) parent: SealedHeader,
    pub(crate) block: SealedBlock,
    view: StateView,
}

/// The limits of a request; `timeout` is what the client asks for.
pub(crate) fn limits(api: &Api, timeout: Option<Duration>) -> TraceLimits {
    let longest = api.config.trace_timeout();
    TraceLimits {
        timeout: timeout.map_or(longest, |timeout| timeout.min(longest)),
        max_bytes: api.config.max_trace_bytes.saturating_sub(ENVELOPE_BYTES),
        gas_cap: api.config.call_gas_cap,
    }
}

/// The number of a block that can be traced.
pub(crate) fn traceable(reader: &Reader, id: BlockId) -> Result<u64, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Err(Fault::Untraceable(
            "tracing on top of pending is not supported".into(),
        ));
    }
    match number_of(reader, id)? {
        Some(0) => Err(Fault::Untraceable("genesis is not traceable".into())),
        Some(number) => Ok(number),
        None => Err(unknown_block(id)),
    }
}

pub(crate) fn unknown_block(id: BlockId) -> Fault {
    Fault::Untraceable(match id {
        BlockId::Hash(hash) => format!("block {} not found", hash.block_hash).into(),
        BlockId::Number(BlockNumberOrTag::Number(number)) => {
            format!("block #{number} not found").into()
        }
        BlockId::Number(tag) => format!("block {tag} not found").into(),
    })
}

impl StoredBlock {
    /// The block that `id` names.
    pub(crate) fn open(api: &Api, id: BlockId) -> Result<Self, Fault> {
        let reader = api.reader()?;
        let number = traceable(&reader, id)?;
        Self::at(reader, number)
    }

    /// The block with this number, which is in the snapshot and not the first.
    pub(crate) fn at(reader: Reader, number: u64) -> Result<Self, Fault> {
        let block = reader.block(number)?;
        let parent = reader.header(number.saturating_sub(1))?;
        let (Some(block), Some(parent)) = (block, parent) else {
            return Err(Fault::Inconsistent("a numbered block is missing"));
        };
        Ok(Self {
            view: StateView::at(reader, parent.number),
            parent,
            block,
        })
    }

    /// A block that the chain does not have, on a parent that it has.
    pub(crate) fn offered(api: &Api, block: SealedBlock) -> Result<Self, Fault> {
        if block.number() == 0 {
            return Err(Fault::Untraceable("genesis is not traceable".into()));
        }
        let reader = api.reader()?;
        let parent = match reader.block_number(block.header.parent_hash)? {
            Some(number) => reader.header(number)?,
            None => None,
        };
        let parent = parent.ok_or_else(|| {
            let hash = block.header.parent_hash;
            Fault::Untraceable(format!("parent {hash} not found").into())
        })?;
        Ok(Self {
            view: StateView::at(reader, parent.number),
            parent,
            block,
        })
    }

    /// The block of a transaction, and its index there.
    pub(crate) fn of_transaction(api: &Api, hash: B256) -> Result<Option<(Self, usize)>, Fault> {
        let reader = api.reader()?;
        let Some(location) = reader.transaction_location(hash)? else {
            return Ok(None);
        };
        let index = usize::try_from(location.index)
            .map_err(|_| Fault::Inconsistent("a transaction index is too large"))?;
        Self::at(reader, location.block_number).map(|stored| Some((stored, index)))
    }

    /// Runs a trace on it.
    pub(crate) fn trace<T>(
        self,
        api: &Api,
        trace: impl FnOnce(BlockScene<'_>) -> Result<T, TraceError>,
    ) -> Result<T, Fault> {
        Ok(trace(BlockScene {
            spec: api.chain.spec(),
            parent: &self.parent,
            block: &self.block,
            view: self.view,
        })?)
    }
}

/// Runs `trace` on the state after the block `id`, or before the transaction `index` of it.
pub(crate) fn on_state<T>(
    api: &Api,
    id: BlockId,
    index: Option<u64>,
    moment: Moment,
    trace: impl FnOnce(CallBase<'_>) -> Result<T, TraceError>,
) -> Result<T, Fault> {
    let Some(index) = index else {
        let Scene {
            view,
            header,
            block,
        } = Scene::new(api, id, moment)?;
        let header = Box::new(header);
        return Ok(trace(CallBase::State {
            view,
            header,
            block,
        })?);
    };
    let count = usize::try_from(index).unwrap_or(usize::MAX);
    let stored = StoredBlock::open(api, id)?;
    stored.trace(api, |scene| trace(CallBase::Within { scene, count }))
}

/// A trace as the answer it is.
pub(crate) fn answer(json: String) -> Result<Box<RawValue>, Fault> {
    RawValue::from_string(json).map_err(|_| Fault::Inconsistent("a trace is not valid JSON"))
}
