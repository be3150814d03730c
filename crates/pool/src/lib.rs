//! Transactions that wait for inclusion.
//!
//! The pool owns every accepted transaction from the moment its hash is returned until it is mined
//! in a durable block or dropped for a reason that [`Pool::status`] can name. It validates, keeps
//! one nonce queue per sender, orders what can run by tip, hands it to the sequencer and writes a
//! journal, so that a killed process forgets nothing.
//!
//! It must never execute a transaction, write the database, drop one without a reason, or recover a
//! signature while its lock is held. Start reading at [`Pool::submit`].

mod account;
mod blobs;
mod config;
mod drops;
mod error;
mod index;
mod inner;
mod journal;
mod metrics;
mod persist;
mod pool;
mod queue;
mod record;
mod replay;
mod rules;
mod state;
mod update;

pub use blobs::BlobError;
pub use config::PoolConfig;
pub use drops::DropReason;
pub use error::{PoolError, Shortfall};
pub use pool::{ExecOutcome, Pool, PoolContent, TxStatus};
