//! One endpoint: its connection, and what is known of it.

use std::time::Duration;

use alloy_primitives::B256;
use alloy_provider::{Provider, ProviderBuilder, RootProvider, WebSocketConfig, WsConnect};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;

use super::{Limits, backoff::backoff, classify::classify};
use crate::{L1Error, L1Ref, metrics};

/// Longest message over a WebSocket. The logs of one range can be long.
const MAX_MESSAGE_BYTES: usize = 256 << 20;
/// Longest time that an endpoint's own wish to be left alone is followed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The head that an endpoint has shown last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenHead {
    pub(crate) number: u64,
    hash: B256,
    /// When it was seen first.
    pub(crate) moved_at: Instant,
}

#[derive(Debug, Default)]
struct Health {
    /// Failures since the last success.
    failures: u32,
    /// Times that it has lied.
    lies: u32,
    blocked_until: Option<Instant>,
    head: Option<SeenHead>,
}

/// An endpoint of the list.
#[derive(Debug)]
pub(crate) struct Endpoint {
    index: usize,
    url: Url,
    name: String,
    limits: Limits,
    client: tokio::sync::Mutex<Option<RootProvider>>,
    health: Mutex<Health>,
}

/// Scheme, host and port: a path or a password can be a key.
fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}", url.scheme())
}

impl Endpoint {
    pub(super) fn new(index: usize, url: Url, limits: Limits) -> Self {
        Self {
            index,
            name: name_of(&url),
            url,
            limits,
            client: tokio::sync::Mutex::default(),
            health: Mutex::default(),
        }
    }

    pub(crate) const fn index(&self) -> usize {
        self.index
    }

