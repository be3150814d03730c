//! A socket that gives up on a peer which takes no bytes, and can be told to end.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use aura_runtime::CancellationToken;
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

/// How long a connection that is to end goes on, so that the reason can be queued before it does.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// A TCP stream whose writes fail once the peer has taken nothing for a while.
///
/// It also ends on demand: some moments later the reading side is told that the peer is done, and
/// the WebSocket above sends what it has queued and a close frame.
///
/// Without it a WebSocket reader that stops reading would hold its tasks and queue for as long as
/// its kernel keeps the connection. It also carries the connection's permit, since a socket that
/// was upgraded outlives the HTTP connection it came from.
pub(crate) struct StallGuard {
    stream: TcpStream,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Until the connection is to end and its grace is over; `None` from then on.
    end: Option<BoxFuture<'static, ()>>,
    _permit: OwnedSemaphorePermit,
    _count: Counted,
}

/// Keeps the gauge of open sockets.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("aura_rpc_connections").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("aura_rpc_connections").decrement(1);
    }
}

impl StallGuard {
    pub(crate) fn new(
        stream: TcpStream,
        limit: Duration,
        hangup: CancellationToken,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            stream,
            limit,
            timer: None,
            end: Some(Box::pin(async move {
                hangup.cancelled().await;
                sleep(HANGUP_GRACE).await;
            })),
            _permit: permit,
            _count: Counted::new(),
        }
    }

    /// Passes a finished write on; starts or asks the clock for one that waits.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        // Polled again after the error, a write gets the same answer.
        timer.as_mut().reset(Instant::now());
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the peer takes no bytes",
        )))
    }
}

impl StallGuard {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(end) = &mut self.end {
            ready!(end.as_mut().poll(cx));
            self.end = None;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for StallGuard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if outcome.is_pending() && self.poll_end(cx).is_ready() {
            // Nothing read: the end of the stream.
            return Poll::Ready(Ok(()));
        }
        outcome
    }
}

impl AsyncWrite for StallGuard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aura_runtime::CancellationToken;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::Semaphore,
    };

    use super::*;

    #[tokio::test]
    async fn a_peer_that_reads_nothing_ends_the_write() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let permits = Arc::new(Semaphore::new(1));
        let permit = permits.clone().try_acquire_owned().unwrap();
        let hangup = CancellationToken::new();
        let mut guard = StallGuard::new(stream, Duration::from_millis(50), hangup, permit);
        guard.write_all(b"hello").await.unwrap();
        let mut hello = [0; 5];
        peer.read_exact(&mut hello).await.unwrap();
        let error = guard.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(permits.available_permits(), 0);
        drop(guard);
        assert_eq!(permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_connection_that_is_to_end_reads_the_end_and_can_still_write() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let hangup = CancellationToken::new();
        let mut guard = StallGuard::new(stream, Duration::from_secs(9), hangup.clone(), permit);
        peer.write_all(b"a").await.unwrap();
        assert_eq!(guard.read(&mut [0; 9]).await.unwrap(), 1);
        hangup.cancel();
        assert_eq!(guard.read(&mut [0; 9]).await.unwrap(), 0);
        guard.write_all(b"hello").await.unwrap();
        let mut hello = [0; 5];
        peer.read_exact(&mut hello).await.unwrap();
    }
}
