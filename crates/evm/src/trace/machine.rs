//! An EVM that executes one transaction after the other, watched or not.

use std::{cell::RefCell, time::Duration};

use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, U256};
use revm::{
    Database, DatabaseCommit, DatabaseRef, MainBuilder,
    bytecode::opcode,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::result::ResultAndState,
    state::{AccountInfo, Bytecode, EvmState},
};

use super::{
    TraceError,
    watch::{Recorder, Watched},
};
use crate::{
    CallError, StateDb,
    call::{
        deadline::{CHECKED_JUMPDEST, CallContext, Deadline, JUMPDEST_GAS},
        execution::{CallEvm, conclude, state_error},
    },
    evm_tx::{self, BaseFee, EvmTx},
    instructions,
    precompiles::CallPrecompiles,
    state_db::{ErrorSlot, StateReadError},
};

/// What the trace of one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceLimits {
    /// Longest execution, everything that is replayed included.
    pub timeout: Duration,
    /// Longest text of the result.
    pub max_bytes: usize,
    /// Largest gas limit of a traced call.
    pub gas_cap: u64,
}

/// State and environment on which transactions are executed in turn.
pub(super) struct Machine<R> {
    evm: CallEvm<Watched<R>>,
    base_fee: BaseFee,
    failure: ErrorSlot,
    limits: TraceLimits,
}

impl<R: Recorder> Machine<R> {
    /// Time starts to run here.
    pub(super) fn new(
        db: StateDb,
        env: EvmEnv,
        base_fee: BaseFee,
        limits: TraceLimits,
        recorder: R,
    ) -> Self {
        let failure = db.error_slot();
        let precompiles = CallPrecompiles::new(env.cfg_env.spec);
        let context: Context<BlockEnv, TxEnv, CfgEnv, StateDb> = Context::new(db, env.cfg_env.spec);
        let context: CallContext = context
            .with_chain(Deadline::after(limits.timeout))
            .with_cfg(env.cfg_env)
            .with_block(env.block_env);
        let watched = Watched::new(recorder, limits.max_bytes);
        let mut evm = context
            .build_mainnet_with_inspector(watched)
            .with_precompiles(precompiles);
        instructions::install(&mut evm.instruction, &evm.ctx.cfg);
        evm.instruction
            .insert_instruction(opcode::JUMPDEST, CHECKED_JUMPDEST, JUMPDEST_GAS);
        Self {
            evm,
            base_fee,
            failure,
            limits,
        }
    }

    /// Replaces the environment, for a call with overrides.
    pub(super) fn set_env(&mut self, env: EvmEnv, precompiles: CallPrecompiles) {
        self.evm.ctx.cfg = env.cfg_env;
        self.evm.ctx.block = env.block_env;
        self.evm.precompiles = precompiles;
    }

    pub(super) const fn limits(&self) -> &TraceLimits {
        &self.limits
    }

    pub(super) fn recorder(&mut self) -> &mut R {
        self.evm.inspector.recorder()
    }

    /// Prepares the recorder for a transaction whose trace may have `max_bytes`.
    pub(super) fn reset(&mut self, max_bytes: usize) {
        self.evm.inspector.reset(max_bytes);
    }

    /// Bytes that the last transaction has left over.
    pub(super) const fn left(&self) -> usize {
        self.evm.inspector.left()
    }

    pub(super) fn db(&mut self) -> &mut StateDb {
        &mut self.evm.ctx.journaled_state.database
    }

    /// The state with all that was committed.
    pub(super) fn into_db(self) -> StateDb {
        self.evm.ctx.journaled_state.database
    }

    /// Executes a transaction unwatched and commits it.
    pub(super) fn execute(&mut self, tx: EvmTx) -> Result<(), TraceError> {
        self.check_time()?;
        let caller = tx.env.caller;
        let outcome = evm_tx::transact(&mut self.evm, tx, self.base_fee, false);
        let outcome = self.conclude(caller, outcome)?;
        self.commit(outcome.state)
    }

    /// Executes a transaction under the recorder; nothing is committed.
    pub(super) fn inspect(&mut self, tx: EvmTx) -> Result<ResultAndState, TraceError> {
        self.check_time()?;
        let caller = tx.env.caller;
        let outcome = evm_tx::transact(&mut self.evm, tx, self.base_fee, true);
        if self.evm.inspector.is_full() {
            return Err(TraceError::TooLarge {
                max_bytes: self.limits.max_bytes,
            });
        }
        self.conclude(caller, outcome)
    }

    pub(super) fn commit(&mut self, state: EvmState) -> Result<(), TraceError> {
        self.db().commit(state);
        self.check_state()
    }

    /// The recorder, and the state before the transaction that it has seen.
    pub(super) fn recorded(&mut self) -> (&mut R, Before<'_>) {
        let before = Before(RefCell::new(&mut self.evm.ctx.journaled_state.database));
        (self.evm.inspector.recorder(), before)
    }

    /// The cause of a read that failed on a path which hides it.
    pub(super) fn check_state(&self) -> Result<(), TraceError> {
        match self.failure.take() {
            Some(failure) => Err(state_error(failure).into()),
            None => Ok(()),
        }
    }

    fn check_time(&mut self) -> Result<(), TraceError> {
        if self.evm.ctx.chain.check_now() {
            let limit = self.limits.timeout;
            return Err(CallError::Timeout { limit }.into());
        }
        Ok(())
    }

    fn conclude<T>(
        &self,
        caller: Address,
        outcome: Result<T, revm::context_interface::result::EVMError<StateReadError>>,
    ) -> Result<T, TraceError> {
        let deadline = &self.evm.ctx.chain;
        Ok(conclude(
            &self.failure,
            deadline,
            self.limits.timeout,
            caller,
            outcome,
        )?)
    }
}

/// The state before a transaction, for results that show what it changed.
#[derive(Debug)]
pub(super) struct Before<'a>(RefCell<&'a mut StateDb>);

impl DatabaseRef for Before<'_> {
    type Error = StateReadError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateReadError> {
        self.0.borrow_mut().basic(address)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateReadError> {
        self.0.borrow_mut().code_by_hash(code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateReadError> {
        self.0.borrow_mut().storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateReadError> {
        self.0.borrow_mut().block_hash(number)
    }
}
