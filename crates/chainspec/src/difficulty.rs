//! Proof of work: difficulty of a block, and which block is the last that has one.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::U256;

use crate::ChainSpec;

/// No block has less.
const MIN_DIFFICULTY: U256 = U256::from_limbs([131_072, 0, 0, 0]);
/// The difficulty moves in steps of this part of the parent's.
const BOUND_DIVISOR: U256 = U256::from_limbs([2_048, 0, 0, 0]);
/// The bomb doubles after this many blocks.
const BOMB_PERIOD: u64 = 100_000;
/// Most steps by which the difficulty falls at once, from Homestead on.
const MAX_STEPS_DOWN: u64 = 99;

impl ChainSpec {
    /// Difficulty of the block at `timestamp` on `parent`, before the merge.
    ///
    /// Rules of Frontier, Homestead (EIP-2) and Byzantium (EIP-100), with every delay of the bomb
    /// (EIP-649, 1234, 2384, 3554, 4345, 5133). A time before the parent's counts as the parent's.
    pub fn next_difficulty(&self, parent: &Header, timestamp: u64) -> U256 {
        let number = parent.number.saturating_add(1);
        let elapsed = timestamp.saturating_sub(parent.timestamp);
        let active = |fork| self.is_ethereum_fork_active_at_block(fork, number);
        let step = parent.difficulty / BOUND_DIVISOR;
        // Steps up (at most 2) and down.
        let (up, down) = if active(EthereumHardfork::Byzantium) {
            let base = 1 + u64::from(parent.ommers_hash != EMPTY_OMMER_ROOT_HASH);
            (base, elapsed / 9)
        } else if active(EthereumHardfork::Homestead) {
            (1, elapsed / 10)
        } else if elapsed < 13 {
            (1, 0)
        } else {
            (0, 1)
        };
        let difficulty = if down > up {
            let steps = (down - up).min(MAX_STEPS_DOWN);
            parent.difficulty.saturating_sub(step * U256::from(steps))
        } else {
            parent
                .difficulty
                .saturating_add(step * U256::from(up - down))
        };
        difficulty
            .max(MIN_DIFFICULTY)
            .saturating_add(bomb(number.saturating_sub(self.bomb_delay(number))))
    }

    /// Blocks by which the bomb is late at block `number`.
    fn bomb_delay(&self, number: u64) -> u64 {
        let delays = [
            (EthereumHardfork::GrayGlacier, 11_400_000),
            (EthereumHardfork::ArrowGlacier, 10_700_000),
            (EthereumHardfork::London, 9_700_000),
            (EthereumHardfork::MuirGlacier, 9_000_000),
            (EthereumHardfork::Constantinople, 5_000_000),
            (EthereumHardfork::Byzantium, 3_000_000),
        ];
        delays
            .into_iter()
            .find(|(fork, _)| self.is_ethereum_fork_active_at_block(*fork, number))
            .map_or(0, |(_, delay)| delay)
    }

    /// Total difficulty with which proof of work ends; `None` if it never does.
    pub const fn terminal_total_difficulty(&self) -> Option<U256> {
        self.terminal_total_difficulty
    }

    /// Returns `true` if the block with this header comes after the merge.
    ///
    /// The block of the merge follows from the total difficulty, which no header holds. A block's own
    /// difficulty tells as well: it is zero after the merge, and never before.
    pub fn is_merged(&self, header: &Header) -> bool {
        match self.terminal_total_difficulty() {
            None => false,
            Some(terminal) if header.number == 0 => self.genesis.difficulty >= terminal,
            Some(_) => header.difficulty.is_zero(),
        }
    }

    /// What the first ten blocks from the DAO fork on must say in their extra data: `true` that they
    /// move the balances, `false` anything else. `None` for all other blocks.
    pub fn dao_side(&self, number: u64) -> Option<bool> {
        /// First blocks of the fork that carry the mark.
        const MARKED_BLOCKS: u64 = 10;
        let config = &self.genesis.config;
        let since = number.checked_sub(config.dao_fork_block?)?;
        (since < MARKED_BLOCKS).then_some(config.dao_fork_support)
    }

    /// Returns `true` if the DAO fork moves its balances in block `number`.
    pub fn moves_dao_balances(&self, number: u64) -> bool {
        self.ethereum_fork_activation(EthereumHardfork::Dao) == ForkCondition::Block(number)
    }
}

/// The bomb at a block number that is already delayed.
fn bomb(number: u64) -> U256 {
    match (number / BOMB_PERIOD).checked_sub(2) {
        None => U256::ZERO,
        Some(exponent @ 0..256) => U256::ONE << exponent,
        Some(_) => U256::MAX,
    }
}
