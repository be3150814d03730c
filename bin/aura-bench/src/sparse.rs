//! `eth_getLogs` over many blocks of which few have a log that is wanted.

use crate::{
    accounts::{Account, FEE_CAP_WEI, TRANSFER_GAS, Unsigned, fresh_address, fund, senders},
    erc20,
    figures::Figures,
    measure::Read,
    rpc::Rpc,
    server::Server,
};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex, keccak256};
use clap::Args;
use eyre::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// Blocks that anvil is asked to mine at once.
const PART: u64 = 1_000;

/// How the chain looks, and how it is read.
#[derive(Args, Clone, Debug)]
pub(crate) struct SparseArgs {
    /// Blocks that are searched.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    pub(crate) blocks: u64,
    /// Blocks among them that have a log of the token.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) logs: u64,
    /// Connections, each with one search in flight.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) connections: u64,
    /// Time for the searches.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
}

/// Makes the chain on `server`, which seals at once, and searches it.
pub(crate) async fn run(server: &Server, args: &SparseArgs) -> Result<Figures> {
    let mut maker = Maker::new(server, args).await?;
    let first = maker.rpc.block_number().await? + 1;
    let gap = args.blocks / args.logs;
    for _ in 0..args.logs {
        maker.quiet_blocks(gap - 1).await?;
        maker.block_with_a_log().await?;
    }
    maker.quiet_blocks(args.blocks - gap * args.logs).await?;
    let head = maker.rpc.block_number().await?;
    ensure!(
        head + 1 - first == args.blocks,
        "the chain has {} blocks, not {}",
        head + 1 - first,
        args.blocks
    );
    let filter = json!({
        "fromBlock": format!("{first:#x}"),
        "toBlock": format!("{head:#x}"),
        "address": maker.token,
        "topics": [keccak256("Transfer(address,address,uint256)")],
    });
    let wanted = args.logs as usize;
    let read = Read {
        label: &format!("eth_getLogs, {wanted} in {} blocks", args.blocks),
        method: "eth_getLogs",
        params: &[json!([filter])],
        is_right: &|result| result.as_array().is_some_and(|logs| logs.len() == wanted),
    };
    let mut figures = Figures::default();
    read.measure(server, args.connections, args.duration, &mut figures)
        .await?;
    Ok(figures)
}

/// Makes one block after the other.
struct Maker {
    rpc: Rpc,
    sender: Account,
    token: Address,
    chain_id: u64,
    nonce: u64,
    /// The server makes empty blocks when asked to, as anvil.
    mines: bool,
}

impl Maker {
    async fn new(server: &Server, args: &SparseArgs) -> Result<Self> {
        let mut rpc = Rpc::open(&server.endpoint).await?;
        let accounts = senders("sparse", 1)?;
        let fee = U256::from(TRANSFER_GAS * 3) * U256::from(FEE_CAP_WEI) + U256::ONE;
        let each = U256::from(args.blocks + 100);
        fund(&mut rpc, &accounts, fee * each).await?;
        let token = erc20::deploy(&mut rpc, &accounts).await?;
        let [sender] = accounts
            .try_into()
            .map_err(|_| eyre::eyre!("one sender was asked for"))?;
        let mines = rpc
            .call::<Value>("anvil_mine", json!(["0x1"]))
            .await
            .is_ok();
        Ok(Self {
            chain_id: rpc.chain_id().await?,
            nonce: rpc.nonces(&[sender.address()]).await?[0],
            rpc,
            sender,
            token,
            mines,
        })
    }

    /// Blocks without a log: empty ones, or with a transfer where there are no empty ones.
    async fn quiet_blocks(&mut self, count: u64) -> Result<()> {
        if !self.mines {
            for _ in 0..count {
                let to = fresh_address("sparse", self.nonce);
                self.send(to, U256::ONE, TRANSFER_GAS, Bytes::new()).await?;
            }
            return Ok(());
        }
        let mut left = count;
        while left > 0 {
            let part = left.min(PART);
            let params = json!([format!("{part:#x}")]);
            self.rpc.call::<Value>("anvil_mine", params).await?;
            left -= part;
        }
        Ok(())
    }

    async fn block_with_a_log(&mut self) -> Result<()> {
        let input = erc20::transfer_input(fresh_address("sparse", self.nonce), U256::ONE);
        self.send(self.token, U256::ZERO, 80_000, input).await
    }

    /// One transaction, and so one block, for the next is sent when this one is mined.
    async fn send(&mut self, to: Address, value: U256, gas_limit: u64, input: Bytes) -> Result<()> {
        let tx = Unsigned {
            nonce: self.nonce,
            to: TxKind::Call(to),
            value,
            gas_limit,
            input,
        };
        let raw = hex::encode_prefixed(self.sender.sign(self.chain_id, tx)?.raw);
        self.nonce += 1;
        let receipt: Value = self
            .rpc
            .call("eth_sendRawTransactionSync", json!([raw]))
            .await?;
        ensure!(
            receipt["status"] == "0x1",
            "a transaction failed: {receipt}"
        );
        Ok(())
    }
}
