//! Between the types of the ABI and ours.

use alloy_primitives::B256;
use aura_primitives::bridge::{
    BatchHeader, L1BlockInfo, Output, QueueMessage, WITHDRAWAL_TREE_DEPTH, Withdrawal,
};

use crate::{DecodeError, l1_block, portal, rollup};

macro_rules! output {
    ($abi:path) => {
        impl From<&Output> for $abi {
            fn from(output: &Output) -> Self {
                Self {
                    stateRoot: output.state_root,
                    withdrawalRoot: output.withdrawal_root,
                    l2BlockHash: output.l2_block_hash,
                    l2Block: output.l2_block,
                    batchIndex: output.batch_index,
                    batchHash: output.batch_hash,
                }
            }
        }
        impl From<$abi> for Output {
            fn from(output: $abi) -> Self {
                Self {
                    state_root: output.stateRoot,
                    withdrawal_root: output.withdrawalRoot,
                    l2_block_hash: output.l2BlockHash,
                    l2_block: output.l2Block,
                    batch_index: output.batchIndex,
                    batch_hash: output.batchHash,
                }
            }
        }
    };
}

macro_rules! header {
    ($abi:path) => {
        impl From<&BatchHeader> for $abi {
            fn from(header: &BatchHeader) -> Self {
                Self {
                    parent: header.parent,
                    firstTime: header.first_time,
                    lastTime: header.last_time,
                    consumed: header.consumed,
                    queueAcc: header.queue_acc,
                    anchorNumber: header.anchor_number,
                    anchorHash: header.anchor_hash,
                }
            }
        }
        impl From<$abi> for BatchHeader {
            fn from(header: $abi) -> Self {
                Self {
                    parent: header.parent,
                    first_time: header.firstTime,
                    last_time: header.lastTime,
                    consumed: header.consumed,
                    queue_acc: header.queueAcc,
                    anchor_number: header.anchorNumber,
                    anchor_hash: header.anchorHash,
                }
            }
        }
    };
}

output!(portal::AuraPortal::Output);
output!(rollup::AuraRollup::Output);
header!(portal::AuraPortal::Header);
header!(rollup::AuraRollup::Header);

impl From<&Withdrawal> for portal::AuraPortal::Withdrawal {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            index: withdrawal.index,
            sender: withdrawal.sender,
            recipient: withdrawal.recipient,
            token: withdrawal.token,
            amount: withdrawal.amount,
            dataHash: withdrawal.data_hash,
        }
    }
}

/// The preimage that `reclaim` takes.
impl From<&QueueMessage> for portal::AuraPortal::Message {
    fn from(message: &QueueMessage) -> Self {
        Self {
            id: message.id,
            kind: message.kind as u8,
            l1Sender: message.l1_sender,
            from: message.from,
            to: message.to,
            mint: message.mint,
            value: message.value,
            gasLimit: message.gas_limit,
            data: message.data.clone(),
        }
    }
}

/// The system call before a block's transactions.
impl From<&L1BlockInfo> for l1_block::AuraL1Block::setCall {
    fn from(info: &L1BlockInfo) -> Self {
        Self {
            number_: info.origin.number,
            timestamp_: info.origin.timestamp,
            hash_: info.origin.hash,
            baseFee_: info.origin.base_fee,
            blobBaseFee_: info.origin.blob_base_fee,
            consumed_: info.consumed,
            queueAcc_: info.queue_acc,
        }
    }
}

/// What became of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RootStatus {
    /// Too young, or not signed by enough verifiers.
    Pending = 0,
    /// Withdrawals under it can be paid.
    Final = 1,
    /// Waits for a decision.
    Disputed = 2,
    /// Wrong, or nobody decided in time.
    Invalid = 3,
}

impl TryFrom<u8> for RootStatus {
    type Error = DecodeError;

    fn try_from(status: u8) -> Result<Self, DecodeError> {
        match status {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Final),
            2 => Ok(Self::Disputed),
            3 => Ok(Self::Invalid),
            unknown => Err(DecodeError::RootStatus(unknown)),
        }
    }
}

/// A root as the rollup's `roots(id)` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootState {
    /// Hash of the output; zero if there is no such root.
    pub output_hash: B256,
    /// The batch that it is about.
    pub batch_index: u64,
    /// L1 time when it was posted, seconds.
    pub posted_at: u64,
    /// Bit `i` is set if verifier `i` has signed it.
    pub attested: u64,
    /// What became of it.
    pub status: RootStatus,
    /// L1 time of its last dispute; 0 if there was none.
    pub disputed_at: u64,
}

impl TryFrom<rollup::IAuraRollup::Root> for RootState {
    type Error = DecodeError;

    fn try_from(root: rollup::IAuraRollup::Root) -> Result<Self, DecodeError> {
        Ok(Self {
            output_hash: root.output,
            batch_index: root.batchIndex,
            posted_at: root.postedAt,
            attested: root.attested,
            status: RootStatus::try_from(root.status)?,
            disputed_at: root.disputedAt.to(),
        })
    }
}

/// The siblings of a withdrawal's proof, as the portal takes them.
pub type WithdrawalSiblings = [B256; WITHDRAWAL_TREE_DEPTH];
