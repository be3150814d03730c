//! Why a trace gives no answer.

use crate::{CallError, ExecutionError};

/// Failures of the tracing methods.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The traced transaction or call cannot be executed, or took too long.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The block of the transaction cannot be opened again.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The trace would not fit into an answer.
    #[error(
        "trace exceeds {max_bytes} bytes; trace one transaction instead of a block, set \
         disableStack or disableStorage, leave out enableMemory, or set limit to the number of \
         steps"
    )]
    TooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// The client asked for a tracer that is not there.
    #[error("{0}")]
    UnknownTracer(String),
    /// The tracer's configuration cannot be read.
    #[error("invalid tracerConfig of {tracer}: {problem}")]
    InvalidConfig {
        /// Name of the tracer.
        tracer: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is no transaction with this index in the block.
    #[error("transaction index {index} out of range for block with {count} transactions")]
    NoSuchIndex {
        /// Index that was asked for.
        index: usize,
        /// Number of transactions in the block.
        count: usize,
    },
}
