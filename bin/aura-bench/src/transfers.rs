//! Transactions per second, from the first submission until all are mined.

use crate::{
    accounts::{Account, FEE_CAP_WEI, fund, senders},
    erc20,
    figures::{Figures, percentile},
    load::{Work, recipient, sign_lanes, submit_lanes},
    rpc::Rpc,
    server::{Cpu, Server},
};
use alloy_primitives::{Address, U256, hex};
use clap::Args;
use eyre::{Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Size and shape of a load.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// Transactions, each in a request of its own.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) count: u64,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) connections: u64,
    /// Accounts that send.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) senders: u64,
    /// Names the set of senders and recipients.
    #[arg(long, default_value = "0")]
    pub(crate) seed: String,
    /// Longest time for submitting, and again for mining the rest.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration)]
    pub(crate) limit: Duration,
}

/// Which transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Transfers,
    Erc20,
}

/// Runs the load on `server` and returns what it measured.
pub(crate) async fn run(server: &Server, mode: Mode, args: &LoadArgs) -> Result<Figures> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let (count, lanes) = (args.count as usize, args.connections as usize);
    let accounts = senders(&args.seed, (args.senders as usize).min(count))?;
    let each = args.count.div_ceil(accounts.len() as u64);
    fund(&mut rpc, &accounts, funds(mode, each)).await?;
    let work = match mode {
        Mode::Transfers => Work::Transfer,
        Mode::Erc20 => Work::Token(erc20::deploy(&mut rpc, &accounts).await?),
    };
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let nonces = rpc.nonces(&addresses).await?;
    let chain_id = rpc.chain_id().await?;
    let transactions = sign_lanes(work, &args.seed, chain_id, &accounts, &nonces, count, lanes)?;
    let before = rpc.block_number().await?;

    let (server_cpu, own_cpu) = (server.cpu(), Cpu::own()?);
    let started = Instant::now();
    let latencies = submit_lanes(&server.endpoint, &transactions, args.limit).await?;
    let (submitted, own_cpu) = (started.elapsed(), Cpu::own()?.since(own_cpu));
    let target = nonces.iter().sum::<u64>() + args.count;
    rpc.nonces_reach(&addresses, target, args.limit).await?;
    let elapsed = started.elapsed();
    let server_cpu = server_cpu
        .zip(server.cpu())
        .map(|(before, after)| after.since(before));

    let sizes = sizes_after(&mut rpc, before, args.count).await?;
    check(&mut rpc, work, args, &nonces, &sizes).await?;
    let mut figures = Figures::default();
    let total = args.count as f64;
    figures.more("mined", total / elapsed.as_secs_f64(), "tx/s");
    figures.more("submitted", total / submitted.as_secs_f64(), "tx/s");
    figures.latencies("submission", latencies);
    if let Some(cpu) = server_cpu {
        figures.less("server CPU per transaction", cpu * 1e6 / total, "µs");
    }
    figures.note("generator CPU per transaction", own_cpu * 1e6 / total, "µs");
    let mut full: Vec<_> = sizes.into_iter().filter(|size| *size > 0).collect();
    full.sort_unstable();
    figures.note("blocks with transactions", full.len() as f64, "blocks");
    if let (Some(middle), Some(most)) = (percentile(&full, 0.5), full.last()) {
        figures.note("transactions in a block, middle", middle as f64, "tx");
        figures.note("transactions in a block, most", *most as f64, "tx");
    }
    server.footprint(&mut figures);
    Ok(figures)
}

/// What each sender needs for `each` transactions at the fee cap, twice over.
fn funds(mode: Mode, each: u64) -> U256 {
    let gas = match mode {
        Mode::Transfers => Work::Transfer.gas_limit(),
        Mode::Erc20 => Work::Token(Address::ZERO).gas_limit(),
    };
    U256::from(2 * each) * (U256::from(gas) * U256::from(FEE_CAP_WEI) + U256::ONE)
}

/// Sizes of the blocks after `before`, once they hold `count` transactions or a while has passed:
/// anvil shows the state of a block a moment before its number.
async fn sizes_after(rpc: &mut Rpc, before: u64, count: u64) -> Result<Vec<u64>> {
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        let head = rpc.block_number().await?;
        let sizes = rpc.block_sizes(before + 1, head).await?;
        if sizes.iter().sum::<u64>() >= count || Instant::now() > deadline {
            return Ok(sizes);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Compares what the chain says with what was sent: counts, and a sample of the recipients.
async fn check(
    rpc: &mut Rpc,
    work: Work,
    args: &LoadArgs,
    nonces: &[u64],
    sizes: &[u64],
) -> Result<()> {
    let mined: u64 = sizes.iter().sum();
    ensure!(
        mined == args.count,
        "blocks hold {mined} transactions, not {}",
        args.count
    );
    let recipients: Vec<_> = nonces
        .iter()
        .take(args.count as usize)
        .take(100)
        .enumerate()
        .map(|(sender, nonce)| recipient(&args.seed, sender, *nonce))
        .collect();
    let balances = match work {
        Work::Transfer => rpc.balances(&recipients).await?,
        Work::Token(token) => {
            let calls = recipients.iter().map(|owner| {
                let data = hex::encode_prefixed(erc20::balance_input(*owner));
                json!([{ "to": token, "data": data }, "latest"])
            });
            rpc.batch("eth_call", calls.collect()).await?
        }
    };
    ensure!(
        balances.iter().all(|balance| *balance == U256::ONE),
        "a recipient got something else"
    );
    Ok(())
}
