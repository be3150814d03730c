//! What stops the sequencer.

use aura_chain::ChainError;
use aura_evm::ExecutionError;
use aura_storage::StorageError;

/// A failure that ends block production; each one is fatal for the node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SequencerError {
    /// The chain refused a block or stopped.
    #[error("chain")]
    Chain(#[from] ChainError),
    /// Execution failed for a reason that is no transaction's fault.
    #[error("execution")]
    Execution(#[from] ExecutionError),
    /// Entries of the queue are gone that were there a moment ago.
    #[error("the queue changed while a forced batch was built")]
    Queue,
    /// State could not be read.
    #[error("storage")]
    Storage(#[from] StorageError),
}
