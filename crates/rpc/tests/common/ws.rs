//! A plain WebSocket client, enough for text messages.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    next_id: u64,
    /// Notifications that came while an answer was waited for.
    waiting: Vec<Value>,
}

impl Socket {
    pub async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let extra: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "GET / HTTP/1.1\r\nhost: example.com\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {extra}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "upgrade refused");
        Self {
            stream,
            next_id: 1,
            waiting: Vec::new(),
        }
    }

    async fn frame(&mut self, opcode: u8, payload: &[u8]) {
        // Masked with zeros, which leaves the payload as it is.
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..=125 => bytes.push(0x80 | length as u8),
            length @ 126..=65_535 => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(payload);
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.frame(1, text.as_bytes()).await;
    }

    /// The next text message; `None` if the server closes.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            let opcode = self.stream.read_u8().await.ok()? & 0x0f;
            let length = match self.stream.read_u8().await.ok()? {
                126 => u64::from(self.stream.read_u16().await.ok()?),
                127 => self.stream.read_u64().await.ok()?,
                length => u64::from(length),
            };
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            match opcode {
                1 => return Some(String::from_utf8(payload).unwrap()),
                8 => return None,
                9 => self.frame(10, &payload).await,
                _ => {}
            }
        }
    }

    async fn json(&mut self) -> Value {
        let text = timeout(Duration::from_secs(10), self.text())
            .await
            .expect("a message within ten seconds")
            .expect("an open socket");
        serde_json::from_str(&text).unwrap()
    }

    /// Calls a method; the whole response.
    pub async fn respond(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let body = json!({"jsonrpc":"2.0","id":id,"method":method,"params":params});
        self.send_text(&body.to_string()).await;
        loop {
            let message = self.json().await;
            if message.get("id").is_some() {
                return message;
            }
            self.waiting.push(message);
        }
    }

    /// Sends text and returns the next message.
    pub async fn exchange(&mut self, text: &str) -> Value {
        self.send_text(text).await;
        self.json().await
    }

    pub async fn subscribe(&mut self, params: Value) -> String {
        let response = self.respond("eth_subscribe", params).await;
        let id = response["result"].as_str();
        id.unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// The next notification.
    pub async fn message(&mut self) -> Value {
        if self.waiting.is_empty() {
            self.json().await
        } else {
            self.waiting.remove(0)
        }
    }

    /// The `params` of the next notification of `eth_subscribe`.
    pub async fn notification(&mut self) -> Value {
        let message = self.message().await;
        assert_eq!(message["method"], "eth_subscription", "{message}");
        message["params"].clone()
    }

    /// Returns `true` if nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        self.waiting.is_empty()
            && timeout(Duration::from_millis(150), self.text())
                .await
                .is_err()
    }
}
