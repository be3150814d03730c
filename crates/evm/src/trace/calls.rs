//! Traces of calls on any state.

use std::time::Instant;

use alloy_consensus::Header;
use alloy_evm::EvmEnv;
use alloy_primitives::U256;
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionInfo, TransactionRequest, state::StateOverride,
};
use aura_chainspec::ChainSpec;
use aura_primitives::RecoveredTx;
use aura_storage::StateView;
use revm::{Database, context::TxEnv};

use super::{
    BlockScene, TraceError, TraceLimits,
    machine::Machine,
    replay::{Watch, state_within},
    watch::Recorder,
};
use crate::{
    BlockEnvSource, StateDb,
    attributes::evm_env,
    call::{
        execution::{TRANSFER_GAS, apply_block, apply_state, next_header, relax},
        request::{Defaults, normalise},
    },
    evm_tx::{BaseFee, EvmTx},
};

/// The state that calls are traced on, and the block they run in.
#[derive(Debug)]
pub enum CallBase<'a> {
    /// A state, with the header and the way to a block from it.
    State {
        /// The state.
        view: StateView,
        /// The header.
        header: Box<Header>,
        /// In which block calls run.
        block: BlockEnvSource,
    },
    /// The middle of a stored block, after its first `count` transactions.
    Within {
        /// The block.
        scene: BlockScene<'a>,
        /// How many of its transactions come before.
        count: usize,
    },
}

/// A call with what is to be changed before it.
#[derive(Debug, Clone)]
pub struct TraceCall {
    /// What the client sent.
    pub tx: TransactionRequest,
    /// Accounts to be changed before.
    pub state_overrides: Option<StateOverride>,
    /// Fields of the block environment to be changed.
    pub block_overrides: Option<Box<BlockOverrides>>,
}

/// Calls that are traced one after the other on one state.
pub(super) struct Calls<'a, R> {
    spec: &'a ChainSpec,
    env: EvmEnv,
    machine: Machine<R>,
}

impl<'a, R: Recorder> Calls<'a, R> {
    pub(super) fn open(
        spec: &'a ChainSpec,
        base: CallBase<'_>,
        mut limits: TraceLimits,
        recorder: R,
    ) -> Result<Self, TraceError> {
        let started = Instant::now();
        let (db, env) = match base {
            CallBase::State {
                view,
                header,
                block,
            } => {
                let env = match block {
                    BlockEnvSource::Header => evm_env(spec, &header),
                    BlockEnvSource::Next { timestamp } => {
                        evm_env(spec, &next_header(spec, &header, timestamp))
                    }
                };
                (StateDb::new(Some(view), Default::default()), env)
            }
            CallBase::Within { scene, count } => {
                let env = evm_env(spec, &scene.block.header);
                (state_within(scene, count, limits)?, env)
            }
        };
        // What was replayed counts.
        limits.timeout = limits.timeout.saturating_sub(started.elapsed());
        Ok(Self {
            spec,
            machine: Machine::new(db, env.clone(), BaseFee::of(spec), limits, recorder),
            env,
        })
    }

    pub(super) const fn machine(&mut self) -> &mut Machine<R> {
        &mut self.machine
    }

    /// Executes a call under the recorder, by the rules of `eth_call`.
    pub(super) fn watch(&mut self, call: TraceCall, max_bytes: usize) -> Result<Watch, TraceError> {
        let TraceCall {
            tx,
            state_overrides,
            block_overrides,
        } = call;
        let mut env = self.env.clone();
        let base_fee_is_given = block_overrides
            .as_ref()
            .is_some_and(|overrides| overrides.base_fee.is_some());
        if let Some(overrides) = block_overrides {
            apply_block(*overrides, self.machine.db(), &mut env)?;
        }
        let defaults = Defaults {
            chain_id: self.spec.chain_id(),
            base_fee: env.block_env.basefee,
            gas_cap: self.machine.limits().gas_cap,
        };
        let mut normalised = normalise(tx, defaults)?;
        relax(&mut env, &normalised.tx, base_fee_is_given);
        let precompiles = apply_state(state_overrides, self.machine.db(), &env)?;
        if normalised.gas.is_none() {
            self.clamp_to_funds(&mut normalised.tx)?;
        }
        let info = info(&env);
        self.machine.set_env(env, precompiles);
        self.run(normalised.tx.into(), info, max_bytes)
    }

    /// Executes a signed transaction under the recorder, by the rules of a block.
    pub(super) fn watch_signed(
        &mut self,
        tx: &RecoveredTx,
        max_bytes: usize,
    ) -> Result<Watch, TraceError> {
        let info = TransactionInfo {
            hash: Some(tx.hash()),
            ..info(&self.env)
        };
        self.run(EvmTx::of(tx), info, max_bytes)
    }

    fn run(
        &mut self,
        tx: EvmTx,
        info: TransactionInfo,
        max_bytes: usize,
    ) -> Result<Watch, TraceError> {
        self.machine.reset(max_bytes);
        let env = tx.env.clone();
        let outcome = self.machine.inspect(tx)?;
        Ok(Watch {
            info,
            tx: env,
            outcome,
        })
    }

    /// Lowers a gas limit that the client did not name to what the sender can pay, as `eth_call`.
    fn clamp_to_funds(&mut self, tx: &mut TxEnv) -> Result<(), TraceError> {
        if tx.gas_price == 0 {
            return Ok(());
        }
        let account = self.machine.db().basic(tx.caller);
        self.machine.check_state()?;
        let balance = account.ok().flatten().map_or(U256::ZERO, |a| a.balance);
        let available = balance.saturating_sub(tx.value);
        let gas: u64 = (available / U256::from(tx.gas_price)).saturating_to();
        // Too little for any transaction: let the EVM name the sum that is missing.
        if gas >= TRANSFER_GAS {
            tx.gas_limit = tx.gas_limit.min(gas);
        }
        Ok(())
    }
}

fn info(env: &EvmEnv) -> TransactionInfo {
    TransactionInfo {
        block_number: Some(env.block_env.number.saturating_to()),
        base_fee: Some(env.block_env.basefee),
        ..TransactionInfo::default()
    }
}
