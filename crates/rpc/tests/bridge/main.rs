//! Methods of the bridge, and deposits in the answers of Ethereum's.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod deposits;
mod exits;
mod fees;
mod l1;
mod leave;
mod messages;
mod stages;
mod status;
mod withdrawals;
