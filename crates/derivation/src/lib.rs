//! The batch format, and what a batch means for the chain.
//!
//! Owns version 0 of the format in both directions ([`encode_batch`], [`decode_batch`]), its form in
//! blobs ([`encode_blobs`], [`decode_blobs`]) and the plan of blocks that a batch stands for:
//! [`check`] reads what a sequencer posted, [`fallback`] is what the chain does with anything else.
//!
//! It does no I/O, has no clock and executes nothing; it needs `alloc`, and the standard library
//! for the encoder only. The same bytes give the same plan on every machine, whatever they are: a
//! decoder that refused what another takes would split the chain. Start reading at [`check`].
//!
//! ```text
//! payload = 0x00 ‖ brotli(body)             at most 1 MiB; body at most 16 MiB; window at most 2^22
//! body    = rlp([ block, … ])               1 to 4,096 blocks, nothing after them
//! block   = rlp([ timeDelta, originDelta, consume, [ tx, … ] ])    integers of 8 bytes at most
//! tx      = byte string, EIP-2718 encoding of a transaction of type 0, 1, 2 or 4
//! ```
//!
//! The brotli stream is one of RFC 7932 (no "large window" extension), ends exactly at the end of
//! the payload, and its declared window is at most 22 bits, so that a decoder needs no more than
//! 4 MiB besides what it gives back.

#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

mod batch;
mod blobs;
mod brotli;
mod fault;
mod plan;
mod room;
mod transaction;

#[cfg(feature = "std")]
pub use batch::encode_batch;
pub use batch::{BatchBlock, MAX_BLOCKS, decode_batch};
pub use blobs::{Blob, MAX_BLOBS, decode_blobs, encode_blobs, payload_bytes_in};
pub use brotli::{MAX_BODY_BYTES, MAX_PAYLOAD_BYTES};
pub use fault::{BatchFault, PlanError};
pub use plan::{Inputs, PlannedBlock, Previous, check, fallback, origins};
pub use room::{CREDIT_GAS, QueueRoom, gas_limit_after, queue_gas};
pub use transaction::{MAX_TRANSACTION_BYTES, check_transaction};
