//! Servers under test: started alike, watched through /proc, ended on drop.

use crate::{figures::Figures, http::Endpoint, rpc::Rpc};
use clap::ValueEnum;
use eyre::{OptionExt, Result, WrapErr, bail};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// Longest wait for a server to answer after its start.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Linux counts CPU time for user space in hundredths of a second, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Which program a binary is, for its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// `aura dev`
    Aura,
    /// Foundry's `anvil`
    Anvil,
}

/// When blocks are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockTime {
    Instant,
    Every(Duration),
}

impl std::str::FromStr for BlockTime {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "instant" {
            return Ok(Self::Instant);
        }
        humantime::parse_duration(text).map(Self::Every)
    }
}

/// Settings that both servers get.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) block_time: BlockTime,
    pub(crate) gas_limit: u64,
    /// Genesis file instead of the built-in one.
    pub(crate) genesis: Option<PathBuf>,
    /// Old blocks are to be traced, which anvil can only without `--prune-history`.
    pub(crate) keeps_history: bool,
}

/// A server: one that we started, or one that runs already.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    /// From the start of the process to its first answer.
    pub(crate) start_time: Option<Duration>,
    pid: Option<u32>,
    child: Option<Child>,
    datadir: Option<TempDir>,
}

/// CPU time of a process, for differences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu(f64);

impl Server {
    /// A server that somebody else runs; with `pid`, its CPU time and memory are measured.
    pub(crate) const fn running(endpoint: Endpoint, pid: Option<u32>) -> Self {
        Self {
            endpoint,
            start_time: None,
            pid,
            child: None,
            datadir: None,
        }
    }

    /// Starts `binary` on a free port with data of its own and waits for its first answer.
    pub(crate) async fn start(kind: Kind, binary: &Path, settings: &Settings) -> Result<Self> {
        let datadir = TempDir::new()?;
        Self::start_on(kind, binary, settings, datadir).await
    }

    /// Ends the server and starts it again on the same data.
    pub(crate) async fn restart(
        mut self,
        kind: Kind,
        binary: &Path,
        settings: &Settings,
    ) -> Result<Self> {
        let datadir = self
            .datadir
            .take()
            .ok_or_eyre("the server has no data of ours")?;
        drop(self);
        Self::start_on(kind, binary, settings, datadir).await
    }

