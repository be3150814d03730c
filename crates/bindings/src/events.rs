//! From logs to what happened.
//!
//! The caller has checked that the log is of the contract in question: anybody can write a log with the same
//! topics.

use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use alloy_sol_types::SolEvent;
use aura_primitives::bridge::{
    BatchHeader, DaKind, MessageKind, Output, QueueMessage, QueueSlot, Withdrawal,
};

use crate::{DecodeError, message_passer, portal, rollup};

/// Topic of the portal's event for each entry of the queue.
pub const MESSAGE_ENQUEUED: B256 = portal::AuraPortal::MessageEnqueued::SIGNATURE_HASH;
/// Topic of the rollup's event for each batch.
pub const BATCH_APPENDED: B256 = rollup::AuraRollup::BatchAppended::SIGNATURE_HASH;
/// Topic of the rollup's event for each root.
pub const STATE_ROOT_UPDATED: B256 = rollup::AuraRollup::StateRootUpdated::SIGNATURE_HASH;
/// Topic of the event of `AuraMessagePasser`.
pub const MESSAGE_PASSED: B256 = message_passer::AuraMessagePasser::MessagePassed::SIGNATURE_HASH;

/// An entry joined the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageEnqueued {
    /// The entry.
    pub message: QueueMessage,
    /// Time of its L1 block, seconds.
    pub time: u64,
}

/// A batch was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchAppended {
    /// Its index; 0 is the genesis, so the first is 1.
    pub index: u64,
    /// Its slot in the rollup: hash and time.
    pub slot: QueueSlot,
    /// Where its data is.
    pub da_kind: DaKind,
    /// Commitment to the data.
    pub da_hash: B256,
    /// What its poster says about it.
    pub header: BatchHeader,
}

/// A root was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootPosted {
    /// Its id; 0 is the genesis.
    pub id: u64,
    /// Hash of the output.
    pub output_hash: B256,
    /// What it claims.
    pub output: Output,
}

/// What the rollup's logs say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollupEvent {
    /// A batch was appended.
    BatchAppended(BatchAppended),
    /// A root was posted.
    RootPosted(RootPosted),
    /// Verifiers have signed a root.
    RootAttested {
        /// The root.
        id: u64,
        /// All that have signed so far.
        bitmap: u64,
    },
    /// A root is disputed.
    RootChallenged {
        /// The root.
        id: u64,
        /// Who disputes it.
        by: Address,
    },
    /// A root is wrong, or nobody decided its dispute.
    RootInvalidated {
        /// The root.
        id: u64,
    },
    /// A dispute was rejected; the root is pending again.
    DisputeRejected {
        /// The root.
        id: u64,
    },
    /// Withdrawals under this root can be paid.
    RootFinalized {
        /// The root.
        id: u64,
    },
    /// No more batches, no more roots.
    Frozen {
        /// L1 time, seconds.
        time: u64,
    },
}

/// What the portal's logs say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortalEvent {
    /// An entry joined the queue.
    MessageEnqueued(MessageEnqueued),
    /// A withdrawal was paid.
    Withdrawn {
        /// Its index.
        index: u64,
        /// Who was paid.
        recipient: Address,
        /// L1 token, or zero for ether.
        token: Address,
        /// How much.
        amount: U256,
    },
    /// A message was taken by its recipient.
    MessageConsumed {
        /// Its index.
        index: u64,
        /// Sender on L2.
        sender: Address,
        /// Recipient on L1.
        recipient: Address,
        /// Hash of its data.
        data_hash: B256,
    },
    /// A token can be deposited from now on.
    TokenRegistered {
        /// The token on L1.
        token: Address,
        /// Its entry in the queue.
        id: u64,
    },
    /// An entry that L2 never saw was paid back.
    Reclaimed {
        /// The entry.
        id: u64,
        /// Who was paid.
        to: Address,
        /// L1 token, or zero for ether.
        token: Address,
        /// How much.
        amount: U256,
    },
    /// A balance was paid out after the freeze.
    Exited {
        /// Whose balance.
        user: Address,
        /// L1 token, or zero for ether.
        token: Address,
        /// How much.
        amount: U256,
    },
    /// The output that exits are proven against is fixed.
    EscapeSettled {
        /// The root.
        root_id: u64,
        /// Hash of its output.
        output_hash: B256,
    },
    /// Payouts are paused.
    Paused {
        /// L1 time when they go on, seconds.
        until: u64,
    },
    /// A pause was ended.
    Unpaused,
}

