//! Posts roots.

use std::time::{Duration, Instant};

use alloy_eips::BlockId;
use alloy_sol_types::SolCall;
use aura_bindings::rollup::AuraRollup;
use aura_chain::{Chain, ChainError};
use aura_l1::{
    L1Provider, L1RootRecord, L1Status, L1View, RootStatus,
    tx::{TxManager, TxRequest, TxState, TxTicket},
};
use aura_primitives::bridge::Output;
use aura_runtime::CancellationToken;
use aura_storage::{Reader, StorageError};

use crate::{
    Limits, Rollup, SettlementConfig, SettlementError, cost,
    desk::{self, Desk, Role},
    flight::{Flights, Sent},
    ledger, metrics,
};

const ROOT: &str = "root";
const FINALIZE: &str = "finalize";
/// Roots that are read at once.
const ROOTS: usize = 256;

/// What L1 has of roots.
#[derive(Debug, Clone, Default)]
struct Roots {
    /// Newest batch that a root covers which is not invalid, and when it was posted.
    covered: Option<(u64, u64)>,
    /// Those that are not final.
    open: Vec<L1RootRecord>,
    /// From here on there are roots that are not final.
    first_open: u64,
}

/// Posts what batches evaluate to, and makes it final.
#[derive(Debug)]
pub struct Proposer {
    desk: Desk,
    /// Roots, by the batch that they cover.
    flights: Flights<u64>,
    finalizing: Option<TxTicket>,
    next_finalize: Option<Instant>,
    /// Roots below are final or were found wrong, as of this generation of the watcher.
    settled: (u64, u64),
    /// Newest invalid root that was reported.
    alarmed: Option<u64>,
}

impl Role for Proposer {
    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    async fn step(&mut self) -> Result<(), SettlementError> {
        let status = self.desk.view.status();
        if !status.synced {
            return Ok(());
        }
        let limits = self.desk.limits().await?;
        let roots = self.roots(&status).await?;
        self.alarm(&roots);
        self.finalize_oldest(&roots, &limits).await?;
        let (covered, posted_at) = roots.covered.unwrap_or_default();
        let is_sent = self.is_in_flight(covered, &status);
        let age = Duration::from_secs(metrics::now().saturating_sub(posted_at));
        if is_sent || self.desk.is_held() || age < self.desk.config.root_interval() {
            return Ok(());
        }
        self.post_next(covered).await
    }
}

impl Proposer {
    /// Prepares the proposer. `manager` sends with the proposer's key.
    ///
    /// # Errors
    /// [`SettlementError::Config`].
    pub fn new(
        config: SettlementConfig,
        rollup: Rollup,
        chain: Chain,
        view: L1View,
        provider: L1Provider,
        manager: TxManager,
    ) -> Result<Self, SettlementError> {
        Ok(Self {
            flights: Flights::new(&manager, ROOT),
            desk: Desk::new("proposer", config, rollup, chain, view, provider, manager)?,
            finalizing: None,
            next_finalize: None,
            settled: (0, 0),
            alarmed: None,
        })
    }

    /// Posts until `token` is cancelled. To be run as a supervised task.
    ///
    /// # Errors
    /// Those that are not transient: the database, a wrong deployment.
    pub async fn run(self, token: CancellationToken) -> Result<(), SettlementError> {
        desk::run(self, token).await
    }

    /// Reads the roots that are not final, and which batch is covered.
    async fn roots(&mut self, status: &L1Status) -> Result<Roots, SettlementError> {
        if self.settled.1 != status.generation {
            self.settled = (0, status.generation);
        }
        let from = self.settled.0;
        let roots = self
            .desk
            .read(move |reader| read_roots(reader, from))
            .await?;
        self.settled.0 = roots.first_open;
        let count = |wanted| {
            let of = roots.open.iter().filter(|root| root.status() == wanted);
            of.count()
        };
        metrics::roots(
            count(RootStatus::Pending),
            count(RootStatus::Disputed),
            count(RootStatus::Invalid),
        );
        Ok(roots)
    }

    fn alarm(&mut self, roots: &Roots) {
        for root in &roots.open {
            if root.status() == RootStatus::Invalid && self.alarmed.is_none_or(|id| id < root.id) {
                self.alarmed = Some(root.id);
                tracing::error!(
                    root = root.id, batch = root.output.batch_index, output = %root.output_hash,
                    "a root was found to be invalid; it is posted again if it is what this node computes"
                );
            }
        }
    }

    fn is_in_flight(&mut self, covered: u64, status: &L1Status) -> bool {
        let is_seen = |batch: &u64| covered >= *batch;
        let mined = |_: &u64, receipt: &_| metrics::root_mined(cost::paid(receipt));
        match self.flights.look(status.head.number, is_seen, mined) {
            Sent::Open => true,
            Sent::Nothing => false,
            Sent::Refused { data, message, .. } => {
                self.desk.refused(ROOT, &data, &message);
                false
            }
        }
    }

