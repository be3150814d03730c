//! Block time under transfers, with and without a load of log searches and traces.
//!
//! Quiet and loaded phases take turns, on one node in one run. Who watches the heads has a thread of
//! its own; the threads that make the load have the lowest priority, for it is the node's threads
//! whose competition is measured, not the generator's.

use crate::{
    accounts::{Account, FEE_CAP_WEI, Signed, fund, senders},
    erc20,
    figures::{Figures, percentile},
    heads::pace,
    http::Connection,
    load::{Work, sign_lanes, submit_lanes},
    rpc::{self, Rpc},
    server::Server,
};
use alloy_primitives::{Address, U256};
use clap::Args;
use eyre::{OptionExt, Result, WrapErr, ensure, eyre};
use futures_util::{SinkExt, StreamExt, future::try_join_all};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// Longest wait for a head, an answer or a block.
const LIMIT: Duration = Duration::from_secs(60);
/// Accounts that send.
const SENDERS: usize = 100;
/// Beginning of each phase that is not measured.
const SETTLE: Duration = Duration::from_secs(2);

/// How isolation is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct IsolationArgs {
    /// Length of each phase.
    #[arg(long, default_value = "20s", value_parser = humantime::parse_duration)]
    phase: Duration,
    /// Pairs of a quiet and a loaded phase.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// Transfers each second, all the time.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rate: u64,
    /// Connections that search logs without a pause.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=256))]
    searchers: u64,
    /// Connections that trace blocks without a pause.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=256))]
    tracers: u64,
    /// Token transfers made before, for logs to search and blocks to trace.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    history: u64,
}

/// Times between heads in the phases of one kind.
type Intervals = Vec<Duration>;

/// Measures `server`, which seals blocks at an interval.
pub(crate) async fn run(server: &Server, args: &IsolationArgs) -> Result<Figures> {
    let heavy = history(server, args).await?;
    let transfers = transfers(server, args).await?;
    let stop = Cell::new(false);
    let phases = async {
        let phases = phases(server, args, &heavy).await;
        stop.set(true);
        phases
    };
    let (outcome, submitted) =
        tokio::try_join!(phases, pace(server, &transfers, args.rate, &stop))?;
    let mut figures = Figures::default();
    figures.note("transfers", submitted as f64, "tx");
    let quiet = describe(&mut figures, "block time, quiet", outcome.quiet);
    let loaded = describe(&mut figures, "block time, loaded", outcome.loaded);
    let (quiet, loaded) = quiet.zip(loaded).ok_or_eyre("there were no blocks")?;
    figures.less("p99 block time, loaded to quiet", loaded / quiet, "times");
    let seconds = (args.phase * args.rounds as u32).as_secs_f64();
    figures.note(
        "log searches",
        outcome.load.searches as f64 / seconds,
        "1/s",
    );
    figures.note("traced blocks", outcome.load.traces as f64 / seconds, "1/s");
    figures.note("refused", outcome.load.refused as f64, "requests");
    Ok(figures)
}

fn describe(figures: &mut Figures, name: &str, mut intervals: Intervals) -> Option<f64> {
    intervals.sort_unstable();
    let p99 = percentile(&intervals, 0.99)?.as_secs_f64();
    figures.note(format!("{name}, blocks"), intervals.len() as f64, "blocks");
    figures.latencies(name, intervals);
    Some(p99)
}

/// What the load asks for.
struct Heavy {
    token: Address,
    /// Blocks full of token transfers.
    first: u64,
    last: u64,
}

/// Fills blocks with token transfers.
async fn history(server: &Server, args: &IsolationArgs) -> Result<Heavy> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let accounts = senders("isolation history", SENDERS)?;
    let each = args.history.div_ceil(SENDERS as u64) + 1;
    let (token, signed) = {
        let gas = Work::Token(Address::ZERO).gas_limit();
        fund(&mut rpc, &accounts, cost(gas, each)).await?;
        let token = erc20::deploy(&mut rpc, &accounts).await?;
        let work = Work::Token(token);
        (
            token,
            signed(&mut rpc, work, &accounts, args.history as usize, 4).await?,
        )
    };
    let first = rpc.block_number().await? + 1;
    submit_lanes(&server.endpoint, &signed, LIMIT * 10).await?;
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    rpc.nonces_reach(&addresses, args.history, LIMIT * 10)
        .await?;
    let last = rpc.block_number().await?;
    Ok(Heavy { token, first, last })
}

/// The transfers of all phases.
async fn transfers(server: &Server, args: &IsolationArgs) -> Result<Vec<Signed>> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let accounts = senders("isolation", SENDERS)?;
    let seconds = 2 * args.rounds * (args.phase.as_secs() + SETTLE.as_secs() + 2) + 5;
    let count = args.rate * seconds;
    let each = count.div_ceil(SENDERS as u64) + 1;
    fund(&mut rpc, &accounts, cost(Work::Transfer.gas_limit(), each)).await?;
    let lanes = signed(&mut rpc, Work::Transfer, &accounts, count as usize, 1).await?;
    Ok(lanes.concat())
}

fn cost(gas: u64, transactions: u64) -> U256 {
    (U256::from(gas) * U256::from(FEE_CAP_WEI) + U256::ONE) * U256::from(transactions)
}

async fn signed(
    rpc: &mut Rpc,
    work: Work,
    accounts: &[Account],
    count: usize,
    lanes: usize,
) -> Result<Vec<Vec<Signed>>> {
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let nonces = rpc.nonces(&addresses).await?;
    let chain_id = rpc.chain_id().await?;
    sign_lanes(work, "isolation", chain_id, accounts, &nonces, count, lanes)
}

