//! Transactions with their sender.

use alloy_consensus::{
    EthereumTxEnvelope, Sealed, SignableTransaction, Signed, TransactionEnvelope, TxEip4844,
    TxLegacy,
    crypto::RecoveryError,
    transaction::{RlpEcdsaEncodableTx, SignerRecoverable, TxHashRef},
};
use alloy_eips::{
    Typed2718,
    eip2718::{Decodable2718, Encodable2718},
};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_rlp::EMPTY_STRING_CODE;

use crate::TxDeposit;

/// A signed transaction of one of Ethereum's types (legacy, EIP-2930, 1559, 4844, 7702).
pub type SignedEnvelope = EthereumTxEnvelope<TxEip4844>;

/// A transaction of any type that a block can hold.
// `any()` is never true: the derive would otherwise follow the features of alloy.
#[derive(Debug, Clone, TransactionEnvelope)]
#[envelope(tx_type_name = AuraTxType, serde_cfg(any()), arbitrary_cfg(any()))]
pub enum TxEnvelope {
    /// Signed by its sender.
    #[envelope(flatten)]
    Signed(SignedEnvelope),
    /// From the queue of L1, without signature.
    #[envelope(ty = 126)]
    Deposit(Sealed<TxDeposit>),
}

impl TxEnvelope {
    /// Hash of the transaction.
    pub fn tx_hash(&self) -> &B256 {
        match self {
            Self::Signed(tx) => tx.tx_hash(),
            Self::Deposit(tx) => tx.hash_ref(),
        }
    }

    /// The signature; all zero on a deposit, as nobody signs one.
    pub const fn signature(&self) -> Signature {
        match self {
            Self::Signed(tx) => *tx.signature(),
            Self::Deposit(_) => Signature::new(U256::ZERO, U256::ZERO, false),
        }
    }

    /// The signed envelope; `None` for a deposit.
    pub const fn as_signed(&self) -> Option<&SignedEnvelope> {
        match self {
            Self::Signed(tx) => Some(tx),
            Self::Deposit(_) => None,
        }
    }

    /// The deposit; `None` for a signed transaction.
    pub fn as_deposit(&self) -> Option<&TxDeposit> {
        match self {
            Self::Signed(_) => None,
            Self::Deposit(tx) => Some(tx.inner()),
        }
    }

    /// Returns `true` if it comes from the queue of L1.
    pub const fn is_deposit(&self) -> bool {
        matches!(self, Self::Deposit(_))
    }
}

impl TxHashRef for TxEnvelope {
    fn tx_hash(&self) -> &B256 {
        self.tx_hash()
    }
}

/// The sender of a deposit is the one that it names.
impl SignerRecoverable for TxEnvelope {
    fn recover_signer(&self) -> Result<Address, RecoveryError> {
        match self {
            Self::Signed(tx) => tx.recover_signer(),
            Self::Deposit(tx) => Ok(tx.from),
        }
    }

    fn recover_signer_unchecked(&self) -> Result<Address, RecoveryError> {
        match self {
            Self::Signed(tx) => tx.recover_signer_unchecked(),
            Self::Deposit(tx) => Ok(tx.from),
        }
    }
}

impl From<SignedEnvelope> for TxEnvelope {
    fn from(tx: SignedEnvelope) -> Self {
        Self::Signed(tx)
    }
}

impl<T> From<Signed<T>> for TxEnvelope
where
    SignedEnvelope: From<Signed<T>>,
{
    fn from(tx: Signed<T>) -> Self {
        Self::Signed(tx.into())
    }
}

impl From<TxDeposit> for TxEnvelope {
    fn from(tx: TxDeposit) -> Self {
        Self::Deposit(Sealed::new(tx))
    }
}

/// Why bytes are not an acceptable transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// The bytes are not an EIP-2718 envelope or legacy RLP list.
    #[error("rlp: {0}")]
    Decode(String),
    /// Bytes follow the encoded transaction.
    #[error("rlp: {0} trailing bytes after the transaction")]
    TrailingBytes(usize),
    /// The signature does not recover, or its `s` is in the upper half (EIP-2).
    #[error("invalid signature")]
    InvalidSignature,
}

