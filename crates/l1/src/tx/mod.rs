//! Transactions of ours on L1: keys, nonces, fees, and patience.
//!
//! A [`TxManager`] owns one key. What is submitted to it is simulated, gets a nonce, is signed, written
//! to the store, and only then sent; then it is looked after until it has the wanted confirmations:
//! sent again if the pool lost it or a reorganisation took it back, with higher fees if nobody takes it,
//! held back while gas is dearer than the ceiling or the account is empty. All of that goes on by itself
//! when the reason ends, also in the next process: the store says what was signed.
//!
//! A nonce is used by one transaction. Every form in which it was ever signed is remembered, and whichever
//! is mined decides what the outcome is.
//!
//! Start reading at `lane.rs`.

mod blobs;
mod build;
mod change;
mod config;
mod fees;
mod lane;
mod launch;
mod manager;
mod metrics;
mod nurse;
mod rpc;
mod settle;
mod signer;
mod store;
mod trouble;
mod types;

pub use blobs::make_sidecar;
pub use config::TxConfig;
pub use manager::{TxManager, TxRunner};
pub use rpc::{Answer, L1Rpc, RpcFault};
pub use signer::{Signer, SignerError};
pub use store::{MemoryTxStore, TxChange, TxStore, TxStoreError};
pub use types::{Sidecar, TxError, TxId, TxOutcome, TxRequest, TxState, TxTicket, Waiting};
