//! The pool's parts, and how a transaction passes through them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use aura_chainspec::ChainSpec;
use aura_primitives::{CommittedBlock, HeadLabel, RecoveredTx, TransactionError};
use aura_storage::Store;
use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::sync::{Notify, broadcast};

use crate::{
    DropReason, ExecOutcome, PoolConfig, PoolError,
    account::{read_sender, sender_account},
    blobs,
    drops::DropLog,
    journal::Journal,
    metrics::Metrics,
    queue::Entry,
    rules::{Rules, precheck},
    state::{Effects, State},
};

/// Transactions a subscriber may lag behind; the oldest are dropped and it is told so.
const ANNOUNCE_CAPACITY: usize = 8_192;

/// Times an account is read again because a block was committed meanwhile.
const MAX_ACCOUNT_READS: usize = 3;

/// The pool's parts.
///
/// Locks in the order in which they may be held together: `gate`, `state`, those in `drop_log` and
/// `journal`.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Arc<PoolConfig>,
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) store: Store,
    pub(crate) rules: RwLock<Rules>,
    pub(crate) state: Mutex<State>,
    pub(crate) drop_log: Arc<DropLog>,
    pub(crate) journal: Option<Journal>,
    /// Held for reading from the journal's append to the insertion, so that a rotation never
    /// overlooks a transaction between both.
    pub(crate) gate: RwLock<()>,
    /// Length above which the journal may be rewritten.
    pub(crate) rotate_above: AtomicU64,
    /// Arrival number of the next transaction.
    pub(crate) next_seq: AtomicU64,
    pub(crate) notify: Arc<Notify>,
    pub(crate) announce: broadcast::Sender<Arc<RecoveredTx>>,
    pub(crate) metrics: Metrics,
}

