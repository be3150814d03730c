//! From a genesis file to the rules of a chain.
//!
//! Owns the reading of geth-format genesis files, the activation of forks, the fee and blob
//! parameters, the difficulty before the merge, and the block and state that a chain starts from. It must never
//! touch the database or execute anything. Start reading at [`ChainSpec::from_genesis_json`].
//!
//! ```json
//! {
//!   "config": { "chainId": 13371, "homesteadBlock": 0, "…": 0, "osakaTime": 0 },
//!   "aura": {
//!     "commitment": "smt",
//!     "elasticity": 2,
//!     "denominator": 8,
//!     "minBaseFee": "0xf4240",
//!     "feeVault": "0xAA00000000000000000000000000000000000005",
//!     "bridge": { "l1ChainId": 1, "portal": "0x…", "rollup": "0x…" }
//!   },
//!   "gasLimit": "0x5f5e100",
//!   "alloc": {}
//! }
//! ```
//! Everything in `aura` but the commitment has a default ([`FeeParams::default`]). With `bridge` the file
//! also has Aura's own contracts ([`with_bridge`]). A file without that section is an Ethereum chain.

mod alloc;
mod bridge;
mod check;
mod difficulty;
mod error;
mod fee;
mod forks;
mod parse;
mod rules;
mod section;
mod spec;

pub use bridge::{BridgeSpec, with_bridge};
pub use error::ChainSpecError;
pub use fee::FeeParams;
pub use spec::{ChainSpec, Commitment};
