//! The way to L1: several endpoints, one of them in use.

mod backoff;
mod classify;
mod endpoint;
mod requests;
mod session;

use std::{sync::Arc, time::Duration};

pub use alloy_rpc_types_eth::FeeHistory;
use futures_util::{StreamExt, stream::BoxStream};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until};

pub(crate) use classify::is_range_limit;
use endpoint::Endpoint;
pub use session::Session;

use crate::{L1Config, L1Error, metrics};

/// Attempts of one request, at least; with more endpoints there are more.
const MIN_ATTEMPTS: usize = 3;

/// What a parameter of a request must be able to do.
pub trait Param: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin {}
impl<T: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin> Param for T {}

/// What an answer must be able to do.
pub trait Answer: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static {}
impl<T: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static> Answer for T {}

/// Settings that all endpoints share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) chain_id: u64,
    pub(crate) request_timeout: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) probation: Duration,
    pub(crate) max_head_lag: u64,
    pub(crate) stall_after: Duration,
}

#[derive(Debug)]
struct Shared {
    endpoints: Vec<Arc<Endpoint>>,
    limits: Limits,
    /// Place of the endpoint that was used last.
    current: std::sync::atomic::AtomicUsize,
}

/// Access to L1 over the network. Clones share connections and what is known of the endpoints.
///
/// Every method asks the most preferred endpoint that is not put aside, and on failure the next one,
/// a few times; an error that comes back all the same may be [transient](L1Error::is_transient), and the
/// caller decides how long to go on.
#[derive(Debug, Clone)]
pub struct L1Provider {
    shared: Arc<Shared>,
}

/// Says that there is a new head.
pub struct HeadSignal {
    endpoint: usize,
    notices: BoxStream<'static, ()>,
}

impl std::fmt::Debug for HeadSignal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeadSignal")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl HeadSignal {
    /// Waits for the next notice; `false` if there will be none any more.
    pub async fn next(&mut self) -> bool {
        self.notices.next().await.is_some()
    }

    /// Place in the list of the endpoint that it comes from.
    pub const fn endpoint(&self) -> usize {
        self.endpoint
    }
}

impl L1Provider {
    /// Prepares the endpoints; connects to none.
    ///
    /// # Errors
    /// [`L1Error::Config`].
    pub fn new(config: &L1Config) -> Result<Self, L1Error> {
        config.validate().map_err(L1Error::Config)?;
        let limits = Limits {
            chain_id: config.chain_id,
            request_timeout: config.request_timeout,
            max_backoff: config.max_backoff,
            probation: config.probation,
            max_head_lag: config.max_head_lag,
            stall_after: config.stall_after,
        };
        let endpoints = config.endpoints.iter().enumerate();
        let endpoints = endpoints
            .map(|(index, url)| Arc::new(Endpoint::new(index, url.clone(), limits)))
            .collect();
        Ok(Self {
            shared: Arc::new(Shared {
                endpoints,
                limits,
                current: std::sync::atomic::AtomicUsize::new(0),
            }),
        })
    }

