//! JSON-RPC for everything that is not measured: set-up, checks, waiting.

use crate::http::{Connection, Endpoint};
use alloy_primitives::{Address, B256, U256, hex};
use eyre::{OptionExt, Result, WrapErr, bail, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Requests in one batch.
const BATCH: usize = 100;

/// A connection that was idle for longer may have been closed by the server.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// One kept-alive connection for control requests.
#[derive(Debug)]
pub(crate) struct Rpc {
    endpoint: Endpoint,
    connection: Connection,
    used: Instant,
}

#[derive(Deserialize)]
struct Response {
    id: u64,
    result: Option<Value>,
    error: Option<Value>,
}

/// The fields of a receipt that are checked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    /// 1 for success.
    pub(crate) status: U256,
    /// The contract that was created.
    pub(crate) contract_address: Option<Address>,
}

impl Rpc {
    /// Connects to `endpoint`.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self> {
        let connection = Connection::open(endpoint).await?;
        Ok(Self {
            endpoint: endpoint.clone(),
            connection,
            used: Instant::now(),
        })
    }

    async fn send(&mut self, body: &[u8]) -> Result<&[u8]> {
        if self.used.elapsed() > MAX_IDLE {
            self.connection = Connection::open(&self.endpoint).await?;
        }
        self.used = Instant::now();
        self.connection.send(&self.endpoint.request(body)).await
    }

    /// Calls `method` and decodes its result.
    pub(crate) async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<T> {
        let body = serde_json::to_vec(&request(0, method, &params))?;
        let bytes = self.send(&body).await?;
        decode(serde_json::from_slice(bytes)?, method)
    }

    /// Calls one method with many sets of parameters; the results are in their order.
    pub(crate) async fn batch<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Vec<Value>,
    ) -> Result<Vec<T>> {
        let mut results = Vec::with_capacity(params.len());
        for part in params.chunks(BATCH) {
            let body: Vec<_> = (0..)
                .zip(part)
                .map(|(id, p)| request(id, method, p))
                .collect();
            let bytes = self.send(&serde_json::to_vec(&body)?).await?;
            let mut responses: Vec<Response> =
                serde_json::from_slice(bytes).wrap_err_with(|| {
                    String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned()
                })?;
            ensure!(
                responses.len() == part.len(),
                "{method}: the batch is not complete"
            );
            responses.sort_unstable_by_key(|response| response.id);
            for response in responses {
                results.push(decode(response, method)?);
            }
        }
        Ok(results)
    }

    /// The head's number.
    pub(crate) async fn block_number(&mut self) -> Result<u64> {
        Ok(self.call::<U256>("eth_blockNumber", json!([])).await?.to())
    }

    /// The chain's id.
    pub(crate) async fn chain_id(&mut self) -> Result<u64> {
        Ok(self.call::<U256>("eth_chainId", json!([])).await?.to())
    }

    /// Nonces of `addresses` at the head.
    pub(crate) async fn nonces(&mut self, addresses: &[Address]) -> Result<Vec<u64>> {
        let params = addresses
            .iter()
            .map(|address| json!([address, "latest"]))
            .collect();
        let nonces: Vec<U256> = self.batch("eth_getTransactionCount", params).await?;
        Ok(nonces.into_iter().map(|nonce| nonce.to()).collect())
    }

    /// Balances of `addresses` at the head.
    pub(crate) async fn balances(&mut self, addresses: &[Address]) -> Result<Vec<U256>> {
        let params = addresses
            .iter()
            .map(|address| json!([address, "latest"]))
            .collect();
        self.batch("eth_getBalance", params).await
    }

    /// Submits signed transactions.
    pub(crate) async fn submit(&mut self, raws: &[Vec<u8>]) -> Result<Vec<B256>> {
        let params = raws
            .iter()
            .map(|raw| json!([hex::encode_prefixed(raw)]))
            .collect();
        self.batch("eth_sendRawTransaction", params).await
    }

    /// Waits until `hash` is mined with success.
    pub(crate) async fn mined(&mut self, hash: B256, limit: Duration) -> Result<Receipt> {
        let deadline = Instant::now() + limit;
        loop {
            let receipt: Option<Receipt> = self
                .call("eth_getTransactionReceipt", json!([hash]))
                .await?;
            if let Some(receipt) = receipt {
                ensure!(receipt.status == U256::ONE, "transaction {hash} failed");
                return Ok(receipt);
            }
            ensure!(
                Instant::now() < deadline,
                "transaction {hash} was not mined in {limit:?}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the nonces of `addresses` at the head add up to `total`.
    pub(crate) async fn nonces_reach(
        &mut self,
        addresses: &[Address],
        total: u64,
        limit: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let mined: u64 = self.nonces(addresses).await?.iter().sum();
            if mined >= total {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("after {limit:?}, {mined} of {total} transactions were mined");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Numbers of transactions in the blocks `first..=last`.
    pub(crate) async fn block_sizes(&mut self, first: u64, last: u64) -> Result<Vec<u64>> {
        let params = (first..=last)
            .map(|number| json!([format!("{number:#x}")]))
            .collect();
        let sizes: Vec<Option<U256>> = self
            .batch("eth_getBlockTransactionCountByNumber", params)
            .await?;
        sizes
            .into_iter()
            .map(|size| Ok(size.ok_or_eyre("a block is missing")?.to()))
            .collect()
    }
}

/// One request object.
pub(crate) fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn decode<T: DeserializeOwned>(response: Response, method: &str) -> Result<T> {
    if let Some(error) = response.error {
        bail!("{method}: {error}");
    }
    serde_json::from_value(response.result.unwrap_or(Value::Null))
        .wrap_err_with(|| format!("{method} answered something else"))
}
