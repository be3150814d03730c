//! Verification of a whole block.

mod ancestors;
mod body;
mod header;
mod ommers;
mod rule;
mod system;

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::B256;
use aura_chainspec::ChainSpec;
use aura_primitives::{ExecutedBlock, SealedBlock, SealedHeader, StateDiff};
use aura_storage::{LeafId, StateView};

use self::header::Comparison;
pub use self::{ancestors::Ancestors, rule::BlockRule};
pub(crate) use self::{body::MAX_BLOCK_BYTES, ommers::ommer_rewards};
use crate::{BlockExecutor, ExecutionError};

/// Computes the root of the state of a view plus a change, which receipts before Byzantium hold.
///
/// The change may name values that are as they were. `None` if the root cannot be computed, the
/// cause of which the closure keeps.
pub type PostState<'a> = dyn FnMut(&StateView, &StateDiff) -> Option<B256> + 'a;

/// Executes a block of any fork on its parent's state and verifies it against every rule but two:
/// the state root, which is the chain's part, and the seal of proof of work.
///
/// `view` is the parent's state, `ancestors` the chain that ends with `parent`. The result's header
/// has a zero state root.
///
/// # Errors
/// [`ExecutionError::InvalidBlock`] names the rule that is broken,
/// [`ExecutionError::HeaderMismatch`] the first field of the header that differs,
/// [`ExecutionError::InvalidOmmer`] the uncle and [`ExecutionError::InvalidBlockTransaction`] the
/// transaction that may not stand there. [`ExecutionError::State`] and
/// [`ExecutionError::NoPostState`] say nothing about the block.
pub fn execute_block(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &SealedBlock,
    view: StateView,
    ancestors: &dyn Ancestors,
    post_state: &mut PostState<'_>,
) -> Result<ExecutedBlock, ExecutionError> {
    let executor = begin(spec, parent, block, view, ancestors)?;
    conclude(executor, spec, block, post_state)
}

/// As [`execute_block`], and returns the leaves of the parent's state that execution read.
///
/// # Errors
/// As for [`execute_block`].
pub fn execute_block_with_reads(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &SealedBlock,
    view: StateView,
    ancestors: &dyn Ancestors,
    post_state: &mut PostState<'_>,
) -> Result<(ExecutedBlock, Vec<LeafId>), ExecutionError> {
    let mut executor = begin(spec, parent, block, view, ancestors)?;
    let reads = executor.record_reads();
    let executed = conclude(executor, spec, block, post_state)?;
    let reads = std::mem::take(&mut *reads.lock());
    Ok((executed, reads.into_iter().collect()))
}

/// What the parent and the chain's rules give must agree before anything is executed.
fn begin(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &SealedBlock,
    view: StateView,
    ancestors: &dyn Ancestors,
) -> Result<BlockExecutor, ExecutionError> {
    let header = block.header.inner();
    header::check_header(spec, parent, header, ancestors)?;
    ommers::check_ommers(spec, parent, block, ancestors)?;
    body::check_body(spec, block)?;
    let template = Header {
        state_root: B256::ZERO,
        ..header.clone()
    };
    let withdrawals = block.withdrawals.clone();
    BlockExecutor::verifying(
        Arc::clone(spec),
        parent,
        template,
        withdrawals,
        block.l1_info.as_ref(),
        view,
    )
}

fn conclude(
    mut executor: BlockExecutor,
    spec: &ChainSpec,
    block: &SealedBlock,
    post_state: &mut PostState<'_>,
) -> Result<ExecutedBlock, ExecutionError> {
    let header = block.header.inner();
    let receipts_have_roots = !spec.is_byzantium_active_at_block(header.number);
    for (index, tx) in block.transactions.iter().enumerate() {
        executor
            .execute(tx)
            .map_err(|error| in_transaction(header.number, index, error))?;
        if receipts_have_roots {
            executor.set_post_state(post_state)?;
        }
    }
    system::check_contracts(&mut executor, spec, header)?;
    let executed = executor.finish_with_ommers(block.ommers.clone())?;
    system::check_deposits(&executed.receipts, spec, header)?;
    compare(header, &executed.header)?;
    Ok(executed)
}

fn in_transaction(number: u64, index: usize, error: ExecutionError) -> ExecutionError {
    match error {
        state @ (ExecutionError::State(_) | ExecutionError::Detached) => state,
        source => ExecutionError::InvalidBlockTransaction {
            number,
            index,
            source: Box::new(source),
        },
    }
}

/// Fields that follow from execution.
fn compare(found: &Header, computed: &Header) -> Result<(), ExecutionError> {
    let field = Comparison(found.number);
    field.check("gasUsed", found.gas_used, computed.gas_used)?;
    field.check_option("blobGasUsed", found.blob_gas_used, computed.blob_gas_used)?;
    field.check("receiptsRoot", found.receipts_root, computed.receipts_root)?;
    field.check("logsBloom", found.logs_bloom, computed.logs_bloom)?;
    field.check(
        "transactionsRoot",
        found.transactions_root,
        computed.transactions_root,
    )?;
    field.check_option(
        "withdrawalsRoot",
        found.withdrawals_root,
        computed.withdrawals_root,
    )?;
    field.check_option("requestsHash", found.requests_hash, computed.requests_hash)?;
    // Whatever else a header has (fields of later forks) must be equal too.
    let same_state = Header {
        state_root: found.state_root,
        ..computed.clone()
    };
    field.check("hash", found.hash_slow(), same_state.hash_slow())
}
