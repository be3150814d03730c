//! Transactions before and after they are signed.

use std::sync::Arc;

use alloy_consensus::{
    EthereumTxEnvelope, SignableTransaction, Signed, Transaction, TxEip1559, TxEip4844,
    TxEip4844WithSidecar, transaction::PooledTransaction,
};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use serde_json::{Value, json};

use super::{
    Sidecar, TxRequest,
    fees::{Fees, Use},
};

/// A request without its label: what has to get into a block.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) to: Address,
    pub(super) data: Bytes,
    pub(super) value: U256,
    pub(super) blobs: Option<Sidecar>,
    pub(super) gas_limit: Option<u64>,
}

impl From<TxRequest> for Job {
    fn from(request: TxRequest) -> Self {
        Self {
            to: request.to,
            data: request.data,
            value: request.value,
            blobs: request.blobs,
            gas_limit: request.gas_limit,
        }
    }
}

impl Job {
    /// What does nothing but use up a nonce of `account`. Blobs are replaced by blobs: geth's pools
    /// take no other kind of transaction from an account that has some.
    pub(super) fn cancel(account: Address, blobs: Option<Sidecar>) -> Self {
        Self {
            to: account,
            data: Bytes::new(),
            value: U256::ZERO,
            blobs,
            gas_limit: Some(21_000),
        }
    }

    pub(super) fn blob_count(&self) -> usize {
        self.blobs.as_ref().map_or(0, |blobs| blobs.blobs.len())
    }

    pub(super) fn used(&self, gas: u64) -> Use {
        Use {
            gas,
            blobs: self.blob_count(),
        }
    }

    /// The arguments of `eth_call` and `eth_estimateGas`.
    pub(super) fn to_call(&self, from: Address) -> Value {
        let mut call = json!({
            "from": from,
            "to": self.to,
            "value": self.value,
            "input": self.data,
        });
        if let Some(blobs) = &self.blobs {
            call["blobVersionedHashes"] = json!(blobs.versioned_hashes().collect::<Vec<_>>());
        }
        if let Some(gas) = self.gas_limit {
            call["gas"] = json!(format!("{gas:#x}"));
        }
        call
    }

    /// The transaction with everything that is chosen when it is sent.
    pub(super) fn with(&self, chain_id: u64, nonce: u64, gas_limit: u64, fees: Fees) -> Unsigned {
        let Some(blobs) = &self.blobs else {
            return Unsigned::Call(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.tip,
                to: TxKind::Call(self.to),
                value: self.value,
                input: self.data.clone(),
                access_list: Default::default(),
            });
        };
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            blob_versioned_hashes: blobs.versioned_hashes().collect(),
            max_fee_per_blob_gas: fees.max_blob_fee.unwrap_or(1),
            input: self.data.clone(),
        };
        Unsigned::Blobs(tx, Arc::clone(blobs))
    }
}

/// A transaction without its signature.
#[derive(Debug, Clone)]
pub(super) enum Unsigned {
    Call(TxEip1559),
    Blobs(TxEip4844, Sidecar),
}

impl Unsigned {
    pub(super) fn signature_hash(&self) -> B256 {
        match self {
            Self::Call(tx) => tx.signature_hash(),
            Self::Blobs(tx, _) => tx.signature_hash(),
        }
    }

    /// The arguments of `eth_signTransaction`.
    pub(super) fn to_request(&self, from: Address) -> Value {
        fn common(tx: &impl Transaction, from: Address) -> Value {
            let hex = |number: u128| format!("{number:#x}");
            json!({
                "from": from,
                "to": tx.to(),
                "nonce": hex(tx.nonce().into()),
                "gas": hex(tx.gas_limit().into()),
                "value": tx.value(),
                "data": tx.input(),
                "chainId": hex(tx.chain_id().unwrap_or_default().into()),
                "maxFeePerGas": hex(tx.max_fee_per_gas()),
                "maxPriorityFeePerGas": hex(tx.max_priority_fee_per_gas().unwrap_or_default()),
            })
        }
        match self {
            Self::Call(tx) => common(tx, from),
            Self::Blobs(tx, _) => {
                let mut request = common(tx, from);
                request["maxFeePerBlobGas"] = json!(format!("{:#x}", tx.max_fee_per_blob_gas));
                request["blobVersionedHashes"] = json!(tx.blob_versioned_hashes);
                request
            }
        }
    }

    /// The bytes that are sent, and their hash.
    pub(super) fn into_raw(self, signature: Signature) -> (Bytes, B256) {
        match self {
            Self::Call(tx) => {
                let signed = tx.into_signed(signature);
                let hash = *signed.hash();
                let envelope = EthereumTxEnvelope::<TxEip4844>::Eip1559(signed);
                (envelope.encoded_2718().into(), hash)
            }
            Self::Blobs(tx, blobs) => {
                let signed = tx.into_signed(signature);
                let hash = *signed.hash();
                let (tx, signature, hash_of) = signed.into_parts();
                let sidecar = blobs.as_ref().clone();
                let tx = TxEip4844WithSidecar { tx, sidecar };
                let envelope =
                    PooledTransaction::Eip4844(Signed::new_unchecked(tx, signature, hash_of));
                (envelope.encoded_2718().into(), hash)
            }
        }
    }
}

/// What was signed, read back from its bytes.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) job: Job,
    pub(super) gas: u64,
    pub(super) fees: Fees,
}

impl Sent {
    /// `None` if the bytes are not of a transaction that the manager makes.
    pub(super) fn decode(raw: &Bytes) -> Option<Self> {
        let mut rest: &[u8] = raw;
        let envelope = PooledTransaction::decode_2718(&mut rest).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let blobs = match &envelope {
            PooledTransaction::Eip1559(_) => None,
            PooledTransaction::Eip4844(signed) => Some(Arc::new(signed.tx().sidecar.clone())),
            _ => return None,
        };
        Some(Self {
            job: Job {
                to: envelope.to()?,
                data: envelope.input().clone(),
                value: envelope.value(),
                blobs,
                gas_limit: Some(envelope.gas_limit()),
            },
            gas: envelope.gas_limit(),
            fees: Fees::of(&envelope),
        })
    }

    /// Most that it can take from the account.
    pub(super) fn cost(&self) -> U256 {
        let used = self.job.used(self.gas);
        self.fees.cost(used).saturating_add(self.job.value)
    }
}
