//! Settings of the whole node.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use alloy_primitives::Bytes;
use aura_pool::PoolConfig;
use aura_rpc::RpcConfig;
use aura_sequencer::{SealPolicy, SequencerConfig};
use aura_storage::StoreConfig;
use serde::{Deserialize, Serialize};

use crate::{AdminSection, BridgeSection, EngineSection, NodeError, TreeSection, listeners};

/// Everything that can be set, with its default. The TOML file has the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Directory of the database and the pool's journal.
    pub datadir: PathBuf,
    /// Genesis file; not needed once the data directory is initialised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<PathBuf>,
    /// Address that JSON-RPC listens on.
    pub host: IpAddr,
    /// Port of JSON-RPC, HTTP and WebSocket alike.
    pub port: u16,
    /// Port of Prometheus metrics on the same address; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_port: Option<u16>,
    /// Operator's listener.
    pub admin: AdminSection,
    /// Engine API.
    pub engine: EngineSection,
    /// Log filter in the syntax of `RUST_LOG`.
    pub log: String,
    /// Form of log lines.
    pub log_format: LogStyle,
    /// Block production.
    pub sequencer: SequencerSection,
    /// L1 and the bridge.
    pub bridge: BridgeSection,
    /// Database.
    pub storage: StorageSection,
    /// State tree and proofs.
    pub tree: TreeSection,
    /// Transactions that wait for inclusion.
    pub pool: PoolConfig,
    /// JSON-RPC limits.
    pub rpc: RpcConfig,
    /// Every block is safe and final once it is durable: for the L1 of a development chain.
    #[serde(skip)]
    pub instant_finality: bool,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            datadir: PathBuf::from("aura-data"),
            chain: None,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8545,
            metrics_port: None,
            admin: AdminSection::default(),
            engine: EngineSection::default(),
            log: "info".to_owned(),
            log_format: LogStyle::Text,
            sequencer: SequencerSection::default(),
            bridge: BridgeSection::default(),
            storage: StorageSection::default(),
            tree: TreeSection::default(),
            pool: PoolConfig::default(),
            rpc: RpcConfig::default(),
            instant_finality: false,
        }
    }
}

impl NodeConfig {
    /// Names the first setting that is out of its bounds.
    ///
    /// # Errors
    /// [`NodeError::Config`].
    pub fn validate(&self) -> Result<(), NodeError> {
        // The gas limit may come from the genesis; its bounds are checked again when it is known.
        self.sequencer
            .to_config(SequencerConfig::MIN_GAS_LIMIT)
            .validate()
            .map_err(|problem| NodeError::Config(format!("sequencer: {problem}")))?;
        self.pool
            .validate()
            .map_err(|problem| NodeError::Config(format!("pool: {problem}")))?;
        self.rpc
            .validate()
            .map_err(|problem| NodeError::Config(problem.to_string()))?;
        self.bridge
            .validate()
            .map_err(|problem| NodeError::Config(format!("bridge: {problem}")))?;
        listeners::validate(self)?;
        if self.storage.history_blocks == 0 {
            return Err(NodeError::Config(
                "storage: history_blocks must be at least 1".to_owned(),
            ));
        }
        self.tree
            .validate(self.storage.history_blocks)
            .map_err(NodeError::Config)
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStyle {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogStyle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected `text` or `json`".to_owned()),
        }
    }
}

/// Block production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SequencerSection {
    /// `instant`, or the shortest time between two blocks (`1s`, `250ms`).
    pub block_time: BlockTime,
    /// Time after which a block without transactions is sealed, or `never`.
    pub empty_block_interval: Interval,
    /// Gas limit of new blocks; the genesis block's if absent. With a bridge only L1 changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas_limit: Option<u64>,
    /// `extraData` of new blocks.
    pub extra_data: Bytes,
}

impl Default for SequencerSection {
    fn default() -> Self {
        Self {
            block_time: BlockTime(SealPolicy::Interval(Duration::from_secs(1))),
            empty_block_interval: Interval(Some(Duration::from_secs(10))),
            gas_limit: None,
            extra_data: Bytes::new(),
        }
    }
}

