//! Listeners besides the public one.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use aura_rpc::{Endpoints, JwtSecret, Operator};
use aura_runtime::Switch;
use serde::{Deserialize, Serialize};

use crate::{NodeConfig, NodeError};

/// The operator's listener: `admin_*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSection {
    /// Address to listen on. There is no password: whoever reaches it can stop block production.
    pub host: IpAddr,
    /// Port to listen on; no such listener if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The Engine API's listener: `engine_*`, for whoever has the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSection {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; no such listener if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// File with the secret that tokens are signed with: 32 bytes in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_secret: Option<PathBuf>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
        }
    }
}

impl Default for EngineSection {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
            jwt_secret: None,
        }
    }
}

/// Names what is wrong with the ports: one used twice, or an engine without a secret.
pub(crate) fn validate(config: &NodeConfig) -> Result<(), NodeError> {
    let ports = [
        ("port", Some(config.port)),
        ("metrics_port", config.metrics_port),
        ("admin.port", config.admin.port),
        ("engine.port", config.engine.port),
    ];
    // Port 0 is a free one each time.
    let used = || {
        ports
            .iter()
            .filter_map(|(name, port)| Some((name, (*port)?)))
    };
    for (index, (name, port)) in used().enumerate() {
        let before = used().take(index).find(|(_, other)| *other == port);
        if let Some((other, _)) = before.filter(|_| port != 0) {
            return Err(NodeError::Config(format!(
                "{name} and {other} are both {port}"
            )));
        }
    }
    if config.engine.port.is_some() && config.engine.jwt_secret.is_none() {
        return Err(NodeError::Config(
            "engine.port needs engine.jwt_secret, a file with 32 bytes in hex".to_owned(),
        ));
    }
    Ok(())
}

/// Where the node listens.
pub(crate) fn endpoints(
    config: &NodeConfig,
    sequencer: Option<Switch>,
) -> Result<Endpoints, NodeError> {
    let admin = config.admin.port.map(|port| {
        let operator = Operator {
            datadir: config.datadir.clone(),
            sequencer,
        };
        (SocketAddr::new(config.admin.host, port), operator)
    });
    let engine = match (config.engine.port, &config.engine.jwt_secret) {
        (Some(port), Some(file)) => {
            let address = SocketAddr::new(config.engine.host, port);
            Some((address, JwtSecret::from_file(file)?))
        }
        _ => None,
    };
    Ok(Endpoints {
        public: SocketAddr::new(config.host, config.port),
        admin,
        engine,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listeners_do_not_share_a_port() {
        let mut config = NodeConfig::default();
        config.admin.port = Some(0);
        config.engine.port = Some(0);
        config.engine.jwt_secret = Some("jwt.hex".into());
        config.validate().unwrap();
        config.admin.port = Some(config.port);
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "config: admin.port and port are both 8545");
        config.admin.port = Some(9);
        config.metrics_port = Some(9);
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "config: admin.port and metrics_port are both 9");
    }

    #[test]
    fn an_engine_port_needs_a_secret() {
        let mut config = NodeConfig::default();
        config.engine.port = Some(8551);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("engine.jwt_secret"), "{error}");
        config.engine.jwt_secret = Some("/nowhere/jwt.hex".into());
        config.validate().unwrap();
        let error = endpoints(&config, None).unwrap_err();
        assert!(matches!(error, NodeError::JwtSecret(_)), "{error:?}");
    }
}
