//! Mutated requests against a node in this process: whatever is sent, the answer is one by the book,
//! it comes, nothing panics and nothing grows.

mod check;
mod corpus;
mod mutate;
mod node;
mod rng;
mod wire;
mod words;

use crate::{figures::Figures, rpc::Rpc, server::own_memory_mib};
use check::{Expected, Tally};
use clap::Args;
use corpus::Corpus;
use eyre::{OptionExt, Result, WrapErr, bail, ensure};
use futures_util::future::try_join_all;
use node::Subject;
use rng::Rng;
use std::{
    panic,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use wire::Wire;

/// Lanes of either kind.
const LANES: u64 = 4;
/// Payloads after which a WebSocket is closed and another opened, with its subscriptions.
const SOCKET_LIFE: u64 = 500;
/// Share of the run, in percent, after which memory should not grow any more.
const WARM_UP_PERCENT: u64 = 30;
/// What it may grow by all the same, in MiB: blocks are made, and allocators keep what they had.
const MAX_GROWTH_MIB: f64 = 64.0;
/// How long the node may take to stop at the end.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a payload that an error shows.
const SHOWN_BYTES: usize = 2_000;
/// Wrong answers after which a run ends.
const MAX_FINDINGS: usize = 20;

/// How many requests, and which.
#[derive(Args, Clone, Debug)]
pub(crate) struct FuzzArgs {
    /// Payloads, half of them over HTTP and half over WebSocket; a batch is one.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000_000))]
    requests: u64,
    /// Determines all payloads.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What panicked, anywhere in the process.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The run's shared state.
struct Run<'a> {
    corpus: Corpus,
    subject: &'a Subject,
    args: &'a FuzzArgs,
    done: AtomicU64,
    warm_mib: Mutex<Option<f64>>,
    findings: Mutex<Vec<String>>,
}

/// Runs all requests.
pub(crate) fn run(args: &FuzzArgs) -> Result<Figures> {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if let Ok(mut panics) = PANICS.lock() {
            panics.push(info.to_string());
        }
        usual(info);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(all(args))
}

async fn all(args: &FuzzArgs) -> Result<Figures> {
    let subject = Subject::start().await?;
    let outcome = measured(&subject, args).await;
    subject.node.token().cancel();
    let stopped = tokio::time::timeout(STOP_LIMIT, subject.node.wait()).await;
    let figures = outcome?;
    let ended = stopped.wrap_err("the node does not stop")?;
    ended.map_err(|error| error.wrap_err("the node failed"))?;
    let panics = PANICS.lock().map(|all| all.clone()).unwrap_or_default();
    ensure!(panics.is_empty(), "panics: {panics:#?}");
    Ok(figures)
}

async fn measured(subject: &Subject, args: &FuzzArgs) -> Result<Figures> {
    let facts = subject.prepare().await.wrap_err("preparation")?;
    let run = Run {
        corpus: Corpus::new(&facts),
        subject,
        args,
        done: AtomicU64::new(0),
        warm_mib: Mutex::new(None),
        findings: Mutex::new(Vec::new()),
    };
    let started = Instant::now();
    let lanes = (0..2 * LANES).map(|lane| run.lane(lane));
    let tallies = try_join_all(lanes).await?;
    let elapsed = started.elapsed().as_secs_f64();
    let findings = run.findings.lock().map(|all| all.clone());
    let findings = findings.unwrap_or_default();
    ensure!(findings.is_empty(), run.report(&findings));
    let end = own_memory_mib()?;
    let warm = run.warm_mib.lock().ok().and_then(|mib| *mib);
    let warm = warm.ok_or_eyre("the run was too short for a warm-up")?;

    let mut rpc = Rpc::open(&subject.endpoint).await?;
    ensure!(rpc.block_number().await? > 0, "the node lost its chain");
    ensure!(
        end - warm <= MAX_GROWTH_MIB,
        "memory grew from {warm:.0} to {end:.0} MiB"
    );
    let mut figures = Figures::default();
    let total = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>() as f64;
    figures.note("payloads", args.requests as f64, "payloads");
    figures.more("payloads", args.requests as f64 / elapsed, "1/s");
    figures.note("answers with a result", total(|t| t.results), "answers");
    figures.note("answers with an error", total(|t| t.errors), "answers");
    figures.note(
        "notifications without an answer",
        total(|t| t.silent),
        "payloads",
    );
    figures.note("memory after the warm-up", warm, "MiB");
    figures.note("memory at the end", end, "MiB");
    Ok(figures)
}

impl Run<'_> {
    /// Every lane sends its share, over HTTP if its number is even.
    async fn lane(&self, lane: u64) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut wire = self.open(lane).await?;
        let mut sent = 0;
        for index in (lane..self.args.requests).step_by(2 * LANES as usize) {
            if sent == SOCKET_LIFE {
                if let Wire::Socket(socket) = std::mem::replace(&mut wire, self.open(lane).await?) {
                    socket.close().await;
                }
                sent = 0;
            }
            sent += 1;
            let mut rng = Rng::new(self.args.seed, index);
            let payload = mutate::payload(&self.corpus, &mut rng, index);
            let expected = Expected::of(&payload, lane % 2 == 1);
            let outcome = match wire.exchange(&payload, &expected).await {
                Ok(bytes) => check::answer(&bytes, &expected, &mut tally)
                    .wrap_err_with(|| format!("answer {}", shown(&bytes))),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                self.found(index, &payload, &error)?;
                wire = self.open(lane).await?;
                sent = 0;
            }
            self.progress()?;
        }
        Ok(tally)
    }

    async fn open(&self, lane: u64) -> Result<Wire> {
        let endpoint = &self.subject.endpoint;
        if lane.is_multiple_of(2) {
            Wire::http(endpoint).await
        } else {
            Wire::socket(endpoint).await
        }
    }

    /// Keeps what was wrong with an answer, so that one run shows more than the first of them.
    fn found(&self, index: u64, payload: &[u8], error: &eyre::Report) -> Result<()> {
        let text = format!("payload {index}: {}\n{error:#}\n", shown(payload));
        let Ok(mut findings) = self.findings.lock() else {
            bail!("{text}");
        };
        findings.push(text);
        ensure!(findings.len() < MAX_FINDINGS, self.report(&findings));
        Ok(())
    }

    fn report(&self, findings: &[String]) -> String {
        let (seed, count) = (self.args.seed, findings.len());
        format!(
            "seed {seed}: {count} wrong answers\n\n{}",
            findings.join("\n")
        )
    }

    /// Counts a payload; notes the memory after the warm-up, and ends the run at a panic.
    fn progress(&self) -> Result<()> {
        let done = self.done.fetch_add(1, Relaxed) + 1;
        if done == self.args.requests * WARM_UP_PERCENT / 100
            && let Ok(mut warm) = self.warm_mib.lock()
        {
            *warm = Some(own_memory_mib()?);
        }
        if done.is_multiple_of(100_000) {
            eprintln!("{done} payloads, {:.0} MiB", own_memory_mib()?);
        }
        if let Ok(panics) = PANICS.lock()
            && let Some(first) = panics.first()
        {
            bail!("a thread panicked: {first}");
        }
        Ok(())
    }
}

fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let rest = if start.len() < bytes.len() {
        format!("… ({} bytes)", bytes.len())
    } else {
        String::new()
    };
    format!("{}{rest}", String::from_utf8_lossy(start))
}
