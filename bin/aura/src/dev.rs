//! `aura dev`: a development chain, its L1 and the bridge between them, in one process.

use std::{error::Error, io, iter, path::Path};

use aura_node::{
    BlockTime, ChainSource, DaChoice, DevDeployment, FeeSection, Interval, KeySection, Node,
    NodeConfig, NodeError, RateLimit, SealPolicy, SettlementConfig, deploy_dev,
};
use aura_runtime::{MetricsHandle, Report};
use eyre::WrapErr;

use crate::{
    banner,
    settings::{DevL1, DevSettings, Settings},
};

/// Port of the L1 inside, unless it is taken.
const L1_PORT: u16 = 9545;
/// Accounts of the development mnemonic that post batches and roots.
const SEQUENCER: u32 = 9;
const PROPOSER: u32 = 8;

/// A development chain with what it stands on.
#[derive(Debug)]
pub(crate) struct DevStack {
    l1: Option<Node>,
    l2: Node,
}

impl DevStack {
    /// Starts L1 if it is to be inside, puts the contracts on it and starts the node.
    pub(crate) async fn start(
        settings: DevSettings,
        metrics: Option<MetricsHandle>,
    ) -> eyre::Result<Self> {
        let DevSettings {
            node: Settings {
                mut config, source, ..
            },
            l1,
            window,
            deployment_out,
        } = settings;
        // A chain that was given without a bridge has none.
        let has_bridge = match &source {
            ChainSource::Dev => true,
            ChainSource::DevL1 => false,
            ChainSource::File(_) | ChainSource::Datadir => aura_node::has_bridge(&config, &source)?,
        };
        let embedded = match l1 {
            DevL1::Embedded(port) if has_bridge => Some(start_l1(&config, port).await?),
            _ => None,
        };
        if let Some(node) = &embedded {
            config.bridge.l1_rpc = vec![format!("ws://{}", node.address())];
        }
        let source = if has_bridge && !config.bridge.l1_rpc.is_empty() {
            let deployment = deploy_dev(&config, window, source).await;
            let settlement = match embedded {
                Some(_) => SettlementConfig::embedded(),
                None => SettlementConfig::dev(),
            };
            connect(
                &mut config,
                deployment?,
                settlement,
                deployment_out.as_deref(),
            )?
        } else {
            source
        };
        if embedded.is_some() {
            // Also where settlement was set: the L1 inside has no blobs.
            config.bridge.settlement.da = DaChoice::Calldata;
        }
        let l2 = Node::start(config, &source, metrics).await?;
        Ok(Self { l1: embedded, l2 })
    }

    /// The layer-2 node.
    pub(crate) const fn node(&self) -> &Node {
        &self.l2
    }

    /// Prints the chain, its accounts and where it listens.
    pub(crate) fn greet(&self) -> eyre::Result<()> {
        banner::print(&self.l2, self.l1.as_ref())
    }

    /// Runs until one of the two ends; then the other is stopped as well, L1 last.
    pub(crate) async fn wait(self) -> Result<(), Report> {
        let Self { l1, l2 } = self;
        let Some(l1) = l1 else {
            return l2.wait().await;
        };
        let (l1_token, l2_token) = (l1.token(), l2.token());
        let l1 = async {
            let outcome = l1.wait().await;
            l2_token.cancel();
            outcome
        };
        let l2 = async {
            let outcome = l2.wait().await;
            l1_token.cancel();
            outcome
        };
        let (l1, l2) = tokio::join!(l1, l2);
        l2.and(l1)
    }
}

/// Points the node at the contracts.
fn connect(
    config: &mut NodeConfig,
    dev: DevDeployment,
    settlement: SettlementConfig,
    copy: Option<&Path>,
) -> eyre::Result<ChainSource> {
    if let Some(copy) = copy {
        std::fs::write(copy, dev.deployment.to_json())
            .wrap_err_with(|| copy.display().to_string())?;
    }
    config.bridge.deployment = Some(dev.file);
    config
        .bridge
        .sequencer_key
        .get_or_insert(KeySection::dev(SEQUENCER));
    config
        .bridge
        .proposer_key
        .get_or_insert(KeySection::dev(PROPOSER));
    if config.bridge.settlement == SettlementConfig::default() {
        config.bridge.settlement = settlement;
    }
    if config.bridge.fees == FeeSection::default() {
        config.bridge.fees = FeeSection::dev();
    }
    Ok(dev.source)
}

/// Starts the L1 inside, on the port that was named, else on the usual one, else (it is taken) on a free
/// one.
async fn start_l1(l2: &NodeConfig, named: Option<u16>) -> eyre::Result<Node> {
    let usual = if l2.port == 0 { 0 } else { L1_PORT };
    let started = match l1_on(l2, named.unwrap_or(usual)).await {
        Err(error) if named.is_none() && is_port_taken(&error) => l1_on(l2, 0).await,
        started => started,
    };
    started.wrap_err("the L1 of the development chain")
}

/// Starts an L1 on `port`: instant blocks, the same accounts, data beside the node's.
async fn l1_on(l2: &NodeConfig, port: u16) -> Result<Node, NodeError> {
    let mut config = NodeConfig {
        datadir: l2.datadir.join("l1"),
        host: l2.host,
        port,
        instant_finality: true,
        ..NodeConfig::default()
    };
    config.sequencer.block_time = BlockTime(SealPolicy::Instant);
    config.sequencer.empty_block_interval = Interval(None);
    config.rpc.rate_limit = RateLimit::Unlimited;
    config.storage.durable = l2.storage.durable;
    // Batches come as calldata.
    config.pool.max_tx_bytes = 2 * SettlementConfig::embedded().max_calldata_bytes;
    let source = if config.datadir.join("chain.json").exists() {
        ChainSource::Datadir
    } else {
        ChainSource::DevL1
    };
    Node::start(config, &source, None).await
}

/// Whether somebody else listens on the port. To look before would leave time for another to take it.
fn is_port_taken(error: &NodeError) -> bool {
    let causes = iter::successors(Some(error as &dyn Error), |&cause| cause.source());
    let mut io_errors = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    io_errors.any(|error| error.kind() == io::ErrorKind::AddrInUse)
}
