//! Blocks, their receipts and counts.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use aura_primitives::{BlockNumHash, HeadLabel, SealedHeader};
use aura_storage::{Reader, StorageError};

use super::{cache::Form, pending::Pending};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
    types::{BlockView, HeaderView, Quantity, SharedJson, UncleView, receipts_of_block},
};

/// Blocks with more transactions than this are read and serialised on a scan thread.
const INLINE_TRANSACTIONS: u64 = 64;

/// Number of the block that `id` names in this snapshot; `pending` stands for the head.
pub(crate) fn number_of(reader: &Reader, id: BlockId) -> Result<Option<u64>, StorageError> {
    let head = |label| Ok::<_, StorageError>(reader.head(label)?.number);
    let tag = match id {
        // Only blocks of the canonical chain have a number, so `requireCanonical` always holds.
        BlockId::Hash(hash) => return reader.block_number(hash.block_hash),
        BlockId::Number(tag) => tag,
    };
    Ok(match tag {
        BlockNumberOrTag::Number(number) => (number <= head(HeadLabel::Unsafe)?).then_some(number),
        BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => Some(head(HeadLabel::Unsafe)?),
        BlockNumberOrTag::Safe => Some(head(HeadLabel::Safe)?),
        BlockNumberOrTag::Finalized => Some(head(HeadLabel::Finalized)?),
        BlockNumberOrTag::Earliest => Some(0),
    })
}

fn located(reader: &Reader, id: BlockId) -> Result<Option<BlockNumHash>, StorageError> {
    let Some(number) = number_of(reader, id)? else {
        return Ok(None);
    };
    Ok(reader
        .block_hash(number)?
        .map(|hash| BlockNumHash { number, hash }))
}

/// Price of blob gas in the block.
pub(crate) fn blob_gas_price(api: &Api, header: &Header) -> Option<u128> {
    let params = api.spec().blob_params_at(header.timestamp)?;
    header.blob_fee(params)
}

fn build(
    api: &Api,
    reader: &Reader,
    at: BlockNumHash,
    form: Form,
) -> Result<Option<SharedJson>, Fault> {
    // Between two snapshots the block may have been unwound.
    let Some(block) = reader.block(at.number)?.filter(|b| b.hash() == at.hash) else {
        return Ok(None);
    };
    let json = match form {
        Form::Header => return Ok(Some(head_json(api, &block.header))),
        Form::Hashes => SharedJson::new(&BlockView::sealed(&block, false)),
        Form::Full => SharedJson::new(&BlockView::sealed(&block, true)),
        Form::Receipts => {
            let receipts = reader
                .receipts(at.number)?
                .ok_or(Fault::Inconsistent("receipts of a block are missing"))?;
            let price = blob_gas_price(api, &block.header);
            SharedJson::new(&receipts_of_block(&block, &receipts, price))
        }
    };
    api.blocks.put(at.hash, form, json.clone());
    Ok(Some(json))
}

/// A header as `newHeads` sends it: one text for all subscribers.
pub(super) fn head_json(api: &Api, header: &SealedHeader) -> SharedJson {
    let hash = header.seal();
    if let Some(json) = api.blocks.get(hash, Form::Header) {
        return json;
    }
    let json = SharedJson::new(&HeaderView { header, hash });
    api.blocks.put(hash, Form::Header, json.clone());
    json
}

/// What can be answered at once, or the block that a scan thread must build.
enum Found {
    Answer(Option<SharedJson>),
    Large(BlockNumHash),
}

fn find(api: &Api, id: BlockId, form: Form) -> Result<Found, Fault> {
    let reader = api.reader()?;
    let Some(at) = located(&reader, id)? else {
        return Ok(Found::Answer(None));
    };
    if let Some(json) = api.blocks.get(at.hash, form) {
        return Ok(Found::Answer(Some(json)));
    }
    if reader.transaction_count(at.number)?.unwrap_or_default() > INLINE_TRANSACTIONS {
        return Ok(Found::Large(at));
    }
    build(api, &reader, at, form).map(Found::Answer)
}

async fn serve(api: Arc<Api>, id: BlockId, form: Form) -> Result<Option<SharedJson>, Fault> {
    match find(&api, id, form)? {
        Found::Answer(answer) => Ok(answer),
        Found::Large(at) => {
            api.on_scans(move |api| build(api, &api.reader()?, at, form))
                .await
        }
    }
}

fn form(full: Option<bool>) -> Form {
    if full.unwrap_or_default() {
        Form::Full
    } else {
        Form::Hashes
    }
}

