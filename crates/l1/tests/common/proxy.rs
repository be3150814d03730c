//! A bad way to an L1: it breaks connections, or changes what is said over HTTP.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes bytes on until it is told to break every connection.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) port: u16,
    broken: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[allow(clippy::disallowed_methods, reason = "a test is its own supervisor")]
impl Pipe {
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broken = watch::Sender::new(0);
        let breaks = broken.subscribe();
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut breaks = breaks.clone();
                breaks.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = breaks.changed() => {}
                    }
                });
            }
        });
        Self { port, broken, task }
    }

    pub(crate) fn break_all(&self) {
        self.broken.send_modify(|times| *times += 1);
    }
}

/// What a [`Liar`] makes of an answer.
pub(crate) enum Reply {
    /// This JSON.
    Json(Value),
    /// A status with a header line.
    Status(u16, &'static str),
}

type Change = Box<dyn FnMut(&Value, Value) -> Reply + Send>;

/// A JSON-RPC endpoint over HTTP that asks another and changes its answers.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[allow(clippy::disallowed_methods, reason = "a test is its own supervisor")]
impl Liar {
    /// `change` gets the request and the true answer.
    pub(crate) async fn about(
        target: u16,
        change: impl FnMut(&Value, Value) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let change: Arc<Mutex<Change>> = Arc::new(Mutex::new(Box::new(change)));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let change = change.clone();
                tokio::spawn(async move {
                    // A client that hangs up early is its own problem.
                    answer(client, target, &change).await.ok();
                });
            }
        });
        Self { port, task }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Reads one HTTP message and returns its body.
async fn read_body(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(bytes.split_off(head))
}

async fn answer(mut client: TcpStream, target: u16, change: &Mutex<Change>) -> std::io::Result<()> {
    let body = read_body(&mut client).await?;
    let mut server = TcpStream::connect(("127.0.0.1", target)).await?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    server.write_all(head.as_bytes()).await?;
    server.write_all(&body).await?;
    let truth: Value = serde_json::from_slice(&read_body(&mut server).await?)?;
    let request: Value = serde_json::from_slice(&body)?;
    let reply = change.lock().unwrap()(&request, truth);
    let (status, line, body) = match reply {
        Reply::Json(value) => (200, "x-test: 1", value.to_string()),
        Reply::Status(status, line) => (status, line, json!({}).to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\n{line}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(body.as_bytes()).await?;
    client.shutdown().await
}
