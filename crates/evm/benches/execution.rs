//! Execution of one block in memory: `cargo bench -p aura-evm`.
//!
//! 10,000 transfers to fresh recipients from 100 senders, and 10,000 ERC-20-like calls (two slots
//! and one log each), then the end of such a block. State is in memory and warm: what is measured
//! is the EVM, the diff and the receipts, not the database.
#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{hint::black_box, sync::Arc, time::Duration};

use alloy_consensus::TxEip1559;
use alloy_genesis::GenesisAccount;
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_rpc_types_eth::TransactionRequest;
use aura_evm::{BlockEnvSource, CallLimits, CallRequest, call};
use aura_primitives::RecoveredTx;
use common::{CONTRACT, ETHER, TestChain, contract, eip1559, sent_by};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const COUNT: u64 = 10_000;
const SENDERS: u64 = 100;

fn address(seed: u64) -> Address {
    Address::from_word(keccak256(seed.to_be_bytes()))
}

fn chain() -> TestChain {
    let rich = GenesisAccount::default().with_balance(U256::from(1_000_000 * ETHER));
    let mut alloc: Vec<_> = (0..SENDERS).map(|s| (address(s), rich.clone())).collect();
    alloc.push((CONTRACT, contract(token())));
    TestChain::new(EthereumHardfork::Osaka, alloc)
}

/// `balance[caller] -= 1; balance[calldata] += 1; emit Transfer(caller, calldata, 1)`, with slots
/// keyed by keccak as Solidity does it.
fn token() -> Bytes {
    let mut code = hex!(
        "335f525f60205260405f208054600190039055" // caller's balance
        "5f355f5260405f20805460010190556001" // recipient's balance, the amount
        "5f525f3533" // amount to memory, topics
        "7f"
    )
    .to_vec();
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

/// A small call, and the worst loop at the default gas cap.
fn bench_calls(c: &mut Criterion) {
    let endless = hex!("5b5f56");
    let small = hex!("5f545f5260205ff3");
    let limits = CallLimits {
        gas_cap: 50_000_000,
        timeout: Duration::from_secs(5),
    };
    let mut group = c.benchmark_group("call");
    group.sample_size(10);
    for (name, code) in [
        ("small", &small[..]),
        ("endless_loop_50M_gas", &endless[..]),
    ] {
        let chain = TestChain::with_code(EthereumHardfork::Osaka, code.to_vec());
        let request = CallRequest {
            tx: TransactionRequest::default().to(CONTRACT),
            block: BlockEnvSource::Header,
            state_overrides: None,
            block_overrides: None,
        };
        group.bench_function(name, |b| {
            b.iter_batched(
                || (chain.view(), request.clone()),
                |(view, request)| call(&chain.spec, view, chain.header(), request, &limits).is_ok(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench, bench_calls);
criterion_main!(benches);
