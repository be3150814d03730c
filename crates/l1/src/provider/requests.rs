//! Requests that may be repeated at another endpoint.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{Log, Transaction, TransactionReceipt, TransactionRequest};

use super::{Answer, FeeHistory, L1Provider, Param};
use crate::{L1Error, L1Header};

impl L1Provider {
    /// Any request.
    ///
    /// # Errors
    /// Any [`L1Error`] of the network.
    pub async fn request<P: Param, R: Answer>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, L1Error> {
        self.with_retries(|session| {
            let params = params.clone();
            async move { session.request(method, params).await }
        })
        .await
    }

    /// Chain id of L1, checked against the configuration.
    ///
    /// # Errors
    /// As every request.
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        self.with_retries(|session| async move { session.chain_id().await })
            .await
    }

    /// The newest block.
    ///
    /// # Errors
    /// As every request.
    pub async fn head(&self) -> Result<L1Header, L1Error> {
        self.with_retries(|session| async move { session.head().await })
            .await
    }

    /// The header of a block, if the endpoint has it. Its hash has been computed.
    ///
    /// # Errors
    /// As every request.
    pub async fn header(&self, block: BlockId) -> Result<Option<L1Header>, L1Error> {
        self.with_retries(|session| async move { session.header(block).await })
            .await
    }

    /// The logs of one block, by its hash.
    ///
    /// # Errors
    /// As every request.
    pub async fn logs(
        &self,
        block: B256,
        addresses: Vec<Address>,
        topics: Vec<B256>,
    ) -> Result<Vec<Log>, L1Error> {
        self.with_retries(|session| {
            let (addresses, topics) = (addresses.clone(), topics.clone());
            async move { session.logs_of_block(block, addresses, topics).await }
        })
        .await
    }

    /// What a call returns.
    ///
    /// # Errors
    /// As every request; a revert is [`L1Error::Rpc`] with its data.
    pub async fn call(&self, to: Address, data: Bytes, block: BlockId) -> Result<Bytes, L1Error> {
        self.with_retries(|session| {
            let data = data.clone();
            async move { session.call(to, data, block).await }
        })
        .await
    }

    /// Gas that a transaction needs.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn estimate_gas(&self, request: TransactionRequest) -> Result<u64, L1Error> {
        let gas: U64 = self.request("eth_estimateGas", (request,)).await?;
        Ok(gas.to())
    }

    /// Fees of the last `blocks` blocks.
    ///
    /// # Errors
    /// As every request.
    pub async fn fee_history(
        &self,
        blocks: u64,
        percentiles: Vec<f64>,
    ) -> Result<FeeHistory, L1Error> {
        let params = (U64::from(blocks), BlockNumberOrTag::Latest, percentiles);
        self.request("eth_feeHistory", params).await
    }

    /// Balance of an account in the newest block, wei.
    ///
    /// # Errors
    /// As every request.
    pub async fn balance(&self, address: Address) -> Result<U256, L1Error> {
        let params = (address, BlockNumberOrTag::Latest);
        self.request("eth_getBalance", params).await
    }

    /// Next nonce of an account: after its mined (`Latest`) or all its known transactions (`Pending`).
    ///
    /// # Errors
    /// As every request.
    pub async fn nonce(&self, address: Address, at: BlockNumberOrTag) -> Result<u64, L1Error> {
        let nonce: U64 = self
            .request("eth_getTransactionCount", (address, at))
            .await?;
        Ok(nonce.to())
    }

    /// Code of an account in the newest block.
    ///
    /// # Errors
    /// As every request.
    pub async fn code(&self, address: Address) -> Result<Bytes, L1Error> {
        let params = (address, BlockNumberOrTag::Latest);
        self.request("eth_getCode", params).await
    }

    /// Sends a signed transaction; returns its hash. One that is known already is an
    /// [`L1Error::Rpc`] with the endpoint's words.
    ///
    /// # Errors
    /// As every request.
    pub async fn send_raw(&self, transaction: Bytes) -> Result<B256, L1Error> {
        self.request("eth_sendRawTransaction", (transaction,)).await
    }

    /// Receipt of a transaction, if it is mined.
    ///
    /// # Errors
    /// As every request.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, L1Error> {
        self.request("eth_getTransactionReceipt", (hash,)).await
    }

    /// A transaction that is mined or waits.
    ///
    /// # Errors
    /// As every request.
    pub async fn tx_by_hash(&self, hash: B256) -> Result<Option<Transaction>, L1Error> {
        self.request("eth_getTransactionByHash", (hash,)).await
    }
}
