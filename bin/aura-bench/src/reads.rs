//! Reads per second, and per second of the server's CPU time.

use crate::{
    accounts::{Account, FEE_CAP_WEI, TRANSFER_GAS, fund, senders},
    erc20,
    figures::Figures,
    load::{Work, sign_lanes, submit_lanes},
    measure::Read,
    rpc::Rpc,
    server::Server,
};
use alloy_primitives::{Address, U256, hex};
use clap::Args;
use eyre::{Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Accounts whose state is read.
const ACCOUNTS: usize = 100;
/// Blocks that are tried until one holds all transactions.
const ATTEMPTS: usize = 5;
const MINED_LIMIT: Duration = Duration::from_secs(60);

/// How reads are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReadArgs {
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) connections: u64,
    /// Time for each method.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// Transactions in the block that is read in full.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    pub(crate) block_transactions: u64,
    /// Names the set of accounts.
    #[arg(long, default_value = "reads")]
    pub(crate) seed: String,
}

/// Prepares the state, then measures each method on `server`, which seals blocks at an interval.
pub(crate) async fn run(server: &Server, args: &ReadArgs) -> Result<Figures> {
    let (mut rpc, accounts, token) = prepare(server, args).await?;
    let (number, hashes) = full_block(&mut rpc, server, &accounts, args, Work::Transfer).await?;
    let block = json!([format!("{number:#x}"), true]);
    let methods = [
        (
            "eth_getBalance",
            params(&accounts, |owner| json!([owner, "latest"])),
        ),
        (
            "eth_call",
            params(&accounts, |owner| balance_call(token, owner)),
        ),
        (
            "eth_getTransactionReceipt",
            hashes.iter().map(|hash| json!([hash])).collect(),
        ),
        ("eth_getBlockByNumber", vec![block]),
    ];
    let mut figures = Figures::default();
    for (method, params) in methods {
        let count = args.block_transactions;
        let label = match method {
            "eth_getBlockByNumber" => format!("{method}, {count} full"),
            _ => method.to_owned(),
        };
        let read = Read {
            label: &label,
            method,
            params: &params,
            is_right: &|result| is_right(method, result, count),
        };
        read.measure(server, args.connections, args.duration, &mut figures)
            .await?;
    }
    Ok(figures)
}

/// Prepares the state, then measures traces of a block on `server`, which seals blocks at an
/// interval.
pub(crate) async fn traces(server: &Server, args: &ReadArgs) -> Result<Figures> {
    let (mut rpc, accounts, token) = prepare(server, args).await?;
    let work = Work::Token(token);
    let (number, _) = full_block(&mut rpc, server, &accounts, args, work).await?;
    let (method, count) = ("debug_traceBlockByNumber", args.block_transactions);
    let read = Read {
        label: &format!("{method}, {count} token transfers"),
        method,
        params: &[json!([format!("{number:#x}"), {"tracer": "callTracer"}])],
        is_right: &|result| is_right(method, result, count),
    };
    let mut figures = Figures::default();
    read.measure(server, args.connections, args.duration, &mut figures)
        .await?;
    Ok(figures)
}

/// Accounts with funds, and a token.
async fn prepare(server: &Server, args: &ReadArgs) -> Result<(Rpc, Vec<Account>, Address)> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let accounts = senders(&args.seed, ACCOUNTS)?;
    let each = args.block_transactions * ATTEMPTS as u64;
    let fee = |gas| U256::from(gas) * U256::from(FEE_CAP_WEI) + U256::ONE;
    let token_gas = Work::Token(Address::ZERO).gas_limit();
    let both = fee(TRANSFER_GAS) + fee(token_gas);
    let turns = U256::from(each.div_ceil(ACCOUNTS as u64) + 1);
    fund(&mut rpc, &accounts, both * turns).await?;
    let token = erc20::deploy(&mut rpc, &accounts).await?;
    Ok((rpc, accounts, token))
}

fn params(accounts: &[Account], of: impl Fn(Address) -> Value) -> Vec<Value> {
    accounts
        .iter()
        .map(|account| of(account.address()))
        .collect()
}

fn balance_call(token: Address, owner: Address) -> Value {
    json!([{ "to": token, "data": hex::encode_prefixed(erc20::balance_input(owner)) }, "latest"])
}

/// Mines a block with exactly the wanted number of transactions; returns its number and their hashes.
async fn full_block(
    rpc: &mut Rpc,
    server: &Server,
    accounts: &[Account],
    args: &ReadArgs,
    work: Work,
) -> Result<(u64, Vec<String>)> {
    let chain_id = rpc.chain_id().await?;
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let (count, lanes) = (args.block_transactions as usize, args.connections as usize);
    for _ in 0..ATTEMPTS {
        let nonces = rpc.nonces(&addresses).await?;
        let signed = sign_lanes(work, &args.seed, chain_id, accounts, &nonces, count, lanes)?;
        // Right after a block, so that all of them fit before the next.
        let head = rpc.block_number().await?;
        let waited = Instant::now();
        while rpc.block_number().await? == head && waited.elapsed() < Duration::from_secs(3) {
            sleep(Duration::from_millis(2)).await;
        }
        submit_lanes(&server.endpoint, &signed, MINED_LIMIT).await?;
        let target = nonces.iter().sum::<u64>() + args.block_transactions;
        rpc.nonces_reach(&addresses, target, MINED_LIMIT).await?;
        let last = rpc.block_number().await?;
        let sizes = rpc.block_sizes(head + 1, last).await?;
        if let Some(at) = sizes
            .iter()
            .position(|size| *size == args.block_transactions)
        {
            let hashes = signed
                .iter()
                .flatten()
                .map(|tx| tx.hash.to_string())
                .collect();
            return Ok((head + 1 + at as u64, hashes));
        }
    }
    bail!("no block took all {count} transactions; are blocks sealed at an interval?")
}

/// Whether the result of a read has what the chain holds.
fn is_right(method: &str, result: &Value, transactions: u64) -> bool {
    let all = |list: &Value, each: fn(&Value) -> bool| {
        list.as_array()
            .is_some_and(|list| list.len() as u64 == transactions && list.iter().all(each))
    };
    match method {
        "eth_getBlockByNumber" => all(&result["transactions"], |tx| tx["from"].is_string()),
        "debug_traceBlockByNumber" => all(result, |trace| {
            trace["result"]["type"] == "CALL" && trace["result"]["error"].is_null()
        }),
        "eth_getTransactionReceipt" => result["status"] == "0x1",
        _ => result
            .as_str()
            .is_some_and(|text| !text.trim_start_matches(['0', 'x']).is_empty()),
    }
}
