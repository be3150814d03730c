//! `aura bridge withdraw`: from L2 to a final root on L1.

use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use aura_bindings::{
    decode_message_passed, erc20::AuraERC20, message_passer::AuraMessagePasser, rollup::AuraRollup,
    token_bridge::AuraTokenBridge,
};
use aura_l1::tx::TxRequest;
use aura_primitives::bridge::predeploys::{MESSAGE_PASSER, TOKEN_BRIDGE, l2_token};
use eyre::{ensure, eyre};
use serde_json::{Value, json};

use super::{
    amount::{parse_ether, parse_units, show_units},
    args::WithdrawArgs,
    claim::{claim, ready},
    report::{Failure, Report},
    send::Wallet,
    session::{Session, number, until},
};

/// Runs `aura bridge withdraw`.
pub(super) async fn withdraw(args: &WithdrawArgs, report: &mut Report) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let wallet = Wallet::on_l2(&session, &args.key).await?;
    let account = wallet.account();
    let to = args.to.unwrap_or(account);
    let (request, amount) = match args.token {
        None => ether(&args.amount, to)?,
        Some(token) => tokens(&session, token, &args.amount, account, to).await?,
    };
    let receipt = wallet.send(request, report).await?;
    wallet.close().await?;
    let passed = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == MESSAGE_PASSER)
        .find_map(|log| decode_message_passed(&log.inner.data).ok());
    let passed = passed.ok_or_else(|| eyre!("the message passer has recorded nothing"))?;
    let index = passed.withdrawal.index;
    report.step("withdrawn", &format!("withdrawal {index}, to {to} on L1"));
    report.field("index", index);
    report.field("to", to.to_string());
    report.field("amount", amount.to_string());
    report.field("l2Transaction", receipt.transaction_hash.to_string());
    report.field("l2Block", receipt.block_number);
    if args.show.no_wait {
        return Ok(());
    }
    posted(&session, &receipt, report).await?;
    if args.finalize {
        let wallet = Wallet::on_l1(&session, &args.key).await?;
        claim(&session, &wallet, index, false, report).await?;
        return wallet.close().await;
    }
    ready(&session, account, index, false, report).await?;
    let text = format!("it can be claimed: aura bridge finalize {index}");
    report.step("ready", &text);
    Ok(())
}

fn ether(amount: &str, to: Address) -> eyre::Result<(TxRequest, U256)> {
    let amount = parse_ether(amount).map_err(|error| eyre!(error))?;
    ensure!(!amount.is_zero(), "the amount is zero");
    let call = AuraMessagePasser::withdrawETHCall { to };
    let request = TxRequest::call("withdraw", MESSAGE_PASSER, call.abi_encode());
    Ok((request.with_value(amount), amount))
}

async fn tokens(
    session: &Session,
    token: Address,
    amount: &str,
    account: Address,
    to: Address,
) -> eyre::Result<(TxRequest, U256)> {
    let ours = l2_token(token);
    let code: alloy_primitives::Bytes = session
        .l2
        .ask("eth_getCode", json!([ours, "latest"]))
        .await?;
    if code.is_empty() {
        let text = format!("L1 token {token} is not on L2: --token takes its address on L1");
        return Err(Failure::Refused(text).into());
    }
    let decimals = session.l2.view(ours, AuraERC20::decimalsCall {}).await?;
    let amount = parse_units(amount, decimals).map_err(|error| eyre!(error))?;
    ensure!(!amount.is_zero(), "the amount is zero");
    let has = session
        .l2
        .view(ours, AuraERC20::balanceOfCall { account })
        .await?;
    if has < amount {
        let text = format!(
            "{account} has {} of {ours} on L2",
            show_units(has, decimals)
        );
        return Err(Failure::Funds(text).into());
    }
    let call = AuraTokenBridge::withdrawCall {
        l1Token: token,
        to,
        amount,
    };
    let request = TxRequest::call("withdraw", TOKEN_BRIDGE, call.abi_encode());
    Ok((request, amount))
}

/// Waits until a batch on L1 has the block of `receipt`.
async fn posted(
    session: &Session,
    receipt: &TransactionReceipt,
    report: &mut Report,
) -> eyre::Result<()> {
    let params = json!([receipt.block_hash, false]);
    let block: Value = session.l2.ask("eth_getBlockByHash", params).await?;
    let time = number(&block["timestamp"]).ok_or_else(|| eyre!("L2 has lost the block again"))?;
    let head = until(async || {
        let call = AuraRollup::headCall {};
        let head = session.l1.view(session.rollup, call).await?;
        // A block is as old as its batch says; equal times need the root to be sure, which comes next.
        Ok((head.lastTime >= time).then_some(head))
    })
    .await?;
    let last = head.batchCount.saturating_sub(1);
    report.step("posted", &format!("in a batch on L1, up to batch {last}"));
    Ok(())
}
