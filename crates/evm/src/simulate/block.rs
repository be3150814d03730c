//! One simulated block.

use std::{
    borrow::Cow,
    mem,
    time::{Duration, Instant},
};

use alloy_consensus::{Eip658Value, Header, Sealable, transaction::Recovered};
use alloy_eips::eip4895::Withdrawals;
use alloy_evm::{
    Evm,
    block::{BlockExecutor as _, TxResult},
    eth::{EthBlockExecutionCtx, EthBlockExecutor},
    overrides::OverrideBlockHashes,
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::TransactionRequest;
use aura_chainspec::ChainSpec;
use aura_primitives::{RecoveredTx, SealedBlock, SealedHeader};
use revm::{
    Database,
    context_interface::result::{ExecutionResult, ResultGas},
};

use super::{
    CallOutcome, SimulateError, SimulatedBlock, SimulatedCall, StateRootFn, TxFault,
    evm::SimulateEvm,
    header,
    logs::LogCollector,
    plan::Planned,
    tx::{self, Defaults, Funds},
};
use crate::{
    ExecutionError, InvalidTxReason, StateDb,
    call::deadline::Deadline,
    describe_halt,
    evm_tx::{BaseFee, EvmTx},
    executor::{Receipts, check},
    l1, overrides,
    precompiles::CallPrecompiles,
    roots,
    rules::BlockRules,
    state_db::ErrorSlot,
};

type Executor<'a> = EthBlockExecutor<'static, SimulateEvm, BlockRules<&'a ChainSpec>, Receipts>;

/// How a simulation runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) trace_transfers: bool,
    pub(super) validation: bool,
    pub(super) gas_cap: u64,
    pub(super) timeout: Duration,
    pub(super) ends_at: Instant,
}

/// Executes one block after the other on one state.
pub(super) struct Simulator<'a> {
    spec: &'a ChainSpec,
    /// State after the last block; its layer is the change against the base block.
    db: StateDb,
    failure: ErrorSlot,
    state_root: &'a StateRootFn<'a>,
    options: Options,
    /// What is left of the gas of all calls together.
    gas_left: u64,
}

/// Where a call stands, for errors.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u64,
    index: usize,
}

impl<'a> Simulator<'a> {
    pub(super) fn new(
        spec: &'a ChainSpec,
        db: StateDb,
        state_root: &'a StateRootFn<'a>,
        options: Options,
    ) -> Self {
        Self {
            spec,
            failure: db.error_slot(),
            db,
            state_root,
            options,
            gas_left: options.gas_cap,
        }
    }

    /// Executes `planned` on `parent`, which is the base block or the last one executed.
    pub(super) fn run_block(
        &mut self,
        planned: Planned,
        parent: &SealedHeader,
    ) -> Result<SimulatedBlock, SimulateError> {
        let number = planned.number;
        let validation = self.options.validation;
        let mut header = header::header(self.spec, &planned, parent, validation);
        let Planned { block, .. } = planned;
        let env = header::env(
            self.spec,
            &header,
            block.overrides.blob_base_fee,
            validation,
        );
        let rules = BlockRules::new(self.spec, &header);
        let withdrawals = rules
            .is_shanghai_active_at_timestamp(header.timestamp)
            .then(|| block.withdrawals.unwrap_or_default());
        let hashes = [(parent.number, parent.seal())].into_iter();
        let hashes = hashes.chain(block.overrides.block_hash.into_iter().flatten());
        self.db.override_block_hashes(hashes.collect());
        let mut precompiles = CallPrecompiles::new(env.cfg_env.spec);
        if let Some(state) = block.state {
            overrides::apply(state, &mut self.db, &mut precompiles)?;
        }
        let evm = SimulateEvm::new(
            mem::take(&mut self.db),
            env,
            precompiles,
            Deadline::until(self.options.ends_at),
            LogCollector::new(self.options.trace_transfers),
            BaseFee::of(self.spec),
        );
        let ctx = execution_context(&header, withdrawals.as_ref());
        let mut executor = EthBlockExecutor::new(evm, ctx, rules.clone(), Receipts);
        let outcome = executor.apply_pre_execution_changes();
        check(&self.failure, outcome).map_err(|error| self.block_error(number, error))?;
        let mut calls = Vec::with_capacity(block.calls.len());
        let mut transactions = Vec::with_capacity(block.calls.len());
        for (index, request) in block.calls.into_iter().enumerate() {
            let (call, tx) = self.run_call(&mut executor, request, Place { number, index })?;
            calls.push(call);
            transactions.push(tx);
        }
        let outcome = executor.finish();
        let (evm, result) =
            check(&self.failure, outcome).map_err(|error| self.block_error(number, error))?;
        self.db = evm.finish().0;
        let withdrawal_root = l1::withdrawal_root(self.spec, &mut self.db);
        let withdrawal_root = withdrawal_root.map_err(|_| self.read_error(number))?;
        let summary = roots::summarize(&transactions, &result.receipts);
        roots::complete(&mut header, &rules, &summary, &result);
        header.withdrawals_root = roots::withdrawals_root(withdrawals.as_ref(), withdrawal_root);
        header.state_root = self.state_root()?.unwrap_or_default();
        Ok(SimulatedBlock {
            block: SealedBlock {
                header: header.seal_slow(),
                transactions,
                ommers: Vec::new(),
                withdrawals,
                l1_info: None,
            },
            calls,
        })
    }

