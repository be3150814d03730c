//! Requests to one endpoint. What can be verified by itself is.

use std::{ops::RangeInclusive, sync::Arc};

use alloy_consensus::{ReceiptEnvelope, proofs::calculate_receipt_root};
use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, Header, Log, TransactionReceipt, TransactionRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use super::{Answer, HeadSignal, Param, classify::classify, endpoint::Endpoint};
use crate::{L1Error, L1Header};

/// Requests for headers that are under way at a time.
const HEADERS_AT_ONCE: usize = 16;

/// Requests that all go to one endpoint and are not repeated, so that what they say is of one source.
#[derive(Debug, Clone)]
pub struct Session {
    endpoint: Arc<Endpoint>,
}

impl Session {
    pub(super) const fn new(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Name of the endpoint, without credentials.
    pub fn name(&self) -> &str {
        self.endpoint.name()
    }

    /// Place of the endpoint in the list.
    pub fn index(&self) -> usize {
        self.endpoint.index()
    }

    /// An [`L1Error::Inconsistent`] of this endpoint.
    pub(crate) fn contradiction(&self, what: impl Into<String>) -> L1Error {
        L1Error::Inconsistent {
            endpoint: self.name().to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn malformed(&self, method: &'static str, reason: impl Into<String>) -> L1Error {
        L1Error::Malformed {
            endpoint: self.name().to_owned(),
            method,
            reason: reason.into(),
        }
    }

    /// Any request.
    ///
    /// # Errors
    /// Any [`L1Error`] of the network.
    pub async fn request<P: Param, R: Answer>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, L1Error> {
        let client = self.endpoint.client().await?;
        let after = self.endpoint.limits().request_timeout;
        let outcome = timeout(after, client.raw_request(method.into(), params)).await;
        let error = match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => classify(&self.endpoint, method, &error),
            Err(_) => L1Error::Timeout {
                endpoint: self.name().to_owned(),
                method,
                after,
            },
        };
        if matches!(error, L1Error::Connection { .. } | L1Error::Timeout { .. }) {
            self.endpoint.disconnect().await;
        }
        Err(error)
    }

    /// Chain id, which is that of the configuration.
    ///
    /// # Errors
    /// [`L1Error::WrongChain`], and as every request.
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        let found: U64 = self.request("eth_chainId", ()).await?;
        let (found, expected) = (found.to(), self.endpoint.limits().chain_id);
        if found == expected {
            return Ok(found);
        }
        Err(L1Error::WrongChain {
            endpoint: self.name().to_owned(),
            found,
            expected,
        })
    }

    /// The newest block.
    ///
    /// # Errors
    /// As every request.
    pub async fn head(&self) -> Result<L1Header, L1Error> {
        let latest = BlockId::Number(BlockNumberOrTag::Latest);
        let head = self.header(latest).await?;
        let head =
            head.ok_or_else(|| self.malformed("eth_getBlockByNumber", "there is no head"))?;
        self.endpoint.note_head(head.to_ref());
        Ok(head)
    }

    /// The header of a block, if the endpoint has it: what was asked for, with a hash that is its own.
    ///
    /// # Errors
    /// [`L1Error::Inconsistent`], and as every request.
    pub async fn header(&self, block: BlockId) -> Result<Option<L1Header>, L1Error> {
        let header: Option<Header> = match block {
            BlockId::Hash(hash) => {
                let params = (hash.block_hash, false);
                self.request("eth_getBlockByHash", params).await?
            }
            BlockId::Number(number) => {
                let params = (number, false);
                self.request("eth_getBlockByNumber", params).await?
            }
        };
        let Some(Header { hash, inner, .. }) = header else {
            return Ok(None);
        };
        let header = L1Header::new(inner);
        if header.hash() != hash {
            let computed = header.hash();
            let number = header.inner().number;
            let what = format!("block {number} has hash {computed}, not {hash}");
            return Err(self.contradiction(what));
        }
        let is_asked = match block {
            BlockId::Hash(asked) => asked.block_hash == hash,
            BlockId::Number(BlockNumberOrTag::Number(asked)) => asked == header.inner().number,
            BlockId::Number(_) => true,
        };
        if !is_asked {
            return Err(self.contradiction(format!("asked for block {block} it gave {hash}")));
        }
        Ok(Some(header))
    }

    /// The headers of consecutive blocks, each the parent of the next.
    ///
    /// # Errors
    /// [`L1Error::UnknownBlock`] if one is missing; [`L1Error::Inconsistent`] if they do not link
    /// (which a reorganisation between two requests can cause as well); as every request.
    pub async fn headers(&self, numbers: RangeInclusive<u64>) -> Result<Vec<L1Header>, L1Error> {
        let asked = numbers.map(|number| {
            let session = self.clone();
            async move {
                let header = session.header(BlockId::Number(number.into())).await?;
                header.ok_or_else(|| L1Error::UnknownBlock {
                    block: number.to_string(),
                })
            }
        });
        let headers: Vec<L1Header> = stream::iter(asked)
            .buffered(HEADERS_AT_ONCE)
            .try_collect()
            .await?;
        for pair in headers.windows(2) {
            if let [before, after] = pair
                && after.inner().parent_hash != before.hash()
            {
                return Err(L1Error::UnknownBlock {
                    block: format!("{} as parent", after.inner().parent_hash),
                });
            }
        }
        Ok(headers)
    }

    /// The logs of one block, by its hash.
    ///
    /// # Errors
    /// As every request.
    pub async fn logs_of_block(
        &self,
        block: B256,
        addresses: Vec<Address>,
        topics: Vec<B256>,
    ) -> Result<Vec<Log>, L1Error> {
        let filter = Filter::new()
            .address(addresses)
            .event_signature(topics)
            .at_block_hash(block);
        self.request("eth_getLogs", (filter,)).await
    }

    /// The logs of a range of blocks.
    ///
    /// # Errors
    /// As every request.
    pub async fn logs_of_range(
        &self,
        numbers: RangeInclusive<u64>,
        addresses: Vec<Address>,
        topics: Vec<B256>,
    ) -> Result<Vec<Log>, L1Error> {
        let filter = Filter::new()
            .address(addresses)
            .event_signature(topics)
            .from_block(*numbers.start())
            .to_block(*numbers.end());
        self.request("eth_getLogs", (filter,)).await
    }

    /// The receipts of a block, proven by the root in its header.
    ///
    /// # Errors
    /// [`L1Error::UnknownBlock`], [`L1Error::Inconsistent`], and as every request.
    pub async fn proven_receipts(
        &self,
        header: &L1Header,
    ) -> Result<Vec<TransactionReceipt>, L1Error> {
        let block = RpcBlockHash::from_hash(header.hash(), None);
        let receipts: Option<Vec<TransactionReceipt>> = self
            .request("eth_getBlockReceipts", (block.block_hash,))
            .await?;
        let receipts = receipts.ok_or_else(|| L1Error::UnknownBlock {
            block: header.hash().to_string(),
        })?;
        let envelopes: Vec<ReceiptEnvelope> = receipts
            .iter()
            .map(|receipt| receipt.inner.clone().map_logs(|log| log.inner))
            .collect();
        if calculate_receipt_root(&envelopes) != header.inner().receipts_root {
            let number = header.inner().number;
            let what = format!("the receipts of block {number} do not have its root");
            return Err(self.contradiction(what));
        }
        Ok(receipts)
    }

    /// What a call returns.
    ///
    /// # Errors
    /// As every request; a revert is [`L1Error::Rpc`] with its data.
    pub async fn call(&self, to: Address, data: Bytes, block: BlockId) -> Result<Bytes, L1Error> {
        let request = TransactionRequest::default()
            .to(to)
            .input(alloy_rpc_types_eth::TransactionInput::both(data));
        self.request("eth_call", (request, block)).await
    }

    /// Code of an account.
    ///
    /// # Errors
    /// As every request.
    pub async fn code(&self, address: Address, block: BlockId) -> Result<Bytes, L1Error> {
        self.request("eth_getCode", (address, block)).await
    }

    /// Notices of new heads; `None` if the endpoint has none to give.
    pub async fn subscribe_heads(&self) -> Option<HeadSignal> {
        if !self.endpoint.is_websocket() {
            return None;
        }
        let client = self.endpoint.client().await.ok()?;
        let after = self.endpoint.limits().request_timeout;
        let subscription = timeout(after, client.subscribe_blocks().into_future()).await;
        let subscription = subscription.ok()?.ok()?;
        let notices = subscription.into_raw().into_stream().map(|_| ());
        Some(HeadSignal {
            endpoint: self.endpoint.index(),
            notices: notices.boxed(),
        })
    }
}