    async fn start_on(
        kind: Kind,
        binary: &Path,
        settings: &Settings,
        datadir: TempDir,
    ) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs::File::create(datadir.path().join("server.log"))?;
        let started = Instant::now();
        let child = Command::new(binary)
            .args(arguments(kind, port, datadir.path(), settings))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self {
            endpoint: format!("http://127.0.0.1:{port}").parse()?,
            start_time: None,
            pid: Some(child.id()),
            child: Some(child),
            datadir: Some(datadir),
        };
        server.wait_for_answer(started).await?;
        Ok(server)
    }

    async fn wait_for_answer(&mut self, started: Instant) -> Result<()> {
        loop {
            if let Ok(mut rpc) = Rpc::open(&self.endpoint).await
                && rpc.chain_id().await.is_ok()
            {
                self.start_time = Some(started.elapsed());
                return Ok(());
            }
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().transpose());
            if ended.is_some() || started.elapsed() > START_LIMIT {
                bail!("the server did not start: {}", self.log());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn log(&self) -> String {
        let path = self
            .datadir
            .as_ref()
            .map(|dir| dir.path().join("server.log"));
        path.and_then(|path| fs::read_to_string(path).ok())
            .unwrap_or_default()
    }

    /// CPU time so far, if the process is known.
    pub(crate) fn cpu(&self) -> Option<Cpu> {
        self.pid.and_then(|pid| Cpu::of(&pid.to_string()).ok())
    }

    /// Memory and disk use so far, as far as they are known.
    pub(crate) fn footprint(&self, figures: &mut Figures) {
        if let Some(status) = self
            .pid
            .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
        {
            for (name, key) in [
                ("peak RSS", "VmHWM:"),
                ("RSS", "VmRSS:"),
                ("anonymous RSS", "RssAnon:"),
            ] {
                if let Ok(kib) = status_kib(&status, key) {
                    figures.less(name, kib / 1024.0, "MiB");
                }
            }
        }
        if let Some(dir) = &self.datadir {
            figures.less(
                "disk",
                disk_bytes(dir.path()) as f64 / f64::from(1 << 20),
                "MiB",
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Cpu {
    /// CPU time of this process.
    pub(crate) fn own() -> Result<Self> {
        Self::of("self")
    }

    fn of(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        cpu_seconds(&stat).map(Self)
    }

    /// Seconds from `earlier` to this.
    pub(crate) fn since(self, earlier: Self) -> f64 {
        self.0 - earlier.0
    }
}

/// Memory of this process that belongs to no file, in MiB.
pub(crate) fn own_memory_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(status_kib(&status, "RssAnon:")? / 1024.0)
}

fn arguments(kind: Kind, port: u16, datadir: &Path, settings: &Settings) -> Vec<String> {
    let mut args = vec!["--port".to_owned(), port.to_string()];
    let mut add = |parts: &[&str]| args.extend(parts.iter().map(|part| (*part).to_owned()));
    add(&["--gas-limit", &settings.gas_limit.to_string()]);
    let genesis = settings
        .genesis
        .as_ref()
        .map(|path| path.display().to_string());
    match kind {
        Kind::Aura => {
            let time = match settings.block_time {
                BlockTime::Instant => "instant".to_owned(),
                BlockTime::Every(time) => format!("{}ms", time.as_millis()),
            };
            add(&[
                "--datadir",
                &datadir.join("data").display().to_string(),
                "--block-time",
                &time,
            ]);
            // As anvil does: a block at every interval, also without transactions.
            if settings.block_time != BlockTime::Instant {
                add(&["--empty-block-interval", &time]);
            }
            if let Some(genesis) = genesis {
                add(&["--chain", &genesis]);
            }
            // Anvil has no bridge either.
            add(&["--no-l1"]);
            args.insert(0, "dev".to_owned());
        }
        Kind::Anvil => {
            add(&["--chain-id", "13371", "--silent"]);
            // What anvil recommends for load; in instant mode its defaults are measured.
            if let BlockTime::Every(time) = settings.block_time {
                let seconds = time.as_secs_f64().to_string();
                add(&["--block-time", &seconds, "--order", "fifo"]);
                if !settings.keeps_history {
                    add(&["--prune-history"]);
                }
            }
            if let Some(genesis) = genesis {
                add(&["--init", &genesis]);
            }
        }
    }
    args
}

/// User and system time of a line of /proc/*/stat.
fn cpu_seconds(stat: &str) -> Result<f64> {
    // The name is in parentheses and may hold anything; fields 14 and 15 count from 1.
    let (_, fields) = stat.rsplit_once(')').ok_or_eyre("no name in stat")?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let user = ticks.next().ok_or_eyre("stat is short")??;
    let system = ticks.next().ok_or_eyre("stat is short")??;
    Ok((user + system) as f64 / TICKS_PER_SECOND)
}

fn status_kib(status: &str, key: &str) -> Result<f64> {
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .ok_or_eyre("no such line")?;
    let value = line.split_whitespace().nth(1).ok_or_eyre("no value")?;
    Ok(value.parse()?)
}

/// Bytes that the files below `path` occupy.
fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cpu_time_behind_an_odd_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu_seconds(stat).unwrap(), 3.0);
        assert!(cpu_seconds("7 (x) S 1").is_err());
        assert!(Cpu::own().is_ok());
    }

    #[test]
    fn reads_memory_lines() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nRssAnon:\t 12 kB\n";
        assert_eq!(status_kib(status, "VmHWM:").unwrap(), 2048.0);
        assert!(status_kib(status, "VmRSS:").is_err());
    }

    #[test]
    fn block_time_is_a_duration_or_instant() {
        assert_eq!("instant".parse(), Ok(BlockTime::Instant));
        assert_eq!(
            "250ms".parse(),
            Ok(BlockTime::Every(Duration::from_millis(250)))
        );
        assert!("soon".parse::<BlockTime>().is_err());
    }
}