    /// Its name in logs.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn is_websocket(&self) -> bool {
        self.url.scheme().starts_with("ws")
    }

    /// Takes the address out of a text, which can hold a key.
    pub(super) fn redact(&self, text: &str) -> String {
        let url = self.url.as_str();
        let text = text.replace(url, &self.name);
        let path = self.url.path();
        if path.len() > 1 {
            return text.replace(path, "/…");
        }
        text
    }

    /// The connection; makes it if there is none.
    pub(super) async fn client(&self) -> Result<RootProvider, L1Error> {
        let mut slot = self.client.lock().await;
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let client = timeout(self.limits.request_timeout, self.connect())
            .await
            .map_err(|_| L1Error::Timeout {
                endpoint: self.name.clone(),
                method: "connect",
                after: self.limits.request_timeout,
            })??;
        *slot = Some(client.clone());
        metrics::connected();
        tracing::debug!(endpoint = self.name, "connected to L1");
        Ok(client)
    }

    async fn connect(&self) -> Result<RootProvider, L1Error> {
        let client: RootProvider = if self.is_websocket() {
            let settings = WebSocketConfig::default()
                .max_message_size(Some(MAX_MESSAGE_BYTES))
                .max_frame_size(Some(MAX_MESSAGE_BYTES));
            // Connections that break are ours to replace: another endpoint may be better.
            let connect = WsConnect::new(self.url.as_str())
                .with_config(settings)
                .with_max_retries(0)
                .with_retry_interval(Duration::from_millis(50));
            ProviderBuilder::default()
                .connect_ws(connect)
                .await
                .map_err(|error| classify(self, "connect", &error))?
        } else {
            ProviderBuilder::default().connect_http(self.url.clone())
        };
        self.check_chain(&client).await?;
        Ok(client)
    }

    async fn check_chain(&self, client: &RootProvider) -> Result<(), L1Error> {
        let found = client
            .get_chain_id()
            .await
            .map_err(|error| classify(self, "eth_chainId", &error))?;
        if found == self.limits.chain_id {
            return Ok(());
        }
        Err(L1Error::WrongChain {
            endpoint: self.name.clone(),
            found,
            expected: self.limits.chain_id,
        })
    }

    /// Forgets the connection; the next request makes a new one.
    pub(super) async fn disconnect(&self) {
        self.client.lock().await.take();
    }

    pub(super) fn blocked_until(&self) -> Option<Instant> {
        self.health.lock().blocked_until
    }

    pub(super) fn seen_head(&self) -> Option<SeenHead> {
        self.health.lock().head
    }

    pub(super) fn has_lied(&self) -> bool {
        let health = self.health.lock();
        health.lies > 0 && health.blocked_until.is_some_and(|at| at > Instant::now())
    }

    pub(super) fn note_head(&self, head: L1Ref) {
        let mut health = self.health.lock();
        if health.head.is_none_or(|seen| seen.hash != head.hash) {
            health.head = Some(SeenHead {
                number: head.number,
                hash: head.hash,
                moved_at: Instant::now(),
            });
        }
    }

    pub(super) fn succeeded(&self) {
        let mut health = self.health.lock();
        health.failures = 0;
        health.blocked_until = None;
    }

    /// Puts the endpoint aside for as long as the failure asks for. The only one is never put aside for
    /// long: nothing else could be done in that time.
    pub(super) fn failed(&self, error: &L1Error, is_only: bool) {
        let Limits {
            max_backoff,
            probation,
            ..
        } = self.limits;
        let mut health = self.health.lock();
        let is_put_aside = health
            .blocked_until
            .is_some_and(|until| until > Instant::now());
        let is_connection = matches!(error, L1Error::Connection { .. } | L1Error::Timeout { .. });
        if is_put_aside && is_connection {
            // One break of the connection fails every request that was on it.
            return;
        }
        health.failures = health.failures.saturating_add(1);
        let wait = backoff(health.failures, max_backoff);
        let wait = match error {
            L1Error::Connection { .. } | L1Error::Timeout { .. } | L1Error::Malformed { .. } => {
                wait
            }
            L1Error::RateLimited { retry_after, .. } => {
                wait.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
            }
            L1Error::Inconsistent { .. } | L1Error::WrongChain { .. } => {
                health.lies = health.lies.saturating_add(1);
                let doubled = probation.saturating_mul(1 << (health.lies - 1).min(4));
                if is_only { wait } else { doubled }
            }
            L1Error::Stale { .. } if is_only => wait,
            L1Error::Stale { .. } => probation,
            // An answer that we do not like says nothing of the endpoint.
            _ => {
                health.failures -= 1;
                return;
            }
        };
        health.blocked_until = Some(Instant::now() + wait);
        let (endpoint, failures) = (&self.name, health.failures);
        drop(health);
        tracing::warn!(endpoint, %error, failures, wait_ms = wait.as_millis() as u64, "L1 endpoint put aside");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        let limits = Limits {
            chain_id: 1,
            request_timeout: Duration::from_secs(1),
            max_backoff: Duration::from_secs(2),
            probation: Duration::from_secs(60),
            max_head_lag: 8,
            stall_after: Duration::from_secs(60),
        };
        Endpoint::new(0, Url::parse(url).unwrap(), limits)
    }

    fn wait_after(endpoint: &Endpoint, error: &L1Error, is_only: bool) -> Duration {
        endpoint.failed(error, is_only);
        endpoint.blocked_until().unwrap() - Instant::now()
    }

    #[test]
    fn keys_in_addresses_do_not_reach_the_log() {
        let endpoint = endpoint("https://user:secret@l1.example:8443/v3/key-of-mine");
        assert_eq!(endpoint.name(), "https://l1.example:8443");
        let text = "error for url (https://user:secret@l1.example:8443/v3/key-of-mine): refused";
        let redacted = endpoint.redact(text);
        assert!(
            !redacted.contains("secret") && !redacted.contains("key-of-mine"),
            "{redacted}"
        );
        assert!(
            !endpoint
                .redact("cannot POST /v3/key-of-mine")
                .contains("key-of-mine")
        );
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it_within_bounds() {
        let endpoint = endpoint("http://l1.example");
        let limited = |secs| L1Error::RateLimited {
            endpoint: String::new(),
            retry_after: Some(Duration::from_secs(secs)),
        };
        let wait = wait_after(&endpoint, &limited(20), true);
        assert!(wait > Duration::from_secs(19) && wait <= Duration::from_secs(20));
        assert!(wait_after(&endpoint, &limited(u64::MAX / 4), true) <= MAX_RETRY_AFTER);
    }

    #[test]
    fn a_liar_is_put_aside_for_longer_each_time_unless_it_is_the_only_one() {
        let lie = L1Error::Inconsistent {
            endpoint: String::new(),
            what: String::new(),
        };
        let one = endpoint("http://l1.example");
        assert!(wait_after(&one, &lie, false) > Duration::from_secs(59));
        assert!(one.has_lied());
        assert!(wait_after(&one, &lie, false) > Duration::from_secs(119));
        let only = endpoint("http://l1.example");
        assert!(wait_after(&only, &lie, true) <= Duration::from_secs(2));
    }

    #[test]
    fn a_broken_connection_counts_once_however_many_requests_it_fails() {
        let endpoint = endpoint("http://l1.example");
        let broken = L1Error::Connection {
            endpoint: String::new(),
            reason: String::new(),
        };
        for _ in 0..20 {
            endpoint.failed(&broken, true);
        }
        assert_eq!(endpoint.health.lock().failures, 1);
    }

    #[test]
    fn a_refused_request_is_not_the_endpoints_fault() {
        let endpoint = endpoint("http://l1.example");
        let refusal = L1Error::Rpc {
            endpoint: String::new(),
            method: "eth_call",
            code: 3,
            message: String::new(),
            data: None,
        };
        endpoint.failed(&refusal, false);
        assert!(endpoint.blocked_until().is_none());
    }
}
