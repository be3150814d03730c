//! From a genesis file to the rules of a chain.

mod error;
mod fee;
mod spec;

pub use error::ChainSpecError;
pub use fee::FeeParams;
pub use spec::ChainSpec;
