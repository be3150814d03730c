//! The open block, built transaction by transaction.

mod room;
mod verifying;

use std::{borrow::Cow, sync::Arc};

use alloy_consensus::{Header, TransactionEnvelope, transaction::Recovered};
use alloy_eips::{eip4895::Withdrawals, eip7685::Requests};
use alloy_evm::{
    Evm, EvmEnv,
    block::{BlockExecutor as _, TxResult},
    eth::{
        EthBlockExecutionCtx, EthBlockExecutor,
        receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
    },
};
use alloy_hardforks::EthereumHardforks;
use aura_chainspec::ChainSpec;
use aura_primitives::{
    ExecutedBlock, Receipt, RecoveredTx, SealedHeader, TxEnvelope, bridge::L1BlockInfo,
};
use aura_storage::StateView;
use parking_lot::RwLock;
use revm::database_interface::DatabaseCommitExt;

use crate::{
    ExecutionError, OpenBlock, OpenBody, PayloadAttributes, StateDb,
    attributes::evm_env,
    block_evm::BlockEvm,
    dao,
    evm_tx::{BaseFee, EvmTx},
    l1, roots,
    rules::BlockRules,
    state_db::{ErrorSlot, ReadFailure, StateReadError, StateReads},
    verify::{MAX_BLOCK_BYTES, ommer_rewards},
};

/// Upper bound on the encoding of a header and the lists around it.
const HEADER_BYTES: u64 = 1_024;
/// Upper bound on the encoding of one withdrawal.
const WITHDRAWAL_BYTES: u64 = 64;
/// Upper bound on the RLP string header around a transaction in the body.
pub const STRING_HEADER_BYTES: u64 = 5;

/// Builds receipts as the chain stores them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipts;

impl ReceiptBuilder for Receipts {
    type Transaction = TxEnvelope;
    type Receipt = Receipt;

    fn build_receipt<E: Evm>(
        &self,
        ctx: ReceiptBuilderCtx<'_, <TxEnvelope as TransactionEnvelope>::TxType, E>,
    ) -> Receipt {
        Receipt {
            tx_type: ctx.tx_type,
            status: ctx.result.is_success().into(),
            cumulative_gas_used: ctx.cumulative_gas_used,
            logs: ctx.result.into_logs(),
        }
    }
}

/// What became of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxOutcome {
    /// Gas that the sender pays for.
    pub gas_used: u64,
    /// `false` if it reverted or halted; it is in the block all the same.
    pub success: bool,
}

/// The block that is being built.
///
/// [`begin`](Self::begin) runs the system calls before the transactions, [`execute`](Self::execute)
/// adds a transaction, [`finish`](Self::finish) closes the block. Between bursts of transactions
/// [`detach`](Self::detach) drops the database snapshot. It may move between threads.
pub struct BlockExecutor {
    inner: EthBlockExecutor<'static, BlockEvm, BlockRules<Arc<ChainSpec>>, Receipts>,
    open: Arc<OpenBlock>,
    withdrawals: Option<Withdrawals>,
    l1_info: Option<L1BlockInfo>,
    spec: Arc<ChainSpec>,
    bytes_left: u64,
    max_blob_gas: u64,
    failure: ErrorSlot,
    poisoned: bool,
}

impl std::fmt::Debug for BlockExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockExecutor")
            .field("number", &self.open.header.number)
            .field("transactions", &self.len())
            .field("gas_used", &self.gas_used())
            .finish_non_exhaustive()
    }
}

impl BlockExecutor {
    /// Opens a block on `parent`, whose state is `view`, and runs the system calls that precede the
    /// transactions (EIP-2935, EIP-4788).
    ///
    /// # Errors
    /// [`ExecutionError::InvalidAttributes`], [`ExecutionError::State`], or a failed system call.
    pub fn begin(
        spec: Arc<ChainSpec>,
        parent: &SealedHeader,
        attributes: PayloadAttributes,
        view: StateView,
    ) -> Result<Self, ExecutionError> {
        let header = attributes.header(&spec, parent)?;
        let l1_info = attributes.l1_info.as_ref();
        Self::with_header(spec, parent, header, attributes.withdrawals, l1_info, view)
    }