    /// Posts the root of the newest batch on L1 if it is above `covered`.
    async fn post_next(&mut self, covered: u64) -> Result<(), SettlementError> {
        let rollup = self.desk.rollup;
        let output = self
            .desk
            .read(move |reader| newest_output(reader, &rollup, covered))
            .await?;
        let Some(output) = output else {
            return Ok(());
        };
        let chain = self.desk.chain.clone();
        match self
            .desk
            .pool
            .run(move || chain.pin(output.l2_block))
            .await?
        {
            Err(ChainError::Storage(StorageError::PinUnavailable { .. })) => tracing::warn!(
                number = output.l2_block,
                "the block is too old to be kept provable; its root is posted without"
            ),
            pinned => pinned?,
        }
        let call = AuraRollup::updateStateRootCall {
            o: (&output).into(),
        };
        let request = TxRequest::call(ROOT, self.desk.rollup.address, call.abi_encode());
        let ticket = self.desk.manager.submit(request)?;
        tracing::info!(
            batch = output.batch_index, number = output.l2_block, state_root = %output.state_root,
            "root is posted"
        );
        self.flights.start(output.batch_index, ticket);
        Ok(())
    }

    /// Makes the oldest root that waits for it final, if the contract agrees.
    async fn finalize_oldest(
        &mut self,
        roots: &Roots,
        limits: &Limits,
    ) -> Result<(), SettlementError> {
        let is_early = self.next_finalize.is_some_and(|next| Instant::now() < next);
        let is_sent = self
            .finalizing
            .as_ref()
            .is_some_and(|ticket| !matches!(ticket.state(), TxState::Done(_)));
        if !self.desk.config.finalize || is_early || is_sent {
            return Ok(());
        }
        let now = metrics::now();
        let earliest = limits.fast.min(limits.window);
        let mut pending = roots.open.iter().filter(|root| {
            root.status() == RootStatus::Pending && root.l1_time.saturating_add(earliest) <= now
        });
        let Some(root) = pending.next() else {
            return Ok(());
        };
        self.next_finalize = Some(Instant::now() + self.desk.config.finalize_interval());
        let call = AuraRollup::finalizeCall { rootId: root.id }.abi_encode();
        // Who has signed is known to the contract alone: it is asked before anything is paid.
        let asked = self
            .desk
            .provider
            .call(
                self.desk.rollup.address,
                call.clone().into(),
                BlockId::pending(),
            )
            .await;
        match asked {
            Ok(_) => {
                let request = TxRequest::call(FINALIZE, self.desk.rollup.address, call);
                self.finalizing = Some(self.desk.manager.submit(request)?);
                tracing::info!(root = root.id, "root is made final");
                Ok(())
            }
            Err(error) if error.is_transient() => Err(error.into()),
            Err(error) => {
                tracing::debug!(root = root.id, %error, "root cannot be final yet");
                Ok(())
            }
        }
    }
}

fn read_roots(reader: &Reader, from: u64) -> Result<Roots, SettlementError> {
    let mut roots = Roots {
        first_open: from,
        ..Roots::default()
    };
    let mut id = from;
    let mut is_settled = true;
    loop {
        let page = reader.l1_roots(id, ROOTS)?;
        let Some(last) = page.last() else {
            break;
        };
        id = last.id.saturating_add(1);
        for root in page {
            let status = root.status();
            is_settled &= matches!(status, RootStatus::Final | RootStatus::Invalid);
            if is_settled {
                roots.first_open = root.id;
            }
            if status != RootStatus::Invalid {
                let (batch, time) = (root.output.batch_index, root.l1_time);
                let covered = roots.covered.get_or_insert((batch, time));
                *covered = (covered.0.max(batch), covered.1.max(time));
            }
            if status != RootStatus::Final {
                roots.open.push(root);
            }
        }
    }
    if roots.covered.is_none() && from > 0 {
        // All that is left is invalid: what was settled before says how far L1 is.
        return read_roots(reader, 0);
    }
    Ok(roots)
}

/// What the newest batch on L1 evaluates to, if it is above `covered`.
fn newest_output(
    reader: &Reader,
    rollup: &Rollup,
    covered: u64,
) -> Result<Option<Output>, SettlementError> {
    let position = ledger::locate(reader, rollup)?.position;
    if position.index <= covered {
        return Ok(None);
    }
    let number = position.last_block;
    let header = reader
        .header(number)?
        .ok_or(SettlementError::MissingBlock(number))?;
    Ok(Some(Output {
        state_root: header.state_root,
        withdrawal_root: header.withdrawals_root.unwrap_or_default(),
        l2_block_hash: position.last_hash,
        l2_block: number,
        batch_index: position.index,
        batch_hash: position.parent,
    }))
}
