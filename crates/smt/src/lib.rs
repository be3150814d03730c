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
//! # Where things are
//! Nodes down to the *buckets* are in memory, in dense arrays ([`Tree`]). Leaves are not: a
//! [`LeafSource`] reads all leaves of a bucket, about two, and they are hashed anew when one of them
//! changes. So the tree is derived data, at 32 bytes of memory per leaf, and nothing but leaves needs
//! to be stored. Buckets are split one by one as the number of leaves grows. A bucket that somebody
//! crowds with ground keys gets pages of nodes of its own.
//!
//! Nodes of every fourth level are *recorded*: [`Update::nodes`] tells their hashes before a batch,
//! and whoever keeps those can prove any past state with [`prove_past`].
//!
//! # Cost
//! A change costs one hash for its leaf and one for each branch above it, shared among the changes of
//! a batch: about 8 per change for 10,000 changes of 1,000,000 leaves, eight at a time on processors
//! with AVX-512. A key made by grinding adds one branch per doubling of the work spent on it; no path
//! is longer than 256.
//!
//! # Without the standard library
//! The feature `std`, on by default, brings the tree. Without it remain the hash rules, proofs,
//! multiproofs and witnesses, which need `alloc` only.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
mod bucket;
#[cfg(feature = "std")]
mod build;
#[cfg(feature = "std")]
mod cache;
mod error;
#[cfg(feature = "std")]
mod growth;
mod hash;
#[cfg(feature = "std")]
mod levels;
#[cfg(feature = "std")]
mod memory;
mod multiproof;
mod node;
#[cfg(feature = "std")]
mod pages;
mod partial;
#[cfg(feature = "std")]
mod plan;
#[cfg(feature = "std")]
mod prefetch;
mod proof;
#[cfg(feature = "std")]
mod prove;
mod source;
#[cfg(feature = "std")]
mod tree;
mod witness;

#[cfg(feature = "std")]
pub use bucket::WarmBuckets;
#[cfg(feature = "std")]
pub use build::TreeBuilder;
pub use error::{DecodeError, SmtError, UpdateError, VerifyError, WitnessError};
pub use hash::account_value;
#[cfg(feature = "std")]
pub use hash::account_values;
#[cfg(feature = "std")]
pub use memory::{MemoryLeaves, Smt};
pub use multiproof::{MultiProof, ProvenLeaf};
pub use node::{NodeChange, NodeId, Prefix};
pub use partial::PartialTree;
pub use proof::{Proof, Sibling, verify};
#[cfg(feature = "std")]
pub use prove::{PastState, prove_past};
pub use source::{LeafSource, Leaves};
#[cfg(feature = "std")]
pub use tree::{Change, Tree, TreeStats, Update};
pub use witness::BlockWitness;
