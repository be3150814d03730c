//! Execution under inspectors: geth's tracers, Parity's traces, what Otterscan asks for.
//!
//! A stored block is executed again from the state before it ([`BlockScene`]), which history
//! answers; only the transactions before the traced one in its block are repeated. Calls run on
//! any state, also in the middle of a block ([`CallBase`]).
//!
//! Everything that is recorded is bounded by [`TraceLimits`]: an execution is stopped before its
//! trace outgrows an answer.

mod calls;
mod debug;
mod error;
mod frames;
mod geth;
mod machine;
mod parity;
mod replay;
mod rewards;
mod struct_log;
mod text;
mod watch;

pub use calls::{CallBase, TraceCall};
pub use debug::{CallBundle, debug_block, debug_bundles, debug_call, debug_transaction};
pub use error::TraceError;
pub use frames::{CallFrame, call_frames, internal_operations, revert_data};
pub use machine::TraceLimits;
pub use parity::{
    TraceTypes, replay_block, replay_transaction, trace_block, trace_call, trace_calls,
    trace_signed, trace_transaction,
};
pub use replay::BlockScene;
pub use rewards::{BlockRewards, block_rewards};
pub use text::JsonText;
