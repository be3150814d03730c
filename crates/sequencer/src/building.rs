//! The open block: filling it from the pool, recovering when a transaction breaks it.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_primitives::{Address, B256};
use aura_chain::Chain;
use aura_evm::{BlockExecutor, ExecutionError, PayloadAttributes, TxOutcome};
use aura_pool::{ExecOutcome, Pool};
use aura_primitives::{ExecutedBlock, RecoveredTx, SealedHeader};

use crate::{SequencerConfig, SequencerError, metrics};

/// The block being filled.
pub(crate) struct Building {
    executor: BlockExecutor,
    parent: SealedHeader,
    timestamp: u64,
    base_fee: u64,
    included: Vec<Arc<RecoveredTx>>,
    full: bool,
}

/// What became of one transaction in the open block.
enum Step {
    Included,
    DoesNotFit,
    /// It may fit into a later block, as far as this one can tell.
    Later,
    Invalid(String),
    /// The transaction broke the executor; the open block is lost with it.
    Broken(String),
}

impl Building {
    /// Opens a block on the chain's tip and shows it to readers of `pending`.
    pub(crate) fn open(
        chain: &Chain,
        pool: &Pool,
        config: &SequencerConfig,
    ) -> Result<Self, SequencerError> {
        let parent = chain.tip();
        let timestamp = now().as_secs().max(parent.timestamp);
        let spec = chain.spec();
        let attributes = PayloadAttributes {
            timestamp,
            // Without an L1 origin the parent's hash is the only shared value that is not known
            // long before; nobody may take it for randomness that a sequencer cannot influence.
            prev_randao: parent.seal(),
            fee_recipient: spec.fee().fee_vault,
            gas_limit: config.gas_limit,
            parent_beacon_block_root: Some(B256::ZERO),
            withdrawals: Some(Default::default()),
            l1_info: None,
            extra_data: config.extra_data.clone(),
        };
        let base_fee = spec.next_base_fee(&parent);
        let mut executor =
            BlockExecutor::begin(spec.clone(), &parent, attributes, chain.tip_view()?)?;
        executor.detach();
        chain.set_open_block(Some(executor.shared()));
        pool.begin_block(base_fee);
        Ok(Self {
            executor,
            parent,
            timestamp,
            base_fee,
            included: Vec::new(),
            full: false,
        })
    }

    /// Number of transactions executed so far.
    pub(crate) fn len(&self) -> usize {
        self.included.len()
    }

    /// The block takes no more transactions.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// An empty block whose timestamp is in the past; opened again, it is as good as new.
    pub(crate) fn is_stale(&self) -> bool {
        self.included.is_empty() && now().as_secs() > self.timestamp
    }

    /// Transactions of an abandoned block.
    pub(crate) fn into_transactions(self) -> Vec<Arc<RecoveredTx>> {
        self.included
    }

    /// Executes up to `batch` transactions that the pool offers. Returns `false` if it offered
    /// none.
    pub(crate) fn fill(
        &mut self,
        chain: &Chain,
        config: &SequencerConfig,
        pool: &Pool,
        batch: usize,
    ) -> Result<bool, SequencerError> {
        let transactions = pool.take(batch, self.base_fee);
        if transactions.is_empty() {
            return Ok(false);
        }
        self.executor.attach(chain.tip_view()?);
        let mut outcomes = Vec::with_capacity(transactions.len());
        let mut blocked: HashSet<Address> = HashSet::new();
        for tx in &transactions {
            if blocked.contains(&tx.sender()) {
                outcomes.push((tx.hash(), ExecOutcome::Deferred));
                continue;
            }
            let outcome = match self.step(chain, tx)? {
                Step::Included => {
                    self.included.push(tx.clone());
                    ExecOutcome::Included
                }
                Step::DoesNotFit => {
                    self.full = true;
                    blocked.insert(tx.sender());
                    ExecOutcome::Deferred
                }
                Step::Later => {
                    blocked.insert(tx.sender());
                    ExecOutcome::Deferred
                }
                Step::Invalid(reason) => {
                    metrics::refused("invalid");
                    // Its successors wait for a transaction with this nonce.
                    blocked.insert(tx.sender());
                    ExecOutcome::Invalid(reason)
                }
                Step::Broken(reason) => {
                    metrics::refused("quarantined");
                    tracing::error!(hash = %tx.hash(), reason, "transaction broke the open block");
                    blocked.insert(tx.sender());
                    self.rebuild(chain, pool, config)?;
                    ExecOutcome::Quarantined(reason)
                }
            };
            outcomes.push((tx.hash(), outcome));
        }
        self.executor.detach();
        chain.read_ahead();
        pool.report(&outcomes);
        chain.open_block_grew();
        Ok(true)
    }

    fn step(&mut self, chain: &Chain, tx: &Arc<RecoveredTx>) -> Result<Step, SequencerError> {
        match self.execute(tx) {
            // The snapshot is too old, the block is unchanged: the same again on a fresh one.
            Some(Err(error)) if error.is_transient() => {
                self.executor.attach(chain.tip_view()?);
                self.execute(tx)
            }
            outcome => outcome,
        }
        .map_or_else(
            || Ok(Step::Broken("the executor panicked".to_owned())),
            |outcome| match outcome {
                Ok(_) => Ok(Step::Included),
                Err(error) if error.is_block_full() => Ok(Step::DoesNotFit),
                Err(ExecutionError::InvalidTransaction(reason))
                    if reason.is_nonce_too_high() || reason.is_underpriced() =>
                {
                    Ok(Step::Later)
                }
                Err(ExecutionError::InvalidTransaction(reason)) => {
                    Ok(Step::Invalid(reason.to_string()))
                }
                Err(error @ (ExecutionError::State(_) | ExecutionError::Detached)) => {
                    Err(error.into())
                }
                Err(error) => Ok(Step::Broken(error.to_string())),
            },
        )
    }

    /// Executes one transaction; `None` if that panicked. A panic in the EVM must cost one
    /// transaction, not the chain: the executor is thrown away and rebuilt after one, so no broken
    /// invariant survives.
    fn execute(&mut self, tx: &Arc<RecoveredTx>) -> Option<Result<TxOutcome, ExecutionError>> {
        let executor = &mut self.executor;
        catch_unwind(AssertUnwindSafe(|| executor.execute(tx))).ok()
    }

    /// Opens the block again and executes what it had included.
    fn rebuild(
        &mut self,
        chain: &Chain,
        pool: &Pool,
        config: &SequencerConfig,
    ) -> Result<(), SequencerError> {
        let mut fresh = Self::open(chain, pool, config)?;
        fresh.executor.attach(chain.tip_view()?);
        for tx in &self.included {
            fresh.executor.execute(tx)?;
        }
        fresh.included = std::mem::take(&mut self.included);
        fresh.full = self.full;
        *self = fresh;
        Ok(())
    }

    /// Completes the block.
    pub(crate) fn finish(
        mut self,
        chain: &Chain,
    ) -> Result<(ExecutedBlock, SealedHeader), SequencerError> {
        self.executor.attach(chain.tip_view()?);
        Ok((self.executor.finish()?, self.parent))
    }
}

/// Wall-clock time since the Unix epoch.
fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
