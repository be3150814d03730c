//! The queue from L1 to L2.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};

use super::{hash_words, text_word};

/// What an entry of the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageKind {
    /// Ether for `to`; no code runs.
    Credit = 0,
    /// Tokens, by a call of the token bridge.
    TokenDeposit = 1,
    /// A transaction that the sequencer cannot keep out.
    Forced = 2,
    /// Creates the L2 token of an L1 token.
    Registration = 3,
    /// Sets a parameter of L2.
    Configuration = 4,
}

impl TryFrom<u8> for MessageKind {
    type Error = u8;

    fn try_from(kind: u8) -> Result<Self, u8> {
        match kind {
            0 => Ok(Self::Credit),
            1 => Ok(Self::TokenDeposit),
            2 => Ok(Self::Forced),
            3 => Ok(Self::Registration),
            4 => Ok(Self::Configuration),
            unknown => Err(unknown),
        }
    }
}

impl Encodable for MessageKind {
    fn length(&self) -> usize {
        (*self as u8).length()
    }

    fn encode(&self, out: &mut dyn BufMut) {
        (*self as u8).encode(out);
    }
}

impl Decodable for MessageKind {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        Self::try_from(u8::decode(buf)?).map_err(|_| alloy_rlp::Error::Custom("unknown kind"))
    }
}

/// An entry of the portal's queue, as its event `MessageEnqueued` tells it.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct QueueMessage {
    /// Position in the queue, from 0, without gaps.
    pub id: u64,
    /// What it is.
    pub kind: MessageKind,
    /// Caller on L1.
    pub l1_sender: Address,
    /// Sender on L2: the caller, aliased if it is a contract.
    pub from: Address,
    /// Recipient on L2.
    pub to: Address,
    /// Wei credited to `to` (credit) or `from` (forced transaction).
    pub mint: U256,
    /// Wei that a forced transaction sends.
    pub value: U256,
    /// Gas limit of what runs on L2; 0 for a credit.
    pub gas_limit: u64,
    /// Input of what runs on L2.
    pub data: Bytes,
}

impl QueueMessage {
    /// Hash of the message: `m` of the queue's accumulator.
    pub fn hash(&self) -> B256 {
        hash_words(&[
            &self.id,
            &(self.kind as u64),
            &self.l1_sender,
            &self.from,
            &self.to,
            &self.mint,
            &self.value,
            &self.gas_limit,
            &keccak256(&self.data),
        ])
    }

    /// Source hash of the deposit transaction that this message becomes on L2:
    /// `keccak256(abi.encode(bytes32 "AuraMessageV0", l1ChainId, portal, id, m))`.
    pub fn source_hash(&self, l1_chain_id: u64, portal: Address) -> B256 {
        const DOMAIN: B256 = text_word("AuraMessageV0");
        hash_words(&[&DOMAIN, &l1_chain_id, &portal, &self.id, &self.hash()])
    }
}

/// A queue slot of the portal, or a batch slot of the rollup: 224 bits of hash, 32 bits of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct QueueSlot(pub B256);

impl QueueSlot {
    /// 224 bits of `digest` with a time in seconds.
    pub fn pack(digest: B256, time: u64) -> Self {
        let mut packed = digest;
        packed[28..].copy_from_slice(&(time as u32).to_be_bytes());
        Self(packed)
    }

    /// Slot of the message that follows one with the trimmed hash `before` (zero: the first one),
    /// queued in an L1 block of this time.
    pub fn link(before: B256, message: B256, time: u64) -> Self {
        Self::pack(hash_words(&[&before, &message, &time]), time)
    }

    /// The hash without the time: its low 32 bits are zero.
    pub fn trim(&self) -> B256 {
        let mut trimmed = self.0;
        trimmed[28..].fill(0);
        trimmed
    }

    /// The time, in seconds.
    pub fn time(&self) -> u64 {
        let mut time = [0; 4];
        time.copy_from_slice(&self.0[28..]);
        u32::from_be_bytes(time).into()
    }
}

impl Encodable for QueueSlot {
    fn length(&self) -> usize {
        self.0.length()
    }

    fn encode(&self, out: &mut dyn BufMut) {
        self.0.encode(out);
    }
}

impl Decodable for QueueSlot {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        B256::decode(buf).map(Self)
    }
}

/// A message with its place on L1. It is identified by its id and slot, never by a transaction.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct QueueEntry {
    /// The message.
    pub message: QueueMessage,
    /// Accumulator after this message, and time of its L1 block.
    pub slot: QueueSlot,
    /// Number of its L1 block.
    pub l1_block: u64,
    /// L1 transaction that queued it.
    pub l1_tx: B256,
}
