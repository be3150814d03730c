//! What the chain owes to L1: its data, and what it evaluates to.
//!
//! The [`Batcher`] posts blocks as batches, and moves the safe and finalized heads when L1 has them.
//! The [`Proposer`] posts the root of each batch, and makes roots final when their time has come. Both
//! look at what the L1 watcher has seen, compare it with what is recorded, and do the next thing: they
//! have no state that a restart or a reorganisation of L1 could make wrong.
//!
//! ```text
//! record and payload durable  →  sent  →  mined  →  seen by the watcher: accepted
//! ```
//!
//! A batch that L1 loses is posted again; one that L1 refuses says why, and if the blocks have to
//! change the sequencer is asked through [`SequencerRequest`]. Nothing here builds blocks, executes, or
//! signs. Start reading at `batcher/mod.rs`.

mod batcher;
mod config;
mod cost;
mod desk;
mod draft;
mod error;
mod flight;
mod heads;
mod ledger;
mod metrics;
mod policy;
mod proposer;
mod refusal;
mod request;
mod rollup;

pub use batcher::Batcher;
pub use config::{DaChoice, SettlementConfig};
pub use error::SettlementError;
pub use proposer::Proposer;
pub use request::{RebuildReason, SequencerRefusal, SequencerRequest};
pub use rollup::{Limits, Rollup};
