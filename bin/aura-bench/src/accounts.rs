//! Keys of the load: the development accounts that pay, and senders derived from a seed.

use crate::rpc::Rpc;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, Secp256k1Signer};
use eyre::{Result, ensure};
use rayon::prelude::*;
use std::time::Duration;

const PHRASE: &str = "test test test test test test test test test test test junk";
/// Tip of every transaction of the load.
const TIP_WEI: u128 = 1_000_000_000;
/// Fee cap of every transaction of the load: far above what the base fee reaches in a run.
pub(crate) const FEE_CAP_WEI: u128 = 200_000_000_000;
/// Gas of a plain transfer.
pub(crate) const TRANSFER_GAS: u64 = 21_000;
/// Longest wait for the funding to be mined.
const FUNDING_LIMIT: Duration = Duration::from_secs(60);

/// One account with its key.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    signer: Secp256k1Signer,
}

/// A transaction before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) gas_limit: u64,
    pub(crate) input: Bytes,
}

/// A signed transaction, as it is submitted.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) hash: B256,
    pub(crate) raw: Vec<u8>,
}

impl Account {
    /// The `index`th development account.
    pub(crate) fn dev(index: u32) -> Result<Self> {
        let signer = MnemonicBuilder::english()
            .phrase(PHRASE)
            .index(index)?
            .build()?;
        Ok(Self {
            signer: signer.to_secp256k1(),
        })
    }

    /// The `index`th sender of the load named `seed`.
    pub(crate) fn derived(seed: &str, index: u64) -> Result<Self> {
        let key = keccak256(format!("aura-bench sender {seed} {index}"));
        Ok(Self {
            signer: Secp256k1Signer::from_slice(key.as_slice())?,
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs one EIP-1559 transaction.
    pub(crate) fn sign(&self, chain_id: u64, tx: Unsigned) -> Result<Signed> {
        let tx = TxEip1559 {
            chain_id,
            nonce: tx.nonce,
            gas_limit: tx.gas_limit,
            max_fee_per_gas: FEE_CAP_WEI,
            max_priority_fee_per_gas: TIP_WEI,
            to: tx.to,
            value: tx.value,
            input: tx.input,
            ..Default::default()
        };
        let signature = self.signer.sign_hash_sync(&tx.signature_hash())?;
        let signed = TxEnvelope::from(tx.into_signed(signature));
        Ok(Signed {
            hash: *signed.tx_hash(),
            raw: signed.encoded_2718(),
        })
    }
}

/// `count` senders of the load named `seed`.
pub(crate) fn senders(seed: &str, count: usize) -> Result<Vec<Account>> {
    (0..count as u64)
        .into_par_iter()
        .map(|index| Account::derived(seed, index))
        .collect()
}

/// An address that no chain has seen before, unless it saw `index` of the same `seed`.
pub(crate) fn fresh_address(seed: &str, index: u64) -> Address {
    Address::from_word(keccak256(format!("aura-bench recipient {seed} {index}")))
}

/// Gives each of `accounts` at least `balance` from the development accounts.
pub(crate) async fn fund(rpc: &mut Rpc, accounts: &[Account], balance: U256) -> Result<()> {
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let have = rpc.balances(&addresses).await?;
    let needy: Vec<_> = addresses
        .iter()
        .zip(have)
        .filter(|(_, have)| *have < balance)
        .map(|(to, _)| *to)
        .collect();
    if needy.is_empty() {
        return Ok(());
    }
    let chain_id = rpc.chain_id().await?;
    // Several payers, so that no pool's limit for one sender is met.
    let mut hashes = Vec::new();
    for (index, part) in (0..10).zip(needy.chunks(needy.len().div_ceil(10))) {
        let payer = Account::dev(index)?;
        let first = rpc.nonces(&[payer.address()]).await?[0];
        let mut raws = Vec::with_capacity(part.len());
        for (nonce, to) in (first..).zip(part) {
            let (to, input) = (TxKind::Call(*to), Bytes::new());
            let tx = Unsigned {
                nonce,
                to,
                value: balance,
                gas_limit: TRANSFER_GAS,
                input,
            };
            raws.push(payer.sign(chain_id, tx)?.raw);
        }
        hashes.extend(rpc.submit(&raws).await?);
    }
    for hash in hashes {
        rpc.mined(hash, FUNDING_LIMIT).await?;
    }
    let have = rpc.balances(&addresses).await?;
    ensure!(
        have.iter().all(|have| *have >= balance),
        "the senders could not be funded"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_eips::eip2718::Decodable2718;
    use alloy_primitives::address;

    #[test]
    fn development_account_is_the_well_known_one() {
        let account = Account::dev(0).unwrap();
        assert_eq!(
            account.address(),
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        );
    }

    #[test]
    fn signed_transaction_recovers_to_its_sender() {
        let account = Account::derived("test", 7).unwrap();
        let tx = Unsigned {
            nonce: 3,
            to: TxKind::Call(fresh_address("test", 1)),
            value: U256::from(5),
            gas_limit: TRANSFER_GAS,
            input: Bytes::new(),
        };
        let signed = account.sign(13371, tx).unwrap();
        assert_eq!(keccak256(&signed.raw), signed.hash);
        let decoded = TxEnvelope::decode_2718(&mut signed.raw.as_slice()).unwrap();
        assert_eq!(decoded.recover_signer().unwrap(), account.address());
    }

    #[test]
    fn senders_and_recipients_differ_by_seed_and_index() {
        let a = Account::derived("a", 0).unwrap().address();
        assert_ne!(a, Account::derived("b", 0).unwrap().address());
        assert_ne!(a, Account::derived("a", 1).unwrap().address());
        assert_ne!(fresh_address("a", 0), fresh_address("a", 1));
    }
}
