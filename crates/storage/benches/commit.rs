//! Blocks of 10,000 transfers to fresh recipients, on top of 1,000,000 accounts.
//!
//! `put_block` measures writing a block into the open transaction, `put_block_and_commit` the same
//! with a durable commit, both with the nodes of the state tree that a block of this size changes
//! and a boundary every 32 blocks; `leaves` is a full scan of the flat state, `leaves_in` reads
//! 10,000 ranges of it. `nodes_at` and `leaves_in_at` read what a proof at a past block needs: 16
//! nodes of each recorded depth, and the leaves below the last of them.
//! Run with `cargo bench -p aura-storage`.
#![allow(missing_docs)] // `criterion_group!` makes an undocumented function.

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Header, Signed, TxEip1559, TxType};
use alloy_primitives::{Address, B256, Sealable, Signature, TxKind, U256, keccak256};
use aura_primitives::{
    Account, AccountChange, AuraTxType, CommittedBlock, Receipt, RecoveredTx, SealedBlock,
    SealedHeader, StateDiff,
};
use aura_smt::{NodeChange, NodeId, Prefix};
use aura_storage::{ChainIdentity, GenesisState, Store, StoreConfig, TreeChanges};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};

const ACCOUNTS: u64 = 1_000_000;
const TRANSFERS: u64 = 10_000;
const SENDERS: u64 = 100;

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

fn account(nonce: u64) -> Account {
    Account {
        nonce,
        balance: U256::from(10).pow(U256::from(18)),
        ..Account::default()
    }
}

/// Depth of the lowest recorded nodes for a state of this size.
const BOTTOM: u8 = 16;
const INTERVAL: u64 = 32;
const RANGES: u64 = 10_000;

fn node_of(key: &B256, depth: u8) -> NodeId {
    let bits = u32::from_be_bytes([key[0], key[1], key[2], key[3]]);
    NodeId {
        depth,
        index: bits >> (32 - depth),
    }
}

/// The keys of a block, and the nodes above them with hashes that stand for those of a tree.
fn tree_of(block: &CommittedBlock, open: &mut BTreeMap<NodeId, B256>) -> TreeChanges {
    let mut tree = TreeChanges::without_nodes(&block.diff);
    tree.bottom = BOTTOM;
    let keys = tree.leaves.iter();
    let nodes: BTreeSet<NodeId> = keys
        .flat_map(|(key, _)| (4..=BOTTOM).step_by(4).map(|depth| node_of(key, depth)))
        .collect();
    let before = block.block.hash();
    let change = |node| NodeChange { node, before };
    tree.nodes = nodes.into_iter().map(change).collect();
    for change in &tree.nodes {
        open.entry(change.node).or_insert(change.before);
    }
    if block.block.number().is_multiple_of(INTERVAL) {
        let nodes = std::mem::take(open).into_iter();
        tree.interval = Some(
            nodes
                .map(|(node, before)| NodeChange { node, before })
                .collect(),
        );
    }
    tree
}

/// Makes blocks that follow each other.
struct Blocks {
    parent: SealedHeader,
    next_recipient: u64,
    nonce: u64,
}

impl Blocks {
    fn next(&mut self) -> CommittedBlock {
        let mut diff = StateDiff::default();
        let mut transactions = Vec::new();
        let mut receipts = Vec::new();
        for index in 0..TRANSFERS {
            let to = address(self.next_recipient + index);
            let tx = TxEip1559 {
                chain_id: 13371,
                nonce: self.nonce + index,
                gas_limit: 21_000,
                max_fee_per_gas: 2_000_000_000,
                to: TxKind::Call(to),
                value: U256::from(1_000_000_000_000u64),
                ..TxEip1559::default()
            };
            let word = U256::from_be_bytes(keccak256(to).0);
            let signed = Signed::new_unhashed(tx, Signature::new(word, word, true));
            let tx = RecoveredTx::new(signed, address(index % SENDERS));
            transactions.push(Arc::new(tx));
            receipts.push(Receipt {
                tx_type: AuraTxType::Signed(TxType::Eip1559),
                status: true.into(),
                cumulative_gas_used: 21_000 * (index + 1),
                logs: vec![],
            });
            let fresh = AccountChange {
                before: None,
                after: Some(account(0)),
            };
            diff.accounts.insert(to, fresh);
        }
        for sender in 0..SENDERS {
            let change = AccountChange {
                before: Some(account(self.nonce)),
                after: Some(account(self.nonce + TRANSFERS / SENDERS)),
            };
            diff.accounts.insert(address(sender), change);
        }
        self.next_recipient += TRANSFERS;
        self.nonce += TRANSFERS;
        let header = Header {
            parent_hash: self.parent.hash(),
            number: self.parent.number + 1,
            ..Header::default()
        };
        let header = header.seal_slow();
        self.parent = header.clone();
        let block = SealedBlock {
            l1_info: None,
            header,
            transactions,
            ommers: vec![],
            withdrawals: Some(Default::default()),
        };
        CommittedBlock {
            block,
            receipts,
            diff: Arc::new(diff),
        }
    }
}

