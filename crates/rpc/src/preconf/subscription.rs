//! The subscription to the record.

use std::sync::Arc;

use jsonrpsee::{
    Extensions, PendingSubscriptionSink, RpcModule, SubscriptionCloseResponse,
    core::RegisterMethodError, types::Params,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Preconfirmations;
use crate::{
    api::Api,
    errors::Fault,
    eth::outlet::{self, End, Outlet, refuse},
    params::{self, Args},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options<'a> {
    #[serde(borrow, default)]
    from_sequence: Option<&'a RawValue>,
}

/// The number to start at.
fn parse(params: &Params<'_>) -> Result<Option<u64>, Fault> {
    let mut args = Args::parse(params.as_str(), 2)?;
    let kind = args.required("subscription", params::text)?;
    if kind != "transactions" {
        let kind: String = kind.chars().take(48).collect();
        return Err(Fault::params(format!(
            "no {kind:?} subscription in aura namespace"
        )));
    }
    let from = args.optional("options", |raw| {
        if !raw.get().starts_with('{') {
            return Err("want an object".into());
        }
        let options: Options<'_> = params::json(raw)?;
        let from = options.from_sequence.map(params::u64).transpose();
        from.map_err(|problem| format!("fromSequence: {problem}"))
    })?;
    Ok(from.flatten())
}

/// Registers `aura_subscribe` and `aura_unsubscribe`.
pub(crate) fn register(module: &mut RpcModule<Api>) -> Result<(), RegisterMethodError> {
    module
        .register_subscription(
            "aura_subscribe",
            "aura_subscription",
            "aura_unsubscribe",
            subscribe,
        )
        .map(|_| ())
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: Arc<Api>,
    extensions: Extensions,
) -> SubscriptionCloseResponse {
    outlet::run(serve(params, pending, &api), &api, &extensions).await
}

/// Keeps a subscriber counted.
struct Seat<'a>(&'a Preconfirmations);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: &Arc<Api>,
) -> Result<(), End> {
    let record = &api.preconfirmations;
    let mut recorded = record.recorded.subscribe();
    let entered = parse(&params).and_then(|from| record.enter(api, from));
    let mut next = match entered {
        Ok(next) => next,
        Err(fault) => return Err(refuse(pending, fault, api).await),
    };
    let _seat = Seat(record);
    let outlet = Outlet::open(pending, api).await?;
    loop {
        recorded.mark_unchanged();
        let messages = record.since(next).ok_or(End::Forgotten)?;
        next += messages.len() as u64;
        if messages.is_empty() {
            let changed = outlet.unless_closed(recorded.changed()).await?;
            changed.map_err(|_| End::Closed)?;
        }
        for message in messages {
            outlet.send(message.to_raw()).await?;
        }
    }
}
