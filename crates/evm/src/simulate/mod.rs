//! `eth_simulateV1`: blocks of unsigned calls on top of a block of the chain.
//!
//! A simulated block is a block like any other: its own header, the system calls before and after
//! its transactions, receipts and roots. What differs is that its transactions have no signature,
//! that state and environment may be overridden first, and that without validation the rules on
//! nonces and fees are relaxed.

mod block;
mod error;
mod evm;
mod header;
mod logs;
mod plan;
mod tx;

use std::time::{Duration, Instant};

use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{B256, Bytes, Log};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use aura_chainspec::ChainSpec;
use aura_primitives::{SealedBlock, SealedHeader, StateDiff};
use aura_storage::StateView;

pub use tx::{Defaults as TxDefaults, unsigned as unsigned_transaction};

pub use error::{RootFailed, SimulateError, TxFault};

use crate::StateDb;
use block::Simulator;

/// One block to be simulated.
#[derive(Debug, Clone, Default)]
pub struct SimulateBlock {
    /// Header fields that differ from the defaults.
    pub overrides: BlockOverrides,
    /// Withdrawals; none if absent. Ignored before Shanghai.
    pub withdrawals: Option<Withdrawals>,
    /// Accounts to be changed before the block's first transaction.
    pub state: Option<StateOverride>,
    /// The transactions.
    pub calls: Vec<TransactionRequest>,
}

/// What to simulate.
#[derive(Debug, Clone, Default)]
pub struct SimulateRequest {
    /// Blocks in order; numbers that they leave out become empty blocks.
    pub blocks: Vec<SimulateBlock>,
    /// Shows transfers of ether as logs of `0xeeee…`.
    pub trace_transfers: bool,
    /// Checks nonces and fees as a block would; senders need no key in either mode.
    pub validation: bool,
}

/// What one simulation may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulateLimits {
    /// Gas of all calls together.
    pub gas_cap: u64,
    /// Longest execution.
    pub timeout: Duration,
    /// Most blocks, those between the named ones included.
    pub max_blocks: u64,
}

/// A simulated block.
#[derive(Debug, Clone)]
pub struct SimulatedBlock {
    /// The block; its transactions are unsigned, its state root is zero where none is computed.
    pub block: SealedBlock,
    /// What became of each transaction.
    pub calls: Vec<SimulatedCall>,
}

/// What became of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedCall {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Gas that the sender pays for.
    pub gas_used: u64,
    /// Most gas in use at any moment: refunds come off at the end.
    pub max_used_gas: u64,
    /// Logs, and transfers if they are traced; none after a failure.
    pub logs: Vec<SimulatedLog>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned this.
    Success(Bytes),
    /// It reverted with this.
    Revert(Bytes),
    /// It ended abnormally, for this reason in geth's words.
    Halt(&'static str),
}

/// A log with its index in the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedLog {
    /// The log.
    pub log: Log,
    /// Number of logs that were written before it, those of reverted calls included.
    pub index: u64,
}

/// Root of the base block's state plus a change; `None` on chains where it is not computed.
pub type StateRootFn<'a> = dyn Fn(&StateView, &StateDiff) -> Result<Option<B256>, RootFailed> + 'a;

/// Simulates `request` on `base`, whose state is `view`.
///
/// State carries over from block to block; precompiles that were moved are back in place in the
/// next one. `state_root` is asked once for each block (and for each transaction before Byzantium).
///
/// # Errors
/// Any [`SimulateError`]. A call that fails inside the EVM is no error: see [`CallOutcome`].
pub fn simulate(
    spec: &ChainSpec,
    view: StateView,
    base: &SealedHeader,
    request: SimulateRequest,
    limits: &SimulateLimits,
    state_root: &StateRootFn<'_>,
) -> Result<Vec<SimulatedBlock>, SimulateError> {
    let ends_at = Instant::now() + limits.timeout;
    let planned = plan::plan(base, request.blocks, limits.max_blocks)?;
    let mut simulator = Simulator::new(
        spec,
        StateDb::new(Some(view), Default::default()),
        state_root,
        block::Options {
            trace_transfers: request.trace_transfers,
            validation: request.validation,
            gas_cap: limits.gas_cap,
            timeout: limits.timeout,
            ends_at,
        },
    );
    let mut blocks: Vec<SimulatedBlock> = Vec::with_capacity(planned.len());
    for planned in planned {
        let parent = blocks.last().map_or(base, |last| &last.block.header);
        let block = simulator.run_block(planned, parent)?;
        blocks.push(block);
    }
    Ok(blocks)
}
