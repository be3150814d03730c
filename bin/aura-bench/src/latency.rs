//! From submitting a transaction to seeing its receipt.

use crate::{
    accounts::{Account, FEE_CAP_WEI, Signed, TRANSFER_GAS, fund, senders},
    figures::Figures,
    http::Endpoint,
    load::{Work, sign_lanes},
    rpc::Rpc,
    server::Server,
};
use alloy_primitives::{U256, hex};
use clap::Args;
use eyre::{Result, WrapErr, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Pause between two looks for the receipt.
const POLL: Duration = Duration::from_millis(1);
/// Transactions of each client that are not counted.
const WARM_UP: usize = 3;
/// Longest wait for one receipt.
const RECEIPT_LIMIT: Duration = Duration::from_secs(30);

/// How latency is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct LatencyArgs {
    /// Clients, each with one transaction on its way.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) clients: u64,
    /// Transactions of each client.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) count: u64,
    /// Use `eth_sendRawTransactionSync` instead of polling for the receipt.
    #[arg(long)]
    pub(crate) sync: bool,
    /// Names the set of senders and recipients.
    #[arg(long, default_value = "latency")]
    pub(crate) seed: String,
    /// Longest time for the whole measurement.
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) limit: Duration,
}

/// Measures on `server`.
pub(crate) async fn run(server: &Server, args: &LatencyArgs) -> Result<Figures> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let clients = args.clients as usize;
    let accounts = senders(&args.seed, clients)?;
    let each = args.count as usize + WARM_UP;
    let fee = U256::from(TRANSFER_GAS) * U256::from(FEE_CAP_WEI) + U256::ONE;
    fund(&mut rpc, &accounts, fee * U256::from(each)).await?;
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let nonces = rpc.nonces(&addresses).await?;
    let chain_id = rpc.chain_id().await?;
    let count = clients * each;
    let lanes = sign_lanes(
        Work::Transfer,
        &args.seed,
        chain_id,
        &accounts,
        &nonces,
        count,
        clients,
    )?;
    let started = Instant::now();
    let runs = lanes
        .iter()
        .map(|lane| client(&server.endpoint, lane, args.sync));
    let latencies = timeout(args.limit, try_join_all(runs))
        .await
        .wrap_err_with(|| format!("the measurement took longer than {:?}", args.limit))??
        .concat();
    let mut figures = Figures::default();
    let what = if args.sync {
        "sync submission"
    } else {
        "submit to receipt"
    };
    figures.latencies(&format!("{what}, {clients} client(s)"), latencies);
    figures.more(
        "rate",
        count as f64 / started.elapsed().as_secs_f64(),
        "tx/s",
    );
    Ok(figures)
}

async fn client(endpoint: &Endpoint, lane: &[Signed], sync: bool) -> Result<Vec<Duration>> {
    let mut rpc = Rpc::open(endpoint).await?;
    let mut latencies = Vec::with_capacity(lane.len());
    for (index, transaction) in lane.iter().enumerate() {
        let raw = hex::encode_prefixed(&transaction.raw);
        let sent = Instant::now();
        let receipt = if sync {
            rpc.call::<Value>("eth_sendRawTransactionSync", json!([raw]))
                .await?
        } else {
            let _: String = rpc.call("eth_sendRawTransaction", json!([raw])).await?;
            polled(&mut rpc, transaction).await?
        };
        if index >= WARM_UP {
            latencies.push(sent.elapsed());
        }
        ensure!(
            receipt["status"] == "0x1",
            "a transaction failed: {receipt}"
        );
    }
    Ok(latencies)
}

async fn polled(rpc: &mut Rpc, transaction: &Signed) -> Result<Value> {
    let deadline = Instant::now() + RECEIPT_LIMIT;
    loop {
        let receipt: Value = rpc
            .call("eth_getTransactionReceipt", json!([transaction.hash]))
            .await?;
        if !receipt.is_null() {
            return Ok(receipt);
        }
        ensure!(
            Instant::now() < deadline,
            "{} was not mined",
            transaction.hash
        );
        sleep(POLL).await;
    }
}
