//! Cases that need several chains of blocks at once.

use alloy_primitives::B256;
use aura_chain::decode_block;

use crate::case::Case;

/// Why a case is not run: the blocks of two chains come in turns, and the one with more total
/// difficulty must win. Before the merge that was how a node followed a network of miners; here a
/// chain is imported from a file, and has one parent for each block.
const REASON: &str = "choice between side chains by total difficulty";

/// Files below `legacy/`, whose every case is excluded.
const EXCLUDED: [&str; 16] = [
    "pre_merge/InvalidBlocks/bcMultiChainTest/lotsOfLeafs.json",
    "pre_merge/ValidBlocks/bcForkStressTest/ForkStressTest.json",
    "pre_merge/ValidBlocks/bcGasPricerTest/RPC_API_Test.json",
    "pre_merge/ValidBlocks/bcMultiChainTest/ChainAtoChainBCallContractFormA.json",
    "pre_merge/ValidBlocks/bcMultiChainTest/ChainAtoChainB_BlockHash.json",
    "pre_merge/ValidBlocks/bcMultiChainTest/ChainAtoChainBtoChainA.json",
    "pre_merge/ValidBlocks/bcMultiChainTest/ChainAtoChainBtoChainAtoChainB.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/lotsOfBranchesOverrideAtTheMiddle.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/newChainFrom4Block.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/newChainFrom6Block.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/sideChainWithMoreTransactions.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/\
     sideChainWithNewMaxDifficultyStartingFromBlock3AfterBlock4.json",
    "pre_merge/ValidBlocks/bcTotalDifficultyTest/uncleBlockAtBlock3afterBlock4.json",
    "transitions/TransitionTests/bcBerlinToLondon/initialVal.json",
    "transitions/TransitionTests/bcFrontierToHomestead/\
     blockChainFrontierWithLargerTDvsHomesteadBlockchain.json",
    "transitions/TransitionTests/bcFrontierToHomestead/\
     blockChainFrontierWithLargerTDvsHomesteadBlockchain2.json",
];

/// The entry and the reason that exclude the cases of the file at `path`.
pub(crate) fn find(path: &str) -> Option<(&'static str, &'static str)> {
    let found = EXCLUDED.iter().find(|name| path.ends_with(**name));
    found.map(|name| (*name, REASON))
}

/// Every entry.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    EXCLUDED.into_iter()
}

/// Whether a valid block of the case does not extend the valid one before it.
pub(crate) fn has_side_chain(case: &Case) -> bool {
    let mut tip: B256 = case.genesis_hash();
    for block in case.blocks.iter().filter(|b| b.expect_exception.is_none()) {
        let Ok(block) = decode_block(&block.rlp) else {
            return false;
        };
        if block.header.parent_hash != tip {
            return true;
        }
        tip = block.header.hash_slow();
    }
    false
}
