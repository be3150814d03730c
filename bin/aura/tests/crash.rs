//! Kill -9 at random moments under load loses nothing that a client was told.

mod common;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::{Address, keccak256};
use common::{Client, Node, aura, signer, transfer};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// Kills, half of them in instant mode, half with 100 ms blocks.
const KILLS: u64 = 50;
const SENDERS: u32 = 4;

/// What one sender was told.
#[derive(Default)]
struct Told {
    nonce: u64,
    accepted: Vec<String>,
    /// Transaction hash to the block hash of the receipt that was seen.
    receipts: BTreeMap<String, Value>,
}

impl Told {
    /// Sends transfers and reads receipts until the node is gone.
    fn load(&mut self, index: u32, node: std::net::SocketAddr, stop: &AtomicBool) {
        let signer = signer(index);
        let Ok(mut client) = Client::connect(node) else {
            return;
        };
        while !stop.load(Ordering::Relaxed) {
            let to = Address::from_word(keccak256(format!("{index}/{}", self.nonce)));
            let raw = transfer(&signer, self.nonce, to, 1);
            let hash = keccak256(&raw).to_string();
            let Ok(answer) = client.try_call("eth_sendRawTransaction", &json!([raw])) else {
                return;
            };
            assert_eq!(answer["result"], json!(hash), "{answer}");
            self.accepted.push(hash);
            self.nonce += 1;
            // One a few transactions back: some are mined already, some are not.
            let Some(probe) = self.accepted.iter().rev().nth(8) else {
                continue;
            };
            let Ok(answer) = client.try_call("eth_getTransactionReceipt", &json!([probe])) else {
                return;
            };
            if !answer["result"].is_null() {
                self.receipts
                    .insert(probe.clone(), answer["result"]["blockHash"].clone());
            }
        }
    }

    /// Everything the sender was told before still holds.
    fn verify(&mut self, index: u32, client: &mut Client) {
        for (hash, block) in &self.receipts {
            let receipt = client.call("eth_getTransactionReceipt", json!([hash]));
            assert_eq!(
                &receipt["blockHash"], block,
                "receipt of {hash} was seen before the kill"
            );
        }
        for hash in &self.accepted {
            let status = client.call("aura_transactionStatus", json!([hash]));
            assert_ne!(status["status"], "unknown", "accepted {hash} is lost");
            assert!(
                status["status"] != "dropped" || status["reason"].is_string(),
                "{status}"
            );
        }
        // A request whose answer was cut off may have been accepted: its nonce is used then.
        let address = signer(index).address();
        let next = client.call("eth_getTransactionCount", json!([address, "pending"]));
        let next = u64::from_str_radix(&next.as_str().unwrap()[2..], 16).unwrap();
        assert!(
            next == self.nonce || next == self.nonce + 1,
            "next nonce {next}, sent {}",
            self.nonce
        );
        self.nonce = next;
        // What has been checked as mined needs no second look; the newest are looked at again.
        let keep = self.accepted.len().saturating_sub(200);
        self.accepted.drain(..keep);
        while self.receipts.len() > 200 {
            self.receipts.pop_first();
        }
    }
}

/// Runs load for `span`, then kills the node.
fn load_and_kill(node: Node, told: &mut [Told], span: Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let address = node.address;
    thread::scope(|scope| {
        for (index, told) in told.iter_mut().enumerate() {
            let stop = stop.clone();
            scope.spawn(move || told.load(index as u32, address, &stop));
        }
        thread::sleep(span);
        node.kill();
        stop.store(true, Ordering::Relaxed);
    });
}

fn run(kills: u64, block_time: &str, seed: u64, datadir: &Path) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let mut told: Vec<Told> = (0..SENDERS).map(|_| Told::default()).collect();
    let args = ["--block-time", block_time, "--log", "error"];
    let mut mined = 0;
    for _ in 0..kills {
        let node = Node::start(datadir, &args);
        let mut client = node.client();
        for (index, told) in told.iter_mut().enumerate() {
            told.verify(index as u32, &mut client);
            mined = mined.max(told.receipts.len());
        }
        drop(client);
        let span = Duration::from_millis(random.random_range(20..400));
        load_and_kill(node, &mut told, span);
    }
    let node = Node::start(datadir, &args);
    let mut client = node.client();
    for (index, told) in told.iter_mut().enumerate() {
        told.verify(index as u32, &mut client);
    }
    assert!(node.terminate().success());
    mined
}

fn crash(block_time: &str, seed: u64) {
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let mined = run(KILLS / 2, block_time, seed, folder.path());
    assert!(mined > 0, "the load saw no receipt at all");
    let datadir = folder.path().to_str().unwrap();
    let check = aura(&["db", "check", "--reexecute", "--datadir", datadir]);
    let (out, err) = (
        String::from_utf8_lossy(&check.stdout),
        String::from_utf8_lossy(&check.stderr),
    );
    assert!(check.status.success(), "{out}{err}");
    assert!(out.contains("execute to the same headers"), "{out}");
}

#[test]
fn killed_in_instant_mode_nothing_told_is_lost() {
    crash("instant", 1);
}

#[test]
fn killed_with_short_blocks_nothing_told_is_lost() {
    crash("100ms", 2);
}