    /// Asks every endpoint for its chain id. Those that do not answer are not in the way.
    ///
    /// # Errors
    /// [`L1Error::WrongChain`] if one serves another chain.
    pub async fn check_chain_ids(&self) -> Result<(), L1Error> {
        for endpoint in &self.shared.endpoints {
            match Session::new(endpoint.clone()).chain_id().await {
                Ok(_) => {}
                Err(error @ L1Error::WrongChain { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(endpoint = endpoint.name(), %error, "L1 endpoint is not available");
                    self.report(&Session::new(endpoint.clone()), &error);
                }
            }
        }
        Ok(())
    }

    /// The most preferred endpoint that is not put aside. Waits if all of them are.
    pub async fn session(&self) -> Session {
        loop {
            let now = Instant::now();
            let mut free_at: Option<Instant> = None;
            for endpoint in &self.shared.endpoints {
                match endpoint.blocked_until() {
                    Some(until) if until > now => {
                        free_at = Some(free_at.map_or(until, |at| at.min(until)));
                    }
                    _ => {
                        self.note_current(endpoint.index());
                        return Session::new(endpoint.clone());
                    }
                }
            }
            sleep_until(free_at.unwrap_or(now)).await;
        }
    }

    fn note_current(&self, index: usize) {
        let current = &self.shared.current;
        let before = current.swap(index, std::sync::atomic::Ordering::Relaxed);
        if before != index {
            let endpoint = self.shared.endpoints[index].name();
            tracing::info!(endpoint, "using another L1 endpoint");
            metrics::switched(index);
        }
    }

    /// Says how the work with a session has ended, so that a bad endpoint is put aside.
    pub fn report(&self, session: &Session, error: &L1Error) {
        metrics::failed(error);
        let is_only = self.shared.endpoints.len() == 1;
        session.endpoint().failed(error, is_only);
    }

    /// Says that the work with a session went well.
    pub fn report_success(&self, session: &Session) {
        session.endpoint().succeeded();
    }

    /// Runs `ask` with one endpoint after another until it succeeds or fails for good.
    ///
    /// # Errors
    /// The last failure.
    pub async fn with_retries<T, F>(&self, ask: impl Fn(Session) -> F) -> Result<T, L1Error>
    where
        F: Future<Output = Result<T, L1Error>>,
    {
        let attempts = MIN_ATTEMPTS.max(2 * self.shared.endpoints.len());
        let mut attempt = 1;
        loop {
            let session = self.session().await;
            match ask(session.clone()).await {
                Ok(answer) => {
                    self.report_success(&session);
                    return Ok(answer);
                }
                Err(error) => {
                    self.report(&session, &error);
                    // A refusal is an answer: another endpoint would refuse too.
                    let is_answer = matches!(error, L1Error::Rpc { .. });
                    let is_other_chain = matches!(error, L1Error::WrongChain { .. });
                    let is_final = !error.is_transient() && !is_other_chain;
                    if is_answer || is_final || attempt >= attempts {
                        return Err(error);
                    }
                    tracing::debug!(%error, attempt, "L1 request failed");
                }
            }
            attempt += 1;
        }
    }

    /// Notices of new heads from the endpoint in use; `None` if it has none to give.
    pub async fn subscribe_heads(&self) -> Option<HeadSignal> {
        let session = self.session().await;
        session.subscribe_heads().await
    }

    /// Asks the endpoints that are not in use for their heads, so that a stale one is noticed.
    pub async fn probe(&self) {
        let current = self
            .shared
            .current
            .load(std::sync::atomic::Ordering::Relaxed);
        for endpoint in &self.shared.endpoints {
            let is_blocked = endpoint
                .blocked_until()
                .is_some_and(|at| at > Instant::now());
            if endpoint.index() == current || is_blocked {
                continue;
            }
            let session = Session::new(endpoint.clone());
            if let Err(error) = session.head().await {
                self.report(&session, &error);
            }
        }
    }

    /// Fails if another endpoint shows that this one is stale.
    ///
    /// # Errors
    /// [`L1Error::Stale`].
    pub fn check_fresh(&self, session: &Session) -> Result<(), L1Error> {
        let Some(own) = session.endpoint().seen_head() else {
            return Ok(());
        };
        let limits = &self.shared.limits;
        let others = self.shared.endpoints.iter();
        let others = others.filter(|other| other.index() != session.endpoint().index());
        // What a liar says of its head does not count.
        let heads = others.filter(|other| !other.has_lied());
        let best = heads
            .filter_map(|other| other.seen_head())
            .max_by_key(|head| head.number);
        let Some(best) = best else { return Ok(()) };
        let is_behind = own.number.saturating_add(limits.max_head_lag) < best.number;
        let has_stopped = own.moved_at.elapsed() > limits.stall_after && own.number < best.number;
        if is_behind || has_stopped {
            return Err(L1Error::Stale {
                endpoint: session.name().to_owned(),
                head: own.number,
                best: best.number,
            });
        }
        Ok(())
    }

    /// Number of the best head that any endpoint has shown.
    pub(crate) fn best_head(&self) -> u64 {
        let heads = self
            .shared
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.has_lied());
        let numbers = heads.filter_map(|endpoint| endpoint.seen_head());
        numbers.map(|head| head.number).max().unwrap_or_default()
    }
}
