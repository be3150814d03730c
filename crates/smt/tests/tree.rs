//! The tree over leaves that are kept elsewhere: growth, crowded buckets, recorded nodes.

mod common;

use std::{cell::Cell, collections::BTreeMap};

use alloy_primitives::{B256, keccak256};
use aura_smt::{
    Change, LeafSource, Leaves, MemoryLeaves, NodeId, PastState, Prefix, Proof, Smt, SmtError,
    Tree, TreeBuilder, UpdateError, WarmBuckets, prove_past, verify,
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// The root by definition, except that it stops where one leaf is left: that is path compression.
fn naive_root(leaves: &[(B256, B256)]) -> B256 {
    fn hash(leaves: &[(B256, B256)], depth: usize) -> B256 {
        match leaves {
            [] => B256::ZERO,
            [(key, value)] => keccak256([key.0, value.0].concat()),
            _ => {
                let is_left = |(key, _): &(B256, B256)| (key[depth / 8] << (depth % 8)) & 0x80 == 0;
                let (left, right) = leaves.split_at(leaves.partition_point(is_left));
                let (left, right) = (hash(left, depth + 1), hash(right, depth + 1));
                match (left.is_zero(), right.is_zero()) {
                    (true, _) => right,
                    (_, true) => left,
                    _ => keccak256([&left[..], &right[..], &[depth as u8]].concat()),
                }
            }
        }
    }
    hash(leaves, 0)
}

/// A key that shares its first `shared` bits with all others of the same `group`.
fn ground_key(rng: &mut StdRng, group: u8, shared: usize) -> B256 {
    let mut key = B256::from(rng.random::<[u8; 32]>());
    for bit in 0..shared {
        let mask = 0x80 >> (bit % 8);
        let set = group.wrapping_mul(0x9d) >> (bit % 8) & 1 == 1;
        key[bit / 8] = if set {
            key[bit / 8] | mask
        } else {
            key[bit / 8] & !mask
        };
    }
    key
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|(key, _)| *key);
    changes.dedup_by_key(|(key, _)| *key);
    changes
}

fn value(rng: &mut StdRng) -> B256 {
    B256::from(rng.random::<[u8; 32]>())
}

/// A tree, its leaves, and everything that was recorded.
struct Chain {
    tree: Tree,
    leaves: MemoryLeaves,
    /// State, root and lowest recorded depth after each block; block 0 is empty.
    states: Vec<(MemoryLeaves, B256, u8)>,
    /// What each block recorded.
    recorded: Vec<BTreeMap<NodeId, B256>>,
}

impl Chain {
    fn new(cached_leaves: usize) -> Self {
        Self {
            tree: Tree::new(cached_leaves),
            leaves: MemoryLeaves::default(),
            states: vec![(MemoryLeaves::default(), B256::ZERO, 0)],
            recorded: vec![BTreeMap::new()],
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        let update = self.tree.update(changes, &mut &self.leaves).unwrap();
        self.leaves.apply(changes);
        let leaves: Vec<_> = self.leaves.iter().collect();
        assert_eq!(update.root, naive_root(&leaves));
        assert_eq!(self.tree.root(), update.root);
        assert_eq!(self.tree.len(), leaves.len() as u64);
        assert!(
            update
                .nodes
                .windows(2)
                .all(|pair| pair[0].node < pair[1].node)
        );
        let nodes = update
            .nodes
            .iter()
            .map(|change| (change.node, change.before));
        self.recorded.push(nodes.collect());
        self.states
            .push((self.leaves.clone(), update.root, update.bottom));
    }

    /// Proof of `key` after `block` from recorded nodes, where unchanged from the newest tree.
    fn past_proof(&self, block: usize, key: B256) -> Proof {
        let (leaves, _, bottom) = &self.states[block];
        let newest = self.leaves.iter().collect::<Vec<_>>();
        let mut past = Past {
            chain: self,
            block,
            leaves,
            newest,
        };
        match prove_past(key, *bottom, &mut past) {
            Ok(proof) => proof,
            Err(never) => match never {},
        }
    }
}

struct Past<'a> {
    chain: &'a Chain,
    block: usize,
    leaves: &'a MemoryLeaves,
    newest: Vec<(B256, B256)>,
}

impl LeafSource for Past<'_> {
    type Error = std::convert::Infallible;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Self::Error> {
        let mut source = self.leaves;
        source.read(prefixes, leaves)
    }
}

