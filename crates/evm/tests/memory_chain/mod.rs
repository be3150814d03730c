//! A tree of blocks in memory, each with the whole state after it.
#![allow(dead_code)]

use std::{collections::HashMap, error::Error, sync::Arc};

use alloy_consensus::{Header, Sealable};
use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use aura_chainspec::ChainSpec;
use aura_evm::{Ancestors, execute_block};
use aura_primitives::{ExecutedBlock, SealedBlock, SealedHeader, StateDiff};
use aura_storage::{Layer, StateView, StorageError};

pub(crate) fn code_hash(code: &Bytes) -> B256 {
    if code.is_empty() {
        KECCAK256_EMPTY
    } else {
        keccak256(code)
    }
}

struct Node {
    block: SealedBlock,
    state: Arc<StateDiff>,
    total_difficulty: U256,
}

/// Blocks by hash. The head is the block with most total difficulty, after the merge the newest.
pub(crate) struct MemoryChain {
    spec: Arc<ChainSpec>,
    nodes: HashMap<B256, Node>,
    head: B256,
}

/// The chain that ends with one block.
struct Branch<'a> {
    nodes: &'a HashMap<B256, Node>,
    tip: B256,
}

impl Branch<'_> {
    fn node(&self, number: u64) -> Option<&Node> {
        let mut node = self.nodes.get(&self.tip)?;
        while node.block.number() > number {
            node = self.nodes.get(&node.block.header.parent_hash)?;
        }
        (node.block.number() == number).then_some(node)
    }
}

impl Ancestors for Branch<'_> {
    fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        Ok(self.node(number).map(|node| node.block.header.clone()))
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StorageError> {
        let node = self.node(number);
        Ok(node
            .map(|node| node.block.ommers.clone())
            .unwrap_or_default())
    }
}

/// Ethereum's root of a whole state.
fn root_of(state: &StateDiff) -> B256 {
    let none = Default::default();
    let accounts = state.accounts.iter().filter_map(|(address, change)| {
        let account = change.after?;
        let slots = state.slots.get(address).unwrap_or(&none);
        let words = slots
            .iter()
            .filter(|(_, change)| !change.after.is_zero())
            .map(|(slot, change)| (B256::from(*slot), change.after));
        let account = TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: storage_root_unhashed(words),
            code_hash: account.code_hash,
        };
        Some((*address, account))
    });
    state_root_unhashed(accounts)
}

fn with(state: &StateDiff, diff: StateDiff) -> StateDiff {
    let mut all = state.clone();
    all.merge(diff);
    all
}

impl MemoryChain {
    pub(crate) fn new(spec: ChainSpec) -> Self {
        let state = StateDiff::from_genesis(&spec.genesis_state());
        let header = spec.genesis_header(root_of(&state)).seal_slow();
        let head = header.seal();
        let node = Node {
            total_difficulty: header.difficulty,
            state: Arc::new(state),
            block: SealedBlock {
                l1_info: None,
                header,
                transactions: Vec::new(),
                ommers: Vec::new(),
                withdrawals: None,
            },
        };
        Self {
            spec: Arc::new(spec),
            nodes: HashMap::from([(head, node)]),
            head,
        }
    }

    pub(crate) fn head(&self) -> B256 {
        self.head
    }

    pub(crate) fn state(&self) -> &StateDiff {
        &self.nodes[&self.head].state
    }

    pub(crate) fn state_root(&self) -> B256 {
        root_of(self.state())
    }

    /// The newest block of the chain with the most total difficulty.
    pub(crate) fn head_block(&self) -> &SealedBlock {
        &self.nodes[&self.head].block
    }

    pub(crate) fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// Verifies `block` on its parent, whichever that is, and keeps it.
    pub(crate) fn import(&mut self, block: SealedBlock) -> Result<(), String> {
        let (_, state) = self.execute(&block).map_err(|error| chain_of(&*error))?;
        if root_of(&state) != block.header.state_root {
            return Err("other state root".to_owned());
        }
        self.keep(block, state);
        Ok(())
    }

    /// As [`import`](Self::import), but the header's state root is filled in.
    pub(crate) fn extend(
        &mut self,
        mut block: SealedBlock,
    ) -> Result<ExecutedBlock, Box<dyn Error>> {
        let (executed, state) = self.execute(&block)?;
        let mut header = block.header.into_inner();
        header.state_root = root_of(&state);
        block.header = header.seal_slow();
        self.keep(block, state);
        Ok(executed)
    }

    fn execute(&self, block: &SealedBlock) -> Result<(ExecutedBlock, StateDiff), Box<dyn Error>> {
        let tip = block.header.parent_hash;
        let parent = self.nodes.get(&tip).ok_or("unknown parent")?;
        let branch = Branch {
            nodes: &self.nodes,
            tip,
        };
        let number = block.number();
        let hashes = (number.saturating_sub(256)..number)
            .filter_map(|number| Some((number, branch.node(number)?.block.hash())))
            .collect();
        let view = StateView::empty()
            .with_layers(vec![Layer::Frozen(parent.state.clone())])
            .with_block_hashes(hashes);
        let mut post_state =
            |_: &StateView, diff: &StateDiff| Some(root_of(&with(&parent.state, diff.clone())));
        let header = &parent.block.header;
        let executed = execute_block(&self.spec, header, block, view, &branch, &mut post_state)?;
        let state = with(&parent.state, executed.diff.clone());
        Ok((executed, state))
    }

    fn keep(&mut self, block: SealedBlock, state: StateDiff) {
        let hash = block.hash();
        let parent = &self.nodes[&block.header.parent_hash];
        let total_difficulty = parent.total_difficulty + block.header.difficulty;
        let merged = self.spec.is_merged(&block.header);
        if merged || total_difficulty > self.nodes[&self.head].total_difficulty {
            self.head = hash;
        }
        let node = Node {
            block,
            state: Arc::new(state),
            total_difficulty,
        };
        self.nodes.insert(hash, node);
    }
}

/// An error with its causes.
pub(crate) fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
