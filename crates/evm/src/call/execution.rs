//! One call's EVM.

use std::time::Duration;

use alloy_consensus::{BlockHeader, Header};
use alloy_evm::{EvmEnv, overrides::apply_block_overrides};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::{BlockOverrides, state::StateOverride};
use aura_chainspec::ChainSpec;
use aura_storage::StateView;
use revm::{
    Database, ExecuteEvm, InspectEvm, Inspector, MainBuilder,
    bytecode::opcode,
    context::{BlockEnv, CfgEnv, Context, Evm, TxEnv},
    context_interface::result::{EVMError, ExecutionResult, InvalidTransaction},
    handler::{EthFrame, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
};

use super::{
    BlockEnvSource, CallError, CallLimits, CallRequest,
    deadline::{CHECKED_JUMPDEST, CallContext, Deadline, JUMPDEST_GAS},
    request::{Defaults, invalid, normalise},
};
use crate::{
    InvalidTxReason, StateDb,
    attributes::evm_env,
    instructions,
    overrides::{self, OverrideError},
    precompiles::CallPrecompiles,
    state_db::{ErrorSlot, ReadFailure, StateReadError},
};

pub(crate) type CallEvm<I> = Evm<
    CallContext,
    I,
    EthInstructions<EthInterpreter, CallContext>,
    CallPrecompiles,
    EthFrame<EthInterpreter>,
>;

/// Least gas of any transaction.
pub(crate) const TRANSFER_GAS: u64 = 21_000;

/// A prepared call: it can run any number of times, always on the same state.
pub(super) struct Execution {
    evm: CallEvm<()>,
    /// The normalised request.
    pub(super) tx: TxEnv,
    /// Gas limit named by the client.
    pub(super) requested_gas: Option<u64>,
    /// Gas limit of the block it runs in.
    pub(super) block_gas_limit: u64,
    /// Whether EIP-7825 caps the gas of a transaction.
    pub(super) is_osaka: bool,
    /// The limits it runs under.
    pub(super) limits: CallLimits,
    failure: ErrorSlot,
}

impl Execution {
    pub(super) fn prepare(
        spec: &ChainSpec,
        view: StateView,
        env_header: &Header,
        request: CallRequest,
        limits: &CallLimits,
    ) -> Result<Self, CallError> {
        let CallRequest {
            tx,
            block,
            state_overrides,
            block_overrides,
        } = request;
        let mut env = match block {
            BlockEnvSource::Header => evm_env(spec, env_header),
            BlockEnvSource::Next { timestamp } => {
                evm_env(spec, &next_header(spec, env_header, timestamp))
            }
        };
        let mut db = StateDb::new(Some(view), Default::default());
        let failure = db.error_slot();
        let base_fee_is_given = block_overrides
            .as_ref()
            .is_some_and(|o| o.base_fee.is_some());
        if let Some(overrides) = block_overrides {
            apply_block(*overrides, &mut db, &mut env)?;
        }
        let defaults = Defaults {
            chain_id: spec.chain_id(),
            base_fee: env.block_env.basefee,
            gas_cap: limits.gas_cap,
        };
        let normalised = normalise(tx, defaults)?;
        relax(&mut env, &normalised.tx, base_fee_is_given);
        let precompiles = apply_state(state_overrides, &mut db, &env)?;
        let is_osaka = spec.is_osaka_active_at_timestamp(env.block_env.timestamp.saturating_to());
        let block_gas_limit = env.block_env.gas_limit;
        let context: Context<BlockEnv, TxEnv, CfgEnv, StateDb> = Context::new(db, env.cfg_env.spec);
        let context: CallContext = context
            .with_chain(Deadline::after(limits.timeout))
            .with_cfg(env.cfg_env)
            .with_block(env.block_env);
        let mut evm = context.build_mainnet().with_precompiles(precompiles);
        instructions::install(&mut evm.instruction, &evm.ctx.cfg);
        evm.instruction
            .insert_instruction(opcode::JUMPDEST, CHECKED_JUMPDEST, JUMPDEST_GAS);
        Ok(Self {
            evm,
            tx: normalised.tx,
            requested_gas: normalised.gas,
            block_gas_limit,
            is_osaka,
            limits: *limits,
            failure,
        })
    }

    /// Runs `tx`; state changes are dropped.
    pub(super) fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult, CallError> {
        self.check_time()?;
        let caller = tx.caller;
        let outcome = self.evm.transact(tx);
        self.conclude(caller, outcome.map(|outcome| outcome.result))
    }

    /// Runs `tx` under an inspector, which is handed back.
    pub(super) fn inspect<I: Inspector<CallContext>>(
        self,
        tx: TxEnv,
        inspector: I,
    ) -> Result<(Self, I, ExecutionResult), CallError> {
        let Self {
            evm,
            tx: request,
            requested_gas,
            block_gas_limit,
            is_osaka,
            limits,
            failure,
        } = self;
        let caller = tx.caller;
        let mut inspected = evm.with_inspector(inspector);
        let outcome = inspected.inspect_tx(tx).map(|outcome| outcome.result);
        let (evm, inspector) = without_inspector(inspected);
        let this = Self {
            evm,
            tx: request,
            requested_gas,
            block_gas_limit,
            is_osaka,
            limits,
            failure,
        };
        let result = this.conclude(caller, outcome)?;
        Ok((this, inspector, result))
    }

    fn check_time(&mut self) -> Result<(), CallError> {
        if self.evm.ctx.chain.check_now() {
            return Err(self.timeout());
        }
        Ok(())
    }

    const fn timeout(&self) -> CallError {
        CallError::Timeout {
            limit: self.limits.timeout,
        }
    }

    fn conclude(
        &self,
        caller: Address,
        outcome: Result<ExecutionResult, EVMError<StateReadError>>,
    ) -> Result<ExecutionResult, CallError> {
        let deadline = &self.evm.ctx.chain;
        conclude(
            &self.failure,
            deadline,
            self.limits.timeout,
            caller,
            outcome,
        )
    }

    /// Balance of `address` with overrides applied.
    pub(super) fn balance(&mut self, address: Address) -> Result<U256, CallError> {
        let account = self.account(address)?;
        Ok(account.map_or(U256::ZERO, |account| account.balance))
    }

    /// Returns `true` if there is code at `address`.
    pub(super) fn has_code(&mut self, address: Address) -> Result<bool, CallError> {
        let account = self.account(address)?;
        Ok(account.is_some_and(|account| !account.is_code_hash_empty_or_zero()))
    }

    fn account(&mut self, address: Address) -> Result<Option<revm::state::AccountInfo>, CallError> {
        let account = self.evm.ctx.journaled_state.database.basic(address);
        match (account, self.failure.take()) {
            (_, Some(failure)) => Err(state_error(failure)),
            (Ok(account), None) => Ok(account),
            (Err(error), None) => Err(CallError::Evm(error.to_string())),
        }
    }

    /// Returns `true` if a precompile answers at `address`.
    pub(super) fn is_precompile(&self, address: &Address) -> bool {
        self.evm.precompiles.has(address)
    }

    /// Gas that the sender can buy at the request's price, after the value; `None` at price zero.
    pub(super) fn affordable_gas(&mut self) -> Result<Option<u64>, CallError> {
        if self.tx.gas_price == 0 {
            return Ok(None);
        }
        let balance = self.balance(self.tx.caller)?;
        let available = balance
            .checked_sub(self.tx.value)
            .ok_or(CallError::InsufficientFundsForTransfer)?;
        let gas = available / U256::from(self.tx.gas_price);
        Ok(Some(gas.saturating_to()))
    }

    /// Lowers a gas limit that the client did not name to what the sender can pay.
    pub(super) fn clamp_to_funds(&mut self) -> Result<(), CallError> {
        if self.requested_gas.is_some() {
            return Ok(());
        }
        // Too little for any transaction: let the EVM name the sum that is missing.
        match self.affordable_gas() {
            Ok(Some(gas)) if gas >= TRANSFER_GAS => {
                self.tx.gas_limit = self.tx.gas_limit.min(gas);
                Ok(())
            }
            Ok(_) | Err(CallError::InsufficientFundsForTransfer) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn without_inspector<I>(evm: CallEvm<I>) -> (CallEvm<()>, I) {
    let Evm {
        ctx,
        inspector,
        instruction,
        precompiles,
        frame_stack,
        ..
    } = evm;
    let evm = Evm {
        ctx,
        inspector: (),
        instruction,
        precompiles,
        frame_stack,
    };
    (evm, inspector)
}

/// The outcome of an execution: what stopped it comes before what it led to.
pub(crate) fn conclude<T>(
    failure: &ErrorSlot,
    deadline: &Deadline,
    timeout: Duration,
    caller: Address,
    outcome: Result<T, EVMError<StateReadError>>,
) -> Result<T, CallError> {
    if let Some(failure) = failure.take() {
        return Err(state_error(failure));
    }
    if deadline.is_expired() {
        return Err(CallError::Timeout { limit: timeout });
    }
    outcome.map_err(|error| match error {
        EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { fee, balance }) => {
            CallError::InsufficientFunds {
                address: caller,
                have: *balance,
                want: *fee,
            }
        }
        EVMError::Transaction(reason) => CallError::InvalidTransaction(InvalidTxReason(reason)),
        other => CallError::Evm(other.to_string()),
    })
}

pub(crate) fn state_error(failure: ReadFailure) -> CallError {
    match failure {
        ReadFailure::Storage(error) => CallError::State(error),
        ReadFailure::Detached => CallError::Evm("no state view is attached".to_owned()),
    }
}

/// Header of the block after `header` as far as it is known.
pub(crate) fn next_header(spec: &ChainSpec, header: &Header, timestamp: u64) -> Header {
    let timestamp = timestamp.max(header.timestamp);
    let number = header.number + 1;
    let blob_params = spec.blob_params_at(timestamp);
    let excess_blob_gas = header
        .maybe_next_block_excess_blob_gas(blob_params)
        .unwrap_or_default();
    Header {
        number,
        timestamp,
        base_fee_per_gas: spec
            .is_london_active_at_block(number)
            .then(|| spec.next_base_fee(header)),
        excess_blob_gas: blob_params.map(|_| excess_blob_gas),
        beneficiary: header.beneficiary,
        gas_limit: header.gas_limit,
        mix_hash: header.mix_hash,
        // Zero would say that the block comes after the merge.
        difficulty: if spec.is_merged(header) {
            U256::ZERO
        } else {
            spec.next_difficulty(header, timestamp)
        },
        ..Header::default()
    }
}

/// Switches off what geth does not check in a call.
pub(crate) fn relax(env: &mut EvmEnv, tx: &TxEnv, base_fee_is_given: bool) {
    let cfg = &mut env.cfg_env;
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    cfg.disable_base_fee = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    // Without a price, geth lets `BASEFEE` and `BLOBBASEFEE` be zero.
    if tx.gas_price == 0 && !base_fee_is_given {
        env.block_env.basefee = 0;
    }
    if tx.max_fee_per_blob_gas == 0
        && !tx.blob_hashes.is_empty()
        && let Some(blob) = &mut env.block_env.blob_excess_gas_and_price
    {
        blob.blob_gasprice = 0;
    }
}

pub(crate) fn apply_block(
    overrides: BlockOverrides,
    db: &mut StateDb,
    env: &mut EvmEnv,
) -> Result<(), CallError> {
    if overrides
        .number
        .is_some_and(|number| number > U256::from(u64::MAX))
    {
        return Err(invalid("block override number exceeds 64 bits"));
    }
    apply_block_overrides(overrides, db, &mut env.block_env);
    Ok(())
}

/// Applies account overrides; the precompiles come back because some may have moved.
pub(crate) fn apply_state(
    wanted: Option<StateOverride>,
    db: &mut StateDb,
    env: &EvmEnv,
) -> Result<CallPrecompiles, CallError> {
    let mut precompiles = CallPrecompiles::new(env.cfg_env.spec);
    if let Some(wanted) = wanted {
        overrides::apply(wanted, db, &mut precompiles).map_err(|error| match error {
            OverrideError::State(error) => CallError::State(error),
            error => invalid(error.to_string()),
        })?;
    }
    Ok(precompiles)
}
