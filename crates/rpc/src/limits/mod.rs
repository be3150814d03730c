//! How much each client may ask for: token buckets, one per client.
//!
//! A client is an IP address (of IPv6 the /64, which is what one customer gets). Every call has a
//! weight (`weights.rs`); a bucket holds `rate_limit_burst` units and is refilled by `rate_limit`
//! units a second. A bucket is one number: the time at which it will be full again. A full bucket
//! needs no memory, so what is kept are the clients of the last few seconds, and at most
//! `rate_limit_clients` of them; beyond that new clients share one bucket.

mod client;
mod settings;

pub use settings::{Network, RateLimit};

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::HeaderMap;
use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;

use crate::{config::RpcConfig, errors::Fault, weights::Weights};
use client::Client;

/// Parts of the table with a lock each.
const SHARDS: usize = 16;
/// Shortest time between two searches of a full shard for buckets that are not needed.
const SWEEP_NANOS: u64 = 100_000_000;

/// The buckets of all clients of one server.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// Time in which one unit is refilled.
    unit_nanos: u64,
    /// Units that a full bucket holds.
    burst: u64,
    clients_per_shard: usize,
    limits_loopback: bool,
    trusted: Vec<Network>,
    weights: Weights,
    started: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    refused: Counter,
    clients: Gauge,
}

#[derive(Debug, Default)]
struct Shard {
    /// When each client's bucket is full, in ns since the start.
    full_at: HashMap<Client, u64>,
    /// The bucket of those for whom there is no room.
    strangers: u64,
    swept_at: u64,
}

impl RateLimiter {
    /// Buckets for the clients of a server with these methods; `None` if they are not limited.
    pub(crate) fn new(
        config: &RpcConfig,
        methods: impl Iterator<Item = &'static str>,
    ) -> Option<Self> {
        let RateLimit::PerSecond(rate) = config.rate_limit else {
            return None;
        };
        Some(Self {
            unit_nanos: 1_000_000_000 / u64::from(rate.max(1)),
            burst: u64::from(config.rate_limit_burst),
            clients_per_shard: (config.rate_limit_clients as usize).div_ceil(SHARDS),
            limits_loopback: config.rate_limit_loopback,
            trusted: config.trusted_proxies.clone(),
            weights: Weights::new(methods),
            started: Instant::now(),
            hasher: RandomState::new(),
            shards: Default::default(),
            refused: counter!("aura_rpc_rate_limited_total"),
            clients: gauge!("aura_rpc_rate_limit_clients"),
        })
    }

    /// The bucket of whoever sends a request from `peer`, or `None` if that client is not limited.
    pub(crate) fn allowance(
        self: &Arc<Self>,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Option<Allowance> {
        let address = client::address(peer, headers, &self.trusted);
        (self.limits_loopback || !address.is_loopback()).then(|| Allowance {
            limiter: self.clone(),
            client: Client::new(address),
        })
    }

    /// Takes `cost` units from the bucket of `client`, or nothing.
    ///
    /// # Errors
    /// [`Fault::RateLimited`] with the time after which the bucket will hold as much, or
    /// [`Fault::Limit`] if it never will.
    fn take(&self, client: Client, cost: u64, now: Instant) -> Result<(), Fault> {
        if cost > self.burst {
            self.refused.increment(1);
            return Err(Fault::Limit(format!(
                "the request costs {cost} units, the limit is {}; split the batch",
                self.burst
            )));
        }
        let now = nanos(now.saturating_duration_since(self.started));
        let shard = self.hasher.hash_one(client) as usize % SHARDS;
        let mut shard = self.shards[shard].lock();
        let is_known = shard.full_at.contains_key(&client);
        let has_room = is_known || self.make_room(&mut shard, now);
        let full_at = if has_room {
            if !is_known {
                self.clients.increment(1);
            }
            shard.full_at.entry(client).or_insert(now)
        } else {
            &mut shard.strangers
        };
        let after = (*full_at).max(now) + cost * self.unit_nanos;
        let missing = (after - now).saturating_sub(self.burst * self.unit_nanos);
        if missing > 0 {
            self.refused.increment(1);
            let retry_after_ms = missing.div_ceil(1_000_000);
            return Err(Fault::RateLimited { retry_after_ms });
        }
        *full_at = after;
        Ok(())
    }

    /// Returns whether a client can be added, after forgetting those whose buckets are full.
    fn make_room(&self, shard: &mut Shard, now: u64) -> bool {
        if shard.full_at.len() < self.clients_per_shard {
            return true;
        }
        if now < shard.swept_at.saturating_add(SWEEP_NANOS) {
            return false;
        }
        shard.swept_at = now;
        let before = shard.full_at.len();
        shard.full_at.retain(|_, full_at| *full_at > now);
        let after = shard.full_at.len();
        self.clients.decrement((before - after) as f64);
        after < self.clients_per_shard
    }
}

/// One client's bucket, and the prices.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    limiter: Arc<RateLimiter>,
    client: Client,
}

impl Allowance {
    /// Pays for the calls of one request, a batch as the sum of its parts: for all of them or,
    /// with an error, for none.
    pub(crate) fn pay<'a>(&self, methods: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
        let cost = methods.map(|name| self.limiter.weights.of(name)).sum();
        self.limiter.take(self.client, cost, Instant::now())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests;
