//! Sparse Merkle tree that commits to the state.

mod arena;
mod build;
mod error;
mod hash;
mod proof;
mod tree;

pub use error::{SmtError, VerifyError};
pub use hash::account_value;
pub use proof::{Proof, Sibling, verify};
pub use tree::Smt;