    fn run_call(
        &mut self,
        executor: &mut Executor<'_>,
        request: TransactionRequest,
        place: Place,
    ) -> Result<(SimulatedCall, std::sync::Arc<RecoveredTx>), SimulateError> {
        if executor.evm.deadline_mut().check_now() {
            return Err(self.timeout());
        }
        let sender = request.from.unwrap_or_default();
        let funds = self.funds(executor, sender, place)?;
        let gas = self.gas(executor, request.gas, place)?;
        let tx = tx::unsigned(
            request,
            Defaults {
                chain_id: self.spec.chain_id(),
                nonce: funds.nonce,
                gas,
                has_base_fee: self.spec.is_london_active_at_block(place.number),
            },
        )?;
        let validation = self.options.validation;
        tx::check_sender(&tx, funds, executor.evm.block().basefee, validation)
            .map_err(|reason| invalid(place, sender, InvalidTxReason(reason)))?;
        let result = self.execute(executor, &tx, place)?;
        self.gas_left -= result.gas().tx_gas_used().min(self.gas_left);
        if funds.nonce == u64::MAX {
            // Only without validation: the nonce starts again, where the EVM would leave it.
            let wrapped = executor
                .evm
                .db_mut()
                .override_account(sender, Some(0), None, None);
            wrapped.map_err(|_| self.read_error(place.number))?;
        }
        if !self.spec.is_byzantium_active_at_block(place.number) {
            self.put_post_state(executor)?;
        }
        let logs = executor.evm.inspector_mut().take();
        Ok((simulated(result, logs), tx))
    }

    /// Executes and commits one transaction.
    fn execute(
        &self,
        executor: &mut Executor<'_>,
        tx: &RecoveredTx,
        place: Place,
    ) -> Result<ExecutionResult, SimulateError> {
        let mut evm_tx = EvmTx::of(tx);
        let env = &mut evm_tx.env;
        if !self.options.validation {
            // The EVM refuses the highest nonce even where it checks none.
            env.nonce = env.nonce.min(u64::MAX - 1);
        }
        // As with gas, whoever offers nothing for blobs pays nothing.
        let free_blobs = !self.options.validation
            && !env.blob_hashes.is_empty()
            && env.max_fee_per_blob_gas == 0;
        let blob_env = executor.evm.block().blob_excess_gas_and_price;
        if free_blobs && let Some(blob) = &mut executor.evm.block_mut().blob_excess_gas_and_price {
            blob.blob_gasprice = 0;
        }
        let recovered = Recovered::new_unchecked(tx.envelope(), tx.sender());
        let mut result = None;
        let outcome =
            executor.execute_transaction_with_result_closure((evm_tx, recovered), |output| {
                result = Some(output.result().result.clone());
            });
        executor.evm.block_mut().blob_excess_gas_and_price = blob_env;
        if executor.evm.deadline_mut().is_expired() {
            return Err(self.timeout());
        }
        check(&self.failure, outcome).map_err(|error| match error {
            ExecutionError::InvalidTransaction(reason) => invalid(place, tx.sender(), reason),
            error => self.block_error(place.number, error),
        })?;
        result.ok_or_else(|| self.block_error(place.number, ExecutionError::Poisoned))
    }

