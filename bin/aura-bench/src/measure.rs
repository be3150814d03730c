//! One method, called again and again: throughput on many connections, latency on one.

use crate::{
    figures::Figures,
    http::{Connection, Endpoint},
    load::succeeded,
    rpc,
    server::{Cpu, Server},
};
use eyre::{Result, WrapErr, ensure};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Longest wait for the last answers.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// A method with the parameters that its calls take in turn.
pub(crate) struct Read<'a> {
    pub(crate) label: &'a str,
    pub(crate) method: &'a str,
    pub(crate) params: &'a [Value],
    /// Says whether a result is the right one; looked at before the clock starts.
    pub(crate) is_right: &'a dyn Fn(&Value) -> bool,
}

impl Read<'_> {
    /// Calls the method for `duration` on so many connections, and half as long on one.
    pub(crate) async fn measure(
        &self,
        server: &Server,
        connections: u64,
        duration: Duration,
        figures: &mut Figures,
    ) -> Result<()> {
        let label = self.label;
        let requests: Vec<_> = self
            .params
            .iter()
            .map(|params| {
                let body = serde_json::to_vec(&rpc::request(1, self.method, params))?;
                Ok(server.endpoint.request(&body))
            })
            .collect::<Result<_>>()?;
        let size = self.check(server, &requests[0]).await?;
        let (server_cpu, own_cpu) = (server.cpu(), Cpu::own()?);
        let started = Instant::now();
        let total = repeated(server, &requests, connections, duration)
            .await?
            .len() as f64;
        let elapsed = started.elapsed().as_secs_f64();
        let own = Cpu::own()?.since(own_cpu);
        figures.more(label, total / elapsed, "requests/s");
        if let Some((before, after)) = server_cpu.zip(server.cpu()) {
            let cpu = after.since(before).max(0.01);
            let name = format!("{label}, per CPU second");
            figures.more(name, total / cpu, "requests/s");
        }
        let alone = repeated(server, &requests, 1, duration / 2).await?;
        figures.latencies(&format!("{label}, one connection,"), alone);
        let own = own * 1e6 / total.max(1.0);
        figures.note(format!("{label}, generator CPU"), own, "µs");
        figures.note(format!("{label}, response"), size as f64, "bytes");
        Ok(())
    }

    /// Looks at one whole answer; returns its size.
    async fn check(&self, server: &Server, request: &[u8]) -> Result<usize> {
        let mut connection = Connection::open(&server.endpoint).await?;
        let bytes = connection.send(request).await?;
        let answer: Value = serde_json::from_slice(bytes)?;
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]);
        ensure!(
            (self.is_right)(&answer["result"]),
            "{} answered {start}",
            self.method
        );
        Ok(bytes.len())
    }
}

/// Latencies of all calls on all connections.
async fn repeated(
    server: &Server,
    requests: &[Vec<u8>],
    connections: u64,
    duration: Duration,
) -> Result<Vec<Duration>> {
    let until = Instant::now() + duration;
    let lanes =
        (0..connections).map(|lane| repeat(&server.endpoint, requests, lane as usize, until));
    let latencies = timeout(duration + REST_LIMIT, try_join_all(lanes))
        .await
        .wrap_err("the reads did not end")??;
    Ok(latencies.concat())
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
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(endpoint).await?;
    let mut latencies = Vec::new();
    let mut overtaken = 0;
    for request in requests.iter().cycle().skip(lane * 7 % requests.len()) {
        let sent = Instant::now();
        if sent >= until {
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
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}
