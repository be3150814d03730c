//! Keeps the pool in step with the chain.

use aura_chain::{Chain, ChainEvent};
use aura_pool::Pool;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Tells the pool of every committed block until `token` is cancelled or the chain is gone.
pub async fn maintain_pool(chain: Chain, pool: Pool, token: CancellationToken) {
    let mut events = chain.subscribe();
    loop {
        let event = tokio::select! {
            () = token.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(ChainEvent::Committed(block)) => pool.on_committed(&block),
            // The sequencer gives the transactions of removed blocks back.
            Ok(ChainEvent::Unwound { .. }) => pool.resync(),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "pool lags behind the chain, reading the head");
                pool.resync();
            }
            Err(RecvError::Closed) => return,
        }
    }
}
