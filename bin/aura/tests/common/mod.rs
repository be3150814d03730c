//! Runs the built program and talks JSON-RPC to it over a plain socket.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use serde_json::{Value, json};

/// Runs `aura` with `args` to its end.
pub(crate) fn aura(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aura"))
        .args(args)
        .output()
        .unwrap()
}

/// A running `aura dev`; killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Node {
    /// Starts `aura dev` on a free port and waits until it listens.
    pub(crate) fn start(datadir: &Path, args: &[&str]) -> Self {
        Self::start_on(0, datadir, args)
    }

    /// Starts `aura dev` on `port` and waits until it listens.
    pub(crate) fn start_on(port: u16, datadir: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aura"))
            .args(["dev", "--port", &port.to_string(), "--datadir"])
            .arg(datadir)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the node says where it listens")
                .unwrap();
            if let Some(rest) = line.strip_prefix("Listening on http://") {
                break rest.split(' ').next().unwrap().parse().unwrap();
            }
        };
        Self { child, address }
    }

    /// Ends the process without giving it a chance (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end (SIGTERM) and returns its exit status.
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        // The shell's own `kill`: a minimal system has no program of that name.
        let kill = format!("kill -TERM {}", self.child.id());
        let asked = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }

    /// Opens a connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already ended by `kill` or `terminate` in most tests.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One keep-alive HTTP connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Posts a body and returns the answer's body.
    pub(crate) fn post(&mut self, body: &str) -> std::io::Result<String> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all((head + body).as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer)?;
        Ok(String::from_utf8(answer).unwrap())
    }

    /// Calls a method; the whole answer, or the connection's error.
    pub(crate) fn try_call(&mut self, method: &str, params: &Value) -> std::io::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        Ok(serde_json::from_str(&self.post(&body.to_string())?).unwrap())
    }

    /// Calls a method that must succeed.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.try_call(method, &params).unwrap();
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }
}

/// Development account `index`.
pub(crate) fn signer(index: u32) -> PrivateKeySigner {
    let phrase = "test test test test test test test test test test test junk";
    MnemonicBuilder::<English>::default()
        .phrase(phrase)
        .index(index)
        .unwrap()
        .build()
        .unwrap()
}

/// A signed transfer on the development chain.
pub(crate) fn transfer(signer: &PrivateKeySigner, nonce: u64, to: Address, value: u64) -> Bytes {
    let mut tx = TxLegacy {
        chain_id: Some(13371),
        nonce,
        gas_price: 100_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: Bytes::new(),
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    EthereumTxEnvelope::<TxEip4844>::Legacy(tx.into_signed(signature))
        .encoded_2718()
        .into()
}
