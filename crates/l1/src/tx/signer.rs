//! Keys that sign transactions for L1.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, Signed, Transaction, TxEip4844};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{L1Rpc, RpcFault, build::Unsigned};

/// The mnemonic of development accounts. Everybody knows it.
const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Chains on which its accounts may sign: those of anvil, hardhat, geth's `--dev` and `aura dev`.
const DEV_CHAINS: [u64; 3] = [1337, 31_337, 13_371];
/// A key file is not larger.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;
/// A remote signer that has not answered after this is unavailable.
const REMOTE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The file cannot be read.
    #[error("cannot read key file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Reason.
        #[source]
        source: io::Error,
    },
    /// The file holds no key.
    #[error("{path} holds no key: 32 bytes in hex, or a JSON keystore with a password file")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The keystore cannot be opened.
    #[error("keystore {path}: {reason}")]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Keys that everybody knows sign only on development chains.
    #[error("development accounts do not sign on chain {chain_id}")]
    DevChain {
        /// The chain.
        chain_id: u64,
    },
    /// The mnemonic has no such account.
    #[error("no development account {0}")]
    DevAccount(u32),
    /// The remote signer's URL cannot be used.
    #[error("remote signer: {0}")]
    Url(String),
    /// The remote signer did not answer, or refused.
    #[error("remote signer")]
    Remote(#[source] RpcFault),
    /// The remote signer signed something else, or with another key.
    #[error("the remote signer answers with {0}")]
    Wrong(&'static str),
    /// Signing failed.
    #[error("signing failed: {0}")]
    Sign(String),
}

impl SignerError {
    /// Whether trying again can succeed.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Remote(_))
    }
}

#[derive(Clone)]
enum Key {
    Local(PrivateKeySigner),
    Remote(Arc<dyn L1Rpc>),
}

/// A key that signs transactions; it never shows itself.
#[derive(Clone)]
pub struct Signer {
    key: Key,
    address: Address,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.key {
            Key::Local(_) => "local",
            Key::Remote(_) => "remote",
        };
        f.debug_struct("Signer")
            .field("kind", &kind)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a key: 32 bytes in hex, or a JSON keystore (version 3) that the first line of
    /// `password_file` opens. Opening a keystore takes about a second.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn from_file(path: &Path, password_file: Option<&Path>) -> Result<Self, SignerError> {
        let text = read_secret(path)?;
        let text = text.trim();
        let key = if text.starts_with('{') {
            let password = password_file.ok_or_else(|| SignerError::Keystore {
                path: path.to_owned(),
                reason: "a password file is needed".to_owned(),
            })?;
            let password = read_secret(password)?;
            let password = password.lines().next().unwrap_or_default();
            PrivateKeySigner::decrypt_keystore(path, password).map_err(|error| {
                SignerError::Keystore {
                    path: path.to_owned(),
                    reason: error.to_string(),
                }
            })?
        } else {
            text.parse().map_err(|_| SignerError::NoKey {
                path: path.to_owned(),
            })?
        };
        Ok(Self::local(key))
    }

    /// Account `index` of the well-known development mnemonic.
    ///
    /// # Errors
    /// [`SignerError::DevChain`] unless `chain_id` is that of a development chain.
    pub fn dev(index: u32, chain_id: u64) -> Result<Self, SignerError> {
        if !DEV_CHAINS.contains(&chain_id) {
            return Err(SignerError::DevChain { chain_id });
        }
        let key = MnemonicBuilder::<English>::default()
            .phrase(DEV_MNEMONIC)
            .index(index)
            .and_then(|builder| builder.build())
            .map_err(|_| SignerError::DevAccount(index))?;
        Ok(Self::local(key))
    }

    /// A signer that answers `eth_signTransaction`, as web3signer does, for the key of `address`.
    ///
    /// # Errors
    /// [`SignerError::Url`].
    pub fn remote(url: &str, address: Address) -> Result<Self, SignerError> {
        let url = url
            .parse()
            .map_err(|_| SignerError::Url(format!("{url} is no URL")))?;
        let provider = alloy_provider::ProviderBuilder::default().connect_http(url);
        Ok(Self::carried(
            Arc::new(alloy_provider::Provider::erased(provider)),
            address,
        ))
    }

    /// A remote signer behind any carrier of JSON-RPC.
    pub fn carried(carrier: Arc<dyn L1Rpc>, address: Address) -> Self {
        Self {
            key: Key::Remote(carrier),
            address,
        }
    }

    fn local(key: PrivateKeySigner) -> Self {
        Self {
            address: key.address(),
            key: Key::Local(key),
        }
    }

    /// The account of the key.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs `unsigned`.
    pub(super) async fn sign(&self, unsigned: &Unsigned) -> Result<Signature, SignerError> {
        match &self.key {
            Key::Local(key) => key
                .sign_hash_sync(&unsigned.signature_hash())
                .map_err(|error| SignerError::Sign(error.to_string())),
            Key::Remote(carrier) => {
                let request = json!([unsigned.to_request(self.address)]);
                let answer = timeout(
                    REMOTE_TIMEOUT,
                    carrier.request("eth_signTransaction", request),
                )
                .await
                .unwrap_or_else(|_| Err(RpcFault::Unavailable("no answer".to_owned())))
                .map_err(SignerError::Remote)?;
                checked_signature(&answer, unsigned, self.address)
            }
        }
    }
}

/// The signature in a remote signer's answer, if it is that of `address` under exactly `unsigned`.
fn checked_signature(
    answer: &Value,
    unsigned: &Unsigned,
    address: Address,
) -> Result<Signature, SignerError> {
    // web3signer answers the bytes, geth and clef an object with them.
    let raw = answer.get("raw").unwrap_or(answer);
    let raw: Bytes = serde_json::from_value(raw.clone())
        .map_err(|_| SignerError::Wrong("something that is no transaction"))?;
    let (hash, signature, signer) =
        opened(&raw).ok_or(SignerError::Wrong("something that is no transaction"))?;
    if hash != unsigned.signature_hash() {
        return Err(SignerError::Wrong("another transaction"));
    }
    if signer != address {
        return Err(SignerError::Wrong("the signature of another key"));
    }
    Ok(signature)
}

/// What was signed, the signature and whose it is.
fn opened(raw: &Bytes) -> Option<(B256, Signature, Address)> {
    fn parts<T>(signed: &Signed<T>) -> Option<(B256, Signature, Address)>
    where
        T: SignableTransaction<Signature> + Transaction,
    {
        let hash = signed.signature_hash();
        let signer = signed
            .signature()
            .recover_address_from_prehash(&hash)
            .ok()?;
        Some((hash, *signed.signature(), signer))
    }
    let mut rest: &[u8] = raw;
    let envelope = EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut rest).ok()?;
    if !rest.is_empty() {
        return None;
    }
    match &envelope {
        EthereumTxEnvelope::Eip1559(signed) => parts(signed),
        EthereumTxEnvelope::Eip4844(signed) => parts(signed),
        _ => None,
    }
}

fn read_secret(path: &Path) -> Result<String, SignerError> {
    let failed = |source| SignerError::Read {
        path: path.to_owned(),
        source,
    };
    let meta = fs::metadata(path).map_err(failed)?;
    if meta.len() > MAX_KEY_FILE_BYTES {
        return Err(SignerError::NoKey {
            path: path.to_owned(),
        });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
            // Mounted secrets often look like this, so it is no reason to refuse.
            tracing::warn!(path = %path.display(), "key file can be read by others");
        }
    }
    fs::read_to_string(path).map_err(failed)
}
