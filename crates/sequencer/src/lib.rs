//! Builds and seals blocks.
//!
//! Transactions are executed into the open block as they arrive, so that sealing only finishes
//! what is left. [`Sequencer::run`] owns the open block on a thread of its own; [`SealPolicy`]
//! says when it is sealed. It never writes to the database: `aura-chain` does.
//!
//! Start reading at [`Sequencer`].

mod building;
mod config;
mod error;
mod maintenance;
mod metrics;
mod sequencer;

pub use config::{SealPolicy, SequencerConfig};
pub use error::SequencerError;
pub use maintenance::maintain_pool;
pub use sequencer::Sequencer;
