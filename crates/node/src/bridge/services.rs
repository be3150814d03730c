//! The services between L1 and L2 as tasks of a node.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolCall;
use aura_bindings::{Deployment, rollup::AuraRollup};
use aura_chain::Chain;
use aura_chainspec::BridgeSpec;
use aura_l1::{
    L1Config, L1Contracts, L1Provider, L1Ref, L1View, Tracker,
    tx::{TxManager, TxRunner},
};
use aura_primitives::{HeadLabel, bridge::Output};
use aura_rpc::{BridgeContext, FinalityRule, L1Heads, L1Point};
use aura_runtime::{CancellationToken, Tasks};
use aura_sequencer::{Bridge, ForcedBatch, RequestError, SequencerHandle};
use aura_settlement::{
    Batcher, Limits, Proposer, Rollup, SequencerRefusal, SequencerRequest, SettlementConfig,
};
use aura_storage::StorageError;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{BridgeSection, NodeError};

/// Requests of the batcher to the sequencer that may wait; it waits for each answer anyway.
const REQUESTS: usize = 1;

/// Settings of the keys; the tasks and metrics of their transactions are called so as well.
const SEQUENCER_KEY: &str = "sequencer_key";
const PROPOSER_KEY: &str = "proposer_key";
/// How long a start waits for L1 to say what an account may do.
const ROLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the other parts of the node need of the bridge.
pub(crate) struct Services {
    /// For the sequencer.
    pub(crate) bridge: Bridge,
    /// For JSON-RPC.
    pub(crate) context: BridgeContext,
}

/// What each service is made with.
struct Parts<'a> {
    section: &'a BridgeSection,
    spec: BridgeSpec,
    chain: &'a Chain,
    provider: L1Provider,
    view: L1View,
    rollup: Rollup,
}

/// Starts the watcher, and batcher and proposer where there are keys for them. `None` if no endpoint
/// of L1 is set, or the chain has no bridge.
pub(crate) async fn start(
    tasks: &Tasks,
    section: &BridgeSection,
    chain: &Chain,
) -> Result<Option<Services>, NodeError> {
    let Some(spec) = chain.spec().bridge().copied() else {
        if !section.l1_rpc.is_empty() {
            return Err(NodeError::Config(
                "bridge.l1_rpc is set, but the genesis has no section `aura.bridge`".to_owned(),
            ));
        }
        return Ok(None);
    };
    check_contract(section, &spec)?;
    if section.l1_rpc.is_empty() {
        tracing::warn!("no endpoint of L1 is set: no deposits are taken and nothing is posted");
        return Ok(None);
    }
    let genesis_output = stored_genesis_output(chain)?;
    let config = l1_config(section, &spec, chain, &genesis_output)?;
    let provider = L1Provider::new(&config)?;
    let contracts = L1Contracts {
        l2_chain_id: chain.spec().chain_id(),
        genesis_output,
    };
    let tracker = Tracker::new(config, provider.clone(), chain.clone(), contracts)?;
    let view = tracker.view();
    let token = tasks.token();
    tasks.spawn("l1-watcher", async move { Ok(tracker.run(token).await?) });
    let rollup = Rollup {
        l1_chain_id: spec.l1_chain_id,
        address: spec.rollup,
        genesis_output,
    };
    let parts = Parts {
        section,
        spec,
        chain,
        provider,
        view: view.clone(),
        rollup,
    };
    let (handle, requests) = SequencerHandle::new();
    let batcher = parts.start_batcher(tasks, handle).await?;
    let proposer = parts.start_proposer(tasks).await?;
    let finality = parts.learn_finality(tasks);
    let context = BridgeContext {
        finality,
        batcher,
        proposer,
        heads: heads(view.clone()),
    };
    let bridge = Bridge::new(view, spec, requests).hold_queue(section.hold_queue);
    Ok(Some(Services { bridge, context }))
}

/// A portal or deployment file that was named must be the genesis's.
fn check_contract(section: &BridgeSection, spec: &BridgeSpec) -> Result<(), NodeError> {
    match section.contract {
        Some(contract) if contract != spec.portal => Err(NodeError::Config(format!(
            "the genesis names the portal {}, not {contract}",
            spec.portal
        ))),
        _ => Ok(()),
    }
}