/// Something left L2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePassed {
    /// The leaf's preimage; its `data_hash` is zero for value.
    pub withdrawal: Withdrawal,
    /// The leaf in the withdrawal tree.
    pub leaf: B256,
    /// Data of a message; empty for value.
    pub data: Bytes,
}

/// Reads an entry of the queue. The path of every deposit: one pass, one copy of the entry's data.
///
/// # Errors
/// [`DecodeError`] if the log is not this event.
pub fn decode_message_enqueued(log: &LogData) -> Result<MessageEnqueued, DecodeError> {
    let event: portal::AuraPortal::MessageEnqueued = decode(log)?;
    let kind = MessageKind::try_from(event.kind)
        .map_err(|kind| DecodeError::MessageKind { id: event.id, kind })?;
    Ok(MessageEnqueued {
        message: QueueMessage {
            id: event.id,
            kind,
            l1_sender: event.l1Sender,
            from: event.from,
            to: event.to,
            mint: event.mint,
            value: event.value,
            gas_limit: event.gasLimit,
            data: event.data,
        },
        time: event.time,
    })
}

/// Reads a batch.
///
/// # Errors
/// [`DecodeError`] if the log is not this event.
pub fn decode_batch_appended(log: &LogData) -> Result<BatchAppended, DecodeError> {
    let event: rollup::AuraRollup::BatchAppended = decode(log)?;
    let da_kind = DaKind::try_from(event.daKind).map_err(|kind| DecodeError::DaKind {
        index: event.index,
        kind,
    })?;
    Ok(BatchAppended {
        index: event.index,
        slot: QueueSlot(event.batchHash),
        da_kind,
        da_hash: event.daHash,
        header: event.h.into(),
    })
}

/// Reads something that left L2.
///
/// # Errors
/// [`DecodeError`] if the log is not this event.
pub fn decode_message_passed(log: &LogData) -> Result<MessagePassed, DecodeError> {
    let event: message_passer::AuraMessagePasser::MessagePassed = decode(log)?;
    // As the contract does: value has no data and no hash, a message always has a hash.
    let data_hash = if event.amount.is_zero() {
        alloy_primitives::keccak256(&event.data)
    } else {
        B256::ZERO
    };
    Ok(MessagePassed {
        withdrawal: Withdrawal {
            index: event.index,
            sender: event.sender,
            recipient: event.recipient,
            token: event.token,
            amount: event.amount,
            data_hash,
        },
        leaf: event.leaf,
        data: event.data,
    })
}

