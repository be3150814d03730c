//! Re-execution of a sealed block.

use std::{fmt::Display, sync::Arc};

use alloy_consensus::Header;
use aura_chainspec::ChainSpec;
use aura_primitives::{ExecutedBlock, SealedBlock, SealedHeader};
use aura_storage::{LeafId, StateView};

use crate::{BlockExecutor, ExecutionError, PayloadAttributes};

/// Executes a sealed block again on its parent's state and compares everything but the state root.
///
/// The result's header has a zero state root: comparing that is the chain's part.
///
/// # Errors
/// [`ExecutionError::HeaderMismatch`] names the first field that differs,
/// [`ExecutionError::InvalidBlockTransaction`] the first transaction that may not stand there.
pub fn execute_block(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &SealedBlock,
    view: StateView,
) -> Result<ExecutedBlock, ExecutionError> {
    execute_block_with_reads(spec, parent, block, view).map(|(executed, _)| executed)
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
) -> Result<(ExecutedBlock, Vec<LeafId>), ExecutionError> {
    let header = block.header.inner();
    let attributes = PayloadAttributes {
        timestamp: header.timestamp,
        prev_randao: header.mix_hash,
        fee_recipient: header.beneficiary,
        gas_limit: header.gas_limit,
        parent_beacon_block_root: header.parent_beacon_block_root,
        withdrawals: block.withdrawals.clone(),
        extra_data: header.extra_data.clone(),
    };
    let mut executor = BlockExecutor::begin(Arc::clone(spec), parent, attributes, view)?;
    let reads = executor.record_reads();
    // What the parent and the chain's rules give must agree before anything is executed.
    compare_start(header, &executor.header())?;
    for (index, tx) in block.transactions.iter().enumerate() {
        executor.execute(tx).map_err(|error| match error {
            state @ (ExecutionError::State(_) | ExecutionError::Detached) => state,
            source => ExecutionError::InvalidBlockTransaction {
                number: header.number,
                index,
                source: Box::new(source),
            },
        })?;
    }
    let executed = executor.finish()?;
    compare_end(header, &executed.header)?;
    let reads = std::mem::take(&mut *reads.lock());
    Ok((executed, reads.into_iter().collect()))
}

/// Fields that follow from the parent.
fn compare_start(found: &Header, computed: &Header) -> Result<(), ExecutionError> {
    let field = Comparison(found.number);
    field.check("number", found.number, computed.number)?;
    field.check("parentHash", found.parent_hash, computed.parent_hash)?;
    field.check("sha3Uncles", found.ommers_hash, computed.ommers_hash)?;
    field.check("difficulty", found.difficulty, computed.difficulty)?;
    field.check("nonce", found.nonce, computed.nonce)?;
    field.check_option(
        "baseFeePerGas",
        found.base_fee_per_gas,
        computed.base_fee_per_gas,
    )?;
    field.check_option(
        "excessBlobGas",
        found.excess_blob_gas,
        computed.excess_blob_gas,
    )?;
    field.check_option(
        "parentBeaconBlockRoot",
        found.parent_beacon_block_root,
        computed.parent_beacon_block_root,
    )
}

/// Fields that follow from execution.
fn compare_end(found: &Header, computed: &Header) -> Result<(), ExecutionError> {
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

struct Comparison(u64);

impl Comparison {
    fn check<T: PartialEq + Display>(
        &self,
        field: &'static str,
        found: T,
        computed: T,
    ) -> Result<(), ExecutionError> {
        if found == computed {
            return Ok(());
        }
        Err(ExecutionError::HeaderMismatch {
            number: self.0,
            field,
            found: found.to_string(),
            computed: computed.to_string(),
        })
    }

    fn check_option<T: PartialEq + Display>(
        &self,
        field: &'static str,
        found: Option<T>,
        computed: Option<T>,
    ) -> Result<(), ExecutionError> {
        let text = |value: Option<T>| value.map_or_else(|| "absent".to_owned(), |v| v.to_string());
        self.check(field, text(found), text(computed))
    }
}
