//! Reads per second, and per second of the server's CPU time.

use crate::{
    accounts::{Account, FEE_CAP_WEI, TRANSFER_GAS, fund, senders},
    erc20,
    figures::Figures,
    http::{Connection, Endpoint},
    load::{Work, sign_lanes, submit_lanes, succeeded},
    rpc::{self, Rpc},
    server::{Cpu, Server},
};
use alloy_primitives::{Address, U256, hex};
use clap::Args;
use eyre::{Result, WrapErr, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

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
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let accounts = senders(&args.seed, ACCOUNTS)?;
    let each = args.block_transactions * ATTEMPTS as u64;
    let fee = U256::from(TRANSFER_GAS) * U256::from(FEE_CAP_WEI) + U256::ONE;
    fund(
        &mut rpc,
        &accounts,
        fee * U256::from(each.div_ceil(ACCOUNTS as u64) + 1),
    )
    .await?;
    let token = erc20::deploy(&mut rpc, &accounts).await?;
    let (number, hashes) = full_block(&mut rpc, server, &accounts, args).await?;

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
        let label = match method {
            "eth_getBlockByNumber" => format!("{method}, {} full", args.block_transactions),
            _ => method.to_owned(),
        };
        measure(server, method, &params, args, &label, &mut figures).await?;
    }
    Ok(figures)
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

/// Mines a block with exactly the wanted number of transfers; returns its number and their hashes.
async fn full_block(
    rpc: &mut Rpc,
    server: &Server,
    accounts: &[Account],
    args: &ReadArgs,
) -> Result<(u64, Vec<String>)> {
    let chain_id = rpc.chain_id().await?;
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let (count, lanes) = (args.block_transactions as usize, args.connections as usize);
    for _ in 0..ATTEMPTS {
        let nonces = rpc.nonces(&addresses).await?;
        let signed = sign_lanes(
            Work::Transfer,
            &args.seed,
            chain_id,
            accounts,
            &nonces,
            count,
            lanes,
        )?;
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

/// Calls `method` on every connection for the set time.
async fn measure(
    server: &Server,
    method: &str,
    params: &[Value],
    args: &ReadArgs,
    label: &str,
    figures: &mut Figures,
) -> Result<()> {
    let requests: Vec<_> = params
        .iter()
        .map(|params| {
            let body = serde_json::to_vec(&rpc::request(1, method, params))?;
            Ok(server.endpoint.request(&body))
        })
        .collect::<Result<_>>()?;
    let size = check(server, &requests[0], method, args).await?;
    let (server_cpu, own_cpu) = (server.cpu(), Cpu::own()?);
    let started = Instant::now();
    let until = started + args.duration;
    let loops =
        (0..args.connections).map(|lane| repeat(&server.endpoint, &requests, lane as usize, until));
    let counts = timeout(args.duration + MINED_LIMIT, try_join_all(loops))
        .await
        .wrap_err("the reads did not end")??;
    let elapsed = started.elapsed().as_secs_f64();
    let total = counts.iter().sum::<u64>() as f64;
    let own = Cpu::own()?.since(own_cpu);
    figures.more(label, total / elapsed, "requests/s");
    if let Some((before, after)) = server_cpu.zip(server.cpu()) {
        let cpu = after.since(before).max(0.01);
        figures.more(
            format!("{label}, per CPU second"),
            total / cpu,
            "requests/s",
        );
    }
    figures.note(
        format!("{label}, generator CPU"),
        own * 1e6 / total.max(1.0),
        "µs",
    );
    figures.note(format!("{label}, response"), size as f64, "bytes");
    Ok(())
}

/// Looks at one whole answer before the clock starts; returns its size.
async fn check(server: &Server, request: &[u8], method: &str, args: &ReadArgs) -> Result<usize> {
    let mut connection = Connection::open(&server.endpoint).await?;
    let bytes = connection.send(request).await?;
    let answer: Value = serde_json::from_slice(bytes)?;
    let result = &answer["result"];
    let right = match method {
        "eth_getBlockByNumber" => {
            let transactions = result["transactions"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            transactions.len() as u64 == args.block_transactions
                && transactions.iter().all(|tx| tx["from"].is_string())
        }
        "eth_getTransactionReceipt" => result["status"] == "0x1",
        _ => result
            .as_str()
            .is_some_and(|text| !text.trim_start_matches(['0', 'x']).is_empty()),
    };
    ensure!(right, "{method} answered {answer}");
    Ok(bytes.len())
}

/// What anvil says of a read that a new block has overtaken.
const ANVIL_OVERTAKEN: &str = "BlockOutOfRangeError";
/// Such reads of one connection that are left out of the count; more of them end the run.
const MAX_OVERTAKEN: u32 = 20;

async fn repeat(
    endpoint: &Endpoint,
    requests: &[Vec<u8>],
    lane: usize,
    until: Instant,
) -> Result<u64> {
    let mut connection = Connection::open(endpoint).await?;
    let (mut count, mut overtaken) = (0, 0);
    for request in requests.iter().cycle().skip(lane * 7 % requests.len()) {
        if Instant::now() >= until {
            break;
        }
        let response = connection.send(request).await?;
        if !succeeded(response) {
            let start = String::from_utf8_lossy(&response[..response.len().min(300)]);
            // anvil with `--prune-history` refuses a read of `latest` that a new block overtakes.
            overtaken += 1;
            ensure!(
                start.contains(ANVIL_OVERTAKEN) && overtaken <= MAX_OVERTAKEN,
                "a read failed: {start}"
            );
            continue;
        }
        count += 1;
    }
    Ok(count)
}
