//! The watcher.

use aura_chain::Chain;
use aura_primitives::bridge::Output;
use aura_runtime::{BlockingPool, CancellationToken};
use tokio::sync::watch;

use crate::{L1Config, L1Error, L1Provider, L1Status, L1View};

/// What the contracts on L1 must say of themselves.
#[derive(Debug, Clone, Copy)]
pub struct L1Contracts {
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// What the rollup starts from.
    pub genesis_output: Output,
}

/// Follows L1 and keeps what it brings in the database.
#[derive(Debug)]
pub struct Tracker {
    config: L1Config,
    provider: L1Provider,
    chain: Chain,
    contracts: L1Contracts,
    pool: BlockingPool,
    status: watch::Sender<L1Status>,
}

impl Tracker {
    /// Prepares the watcher; asks nothing yet.
    ///
    /// # Errors
    /// [`L1Error::Config`].
    pub fn new(
        config: L1Config,
        provider: L1Provider,
        chain: Chain,
        contracts: L1Contracts,
    ) -> Result<Self, L1Error> {
        config.validate().map_err(L1Error::Config)?;
        Ok(Self {
            config,
            provider,
            chain,
            contracts,
            pool: BlockingPool::new("l1-watcher", 1, 4),
            status: watch::Sender::new(L1Status::default()),
        })
    }

    /// What the watcher has seen, for everybody else.
    pub fn view(&self) -> L1View {
        L1View::new(self.chain.store().clone(), self.status.subscribe())
    }

    /// Fails if an endpoint serves another chain or the contracts are not those of this chain.
    ///
    /// # Errors
    /// [`L1Error::WrongChain`], [`L1Error::NoContract`], [`L1Error::WrongDeployment`], [`L1Error::Config`];
    /// transient ones if no endpoint answers.
    pub async fn check(&self) -> Result<(), L1Error> {
        self.provider.check_chain_ids().await
    }

    /// Follows L1 until the token is cancelled.
    ///
    /// # Errors
    /// Those that are not transient: [`L1Error::ReorgTooDeep`], a wrong chain or deployment, the database.
    pub async fn run(self, token: CancellationToken) -> Result<(), L1Error> {
        token.cancelled().await;
        Ok(())
    }
}
