//! Blocks and headers.

use std::sync::Arc;

use alloy_consensus::{Header, Sealable};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::B256;
use alloy_rlp::{Encodable, length_of_length};
use aura_primitives::{RecoveredTx, SealedBlock};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Position, Quantity, TransactionView};
use crate::bridge::DepositIds;

/// A header on the wire, as `newHeads` sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderView<'a> {
    pub(crate) header: &'a Header,
    pub(crate) hash: B256,
}

impl HeaderView<'_> {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let header = self.header;
        map.serialize_entry("number", &Quantity(header.number))?;
        map.serialize_entry("hash", &self.hash)?;
        map.serialize_entry("parentHash", &header.parent_hash)?;
        map.serialize_entry("nonce", &header.nonce)?;
        map.serialize_entry("mixHash", &header.mix_hash)?;
        map.serialize_entry("sha3Uncles", &header.ommers_hash)?;
        map.serialize_entry("logsBloom", &header.logs_bloom)?;
        map.serialize_entry("stateRoot", &header.state_root)?;
        map.serialize_entry("miner", &header.beneficiary)?;
        map.serialize_entry("difficulty", &Quantity(header.difficulty))?;
        map.serialize_entry("extraData", &header.extra_data)?;
        map.serialize_entry("gasLimit", &Quantity(header.gas_limit))?;
        map.serialize_entry("gasUsed", &Quantity(header.gas_used))?;
        map.serialize_entry("timestamp", &Quantity(header.timestamp))?;
        map.serialize_entry("transactionsRoot", &header.transactions_root)?;
        map.serialize_entry("receiptsRoot", &header.receipts_root)?;
        // Fields of later forks are there from their fork on, and never null.
        if let Some(fee) = header.base_fee_per_gas {
            map.serialize_entry("baseFeePerGas", &Quantity(fee))?;
        }
        if let Some(root) = header.withdrawals_root {
            map.serialize_entry("withdrawalsRoot", &root)?;
        }
        if let Some(gas) = header.blob_gas_used {
            map.serialize_entry("blobGasUsed", &Quantity(gas))?;
        }
        if let Some(gas) = header.excess_blob_gas {
            map.serialize_entry("excessBlobGas", &Quantity(gas))?;
        }
        if let Some(root) = header.parent_beacon_block_root {
            map.serialize_entry("parentBeaconBlockRoot", &root)?;
        }
        if let Some(hash) = header.requests_hash {
            map.serialize_entry("requestsHash", &hash)?;
        }
        Ok(())
    }
}

impl Serialize for HeaderView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

/// A block on the wire, borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockView<'a> {
    pub(crate) header: HeaderView<'a>,
    pub(crate) transactions: &'a [Arc<RecoveredTx>],
    pub(crate) ommers: &'a [Header],
    pub(crate) withdrawals: Option<&'a Withdrawals>,
    pub(crate) deposits: DepositIds,
    /// Transactions in full rather than their hashes.
    pub(crate) full: bool,
}

impl<'a> BlockView<'a> {
    /// A sealed block.
    pub(crate) fn sealed(block: &'a SealedBlock, full: bool) -> Self {
        Self {
            header: HeaderView {
                header: &block.header,
                hash: block.hash(),
            },
            transactions: &block.transactions,
            ommers: &block.ommers,
            withdrawals: block.withdrawals.as_ref(),
            deposits: DepositIds::of_block(block),
            full,
        }
    }

    /// Length of the block's RLP, without building it.
    fn rlp_length(&self) -> usize {
        let list = |payload: usize| payload + length_of_length(payload);
        let transactions = self
            .transactions
            .iter()
            .map(|tx| {
                let length = tx.encoded().len();
                // A legacy transaction is a list of its own; a typed one is wrapped in a string.
                if tx.tx_type() == 0 {
                    length
                } else {
                    list(length)
                }
            })
            .sum();
        let ommers = self.ommers.iter().map(Encodable::length).sum();
        let withdrawals = self.withdrawals.map_or(0, Encodable::length);
        list(self.header.header.length() + list(transactions) + list(ommers) + withdrawals)
    }
}

impl BlockView<'_> {
    /// The block's members, for a map that has others too.
    pub(super) fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.header.entries(map)?;
        map.serialize_entry("size", &Quantity(self.rlp_length()))?;
        map.serialize_entry("uncles", &Uncles(self.ommers))?;
        map.serialize_entry("transactions", &Transactions(self))?;
        match self.withdrawals {
            Some(withdrawals) => map.serialize_entry("withdrawals", withdrawals),
            None => Ok(()),
        }
    }
}

impl Serialize for BlockView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

struct Uncles<'a>(&'a [Header]);

impl Serialize for Uncles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Sealable::hash_slow))
    }
}

struct Transactions<'a>(&'a BlockView<'a>);

impl Serialize for Transactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let block = self.0;
        if !block.full {
            return serializer.collect_seq(block.transactions.iter().map(|tx| tx.hash()));
        }
        let header = block.header.header;
        serializer.collect_seq(block.transactions.iter().zip(0..).map(|(tx, index)| {
            TransactionView {
                tx,
                position: Some(Position {
                    block_hash: block.header.hash,
                    block_number: header.number,
                    timestamp: header.timestamp,
                    base_fee: header.base_fee_per_gas,
                    index,
                }),
                deposit_id: block.deposits.of(index),
            }
        }))
    }
}

/// An uncle on the wire: a block without transactions.
#[derive(Debug, Clone)]
pub(crate) struct UncleView(pub(crate) Header);

impl Serialize for UncleView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = BlockView {
            header: HeaderView {
                header: &self.0,
                hash: self.0.hash_slow(),
            },
            transactions: &[],
            ommers: &[],
            withdrawals: None,
            deposits: DepositIds::default(),
            full: false,
        };
        let mut map = serializer.serialize_map(None)?;
        view.header.entries(&mut map)?;
        map.serialize_entry("size", &Quantity(view.rlp_length()))?;
        map.serialize_entry("uncles", &[(); 0])?;
        map.end()
    }
}
