//! Execution of blocks and calls on revm.
//!
//! It owns the block environment of every fork from Frontier to Osaka, the open block that grows
//! transaction by transaction ([`BlockExecutor`]), the verification of whole blocks
//! ([`execute_block`]), and the read-only executions behind JSON-RPC ([`call`], [`estimate_gas`],
//! [`create_access_list`], [`trace`], [`simulate`]).
//!
//! It must never write to the database, compute a state root or choose transactions, and the same
//! inputs give the same block: a clock is looked at only to stop a call that runs for too long.
//! State comes in as a [`StateView`](aura_storage::StateView) and goes out as a
//! [`StateDiff`](aura_primitives::StateDiff).
//!
//! Start reading at [`BlockExecutor`], then [`StateDb`].

mod attributes;
mod block_evm;
mod call;
mod dao;
mod error;
mod evm_tx;
mod executor;
mod halt;
mod instructions;
mod l1;
mod open_block;
mod overrides;
mod precompiles;
mod revert;
mod roots;
mod rules;
pub mod simulate;
mod state_db;
pub mod trace;
mod verify;

pub use attributes::PayloadAttributes;
pub use block_evm::build_evm;
pub use call::{
    BlockEnvSource, CallError, CallLimits, CallRequest, call, create_access_list, estimate_gas,
};
pub use error::{AttributesError, DepositFault, ExecutionError, InvalidTxReason};
pub use executor::{BlockExecutor, STRING_HEADER_BYTES, TxOutcome};
pub use halt::describe_halt;
pub use l1::next_gas_limit;
pub use open_block::{OpenBlock, OpenBody};
pub use overrides::OverrideError;
pub use revert::decode_revert_reason;
pub use state_db::{StateDb, StateReadError, StateReads};
pub use verify::{Ancestors, BlockRule, PostState, execute_block, execute_block_with_reads};
