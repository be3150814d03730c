//! The way to one subscriber, and how it ends.

use std::{sync::Arc, time::Duration};

use aura_runtime::CancellationToken;
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, SendTimeoutError, SubscriptionCloseResponse,
    SubscriptionSink,
    core::SubscriptionError,
    types::{ErrorObject, ErrorObjectOwned},
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::{Fault, LIMIT, SERVER},
    types::SharedJson,
};

/// Ends the connection that it was found in, after what is queued has been sent.
///
/// Libraries pass over an error in a notification, but all of them notice a closed socket: they
/// connect and subscribe again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hangup(CancellationToken);

impl Hangup {
    /// Is done when the connection is to end.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.0
    }
}

/// Why a subscription ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The client has gone or unsubscribed, or the node stops.
    #[error("closed")]
    Closed,
    /// It was refused, and the client has been told so.
    #[error("refused")]
    Refused,
    #[error("the connection took nothing for {0:?}")]
    Stalled(Duration),
    #[error("the reader is too slow, {0} transactions were missed")]
    Missed(u64),
    #[error("the reader is too slow, what comes next is forgotten")]
    Forgotten,
    #[error("blocks were removed, and which ones is forgotten")]
    Lost,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl End {
    /// The error object that the subscriber is told.
    fn into_error(self, api: &Api) -> ErrorObjectOwned {
        let code = match self {
            Self::Fault(fault) => {
                let error = api.error(fault);
                let message = format!("subscription ended: {}", error.message());
                return ErrorObject::owned::<()>(error.code(), message, None);
            }
            Self::Stalled(_) | Self::Missed(_) | Self::Forgotten => LIMIT,
            Self::Closed | Self::Refused | Self::Lost => SERVER,
        };
        ErrorObject::owned::<()>(code, format!("subscription ended: {self}"), None)
    }
}

/// The way to one subscriber.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) sink: SubscriptionSink,
    stall: Duration,
}

impl Outlet {
    /// Tells the client its id.
    pub(crate) async fn open(pending: PendingSubscriptionSink, api: &Api) -> Result<Self, End> {
        Ok(Self {
            sink: pending.accept().await.map_err(|_| End::Closed)?,
            stall: Duration::from_millis(api.config.subscription_stall_ms),
        })
    }

    /// Queues one notification; waits a while for room.
    pub(crate) async fn send(&self, json: Box<RawValue>) -> Result<(), End> {
        match self.sink.send_timeout(json, self.stall).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => Err(End::Stalled(self.stall)),
            Err(SendTimeoutError::Closed(_)) => Err(End::Closed),
        }
    }

    pub(crate) async fn send_all<T: Serialize>(&self, items: &[T]) -> Result<(), End> {
        for item in items {
            self.send(SharedJson::new(item).to_raw()).await?;
        }
        Ok(())
    }

    /// What `event` brings, unless the subscriber leaves first.
    pub(crate) async fn unless_closed<T>(&self, event: impl Future<Output = T>) -> Result<T, End> {
        tokio::select! {
            outcome = event => Ok(outcome),
            () = self.sink.closed() => Err(End::Closed),
        }
    }
}

/// Refuses a subscription.
pub(crate) async fn refuse(pending: PendingSubscriptionSink, fault: Fault, api: &Api) -> End {
    pending.reject(api.error(fault)).await;
    End::Refused
}

/// Runs a subscription to its end. One that the node ends is told why, and its connection closed.
pub(crate) async fn run(
    subscription: impl Future<Output = Result<(), End>>,
    api: &Arc<Api>,
    extensions: &Extensions,
) -> SubscriptionCloseResponse {
    let gauge = metrics::gauge!("aura_rpc_subscriptions");
    gauge.increment(1);
    let end = subscription.await;
    gauge.decrement(1);
    match end {
        Ok(()) | Err(End::Closed | End::Refused) => SubscriptionCloseResponse::None,
        Err(end) => {
            metrics::counter!("aura_rpc_subscriptions_ended_total").increment(1);
            tracing::debug!(reason = %end, "subscription ended by the node");
            let error = SharedJson::new(&end.into_error(api)).to_raw();
            if let Some(hangup) = extensions.get::<Hangup>() {
                hangup.0.cancel();
            }
            SubscriptionCloseResponse::NotifErr(SubscriptionError::from_json(error))
        }
    }
}
