//! Questions and transactions to L1, one after the other.

use std::time::Duration;

use alloy_network::{EthereumWallet, TransactionBuilder};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder, transport::TransportError};
use alloy_rpc_types_eth::{Filter, TransactionReceipt, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use aura_bindings::{Check, revert_text};
use tokio::time::{Instant, sleep};

use super::DeployError;

/// How long a transaction may wait for its block.
const PATIENCE: Duration = Duration::from_secs(300);
/// First pause between two looks; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// L1 with the deployer's key.
pub(super) struct Sender {
    provider: DynProvider,
    pub(super) deployer: Address,
}

fn failed(what: impl Into<String>) -> impl FnOnce(TransportError) -> DeployError {
    let what = what.into();
    move |error| {
        let data = error
            .as_error_resp()
            .and_then(|payload| payload.as_revert_data());
        let what = match data {
            Some(data) => format!("{what}: {}", revert_text(&data)),
            None => what,
        };
        DeployError::L1 {
            what,
            source: Box::new(error),
        }
    }
}

impl Sender {
    pub(super) async fn connect(url: &str, signer: &PrivateKeySigner) -> Result<Self, DeployError> {
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::from(signer.clone()))
            .connect(url)
            .await
            .map_err(failed(format!("cannot connect to {}", origin(url))))?;
        Ok(Self {
            provider: provider.erased(),
            deployer: signer.address(),
        })
    }

    pub(super) async fn chain_id(&self) -> Result<u64, DeployError> {
        let answer = self.provider.get_chain_id().await;
        answer.map_err(failed("chain id"))
    }

    pub(super) async fn nonce(&self) -> Result<u64, DeployError> {
        let answer = self.provider.get_transaction_count(self.deployer).await;
        answer.map_err(failed("nonce of the deployer"))
    }

    pub(super) async fn code(&self, address: Address) -> Result<Bytes, DeployError> {
        let answer = self.provider.get_code_at(address).await;
        answer.map_err(failed("code"))
    }

    /// Refuses a deployer that could not pay `gas` at the price of now.
    pub(super) async fn require_funds(&self, gas: u64) -> Result<(), DeployError> {
        let price = self.provider.get_gas_price().await;
        let needed = U256::from(gas) * U256::from(price.map_err(failed("gas price"))?);
        let balance = self.provider.get_balance(self.deployer).await;
        let balance = balance.map_err(failed("balance of the deployer"))?;
        if balance >= needed {
            return Ok(());
        }
        Err(DeployError::Funds {
            deployer: self.deployer,
            balance,
            needed,
        })
    }

    /// `None` if the answer is the expected one, else expected and found.
    pub(super) async fn differs(
        &self,
        name: &str,
        check: &Check,
    ) -> Result<Option<(Bytes, Bytes)>, DeployError> {
        let (expected, found) = match check {
            Check::Call { to, data, returns } => {
                let request = TransactionRequest::default()
                    .with_to(*to)
                    .with_input(data.clone());
                let answer = self.provider.call(request).await;
                (returns.clone(), answer.map_err(failed(name))?)
            }
            Check::Slot {
                address,
                slot,
                value,
            } => {
                let answer = self.provider.get_storage_at(*address, *slot).await;
                let found = B256::from(answer.map_err(failed(name))?);
                ((*value).into(), found.into())
            }
        };
        Ok((expected != found).then_some((expected, found)))
    }

    /// Sends a transaction with this nonce and waits for its block.
    pub(super) async fn send(
        &self,
        name: &str,
        nonce: u64,
        to: Option<Address>,
        data: Bytes,
    ) -> Result<TransactionReceipt, DeployError> {
        let request = TransactionRequest::default()
            .with_from(self.deployer)
            .with_nonce(nonce)
            .with_input(data);
        let request = match to {
            Some(to) => request.with_to(to),
            None => request.into_create(),
        };
        let pending = self.provider.send_transaction(request).await;
        let hash = *pending.map_err(failed(name))?.tx_hash();
        let receipt = self.receipt(name, hash).await?;
        if !receipt.status() {
            return Err(DeployError::Failed {
                name: name.to_owned(),
                hash,
            });
        }
        tracing::info!(%hash, gas_used = receipt.gas_used, step = name, "deployment goes on");
        Ok(receipt)
    }

    async fn receipt(&self, name: &str, hash: B256) -> Result<TransactionReceipt, DeployError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.provider.get_transaction_receipt(hash).await;
            if let Some(receipt) = answer.map_err(failed(name))? {
                return Ok(receipt);
            }
            if Instant::now() >= deadline {
                return Err(DeployError::NotMined {
                    name: name.to_owned(),
                    hash,
                    seconds: PATIENCE.as_secs(),
                });
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Block of a contract's first log with these topics.
    pub(super) async fn first_log(
        &self,
        address: Address,
        event: B256,
        topic: B256,
    ) -> Result<Option<u64>, DeployError> {
        let filter = Filter::new()
            .address(address)
            .event_signature(event)
            .topic1(topic)
            .from_block(0u64);
        let logs = self.provider.get_logs(&filter).await;
        let logs = logs.map_err(failed("log of the genesis root"))?;
        Ok(logs.first().and_then(|log| log.block_number))
    }
}

/// An endpoint without its path and credentials, which may hold a key.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}