    /// Opens a block with a given header; fields that execution gives are overwritten at the end.
    pub(crate) fn with_header(
        spec: Arc<ChainSpec>,
        parent: &SealedHeader,
        header: Header,
        withdrawals: Option<Withdrawals>,
        l1_info: Option<&L1BlockInfo>,
        view: StateView,
    ) -> Result<Self, ExecutionError> {
        let rules = BlockRules::shared(Arc::clone(&spec), &header);
        let withdrawals = rules
            .is_shanghai_active_at_timestamp(header.timestamp)
            .then(|| withdrawals.unwrap_or_default());
        let env = evm_env(&spec, &header);
        let diff = Arc::default();
        let mut db = StateDb::new(Some(view), Arc::clone(&diff));
        let failure = db.error_slot();
        let first_deposit = match l1_info {
            Some(_) => Some(check_state(&failure, l1::consumed(&mut db))?),
            None => None,
        };
        let ctx = EthBlockExecutionCtx {
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            ommers: &[],
            withdrawals: withdrawals.as_ref().map(|w| Cow::Owned(w.to_vec())),
            extra_data: header.extra_data.clone(),
            tx_count_hint: None,
            slot_number: None,
        };
        let withdrawal_bytes =
            WITHDRAWAL_BYTES * withdrawals.as_ref().map_or(0, |w| w.len() as u64);
        let mut executor = Self {
            bytes_left: if rules.is_osaka_active_at_timestamp(header.timestamp) {
                (MAX_BLOCK_BYTES as u64).saturating_sub(HEADER_BYTES + withdrawal_bytes)
            } else {
                u64::MAX
            },
            max_blob_gas: spec
                .blob_params_at(header.timestamp)
                .map_or(0, |params| params.max_blob_gas_per_block()),
            inner: EthBlockExecutor::new(
                BlockEvm::new(db, env, BaseFee::of(&spec)),
                ctx,
                rules,
                Receipts,
            ),
            open: Arc::new(OpenBlock {
                parent: parent.clone(),
                header,
                first_deposit,
                diff,
                body: RwLock::new(OpenBody::default()),
            }),
            withdrawals,
            l1_info: l1_info.copied(),
            spec: Arc::clone(&spec),
            failure,
            poisoned: false,
        };
        let outcome = executor.inner.apply_pre_execution_changes();
        check(&executor.failure, outcome)?;
        if let Some(info) = l1_info {
            let outcome = l1::tell(&mut executor.inner.evm, info);
            check(&executor.failure, outcome)?;
        }
        if spec.moves_dao_balances(executor.open.header.number) {
            let outcome = dao::move_balances(executor.inner.evm.db_mut());
            check_state(&executor.failure, outcome)?;
        }
        Ok(executor)
    }

    /// Gives up the block for the state and environment of its next transaction: what follows is
    /// executed under an inspector and never sealed.
    pub(crate) fn into_parts(self) -> (StateDb, EvmEnv) {
        self.inner.evm.finish()
    }

    /// Attaches a snapshot for the next burst of transactions; it must show the parent's state.
    pub fn attach(&mut self, view: StateView) {
        self.inner.evm.db_mut().attach(view);
    }

    /// Drops the snapshot, so that none is held while no transactions arrive.
    pub fn detach(&mut self) {
        self.inner.evm.db_mut().detach();
    }

    /// Notes every leaf of the parent's state that the block reads.
    pub fn record_reads(&mut self) -> StateReads {
        self.inner.evm.db_mut().record_reads()
    }

    /// Executes `tx` at the end of the block. A plain transfer costs a few microseconds.
    ///
    /// # Errors
    /// [`ExecutionError::InvalidTransaction`], [`ExecutionError::BlockGasExhausted`] and
    /// [`ExecutionError::BlockFull`] leave the block as it was. After any other error the block
    /// must be dropped ([`ExecutionError::is_fatal`]).
    pub fn execute(&mut self, tx: &Arc<RecoveredTx>) -> Result<TxOutcome, ExecutionError> {
        if self.poisoned {
            return Err(ExecutionError::Poisoned);
        }
        let bytes = tx.encoded().len() as u64 + STRING_HEADER_BYTES;
        self.check_room(tx, bytes)?;
        let env = EvmTx::of(tx);
        let recovered = Recovered::new_unchecked(tx.envelope(), tx.sender());
        let mut success = false;
        let outcome =
            self.inner
                .execute_transaction_with_result_closure((env, recovered), |output| {
                    success = output.result().result.is_success();
                });
        let committed = outcome.is_ok();
        let gas_used = check(&self.failure, outcome)
            .inspect_err(|_| self.poisoned = committed)?
            .tx_gas_used();
        self.bytes_left -= bytes;
        let mut body = self.open.body.write();
        // The receipt lives where readers of the open block see it.
        body.receipts.append(&mut self.inner.receipts);
        body.transactions.push(Arc::clone(tx));
        body.gas_used = self.inner.cumulative_tx_gas_used;
        Ok(TxOutcome { gas_used, success })
    }

