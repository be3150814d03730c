//! The pool against a simple model, under random submissions, blocks, drops and restarts.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_consensus::Transaction;
use alloy_primitives::B256;
use aura_pool::{DropReason, ExecOutcome, Pool, PoolConfig, TxStatus};
use aura_primitives::RecoveredTx;
use common::{BASE_FEE, GWEI, TestChain, call};
use proptest::prelude::*;

const SENDERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Submit {
        sender: usize,
        ahead: u64,
        tip: u128,
    },
    Take {
        max: usize,
    },
    /// The sequencer's verdict on the first of what is executing: everything after it is deferred.
    Fail {
        kind: u8,
    },
    /// All that is executing becomes a block.
    Commit,
    Abandon,
    Unwind,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..SENDERS, 0..6_u64, 1..6_u128).prop_map(|(sender, ahead, tip)| Step::Submit {
            sender,
            ahead,
            tip: tip * GWEI,
        }),
        4 => (1..6_usize).prop_map(|max| Step::Take { max }),
        1 => (0..3_u8).prop_map(|kind| Step::Fail { kind }),
        2 => Just(Step::Commit),
        1 => Just(Step::Abandon),
        1 => Just(Step::Unwind),
        1 => Just(Step::Restart),
    ]
}

struct Model {
    chain: TestChain,
    pool: Option<Pool>,
    config: PoolConfig,
    /// Handed out and not yet in a block, in order.
    executing: Vec<Arc<RecoveredTx>>,
    accepted: BTreeSet<B256>,
    mined: BTreeSet<B256>,
    /// Dropped before a restart: the reason went with the process.
    told: BTreeSet<B256>,
    blocks: usize,
}

impl Model {
    fn new() -> Self {
        let chain = TestChain::new(SENDERS);
        let config = PoolConfig {
            max_transactions: 12,
            max_per_sender: 6,
            journal: Some(chain.journal()),
            journal_rotate_bytes: 2_000,
            ..PoolConfig::default()
        };
        Self {
            pool: Some(chain.pool_with(config.clone())),
            chain,
            config,
            executing: Vec::new(),
            accepted: BTreeSet::new(),
            mined: BTreeSet::new(),
            told: BTreeSet::new(),
            blocks: 0,
        }
    }

    fn pool(&self) -> &Pool {
        self.pool.as_ref().unwrap()
    }

