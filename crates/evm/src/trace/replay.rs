//! A stored block, executed again.

use std::sync::Arc;

use alloy_rpc_types_eth::TransactionInfo;
use aura_chainspec::ChainSpec;
use aura_primitives::{SealedBlock, SealedHeader};
use aura_storage::StateView;
use revm::{context::TxEnv, context_interface::result::ResultAndState};

use super::{
    TraceError, TraceLimits,
    machine::Machine,
    watch::{Nothing, Recorder},
};
use crate::{
    BlockExecutor, StateDb,
    evm_tx::{BaseFee, EvmTx},
};

/// A block and what it is executed on.
#[derive(Debug)]
pub struct BlockScene<'a> {
    /// The rules of the chain.
    pub spec: &'a Arc<ChainSpec>,
    /// Header of the block before.
    pub parent: &'a SealedHeader,
    /// The block.
    pub block: &'a SealedBlock,
    /// State after the block before.
    pub view: StateView,
}

/// A block that is executed transaction by transaction, some of them under a recorder.
///
/// The state comes from history: a trace costs the transactions before it in its block, however
/// old the block is.
pub(super) struct Replay<'a, R> {
    block: &'a SealedBlock,
    machine: Machine<R>,
    next: usize,
}

/// A transaction that was executed under the recorder and is not yet committed.
pub(super) struct Watch {
    pub(super) info: TransactionInfo,
    pub(super) tx: TxEnv,
    pub(super) outcome: ResultAndState,
}

impl<'a, R: Recorder> Replay<'a, R> {
    /// Opens the block and runs what comes before its transactions.
    pub(super) fn open(
        scene: BlockScene<'a>,
        limits: TraceLimits,
        recorder: R,
    ) -> Result<Self, TraceError> {
        let BlockScene {
            spec,
            parent,
            block,
            view,
        } = scene;
        let header = block.header.inner().clone();
        let withdrawals = block.withdrawals.clone();
        let executor = BlockExecutor::with_header(
            Arc::clone(spec),
            parent,
            header,
            withdrawals,
            block.l1_info.as_ref(),
            view,
        )?;
        let (db, env) = executor.into_parts();
        Ok(Self {
            block,
            machine: Machine::new(db, env, BaseFee::of(spec), limits, recorder),
            next: 0,
        })
    }

    pub(super) const fn machine(&mut self) -> &mut Machine<R> {
        &mut self.machine
    }

    fn take_next(&mut self) -> Option<(usize, EvmTx)> {
        let index = self.next;
        let tx = self.block.transactions.get(index)?;
        self.next += 1;
        Some((index, EvmTx::of(tx)))
    }

    /// Executes the transactions before `index`.
    pub(super) fn skip_to(&mut self, index: usize) -> Result<(), TraceError> {
        let count = self.block.transactions.len();
        if index > count {
            return Err(TraceError::NoSuchIndex { index, count });
        }
        while self.next < index
            && let Some((_, tx)) = self.take_next()
        {
            self.machine.execute(tx)?;
        }
        Ok(())
    }

    /// Executes the next transaction under the recorder; `None` after the last.
    pub(super) fn watch_next(&mut self, max_bytes: usize) -> Result<Option<Watch>, TraceError> {
        let Some((index, tx)) = self.take_next() else {
            return Ok(None);
        };
        self.machine.reset(max_bytes);
        let env = tx.env.clone();
        let outcome = self.machine.inspect(tx)?;
        let info = TransactionInfo {
            hash: Some(self.block.transactions[index].hash()),
            index: Some(index as u64),
            block_hash: Some(self.block.hash()),
            block_number: Some(self.block.number()),
            base_fee: self.block.header.base_fee_per_gas,
            ..TransactionInfo::default()
        };
        Ok(Some(Watch {
            info,
            tx: env,
            outcome,
        }))
    }

    /// Executes the transaction at `index` under the recorder.
    pub(super) fn watch_at(&mut self, index: usize) -> Result<Watch, TraceError> {
        self.skip_to(index)?;
        let max_bytes = self.machine.limits().max_bytes;
        let count = self.block.transactions.len();
        self.watch_next(max_bytes)?
            .ok_or(TraceError::NoSuchIndex { index, count })
    }
}

/// State in the middle of a block, after its first `count` transactions.
pub(super) fn state_within(
    scene: BlockScene<'_>,
    count: usize,
    limits: TraceLimits,
) -> Result<StateDb, TraceError> {
    let mut replay = Replay::open(scene, limits, Nothing)?;
    replay.skip_to(count)?;
    Ok(replay.machine.into_db())
}
