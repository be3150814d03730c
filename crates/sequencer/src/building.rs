//! The open block: filling it from the pool, recovering when a transaction breaks it.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256};
use aura_chain::Chain;
use aura_evm::{
    BlockExecutor, ExecutionError, PayloadAttributes, STRING_HEADER_BYTES, TxOutcome,
    next_gas_limit,
};
use aura_pool::{ExecOutcome, Pool};
use aura_primitives::{
    ExecutedBlock, RecoveredTx, SealedHeader,
    bridge::{BatchHeader, L1BlockInfo},
};
use aura_storage::StateView;

use crate::{
    Bridge, SequencerConfig, SequencerError,
    bridge::{self, Plan},
    metrics,
};

/// The block being filled.
pub(crate) struct Building {
    executor: BlockExecutor,
    parent: SealedHeader,
    timestamp: u64,
    base_fee: u64,
    /// What the block takes from L1; its deposits are executed.
    plan: Plan,
    included: Vec<Arc<RecoveredTx>>,
    full: bool,
    gas_limit: u64,
    /// Bytes for transactions that do not come from the queue.
    max_bytes: u64,
}

/// What blocks are built on and from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    pub(crate) config: SequencerConfig,
    pub(crate) bridge: Option<Bridge>,
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
    /// Opens a block on the chain's tip, executes its deposits and shows it to readers of `pending`.
    pub(crate) fn open(site: &Site) -> Result<Self, SequencerError> {
        let parent = site.chain.tip();
        let (plan, gas_limit) = site.plan(&parent)?;
        Self::open_with(site, parent, plan, now().as_secs(), gas_limit)
    }

    /// The next block of a forced batch, complete; `None` until L1's data for it are known.
    pub(crate) fn forced(site: &Site, batch: &BatchHeader) -> Result<Option<Self>, SequencerError> {
        let Some(bridge) = &site.bridge else {
            return Ok(None);
        };
        let parent = site.chain.tip();
        let view = site.chain.tip_view()?;
        let gas_limit = site.gas_limit(&view)?;
        let before = bridge::cursor(&view, &parent)?;
        let Some(plan) = bridge.planner.forced(before, batch, gas_limit)? else {
            return Ok(None);
        };
        Self::open_with(site, parent, plan, batch.last_time, gas_limit).map(Some)
    }

    fn open_with(
        site: &Site,
        parent: SealedHeader,
        plan: Plan,
        not_before: u64,
        gas_limit: u64,
    ) -> Result<Self, SequencerError> {
        let spec = site.chain.spec();
        let origin = &plan.cursor.origin;
        let timestamp = not_before.max(parent.timestamp).max(origin.timestamp);
        let (prev_randao, beacon_root) = if site.bridge.is_some() {
            (origin.prev_randao, origin.parent_beacon_block_root)
        } else {
            // Without an L1 origin the parent's hash is the only shared value that is not known
            // long before; nobody may take it for randomness that a sequencer cannot influence.
            (parent.seal(), B256::ZERO)
        };
        let attributes = PayloadAttributes {
            timestamp,
            prev_randao,
            fee_recipient: spec.fee().fee_vault,
            gas_limit,
            parent_beacon_block_root: Some(beacon_root),
            withdrawals: Some(Default::default()),
            extra_data: site.config.extra_data.clone(),
            l1_info: plan.is_new.then_some(plan.cursor),
        };
        let base_fee = spec.next_base_fee(&parent);
        let view = site.chain.tip_view()?;
        let mut executor = BlockExecutor::begin(spec.clone(), &parent, attributes, view)?;
        for deposit in &plan.deposits {
            executor.execute(deposit)?;
        }
        let max_bytes = site.config.max_posted_bytes.unwrap_or(u64::MAX);
        executor.limit_bytes(max_bytes);
        executor.detach();
        site.chain.set_open_block(Some(executor.shared()));
        site.pool.begin_block(base_fee);
        Ok(Self {
            executor,
            parent,
            timestamp,
            base_fee,
            plan,
            included: Vec::new(),
            full: false,
            gas_limit,
            max_bytes,
        })
    }

    /// Number of transactions executed so far, deposits included.
    pub(crate) fn len(&self) -> usize {
        self.plan.deposits.len() + self.included.len()
    }

    /// Number of the block.
    pub(crate) fn number(&self) -> u64 {
        self.parent.number + 1
    }

    /// Where the chain stands on L1 after this block.
    pub(crate) const fn cursor(&self) -> &L1BlockInfo {
        &self.plan.cursor
    }

    /// The block takes no more transactions.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// An empty block which would be another one if it were opened now: later, or further on L1.
    pub(crate) fn is_stale(&self, site: &Site) -> bool {
        self.len() == 0 && (now().as_secs() > self.timestamp || site.has_news(self.cursor()))
    }

    /// Transactions of an abandoned block.
    pub(crate) fn into_transactions(self) -> Vec<Arc<RecoveredTx>> {
        self.included
    }

    /// Executes up to `batch` transactions that the pool offers. Returns `false` if it offered
    /// none.
    pub(crate) fn fill(&mut self, site: &Site, batch: usize) -> Result<bool, SequencerError> {
        let Site { chain, pool, .. } = site;
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
                    self.rebuild(site)?;
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
                Err(error) if error.is_block_full() => Ok(self.without_room(tx)),
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

    /// A transaction that no block like this one could hold would be offered for ever: L1 may have
    /// lowered the gas limit since the pool took it.
    fn without_room(&self, tx: &RecoveredTx) -> Step {
        let (gas, bytes) = (tx.envelope().gas_limit(), tx.encoded().len() as u64);
        if gas > self.gas_limit {
            Step::Invalid(format!("needs {gas} gas, a block has {}", self.gas_limit))
        } else if bytes.saturating_add(STRING_HEADER_BYTES) > self.max_bytes {
            Step::Invalid(format!("{bytes} bytes, a block has {}", self.max_bytes))
        } else {
            Step::DoesNotFit
        }
    }

    /// Executes one transaction; `None` if that panicked. A panic in the EVM must cost one
    /// transaction, not the chain: the executor is thrown away and rebuilt after one, so no broken
    /// invariant survives.
    fn execute(&mut self, tx: &Arc<RecoveredTx>) -> Option<Result<TxOutcome, ExecutionError>> {
        let executor = &mut self.executor;
        catch_unwind(AssertUnwindSafe(|| executor.execute(tx))).ok()
    }

    /// Opens the block again and executes what it had included.
    fn rebuild(&mut self, site: &Site) -> Result<(), SequencerError> {
        let mut fresh = Self::open_with(
            site,
            self.parent.clone(),
            self.plan.clone(),
            self.timestamp,
            self.gas_limit,
        )?;
        fresh.executor.attach(site.chain.tip_view()?);
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

impl Site {
    /// What the block after `parent` takes from L1, and its gas limit.
    fn plan(&self, parent: &SealedHeader) -> Result<(Plan, u64), SequencerError> {
        let Some(bridge) = &self.bridge else {
            return Ok((Plan::default(), self.config.gas_limit));
        };
        let view = self.chain.tip_view()?;
        let gas_limit = self.gas_limit(&view)?;
        let before = bridge::cursor(&view, parent)?;
        Ok((bridge.planner.next(before, gas_limit)?, gas_limit))
    }

    /// What L2's configuration says, else the setting.
    fn gas_limit(&self, view: &StateView) -> Result<u64, SequencerError> {
        Ok(next_gas_limit(view, self.config.gas_limit)?)
    }

    /// Whether L1 has more to offer than a block at `cursor` takes.
    fn has_news(&self, cursor: &L1BlockInfo) -> bool {
        self.bridge
            .as_ref()
            .is_some_and(|bridge| bridge.planner.has_news(cursor))
    }
}

/// Wall-clock time since the Unix epoch.
fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
