//! Headers, bodies and transactions.
//!
//! ```text
//! header       hash 32 ‖ header RLP
//! body         first tx number 8 ‖ count 4 ‖ ommers RLP list [‖ withdrawals RLP list]
//! transaction  block number 8 ‖ sender 20 ‖ hash 32 ‖ EIP-2718 bytes
//! ```

use alloy_consensus::Header;
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Decodable, Encodable};
use aura_primitives::{RecoveredTx, SealedBlock, SealedHeader};

use super::Input;
use crate::{BlockBody, DecodeError};

/// Bytes of a transaction row before the EIP-2718 encoding.
pub(crate) const TX_FIXED_BYTES: usize = 8 + 20 + 32;

/// Bytes of a body row before the RLP lists.
pub(crate) const BODY_FIXED_BYTES: usize = 8 + 4;

fn rlp<T: Decodable>(input: &mut Input<'_>) -> Result<T, DecodeError> {
    T::decode(input.rest_mut()).map_err(DecodeError::Rlp)
}

/// Appends the encoded header to `out`.
pub(crate) fn encode_header(out: &mut Vec<u8>, header: &SealedHeader) {
    out.extend_from_slice(header.hash_ref().as_slice());
    header.inner().encode(out);
}

/// Decodes a header. The hash is taken as stored.
pub(crate) fn decode_header(bytes: &[u8]) -> Result<SealedHeader, DecodeError> {
    let mut input = Input::new(bytes);
    let hash = input.b256()?;
    let header: Header = rlp(&mut input)?;
    input.finish()?;
    Ok(SealedHeader::new_unchecked(header, hash))
}

/// Appends the encoded body to `out`. `count` is the number of transactions.
pub(crate) fn encode_body(out: &mut Vec<u8>, block: &SealedBlock, first_tx: u64, count: u32) {
    out.extend_from_slice(&first_tx.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    block.ommers.encode(out);
    if let Some(withdrawals) = &block.withdrawals {
        withdrawals.0.encode(out);
    }
}

/// Decodes a body.
pub(crate) fn decode_body(bytes: &[u8]) -> Result<BlockBody, DecodeError> {
    let mut input = Input::new(bytes);
    let first_tx_number = input.u64()?;
    let transaction_count = input.u32()?;
    let ommers: Vec<Header> = rlp(&mut input)?;
    let withdrawals = if input.rest().is_empty() {
        None
    } else {
        let list: Vec<Withdrawal> = rlp(&mut input)?;
        Some(Withdrawals(list))
    };
    input.finish()?;
    Ok(BlockBody {
        first_tx_number,
        transaction_count,
        ommers,
        withdrawals,
    })
}

/// Appends the encoded transaction to `out`.
pub(crate) fn encode_tx(out: &mut Vec<u8>, block: u64, tx: &RecoveredTx) {
    out.reserve(TX_FIXED_BYTES + tx.encoded().len());
    out.extend_from_slice(&block.to_be_bytes());
    out.extend_from_slice(tx.sender().as_slice());
    out.extend_from_slice(tx.hash().as_slice());
    out.extend_from_slice(tx.encoded());
}

/// A transaction row, its envelope not yet decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TxRow<'a> {
    pub(crate) block: u64,
    pub(crate) sender: Address,
    pub(crate) hash: B256,
    pub(crate) encoded: &'a [u8],
}

impl<'a> TxRow<'a> {
    /// Splits a row into its fields.
    pub(crate) fn split(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Input::new(bytes);
        Ok(Self {
            block: input.u64()?,
            sender: input.address()?,
            hash: input.b256()?,
            encoded: input.rest(),
        })
    }