/// What the rollup on L1 must start from, as the database has it.
fn stored_genesis_output(chain: &Chain) -> Result<Output, NodeError> {
    let reader = chain.store().reader()?;
    let header = reader
        .header(0)?
        .ok_or(StorageError::MissingBlock { number: 0 })?;
    Ok(Output {
        state_root: header.state_root,
        withdrawal_root: header.withdrawals_root.unwrap_or_default(),
        l2_block_hash: header.seal(),
        l2_block: 0,
        batch_index: 0,
        batch_hash: B256::ZERO,
    })
}

fn l1_config(
    section: &BridgeSection,
    spec: &BridgeSpec,
    chain: &Chain,
    output: &Output,
) -> Result<L1Config, NodeError> {
    let urls = section.l1_rpc.iter().map(|text| {
        text.parse()
            .map_err(|error| NodeError::Config(format!("bridge.l1_rpc: {text}: {error}")))
    });
    let urls = urls.collect::<Result<Vec<_>, _>>()?;
    let mut config = L1Config::new(urls, spec.l1_chain_id, spec.portal, spec.rollup);
    config.confirmations = section.confirmations.0;
    config.poll_interval = section.poll_interval();
    if let Some(file) = &section.deployment {
        let deployment = Deployment::from_file(file)?;
        deployment.check_genesis(chain.spec(), output.l2_block_hash)?;
        config.deploy_block = deployment.deploy_block;
    }
    if let Some(block) = section.deploy_block {
        config.deploy_block = block;
    }
    Ok(config)
}

impl Parts<'_> {
    /// Opens the lane of a key and runs it.
    async fn open_lane(
        &self,
        tasks: &Tasks,
        role: &'static str,
        key: &crate::KeySection,
    ) -> Result<TxManager, NodeError> {
        let signer = key.open(role, self.spec.l1_chain_id)?;
        self.check_role(role, signer.address()).await?;
        let config = self.section.tx_config(self.spec.l1_chain_id);
        let rpc = Arc::new(self.provider.clone());
        let store = Arc::new(self.chain.clone());
        let (manager, runner): (TxManager, TxRunner) =
            TxManager::open(role, config, signer, rpc, store).await?;
        let token = tasks.token();
        tasks.spawn(role, async move { Ok(runner.run(token).await?) });
        tracing::info!(account = %manager.account(), role, "posting to L1");
        Ok(manager)
    }

    /// Refuses a key whose account may not post. An L1 that does not answer in time says it later.
    async fn check_role(&self, key: &'static str, account: Address) -> Result<(), NodeError> {
        let role = keccak256(match key {
            SEQUENCER_KEY => "SEQUENCER",
            _ => "PROPOSER",
        });
        let call = AuraRollup::hasRoleCall { role, account }.abi_encode();
        let rollup = self.rollup.address;
        let question = self.provider.call(rollup, call.into(), BlockId::latest());
        let answer = timeout(ROLE_TIMEOUT, question).await;
        let Ok(Ok(answer)) = answer else {
            return Ok(());
        };
        match AuraRollup::hasRoleCall::abi_decode_returns(&answer) {
            Ok(false) => Err(NodeError::Config(format!(
                "bridge.{key}: account {account} has no such role on the rollup {rollup}: grant it, or configure another key"
            ))),
            // Another contract: the watcher says so.
            Ok(true) | Err(_) => Ok(()),
        }
    }

    async fn start_batcher(
        &self,
        tasks: &Tasks,
        handle: SequencerHandle,
    ) -> Result<Option<Address>, NodeError> {
        let Some(key) = &self.section.sequencer_key else {
            tracing::warn!("no sequencer key: no batch is posted");
            return Ok(None);
        };
        let manager = self.open_lane(tasks, SEQUENCER_KEY, key).await?;
        let account = manager.account();
        let (asks, requests) = mpsc::channel(REQUESTS);
        let token = tasks.token();
        tasks.spawn("sequencer-requests", async move {
            pass_on(requests, handle, token).await;
            Ok(())
        });
        let batcher = Batcher::new(
            self.settlement(),
            self.rollup,
            self.chain.clone(),
            self.view.clone(),
            self.provider.clone(),
            manager,
            asks,
        )?;
        let token = tasks.token();
        tasks.spawn("batcher", async move { Ok(batcher.run(token).await?) });
        Ok(Some(account))
    }

    async fn start_proposer(&self, tasks: &Tasks) -> Result<Option<Address>, NodeError> {
        let Some(key) = &self.section.proposer_key else {
            tracing::warn!("no proposer key: no root is posted");
            return Ok(None);
        };
        let manager = self.open_lane(tasks, PROPOSER_KEY, key).await?;
        let account = manager.account();
        let proposer = Proposer::new(
            self.settlement(),
            self.rollup,
            self.chain.clone(),
            self.view.clone(),
            self.provider.clone(),
            manager,
        )?;
        let token = tasks.token();
        tasks.spawn("proposer", async move { Ok(proposer.run(token).await?) });
        Ok(Some(account))
    }

    fn settlement(&self) -> SettlementConfig {
        self.section.settlement.clone()
    }

    /// Asks the rollup for its rules until it answers; they never change.
    fn learn_finality(&self, tasks: &Tasks) -> Arc<OnceLock<FinalityRule>> {
        let known = Arc::new(OnceLock::new());
        let (provider, rollup) = (self.provider.clone(), self.rollup.address);
        let (known_by_task, token) = (Arc::clone(&known), tasks.token());
        let pause = self.section.poll_interval();
        tasks.spawn("finality-rule", async move {
            let learn = async {
                loop {
                    match Limits::read(&provider, rollup).await {
                        Ok(limits) => {
                            let rule = FinalityRule {
                                window: limits.window,
                                fast: limits.fast,
                                k_slow: limits.k_slow,
                                k_fast: limits.k_fast,
                            };
                            // Nobody else sets it.
                            known_by_task.set(rule).ok();
                            return std::future::pending::<()>().await;
                        }
                        Err(error) => tracing::debug!(%error, "the rollup does not answer yet"),
                    }
                    sleep(pause).await;
                }
            };
            tokio::select! {
                () = token.cancelled() => {}
                () = learn => {}
            }
            Ok(())
        });
        known
    }
}

