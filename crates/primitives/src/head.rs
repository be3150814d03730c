//! Names of the chain's heads.

use alloy_primitives::B256;

/// Number and hash of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockNumHash {
    /// Block number.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
}

/// The heads that the node tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadLabel {
    /// Newest sealed and durable block (`latest`).
    Unsafe,
    /// Newest block derivable from L1 (`safe`).
    Safe,
    /// Newest block derivable from finalized L1 (`finalized`).
    Finalized,
}

impl HeadLabel {
    /// Every label, from the newest head to the oldest.
    pub const ALL: [Self; 3] = [Self::Unsafe, Self::Safe, Self::Finalized];

    /// Returns the label's one spelling in logs, metrics and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
            Self::Finalized => "finalized",
        }
    }
}