impl PastState for Past<'_> {
    fn node(&mut self, node: NodeId) -> Result<B256, Self::Error> {
        let later = &self.chain.recorded[self.block + 1..];
        if let Some(before) = later.iter().find_map(|nodes| nodes.get(&node)) {
            return Ok(*before);
        }
        let prefix = Prefix::of_node(node);
        let start = self
            .newest
            .partition_point(|(key, _)| key < prefix.first_key());
        let end = self
            .newest
            .partition_point(|(key, _)| *key <= prefix.last_key());
        Ok(naive_root(&self.newest[start..end]))
    }
}

fn check_proof(root: B256, leaves: &MemoryLeaves, key: B256, proof: &Proof) {
    assert_eq!(
        verify(root, key, proof).unwrap(),
        leaves.get(&key),
        "key {key}"
    );
}

fn random_blocks(seed: u64, cached: usize, blocks: usize, size: usize, shared: usize) -> Chain {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut chain = Chain::new(cached);
    for _ in 0..blocks {
        let known: Vec<B256> = chain.leaves.iter().map(|(key, _)| key).collect();
        let changes = (0..rng.random_range(0..=size)).map(|_| {
            if known.is_empty() || rng.random_bool(0.5) {
                let group = rng.random_range(0..3);
                let shared = if group == 0 { 0 } else { shared };
                (ground_key(&mut rng, group, shared), Some(value(&mut rng)))
            } else {
                let key = known[rng.random_range(0..known.len())];
                (key, rng.random_bool(0.6).then(|| value(&mut rng)))
            }
        });
        let changes = sorted(changes.collect());
        chain.apply(&changes);
    }
    chain
}

fn check_all(chain: &Chain, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed ^ 0xabcd);
    let keys: Vec<B256> = chain.leaves.iter().map(|(key, _)| key).collect();
    for _ in 0..20 {
        let key = if keys.is_empty() || rng.random_bool(0.5) {
            value(&mut rng)
        } else {
            keys[rng.random_range(0..keys.len())]
        };
        let proof = chain.tree.prove(key, &mut &chain.leaves).unwrap();
        check_proof(chain.tree.root(), &chain.leaves, key, &proof);
        for (block, (leaves, root, _)) in chain.states.iter().enumerate() {
            let proof = chain.past_proof(block, key);
            check_proof(*root, leaves, key, &proof);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(12), ..ProptestConfig::default() })]

    #[test]
    fn every_batch_gives_the_root_of_the_definition_and_every_past_state_is_provable(
        seed: u64, cached in prop_oneof![Just(0usize), Just(40), Just(100_000)],
        blocks in 1usize..8, size in prop_oneof![Just(5usize), Just(60), Just(600)],
        shared in prop_oneof![Just(3usize), Just(20), Just(40), Just(250)],
    ) {
        let chain = random_blocks(seed, cached, blocks, size, shared);
        check_all(&chain, seed);
    }
}

#[test]
fn buckets_split_as_leaves_come_and_deeper_nodes_are_recorded() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut chain = Chain::new(1_000);
    let mut depths = Vec::new();
    for _ in 0..12 {
        let changes = sorted(
            (0..600)
                .map(|_| (value(&mut rng), Some(value(&mut rng))))
                .collect(),
        );
        chain.apply(&changes);
        depths.push(chain.tree.stats().depth);
    }
    assert!(depths.is_sorted() && depths[11] >= 11, "{depths:?}");
    assert_eq!(chain.tree.bottom(), 8);
    check_all(&chain, 1);
}

#[test]
fn thousands_of_leaves_sharing_forty_bits_are_read_in_small_parts() {
    /// Counts the leaves that are read.
    struct Counting<'a>(&'a MemoryLeaves, &'a Cell<usize>);
    impl LeafSource for Counting<'_> {
        type Error = std::convert::Infallible;
        fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Self::Error> {
            let mut source = self.0;
            source.read(prefixes, leaves)?;
            self.1.set(self.1.get() + leaves.len());
            Ok(())
        }
    }
    let mut rng = StdRng::seed_from_u64(2);
    let mut chain = Chain::new(0);
    let ground: Vec<B256> = (0..5_000).map(|_| ground_key(&mut rng, 1, 40)).collect();
    for chunk in ground.chunks(1_000) {
        chain.apply(&sorted(
            chunk
                .iter()
                .map(|key| (*key, Some(value(&mut rng))))
                .collect(),
        ));
    }
    // One page for each six of the forty bits, and those among which the leaves part.
    assert!(chain.tree.stats().pages >= 6);
    let read = Cell::new(0);
    for key in ground.iter().take(50) {
        let change = [(*key, Some(value(&mut rng)))];
        chain
            .tree
            .update(&change, &mut Counting(&chain.leaves, &read))
            .unwrap();
        chain.leaves.apply(&change);
    }
    assert!(
        read.get() < 50 * 70,
        "{} leaves read for 50 changes",
        read.get()
    );
    let leaves: Vec<_> = chain.leaves.iter().collect();
    assert_eq!(chain.tree.root(), naive_root(&leaves));
    check_proof(
        chain.tree.root(),
        &chain.leaves,
        ground[7],
        &chain.tree.prove(ground[7], &mut &chain.leaves).unwrap(),
    );
    // Deleting them gives the pages up again.
    for chunk in ground.chunks(700) {
        chain.apply(&sorted(chunk.iter().map(|key| (*key, None)).collect()));
    }
    assert_eq!(
        (chain.tree.stats().pages, chain.tree.root()),
        (0, B256::ZERO)
    );
}

