//! Bounded pools of threads for synchronous work.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send + 'static>;

/// The pool cannot take the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolBusy {
    /// Every thread is busy and the queue is full.
    #[error("{pool} is at capacity ({queue} jobs waiting)")]
    Full {
        /// Name of the pool.
        pool: &'static str,
        /// Length of its queue.
        queue: usize,
    },
    /// The job panicked.
    #[error("a job of {pool} failed")]
    Panicked {
        /// Name of the pool.
        pool: &'static str,
    },
}

/// Threads behind a bounded queue; refuses work when the queue is full.
///
/// The threads end when the last clone of the pool is dropped and the queue is drained.
#[derive(Debug, Clone)]
pub struct BlockingPool {
    name: &'static str,
    jobs: Arc<Sender<Job>>,
    queue: usize,
}

impl BlockingPool {
    /// Starts `threads` threads (at least one) behind a queue of `queue` waiting jobs.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn new(name: &'static str, threads: usize, queue: usize) -> Self {
        Self::with_nice(name, threads, queue, 0)
    }

    /// The same with threads that yield to others: `nice` is added to their niceness (0 to 19),
    /// so that a saturated pool leaves the cores to whatever else has work.
    ///
    /// Only Linux has niceness by thread; elsewhere `nice` has no effect.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn with_nice(name: &'static str, threads: usize, queue: usize, nice: u8) -> Self {
        let (jobs, inbox) = bounded::<Job>(queue.max(1));
        for index in 0..threads.max(1) {
            let inbox = inbox.clone();
            thread::Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || {
                    yield_to_others(nice);
                    Self::work(name, &inbox);
                })
                .expect("the operating system gives threads at start");
        }
        Self {
            name,
            jobs: Arc::new(jobs),
            queue,
        }
    }

    fn work(name: &'static str, inbox: &Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            // The caller sees `Panicked`, because its reply channel is dropped.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!(pool = name, "job panicked");
            }
        }
    }

    /// Runs `job` on a thread of the pool.
    ///
    /// # Errors
    /// [`PoolBusy::Full`] at once if the queue is full, [`PoolBusy::Panicked`] if the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolBusy> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A receiver that is gone (client disconnected) needs no answer.
            reply.send(job()).ok();
        });
        match self.jobs.try_send(job) {
            Ok(()) => answer
                .await
                .map_err(|_| PoolBusy::Panicked { pool: self.name }),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                metrics::counter!("aura_runtime_pool_refused_total", "pool" => self.name)
                    .increment(1);
                Err(PoolBusy::Full {
                    pool: self.name,
                    queue: self.queue,
                })
            }
        }
    }
}

/// Adds `nice` to the niceness of the calling thread.
fn yield_to_others(nice: u8) {
    #[cfg(target_os = "linux")]
    if nice > 0 {
        // To Linux a thread is the process that this asks and sets.
        let set = rustix::process::getpriority_process(None).and_then(|now| {
            let lowered = now.saturating_add(i32::from(nice)).min(19);
            rustix::process::setpriority_process(None, lowered)
        });
        if let Err(error) = set {
            tracing::warn!(%error, "cannot lower the priority of a thread");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_threads_of_a_nice_pool_are_nice() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let pool = BlockingPool::with_nice("test", 1, 1, 5);
        assert_eq!(pool.run(nice).await, Ok((before + 5).min(19)));
        assert_eq!(BlockingPool::new("test", 1, 1).run(nice).await, Ok(before));
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    async fn runs_a_job_and_returns_its_value() {
        let pool = BlockingPool::new("test", 1, 1);
        assert_eq!(pool.run(|| 6 * 7).await, Ok(42));
    }

    #[tokio::test]
    async fn refuses_when_the_queue_is_full_and_recovers() {
        let pool = BlockingPool::new("test", 1, 1);
        let (release, gate) = std::sync::mpsc::sync_channel::<()>(1);
        let (started, running) = oneshot::channel();
        let busy = pool.run(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
        });
        let mut busy = Box::pin(busy);
        // Poll once, so that the job is queued, then wait until the thread has taken it.
        assert!(futures_poll(&mut busy).is_none());
        running.await.unwrap();
        let mut waiting = Box::pin(pool.run(|| 1));
        assert!(futures_poll(&mut waiting).is_none());
        assert_eq!(
            pool.run(|| 2).await,
            Err(PoolBusy::Full {
                pool: "test",
                queue: 1
            })
        );
        release.send(()).unwrap();
        busy.await.unwrap();
        assert_eq!(waiting.await, Ok(1));
    }

    #[tokio::test]
    async fn survives_a_panicking_job() {
        let pool = BlockingPool::new("test", 1, 1);
        let outcome = pool.run(|| panic!("job fails")).await;
        assert_eq!(outcome, Err::<(), _>(PoolBusy::Panicked { pool: "test" }));
        assert_eq!(pool.run(|| 1).await, Ok(1));
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
