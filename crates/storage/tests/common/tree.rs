//! A chain on a few keys with long shared prefixes, with every past state beside it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Sealable, U256, keccak256};
use aura_primitives::{CommittedBlock, SealedBlock, SealedHeader, SlotChange, StateDiff};
use aura_smt::{NodeChange, NodeId, Prefix};
use aura_storage::{
    ChainIdentity, LeafChange, LeafRecord, Reader, Store, TreeChanges, UnwoundBlock, Writer,
};

/// Blocks between boundaries.
pub const INTERVAL: u64 = 4;

pub type State = BTreeMap<B256, U256>;

/// Keys that part from each other at bits all over the tree, the first and the last among them.
pub fn keys() -> Vec<B256> {
    let base = B256::repeat_byte(0x5a);
    let mut keys = vec![B256::ZERO, B256::repeat_byte(0xff), base];
    for bit in [0, 1, 3, 4, 7, 8, 11, 12, 40, 254, 255] {
        let mut key = base;
        key[bit / 8] ^= 0x80 >> (bit % 8);
        keys.push(key);
    }
    keys
}

pub fn node_of(key: &B256, depth: u8) -> NodeId {
    let bits = u32::from_be_bytes(key[..4].try_into().unwrap());
    NodeId {
        depth,
        index: bits >> (32 - depth),
    }
}

/// Any hash will do that depends on the leaves below the node, and is zero without.
pub fn node_hash(state: &State, node: NodeId) -> B256 {
    let prefix = Prefix::of_node(node);
    let mut bytes = Vec::new();
    for (key, word) in state.range::<B256, _>(*prefix.first_key()..=prefix.last_key()) {
        bytes.extend_from_slice(key.as_slice());
        bytes.extend_from_slice(&word.to_be_bytes::<32>());
    }
    if bytes.is_empty() {
        B256::ZERO
    } else {
        keccak256(bytes)
    }
}

/// A store and what the owner of the tree knows about it.
#[derive(Debug)]
pub struct Model {
    pub keys: Vec<B256>,
    /// State after every block.
    pub states: Vec<State>,
    /// Depth of the lowest recorded nodes at every block.
    pub bottoms: Vec<u8>,
    /// Nodes that changed since the last boundary.
    pub open: BTreeMap<NodeId, B256>,
    headers: Vec<SealedHeader>,
}

impl Model {
    /// A new chain in `store`, in which every other key has a leaf.
    pub fn new(store: &Store, bottom: u8) -> Self {
        let keys = keys();
        let leaves = keys.iter().step_by(2);
        let state: State = leaves.map(|key| (*key, U256::from(7))).collect();
        let genesis = SealedBlock {
            l1_info: None,
            header: Header::default().seal_slow(),
            transactions: vec![],
            ommers: vec![],
            withdrawals: None,
        };
        let identity = ChainIdentity {
            chain_id: 7,
            genesis_hash: genesis.hash(),
        };
        let leaves = state
            .iter()
            .map(|(key, word)| (*key, LeafRecord::Slot(*word)));
        store.init_with(identity, &genesis, bottom, leaves).unwrap();
        Self {
            keys,
            states: vec![state],
            bottoms: vec![bottom],
            open: BTreeMap::new(),
            headers: vec![genesis.header],
        }
    }

