//! Size and speed of the batch format.

use crate::{erc20::transfer_input, figures::Figures};
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use aura_derivation::{BatchBlock, decode_batch, encode_batch};
use clap::Args;
use eyre::{Result, ensure};
use std::time::Instant;

/// What the batch holds.
#[derive(Args, Clone, Debug)]
pub(crate) struct BatchArgs {
    /// Transactions.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..=8_000))]
    txs: u64,
    /// Transactions of a block.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=8_000))]
    block: u64,
    /// Of a hundred transactions so many are token transfers; the others are plain ones.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=100))]
    tokens: u64,
    /// Accounts that receive, drawn evenly. Each costs its 20 bytes once in a batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    recipients: u64,
    /// Rounds; the fastest counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// 32 bytes that no compressor foresees, the same in each run.
fn noise(kind: u64, index: u64) -> B256 {
    keccak256([kind.to_be_bytes(), index.to_be_bytes()].concat())
}

fn transaction(index: u64, args: &BatchArgs) -> Bytes {
    // 500 senders, 20 tokens; amounts of three digits with 15 zeros behind.
    let pick = |kind, of: u64| {
        noise(kind, index).0[..8]
            .iter()
            .fold(0u64, |word, byte| word << 8 | u64::from(*byte))
            % of
    };
    let recipient = Address::from_word(noise(100, pick(1, args.recipients)));
    let value = U256::from(pick(2, 1_000)) * U256::from(10).pow(U256::from(15));
    let tx = TxEip1559 {
        chain_id: 13_371,
        nonce: index / 500,
        max_priority_fee_per_gas: 1_000_000,
        max_fee_per_gas: 2_000_000_000,
        ..TxEip1559::default()
    };
    let tx = if pick(3, 100) < args.tokens {
        TxEip1559 {
            gas_limit: 65_000,
            to: TxKind::Call(Address::from_word(noise(101, pick(4, 20)))),
            input: transfer_input(recipient, value),
            ..tx
        }
    } else {
        TxEip1559 {
            gas_limit: 21_000,
            to: TxKind::Call(recipient),
            value,
            ..tx
        }
    };
    let [r, s] = [5, 6].map(|kind| U256::from_be_bytes(noise(kind, index).0));
    let signed = tx.into_signed(Signature::new(r, s, pick(7, 2) == 1));
    EthereumTxEnvelope::<TxEip4844>::from(signed)
        .encoded_2718()
        .into()
}

fn blocks(args: &BatchArgs) -> Vec<BatchBlock> {
    let txs: Vec<Bytes> = (0..args.txs)
        .map(|index| transaction(index, args))
        .collect();
    txs.chunks(args.block as usize)
        .map(|txs| BatchBlock {
            time_delta: 1,
            origin_delta: 0,
            consume: 0,
            transactions: txs.to_vec(),
        })
        .collect()
}

/// Encodes and decodes a batch and measures what it takes.
pub(crate) fn run(args: &BatchArgs) -> Result<Figures> {
    let blocks = blocks(args);
    let txs = blocks.iter().flat_map(|block| &block.transactions);
    let raw: usize = txs.map(|tx| tx.len()).sum();
    let (mut encode, mut decode) = (f64::MAX, f64::MAX);
    let mut payload = Vec::new();
    for _ in 0..args.rounds {
        let start = Instant::now();
        payload = encode_batch(&blocks)?;
        encode = encode.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let decoded = decode_batch(&payload)?;
        decode = decode.min(start.elapsed().as_secs_f64());
        ensure!(decoded == blocks, "the batch is not what it was");
    }
    let per_tx = |bytes: usize| bytes as f64 / args.txs as f64;
    let speed = |seconds: f64| raw as f64 / 1e6 / seconds;
    let mut figures = Figures::default();
    figures.less("bytes of a transaction", per_tx(raw), "B");
    figures.less(
        "bytes of a transaction in a batch",
        per_tx(payload.len()),
        "B",
    );
    figures.more("batches encoded", speed(encode), "MB/s");
    figures.more("batches decoded", speed(decode), "MB/s");
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 of 100 are token transfers, of 500 senders to 500 recipients; 64 bytes of each are the
    /// signature.
    #[test]
    fn a_transaction_takes_at_most_82_bytes_of_a_batch() {
        let args = BatchArgs {
            txs: 3_000,
            block: 20,
            tokens: 60,
            recipients: 500,
            rounds: 1,
        };
        let bytes = encode_batch(&blocks(&args)).unwrap().len() as f64 / 3_000.0;
        assert!((64.0..=82.0).contains(&bytes), "{bytes}");
    }
}
