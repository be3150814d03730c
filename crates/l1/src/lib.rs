//! Aura's view of L1.
//!
//! Owns the way to L1: several endpoints with failover ([`L1Provider`]), and the watcher ([`Tracker`]) that
//! keeps headers, queue entries, batches and roots of the canonical chain in the database, survives
//! reorganisations and publishes what it has seen ([`L1View`]).
//!
//! What an endpoint says is not believed where it can be computed: a header is its hash and links to the one
//! before, the queue and the batches are chains of hashes that the contracts hold the end of, and a block whose
//! bloom filter speaks of our events has them, or receipts that show it does not. An endpoint that says
//! otherwise is put aside for a while. Nothing here decides what L2 makes of it.

mod blob_fee;
mod config;
mod error;
mod metrics;
mod provider;
mod tracker;
pub mod tx;
mod types;
mod view;

pub use aura_storage::{L1BatchRecord, L1HeaderRecord, L1RootChange, L1RootRecord, RootStatus};
pub use blob_fee::BlobSchedule;
pub use config::{Confirmations, L1Config};
pub use error::L1Error;
pub use provider::{FeeHistory, HeadSignal, L1Provider, Session};
pub use tracker::{L1Contracts, Tracker};
pub use types::{L1Header, L1Ref, L1Status};
pub use view::L1View;
