//! Blocks before and after sealing.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{B256, Sealed};

use crate::{BlockNumHash, Receipt, RecoveredTx, StateDiff, bridge::L1BlockInfo};

/// A header with its hash.
pub type SealedHeader = Sealed<Header>;

/// An executed block whose header lacks the state root: the one thing that `aura-chain` accepts.
#[derive(Debug, Clone)]
pub struct ExecutedBlock {
    /// Complete header, but for `state_root`, which the chain fills in.
    pub header: Header,
    /// Transactions in block order.
    pub transactions: Vec<Arc<RecoveredTx>>,
    /// Uncle headers; empty since the merge.
    pub ommers: Vec<Header>,
    /// Withdrawals, present from Shanghai on.
    pub withdrawals: Option<Withdrawals>,
    /// What the block tells L2 of L1 before its transactions; `None` if that is as in its parent.
    pub l1_info: Option<L1BlockInfo>,
    /// Receipts, one per transaction.
    pub receipts: Vec<Receipt>,
    /// State change against the parent.
    pub diff: StateDiff,
}

/// A block whose header is final.
#[derive(Debug, Clone)]
pub struct SealedBlock {
    /// Header with its hash.
    pub header: SealedHeader,
    /// Transactions in block order.
    pub transactions: Vec<Arc<RecoveredTx>>,
    /// Uncle headers; empty since the merge.
    pub ommers: Vec<Header>,
    /// Withdrawals, present from Shanghai on.
    pub withdrawals: Option<Withdrawals>,
    /// What the block tells L2 of L1 before its transactions; `None` if that is as in its parent.
    pub l1_info: Option<L1BlockInfo>,
}

impl SealedBlock {
    /// Block number.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Block hash.
    pub fn hash(&self) -> B256 {
        self.header.seal()
    }

    /// Number and hash.
    pub fn num_hash(&self) -> BlockNumHash {
        BlockNumHash {
            number: self.number(),
            hash: self.hash(),
        }
    }
}

/// A durable block with everything that subscribers, pool and RPC caches need of it.
#[derive(Debug, Clone)]
pub struct CommittedBlock {
    /// The sealed block.
    pub block: SealedBlock,
    /// Receipts, one per transaction.
    pub receipts: Vec<Receipt>,
    /// State change against the parent.
    pub diff: Arc<StateDiff>,
}
