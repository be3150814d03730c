//! How payloads get to the node: HTTP by turns with WebSocket, one at a time on each lane.

use crate::http::{Connection, Endpoint};
use eyre::{OptionExt, Result, WrapErr, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::check::Expected;

/// Longest wait for an answer: far above every limit of the node under test.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long is waited for an answer that should not come, after that to a request sent later.
const GRACE: Duration = Duration::from_millis(50);

/// One lane.
pub(super) enum Wire {
    Http(Endpoint, Connection),
    Socket(Box<Socket>),
}

impl Wire {
    pub(super) async fn http(endpoint: &Endpoint) -> Result<Self> {
        let connection = Connection::open(endpoint).await?;
        Ok(Self::Http(endpoint.clone(), connection))
    }

    pub(super) async fn socket(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self::Socket(Box::new(Socket::open(endpoint).await?)))
    }

    /// Sends a payload and waits for the answer; an empty one stands for none.
    pub(super) async fn exchange(
        &mut self,
        payload: &[u8],
        expected: &Expected,
    ) -> Result<Vec<u8>> {
        let answer = async {
            match self {
                Self::Http(endpoint, connection) => http(endpoint, connection, payload).await,
                Self::Socket(socket) => socket.exchange(payload, expected).await,
            }
        };
        timeout(PATIENCE, answer)
            .await
            .wrap_err_with(|| format!("no answer within {PATIENCE:?}"))?
    }
}

async fn http(endpoint: &Endpoint, connection: &mut Connection, payload: &[u8]) -> Result<Vec<u8>> {
    let request = endpoint.request(payload);
    let (status, body) = connection.exchange(&request).await?;
    // A refusal has a body of JSON-RPC too.
    let right = status == 200 || ((400..500).contains(&status) && !body.is_empty());
    ensure!(right, "HTTP status {status}");
    Ok(body.to_vec())
}

/// A WebSocket that knows which answer belongs to what was sent last.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
    sent: u64,
}

/// A message from the node.
enum Incoming {
    /// To the request that is sent after each payload.
    Sentinel,
    /// To the payload, or a late one to an earlier payload.
    Answer(Vec<u8>),
}

impl Socket {
    async fn open(endpoint: &Endpoint) -> Result<Self> {
        let stream = TcpStream::connect(endpoint.authority()).await?;
        stream.set_nodelay(true)?;
        let url = endpoint.websocket_url();
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (stream, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self { stream, sent: 0 })
    }

    /// Sends the payload, and after it a request that is surely answered: a payload without an
    /// answer by then has none, but for a moment, for answers may overtake each other.
    async fn exchange(&mut self, payload: &[u8], expected: &Expected) -> Result<Vec<u8>> {
        self.sent += 1;
        let message = match std::str::from_utf8(payload) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(payload.to_vec()),
        };
        let sentinel = json!({
            "jsonrpc": "2.0", "id": format!("sentinel {}", self.sent), "method": "net_listening",
        });
        self.stream.feed(message).await?;
        self.stream
            .send(Message::text(sentinel.to_string()))
            .await?;
        let mut found = None;
        loop {
            match self.next().await? {
                Incoming::Sentinel => break,
                Incoming::Answer(answer) => self.keep(&mut found, answer, expected),
            }
        }
        // It may still be at work, and what surely gets no answer has no long time to surprise.
        let wait = if expected.is_certain() {
            PATIENCE
        } else {
            GRACE
        };
        while found.is_none() {
            match timeout(wait, self.next()).await {
                Ok(Ok(Incoming::Answer(answer))) => self.keep(&mut found, answer, expected),
                Ok(other) => drop(other?),
                Err(_) => break,
            }
        }
        Ok(found.unwrap_or_default())
    }

    /// Keeps the answer to the payload; one with another id belongs to an earlier payload.
    fn keep(&self, found: &mut Option<Vec<u8>>, answer: Vec<u8>, expected: &Expected) {
        if let Expected::One(Some(id)) = expected {
            let value: Value = serde_json::from_slice(&answer).unwrap_or_default();
            if value.get("id").is_some_and(|other| other != id) && found.is_none() {
                return;
            }
        }
        found.get_or_insert(answer);
    }

    async fn next(&mut self) -> Result<Incoming> {
        loop {
            let message = self.stream.next().await;
            let bytes = match message.ok_or_eyre("the node closed the WebSocket")?? {
                Message::Text(text) => text.as_bytes().to_vec(),
                Message::Binary(bytes) => bytes.to_vec(),
                Message::Close(frame) => bail!("the node closed the WebSocket: {frame:?}"),
                _ => continue,
            };
            let value: Value = serde_json::from_slice(&bytes).wrap_err("not JSON")?;
            if value.get("method").is_some() {
                // What a subscription tells; it has params and no id.
                ensure!(
                    value["params"].is_object() && value.get("id").is_none(),
                    "a strange notification: {value}"
                );
                continue;
            }
            let id = value["id"].as_str().unwrap_or_default();
            match id.strip_prefix("sentinel ") {
                Some(number) if number == self.sent.to_string() => return Ok(Incoming::Sentinel),
                Some(_) => continue,
                None => return Ok(Incoming::Answer(bytes)),
            }
        }
    }

    /// Reads for a moment whatever still comes, and closes.
    pub(super) async fn close(mut self) {
        self.stream.close(None).await.ok();
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        tokio::select! {
            () = rest => {}
            () = sleep(GRACE) => {}
        }
    }
}
