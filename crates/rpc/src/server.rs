//! Which listeners there are, and what each one serves.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use aura_runtime::CancellationToken;
use jsonrpsee::core::RegisterMethodError;
use tokio::task::JoinSet;

use crate::{
    admin::Operator,
    api::{Api, RpcContext},
    config::{ConfigError, RpcConfig},
    eth,
    jwt::JwtSecret,
    listener::{Door, Listener},
    methods,
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Two methods have one name.
    #[error("method table")]
    Methods(#[from] RegisterMethodError),
}

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Everything but `admin_*` and `engine_*`, for everybody.
    pub public: SocketAddr,
    /// The same and `admin_*`, for the operator: a loopback address, or one behind a firewall.
    pub admin: Option<(SocketAddr, Operator)>,
    /// The same as the public one and `engine_*`, for whoever has the secret.
    pub engine: Option<(SocketAddr, JwtSecret)>,
}

/// A running server; dropping it closes every connection.
#[derive(Debug)]
pub struct RpcServerHandle {
    public: SocketAddr,
    admin: Option<SocketAddr>,
    engine: Option<SocketAddr>,
    methods: BTreeSet<&'static str>,
    listeners: JoinSet<()>,
}

impl RpcServerHandle {
    /// Address of the public listener, with the port that was chosen if 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.public
    }

    /// Address of the admin listener.
    pub const fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Address of the engine listener.
    pub const fn engine_addr(&self) -> Option<SocketAddr> {
        self.engine
    }

    /// Names of the methods of all listeners together, in alphabetical order.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().copied()
    }

    /// Waits until the server has stopped: after the token is cancelled and connections have
    /// finished or been cut.
    pub async fn stopped(mut self) {
        while let Some(ended) = self.listeners.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "rpc server failed");
            }
        }
    }
}

/// Starts serving JSON-RPC over HTTP and WebSocket on `address` until `token` is cancelled.
///
/// # Errors
/// [`RpcError`] if the configuration is contradictory or the address is taken.
pub async fn serve(
    address: SocketAddr,
    config: RpcConfig,
    context: RpcContext,
    token: CancellationToken,
) -> Result<RpcServerHandle, RpcError> {
    let endpoints = Endpoints {
        public: address,
        admin: None,
        engine: None,
    };
    serve_all(endpoints, config, context, token).await
}

/// As [`serve`], on several listeners; they share caches and thread pools, not sockets.
///
/// # Errors
/// [`RpcError`] if the configuration is contradictory or an address is taken.
pub async fn serve_all(
    endpoints: Endpoints,
    config: RpcConfig,
    context: RpcContext,
    token: CancellationToken,
) -> Result<RpcServerHandle, RpcError> {
    config.validate()?;
    let api = Arc::new(Api::new(config, context, token.clone()));
    // Every address is bound before anybody is served, so that a start fails as a whole.
    let public = Listener::bind(endpoints.public, Door::Public).await?;
    let mut handle = RpcServerHandle {
        public: public.address(),
        admin: None,
        engine: None,
        methods: BTreeSet::new(),
        listeners: JoinSet::new(),
    };
    let mut all = vec![(public, methods::table(api.clone())?)];
    if let Some((address, operator)) = endpoints.admin {
        let listener = Listener::bind(address, Door::Operator).await?;
        handle.admin = Some(listener.address());
        all.push((listener, methods::admin_table(api.clone(), operator)?));
    }
    if let Some((address, secret)) = endpoints.engine {
        let listener = Listener::bind(address, Door::Secret(secret)).await?;
        handle.engine = Some(listener.address());
        all.push((listener, methods::engine_table(api.clone())?));
    }
    handle
        .listeners
        .spawn(eth::keep(api.clone(), token.clone()));
    for (listener, module) in all {
        handle.methods.extend(module.method_names());
        let serving = listener.serve(api.clone(), module, token.clone());
        handle.listeners.spawn(serving);
    }
    tracing::info!(
        public = %handle.public,
        admin = handle.admin.map(tracing::field::display),
        engine = handle.engine.map(tracing::field::display),
        "rpc server listens"
    );
    Ok(handle)
}
