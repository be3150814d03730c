//! Supervision of long-lived work.

use std::{future::Future, thread, time::Duration};

use eyre::{WrapErr, eyre};
use parking_lot::Mutex;
use tokio::{sync::oneshot, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

type Outcome = (&'static str, eyre::Result<()>);

/// Named long-lived tasks. The first that ends before shutdown, with `Ok` or `Err`, stops all.
#[derive(Debug, Default)]
pub struct Tasks {
    set: Mutex<JoinSet<Outcome>>,
    token: CancellationToken,
}

impl Tasks {
    /// Creates an empty supervisor.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that tells every task to finish.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts a supervised task on the current runtime.
    pub fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = eyre::Result<()>> + Send + 'static,
    ) {
        self.set.lock().spawn(async move { (name, task.await) });
    }

    /// Starts supervised synchronous work on a thread of its own.
    ///
    /// # Panics
    /// If the operating system refuses the thread.
    pub fn spawn_thread(
        &self,
        name: &'static str,
        work: impl FnOnce() -> eyre::Result<()> + Send + 'static,
    ) {
        let (done, outcome) = oneshot::channel();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // The supervisor may be gone already when a grace period has run out.
                done.send(work()).ok();
            })
            .expect("the operating system gives threads at start");
        self.spawn(name, async move {
            outcome
                .await
                .unwrap_or_else(|_| Err(eyre!("thread {name} panicked")))
        });
    }

    /// Waits until all tasks have ended, at most `grace` after the token is cancelled.
    ///
    /// # Errors
    /// The error of the first task that failed, an error naming a task that ended by itself
    /// before shutdown, or one that says how many did not finish in time.
    pub async fn wait(self, grace: Duration) -> eyre::Result<()> {
        let mut set = self.set.into_inner();
        let mut result = Ok(());
        while !self.token.is_cancelled() {
            let ended = tokio::select! {
                () = self.token.cancelled() => break,
                ended = set.join_next() => ended,
            };
            let Some(ended) = ended else { break };
            // A task that saw the token before this one did ended as it should.
            result = if self.token.is_cancelled() {
                Self::late_end(ended)
            } else {
                Self::early_end(ended)
            };
            self.token.cancel();
        }
        let drain = async {
            while let Some(ended) = set.join_next().await {
                if let Err(error) = Self::late_end(ended) {
                    tracing::error!(error = format!("{error:#}"), "task failed in shutdown");
                    if result.is_ok() {
                        result = Err(error);
                    }
                }
            }
        };
        if timeout(grace, drain).await.is_err() {
            let left = set.len();
            result = result.and(Err(eyre!("{left} tasks did not finish within {grace:?}")));
        }
        result
    }

    fn late_end(ended: Result<Outcome, tokio::task::JoinError>) -> eyre::Result<()> {
        ended
            .map_err(|error| eyre!(error))
            .and_then(|(name, outcome)| outcome.wrap_err_with(|| format!("task {name}")))
    }

    fn early_end(ended: Result<Outcome, tokio::task::JoinError>) -> eyre::Result<()> {
        match ended {
            Ok((name, Ok(()))) => Err(eyre!("task {name} ended before shutdown")),
            Ok((name, Err(error))) => Err(error.wrap_err(format!("task {name} failed"))),
            Err(error) => Err(eyre!(error).wrap_err("a task panicked")),
        }
    }
}

/// Starts a short task that nobody waits for and whose end means nothing, such as waiting for a
/// signal. Anything that can fail belongs into [`Tasks`].
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one door for tasks that are not supervised"
)]
pub fn detach(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn failing_task_stops_the_others_and_is_reported() {
        let tasks = Tasks::new();
        let token = tasks.token();
        tasks.spawn("waits", async move {
            token.cancelled().await;
            Ok(())
        });
        tasks.spawn("fails", async { Err(eyre!("disk on fire")) });
        let error = tasks.wait(GRACE).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "task fails failed: disk on fire");
    }

    #[tokio::test]
    async fn early_ok_is_an_error_too() {
        let tasks = Tasks::new();
        tasks.spawn_thread("short", || Ok(()));
        let error = tasks.wait(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "task short ended before shutdown");
    }

    #[tokio::test]
    async fn cancelled_token_ends_cleanly() {
        let tasks = Tasks::new();
        let token = tasks.token();
        let waits = token.clone();
        tasks.spawn("waits", async move {
            waits.cancelled().await;
            Ok(())
        });
        token.cancel();
        tasks.wait(GRACE).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_that_sees_the_token_first_did_not_end_early() {
        for _ in 0..200 {
            let tasks = Tasks::new();
            let token = tasks.token();
            let waits = token.clone();
            tasks.spawn("waits", async move {
                waits.cancelled().await;
                Ok(())
            });
            tasks.spawn_thread("cancels", move || {
                token.cancel();
                Ok(())
            });
            tasks.wait(GRACE).await.unwrap();
        }
    }

    #[tokio::test]
    async fn panicking_thread_is_an_error() {
        let tasks = Tasks::new();
        tasks.spawn_thread("panics", || panic!("on purpose"));
        let error = tasks.wait(GRACE).await.unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "task panics failed: thread panics panicked"
        );
    }
}
