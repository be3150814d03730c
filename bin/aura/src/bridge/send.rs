//! Sending, with a line for each step.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use aura_l1::tx::{
    L1Rpc, MemoryTxStore, Signer, TxConfig, TxManager, TxOutcome, TxRequest, TxState, Waiting,
};
use aura_runtime::{CancellationToken, Tasks};

use super::{
    amount::{show_ether, show_time},
    args::Key,
    report::{Failure, Report},
    session::{ChainRpc, Session, reason},
};

/// Gas that any call here can take, to see beforehand whether an account can pay it.
const ROUGH_GAS: u64 = 50_000;
/// A transaction that is not mined for so long gets higher fees.
const RESUBMIT_AFTER: Duration = Duration::from_secs(30);

/// One account on one chain.
pub(super) struct Wallet {
    manager: TxManager,
    tasks: Tasks,
    chain: ChainRpc,
    name: &'static str,
}

/// The signer of `key` for chain `chain_id`.
pub(super) fn signer(key: &Key, chain_id: u64) -> eyre::Result<Signer> {
    if let Some(index) = key.dev_account {
        return Ok(Signer::dev(index, chain_id)?);
    }
    if let (Some(url), Some(from)) = (&key.remote_signer, key.from) {
        return Ok(Signer::remote(url, from)?);
    }
    let file = key.key_file.as_deref();
    let file = file.ok_or_else(|| eyre::eyre!("a key is needed"))?;
    Ok(Signer::from_file(file, key.password_file.as_deref())?)
}

impl Wallet {
    /// The account of `key` on L1. It is refused where the development keys are, unless both chains
    /// are development chains.
    pub(super) async fn on_l1(session: &Session, key: &Key) -> eyre::Result<Self> {
        signer(key, session.l2.chain_id)?;
        Self::open("L1", &session.l1, key).await
    }

    /// The account of `key` on L2.
    pub(super) async fn on_l2(session: &Session, key: &Key) -> eyre::Result<Self> {
        signer(key, session.l1.chain_id)?;
        Self::open("L2", &session.l2, key).await
    }

    async fn open(name: &'static str, chain: &ChainRpc, key: &Key) -> eyre::Result<Self> {
        let config = TxConfig {
            chain_id: chain.chain_id,
            poll_interval: Duration::from_millis(300),
            resubmit_after: RESUBMIT_AFTER,
            low_balance: U256::ZERO,
            ..TxConfig::default()
        };
        let rpc: Arc<dyn L1Rpc> = Arc::new(chain.rpc.clone());
        let store = Arc::new(MemoryTxStore::default());
        let signer = signer(key, chain.chain_id)?;
        let (manager, runner) = TxManager::open("user", config, signer, rpc, store).await?;
        let tasks = Tasks::new();
        let token: CancellationToken = tasks.token();
        tasks.spawn("transactions", async move { Ok(runner.run(token).await?) });
        Ok(Self {
            manager,
            tasks,
            chain: chain.clone(),
            name,
        })
    }

    pub(super) const fn account(&self) -> Address {
        self.manager.account()
    }

    /// Sends `request` and waits until it is mined.
    pub(super) async fn send(
        &self,
        request: TxRequest,
        report: &mut Report,
    ) -> eyre::Result<Arc<TransactionReceipt>> {
        self.can_pay(&request).await?;
        let label = request.label;
        let mut ticket = self.manager.submit(request)?;
        let outcome = loop {
            match ticket.changed().await? {
                TxState::Sent { hash, .. } => {
                    let text = format!("{} transaction {hash} sent ({label})", self.name);
                    report.step("sent", &text);
                }
                TxState::Waiting(Waiting::Funds) => return Err(self.broke().await?.into()),
                TxState::Waiting(Waiting::Fees) => {
                    report.step("waits", &format!("{} is expensive: waiting", self.name));
                }
                TxState::Waiting(Waiting::Refused | Waiting::Unavailable) => {
                    let text = format!("{} does not take it now: trying again", self.name);
                    report.step("waits", &text);
                }
                TxState::Done(outcome) => break outcome,
                _ => {}
            }
        };
        match outcome {
            TxOutcome::Mined { receipt, .. } => {
                let block = receipt.block_number.unwrap_or_default();
                let text = format!("mined in {} block {block}", self.name);
                report.step("mined", &text);
                Ok(receipt)
            }
            TxOutcome::Reverted { data, message, .. } => {
                let why = if data.is_empty() {
                    message
                } else {
                    reason(&data)
                };
                Err(Failure::Refused(format!("{label} is refused: {}", explained(&why))).into())
            }
            _ => Err(Failure::Refused(format!("{label} was cancelled")).into()),
        }
    }

    async fn can_pay(&self, request: &TxRequest) -> eyre::Result<()> {
        let balance = self.chain.balance(self.account()).await?;
        let price: U256 = self
            .chain
            .ask("eth_gasPrice", serde_json::json!([]))
            .await?;
        let needed = request.value + price * U256::from(ROUGH_GAS);
        if balance >= needed {
            return Ok(());
        }
        Err(Failure::Funds(format!(
            "{} has {} on {}; it needs {} and gas",
            self.account(),
            show_ether(balance),
            self.name,
            show_ether(request.value)
        ))
        .into())
    }

    async fn broke(&self) -> eyre::Result<Failure> {
        let balance = self.chain.balance(self.account()).await?;
        Ok(Failure::Funds(format!(
            "{} has {} on {}, which is not enough for the transaction and its gas",
            self.account(),
            show_ether(balance),
            self.name
        )))
    }

    pub(super) async fn close(self) -> eyre::Result<()> {
        self.tasks.token().cancel();
        self.tasks.wait(Duration::from_secs(5)).await
    }
}

/// What can be done about a refusal, where its name does not say.
pub(super) fn explained(why: &str) -> String {
    let name = why.split([' ', '(']).next().unwrap_or_default();
    let until = || {
        let digits: String = why.chars().filter(char::is_ascii_digit).collect();
        let until: u64 = digits.parse().unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let left = until.saturating_sub(now.unwrap_or_default().as_secs());
        show_time(Duration::from_secs(left))
    };
    let hint = match name {
        "OutflowLimited" => format!(
            "the portal's daily limit is used up; come again in {}",
            until()
        ),
        "Paused" => format!("payouts are paused, at most for another {}", until()),
        "OverCap" => "the escrow would hold more than its cap".to_owned(),
        "NotRegistered" => "the token is not registered: --register does it".to_owned(),
        "SendFailed" => {
            "the recipient does not take ether; nothing is lost, it can be claimed later".to_owned()
        }
        "BadGas" => "the gas limit is too low or too high".to_owned(),
        "Frozen" => "the bridge is frozen".to_owned(),
        "ERC20InsufficientBalance" => "not enough tokens".to_owned(),
        _ => return why.to_owned(),
    };
    format!("{why}: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_can_be_done() {
        assert!(explained("NotRegistered").contains("--register"));
        assert!(explained("OutflowLimited { until: 1 }").contains("come again in 0s"));
        assert_eq!(explained("BadProof"), "BadProof");
    }
}
