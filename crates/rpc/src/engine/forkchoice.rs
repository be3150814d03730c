//! `engine_forkchoiceUpdated`: which known blocks are head, safe and finalized.

use std::sync::Arc;

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, HeadLabel};
use aura_storage::Reader;
use serde::{Deserialize, Serialize};

use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
};

/// The heads as the caller has them; a zero hash says nothing of that head.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForkchoiceState {
    head_block_hash: B256,
    safe_block_hash: B256,
    finalized_block_hash: B256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Valid,
    Invalid,
    Syncing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PayloadStatus {
    status: Status,
    latest_valid_hash: Option<B256>,
    validation_error: Option<&'static str>,
}

/// The answer; the id is of a payload being built, which there never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Updated {
    payload_status: PayloadStatus,
    payload_id: (),
}

impl Updated {
    const fn new(
        status: Status,
        latest_valid_hash: Option<B256>,
        validation_error: Option<&'static str>,
    ) -> Self {
        Self {
            payload_status: PayloadStatus {
                status,
                latest_valid_hash,
                validation_error,
            },
            payload_id: (),
        }
    }
}

/// What is to be done about a forkchoice state.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// Nothing but the answer.
    Answer(Updated),
    /// These heads move, then the head is valid.
    Move(Vec<(HeadLabel, BlockNumHash)>),
}

/// `engine_forkchoiceUpdatedV1` to `V4(state, attributes)`.
///
/// The head can only be the one that the node has: blocks come by import or from the sequencer. As
/// in geth, an older block of the chain is valid, and nothing changes; a block that is not known is
/// one to sync to.
pub(super) async fn updated(api: Arc<Api>, raw: Raw) -> Result<Updated, Fault> {
    let (state, builds) = parse(raw.args()?)?;
    let answer = api.on_scans(move |api| apply(api, state)).await?;
    // By the specification the heads have moved all the same.
    if builds && answer.payload_status.status == Status::Valid {
        return Err(Fault::PayloadAttributes);
    }
    Ok(answer)
}

/// The state, and whether a payload is to be built.
fn parse(mut args: Args<'_>) -> Result<(ForkchoiceState, bool), Fault> {
    let state = args.required("forkchoice state", params::json)?;
    let attributes = args.optional("payload attributes", |raw| Ok(raw.get().to_owned()))?;
    Ok((state, attributes.is_some()))
}

fn apply(api: &Api, state: ForkchoiceState) -> Result<Updated, Fault> {
    // The reader is closed before the writer is asked.
    let plan = plan(&api.reader()?, state)?;
    match plan {
        Plan::Answer(answer) => Ok(answer),
        Plan::Move(moves) => {
            for (label, to) in moves {
                api.chain.set_head(label, to)?;
            }
            let head = Some(state.head_block_hash);
            Ok(Updated::new(Status::Valid, head, None))
        }
    }
}

fn plan(reader: &Reader, state: ForkchoiceState) -> Result<Plan, Fault> {
    let hash = state.head_block_hash;
    if hash.is_zero() {
        let error = Some("the head's hash is zero");
        return Ok(Plan::Answer(Updated::new(Status::Invalid, None, error)));
    }
    let Some(number) = reader.block_number(hash)? else {
        return Ok(Plan::Answer(Updated::new(Status::Syncing, None, None)));
    };
    if reader.head(HeadLabel::Unsafe)?.hash != hash {
        return Ok(Plan::Answer(Updated::new(Status::Valid, Some(hash), None)));
    }
    let safe = named(
        reader,
        state.safe_block_hash,
        "the safe block is not in the chain",
    )?;
    let finalized = named(
        reader,
        state.finalized_block_hash,
        "the finalized block is not in the chain",
    )?;
    // What is not named stays, and must fit too.
    let now = |label| Ok::<_, Fault>(reader.head(label)?.number);
    let safe_number = safe.map_or_else(|| now(HeadLabel::Safe), |block| Ok(block.number))?;
    let finalized_number =
        finalized.map_or_else(|| now(HeadLabel::Finalized), |block| Ok(block.number))?;
    if finalized_number > safe_number || safe_number > number {
        return Err(Fault::Forkchoice(
            "the finalized block is above the safe block",
        ));
    }
    let mut moves = Vec::new();
    for (label, block) in [(HeadLabel::Safe, safe), (HeadLabel::Finalized, finalized)] {
        let Some(block) = block else { continue };
        if reader.head(label)? != block {
            moves.push((label, block));
        }
    }
    Ok(Plan::Move(moves))
}

/// The block with this hash; `None` if the hash is zero.
fn named(
    reader: &Reader,
    hash: B256,
    unknown: &'static str,
) -> Result<Option<BlockNumHash>, Fault> {
    if hash.is_zero() {
        return Ok(None);
    }
    let number = reader.block_number(hash)?;
    let number = number.ok_or(Fault::Forkchoice(unknown))?;
    Ok(Some(BlockNumHash { number, hash }))
}
