//! `eth_capabilities`: which data is there, and from which block on.

use alloy_primitives::B256;
use aura_chainspec::Commitment;
use aura_primitives::{BlockNumHash, HeadLabel};
use serde::Serialize;

use crate::{api::Api, errors::Fault, params::Args, types::Quantity};

#[derive(Debug, Clone, Copy, Serialize)]
struct Head {
    number: Quantity<u64>,
    hash: B256,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_block: Option<Quantity<u64>>,
}

impl Resource {
    const DISABLED: Self = Self {
        disabled: true,
        oldest_block: None,
    };

    const fn since(block: u64) -> Self {
        Self {
            disabled: false,
            oldest_block: Some(Quantity(block)),
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Capabilities {
    head: Head,
    state: Resource,
    tx: Resource,
    logs: Resource,
    receipts: Resource,
    blocks: Resource,
    stateproofs: Resource,
}

/// `eth_capabilities()`. Blocks with all that belongs to them are never removed; state is kept for
/// as many blocks as the node is told.
pub(crate) fn capabilities(api: &Api, _: Args<'_>) -> Result<Capabilities, Fault> {
    let reader = api.reader()?;
    let BlockNumHash { number, hash } = reader.head(HeadLabel::Unsafe)?;
    let state = Resource::since(reader.first_history_block()?);
    let always = Resource::since(0);
    Ok(Capabilities {
        head: Head {
            number: Quantity(number),
            hash,
        },
        state,
        tx: always,
        logs: always,
        receipts: always,
        blocks: always,
        // `aura_getProof` is another method than the one that this is about.
        stateproofs: match api.spec().commitment() {
            Commitment::Mpt => state,
            Commitment::Smt => Resource::DISABLED,
        },
    })
}
