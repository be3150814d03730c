//! `aura bridge deposit`, `deposit-erc20`, and what follows an entry of the queue.

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use aura_bindings::{
    decode_message_enqueued, erc20::AuraERC20, l1_block::AuraL1Block, portal::AuraPortal,
};
use aura_l1::tx::TxRequest;
use aura_primitives::bridge::predeploys::{L1_BLOCK, l2_token};
use eyre::{ensure, eyre};

use super::{
    amount::{parse_units, show_ether, show_units},
    args::{DepositArgs, DepositErc20Args},
    report::{Failure, Report},
    send::Wallet,
    session::{Session, until},
};

/// Looks without the transaction after which L1 has lost it for good.
const LOST_LOOKS: u32 = 60;

/// Runs `aura bridge deposit`.
pub(super) async fn deposit(args: &DepositArgs, report: &mut Report) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let wallet = Wallet::on_l1(&session, &args.key).await?;
    ensure!(!args.amount.is_zero(), "the amount is zero");
    let to = args.to.unwrap_or(wallet.account());
    let call = AuraPortal::depositToCall { to };
    let request = TxRequest::call("deposit", session.portal, call.abi_encode());
    let receipt = wallet.send(request.with_value(args.amount), report).await?;
    wallet.close().await?;
    let id = entry_id(&session, &receipt)?;
    describe(report, &receipt, id, to);
    report.field("amount", args.amount.to_string());
    if !args.show.no_wait {
        credited(&session, id, &receipt, report).await?;
        let balance = session.l2.balance(to).await?;
        let text = format!("{to} has {} on L2", show_ether(balance));
        report.step("credited", &text);
        report.field("l2Balance", balance.to_string());
    }
    Ok(())
}

/// Runs `aura bridge deposit-erc20`.
pub(super) async fn deposit_erc20(
    args: &DepositErc20Args,
    report: &mut Report,
) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let wallet = Wallet::on_l1(&session, &args.key).await?;
    let (l1, token, portal) = (&session.l1, args.token, session.portal);
    let decimals = l1.view(token, AuraERC20::decimalsCall {}).await?;
    let amount = parse_units(&args.amount, decimals).map_err(|error| eyre!(error))?;
    ensure!(!amount.is_zero(), "the amount is zero");
    let owner = wallet.account();
    let has = l1
        .view(token, AuraERC20::balanceOfCall { account: owner })
        .await?;
    if has < amount {
        let text = format!("{owner} has {} of {token} on L1", show_units(has, decimals));
        return Err(Failure::Funds(text).into());
    }
    register(&session, &wallet, args, report).await?;
    let spender = portal;
    let allowance = AuraERC20::allowanceCall { owner, spender };
    if l1.view(token, allowance).await? < amount {
        let approve = AuraERC20::approveCall {
            spender,
            value: amount,
        };
        let request = TxRequest::call("approve", token, approve.abi_encode());
        wallet.send(request, report).await?;
    }
    let to = args.to.unwrap_or(owner);
    let call = AuraPortal::depositERC20Call { token, to, amount };
    let request = TxRequest::call("deposit-erc20", portal, call.abi_encode());
    let receipt = wallet.send(request, report).await?;
    wallet.close().await?;
    let id = entry_id(&session, &receipt)?;
    describe(report, &receipt, id, to);
    report.field("amount", amount.to_string());
    report.field("l2Token", l2_token(token).to_string());
    if !args.show.no_wait {
        credited(&session, id, &receipt, report).await?;
        let call = AuraERC20::balanceOfCall { account: to };
        let balance = session.l2.view(l2_token(token), call).await?;
        let text = format!(
            "{to} has {} of {} on L2",
            show_units(balance, decimals),
            l2_token(token)
        );
        report.step("credited", &text);
        report.field("l2Balance", balance.to_string());
    }
    Ok(())
}

async fn register(
    session: &Session,
    wallet: &Wallet,
    args: &DepositErc20Args,
    report: &mut Report,
) -> eyre::Result<()> {
    let token = args.token;
    let registered = AuraPortal::registeredCall { token };
    if session.l1.view(session.portal, registered).await? {
        return Ok(());
    }
    if !args.register {
        let text = format!("token {token} is not registered with the bridge: --register does it");
        return Err(Failure::Refused(text).into());
    }
    let call = AuraPortal::registerTokenCall { token };
    let request = TxRequest::call("register", session.portal, call.abi_encode());
    wallet.send(request, report).await?;
    Ok(())
}

fn describe(report: &mut Report, receipt: &TransactionReceipt, id: u64, to: Address) {
    report.step("queued", &format!("entry {id} of the queue to L2"));
    report.field("depositId", id);
    report.field("to", to.to_string());
    report.field("l1Transaction", receipt.transaction_hash.to_string());
    report.field("l1Block", receipt.block_number);
}

/// The last entry that `receipt` added to the queue.
pub(super) fn entry_id(session: &Session, receipt: &TransactionReceipt) -> eyre::Result<u64> {
    let logs = receipt.inner.logs().iter().rev();
    let entry = logs
        .filter(|log| log.address() == session.portal)
        .find_map(|log| decode_message_enqueued(&log.inner.data).ok());
    let entry = entry.ok_or_else(|| eyre!("the portal has queued nothing"))?;
    Ok(entry.message.id)
}

/// Waits until L2 has executed entry `id`.
pub(super) async fn credited(
    session: &Session,
    id: u64,
    receipt: &TransactionReceipt,
    report: &mut Report,
) -> eyre::Result<()> {
    let block = receipt.block_number.unwrap_or_default();
    let l2 = &session.l2;
    let (mut is_seen, mut lost) = (false, 0);
    until(async || {
        let consumed = l2.view(L1_BLOCK, AuraL1Block::consumedCall {}).await?;
        let origin = l2.view(L1_BLOCK, AuraL1Block::numberCall {}).await?;
        if !is_seen && (origin >= block || consumed > id) {
            is_seen = true;
            report.step("seen", &format!("L2 has seen L1 block {block}"));
        }
        // A reorganisation usually brings it again after a moment.
        let hash = receipt.transaction_hash;
        lost = if is_known(session, hash).await? {
            0
        } else {
            lost + 1
        };
        ensure!(
            lost < LOST_LOOKS,
            "L1 was reorganised and has lost transaction {hash}: send it again"
        );
        Ok((consumed > id).then_some(()))
    })
    .await
}

async fn is_known(session: &Session, hash: B256) -> eyre::Result<bool> {
    let params = serde_json::json!([hash]);
    let known: serde_json::Value = session.l1.ask("eth_getTransactionByHash", params).await?;
    Ok(!known.is_null())
}

/// Where an entry is, for `aura bridge status`.
pub(super) async fn stage(session: &Session, id: u64) -> eyre::Result<&'static str> {
    let portal = session.portal;
    let count = session
        .l1
        .view(portal, AuraPortal::messageCountCall {})
        .await?;
    if id >= count {
        return Ok("unknown");
    }
    let call = AuraL1Block::consumedCall {};
    let consumed: u64 = session.l2.view(L1_BLOCK, call).await?;
    Ok(if id < consumed { "executed" } else { "queued" })
}

/// Age from which an entry can be forced, and the time of the oldest that waits; both in seconds.
pub(super) async fn oldest_waiting(session: &Session, consumed: u64) -> eyre::Result<Option<u64>> {
    let call = AuraPortal::queueViewCall { k: consumed };
    let view = session.l1.view(session.portal, call).await?;
    Ok((view.count > consumed).then_some(view.nextTime))
}