/// A transaction, its sender, hash and EIP-2718 encoding, each computed once.
///
/// Pool, open block, database and RPC share one instance behind an [`Arc`](std::sync::Arc).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredTx {
    envelope: TxEnvelope,
    sender: Address,
    hash: B256,
    encoded: Bytes,
}

impl RecoveredTx {
    /// Decodes EIP-2718 bytes and recovers the sender (about 31 µs, nearly all of it ECDSA).
    ///
    /// # Errors
    /// Any [`TransactionError`]; trailing bytes and high-`s` signatures are refused.
    pub fn try_decode(encoded: Bytes) -> Result<Self, TransactionError> {
        let envelope = Self::decode_envelope(&encoded)?;
        let sender = envelope
            .recover_signer()
            .map_err(|_| TransactionError::InvalidSignature)?;
        let hash = *envelope.tx_hash();
        Ok(Self {
            envelope,
            sender,
            hash,
            encoded,
        })
    }

    /// Decodes the EIP-2718 envelope without recovering the sender.
    ///
    /// # Errors
    /// [`TransactionError::Decode`] and [`TransactionError::TrailingBytes`].
    pub fn decode_envelope(encoded: &[u8]) -> Result<TxEnvelope, TransactionError> {
        let mut rest = encoded;
        let envelope = TxEnvelope::decode_2718(&mut rest)
            .map_err(|error| TransactionError::Decode(error.to_string()))?;
        if rest.is_empty() {
            Ok(envelope)
        } else {
            Err(TransactionError::TrailingBytes(rest.len()))
        }
    }

    /// Rebuilds a transaction whose sender and hash are already known (from our own database).
    ///
    /// # Errors
    /// [`TransactionError::Decode`] if `encoded` is damaged.
    pub fn from_parts(
        encoded: Bytes,
        sender: Address,
        hash: B256,
    ) -> Result<Self, TransactionError> {
        let envelope = Self::decode_envelope(&encoded)?;
        Ok(Self {
            envelope,
            sender,
            hash,
            encoded,
        })
    }

    /// Wraps an envelope whose sender is known.
    pub fn new(envelope: impl Into<TxEnvelope>, sender: Address) -> Self {
        let envelope = envelope.into();
        let encoded = envelope.encoded_2718().into();
        let hash = *envelope.tx_hash();
        Self {
            envelope,
            sender,
            hash,
            encoded,
        }
    }

    /// Wraps a deposit, whose sender is the one that it names.
    pub fn deposit(tx: TxDeposit) -> Self {
        let sender = tx.from;
        Self::new(tx, sender)
    }

    /// A legacy transaction whose signature is all zero, `v` included, as simulations have them.
    ///
    /// No such envelope can be decoded, but it has an encoding and so a hash.
    pub fn unsigned_legacy(tx: TxLegacy, sender: Address) -> Self {
        let mut fields = Vec::new();
        tx.rlp_encode_fields(&mut fields);
        fields.extend([EMPTY_STRING_CODE; 3]);
        let mut encoded = Vec::with_capacity(fields.len() + 9);
        let header = alloy_rlp::Header {
            list: true,
            payload_length: fields.len(),
        };
        header.encode(&mut encoded);
        encoded.extend(fields);
        let hash = keccak256(&encoded);
        let signature = Signature::new(U256::ZERO, U256::ZERO, false);
        Self {
            envelope: SignedEnvelope::from(tx.into_signed(signature)).into(),
            sender,
            hash,
            encoded: encoded.into(),
        }
    }

    /// The deposit; `None` for a signed transaction.
    pub fn as_deposit(&self) -> Option<&TxDeposit> {
        self.envelope.as_deposit()
    }

    /// The envelope.
    pub const fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// The sender: recovered from the signature, or named by the deposit.
    pub const fn sender(&self) -> Address {
        self.sender
    }

    /// Transaction hash.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// EIP-2718 encoding, as sent by the user and as it stands in the block.
    pub const fn encoded(&self) -> &Bytes {
        &self.encoded
    }

    /// EIP-2718 type byte.
    pub fn tx_type(&self) -> u8 {
        self.envelope.ty()
    }
}
