//! Many WebSocket clients that, at each new head, read at once what a wallet would read.

use crate::{
    accounts::{Account, FEE_CAP_WEI, Signed, fund, senders},
    erc20,
    figures::Figures,
    load::{Work, sign_lanes, submit_lanes},
    rpc::{Rpc, request},
    server::Server,
};
use alloy_primitives::{Address, U256};
use clap::Args;
use eyre::{OptionExt, Result, WrapErr, bail, ensure};
use futures_util::{SinkExt, StreamExt, future::try_join_all};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    collections::VecDeque,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    time::{interval, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Longest wait for one message.
const MESSAGE_LIMIT: Duration = Duration::from_secs(60);

/// How heads are followed.
#[derive(Args, Clone, Debug)]
pub(crate) struct HeadArgs {
    /// WebSocket clients.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) clients: u64,
    /// Heads that each client follows.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) blocks: u64,
    /// Token transfers submitted each second meanwhile.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(crate) rate: u64,
    /// Names the set of senders and recipients.
    #[arg(long, default_value = "heads")]
    pub(crate) seed: String,
    /// Longest time for the whole run.
    #[arg(long, default_value = "20m", value_parser = humantime::parse_duration)]
    pub(crate) limit: Duration,
}

/// What a client did not find although it was told of it.
#[derive(Debug, Default)]
struct Misses {
    count: u64,
    first: Option<String>,
}

impl Misses {
    fn check(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.count += 1;
            self.first.get_or_insert_with(what);
        }
    }
}

/// Follows heads of `server`; a miss is an error.
pub(crate) async fn run(server: &Server, args: &HeadArgs) -> Result<Figures> {
    let load = prepare(server, args).await?;
    let stop = Cell::new(false);
    let started = Instant::now();
    let clients = async {
        let clients = (0..args.clients).map(|_| follow(server, args.blocks));
        let result = try_join_all(clients).await;
        stop.set(true);
        result
    };
    let both = async { tokio::try_join!(clients, pace(server, &load, args.rate, &stop)) };
    let (misses, submitted) = timeout(args.limit, both)
        .await
        .wrap_err_with(|| format!("the run took longer than {:?}", args.limit))??;
    let elapsed = started.elapsed().as_secs_f64();
    let mut figures = Figures::default();
    figures.note("clients", args.clients as f64, "clients");
    figures.note("heads seen by each", args.blocks as f64, "blocks");
    figures.more("heads", args.blocks as f64 / elapsed, "blocks/s");
    figures.note("transactions submitted", submitted as f64, "tx");
    figures.less(
        "misses",
        misses.iter().map(|misses| misses.count).sum::<u64>() as f64,
        "misses",
    );
    server.footprint(&mut figures);
    if let Some(first) = misses.into_iter().find_map(|misses| misses.first) {
        bail!("{}a client missed something: {first}", figures.lines());
    }
    Ok(figures)
}

/// Signs as many token transfers as the run can need.
async fn prepare(server: &Server, args: &HeadArgs) -> Result<Vec<Signed>> {
    let mut rpc = Rpc::open(&server.endpoint).await?;
    let count = (args.rate * args.limit.as_secs()).min(100_000) as usize;
    let accounts = senders(&args.seed, 100)?;
    let gas = U256::from(Work::Token(Address::ZERO).gas_limit()) * U256::from(FEE_CAP_WEI);
    fund(&mut rpc, &accounts, gas * U256::from(count / 100 + 1)).await?;
    let token = erc20::deploy(&mut rpc, &accounts).await?;
    let addresses: Vec<_> = accounts.iter().map(Account::address).collect();
    let nonces = rpc.nonces(&addresses).await?;
    let chain_id = rpc.chain_id().await?;
    let lanes = sign_lanes(
        Work::Token(token),
        &args.seed,
        chain_id,
        &accounts,
        &nonces,
        count,
        1,
    )?;
    Ok(lanes.concat())
}

/// Submits at a steady rate until told to stop; returns how many.
pub(crate) async fn pace(
    server: &Server,
    load: &[Signed],
    rate: u64,
    stop: &Cell<bool>,
) -> Result<usize> {
    let mut ticks = interval(Duration::from_secs(1) / rate as u32);
    for (index, transaction) in load.iter().enumerate() {
        ticks.tick().await;
        if stop.get() {
            return Ok(index);
        }
        let lane = std::slice::from_ref(transaction).to_vec();
        submit_lanes(&server.endpoint, &[lane], MESSAGE_LIMIT).await?;
    }
    while !stop.get() {
        ticks.tick().await;
    }
    Ok(load.len())
}

