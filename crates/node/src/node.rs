//! The running node.

use std::{net::SocketAddr, time::Duration};

use aura_chain::Chain;
use aura_chainspec::{ChainSpec, Commitment};
use aura_evm::STRING_HEADER_BYTES;
use aura_pool::Pool;
use aura_rpc::RpcContext;
use aura_runtime::{CancellationToken, MetricsHandle, Tasks, serve_metrics, switch};
use aura_sequencer::{Sequencer, SequencerConfig, maintain_pool};
use tokio::runtime::Handle;

use crate::{
    ChainSource, GenesisAccounts, NodeConfig, NodeError, OpenedChain, bridge, listeners, open_chain,
};

/// Answer of `web3_clientVersion`: name, version, platform.
fn client_version() -> String {
    format!(
        "aura/v{}/{}-{}/rust",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// Name of the pool's journal in the data directory.
const JOURNAL_FILE: &str = "pool.journal";
/// How long shutdown may take.
const GRACE: Duration = Duration::from_secs(5);

/// How blocks are made. A chain with Ethereum's state root is served, and grows by imports only.
fn sequencing(config: &NodeConfig, spec: &ChainSpec) -> Result<Option<SequencerConfig>, NodeError> {
    if spec.commitment() == Commitment::Mpt {
        return Ok(None);
    }
    let genesis_gas_limit = spec.genesis().gas_limit;
    let mut sequencing = config.sequencer.to_config(genesis_gas_limit);
    if spec.bridge().is_some() && !config.bridge.l1_rpc.is_empty() {
        // Whoever derives the chain from L1 knows the genesis and L1, and no operator's settings.
        if sequencing.gas_limit != genesis_gas_limit {
            return Err(NodeError::Config(format!(
                "sequencer.gas_limit is {}, but the gas limit of a chain with a bridge is the \
                 genesis's {genesis_gas_limit} until L1 sets another one",
                sequencing.gas_limit
            )));
        }
        sequencing.max_posted_bytes = Some(config.bridge.settlement.max_block_bytes());
    }
    sequencing
        .validate()
        .map_err(|problem| NodeError::Config(format!("sequencer: {problem}")))?;
    Ok(Some(sequencing))
}

fn open_pool(
    config: &NodeConfig,
    chain: &Chain,
    sequencing: Option<&SequencerConfig>,
) -> Result<Pool, NodeError> {
    let mut settings = config.pool.clone();
    settings
        .journal
        .get_or_insert_with(|| config.datadir.join(JOURNAL_FILE));
    settings.block_gas_limit = sequencing.map(|sequencing| sequencing.gas_limit);
    if let Some(most) = sequencing.and_then(|sequencing| sequencing.max_posted_bytes) {
        let most = most.saturating_sub(STRING_HEADER_BYTES);
        settings.max_tx_bytes = settings.max_tx_bytes.min(most as usize);
    }
    Ok(Pool::open(
        settings,
        chain.spec().clone(),
        chain.store().clone(),
    )?)
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    chain: Chain,
    pool: Pool,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    engine: Option<SocketAddr>,
    tasks: Tasks,
}

impl Node {
    /// Opens the data directory and starts every service. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// Any [`NodeError`]; nothing keeps running then.
    pub async fn start(
        config: NodeConfig,
        source: &ChainSource,
        metrics: Option<MetricsHandle>,
    ) -> Result<Self, NodeError> {
        config.validate()?;
        let limits = config.tree.to_config(config.storage.history_blocks);
        let OpenedChain { chain, writer } = open_chain(
            &config.datadir,
            source,
            &config.storage.to_config(),
            limits,
            GenesisAccounts::Drop,
        )?;
        let sequencing = sequencing(&config, chain.spec())?;
        let automine = sequencing
            .as_ref()
            .is_some_and(SequencerConfig::is_automine);
        let pool = open_pool(&config, &chain, sequencing.as_ref())?;
        let (switch, switched) = switch();
        let switch = sequencing.is_some().then_some(switch);
        let endpoints = listeners::endpoints(&config, switch)?;

        let tasks = Tasks::new();
        tasks.spawn_thread("chain-writer", move || Ok(writer.run()?));
        let services = bridge::start(&tasks, &config.bridge, &chain).await;
        let (bridge, bridge_context) = match services {
            Ok(services) => services.map(|s| (s.bridge, s.context)).unzip(),
            Err(error) => return Err(Self::give_up(tasks, &chain, error).await),
        };
        if config.instant_finality {
            let (chain, token) = (chain.clone(), tasks.token());
            tasks.spawn("instant-finality", async move {
                bridge::finalize_at_once(chain, token).await;
                Ok(())
            });
        }
        match sequencing {
            Some(sequencing) => {
                let mut sequencer =
                    Sequencer::new(chain.clone(), pool.clone(), sequencing).with_switch(switched);
                if let Some(bridge) = bridge {
                    sequencer = sequencer.with_bridge(bridge);
                }
                Self::spawn_sequencer(&tasks, &chain, sequencer);
            }
            None => Self::end_writer_at_shutdown(&tasks, &chain),
        }
        let maintenance = maintain_pool(chain.clone(), pool.clone(), tasks.token());
        tasks.spawn("pool-maintenance", async move {
            maintenance.await;
            Ok(())
        });
        if let (Some(port), Some(handle)) = (config.metrics_port, metrics) {
            let address = SocketAddr::new(config.host, port);
            tasks.spawn("metrics", serve_metrics(address, handle, tasks.token()));
        }
        let context = RpcContext {
            chain: chain.clone(),
            pool: pool.clone(),
            client_version: client_version(),
            automine,
            bridge: bridge_context,
        };
        let serving = aura_rpc::serve_all(endpoints, config.rpc, context, tasks.token());
        let server = match serving.await {
            Ok(server) => server,
            Err(error) => return Err(Self::give_up(tasks, &chain, error.into()).await),
        };
        let (address, admin, engine) = (
            server.local_addr(),
            server.admin_addr(),
            server.engine_addr(),
        );
        tasks.spawn("rpc", async move {
            server.stopped().await;
            Ok(())
        });
        Ok(Self {
            chain,
            pool,
            address,
            admin,
            engine,
            tasks,
        })
    }

    /// Stops what has been started.
    async fn give_up(tasks: Tasks, chain: &Chain, error: NodeError) -> NodeError {
        tasks.token().cancel();
        chain.shutdown();
        // The first error is the one that matters.
        tasks.wait(GRACE).await.ok();
        error
    }

    fn spawn_sequencer(tasks: &Tasks, chain: &Chain, sequencer: Sequencer) {
        let (chain, token, runtime) = (chain.clone(), tasks.token(), Handle::current());
        tasks.spawn_thread("sequencer", move || {
            let outcome = sequencer.run(&runtime, &token);
            // Whatever ended the sequencer: what it sealed is committed before the process ends.
            chain.shutdown();
            Ok(outcome?)
        });
    }

    /// Without a sequencer nobody else tells the writer that there is nothing more to write.
    fn end_writer_at_shutdown(tasks: &Tasks, chain: &Chain) {
        let (chain, token) = (chain.clone(), tasks.token());
        tasks.spawn("chain-shutdown", async move {
            token.cancelled().await;
            chain.shutdown();
            Ok(())
        });
    }

    /// Address that JSON-RPC listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address of the operator's listener.
    pub const fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Address of the Engine API.
    pub const fn engine_address(&self) -> Option<SocketAddr> {
        self.engine
    }

    /// The chain.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The pool.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Cancelling it stops the node.
    pub fn token(&self) -> CancellationToken {
        self.tasks.token()
    }

    /// Runs until the token is cancelled or a service fails; then seals and commits what has been
    /// executed and stops within five seconds.
    ///
    /// # Errors
    /// The failure of the first service that failed.
    pub async fn wait(self) -> Result<(), aura_runtime::Report> {
        let outcome = self.tasks.wait(GRACE).await;
        self.pool.flush()?;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use aura_chainspec::ChainSpec;

    use super::sequencing;
    use crate::NodeConfig;

    #[test]
    fn with_a_bridge_the_gas_limit_is_that_of_the_chain() {
        let spec = ChainSpec::dev();
        let mut config = NodeConfig::default();
        config.sequencer.gas_limit = Some(50_000_000);
        let free = sequencing(&config, &spec).unwrap().unwrap();
        assert_eq!((free.gas_limit, free.max_posted_bytes), (50_000_000, None));

        config.bridge.l1_rpc = vec!["http://127.0.0.1:1".to_owned()];
        let error = sequencing(&config, &spec).unwrap_err().to_string();
        assert!(error.contains("gas_limit is 50000000"), "{error}");

        config.sequencer.gas_limit = Some(spec.genesis().gas_limit);
        let bound = sequencing(&config, &spec).unwrap().unwrap();
        let most = config.bridge.settlement.max_block_bytes();
        assert_eq!(bound.max_posted_bytes, Some(most));
    }
}