#[derive(Default)]
struct Phases {
    quiet: Intervals,
    loaded: Intervals,
    load: Served,
}

async fn phases(server: &Server, args: &IsolationArgs, heavy: &Heavy) -> Result<Phases> {
    let mut phases = Phases::default();
    for _ in 0..args.rounds {
        phases.quiet.extend(watch(server, args.phase).await?);
        let load = Load::start(server, args, heavy)?;
        let intervals = watch(server, args.phase).await;
        let served = load.stop()?;
        phases.loaded.extend(intervals?);
        ensure!(
            served.searches > 0 && served.traces > 0,
            "the node served no searches, or no traces"
        );
        phases.load.searches += served.searches;
        phases.load.traces += served.traces;
        phases.load.refused += served.refused;
    }
    Ok(phases)
}

/// Follows heads for `phase` on a thread of its own; returns the times between them.
async fn watch(server: &Server, phase: Duration) -> Result<Intervals> {
    let (url, authority) = (
        server.endpoint.websocket_url(),
        server.endpoint.authority().to_owned(),
    );
    let (done, watched) = tokio::sync::oneshot::channel();
    thread::Builder::new()
        .name("watch-heads".to_owned())
        .spawn(move || {
            let outcome = runtime().and_then(|rt| rt.block_on(intervals(&url, &authority, phase)));
            done.send(outcome).ok();
        })?;
    watched.await.wrap_err("nobody watches the heads")?
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

async fn intervals(url: &str, authority: &str, phase: Duration) -> Result<Intervals> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(url, stream).await?;
    let subscribe = rpc::request(1, "eth_subscribe", &json!(["newHeads"])).to_string();
    socket.send(Message::text(subscribe)).await?;
    let started = Instant::now();
    let (mut intervals, mut last) = (Vec::new(), None::<Instant>);
    while started.elapsed() < SETTLE + phase {
        let message = timeout(LIMIT, socket.next())
            .await
            .wrap_err("no head came")?
            .ok_or_eyre("the server closed the WebSocket")??;
        let now = Instant::now();
        let Message::Text(text) = message else {
            continue;
        };
        if !text.contains("eth_subscription") {
            continue;
        }
        if let Some(last) = last
            && started.elapsed() > SETTLE
        {
            intervals.push(now - last);
        }
        last = Some(now);
    }
    Ok(intervals)
}

/// How much of the load the node has served.
#[derive(Clone, Copy, Debug, Default)]
struct Served {
    searches: u64,
    traces: u64,
    refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    stop: AtomicBool,
    searches: AtomicU64,
    traces: AtomicU64,
    refused: AtomicU64,
}

/// Searches and traces that run until they are stopped.
struct Load {
    counters: Arc<Counters>,
    thread: JoinHandle<Result<()>>,
}

impl Load {
    fn start(server: &Server, args: &IsolationArgs, heavy: &Heavy) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let searches = requests(server, args.searchers, |_| {
            let filter = json!({"fromBlock": "0x0", "toBlock": "latest", "address": heavy.token,
                "topics": [null, null, null]});
            ("eth_getLogs", json!([filter]))
        })?;
        let blocks = heavy.last - heavy.first + 1;
        let traces = requests(server, args.tracers, |lane| {
            let number = format!("{:#x}", heavy.first + lane % blocks);
            (
                "debug_traceBlockByNumber",
                json!([number, {"tracer": "callTracer"}]),
            )
        })?;
        let (shared, endpoint) = (counters.clone(), server.endpoint.clone());
        let thread = thread::Builder::new()
            .name("load".to_owned())
            .spawn(move || {
                rustix::process::setpriority_process(None, 19)?;
                let all = searches
                    .iter()
                    .map(|request| (request, &shared.searches))
                    .chain(traces.iter().map(|request| (request, &shared.traces)));
                let lanes = all.map(|(request, served)| {
                    let endpoint = endpoint.clone();
                    let shared = &shared;
                    async move {
                        let mut connection = Connection::open(&endpoint).await?;
                        while !shared.stop.load(Relaxed) {
                            let answer = connection.send(request).await?;
                            let counter = if answer_is_result(answer)? {
                                served
                            } else {
                                &shared.refused
                            };
                            counter.fetch_add(1, Relaxed);
                        }
                        Ok::<_, eyre::Report>(())
                    }
                });
                runtime()?.block_on(try_join_all(lanes)).map(drop)
            })?;
        Ok(Self { counters, thread })
    }

    fn stop(self) -> Result<Served> {
        self.counters.stop.store(true, Relaxed);
        self.thread
            .join()
            .map_err(|_| eyre!("the load panicked"))??;
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        Ok(Served {
            searches: of(&self.counters.searches),
            traces: of(&self.counters.traces),
            refused: of(&self.counters.refused),
        })
    }
}

fn requests(
    server: &Server,
    count: u64,
    of: impl Fn(u64) -> (&'static str, Value),
) -> Result<Vec<Vec<u8>>> {
    (0..count)
        .map(|lane| {
            let (method, params) = of(lane);
            let body = serde_json::to_vec(&rpc::request(1, method, &params))?;
            Ok(server.endpoint.request(&body))
        })
        .collect()
}

/// `false` for a limit, which is what a saturated node answers; any other error ends the run.
fn answer_is_result(answer: &[u8]) -> Result<bool> {
    let start = &answer[..answer.len().min(400)];
    let text = String::from_utf8_lossy(start);
    if text.contains("\"error\"") {
        ensure!(text.contains("-32005"), "the load was answered {text}");
        return Ok(false);
    }
    Ok(true)
}