/// What JSON-RPC tells of L1.
fn heads(view: L1View) -> Arc<dyn Fn() -> L1Heads + Send + Sync> {
    let point = |at: L1Ref| L1Point {
        number: at.number,
        hash: at.hash,
        timestamp: at.timestamp,
    };
    Arc::new(move || {
        let status = view.status();
        L1Heads {
            head: point(status.head),
            safe: point(status.safe),
            finalized: point(status.finalized),
            queue_len: status.queue_len,
            synced: status.synced,
        }
    })
}

/// Carries what the batcher asks to the sequencer, and the answers back.
async fn pass_on(
    mut requests: mpsc::Receiver<SequencerRequest>,
    sequencer: SequencerHandle,
    token: CancellationToken,
) {
    let refusal = |error| match error {
        RequestError::NotYet => SequencerRefusal::NotYet,
        RequestError::WrongBlock(block) => SequencerRefusal::WrongBlock(block),
        _ => SequencerRefusal::Ended,
    };
    loop {
        let request = tokio::select! {
            () = token.cancelled() => return,
            request = requests.recv() => request,
        };
        // Whoever asked may be gone.
        match request {
            Some(SequencerRequest::Seal { reply }) => {
                reply.send(sequencer.seal().await.map_err(refusal)).ok();
            }
            Some(SequencerRequest::Rebuild {
                to, forced, reply, ..
            }) => {
                let forced = forced.into_iter().map(|header| ForcedBatch { header });
                let outcome = sequencer.rebuild(to, forced.collect()).await;
                reply.send(outcome.map_err(refusal)).ok();
            }
            None => {
                token.cancelled().await;
                return;
            }
        }
    }
}

/// Makes every durable block safe and final: for a chain that takes nothing back.
pub(crate) async fn finalize_at_once(chain: Chain, token: CancellationToken) {
    use aura_chain::ChainEvent;
    use tokio::sync::broadcast::error::RecvError;

    let pool = aura_runtime::BlockingPool::new("finality", 1, 4);
    let mut events = chain.subscribe();
    loop {
        let event = tokio::select! {
            () = token.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(ChainEvent::Committed(block)) if events.is_empty() => {
                let (chain, head) = (chain.clone(), block.block.num_hash());
                let set = move || {
                    chain.set_head(HeadLabel::Safe, head)?;
                    chain.set_head(HeadLabel::Finalized, head)
                };
                match pool.run(set).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "blocks are not made final"),
                    Err(error) => tracing::warn!(%error, "blocks are not made final"),
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
