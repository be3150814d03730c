//! A chain whose L1 the test plays: what the watcher would have seen of it is written to the tables.

use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256, keccak256};
use aura_chain::ChainConfig;
use aura_chainspec::{BridgeSpec, ChainSpec};
use aura_evm::BlockExecutor;
use aura_primitives::{
    CommittedBlock, RecoveredTx, TxDeposit,
    bridge::{
        BatchHeader, DaKind, L1BlockInfo, L1Origin, Output, QueueEntry, QueueMessage, QueueSlot,
    },
};
use aura_rpc::{BridgeContext, FinalityRule, L1Heads, L1Point, RpcConfig};
use aura_storage::{
    BatchRecord, L1BatchRecord, L1Chunk, L1HeaderRecord, L1RootChange, L1RootRecord, RootStatus,
};
use parking_lot::Mutex;

use crate::common::Node;

/// Time of L1's block 0; the blocks are 12 s apart.
pub(crate) const L1_START: u64 = 1_700_000_000;
/// Time of L1's block `number`.
pub(crate) const fn l1_time(number: u64) -> u64 {
    L1_START + 12 * number
}

/// A node, and its L1.
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) queue: Vec<QueueEntry>,
    /// What the watcher says it sees.
    pub(crate) heads: Arc<Mutex<L1Heads>>,
    pub(crate) finality: Arc<OnceLock<FinalityRule>>,
    /// Number of L1's newest block.
    pub(crate) l1_head: u64,
    /// Entries that are on L2.
    consumed: u64,
    batches: Vec<L1BatchRecord>,
    pub(crate) roots: Vec<L1RootRecord>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(ChainConfig::default()).await
    }

    pub(crate) async fn with(limits: ChainConfig) -> Self {
        let mut world = Self::young(limits).await;
        let genesis = world.node.chain.tip();
        let output = Output {
            state_root: genesis.state_root,
            withdrawal_root: genesis.withdrawals_root.unwrap(),
            l2_block_hash: genesis.seal(),
            ..Output::default()
        };
        world.claim(output);
        world.judge(0, RootStatus::Final);
        world
    }

    /// L1 as it is before the rollup is there.
    pub(crate) async fn without_roots() -> Self {
        Self::young(ChainConfig::default()).await
    }

    async fn young(limits: ChainConfig) -> Self {
        let heads = Arc::<Mutex<L1Heads>>::default();
        let finality = Arc::<OnceLock<FinalityRule>>::default();
        let context = context(&heads, &finality);
        let config = RpcConfig::default();
        Self {
            node: Node::of(ChainSpec::dev(), config, limits, Some(context)).await,
            queue: Vec::new(),
            heads,
            finality,
            l1_head: 0,
            consumed: 0,
            batches: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// What a node is given to see this L1.
    pub(crate) fn context(&self) -> BridgeContext {
        context(&self.heads, &self.finality)
    }

    pub(crate) fn spec(&self) -> BridgeSpec {
        *self.node.chain.spec().bridge().unwrap()
    }

    /// The next block of L1 with what `fill` puts into it.
    fn l1_block(&mut self, fill: impl FnOnce(&mut L1Chunk)) {
        let number = self.l1_head + 1;
        let mut chunk = L1Chunk {
            headers: vec![L1HeaderRecord {
                origin: origin(number),
                parent: origin(number - 1).hash,
            }],
            ..L1Chunk::default()
        };
        fill(&mut chunk);
        let write = move |writer: &mut aura_storage::Writer| writer.append_l1(&chunk, 0);
        self.node.chain.write(write).unwrap();
        self.l1_head = number;
        self.heads.lock().head = L1Point {
            number,
            hash: origin(number).hash,
            timestamp: l1_time(number),
        };
    }

    /// L1 goes on without anything of ours.
    pub(crate) fn pass(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.l1_block(|_| {});
        }
    }

    /// A block of L1 with one transaction that queues these messages; their ids are set here.
    pub(crate) fn enqueue(&mut self, messages: Vec<QueueMessage>) -> Vec<QueueEntry> {
        let l1_block = self.l1_head + 1;
        let start = self.queue.len();
        for message in messages {
            let id = self.queue.len() as u64;
            let message = QueueMessage { id, ..message };
            let before = self.queue.last().map(|entry| entry.slot.trim());
            let before = before.unwrap_or_default();
            self.queue.push(QueueEntry {
                slot: QueueSlot::link(before, message.hash(), l1_time(l1_block)),
                message,
                l1_block,
                l1_tx: l1_tx("queue", l1_block),
            });
        }
        let entries = self.queue[start..].to_vec();
        self.l1_block(|chunk| chunk.entries.clone_from(&entries));
        entries
    }

    /// What an entry becomes on L2.
    pub(crate) fn deposit(&self, entry: &QueueEntry) -> Arc<RecoveredTx> {
        let BridgeSpec {
            l1_chain_id,
            portal,
            ..
        } = self.spec();
        let source = entry.message.source_hash(l1_chain_id, portal);
        let deposit = TxDeposit::from_message(&entry.message, source);
        Arc::new(RecoveredTx::deposit(deposit))
    }

    /// Opens a block that takes so many entries, and has what is in the pool.
    pub(crate) fn open(&mut self, entries: u64) -> BlockExecutor {
        let start = self.consumed as usize;
        self.consumed += entries;
        let taken: Vec<_> = self.queue[start..self.consumed as usize]
            .iter()
            .map(|entry| self.deposit(entry))
            .collect();
        let last = self.queue[..self.consumed as usize].last();
        let info = L1BlockInfo {
            origin: origin(self.l1_head),
            consumed: self.consumed,
            queue_acc: last.map(|entry| entry.slot.trim()).unwrap_or_default(),
        };
        self.node.open_with(Some(info), &taken)
    }

    /// A block that takes so many entries, and has what is in the pool.
    pub(crate) async fn block(&mut self, entries: u64) -> Arc<CommittedBlock> {
        let executor = self.open(entries);
        self.node.seal(executor).await
    }

    /// Our next batch, of the blocks after the one before up to the head; not on L1.
    pub(crate) fn make_batch(&self) -> BatchRecord {
        let reader = self.node.chain.store().reader().unwrap();
        let index = self.batches.len() as u64 + 1;
        let before = self.batches.last().map(|batch| batch.slot.trim());
        let first_block = match self.batches.last() {
            Some(batch) => reader.batch(batch.index).unwrap().unwrap().last_block + 1,
            None => 1,
        };
        let last = self.node.chain.tip();
        let record = BatchRecord {
            index,
            first_block,
            last_block: last.number,
            last_hash: last.seal(),
            consumed: self.consumed,
            da_kind: DaKind::Calldata as u8,
            da_hash: DaKind::calldata_hash(b"payload"),
            header: BatchHeader {
                parent: before.unwrap_or_default(),
                first_time: reader.header(first_block).unwrap().unwrap().timestamp,
                last_time: last.timestamp,
                consumed: self.consumed,
                queue_acc: reader.l1_queue_acc(self.consumed).unwrap().unwrap(),
                anchor_number: self.l1_head,
                anchor_hash: origin(self.l1_head).hash,
            },
            l1_tx: B256::ZERO,
        };
        let write = move |writer: &mut aura_storage::Writer| writer.put_batch(&record, b"payload");
        self.node.chain.write(write).unwrap();
        record
    }

    /// A block of L1 with our next batch.
    pub(crate) fn post_batch(&mut self) -> L1BatchRecord {
        let ours = self.make_batch();
        let l1_block = self.l1_head + 1;
        let time = l1_time(l1_block);
        let batch = L1BatchRecord {
            index: ours.index,
            slot: ours.header.batch_slot(
                ours.index,
                DaKind::Calldata,
                ours.da_hash,
                l1_block,
                time,
            ),
            da_kind: ours.da_kind,
            da_hash: ours.da_hash,
            header: ours.header,
            l1_block,
            l1_time: time,
            l1_tx: l1_tx("batch", l1_block),
        };
        self.batches.push(batch);
        self.l1_block(|chunk| chunk.batches.push(batch));
        batch
    }

    /// A block of L1 with a batch that this node has not made.
    pub(crate) fn post_foreign_batch(&mut self) {
        let before = *self.batches.last().unwrap();
        let l1_block = self.l1_head + 1;
        let batch = L1BatchRecord {
            index: before.index + 1,
            l1_block,
            l1_time: l1_time(l1_block),
            l1_tx: l1_tx("batch", l1_block),
            ..before
        };
        self.batches.push(batch);
        self.l1_block(|chunk| chunk.batches.push(batch));
    }

    /// What the chain evaluates to at the end of the newest batch.
    pub(crate) fn output(&self) -> Output {
        let reader = self.node.chain.store().reader().unwrap();
        let batch = self.batches.last().unwrap();
        let number = reader.batch(batch.index).unwrap().unwrap().last_block;
        let header = reader.header(number).unwrap().unwrap();
        Output {
            state_root: header.state_root,
            withdrawal_root: header.withdrawals_root.unwrap(),
            l2_block_hash: header.seal(),
            l2_block: number,
            batch_index: batch.index,
            batch_hash: batch.slot.trim(),
        }
    }

    /// A block of L1 with a root that says this; its id.
    pub(crate) fn claim(&mut self, output: Output) -> u64 {
        let spec = self.spec();
        let l1_block = self.l1_head + 1;
        let root = L1RootRecord {
            id: self.roots.len() as u64,
            output,
            output_hash: output.hash(spec.l1_chain_id, spec.rollup),
            l1_block,
            l1_time: l1_time(l1_block),
            l1_tx: l1_tx("root", l1_block),
            changes: Vec::new(),
        };
        self.roots.push(root.clone());
        self.l1_block(|chunk| chunk.roots.push(root.clone()));
        root.id
    }

    /// A block of L1 with the newest batch, and one with its root; the root's id.
    pub(crate) fn settle(&mut self) -> u64 {
        self.post_batch();
        self.claim(self.output())
    }

    /// A block of L1 in which the status of a root changes.
    pub(crate) fn judge(&mut self, root: u64, status: RootStatus) {
        let l1_block = self.l1_head + 1;
        let change = L1RootChange { status, l1_block };
        self.l1_block(|chunk| chunk.root_changes.push((root, change)));
    }
}

fn context(heads: &Arc<Mutex<L1Heads>>, finality: &Arc<OnceLock<FinalityRule>>) -> BridgeContext {
    let heads = heads.clone();
    BridgeContext {
        finality: finality.clone(),
        batcher: Some(Address::repeat_byte(0xba)),
        proposer: None,
        heads: Arc::new(move || *heads.lock()),
    }
}

fn origin(number: u64) -> L1Origin {
    L1Origin {
        number,
        hash: keccak256(number.to_be_bytes()),
        timestamp: l1_time(number),
        ..L1Origin::default()
    }
}

fn l1_tx(what: &str, l1_block: u64) -> B256 {
    keccak256(format!("{what} of {l1_block}"))
}