    /// The nonce that the next transaction handed out of this sender must have.
    fn next_nonce(&self, sender: usize) -> u64 {
        let address = self.chain.address(sender);
        let executing = self.executing.iter().filter(|tx| tx.sender() == address);
        self.chain.account(address).nonce + executing.count() as u64
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Submit { sender, ahead, tip } => {
                let mut tx = call(self.next_nonce(*sender) + ahead).fees(10 * GWEI + tip, *tip);
                // Every submission is another transaction, so that hashes tell them apart.
                tx.value = alloy_primitives::U256::from(self.accepted.len());
                if let Ok(hash) = self.chain.submit(self.pool(), *sender, &tx) {
                    self.told.remove(&hash);
                    self.accepted.insert(hash);
                }
            }
            Step::Take { max } => self.take(*max),
            Step::Fail { kind } => self.fail(*kind),
            Step::Commit => {
                let block = self.chain.commit(&std::mem::take(&mut self.executing));
                let mined = block.block.transactions.iter().map(|tx| tx.hash());
                self.mined.extend(mined);
                self.pool().on_committed(&block);
                self.blocks += 1;
            }
            Step::Abandon => {
                let txs = std::mem::take(&mut self.executing);
                self.pool().reinject(txs);
            }
            Step::Unwind => {
                if self.blocks > 0 {
                    let mut txs = self.chain.unwind();
                    for tx in &txs {
                        self.mined.remove(&tx.hash());
                    }
                    txs.append(&mut self.executing);
                    self.pool().reinject(txs);
                    self.blocks -= 1;
                }
            }
            Step::Restart => self.restart(),
        }
    }

    fn take(&mut self, max: usize) {
        let taken = self.pool().take(max, BASE_FEE);
        assert!(taken.len() <= max);
        for tx in taken {
            let sender = (0..SENDERS)
                .find(|sender| self.chain.address(*sender) == tx.sender())
                .unwrap();
            assert_eq!(
                tx.envelope().nonce(),
                self.next_nonce(sender),
                "gap or repetition"
            );
            assert_eq!(self.pool().status(tx.hash()), Some(TxStatus::Executing));
            self.executing.push(tx);
        }
    }

    fn fail(&mut self, kind: u8) {
        let mut txs = std::mem::take(&mut self.executing).into_iter();
        let Some(first) = txs.next() else { return };
        let verdict = match kind {
            0 => ExecOutcome::Invalid("model".into()),
            1 => ExecOutcome::Quarantined("model".into()),
            _ => ExecOutcome::Deferred,
        };
        let mut outcomes = vec![(first.hash(), verdict)];
        outcomes.extend(txs.map(|tx| (tx.hash(), ExecOutcome::Deferred)));
        self.pool().report(&outcomes);
        // A new block is opened.
        self.pool().begin_block(BASE_FEE);
    }

    fn restart(&mut self) {
        for hash in &self.accepted {
            if matches!(self.pool().status(*hash), Some(TxStatus::Dropped { .. })) {
                self.told.insert(*hash);
            }
        }
        let waiting: BTreeSet<B256> = self.waiting();
        self.pool = None;
        self.executing.clear();
        self.pool = Some(self.chain.pool_with(self.config.clone()));
        let now = self.waiting();
        for hash in waiting.difference(&now) {
            // Arrival order may fill the pool otherwise than before, but never silently.
            let status = self.pool().status(*hash);
            assert!(
                matches!(status, Some(TxStatus::Dropped { .. })),
                "{status:?}"
            );
        }
        assert!(now.is_subset(&waiting), "a dropped transaction came back");
    }

    fn waiting(&self) -> BTreeSet<B256> {
        let accepted = self.accepted.iter();
        accepted
            .filter(|hash| self.pool().contains(**hash))
            .copied()
            .collect()
    }

    /// What must hold between any two steps.
    fn check(&self) {
        let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
        for hash in &self.accepted {
            let (status, mined) = (self.pool().status(*hash), self.mined.contains(hash));
            let name = match &status {
                Some(TxStatus::Pending) => "pending",
                Some(TxStatus::Queued) => "queued",
                Some(TxStatus::Executing) => "executing",
                Some(TxStatus::Dropped { reason }) => {
                    let by_sequencer = matches!(reason, DropReason::Invalid(_));
                    assert!(!mined || by_sequencer, "{hash} is mined and {reason}");
                    "dropped"
                }
                None => {
                    let is_told = self.told.contains(hash);
                    assert!(mined || is_told, "{hash} vanished without a reason");
                    "mined"
                }
            };
            assert_eq!(
                self.pool().contains(*hash),
                self.pool().get(*hash).is_some()
            );
            *statuses.entry(name).or_default() += 1;
        }
        let count = |name| statuses.get(name).copied().unwrap_or(0);
        let (pending, queued) = self.pool().counts();
        assert_eq!(pending, count("pending") + count("executing"));
        assert_eq!(queued, count("queued"));
        assert_eq!(count("executing"), self.executing.len());
        assert!(pending + queued <= self.config.max_transactions + self.executing.len());
        for sender in 0..SENDERS {
            let address = self.chain.address(sender);
            let state_nonce = self.chain.account(address).nonce;
            let next = self.pool().next_nonce(address, state_nonce);
            let run = self
                .pool()
                .content()
                .pending
                .remove(&address)
                .unwrap_or_default();
            let nonces: Vec<_> = run.iter().map(|tx| tx.envelope().nonce()).collect();
            assert_eq!(nonces, (state_nonce..next).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nonces_run_in_order_and_nothing_vanishes_without_a_reason(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
            model.check();
        }
    }
}
