//! Aura's contracts as Rust sees them.
//!
//! Owns the bindings of the committed artifacts (`contracts/artifacts`), the reading of their logs and errors,
//! deployment profiles and the plan of a deployment. It does no I/O: who sends and asks is elsewhere. Start
//! reading at [`decode_message_enqueued`] and [`Deployment`].

mod contracts;
mod convert;
mod deploy;
mod deployment;
mod error;
mod events;
mod profile;
mod revert;

pub use contracts::{
    config, erc20, fee_vault, l1_block, message_passer, portal, proxy, rollup, timelock,
    token_bridge,
};
pub use convert::{RootState, RootStatus, WithdrawalSiblings};
pub use deploy::{Addresses, Check, Creation, DeployInputs, DeployPlan, Parameter, SetUp};
pub use deployment::{Deployment, DeploymentError, Roles};
pub use error::DecodeError;
pub use events::{
    BATCH_APPENDED, BatchAppended, MESSAGE_ENQUEUED, MESSAGE_PASSED, MessageEnqueued,
    MessagePassed, PortalEvent, RollupEvent, RootPosted, STATE_ROOT_UPDATED, decode_batch_appended,
    decode_message_enqueued, decode_message_passed, decode_portal_event, decode_rollup_event,
};
pub use profile::{Profile, ProfileError};
pub use revert::{describe_revert, is_error, revert_text};