impl Inner {
    pub(crate) fn announcer() -> broadcast::Sender<Arc<RecoveredTx>> {
        broadcast::Sender::new(ANNOUNCE_CAPACITY)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Counts the outcome of a submission.
    pub(crate) fn counted(&self, result: Result<B256, PoolError>) -> Result<B256, PoolError> {
        match &result {
            Ok(_) => self.metrics.accepted.increment(1),
            Err(error) => self.metrics.rejected(error.label()),
        }
        result
    }

    pub(crate) fn submit(&self, raw: Bytes) -> Result<B256, PoolError> {
        // First of all: a blob transaction with its sidecar is always oversized, and its sender
        // should learn the real cause.
        let raw = match raw.first() {
            Some(0x03) => self.without_sidecar(&raw)?,
            _ => raw,
        };
        precheck(&raw, self.config.max_tx_bytes)?;
        // Known ones are told apart before their signature costs anything.
        let hash = keccak256(&raw);
        self.refuse_known(hash)?;
        let tx = RecoveredTx::try_decode(raw)?;
        if tx.hash() != hash {
            return Err(PoolError::Decode(TransactionError::Decode(
                "encoding is not canonical".into(),
            )));
        }
        self.admit(tx)
    }

    fn without_sidecar(&self, raw: &[u8]) -> Result<Bytes, PoolError> {
        self.refresh_rules();
        let rules = self.rules.read().blobs();
        let rules = rules.ok_or(PoolError::BlobTransaction)?;
        Ok(blobs::without_sidecar(raw, rules)?)
    }

    pub(crate) fn submit_recovered(&self, tx: RecoveredTx) -> Result<B256, PoolError> {
        self.refuse_known(tx.hash())?;
        self.admit(tx)
    }

    fn refuse_known(&self, hash: B256) -> Result<(), PoolError> {
        if let Some(reason) = self.drop_log.quarantined(hash) {
            return Err(PoolError::Quarantined(reason));
        }
        if self.state().by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        Ok(())
    }

    fn admit(&self, tx: RecoveredTx) -> Result<B256, PoolError> {
        self.check_rules(&tx)?;
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::new(Arc::new(tx), seq)?;
        let (hash, sender) = (entry.hash(), entry.sender());
        let mut effects = Effects::default();
        let result = {
            let _gate = self.gate.read();
            self.with_account(sender, |state| state.check(&entry))?;
            self.write_accepted(&entry)?;
            let result = self.with_account(sender, |state| {
                state.insert(entry.clone(), &mut effects)?;
                self.metrics.sizes(&state.sizes());
                Ok(())
            });
            if result.is_err() {
                // It was refused after all (another one was faster): the journal must not bring it
                // back after a restart.
                self.write_dropped([(seq, hash)]);
            }
            result
        };
        self.settle(effects);
        result?;
        self.rotate_if_due();
        Ok(hash)
    }

    fn refresh_rules(&self) {
        if self.rules.read().is_stale() {
            self.rules.write().refresh(&self.spec);
        }
    }

    pub(crate) fn check_rules(&self, tx: &RecoveredTx) -> Result<(), PoolError> {
        self.refresh_rules();
        self.rules.read().check(tx)
    }

    /// Runs `step` under the pool's lock with the sender's account known.
    ///
    /// A known account saves the database read. It may lag behind what a client has already seen
    /// in a receipt, so that a refusal is decided on an account freshly read.
    fn with_account(
        &self,
        sender: Address,
        mut step: impl FnMut(&mut State) -> Result<(), PoolError>,
    ) -> Result<(), PoolError> {
        let mut epoch = {
            let mut state = self.state();
            if state.senders.contains_key(&sender) {
                match step(&mut state) {
                    Err(error) if error.depends_on_account() => {}
                    result => return result,
                }
            }
            state.epoch
        };
        let mut reads = 0;
        loop {
            let (account, as_of) = read_sender(&self.store, sender)?;
            let mut state = self.state();
            // A block that the pool was told of while we read may have changed the account. The
            // limit is for an unwind that the pool is yet to be told of.
            let is_late = as_of < state.head || state.epoch != epoch;
            reads += 1;
            if is_late && reads < MAX_ACCOUNT_READS {
                epoch = state.epoch;
                continue;
            }
            state.learn(sender, account, as_of);
            return step(&mut state);
        }
    }

    pub(crate) fn take(&self, max: usize, base_fee: u64) -> Vec<Arc<RecoveredTx>> {
        let taken = self.state().take(max, base_fee);
        self.metrics.handed_out.increment(taken.len() as u64);
        taken
    }

    pub(crate) fn begin_block(&self, base_fee: u64) {
        let wake = {
            let mut state = self.state();
            state.set_base_fee(base_fee);
            state.release_deferred()
        };
        if wake {
            self.notify.notify_one();
        }
    }

    pub(crate) fn report(&self, outcomes: &[(B256, ExecOutcome)]) {
        let mut effects = Effects::default();
        {
            let mut state = self.state();
            state.report(outcomes, &mut effects);
            self.metrics.sizes(&state.sizes());
        }
        self.settle(effects);
    }

    pub(crate) fn on_committed(&self, block: &CommittedBlock) {
        let header = block.block.header.inner();
        *self.rules.write() = Rules::after(header, &self.spec, &self.config);
        let mut effects = Effects::default();
        let missed = {
            let mut state = self.state();
            let missed = header.number > state.head + 1;
            state.commit(block, &mut effects);
            self.metrics.sizes(&state.sizes());
            missed
        };
        let left = effects.removed.len() - effects.drops.len();
        self.metrics.mined.increment(left as u64);
        self.settle(effects);
        if missed {
            self.reconcile(Vec::new());
        }
        self.rotate_if_due();
    }

    /// Reads all accounts again and takes `txs` back.
    pub(crate) fn reconcile(&self, txs: Vec<Arc<RecoveredTx>>) {
        let mut effects = Effects::default();
        if let Err(error) = self.try_reconcile(txs, &mut effects) {
            // The accounts stay as they were; the sequencer finds out what is invalid.
            tracing::error!(%error, "pool cannot read accounts");
        }
        self.settle(effects);
    }

    fn try_reconcile(
        &self,
        txs: Vec<Arc<RecoveredTx>>,
        effects: &mut Effects,
    ) -> Result<(), PoolError> {
        let _gate = self.gate.read();
        let mut state = self.state();
        let unknown = state.give_back(txs);
        let reader = self.store.reader()?;
        let head = reader.head(HeadLabel::Unsafe)?.number;
        if let Some(header) = reader.header(head)? {
            *self.rules.write() = Rules::after(header.inner(), &self.spec, &self.config);
        }
        let senders: Vec<Address> = state.senders.keys().copied().collect();
        let mut accounts = Vec::with_capacity(senders.len() + unknown.len());
        for sender in senders
            .into_iter()
            .chain(unknown.iter().map(|tx| tx.sender()))
        {
            accounts.push((sender, sender_account(&reader, sender)?));
        }
        let mut is_mined = |hash| matches!(reader.transaction_location(hash), Ok(Some(_)));
        state.resync(head, &accounts, &mut is_mined, effects);
        for tx in unknown {
            if is_mined(tx.hash()) {
                continue;
            }
            let (hash, seq) = (tx.hash(), self.next_seq.fetch_add(1, Ordering::Relaxed));
            let inserted = Entry::new(tx, seq).and_then(|entry| {
                self.write_accepted(&entry)?;
                state.insert(entry, effects)
            });
            if let Err(error) = inserted {
                let reason = DropReason::from(&error);
                state.drop_log.remember(hash, reason.clone());
                effects.drops.push(crate::drops::Drop { hash, seq, reason });
            }
        }
        self.metrics.sizes(&state.sizes());
        Ok(())
    }

    /// What follows a change once the lock is released: journal, log, metrics, wake-ups.
    pub(crate) fn settle(&self, effects: Effects) {
        let Effects {
            drops,
            promoted,
            removed,
            wake,
        } = effects;
        if !drops.is_empty() {
            for drop in &drops {
                self.metrics.dropped(drop.reason.label());
                tracing::debug!(hash = %drop.hash, reason = %drop.reason, "transaction dropped");
                if let DropReason::Quarantined(reason) = &drop.reason {
                    self.write_quarantined(drop.hash, reason);
                }
            }
            self.write_dropped(drops.iter().map(|drop| (drop.seq, drop.hash)));
        }
        if self.announce.receiver_count() > 0 {
            for tx in promoted {
                // Fails only if the last receiver has just gone.
                let _ = self.announce.send(tx);
            }
        }
        if wake {
            self.notify.notify_one();
        }
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction, TxEip1559};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::{Sealable, U256, b256};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;
    use aura_primitives::{SealedBlock, TxEnvelope};
    use aura_storage::{ChainIdentity, StoreConfig};

    use super::*;

    /// Key of the first development account.
    const KEY: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

    fn store(dir: &std::path::Path, spec: &ChainSpec) -> Store {
        let config = StoreConfig {
            max_size_bytes: 1 << 30,
            growth_step_bytes: 1 << 22,
            ..StoreConfig::default()
        };
        let store = Store::open(dir, &config).unwrap();
        let header = spec.genesis_header(B256::ZERO).seal_slow();
        let identity = ChainIdentity {
            chain_id: spec.chain_id(),
            genesis_hash: header.seal(),
        };
        let block = SealedBlock {
            l1_info: None,
            header,
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals: Some(Default::default()),
        };
        store
            .init(identity, &block, &spec.genesis_state(), 0)
            .unwrap();
        store
    }

    fn transfer(nonce: u64) -> Bytes {
        let key = PrivateKeySigner::from_bytes(&KEY).unwrap();
        let tx = TxEip1559 {
            chain_id: 13_371,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000,
            to: Address::ZERO.into(),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        envelope.encoded_2718().into()
    }

    #[test]
    fn what_the_journal_cannot_take_is_not_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let spec = Arc::new(ChainSpec::dev());
        let store = store(dir.path(), &spec);
        let mut inner = Inner::open(PoolConfig::default(), spec, store).unwrap();
        inner.journal = Some(Journal::failing());
        let error = inner.submit(transfer(0)).unwrap_err();
        let words = "transaction not accepted: journal /dev/full cannot be written";
        assert_eq!(error.to_string(), words);
        assert!(error.is_internal());
        assert!(inner.state().by_hash.is_empty());
        assert!(inner.state().take(10, 0).is_empty());
        inner.journal = None;
        inner.submit(transfer(0)).unwrap();
    }
}
