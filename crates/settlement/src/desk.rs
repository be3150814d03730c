//! What batcher and proposer have in common: where they look, and when they look again.

use std::time::Instant;

use aura_chain::Chain;
use aura_l1::{L1Provider, L1View, tx::TxManager};
use aura_runtime::{BlockingPool, CancellationToken};
use aura_storage::Reader;
use tokio::time::sleep;

use crate::{
    Limits, Rollup, SettlementConfig, SettlementError, metrics,
    refusal::{self, Refusal},
};

/// Where a role looks, and what keeps it from sending.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The role in logs and metrics.
    name: &'static str,
    pub(crate) config: SettlementConfig,
    pub(crate) rollup: Rollup,
    pub(crate) chain: Chain,
    pub(crate) view: L1View,
    pub(crate) provider: L1Provider,
    pub(crate) manager: TxManager,
    pub(crate) pool: BlockingPool,
    limits: Option<Limits>,
    hold: Option<Instant>,
    frozen: bool,
}

impl Desk {
    /// # Errors
    /// [`SettlementError::Config`].
    pub(crate) fn new(
        name: &'static str,
        config: SettlementConfig,
        rollup: Rollup,
        chain: Chain,
        view: L1View,
        provider: L1Provider,
        manager: TxManager,
    ) -> Result<Self, SettlementError> {
        config.validate().map_err(SettlementError::Config)?;
        Ok(Self {
            name,
            config,
            rollup,
            chain,
            view,
            provider,
            manager,
            pool: BlockingPool::new(name, 1, 4),
            limits: None,
            hold: None,
            frozen: false,
        })
    }

    /// What the contract allows; asked once.
    pub(crate) async fn limits(&mut self) -> Result<Limits, SettlementError> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let limits = Limits::read(&self.provider, self.rollup.address).await?;
        Ok(*self.limits.insert(limits))
    }

    /// Reads with one snapshot, on the thread for it.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, SettlementError> + Send + 'static,
    ) -> Result<T, SettlementError> {
        let chain = self.chain.clone();
        self.pool
            .run(move || read(&chain.store().reader()?))
            .await?
    }

    /// Nothing is sent for a while.
    pub(crate) fn hold(&mut self) {
        self.hold = Some(Instant::now() + self.config.retry_after());
    }

    /// Whether nothing is to be sent now.
    pub(crate) fn is_held(&self) -> bool {
        self.frozen || self.hold.is_some_and(|until| Instant::now() < until)
    }

    /// The contract has refused `what`: says so, and holds.
    pub(crate) fn refused(&mut self, what: &'static str, data: &[u8], message: &str) -> Refusal {
        let (account, rollup) = (self.manager.account(), self.rollup.address);
        refusal::report(what, account, rollup, data, message);
        let refusal = Refusal::read(data);
        self.frozen |= refusal == Refusal::Frozen;
        self.hold();
        refusal
    }
}

/// Something that looks at L1 and the chain and does the next thing, again and again.
pub(crate) trait Role {
    /// Its desk.
    fn desk(&mut self) -> &mut Desk;

    /// Looks once.
    async fn step(&mut self) -> Result<(), SettlementError>;
}

/// Has `role` look until `token` is cancelled: when L1 has moved, from time to time if it has not, and
/// after a while if a look failed.
///
/// # Errors
/// Those of [`Role::step`] that are not transient.
pub(crate) async fn run(
    mut role: impl Role,
    token: CancellationToken,
) -> Result<(), SettlementError> {
    loop {
        let looked = tokio::select! {
            () = token.cancelled() => return Ok(()),
            looked = role.step() => looked,
        };
        let Desk {
            name, config, view, ..
        } = role.desk();
        match looked {
            Ok(()) => {
                metrics::looked(name);
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = view.changed() => {}
                    () = sleep(config.poll_interval()) => {}
                }
            }
            Err(error) if error.is_transient() => {
                error.report(name);
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = sleep(config.retry_after()) => {}
                }
            }
            Err(error) => return Err(error),
        }
    }
}
