//! What is wrong with data that should be ours.

/// A log or an answer that is not what our contracts write.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes do not decode.
    #[error("{what} does not decode")]
    Malformed {
        /// Event or call.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: alloy_sol_types::Error,
    },
    /// A queue entry of a kind that this version does not know.
    #[error("queue entry {id} has unknown kind {kind}")]
    MessageKind {
        /// The entry.
        id: u64,
        /// Its kind.
        kind: u8,
    },
    /// A batch whose data is somewhere that this version does not know.
    #[error("batch {index} has unknown kind of data {kind}")]
    DaKind {
        /// The batch.
        index: u64,
        /// Its kind.
        kind: u8,
    },
    /// A root with a status that this version does not know.
    #[error("unknown status {0} of a root")]
    RootStatus(u8),
}
