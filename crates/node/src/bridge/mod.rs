//! The contracts on L1: what they start from, and how they get there.

mod deploy;
mod dev;
mod error;
mod section;
mod sender;
mod services;

pub use deploy::{DeployRequest, Deployed, Prepared, genesis_output};
pub use dev::{DevDeployment, deploy_dev, has_bridge};
pub use error::DeployError;
pub use section::{BridgeSection, ConfirmationRule, FeeSection, KeySection};
pub(crate) use services::{finalize_at_once, start};