    /// Gas limit of a call: its own, else all that block and simulation have left.
    fn gas(
        &self,
        executor: &Executor<'_>,
        requested: Option<u64>,
        place: Place,
    ) -> Result<u64, SimulateError> {
        let used = executor.cumulative_tx_gas_used;
        let left = executor.evm.block().gas_limit.saturating_sub(used);
        let gas = requested.unwrap_or(left);
        if gas > left {
            return Err(SimulateError::BlockGasLimit {
                number: place.number,
                index: place.index,
                gas,
                left,
            });
        }
        if self.gas_left == 0 {
            return Err(SimulateError::GasCapExceeded {
                cap: self.options.gas_cap,
            });
        }
        Ok(gas.min(self.gas_left))
    }

    fn funds(
        &self,
        executor: &mut Executor<'_>,
        sender: Address,
        place: Place,
    ) -> Result<Funds, SimulateError> {
        let account = executor.evm.db_mut().basic(sender);
        let account = account.map_err(|_| self.read_error(place.number))?;
        let account = account.unwrap_or_default();
        Ok(Funds {
            nonce: account.nonce,
            balance: account.balance,
        })
    }

    /// Receipts before Byzantium hold the state root after their transaction.
    fn put_post_state(&self, executor: &mut Executor<'_>) -> Result<(), SimulateError> {
        let root = root_of(executor.evm.db(), self.state_root)?;
        if let (Some(root), Some(receipt)) = (root, executor.receipts.last_mut()) {
            receipt.status = Eip658Value::PostState(root);
        }
        Ok(())
    }

    fn state_root(&self) -> Result<Option<B256>, SimulateError> {
        root_of(&self.db, self.state_root)
    }

    const fn timeout(&self) -> SimulateError {
        SimulateError::Timeout {
            limit: self.options.timeout,
        }
    }

    fn read_error(&self, number: u64) -> SimulateError {
        let outcome = check::<(), _>(&self.failure, Err(ExecutionError::Detached));
        outcome.map_or_else(|error| self.block_error(number, error), |()| self.timeout())
    }

    fn block_error(&self, number: u64, error: ExecutionError) -> SimulateError {
        match error {
            ExecutionError::State(error) => SimulateError::State(error),
            source => SimulateError::Block {
                number,
                source: Box::new(source),
            },
        }
    }
}

fn root_of(db: &StateDb, root: &StateRootFn<'_>) -> Result<Option<B256>, SimulateError> {
    let Some(view) = db.view() else {
        return Ok(None);
    };
    let mut diff = db.layer().read().clone();
    diff.prune();
    Ok(root(view, &diff)?)
}

fn execution_context(
    header: &Header,
    withdrawals: Option<&Withdrawals>,
) -> EthBlockExecutionCtx<'static> {
    EthBlockExecutionCtx {
        parent_hash: header.parent_hash,
        parent_beacon_block_root: header.parent_beacon_block_root,
        ommers: &[],
        withdrawals: withdrawals.map(|w| Cow::Owned(w.to_vec())),
        extra_data: header.extra_data.clone(),
        tx_count_hint: None,
        slot_number: None,
    }
}

fn invalid(place: Place, sender: Address, reason: InvalidTxReason) -> SimulateError {
    SimulateError::Transaction {
        number: place.number,
        index: place.index,
        sender,
        fault: TxFault::of(&reason.0),
        reason,
    }
}

fn simulated(result: ExecutionResult, logs: Vec<super::SimulatedLog>) -> SimulatedCall {
    let (gas_used, max_used_gas) = gas_figures(result.gas());
    SimulatedCall {
        outcome: match result {
            ExecutionResult::Success { output, .. } => CallOutcome::Success(output.into_data()),
            ExecutionResult::Revert { output, .. } => CallOutcome::Revert(output),
            ExecutionResult::Halt { reason, .. } => CallOutcome::Halt(describe_halt(&reason)),
        },
        gas_used,
        max_used_gas,
        logs,
    }
}

/// Gas paid for, and the most in use at any moment.
fn gas_figures(gas: &ResultGas) -> (u64, u64) {
    let most = gas.total_gas_spent().max(gas.floor_gas());
    (gas.tx_gas_used(), most)
}
