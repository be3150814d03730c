//! The open block as its readers see it.

use std::sync::Arc;

use alloy_consensus::Header;
use aura_primitives::{Receipt, RecoveredTx, SealedHeader, StateDiff};
use parking_lot::RwLock;

/// The block that is being built: `pending` of JSON-RPC.
///
/// One [`BlockExecutor`](crate::BlockExecutor) writes to it; readers on any thread may look at any
/// time. State and body change together only from one transaction to the next: a reader that needs
/// both takes the body first, so that the state is never older than the body.
#[derive(Debug)]
pub struct OpenBlock {
    /// The block it builds on.
    pub parent: SealedHeader,
    /// Header with everything known at the start: number, time, base fee, gas limit. Gas used,
    /// bloom and roots are zero.
    pub header: Header,
    /// Id of the queue entry that its first deposit is or would be; the others follow. `None` if the
    /// block says nothing of L1.
    pub first_deposit: Option<u64>,
    /// State change so far, to be laid above the parent's state.
    pub diff: Arc<RwLock<StateDiff>>,
    /// Transactions and receipts so far.
    pub body: RwLock<OpenBody>,
}

/// Transactions of the open block with their outcomes.
#[derive(Debug, Default, Clone)]
pub struct OpenBody {
    /// Transactions in block order.
    pub transactions: Vec<Arc<RecoveredTx>>,
    /// Receipts, one per transaction.
    pub receipts: Vec<Receipt>,
    /// Gas used by them.
    pub gas_used: u64,
}
