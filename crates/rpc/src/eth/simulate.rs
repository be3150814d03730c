//! `eth_simulateV1`.

use std::{cell::RefCell, sync::Arc};

use alloy_eips::{BlockId, BlockNumberOrTag, eip4895::Withdrawals};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use aura_chain::ChainError;
use aura_evm::simulate::{
    RootFailed, SimulateBlock, SimulateError, SimulateLimits, SimulateRequest, simulate,
};
use aura_primitives::{HeadLabel, SealedHeader, StateDiff};
use aura_storage::StateView;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::blocks::number_of;
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params,
    types::{SimulatedView, call_request},
};

/// The payload as it stands in the request; calls are parsed one by one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(borrow, default)]
    block_state_calls: Option<Vec<Option<BlockFields<'a>>>>,
    #[serde(default)]
    trace_transfers: Option<bool>,
    #[serde(default)]
    validation: Option<bool>,
    #[serde(default)]
    return_full_transactions: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct BlockFields<'a> {
    #[serde(borrow, default)]
    block_overrides: Option<&'a RawValue>,
    #[serde(default)]
    state_overrides: Option<StateOverride>,
    #[serde(borrow, default)]
    calls: Option<Vec<&'a RawValue>>,
}

/// The one header field that alloy's overrides lack.
#[derive(Deserialize)]
struct WithdrawalsOverride {
    #[serde(default)]
    withdrawals: Option<Withdrawals>,
}

struct Parsed {
    request: SimulateRequest,
    full: bool,
}

fn payload(raw: &RawValue) -> Result<Parsed, String> {
    let payload: Payload<'_> = params::json(raw)?;
    let blocks = payload.block_state_calls.unwrap_or_default();
    if blocks.is_empty() {
        return Err("empty input: blockStateCalls names no block".to_owned());
    }
    let blocks = blocks
        .into_iter()
        .enumerate()
        .map(|(index, fields)| {
            block(fields.unwrap_or_default())
                .map_err(|problem| format!("blockStateCalls[{index}]: {problem}"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Parsed {
        request: SimulateRequest {
            blocks,
            trace_transfers: payload.trace_transfers.unwrap_or_default(),
            validation: payload.validation.unwrap_or_default(),
        },
        full: payload.return_full_transactions.unwrap_or_default(),
    })
}

fn block(fields: BlockFields<'_>) -> Result<SimulateBlock, String> {
    let (mut overrides, mut withdrawals) = (BlockOverrides::default(), None);
    if let Some(raw) = fields.block_overrides {
        overrides = params::json(raw)?;
        withdrawals = params::json::<WithdrawalsOverride>(raw)?.withdrawals;
    }
    let calls = fields.calls.unwrap_or_default();
    Ok(SimulateBlock {
        overrides,
        withdrawals,
        state: fields.state_overrides,
        calls: calls
            .into_iter()
            .enumerate()
            .map(|(index, raw)| call(raw).map_err(|problem| format!("calls[{index}]: {problem}")))
            .collect::<Result<_, _>>()?,
    })
}

fn call(raw: &RawValue) -> Result<TransactionRequest, String> {
    call_request(raw)
}

/// The block to simulate on, with its state. Nothing can be built on the open block, which has no
/// hash yet: `pending` is the block that it is built on.
fn base(api: &Api, id: BlockId) -> Result<(SealedHeader, StateView), Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return base(api, BlockId::latest());
    }
    let reader = api.reader()?;
    let number = number_of(&reader, id)?.ok_or(Fault::HeaderNotFound)?;
    let header = reader.header(number)?.ok_or(Fault::HeaderNotFound)?;
    let view = if number == reader.head(HeadLabel::Unsafe)?.number {
        StateView::latest(reader)
    } else {
        StateView::at(reader, number)
    };
    Ok((header, view))
}

/// The answer: an array of blocks.
struct Answer {
    blocks: Vec<aura_evm::simulate::SimulatedBlock>,
    full: bool,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.blocks.iter().map(|simulated| SimulatedView {
            simulated,
            full: self.full,
        }))
    }
}

/// `eth_simulateV1(payload, block)`.
pub(crate) async fn simulate_v1(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let mut args = raw.args()?;
    let Parsed { request, full } = args.required("payload", payload)?;
    let id = args.block()?;
    api.on_calls(move |api| {
        let blocks = run(api, request, id)?;
        api.to_json(&Answer { blocks, full })
    })
    .await
}

fn run(
    api: &Api,
    request: SimulateRequest,
    id: BlockId,
) -> Result<Vec<aura_evm::simulate::SimulatedBlock>, Fault> {
    let (header, view) = base(api, id)?;
    let limits = SimulateLimits {
        gas_cap: api.config.call_gas_cap,
        timeout: api.config.simulate_timeout(),
        max_blocks: api.config.max_simulate_blocks,
    };
    let failure = RefCell::new(None);
    let root = |view: &StateView, diff: &StateDiff| {
        api.chain.state_root_with(view, diff).map_err(|error| {
            failure.replace(Some(error));
            RootFailed
        })
    };
    simulate(api.spec(), view, &header, request, &limits, &root)
        .map_err(|error| fault(error, failure.take()))
}

fn fault(error: SimulateError, root: Option<ChainError>) -> Fault {
    match (error, root) {
        (SimulateError::Root(_), Some(error)) => error.into(),
        (SimulateError::State(error), _) => error.into(),
        (error, _) => Fault::Simulate(Box::new(error)),
    }
}