impl SequencerSection {
    /// The sequencer's settings on a chain whose genesis has this gas limit.
    pub fn to_config(&self, genesis_gas_limit: u64) -> SequencerConfig {
        SequencerConfig {
            policy: self.block_time.0,
            empty_block_interval: self.empty_block_interval.0,
            gas_limit: self.gas_limit.unwrap_or(genesis_gas_limit),
            max_posted_bytes: None,
            extra_data: self.extra_data.clone(),
        }
    }
}

/// Database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSection {
    /// Largest size of the database file, in bytes.
    pub max_size_bytes: u64,
    /// Step by which the file grows, in bytes.
    pub growth_step_bytes: u64,
    /// Read snapshots that may be open at once.
    pub max_readers: u32,
    /// Age at which a read snapshot stops answering, in ms.
    pub reader_deadline_ms: u64,
    /// Wait for the disk in every commit. Without it a power cut may lose the newest blocks.
    pub durable: bool,
    /// Blocks whose former state is kept.
    pub history_blocks: u64,
}

impl Default for StorageSection {
    fn default() -> Self {
        let StoreConfig {
            max_size_bytes,
            growth_step_bytes,
            max_readers,
            reader_deadline,
            durable,
        } = StoreConfig::default();
        Self {
            max_size_bytes,
            growth_step_bytes,
            max_readers,
            reader_deadline_ms: reader_deadline.as_millis() as u64,
            durable,
            history_blocks: aura_chain::ChainConfig::default().history_blocks,
        }
    }
}

impl StorageSection {
    /// The database's settings.
    pub fn to_config(&self) -> StoreConfig {
        StoreConfig {
            max_size_bytes: self.max_size_bytes,
            growth_step_bytes: self.growth_step_bytes,
            max_readers: self.max_readers,
            reader_deadline: Duration::from_millis(self.reader_deadline_ms),
            durable: self.durable,
        }
    }
}

/// `instant` or a duration such as `1s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTime(pub SealPolicy);

impl FromStr for BlockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "instant" {
            return Ok(Self(SealPolicy::Instant));
        }
        humantime::parse_duration(text)
            .map(|interval| Self(SealPolicy::Interval(interval)))
            .map_err(|error| format!("expected `instant` or a duration such as `1s`: {error}"))
    }
}

impl fmt::Display for BlockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SealPolicy::Instant => f.write_str("instant"),
            SealPolicy::Interval(interval) => humantime::format_duration(interval).fmt(f),
        }
    }
}

/// A duration or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(pub Option<Duration>);

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        humantime::parse_duration(text)
            .map(|interval| Self(Some(interval)))
            .map_err(|error| format!("expected `never` or a duration such as `10s`: {error}"))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("never"),
            Some(interval) => humantime::format_duration(interval).fmt(f),
        }
    }
}

/// Serializes a type as its text form, and reads it from there.
macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

pub(crate) use serde_as_text;

serde_as_text!(BlockTime, Interval);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_is_valid_and_survives_toml() {
        let config = NodeConfig::default();
        config.validate().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<NodeConfig>(&text).unwrap(), config);
    }

    #[test]
    fn refuses_unknown_keys_and_bad_durations() {
        let unknown = toml::from_str::<NodeConfig>("prot = 1")
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("unknown field `prot`"), "{unknown}");
        let nested = toml::from_str::<NodeConfig>("[rpc]\nmax_batch = 1")
            .unwrap_err()
            .to_string();
        assert!(nested.contains("unknown field `max_batch`"), "{nested}");
        let duration =
            toml::from_str::<NodeConfig>("[sequencer]\nblock_time = \"soon\"").unwrap_err();
        assert!(
            duration.to_string().contains("expected `instant`"),
            "{duration}"
        );
    }

    #[test]
    fn refuses_a_block_time_below_fifty_milliseconds() {
        let mut config = NodeConfig::default();
        config.sequencer.block_time = "49ms".parse().unwrap();
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("below the minimum")
        );
        config.sequencer.block_time = "50ms".parse().unwrap();
        config.validate().unwrap();
    }
}