    pub fn head(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    pub fn state(&self) -> &State {
        self.states.last().unwrap()
    }

    /// The next block: sets the leaves of some keys, zero removes one.
    pub fn next(&mut self, writes: &[(usize, u64)], bottom: u8) -> (CommittedBlock, TreeChanges) {
        let before = self.state().clone();
        let mut after = before.clone();
        for (index, word) in writes {
            let key = self.keys[index % self.keys.len()];
            after.remove(&key);
            if *word > 0 {
                after.insert(key, U256::from(*word));
            }
        }
        let mut diff = StateDiff::default();
        let mut tree = TreeChanges {
            bottom,
            ..TreeChanges::default()
        };
        let mut nodes = BTreeSet::new();
        for (index, key) in self.keys.iter().enumerate() {
            let word = |state: &State| state.get(key).copied().unwrap_or_default();
            let slot = U256::from(index);
            let change = SlotChange {
                before: word(&before),
                after: word(&after),
            };
            let slots = diff.slots.entry(Address::ZERO).or_default();
            slots.insert(slot, change);
            if change.before != change.after {
                tree.leaves.push((*key, LeafChange::Slot(change)));
                nodes.extend((4..=bottom).step_by(4).map(|depth| node_of(key, depth)));
            }
        }
        tree.leaves.sort_unstable_by_key(|(key, _)| *key);
        for node in nodes {
            let before = node_hash(&before, node);
            self.open.entry(node).or_insert(before);
            tree.nodes.push(NodeChange { node, before });
        }
        self.states.push(after);
        self.bottoms.push(bottom);
        if self.head().is_multiple_of(INTERVAL) {
            let open = std::mem::take(&mut self.open).into_iter();
            tree.interval = Some(
                open.map(|(node, before)| NodeChange { node, before })
                    .collect(),
            );
        }
        (self.seal(diff), tree)
    }

    fn seal(&mut self, diff: StateDiff) -> CommittedBlock {
        let header = Header {
            parent_hash: self.headers.last().unwrap().hash(),
            number: self.head(),
            timestamp: self.head() * 2,
            state_root: keccak256(format!("{:?}", self.state())),
            ..Header::default()
        };
        let header = header.seal_slow();
        self.headers.push(header.clone());
        CommittedBlock {
            block: SealedBlock {
                l1_info: None,
                header,
                transactions: vec![],
                ommers: vec![],
                withdrawals: None,
            },
            receipts: vec![],
            diff: diff.into(),
        }
    }

    pub fn put(&mut self, writer: &mut Writer, writes: &[(usize, u64)], bottom: u8) {
        let (block, tree) = self.next(writes, bottom);
        writer.put_block(&block, &tree).unwrap();
    }

    /// Forgets the newest block, as the store has just done.
    pub fn unwound(&mut self, unwound: &UnwoundBlock) {
        assert_eq!(unwound.block.number(), self.head());
        assert_eq!(
            unwound.interval.is_some(),
            self.head().is_multiple_of(INTERVAL)
        );
        if let Some(interval) = &unwound.interval {
            self.open = interval.iter().map(|c| (c.node, c.before)).collect();
        }
        self.states.pop();
        self.bottoms.pop();
        self.headers.pop();
    }

    /// Nodes above the keys, and their neighbours.
    pub fn nodes(&self, bottom: u8) -> BTreeSet<NodeId> {
        let depths = (4..=bottom).step_by(4);
        let nodes = depths.flat_map(|depth| self.keys.iter().map(move |key| node_of(key, depth)));
        let with_sibling = |node: NodeId| {
            let sibling = NodeId {
                index: node.index ^ 1,
                ..node
            };
            [node, sibling]
        };
        nodes.flat_map(with_sibling).collect()
    }

    /// Every node of `block` comes out right, whoever merged the open interval.
    pub fn assert_nodes(&self, reader: &Reader, block: u64) {
        let merged = reader.open_interval().unwrap();
        assert!(merged.is_sorted_by(|a, b| a.node < b.node));
        let merged: BTreeMap<_, _> = merged.into_iter().map(|c| (c.node, c.before)).collect();
        let mut nodes_at = reader.nodes_at(block).unwrap();
        let bottoms = &self.bottoms[block as usize..];
        assert_eq!(nodes_at.bottom(), *bottoms.iter().min().unwrap());
        let last_boundary = self.head() / INTERVAL * INTERVAL;
        assert_eq!(reader.last_boundary().unwrap(), last_boundary);
        assert_eq!(nodes_at.is_in_open_interval(), block > last_boundary);
        for node in self.nodes(nodes_at.bottom()) {
            let expected = node_hash(&self.states[block as usize], node);
            let found = nodes_at.before(node).unwrap();
            for open in [&self.open, &merged] {
                let later = open
                    .get(&node)
                    .filter(|_| !nodes_at.is_in_open_interval())
                    .copied();
                let hash = found
                    .or(later)
                    .unwrap_or_else(|| node_hash(self.state(), node));
                assert_eq!(hash, expected, "{node:?} at {block} of {}", self.head());
            }
        }
    }
}