    /// The block as readers on other threads see it.
    pub fn shared(&self) -> Arc<OpenBlock> {
        Arc::clone(&self.open)
    }

    /// Header with what is known so far: gas used and blob gas are current, bloom and roots zero.
    pub fn header(&self) -> Header {
        let mut header = self.open.header.clone();
        header.gas_used = self.gas_used();
        header.blob_gas_used = header.blob_gas_used.map(|_| self.inner.blob_gas_used);
        header
    }

    /// Number of transactions in the block.
    pub fn len(&self) -> usize {
        self.open.body.read().transactions.len()
    }

    /// Returns `true` if the block has no transaction yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gas used by the transactions so far.
    pub const fn gas_used(&self) -> u64 {
        self.inner.cumulative_tx_gas_used
    }

    /// Gas that the next transaction's limit may not exceed.
    pub fn gas_left(&self) -> u64 {
        self.open.header.gas_limit.saturating_sub(self.gas_used())
    }

    /// Closes the block: withdrawals, request system calls (EIP-7002, EIP-7251), roots and bloom.
    ///
    /// A view must be attached. Readers of [`shared`](Self::shared) keep what they see.
    ///
    /// # Errors
    /// [`ExecutionError::State`], or a failed system call.
    pub fn finish(self) -> Result<ExecutedBlock, ExecutionError> {
        self.finish_with_ommers(Vec::new())
    }

    /// As [`finish`](Self::finish), and returns the requests of EIP-7685, which a block holds only
    /// by their hash.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub fn finish_with_requests(self) -> Result<(ExecutedBlock, Requests), ExecutionError> {
        self.close(Vec::new())
    }

    fn close(self, ommers: Vec<Header>) -> Result<(ExecutedBlock, Requests), ExecutionError> {
        let Self {
            mut inner,
            open,
            withdrawals,
            l1_info,
            spec,
            failure,
            poisoned,
            ..
        } = self;
        if poisoned {
            return Err(ExecutionError::Poisoned);
        }
        let OpenBody {
            transactions,
            receipts,
            ..
        } = open.body.read().clone();
        // Deposit requests (EIP-6110) are parsed from the receipts.
        inner.receipts = receipts;
        let rules = inner.spec.clone();
        if !ommers.is_empty() {
            let rewards = ommer_rewards(&rules, &open.header, &ommers);
            let outcome = inner.evm.db_mut().increment_balances(rewards);
            check_state(&failure, outcome)?;
        }
        let (mut evm, result) = check(&failure, inner.finish())?;
        let withdrawal_root = l1::withdrawal_root(&spec, evm.db_mut());
        let withdrawal_root = check_state(&failure, withdrawal_root)?;
        // The environment and caches are of no use any more.
        drop(evm);
        let mut header = open.header.clone();
        let (summary, diff) = rayon::join(
            || roots::summarize(&transactions, &result.receipts),
            || {
                let mut diff = open.diff.read().clone();
                diff.prune();
                diff
            },
        );
        roots::complete(&mut header, &rules, &summary, &result);
        header.withdrawals_root = roots::withdrawals_root(withdrawals.as_ref(), withdrawal_root);
        let block = ExecutedBlock {
            header,
            transactions,
            ommers,
            withdrawals,
            l1_info,
            receipts: result.receipts,
            diff,
        };
        Ok((block, result.requests))
    }
}

/// As [`check`], where nothing but a read can fail.
fn check_state<T>(
    failure: &ErrorSlot,
    outcome: Result<T, StateReadError>,
) -> Result<T, ExecutionError> {
    check(failure, outcome.map_err(|_| ExecutionError::Poisoned))
}

/// Puts the cause of a failed state read, if there was one, before whatever it led to.
pub(crate) fn check<T, E: Into<ExecutionError>>(
    failure: &ErrorSlot,
    outcome: Result<T, E>,
) -> Result<T, ExecutionError> {
    match (failure.take(), outcome) {
        (Some(ReadFailure::Storage(error)), _) => Err(ExecutionError::State(error)),
        (Some(ReadFailure::Detached), _) => Err(ExecutionError::Detached),
        (None, outcome) => outcome.map_err(Into::into),
    }
}

const _: () = {
    const fn assert_send<T: Send + 'static>() {}
    assert_send::<BlockExecutor>();
};