fn chain(store: &Store) -> Blocks {
    let state = GenesisState {
        accounts: (0..ACCOUNTS)
            .map(|index| (address(index), account(0)))
            .collect(),
        ..GenesisState::default()
    };
    let block = SealedBlock {
        l1_info: None,
        header: Header::default().seal_slow(),
        transactions: vec![],
        ommers: vec![],
        withdrawals: None,
    };
    let identity = ChainIdentity {
        chain_id: 13371,
        genesis_hash: block.hash(),
    };
    let started = Instant::now();
    store
        .init(identity, &block, &state, BOTTOM)
        .expect("a new database takes a genesis block");
    eprintln!(
        "genesis with {ACCOUNTS} accounts written in {:?}",
        started.elapsed()
    );
    Blocks {
        parent: block.header,
        next_recipient: ACCOUNTS,
        nonce: 0,
    }
}

fn write_block(store: &Store, block: &CommittedBlock, tree: &TreeChanges) -> (Duration, Duration) {
    let started = Instant::now();
    let mut writer = store.writer().expect("the bench is the only writer");
    writer
        .put_block(block, tree)
        .expect("blocks follow each other");
    let put = started.elapsed();
    writer.commit().expect("there is space on the disk");
    (put, started.elapsed())
}

fn read_leaves(group: &mut BenchmarkGroup<'_, WallTime>, store: &Store) {
    let reader = store.reader().expect("a snapshot");
    let leaves = reader.leaf_count().expect("the state is whole");
    group.throughput(Throughput::Elements(leaves));
    group.bench_function(BenchmarkId::new("leaves", leaves), |bencher| {
        bencher.iter(|| {
            reader.leaves(|key, leaf| {
                black_box((key, leaf));
            })
        });
    });
    let mut prefixes: Vec<Prefix> = (0..RANGES)
        .map(|index| Prefix::new(&keccak256(index.to_be_bytes()), 18))
        .collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    group.throughput(Throughput::Elements(prefixes.len() as u64));
    group.bench_function(BenchmarkId::new("leaves_in", prefixes.len()), |bencher| {
        bencher.iter(|| {
            reader.leaves_in(&prefixes, |position, key, leaf| {
                black_box((position, key, leaf));
            })
        });
    });
}

fn read_past(group: &mut BenchmarkGroup<'_, WallTime>, store: &Store) {
    let reader = store.reader().expect("a snapshot");
    let boundary = reader.last_boundary().expect("a chain") - INTERVAL;
    group.throughput(Throughput::Elements(1));
    for block in [boundary, boundary + 1] {
        let mut index = 0u64;
        group.bench_function(BenchmarkId::new("nodes_at", block), |bencher| {
            bencher.iter(|| {
                index += 1;
                let key = keccak256(index.to_be_bytes());
                let mut nodes = reader.nodes_at(block).expect("the block is provable");
                for depth in (4..=BOTTOM).step_by(4) {
                    let first = node_of(&key, depth).index & !15;
                    for index in first..first + 16 {
                        let hash = nodes.before(NodeId { depth, index });
                        black_box(hash.expect("the nodes are whole"));
                    }
                }
            });
        });
        group.bench_function(BenchmarkId::new("leaves_in_at", block), |bencher| {
            bencher.iter(|| {
                index += 1;
                let prefix = Prefix::new(&keccak256(index.to_be_bytes()), BOTTOM.into());
                reader.leaves_in_at(&prefix, block, |key, leaf| {
                    black_box((key, leaf));
                })
            });
        });
    }
}

fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(dir.path(), &StoreConfig::default()).expect("a new database opens");
    let mut blocks = chain(&store);
    let mut open = BTreeMap::new();
    let mut group = criterion.benchmark_group("storage");
    group.sample_size(10);
    group.throughput(Throughput::Elements(TRANSFERS));
    for with_commit in [false, true] {
        let name = if with_commit {
            "put_block_and_commit"
        } else {
            "put_block"
        };
        group.bench_function(BenchmarkId::new(name, TRANSFERS), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let block = blocks.next();
                    let tree = tree_of(&block, &mut open);
                    let (put, whole) = write_block(&store, &block, &tree);
                    total += if with_commit { whole } else { put };
                }
                total
            });
        });
    }
    // So that two intervals are closed.
    let mut writer = store.writer().expect("the bench is the only writer");
    while blocks.parent.number < 2 * INTERVAL + 1 {
        let block = blocks.next();
        let tree = tree_of(&block, &mut open);
        writer
            .put_block(&block, &tree)
            .expect("blocks follow each other");
    }
    writer.commit().expect("there is space on the disk");
    read_leaves(&mut group, &store);
    read_past(&mut group, &store);
    group.throughput(Throughput::Elements(1));
    group.bench_function("open_reader_and_read_account", |bencher| {
        let mut index = 0;
        bencher.iter(|| {
            index = (index + 7919) % ACCOUNTS;
            let reader = store.reader().expect("a snapshot");
            reader.account(address(index)).expect("the state is whole")
        });
    });
    group.finish();
}

criterion_group!(storage, benches);
criterion_main!(storage);
