//! A small HTTP/1.1 client that costs a few microseconds of CPU a request.
//!
//! One request is in flight on a connection at a time, and the connection is kept alive. Only what
//! JSON-RPC servers answer is understood: a status line, a length or chunks, a body.

use eyre::{Result, WrapErr, bail, ensure, eyre};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longest wait for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest response that is read.
const MAX_RESPONSE_BYTES: usize = 256 << 20;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// `host:port`.
    authority: String,
    /// The path, with its slash.
    path: String,
}

impl std::str::FromStr for Endpoint {
    type Err = eyre::Report;

    fn from_str(url: &str) -> Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!("only http:// URLs are supported, not {url}");
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(!authority.is_empty(), "{url} names no host");
        let authority = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        Ok(Self {
            authority,
            path: format!("/{path}"),
        })
    }
}

impl Endpoint {
    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The same server's WebSocket URL.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://{}{}", self.authority, self.path)
    }

    /// Frames `body` as a request; the bytes can be sent any number of times.
    pub(crate) fn request(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = self.head(body.len());
        bytes.extend_from_slice(body);
        bytes
    }

    fn head(&self, length: usize) -> Vec<u8> {
        let Self { authority, path } = self;
        let mut bytes = Vec::with_capacity(160 + length);
        bytes.extend_from_slice(
            format!(
                "POST {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n\r\n"
            )
            .as_bytes(),
        );
        bytes
    }
}

/// A kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to `endpoint`.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&endpoint.authority))
            .await
            .wrap_err("connecting took too long")?
            .wrap_err_with(|| format!("cannot connect to {}", endpoint.authority))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(16 << 10),
        })
    }

    /// Sends a framed request and returns the body of the response, whose status must be of success.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        let (status, body) = self.exchange(request).await?;
        ensure!((200..300).contains(&status), "the server answered {status}");
        Ok(body)
    }

    /// Sends a framed request and returns status and body of the response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let Head {
            status,
            body,
            framing,
        } = loop {
            if let Some(found) = response_head(&self.received)? {
                break found;
            }
            self.fill().await?;
        };
        let end = match framing {
            Framing::Length(length) => {
                ensure!(length <= MAX_RESPONSE_BYTES, "a response of {length} bytes");
                let end = body + length;
                self.received
                    .reserve(end.saturating_sub(self.received.len()));
                while self.received.len() < end {
                    self.fill().await?;
                }
                end
            }
            Framing::Chunked => loop {
                if let Some(end) = join_chunks(&mut self.received, body)? {
                    break end;
                }
                self.fill().await?;
            },
        };
        Ok((status, &self.received[body..end]))
    }

    async fn fill(&mut self) -> Result<()> {
        ensure!(
            self.received.len() <= MAX_RESPONSE_BYTES,
            "the response is too large"
        );
        let read = self.stream.read_buf(&mut self.received).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

/// What the head of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body starts.
    body: usize,
    framing: Framing,
}

/// The head of a response, once all of it is there.
fn response_head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        ensure!(bytes.len() < 64 << 10, "the response has no end of headers");
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).wrap_err("the response head is not text")?;
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| eyre!("the server answered {line}"))?;
    let head = |framing| Head {
        status,
        body: end + 4,
        framing,
    };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            let length = value
                .trim()
                .parse()
                .wrap_err("content-length is no number")?;
            return Ok(Some(head(Framing::Length(length))));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.contains("chunked") {
            return Ok(Some(head(Framing::Chunked)));
        }
    }
    bail!("the response says nothing about its length")
}

/// Removes the chunk framing from `bytes[start..]` once the last chunk is there; returns the end of
/// the joined body.
fn join_chunks(bytes: &mut [u8], start: usize) -> Result<Option<usize>> {
    let mut spans = Vec::new();
    let mut at = start;
    loop {
        let Some(line) = bytes[at..].windows(2).position(|window| window == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[at..at + line])?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).wrap_err("a chunk without a size")?;
        ensure!(size <= MAX_RESPONSE_BYTES, "a chunk of {size} bytes");
        let data = at + line + 2;
        if bytes.len() < data + size + 2 {
            return Ok(None);
        }
        if size == 0 {
            break;
        }
        spans.push(data..data + size);
        at = data + size + 2;
    }
    let mut end = start;
    for span in spans {
        let length = span.len();
        bytes.copy_within(span, end);
        end += length;
    }
    Ok(Some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_a_request() {
        let endpoint: Endpoint = "http://127.0.0.1:8545".parse().unwrap();
        let request = String::from_utf8(endpoint.request(b"{}")).unwrap();
        assert!(request.starts_with("POST / HTTP/1.1\r\nhost: 127.0.0.1:8545\r\n"));
        assert!(request.ends_with("content-length: 2\r\n\r\n{}"));
        assert!("ftp://x".parse::<Endpoint>().is_err());
        assert!("http:///x".parse::<Endpoint>().is_err());
    }

    #[test]
    fn finds_body_and_length_in_any_case() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let head = |status| Head {
            status,
            body: 38,
            framing: Framing::Length(5),
        };
        assert_eq!(response_head(bytes).unwrap(), Some(head(200)));
        let refused = b"HTTP/1.1 413 No\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(response_head(refused).unwrap(), Some(head(413)));
        assert_eq!(response_head(&bytes[..30]).unwrap(), None);
        assert!(response_head(b"HTTP/1.1 no\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(response_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn joins_chunks_once_all_are_there() {
        let whole = b"__5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n".to_vec();
        for cut in 0..whole.len() {
            assert_eq!(
                join_chunks(&mut whole[..cut.max(2)].to_vec(), 2).unwrap(),
                None,
                "{cut}"
            );
        }
        let mut bytes = whole;
        let end = join_chunks(&mut bytes, 2).unwrap().unwrap();
        assert_eq!(&bytes[2..end], b"hello, world");
        assert!(join_chunks(&mut b"zz\r\n".to_vec(), 0).is_err());
    }
}