/// One client: subscribes, and reads everything at each of `blocks` heads.
async fn follow(server: &Server, blocks: u64) -> Result<Misses> {
    let mut client = Client::open(server).await?;
    let mut misses = Misses::default();
    let mut previous: Option<(u64, String)> = None;
    for _ in 0..blocks {
        let head = client.next_head().await?;
        let number = quantity(&head["number"])?;
        let hash = head["hash"]
            .as_str()
            .ok_or_eyre("a head has no hash")?
            .to_owned();
        if let Some((before, parent)) = &previous {
            misses.check(
                number == before + 1 && head["parentHash"] == **parent,
                || format!("head {number} came after {before}"),
            );
        }
        client.read_block(number, &hash, &mut misses).await?;
        previous = Some((number, hash));
    }
    Ok(misses)
}

struct Client {
    socket: WebSocketStream<TcpStream>,
    heads: VecDeque<Value>,
    next_id: u64,
}

impl Client {
    async fn open(server: &Server) -> Result<Self> {
        let url = server.endpoint.websocket_url();
        let stream = TcpStream::connect(server.endpoint.authority()).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(url, stream).await?;
        let mut client = Self {
            socket,
            heads: VecDeque::new(),
            next_id: 1,
        };
        client.call("eth_subscribe", json!(["newHeads"])).await?;
        Ok(client)
    }

    /// The next message: a head goes to the queue, an answer is returned.
    async fn receive(&mut self) -> Result<Option<Value>> {
        let message = timeout(MESSAGE_LIMIT, self.socket.next())
            .await
            .wrap_err("no message came")?
            .ok_or_eyre("the server closed the WebSocket")??;
        let Message::Text(text) = message else {
            return Ok(None);
        };
        let mut message: Value = serde_json::from_str(text.as_str())?;
        if message["method"] == "eth_subscription" {
            self.heads.push_back(message["params"]["result"].take());
            return Ok(None);
        }
        Ok(Some(message))
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.next_id;
        self.next_id += 1;
        let text = request(id, method, &params).to_string();
        self.socket.send(Message::text(text)).await?;
        loop {
            let Some(mut message) = self.receive().await? else {
                continue;
            };
            ensure!(
                message["id"] == id,
                "an answer to another request: {message}"
            );
            ensure!(
                message.get("error").is_none(),
                "{method} {params}: {message}"
            );
            return Ok(message["result"].take());
        }
    }

    async fn next_head(&mut self) -> Result<Value> {
        loop {
            if let Some(head) = self.heads.pop_front() {
                return Ok(head);
            }
            if let Some(message) = self.receive().await? {
                bail!("an answer that nobody asked for: {message}");
            }
        }
    }

    /// Reads the block that was announced, its receipts, its logs, and state at its number.
    async fn read_block(&mut self, number: u64, hash: &str, misses: &mut Misses) -> Result<()> {
        let at = format!("{number:#x}");
        let block = self
            .call("eth_getBlockByHash", json!([hash, false]))
            .await?;
        misses.check(block["hash"] == hash, || {
            format!("block {number} is not found by its hash")
        });
        let by_number = self
            .call("eth_getBlockByNumber", json!([at, false]))
            .await?;
        misses.check(by_number["hash"] == hash, || {
            format!("block {number} is another by number")
        });
        let receipts = self.call("eth_getBlockReceipts", json!([at])).await?;
        misses.check(length(&receipts) == length(&block["transactions"]), || {
            format!("block {number} has not the receipts of its transactions")
        });
        let logs = self
            .call("eth_getLogs", json!([{ "blockHash": hash }]))
            .await?;
        let expected = receipts
            .as_array()
            .map(|all| all.iter().filter_map(|r| length(&r["logs"])).sum());
        misses.check(length(&logs) == expected, || {
            format!("block {number} has not its logs")
        });
        let vault = &block["miner"];
        let balance = self.call("eth_getBalance", json!([vault, at])).await?;
        misses.check(balance.is_string(), || {
            format!("there is no balance at block {number}")
        });
        let head = quantity(&self.call("eth_blockNumber", json!([])).await?)?;
        misses.check(head >= number, || {
            format!("the head is {head}, block {number} was announced")
        });
        Ok(())
    }
}

fn length(value: &Value) -> Option<usize> {
    value.as_array().map(Vec::len)
}

fn quantity(value: &Value) -> Result<u64> {
    let text = value.as_str().ok_or_eyre("a quantity is missing")?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}
