//! How many entries of the queue go into one block.

use alloy_primitives::U256;
use aura_primitives::bridge::{MessageKind, QueueMessage};

/// What a credit counts towards the gas limit of its block.
pub const CREDIT_GAS: u64 = 25_000;
/// Bytes of queue entries in a block: half of what a block may have (EIP-7934).
const MAX_BYTES: u64 = 4 << 20;
/// What the transaction of an entry has beside its data, rounded up: 0x7E ‖ rlp of eight fields.
const ENTRY_BYTES: u64 = 256;

/// Selector of `AuraConfig.set(uint8,uint256)`.
const SET: [u8; 4] = [0x48, 0xab, 0x5e, 0x6c];
/// Number of the parameter that is the gas limit of blocks.
const GAS_LIMIT: U256 = U256::ZERO;

/// The gas limit of blocks after one that takes `message`, if it was `before`.
///
/// L1 queues only what `AuraConfig` takes, with the gas for it, so what the state of L2 will say can
/// be read off the queue.
pub fn gas_limit_after(message: &QueueMessage, before: u64) -> u64 {
    if message.kind != MessageKind::Configuration {
        return before;
    }
    let set = message.data.strip_prefix(&SET).and_then(|words| {
        let (parameter, value) = words.split_at_checked(32)?;
        let is_limit = U256::try_from_be_slice(parameter)? == GAS_LIMIT;
        let value = u64::try_from(U256::try_from_be_slice(value)?).ok()?;
        (is_limit && value > 0).then_some(value)
    });
    set.unwrap_or(before)
}

/// What an entry of the queue counts towards the gas limit of its block.
pub fn queue_gas(message: &QueueMessage) -> u64 {
    match message.kind {
        MessageKind::Credit => CREDIT_GAS,
        _ => message.gas_limit,
    }
}

fn queue_bytes(message: &QueueMessage) -> u64 {
    ENTRY_BYTES + message.data.len() as u64
}

/// What is left of a block for entries of the queue, which come first in it.
///
/// The same for whoever builds blocks, checks posted ones and makes those of forced batches.
#[derive(Debug, Clone, Copy)]
pub struct QueueRoom {
    gas: u64,
    bytes: u64,
    is_untouched: bool,
}

impl QueueRoom {
    /// The room of a block with this gas limit.
    pub const fn new(block_gas_limit: u64) -> Self {
        Self {
            gas: block_gas_limit,
            bytes: MAX_BYTES,
            is_untouched: true,
        }
    }

    /// Takes the room that `message` needs; `false`, and nothing is taken, if there is not so much.
    ///
    /// The first message always has room: it must go somewhere, and L1 takes none that needs more
    /// than the smallest block has.
    pub fn take(&mut self, message: &QueueMessage) -> bool {
        let left = (
            self.gas.checked_sub(queue_gas(message)),
            self.bytes.checked_sub(queue_bytes(message)),
        );
        let is_first = core::mem::replace(&mut self.is_untouched, false);
        match left {
            (Some(gas), Some(bytes)) => (self.gas, self.bytes) = (gas, bytes),
            _ if is_first => (self.gas, self.bytes) = (0, 0),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, keccak256};

    use super::*;

    fn message(kind: MessageKind, gas_limit: u64, bytes: usize) -> QueueMessage {
        QueueMessage {
            id: 0,
            kind,
            l1_sender: Address::ZERO,
            from: Address::ZERO,
            to: Address::ZERO,
            mint: U256::ZERO,
            value: U256::ZERO,
            gas_limit,
            data: alloc::vec![1; bytes].into(),
        }
    }

    fn forced(gas_limit: u64, bytes: usize) -> QueueMessage {
        message(MessageKind::Forced, gas_limit, bytes)
    }

    #[test]
    fn gas_bounds_a_block() {
        let mut room = QueueRoom::new(100_000);
        assert!(room.take(&forced(60_000, 0)));
        assert!(!room.take(&forced(40_001, 0)));
        assert!(room.take(&forced(40_000, 0)));
        let credit = message(MessageKind::Credit, 0, 0);
        let mut room = QueueRoom::new(3 * CREDIT_GAS);
        assert_eq!((0..5).filter(|_| room.take(&credit)).count(), 3);
    }

    #[test]
    fn bytes_bound_a_block_whatever_its_gas() {
        let mut room = QueueRoom::new(u64::MAX);
        let long = forced(21_000, 32 << 10);
        let most = MAX_BYTES / ((32 << 10) + ENTRY_BYTES);
        assert_eq!((0..1_000).filter(|_| room.take(&long)).count() as u64, most);
    }

    #[test]
    fn the_first_entry_always_fits_and_leaves_nothing_if_it_is_too_large() {
        let mut room = QueueRoom::new(1_000);
        assert!(room.take(&forced(5_000_000, 0)));
        assert!(!room.take(&forced(0, 0)));
    }

    #[test]
    fn a_configuration_sets_the_gas_limit_of_later_blocks() {
        assert_eq!(keccak256("set(uint8,uint256)")[..4], SET);
        let set = |kind, parameter: u64, value: u64| {
            let words = [parameter, value].map(|word| U256::from(word).to_be_bytes::<32>());
            QueueMessage {
                data: [&SET[..], &words[0], &words[1]].concat().into(),
                ..message(kind, 100_000, 0)
            }
        };
        let after = |message: &QueueMessage| gas_limit_after(message, 7);
        assert_eq!(
            after(&set(MessageKind::Configuration, 0, 50_000_000)),
            50_000_000
        );
        assert_eq!(after(&set(MessageKind::Configuration, 2, 50_000_000)), 7);
        assert_eq!(after(&set(MessageKind::Forced, 0, 50_000_000)), 7);
        assert_eq!(after(&message(MessageKind::Configuration, 100_000, 68)), 7);
        assert_eq!(after(&message(MessageKind::Configuration, 100_000, 0)), 7);
    }
}
