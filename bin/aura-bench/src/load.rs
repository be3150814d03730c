//! Transactions that are signed before the clock starts, and their submission, one a request.

use crate::{
    accounts::{Account, Signed, TRANSFER_GAS, Unsigned, fresh_address},
    http::{Connection, Endpoint},
};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use eyre::{Result, WrapErr, bail};
use futures_util::future::try_join_all;
use rayon::prelude::*;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const BODY_START: &[u8] =
    br#"{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x"#;
const BODY_END: &[u8] = br#""]}"#;

/// What each transaction does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Sends 1 wei to an address never seen before.
    Transfer,
    /// Sends one unit of this token to an address never seen before.
    Token(Address),
}

impl Work {
    /// Gas limit of each transaction.
    pub(crate) const fn gas_limit(self) -> u64 {
        match self {
            Self::Transfer => TRANSFER_GAS,
            Self::Token(_) => 80_000,
        }
    }

    fn transaction(self, nonce: u64, recipient: Address) -> Unsigned {
        let gas_limit = self.gas_limit();
        match self {
            Self::Transfer => Unsigned {
                nonce,
                to: TxKind::Call(recipient),
                value: U256::ONE,
                gas_limit,
                input: Bytes::new(),
            },
            Self::Token(token) => Unsigned {
                nonce,
                to: TxKind::Call(token),
                value: U256::ZERO,
                gas_limit,
                input: crate::erc20::transfer_input(recipient, U256::ONE),
            },
        }
    }
}

/// The recipient of the transaction with `nonce` of the sender with this index.
pub(crate) fn recipient(seed: &str, sender: usize, nonce: u64) -> Address {
    fresh_address(seed, ((sender as u64) << 40) | nonce)
}

/// Signs `count` transactions spread over `senders`, which start at `nonces`, on all cores.
///
/// Lane `i` is what connection `i` submits. A sender keeps to one lane, so that its nonces arrive
/// in order; within a lane the senders take turns.
pub(crate) fn sign_lanes(
    work: Work,
    seed: &str,
    chain_id: u64,
    senders: &[Account],
    nonces: &[u64],
    count: usize,
    lanes: usize,
) -> Result<Vec<Vec<Signed>>> {
    let plans = plan(senders.len(), count, lanes);
    plans
        .into_iter()
        .map(|plan| {
            plan.into_par_iter()
                .map(|(sender, turn)| {
                    let nonce = nonces[sender] + turn;
                    let tx = work.transaction(nonce, recipient(seed, sender, nonce));
                    senders[sender].sign(chain_id, tx)
                })
                .collect()
        })
        .collect()
}

/// Who sends when: for each lane, pairs of sender and its turn.
fn plan(senders: usize, count: usize, lanes: usize) -> Vec<Vec<(usize, u64)>> {
    let mut plans = vec![Vec::with_capacity(count / lanes + 1); lanes];
    for index in 0..count {
        let sender = index % senders;
        plans[sender % lanes].push((sender, (index / senders) as u64));
    }
    plans
}

/// Submits every lane on a connection of its own, one request at a time; returns each request's
/// latency. The first refusal ends it.
pub(crate) async fn submit_lanes(
    endpoint: &Endpoint,
    lanes: &[Vec<Signed>],
    limit: Duration,
) -> Result<Vec<Duration>> {
    let lanes = lanes.iter().map(|lane| submit_lane(endpoint, lane));
    let latencies = timeout(limit, try_join_all(lanes))
        .await
        .wrap_err_with(|| format!("submitting took longer than {limit:?}"))??;
    Ok(latencies.concat())
}

async fn submit_lane(endpoint: &Endpoint, transactions: &[Signed]) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(endpoint).await?;
    let mut latencies = Vec::with_capacity(transactions.len());
    let mut body = Vec::new();
    for transaction in transactions {
        submission(&mut body, &transaction.raw);
        let request = endpoint.request(&body);
        let sent = Instant::now();
        let response = connection.send(&request).await?;
        latencies.push(sent.elapsed());
        if !succeeded(response) {
            bail!(
                "a transaction was refused: {}",
                String::from_utf8_lossy(response)
            );
        }
    }
    Ok(latencies)
}

/// Writes the body of a submission.
fn submission(body: &mut Vec<u8>, raw: &[u8]) {
    body.clear();
    body.extend_from_slice(BODY_START);
    let start = body.len();
    body.resize(start + 2 * raw.len(), 0);
    hex::encode_to_slice(raw, &mut body[start..]).expect("the buffer is twice as long");
    body.extend_from_slice(BODY_END);
}

/// Whether a response carries a result that is not null; looks at its start only.
pub(crate) fn succeeded(response: &[u8]) -> bool {
    const KEY: &[u8] = br#""result":"#;
    let start = &response[..response.len().min(160)];
    start
        .windows(KEY.len())
        .position(|window| window == KEY)
        .is_some_and(|at| !response[at + KEY.len()..].starts_with(b"null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_keeps_each_sender_in_one_lane_and_in_order() {
        let plans = plan(10, 1003, 4);
        assert_eq!(plans.iter().map(Vec::len).sum::<usize>(), 1003);
        for sender in 0..10 {
            let turns: Vec<_> = plans
                .iter()
                .flat_map(|plan| {
                    plan.iter()
                        .filter(|(by, _)| *by == sender)
                        .map(|(_, turn)| *turn)
                })
                .collect();
            let expected = if sender < 3 { 101 } else { 100 };
            assert_eq!(turns, (0..expected).collect::<Vec<_>>());
            assert_eq!(
                plans
                    .iter()
                    .filter(|plan| plan.iter().any(|(by, _)| *by == sender))
                    .count(),
                1
            );
        }
    }

    #[test]
    fn submission_is_the_request_a_wallet_sends() {
        let mut body = Vec::new();
        submission(&mut body, &[0x02, 0xff]);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["params"][0], "0x02ff");
        assert_eq!(value["method"], "eth_sendRawTransaction");
    }

    #[test]
    fn only_a_result_is_success() {
        assert!(succeeded(br#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#));
        assert!(!succeeded(br#"{"jsonrpc":"2.0","id":1,"result":null}"#));
        assert!(!succeeded(
            br#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#
        ));
        assert!(!succeeded(b""));
    }
}
