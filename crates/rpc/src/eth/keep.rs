//! What is kept up to date between requests: for filters and subscriptions.

use std::{sync::Arc, time::Duration};

use aura_runtime::CancellationToken;
use tokio::time::{MissedTickBehavior, interval};

use super::removed;
use crate::api::Api;

/// How often filters are looked through for those that nobody polls.
const EXPIRY_CHECK: Duration = Duration::from_secs(30);

/// Keeps the records until `token` is cancelled. What happens after the call is recorded, also
/// before the future is first polled.
pub(crate) fn keep(api: Arc<Api>, token: CancellationToken) -> impl Future<Output = ()> {
    let events = api.chain.subscribe();
    async move {
        let records = async {
            tokio::join!(
                removed::record(&api, events),
                api.arrivals.record(),
                api.preconfirmations.record(&api),
                expire_filters(&api)
            )
        };
        tokio::select! {
            _ = records => {}
            () = token.cancelled() => {}
        }
    }
}

async fn expire_filters(api: &Api) {
    let mut check = interval(EXPIRY_CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        check.tick().await;
        api.filters.expire(api);
    }
}
