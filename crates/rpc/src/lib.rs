//! JSON-RPC over HTTP and WebSocket: handlers, limits, subscriptions, server.
//!
//! It owns the wire: what a request may look like, what an answer looks like, how much one client
//! may ask for. It never decides what is true: every answer comes from a database snapshot, the
//! open block or the pool. `latest` is always the head of the snapshot that the request itself
//! opened, never a cached number, so a client that has seen a receipt also sees its block.
//!
//! Methods are registered once in jsonrpsee's table. WebSocket connections are served by jsonrpsee;
//! HTTP requests go through a leaner dispatcher of our own over the same table ([`serve`] wires
//! both), because it answers malformed requests by the book and costs less per request.
//!
//! Start reading at `methods.rs` (the table), then `eth/`.

mod admin;
mod api;
mod aura;
mod bridge;
mod config;
mod debug;
mod dispatch;
mod engine;
mod errors;
mod eth;
mod front;
mod hardhat;
mod json;
mod jwt;
mod limits;
mod listener;
mod methods;
mod metrics;
mod net;
mod ots;
mod params;
mod preconf;
mod prove;
mod server;
mod stall;
mod testing;
mod trace;
mod txpool;
mod types;
mod web3;
mod weights;
mod ws;

pub use admin::Operator;
pub use api::RpcContext;
pub use bridge::{BridgeContext, FinalityRule, L1Heads, L1Point};
pub use config::{ConfigError, RpcConfig};
pub use jwt::{JwtError, JwtSecret};
pub use limits::{Network, RateLimit};
pub use prove::ProofError;
pub use server::{Endpoints, RpcError, RpcServerHandle, serve, serve_all};
pub use types::{Claim, InvalidProof, PathProof, SlotProof, StateProof, StateRoot, WitnessLeaf};
