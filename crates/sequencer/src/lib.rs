//! Builds and seals blocks.
//!
//! Transactions are executed into the open block as they arrive, so that sealing only finishes
//! what is left. [`Sequencer::run`] owns the open block on a thread of its own; [`SealPolicy`]
//! says when it is sealed. It never writes to the database: `aura-chain` does.
//!
//! Start reading at [`Sequencer`].

mod bridge;
mod building;
mod config;
mod error;
mod following;
mod maintenance;
mod metrics;
mod sequencer;

pub use bridge::{Bridge, ForcedBatch, RequestError, Requests, SequencerHandle};
pub use config::{SealPolicy, SequencerConfig};
pub use error::SequencerError;
pub use maintenance::maintain_pool;
pub use sequencer::Sequencer;
