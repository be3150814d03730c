//! Blocks and their parts as bytes, and facts about the chain.

use std::sync::Arc;

use alloy_consensus::TxReceipt;
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};
use aura_chain::{decode_block, encode_block, recover_block};
use aura_primitives::{Receipt, SealedBlock};
use aura_storage::Reader;

use crate::{
    api::Api,
    errors::Fault,
    eth::{blocks::number_of, transactions::raw_by_hash},
    methods::Raw,
    params::{self, Args},
    trace::scene::unknown_block,
    types::SharedJson,
};

fn number(reader: &Reader, id: BlockId) -> Result<u64, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Err(unknown_block(id));
    }
    number_of(reader, id)?.ok_or_else(|| unknown_block(id))
}

/// `debug_getRawHeader(block)`.
pub(super) fn header(api: &Api, mut args: Args<'_>) -> Result<Bytes, Fault> {
    let id = args.required("block", params::block_id)?;
    let reader = api.reader()?;
    let header = reader.header(number(&reader, id)?)?;
    let header = header.ok_or_else(|| unknown_block(id))?;
    Ok(alloy_rlp::encode(header.inner()).into())
}

/// Block of RLP bytes. Senders are recovered: about 30 µs each.
pub(super) fn decode(bytes: &[u8]) -> Result<SealedBlock, Fault> {
    decode_block(bytes)
        .and_then(recover_block)
        .map_err(|error| Fault::params(format!("invalid argument 0 (block): {error}")))
}

/// `debug_getRawBlock(block)`.
pub(super) async fn block(api: Arc<Api>, raw: Raw) -> Result<Bytes, Fault> {
    let id = raw.args()?.required("block", params::block_id)?;
    api.on_scans(move |api| {
        let reader = api.reader()?;
        let block = reader.block(number(&reader, id)?)?;
        let block = block.ok_or_else(|| unknown_block(id))?;
        let mut rlp = Vec::new();
        encode_block(&block, &mut rlp);
        Ok(Bytes::from(rlp))
    })
    .await
}

fn encode_receipt(receipt: Receipt) -> Bytes {
    receipt.into_with_bloom().encoded_2718().into()
}

/// `debug_getRawReceipts(block)`.
pub(super) async fn receipts(api: Arc<Api>, raw: Raw) -> Result<Vec<Bytes>, Fault> {
    let id = raw.args()?.required("block", params::block_id)?;
    api.on_scans(move |api| {
        let reader = api.reader()?;
        let receipts = reader.receipts(number(&reader, id)?)?;
        let receipts = receipts.ok_or_else(|| unknown_block(id))?;
        Ok(receipts.into_iter().map(encode_receipt).collect())
    })
    .await
}

/// `debug_getRawTransaction(hash)`: mined or waiting; `0x` if it is unknown.
pub(super) fn transaction(api: &Api, args: Args<'_>) -> Result<Bytes, Fault> {
    raw_by_hash(api, args)
}

/// `debug_getRawTransactions(block)`.
pub(super) async fn transactions(api: Arc<Api>, raw: Raw) -> Result<Vec<Bytes>, Fault> {
    let id = raw.args()?.required("block", params::block_id)?;
    api.on_scans(move |api| {
        let reader = api.reader()?;
        let block = reader.block(number(&reader, id)?)?;
        let body = block.ok_or_else(|| unknown_block(id))?;
        Ok(body
            .transactions
            .iter()
            .map(|tx| tx.encoded().clone())
            .collect())
    })
    .await
}

/// `debug_chainConfig()`: the `config` of the genesis file.
pub(super) fn chain_config(api: &Api, _: Args<'_>) -> Result<SharedJson, Fault> {
    Ok(SharedJson::new(&api.spec().genesis().config))
}

/// `debug_getBadBlocks()`: none is ever kept.
pub(super) fn bad_blocks(_: &Api, _: Args<'_>) -> Result<Vec<Bytes>, Fault> {
    Ok(Vec::new())
}

/// `debug_codeByHash(hash, block)`: `null` if no account ever had code with this hash. A block adds
/// nothing to a hash.
pub(super) fn code_by_hash(api: &Api, mut args: Args<'_>) -> Result<Option<Bytes>, Fault> {
    let hash: B256 = args.required("hash", params::hash)?;
    args.block()?;
    Ok(api.reader()?.code(hash)?)
}
