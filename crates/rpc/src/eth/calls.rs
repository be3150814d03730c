//! `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::{sync::Arc, time::Duration, time::Instant};

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_rpc_types_eth::{
    AccessListResult, BlockOverrides, TransactionRequest, state::StateOverride,
};
use aura_evm::{BlockEnvSource, CallError, CallLimits, CallRequest};
use aura_primitives::HeadLabel;
use aura_storage::StateView;
use quick_cache::sync::Cache;

use super::{
    blocks::number_of,
    pending::{now, open_block},
};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
    types::{Quantity, call_request},
};

/// Called addresses that took longer than a call on a connection's own thread may.
///
/// The clock is looked at in loops only, so one long precompile can overrun the budget: a few
/// times in [`SlowCallees::HOLD`].
#[derive(Debug)]
pub(crate) struct SlowCallees(Cache<Address, Strikes>);

/// How often a callee was slow of late.
#[derive(Debug, Clone, Copy)]
struct Strikes {
    first: Instant,
    count: u32,
}

impl SlowCallees {
    /// How many are remembered; beyond, those not called lately are forgotten.
    const CAPACITY: usize = 4_096;
    /// How often a callee may be slow: a cold cache or a busy machine makes a light call slow too.
    const PATIENCE: u32 = 3;
    /// For how long strikes count: the next arguments may be lighter.
    const HOLD: Duration = Duration::from_secs(30);
    /// Overrun, in budgets, that counts even if the call came to its end.
    const OVERRUN: u32 = 16;

    pub(crate) fn new() -> Self {
        Self(Cache::new(Self::CAPACITY))
    }

    fn holds(&self, callee: &Address) -> bool {
        self.0.get(callee).is_some_and(|strikes| {
            strikes.count >= Self::PATIENCE && strikes.first.elapsed() < Self::HOLD
        })
    }

    fn strike(&self, callee: Address) {
        let strikes = match self.0.get(&callee) {
            Some(recent) if recent.first.elapsed() < Self::HOLD => Strikes {
                count: recent.count + 1,
                ..recent
            },
            _ => Strikes {
                first: Instant::now(),
                count: 1,
            },
        };
        self.0.insert(callee, strikes);
    }
}

/// The state that a call runs on, and the block it runs in.
pub(crate) struct Scene {
    pub(crate) view: StateView,
    pub(crate) header: Header,
    pub(crate) block: BlockEnvSource,
}

/// What a transfer to an account without code takes.
const PLAIN_TRANSFER_GAS: u64 = 21_000;

/// In which block a request wants to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// In the named block, after its transactions.
    Within,
    /// In the block after it: what an estimate is for.
    After,
    /// In that block, if the transaction comes a second later.
    Later,
}

impl Scene {
    pub(crate) fn new(api: &Api, id: BlockId, moment: Moment) -> Result<Self, Fault> {
        if id == BlockId::Number(BlockNumberOrTag::Pending) {
            return Self::pending(api);
        }
        let reader = api.reader()?;
        let number = number_of(&reader, id)?.ok_or(Fault::HeaderNotFound)?;
        let header = reader.header(number)?.ok_or(Fault::HeaderNotFound)?;
        let head = reader.head(HeadLabel::Unsafe)?.number;
        Ok(Self {
            view: if number == head {
                StateView::latest(reader)
            } else {
                StateView::at(reader, number)
            },
            header: header.into_inner(),
            block: match moment {
                Moment::Within => BlockEnvSource::Header,
                Moment::After => BlockEnvSource::Next { timestamp: now() },
                Moment::Later => BlockEnvSource::Next {
                    timestamp: now() + 1,
                },
            },
        })
    }

    fn pending(api: &Api) -> Result<Self, Fault> {
        let view = api.chain.pending_view()?;
        Ok(match open_block(api) {
            Some(open) => Self {
                view,
                header: open.header.clone(),
                block: BlockEnvSource::Header,
            },
            None => Self {
                view,
                header: api.chain.tip().into_inner(),
                block: BlockEnvSource::Next { timestamp: now() },
            },
        })
    }
}

/// A parsed request, cheap enough to be run twice.
#[derive(Clone)]
struct Request {
    tx: TransactionRequest,
    id: BlockId,
    state_overrides: Option<StateOverride>,
    block_overrides: Option<Box<BlockOverrides>>,
}

impl Request {
    fn parse(mut args: Args<'_>) -> Result<Self, Fault> {
        Ok(Self {
            tx: args.required("transaction", call_request)?,
            id: args.block()?,
            state_overrides: args.optional("state overrides", params::json)?,
            block_overrides: args.optional("block overrides", params::json)?,
        })
    }