/// Reads a log of the rollup; `None` if it is about roles, upgrades, verifiers or bonds.
///
/// # Errors
/// [`DecodeError`] if the log has the topic of an event and not its form.
pub fn decode_rollup_event(log: &LogData) -> Result<Option<RollupEvent>, DecodeError> {
    use rollup::AuraRollup as abi;
    let Some(topic) = log.topics().first() else {
        return Ok(None);
    };
    Ok(Some(match *topic {
        BATCH_APPENDED => RollupEvent::BatchAppended(decode_batch_appended(log)?),
        STATE_ROOT_UPDATED => {
            let event: abi::StateRootUpdated = decode(log)?;
            RollupEvent::RootPosted(RootPosted {
                id: event.rootId,
                output_hash: event.output,
                output: event.o.into(),
            })
        }
        abi::RootAttested::SIGNATURE_HASH => {
            let event: abi::RootAttested = decode(log)?;
            RollupEvent::RootAttested {
                id: event.rootId,
                bitmap: event.bitmap,
            }
        }
        abi::RootChallenged::SIGNATURE_HASH => {
            let event: abi::RootChallenged = decode(log)?;
            RollupEvent::RootChallenged {
                id: event.rootId,
                by: event.by,
            }
        }
        abi::RootInvalidated::SIGNATURE_HASH => {
            let event: abi::RootInvalidated = decode(log)?;
            RollupEvent::RootInvalidated { id: event.rootId }
        }
        abi::DisputeRejected::SIGNATURE_HASH => {
            let event: abi::DisputeRejected = decode(log)?;
            RollupEvent::DisputeRejected { id: event.rootId }
        }
        abi::RootFinalized::SIGNATURE_HASH => {
            let event: abi::RootFinalized = decode(log)?;
            RollupEvent::RootFinalized { id: event.rootId }
        }
        abi::FrozenForever::SIGNATURE_HASH => {
            let event: abi::FrozenForever = decode(log)?;
            RollupEvent::Frozen { time: event.time }
        }
        _ => return Ok(None),
    }))
}

/// Reads a log of the portal; `None` if it is about roles, upgrades, caps, or the `Deposit` that goes with
/// every credit's entry.
///
/// # Errors
/// [`DecodeError`] if the log has the topic of an event and not its form.
pub fn decode_portal_event(log: &LogData) -> Result<Option<PortalEvent>, DecodeError> {
    use portal::AuraPortal as abi;
    let Some(topic) = log.topics().first() else {
        return Ok(None);
    };
    Ok(Some(match *topic {
        MESSAGE_ENQUEUED => PortalEvent::MessageEnqueued(decode_message_enqueued(log)?),
        abi::Withdrawn::SIGNATURE_HASH => {
            let event: abi::Withdrawn = decode(log)?;
            PortalEvent::Withdrawn {
                index: event.index,
                recipient: event.recipient,
                token: event.token,
                amount: event.amount,
            }
        }
        abi::MessageConsumed::SIGNATURE_HASH => {
            let event: abi::MessageConsumed = decode(log)?;
            PortalEvent::MessageConsumed {
                index: event.index,
                sender: event.sender,
                recipient: event.recipient,
                data_hash: event.dataHash,
            }
        }
        abi::TokenRegistered::SIGNATURE_HASH => {
            let event: abi::TokenRegistered = decode(log)?;
            PortalEvent::TokenRegistered {
                token: event.token,
                id: event.id,
            }
        }
        abi::Reclaimed::SIGNATURE_HASH => {
            let event: abi::Reclaimed = decode(log)?;
            PortalEvent::Reclaimed {
                id: event.id,
                to: event.to,
                token: event.token,
                amount: event.amount,
            }
        }
        abi::Exited::SIGNATURE_HASH => {
            let event: abi::Exited = decode(log)?;
            PortalEvent::Exited {
                user: event.user,
                token: event.token,
                amount: event.amount,
            }
        }
        abi::EscapeSettled::SIGNATURE_HASH => {
            let event: abi::EscapeSettled = decode(log)?;
            PortalEvent::EscapeSettled {
                root_id: event.rootId,
                output_hash: event.output,
            }
        }
        abi::PausedUntil::SIGNATURE_HASH => {
            let event: abi::PausedUntil = decode(log)?;
            PortalEvent::Paused { until: event.until }
        }
        abi::Unpaused::SIGNATURE_HASH => PortalEvent::Unpaused,
        _ => return Ok(None),
    }))
}

fn decode<E: SolEvent>(log: &LogData) -> Result<E, DecodeError> {
    E::decode_log_data(log).map_err(|source| DecodeError::Malformed {
        what: E::SIGNATURE,
        source,
    })
}
