//! Following what happens to the chain from outside: unwinds, reorganisations of L1, requests.

use aura_chain::{ChainError, ChainEvent};
use aura_primitives::bridge::BatchHeader;
use tokio::{runtime::Handle, sync::broadcast::error::TryRecvError};

use crate::{
    ForcedBatch, RequestError, Sequencer, SequencerError,
    bridge::{Request, newest_canonical},
    building::Building,
    metrics,
};

impl Sequencer {
    /// After an unwind the open block and the transactions of the removed blocks go back to the
    /// pool, and a new block is opened on the new head.
    pub(crate) fn follow_unwinds(
        &mut self,
        building: Building,
    ) -> Result<Building, SequencerError> {
        let mut unwound = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(ChainEvent::Unwound { blocks, .. }) => unwound.extend(blocks),
                // Lagged: committed blocks are of no interest here, and an unwind that was
                // missed shows as `WrongParent` when the block is sealed.
                Ok(ChainEvent::Committed(_)) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if unwound.is_empty() {
            return Ok(building);
        }
        let mut transactions: Vec<_> = unwound
            .iter()
            .rev()
            .flat_map(|block| block.block.transactions.clone())
            .collect();
        transactions.extend(building.into_transactions());
        self.site.pool.reinject(transactions);
        Building::open(&self.site)
    }

    /// Follows L1's reorganisations, and does what other services ask for.
    pub(crate) fn follow_bridge(
        &mut self,
        building: Building,
        runtime: &Handle,
    ) -> Result<Building, SequencerError> {
        let Some(bridge) = &mut self.site.bridge else {
            return Ok(building);
        };
        // Read first: a rewind that comes now is followed next time.
        let generation = bridge.planner.view.status().generation;
        if bridge.followed != Some(generation) {
            return self.follow_rewind(building, generation, runtime);
        }
        match bridge.take_request() {
            None => Ok(building),
            Some(Request::Seal { reply }) => {
                let building = if building.is_stale(&self.site) {
                    Building::open(&self.site)?
                } else {
                    building
                };
                let number = building.number();
                let next = self.seal(building)?;
                // Whoever asked may be gone.
                reply.send(number).ok();
                Ok(next)
            }
            Some(Request::Rebuild { to, forced, reply }) => {
                let (building, outcome) = self.rebuild(building, to, &forced, runtime)?;
                reply.send(outcome).ok();
                Ok(building)
            }
        }
    }

    /// Removes the blocks that refer to what L1 no longer has.
    fn follow_rewind(
        &mut self,
        building: Building,
        generation: u64,
        runtime: &Handle,
    ) -> Result<Building, SequencerError> {
        let tip = self.wait_durable(runtime);
        if let Some(bridge) = &mut self.site.bridge {
            let to = newest_canonical(&self.site.chain, &bridge.planner.view, tip)?;
            bridge.followed = Some(generation);
            if to < tip {
                tracing::warn!(tip, to, "L1 was reorganised, rebuilding blocks");
                metrics::rebuilt("l1_reorg", tip - to);
                self.site.chain.unwind(to)?;
                return self.follow_unwinds(building);
            }
        }
        // The open block may refer to what is gone as well.
        self.site.pool.reinject(building.into_transactions());
        Building::open(&self.site)
    }

    /// Removes the blocks above `to` and builds those of forced batches.
    fn rebuild(
        &mut self,
        building: Building,
        to: u64,
        forced: &[ForcedBatch],
        runtime: &Handle,
    ) -> Result<(Building, Result<Vec<u64>, RequestError>), SequencerError> {
        let tip = self.wait_durable(runtime);
        let usable = |batch: &ForcedBatch| match &self.site.bridge {
            Some(bridge) => bridge.planner.can_force(&batch.header),
            None => Ok(false),
        };
        if let Some(last) = forced.last()
            && !usable(last)?
        {
            return Ok((building, Err(RequestError::NotYet)));
        }
        match self.site.chain.unwind(to) {
            Ok(()) => {}
            Err(ChainError::UnwindTarget { .. }) => {
                return Ok((building, Err(RequestError::WrongBlock(to))));
            }
            Err(error) => return Err(error.into()),
        }
        tracing::warn!(tip, to, forced = forced.len(), "rebuilding blocks");
        metrics::rebuilt("request", tip - to);
        let building = self.follow_unwinds(building)?;
        if forced.is_empty() {
            return Ok((building, Ok(Vec::new())));
        }
        let mut last_blocks = Vec::with_capacity(forced.len());
        for batch in forced {
            last_blocks.push(self.seal_forced(&batch.header)?);
        }
        self.site.pool.reinject(building.into_transactions());
        Ok((Building::open(&self.site)?, Ok(last_blocks)))
    }

    /// Seals the blocks of a forced batch and returns the last one's number.
    fn seal_forced(&self, batch: &BatchHeader) -> Result<u64, SequencerError> {
        loop {
            let building = Building::forced(&self.site, batch)?.ok_or(SequencerError::Queue)?;
            let (number, consumed) = (building.number(), building.cursor().consumed);
            let (block, _) = building.finish(&self.site.chain)?;
            self.site.chain.seal(block)?;
            if consumed >= batch.consumed {
                return Ok(number);
            }
        }
    }

    /// Waits until all blocks are durable, and returns the newest one's number.
    fn wait_durable(&self, runtime: &Handle) -> u64 {
        runtime.block_on(self.site.chain.wait_uncommitted(0));
        self.site.chain.tip().number
    }
}