    /// Runs `run` with the request's scene.
    fn run<T>(
        self,
        api: &Api,
        moment: Moment,
        timeout: Duration,
        run: impl FnOnce(
            &aura_chainspec::ChainSpec,
            StateView,
            &Header,
            CallRequest,
            &CallLimits,
        ) -> Result<T, CallError>,
    ) -> Result<T, Fault> {
        let Scene {
            view,
            header,
            block,
        } = Scene::new(api, self.id, moment)?;
        let request = CallRequest {
            tx: self.tx,
            block,
            state_overrides: self.state_overrides,
            block_overrides: self.block_overrides,
        };
        let limits = CallLimits {
            gas_cap: api.config.call_gas_cap,
            timeout,
        };
        Ok(run(api.spec(), view, &header, request, &limits)?)
    }

    fn estimate(self, api: &Api) -> Result<u64, Fault> {
        let timeout = api.config.call_timeout();
        let gas = self
            .clone()
            .run(api, Moment::After, timeout, aura_evm::estimate_gas)?;
        Ok(self.gas_a_second_later(api, gas).unwrap_or(gas))
    }

    /// More gas than `gas`, if the transaction needs it when it comes a second later.
    ///
    /// Contracts that write once per second, as Uniswap's pairs do, need more in the next one. What
    /// works only now keeps its estimate.
    fn gas_a_second_later(mut self, api: &Api, gas: u64) -> Option<u64> {
        if gas <= PLAIN_TRANSFER_GAS {
            return None; // no code ran
        }
        let timeout = api.config.call_timeout();
        let wanted = self.tx.gas.replace(gas);
        let suffices = self
            .clone()
            .run(api, Moment::Later, timeout, aura_evm::call)
            .is_ok();
        if suffices {
            return None;
        }
        self.tx.gas = wanted;
        self.run(api, Moment::Later, timeout, aura_evm::estimate_gas)
            .ok()
            .filter(|later| *later > gas)
    }

    /// The called contract, if the call may be tried on the connection's own thread.
    ///
    /// Creations and overrides bring their own code, of which nothing is known.
    fn inline_callee(&self, api: &Api) -> Option<Address> {
        let Some(TxKind::Call(to)) = self.tx.to else {
            return None;
        };
        let plain = self.state_overrides.is_none() && !api.config.inline_call_budget().is_zero();
        (plain && !api.slow_callees.holds(&to)).then_some(to)
    }
}

/// `eth_call(transaction, block, state overrides, block overrides)`.
///
/// Nearly every call ends within the inline budget; there it costs no thread switch. One that does
/// not starts again on a call thread, and its callee goes there directly from then on.
pub(crate) async fn call(api: Arc<Api>, raw: Raw) -> Result<Bytes, Fault> {
    let request = Request::parse(raw.args()?)?;
    if let Some(callee) = request.inline_callee(&api) {
        let budget = api.config.inline_call_budget();
        let started = Instant::now();
        let outcome = request
            .clone()
            .run(&api, Moment::Within, budget, aura_evm::call);
        let is_out_of_time = outcome.as_ref().is_err_and(
            |fault| matches!(fault, Fault::Call(error) if matches!(**error, CallError::Timeout { .. })),
        );
        if is_out_of_time || started.elapsed() > budget * SlowCallees::OVERRUN {
            api.slow_callees.strike(callee);
        }
        if !is_out_of_time {
            return outcome;
        }
    }
    api.on_calls(move |api| {
        request.run(
            api,
            Moment::Within,
            api.config.call_timeout(),
            aura_evm::call,
        )
    })
    .await
}

/// `eth_estimateGas(transaction, block, state overrides, block overrides)`.
pub(crate) async fn estimate_gas(api: Arc<Api>, raw: Raw) -> Result<Quantity<u64>, Fault> {
    let request = Request::parse(raw.args()?)?;
    api.on_calls(move |api| request.estimate(api).map(Quantity))
        .await
}

/// Gas with which `tx` succeeds in the block after `id`.
pub(super) fn estimate(api: &Api, tx: TransactionRequest, id: BlockId) -> Result<u64, Fault> {
    let request = Request {
        tx,
        id,
        state_overrides: None,
        block_overrides: None,
    };
    request.estimate(api)
}

/// `eth_createAccessList(transaction, block, state overrides)`.
pub(crate) async fn create_access_list(api: Arc<Api>, raw: Raw) -> Result<AccessListResult, Fault> {
    let request = Request::parse(raw.args()?)?;
    api.on_calls(move |api| {
        let timeout = api.config.call_timeout();
        request.run(api, Moment::After, timeout, aura_evm::create_access_list)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callee_is_held_back_only_when_it_is_slow_again_and_again() {
        let slow = SlowCallees::new();
        let (heavy, light) = (Address::repeat_byte(1), Address::repeat_byte(2));
        slow.strike(light);
        for _ in 0..SlowCallees::PATIENCE {
            assert!(!slow.holds(&heavy));
            slow.strike(heavy);
        }
        assert!(slow.holds(&heavy));
        assert!(!slow.holds(&light));
    }
}
