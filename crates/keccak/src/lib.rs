//! keccak256 of many messages of equal length at once, in the vector lanes of one core.
//!
//! Owns the hash function and the choice of the instructions that compute it. It must never let a
//! result depend on that choice, allocate, or know what is hashed. Start reading at [`hash_with`].
//!
//! A message of at most [`MAX_LEN`] bytes takes one call of the permutation keccak-f\[1600\], which is
//! 24 rounds over 25 words of 64 bits. Eight messages fit the eight lanes of a 512-bit register, four
//! those of a 256-bit register, and every lane goes through the same instructions:
//!
//! | [`Backend`] | messages at a time | needs |
//! |---|---|---|
//! | [`Avx512`](Backend::Avx512) | 8 | x86-64 with AVX-512F, feature `std` |
//! | [`Avx2`](Backend::Avx2) | 4 | x86-64 with AVX2, feature `std` |
//! | [`Scalar`](Backend::Scalar) | 1 | nothing; safe code |
//!
//! # Example
//! ```
//! let messages = [[1u8; 64], [2; 64], [3; 64]];
//! let mut digests = [[0u8; 32]; 3];
//! aura_keccak::keccak256_arrays(&messages, &mut digests);
//! assert_eq!(digests[2], aura_keccak::keccak256(&[3; 64]));
//! ```
//!
//! # Unsafe code
//! The modules `avx2` and `avx512` hold all of it: calls of functions that need a CPU feature, loads
//! and stores. Each has a token type that exists only where the CPU has the feature.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx512;
mod backend;
mod batch;
mod constants;
mod error;
mod round;
mod scalar;

pub use backend::Backend;
pub use batch::{MAX_LEN, hash_with, hash_with_backend, keccak256_arrays, keccak256_slices};
pub use error::LengthError;
pub use scalar::keccak256;

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