#[test]
fn a_built_tree_is_the_one_that_grew() {
    for (count, shared) in [(0, 0), (1, 0), (70, 40), (30_000, 0), (2_000, 33)] {
        let mut rng = StdRng::seed_from_u64(count);
        let mut grown = Smt::new();
        let leaves = (0..count).map(|_| (ground_key(&mut rng, 1, shared), Some(value(&mut rng))));
        grown.update(&sorted(leaves.collect())).unwrap();
        let mut builder = TreeBuilder::new(count, 0, 0);
        builder
            .extend(&grown.leaves().iter().collect::<Vec<_>>())
            .unwrap();
        let mut built = builder.finish();
        assert_eq!((built.root(), built.len()), (grown.root(), count));
        let changes = sorted(
            (0..50)
                .map(|_| (value(&mut rng), Some(value(&mut rng))))
                .collect(),
        );
        let update = built.update(&changes, &mut grown.leaves()).unwrap();
        assert_eq!(update.root, grown.update(&changes).unwrap());
    }
}

#[test]
fn a_failing_source_leaves_the_root() {
    struct Failing;
    impl LeafSource for Failing {
        type Error = &'static str;
        fn read(&mut self, _: &[Prefix], _: &mut Leaves) -> Result<(), Self::Error> {
            Err("unreadable")
        }
    }
    let mut chain = random_blocks(5, 0, 4, 300, 0);
    let root = chain.tree.root();
    let change = [(B256::repeat_byte(1), Some(B256::repeat_byte(2)))];
    let error = chain.tree.update(&change, &mut Failing).unwrap_err();
    assert_eq!(error, UpdateError::Source("unreadable"));
    assert_eq!(chain.tree.root(), root);
    let twice = [change[0], change[0]];
    let error = chain.tree.update(&twice, &mut Failing).unwrap_err();
    let key = twice[0].0;
    assert_eq!(
        error,
        UpdateError::Batch(SmtError::NotSorted { position: 1, key })
    );
    chain.apply(&change);
}

#[test]
fn prefetched_buckets_are_not_read_again() {
    struct Forbidden;
    impl LeafSource for Forbidden {
        type Error = Vec<Prefix>;
        fn read(&mut self, prefixes: &[Prefix], _: &mut Leaves) -> Result<(), Self::Error> {
            Err(prefixes.to_vec())
        }
    }
    let mut rng = StdRng::seed_from_u64(6);
    let leaves = sorted(
        (0..5_000)
            .map(|_| (value(&mut rng), Some(value(&mut rng))))
            .collect(),
    );
    let leaves: Vec<_> = leaves
        .into_iter()
        .filter_map(|(k, v)| Some((k, v?)))
        .collect();
    let mut source = MemoryLeaves::default();
    source.apply(
        &leaves
            .iter()
            .map(|(k, v)| (*k, Some(*v)))
            .collect::<Vec<_>>(),
    );
    let mut builder = TreeBuilder::new(5_000, 0, 10_000);
    builder.extend(&leaves).unwrap();
    let mut tree = builder.finish();
    let changes: Vec<Change> = leaves
        .iter()
        .step_by(7)
        .map(|(k, _)| (*k, Some(value(&mut rng))))
        .collect();
    let keys: Vec<B256> = changes.iter().map(|(key, _)| *key).collect();
    let missing = tree.missing(&keys);
    assert!(!missing.is_empty());
    tree.warm(WarmBuckets::read(missing, &mut &source).unwrap());
    assert_eq!(tree.missing(&keys), []);
    let root = tree.update(&changes, &mut Forbidden).unwrap().root;
    source.apply(&changes);
    assert_eq!(root, naive_root(&source.iter().collect::<Vec<_>>()));
    tree.clear_cache();
    assert!(tree.update(&changes, &mut Forbidden).is_err());
}
