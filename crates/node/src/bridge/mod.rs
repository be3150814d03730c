//! The contracts on L1: what they start from, and how they get there.

mod deploy;
mod error;
mod sender;

pub use deploy::{DeployRequest, Deployed, Prepared, genesis_output};
pub use error::DeployError;