/// `eth_getBlockByNumber(block, full)`.
pub(crate) async fn by_number(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let (id, full) = {
        let mut args = raw.args()?;
        let id = args.required("block", params::block_id)?;
        (id, args.optional("full transactions", params::boolean)?)
    };
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(Some(Pending::new(&api).json(full.unwrap_or_default())));
    }
    serve(api, id, form(full)).await
}

/// `eth_getBlockByHash(hash, full)`.
pub(crate) async fn by_hash(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let (hash, full) = {
        let mut args = raw.args()?;
        let hash = args.required("hash", params::hash)?;
        (hash, args.optional("full transactions", params::boolean)?)
    };
    serve(api, BlockId::hash(hash), form(full)).await
}

/// `eth_getHeaderByNumber(block)`.
pub(crate) fn header_by_number(api: &Api, mut args: Args<'_>) -> Result<Option<SharedJson>, Fault> {
    let id = args.required("block", params::block_id)?;
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(Some(Pending::new(api).header_json()));
    }
    header_of(api, id)
}

/// `eth_getHeaderByHash(hash)`.
pub(crate) fn header_by_hash(api: &Api, mut args: Args<'_>) -> Result<Option<SharedJson>, Fault> {
    let id = hash_id(&mut args)?;
    header_of(api, id)
}

fn header_of(api: &Api, id: BlockId) -> Result<Option<SharedJson>, Fault> {
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    let header = reader.header(number)?;
    Ok(header.map(|header| head_json(api, &header)))
}

/// `eth_getBlockReceipts(block)`.
pub(crate) async fn receipts(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let id = raw.args()?.required("block", params::block_id)?;
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(None);
    }
    serve(api, id, Form::Receipts).await
}

fn hash_id(args: &mut Args<'_>) -> Result<BlockId, Fault> {
    args.required("hash", params::hash).map(BlockId::hash)
}

fn transactions_in(api: &Api, id: BlockId) -> Result<Option<Quantity<u64>>, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        let count = Pending::new(api).transactions.len();
        return Ok(Some(Quantity(count as u64)));
    }
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    Ok(reader.transaction_count(number)?.map(Quantity))
}

/// `eth_getBlockTransactionCountByNumber(block)`.
pub(crate) fn transaction_count(
    api: &Api,
    mut args: Args<'_>,
) -> Result<Option<Quantity<u64>>, Fault> {
    let id = args.required("block", params::block_id)?;
    transactions_in(api, id)
}

/// `eth_getBlockTransactionCountByHash(hash)`.
pub(crate) fn transaction_count_by_hash(
    api: &Api,
    mut args: Args<'_>,
) -> Result<Option<Quantity<u64>>, Fault> {
    let id = hash_id(&mut args)?;
    transactions_in(api, id)
}

fn ommers(api: &Api, id: BlockId) -> Result<Option<Vec<Header>>, Fault> {
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    Ok(reader.body(number)?.map(|body| body.ommers))
}

/// `eth_getUncleCountByBlockNumber(block)`.
pub(crate) fn uncle_count(api: &Api, mut args: Args<'_>) -> Result<Option<Quantity<u64>>, Fault> {
    let id = args.required("block", params::block_id)?;
    Ok(ommers(api, id)?.map(|ommers| Quantity(ommers.len() as u64)))
}

/// `eth_getUncleCountByBlockHash(hash)`.
pub(crate) fn uncle_count_by_hash(
    api: &Api,
    mut args: Args<'_>,
) -> Result<Option<Quantity<u64>>, Fault> {
    let id = hash_id(&mut args)?;
    Ok(ommers(api, id)?.map(|ommers| Quantity(ommers.len() as u64)))
}

fn uncle_at(api: &Api, id: BlockId, index: u64) -> Result<Option<UncleView>, Fault> {
    Ok(ommers(api, id)?.and_then(|ommers| {
        let index = usize::try_from(index).ok()?;
        ommers.into_iter().nth(index).map(UncleView)
    }))
}

/// `eth_getUncleByBlockNumberAndIndex(block, index)`.
pub(crate) fn uncle(api: &Api, mut args: Args<'_>) -> Result<Option<UncleView>, Fault> {
    let id = args.required("block", params::block_id)?;
    uncle_at(api, id, args.required("index", params::u64)?)
}

/// `eth_getUncleByBlockHashAndIndex(hash, index)`.
pub(crate) fn uncle_by_hash(api: &Api, mut args: Args<'_>) -> Result<Option<UncleView>, Fault> {
    let id = hash_id(&mut args)?;
    uncle_at(api, id, args.required("index", params::u64)?)
}
