//! What the manager asks L1, over any carrier of JSON-RPC.

use std::{borrow::Cow, future::Future, pin::Pin, time::Duration};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_provider::{DynProvider, Provider};
use alloy_rpc_types_eth::{FeeHistory, TransactionReceipt};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{L1Error, L1Provider};

/// A node that has not answered after this is unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a question to L1 has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RpcFault {
    /// The node answers with an error.
    #[error("{message}")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// Its text.
        message: String,
        /// Its data, of a revert.
        data: Bytes,
    },
    /// No node answers.
    #[error("L1 is unavailable: {0}")]
    Unavailable(String),
    /// The answer has another form.
    #[error("{method} answers something else: {reason}")]
    Malformed {
        /// The method.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl RpcFault {
    /// Whether asking again can bring an answer.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Malformed { .. })
    }
}

/// An answer that comes later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RpcFault>> + Send + 'a>>;

/// Carries JSON-RPC to an L1 node.
pub trait L1Rpc: Send + Sync {
    /// Calls `method`.
    fn request(&self, method: &'static str, params: Value) -> Answer<'_, Value>;
}

/// One node, without failover.
impl L1Rpc for DynProvider {
    fn request(&self, method: &'static str, params: Value) -> Answer<'_, Value> {
        Box::pin(async move {
            let asked = self.raw_request(Cow::Borrowed(method), params);
            let Ok(answer) = timeout(PATIENCE, asked).await else {
                let text = format!("no answer to {method} within {PATIENCE:?}");
                return Err(RpcFault::Unavailable(text));
            };
            answer.map_err(|error| match error.as_error_resp() {
                Some(payload) => RpcFault::Refused {
                    code: payload.code,
                    message: payload.message.to_string(),
                    data: payload.as_revert_data().unwrap_or_default(),
                },
                None => RpcFault::Unavailable(error.to_string()),
            })
        })
    }
}

/// The node's own way to L1.
impl L1Rpc for L1Provider {
    fn request(&self, method: &'static str, params: Value) -> Answer<'_, Value> {
        Box::pin(async move {
            let answer = L1Provider::request::<Value, Value>(self, method, params).await;
            answer.map_err(|error| match error {
                L1Error::Rpc {
                    code,
                    message,
                    data,
                    ..
                } => RpcFault::Refused {
                    code,
                    message,
                    data: data.unwrap_or_default(),
                },
                error => RpcFault::Unavailable(error.to_string()),
            })
        })
    }
}

/// The account in the newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeadView {
    /// Number of the newest block.
    pub(super) number: u64,
    /// Nonce of the account in that block.
    pub(super) nonce: u64,
    /// Its balance.
    pub(super) balance: U256,
}

/// The questions, with types.
pub(super) struct Asker<'a>(pub(super) &'a dyn L1Rpc);

impl Asker<'_> {
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, RpcFault> {
        let answer = self.0.request(method, params).await?;
        serde_json::from_value(answer).map_err(|error| RpcFault::Malformed {
            method,
            reason: error.to_string(),
        })
    }

    async fn quantity(&self, method: &'static str, params: Value) -> Result<u64, RpcFault> {
        Ok(self.ask::<U64>(method, params).await?.to())
    }

    pub(super) async fn chain_id(&self) -> Result<u64, RpcFault> {
        self.quantity("eth_chainId", json!([])).await
    }

    pub(super) async fn head(&self, account: Address) -> Result<HeadView, RpcFault> {
        // The nonce is asked last: a block between the questions makes the number too low, and then a
        // transaction is confirmed one look later, never too early.
        let number = self.quantity("eth_blockNumber", json!([])).await?;
        let balance = self
            .ask("eth_getBalance", json!([account, "latest"]))
            .await?;
        let nonce = self
            .quantity("eth_getTransactionCount", json!([account, "latest"]))
            .await?;
        Ok(HeadView {
            number,
            nonce,
            balance,
        })
    }

    /// Nonce after the transactions that the node's pool knows.
    pub(super) async fn pending_nonce(&self, account: Address) -> Result<u64, RpcFault> {
        self.quantity("eth_getTransactionCount", json!([account, "pending"]))
            .await
    }

    pub(super) async fn fee_history(&self) -> Result<FeeHistory, RpcFault> {
        self.ask("eth_feeHistory", json!(["0x5", "latest", [50.0]]))
            .await
    }

    /// Gas that `call` takes in `block`.
    pub(super) async fn estimate_gas(&self, call: &Value, block: &str) -> Result<u64, RpcFault> {
        self.quantity("eth_estimateGas", json!([call, block])).await
    }

    /// What `call` returns in `block`.
    pub(super) async fn call(&self, call: &Value, block: &str) -> Result<Bytes, RpcFault> {
        self.ask("eth_call", json!([call, block])).await
    }

    pub(super) async fn send(&self, raw: &Bytes) -> Result<B256, RpcFault> {
        self.ask("eth_sendRawTransaction", json!([raw])).await
    }

    pub(super) async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, RpcFault> {
        self.ask("eth_getTransactionReceipt", json!([hash])).await
    }

    /// Whether the node knows the transaction, mined or not.
    pub(super) async fn knows(&self, hash: B256) -> Result<bool, RpcFault> {
        let answer = self
            .0
            .request("eth_getTransactionByHash", json!([hash]))
            .await?;
        Ok(!answer.is_null())
    }
}
