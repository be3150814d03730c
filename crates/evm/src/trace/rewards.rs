//! What miners were paid before the merge.

use alloy_consensus::Header;
use alloy_evm::block::calc;
use alloy_primitives::{Address, U256};
use aura_chainspec::ChainSpec;

/// Rewards of a mined block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRewards {
    /// Reward of the block's author, for its uncles too.
    pub block: U256,
    /// Authors of the uncles with their rewards.
    pub uncles: Vec<(Address, U256)>,
}

/// Rewards of the block; `None` if it was not mined.
pub fn block_rewards(spec: &ChainSpec, header: &Header, uncles: &[Header]) -> Option<BlockRewards> {
    // Blocks after the merge, and all of ours, have no difficulty. The genesis block has no author.
    if header.difficulty.is_zero() || header.number == 0 {
        return None;
    }
    let base = calc::base_block_reward_pre_merge(spec, header.number);
    Some(BlockRewards {
        block: U256::from(calc::block_reward(base, uncles.len())),
        uncles: uncles
            .iter()
            .map(|uncle| {
                let reward = calc::ommer_reward(base, header.number, uncle.number);
                (uncle.beneficiary, U256::from(reward))
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mined_blocks_are_rewarded() {
        let spec = ChainSpec::dev();
        let mined = Header {
            number: 9,
            difficulty: U256::from(1),
            ..Header::default()
        };
        let uncle = Header {
            number: 8,
            beneficiary: Address::repeat_byte(7),
            ..mined.clone()
        };
        // Two ether since Constantinople; an uncle of the block before gets 7/8, its nephew 1/32.
        let ether = U256::from(10u64.pow(18));
        let rewards = block_rewards(&spec, &mined, &[uncle]).unwrap();
        assert_eq!(
            rewards.block,
            ether * U256::from(2) + ether / U256::from(16)
        );
        let uncles = [(
            Address::repeat_byte(7),
            ether * U256::from(14) / U256::from(8),
        )];
        assert_eq!(rewards.uncles, uncles);
        let sealed = Header {
            difficulty: U256::ZERO,
            ..mined
        };
        assert_eq!(block_rewards(&spec, &sealed, &[]), None);
    }
}