    /// Decodes the envelope; sender and hash are taken as stored.
    pub(crate) fn decode(&self) -> Result<RecoveredTx, DecodeError> {
        let encoded = Bytes::copy_from_slice(self.encoded);
        RecoveredTx::from_parts(encoded, self.sender, self.hash)
            .map_err(|_| DecodeError::Transaction)
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{Signed, TxEip1559, TxLegacy};
    use alloy_primitives::{Signature, TxKind, U256};
    use aura_primitives::TxEnvelope;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn any_tx() -> impl Strategy<Value = RecoveredTx> {
        (
            any::<u64>(),
            vec(any::<u8>(), 0..80),
            any::<[u8; 20]>(),
            any::<bool>(),
        )
            .prop_map(|(nonce, input, sender, legacy)| {
                let signature =
                    Signature::new(U256::from(7), U256::from(nonce) + U256::from(1), false);
                let envelope = if legacy {
                    let tx = TxLegacy {
                        chain_id: Some(1),
                        nonce,
                        input: input.into(),
                        ..TxLegacy::default()
                    };
                    TxEnvelope::from(Signed::new_unhashed(tx, signature))
                } else {
                    let tx = TxEip1559 {
                        chain_id: 1,
                        nonce,
                        to: TxKind::Call(Address::ZERO),
                        input: input.into(),
                        ..TxEip1559::default()
                    };
                    TxEnvelope::from(Signed::new_unhashed(tx, signature))
                };
                RecoveredTx::new(envelope, Address::new(sender))
            })
    }

    fn any_withdrawals() -> impl Strategy<Value = Option<Withdrawals>> {
        let one = (any::<u64>(), any::<u64>(), any::<[u8; 20]>(), any::<u64>()).prop_map(
            |(index, validator_index, address, amount)| Withdrawal {
                index,
                validator_index,
                address: Address::new(address),
                amount,
            },
        );
        prop::option::of(vec(one, 0..3).prop_map(Withdrawals))
    }

    proptest! {
            #[test]
            fn transaction_round_trips(tx in any_tx(), block: u64) {
                let mut bytes = Vec::new();
                encode_tx(&mut bytes, block, &tx);
                let row = TxRow::split(&bytes).unwrap();
                prop_assert_eq!(row.block, block);
                prop_assert_eq!(row.decode().unwrap(), tx);
            }

            #[test]
            fn header_and_body_round_trip(
                number: u64, timestamp: u64, extra in vec(any::<u8>(), 0..32), hash: [u8; 32],
                ommers in 0usize..3, withdrawals in any_withdrawals(), first_tx: u64, count: u32,
            ) {
                let header = Header { number, timestamp, extra_data: extra.into(), ..Header::default() };
                let sealed = SealedHeader::new_unchecked(header.clone(), B256::new(hash));
                let mut bytes = Vec::new();
                encode_header(&mut bytes, &sealed);
                prop_assert_eq!(&decode_header(&bytes).unwrap(), &sealed);

                let block = SealedBlock {
    l1_info: None,
                    header: sealed, transactions: vec![], ommers: vec![header; ommers],
                    withdrawals: withdrawals.clone(),
                };
                let mut bytes = Vec::new();
                encode_body(&mut bytes, &block, first_tx, count);
                let body = BlockBody {
                    first_tx_number: first_tx, transaction_count: count, ommers: block.ommers,
                    withdrawals,
                };
                prop_assert_eq!(decode_body(&bytes).unwrap(), body);
            }

            #[test]
            fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
                let _ = decode_header(&bytes);
                let _ = decode_body(&bytes);
                if let Ok(row) = TxRow::split(&bytes) {
                    let _ = row.decode();
                }
            }

            #[test]
            fn damaged_rows_never_panic(
                tx in any_tx(), at: prop::sample::Index, value: u8, cut: prop::sample::Index,
            ) {
                let mut bytes = Vec::new();
                encode_tx(&mut bytes, 1, &tx);
                let index = at.index(bytes.len());
                bytes[index] = value;
                bytes.truncate(cut.index(bytes.len()) + 1);
                if let Ok(row) = TxRow::split(&bytes) {
                    let _ = row.decode();
                }
            }
        }
}
