//! Execution of one block in memory: `cargo bench -p aura-evm`.
//!
//! 10,000 transfers to fresh recipients from 100 senders, and 10,000 ERC-20-like calls (two slots
//! and one log each), then the end of such a block. State is in memory and warm: what is measured
//! is the EVM, the diff and the receipts, not the database.
#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{hint::black_box, sync::Arc};

use alloy_consensus::TxEip1559;
use alloy_genesis::GenesisAccount;
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use aura_primitives::RecoveredTx;
use common::{CONTRACT, ETHER, TestChain, contract, eip1559, sent_by};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const COUNT: u64 = 10_000;
const SENDERS: u64 = 100;

/// `balance[caller] -= 1; balance[calldata] += 1; emit Transfer(caller, calldata, 1)`, slots keyed
/// by keccak as Solidity does.
const TOKEN: [u8; 57] = hex!(
    "335f525f60205260405f2080546001900390555f355f525f60205260405f208054600101905560015f525f35"
    "337fddf252ad1b"
);

fn address(seed: u64) -> Address {
    Address::from_word(keccak256(seed.to_be_bytes()))
}

fn chain() -> TestChain {
    let rich = GenesisAccount::default().with_balance(U256::from(1_000_000 * ETHER));
    let mut alloc: Vec<_> = (0..SENDERS).map(|s| (address(s), rich.clone())).collect();
    alloc.push((CONTRACT, contract(token())));
    TestChain::new(EthereumHardfork::Osaka, alloc)
}

/// The token's code with its log: LOG3 of 32 bytes.
fn token() -> Bytes {
    let mut code = TOKEN[..51].to_vec();
    code.push(0x7f);
    code.extend(keccak256("Transfer(address,address,uint256)"));
    code.extend(hex!("60205fa300"));
    code.into()
}

fn transfers() -> Vec<Arc<RecoveredTx>> {
    (0..COUNT)
        .map(|i| {
            let tx = TxEip1559 {
                gas_limit: 21_000,
                value: U256::from(1),
                ..eip1559(i / SENDERS, address(1_000_000 + i))
            };
            sent_by(address(i % SENDERS), tx)
        })
        .collect()
}

fn token_calls() -> Vec<Arc<RecoveredTx>> {
    (0..COUNT)
        .map(|i| {
            let tx = TxEip1559 {
                gas_limit: 100_000,
                input: address(1_000_000 + i).into_word().to_vec().into(),
                ..eip1559(i / SENDERS, CONTRACT)
            };
            sent_by(address(i % SENDERS), tx)
        })
        .collect()
}

fn bench(c: &mut Criterion) {
    let chain = chain();
    let mut group = c.benchmark_group("block_of_10000");
    group
        .throughput(Throughput::Elements(COUNT))
        .sample_size(20);
    for (name, transactions) in [("transfers", transfers()), ("token_calls", token_calls())] {
        group.bench_function(format!("execute_{name}"), |b| {
            b.iter_batched_ref(
                || chain.begin(),
                |executor| {
                    for tx in &transactions {
                        assert!(black_box(executor.execute(tx)).unwrap().success);
                    }
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("finish_{name}"), |b| {
            b.iter_batched(
                || {
                    let mut executor = chain.begin();
                    for tx in &transactions {
                        executor.execute(tx).unwrap();
                    }
                    executor
                },
                |executor| black_box(executor.finish().unwrap()),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
