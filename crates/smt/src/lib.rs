//! Sparse Merkle tree that commits to the state: batch update, proofs and their verification.
//!
//! Owns the hash rules ([`verify`] states the proof format, `testdata/smt` has golden vectors for
//! other implementations) and the tree in RAM. It must never do I/O, know what a key stands for, or
//! let a result depend on the order of anything but the sorted keys. Start reading at
//! [`Smt::update`].
//!
//! # Shape
//! A binary trie over the 256 bits of the key, most significant first, with every node of a single
//! child left out:
//! ```text
//! leaf(k, v)      = keccak256(k ‖ v)                 64 bytes
//! node at depth d = 0                                both children empty
//!                 = the non-empty child              exactly one non-empty
//!                 = keccak256(l ‖ r ‖ uint8(d))      otherwise, 65 bytes; d = index of the bit
//! root of the empty tree = 0
//! ```
//! So `n` leaves have `n - 1` branches whatever the keys are, and the shape follows from the set of
//! keys alone: insertion and deletion in any order lead to the same tree.
//!
//! # Memory
//! A leaf takes 64 bytes (key and value), a branch 44 (hash, two 32-bit references, depth): 108 bytes
//! per leaf after [`Smt::from_sorted`]. Vectors grow by an eighth, so that it is at most 122 bytes
//! later on, plus 4 bytes per freed node. Deleted leaves leave room that later ones use, but that is
//! not given back to the system. While a vector grows its old and new room exist side by side.
//!
//! # Cost
//! A change costs one hash for its leaf and one for each branch above it, shared among the changes of
//! a batch: about 8 per change for 10,000 changes of 1,000,000 leaves. A key made by grinding adds one
//! branch per doubling of the work spent on it; no path is longer than 256.

extern crate alloc;

mod arena;
mod build;
mod error;
mod hash;
mod node;
mod proof;
mod source;
mod tree;

pub use error::{SmtError, VerifyError};
pub use hash::account_value;
pub use node::{NodeChange, NodeId, Prefix};
pub use proof::{Proof, Sibling, verify};
pub use source::{LeafSource, Leaves};
pub use tree::Smt;
