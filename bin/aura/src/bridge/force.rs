//! `aura bridge force`: a transaction on L2 that nobody can hold back.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use aura_bindings::{message_passer::AuraMessagePasser, portal::AuraPortal, rollup::AuraRollup};
use aura_l1::tx::TxRequest;
use aura_primitives::bridge::predeploys::MESSAGE_PASSER;
use eyre::{ensure, eyre};
use serde_json::{Value, json};

use super::{
    amount::{show_ether, show_time},
    args::ForceArgs,
    deposit::{credited, entry_id},
    report::{Failure, Report},
    send::Wallet,
    session::{Session, number},
};

/// Runs `aura bridge force`.
pub(super) async fn force(args: &ForceArgs, report: &mut Report) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let wallet = Wallet::on_l1(&session, &args.key).await?;
    let account = wallet.account();
    let call = call_of(args, account)?;
    let needed = call.value + U256::from(args.gas_limit);
    let has = session.l2.balance(account).await? + args.deposit;
    if has < needed {
        let text = format!(
            "{account} has {} on L2, which pays neither {} nor gas: --deposit brings more",
            show_ether(has),
            show_ether(call.value)
        );
        return Err(Failure::Funds(text).into());
    }
    let from_block = session.l2.head().await?.number;
    let request = TxRequest::call("force", session.portal, call.abi_encode());
    let receipt = wallet
        .send(request.with_value(args.deposit), report)
        .await?;
    wallet.close().await?;
    let id = entry_id(&session, &receipt)?;
    let delay = AuraRollup::FORCE_DELAYCall {};
    let delay = session.l1.view(session.rollup, delay).await?;
    let delay = show_time(std::time::Duration::from_secs(delay));
    let text = format!("entry {id} of the queue to L2; anybody can force it in after {delay}");
    report.step("queued", &text);
    report.field("depositId", id);
    report.field("l1Transaction", receipt.transaction_hash.to_string());
    if args.show.no_wait {
        return Ok(());
    }
    credited(&session, id, &receipt, report).await?;
    report.step("executed", "L2 has executed it");
    if args.withdraw.is_some() {
        let index = withdrawal_of(&session, account, from_block).await?;
        report.field("index", index);
        let text = format!("withdrawal {index}: aura bridge finalize {index} claims it");
        report.step("withdrawn", &text);
    }
    Ok(())
}

fn call_of(args: &ForceArgs, account: Address) -> eyre::Result<AuraPortal::forceTransactionCall> {
    let call = match (args.withdraw, args.to) {
        (Some(amount), _) => {
            ensure!(!amount.is_zero(), "the amount is zero");
            let to = args.recipient.unwrap_or(account);
            AuraPortal::forceTransactionCall {
                to: MESSAGE_PASSER,
                value: amount,
                gasLimit: args.gas_limit,
                data: AuraMessagePasser::withdrawETHCall { to }
                    .abi_encode()
                    .into(),
            }
        }
        (None, Some(to)) => AuraPortal::forceTransactionCall {
            to,
            value: args.value,
            gasLimit: args.gas_limit,
            data: args.data.clone(),
        },
        (None, None) => return Err(eyre!("--to or --withdraw is needed")),
    };
    Ok(call)
}

/// The newest withdrawal of `account` since block `from`.
async fn withdrawal_of(session: &Session, account: Address, from: u64) -> eyre::Result<u64> {
    let topics: [Option<B256>; 3] = [
        Some(AuraMessagePasser::MessagePassed::SIGNATURE_HASH),
        None,
        Some(account.into_word()),
    ];
    let filter = json!([{
        "address": MESSAGE_PASSER,
        "fromBlock": format!("{from:#x}"),
        "toBlock": "latest",
        "topics": topics,
    }]);
    let logs: Vec<Value> = session.l2.ask("eth_getLogs", filter).await?;
    let index = logs.last().and_then(|log| {
        let topic = log["topics"].get(1)?.as_str()?;
        let trimmed = topic.trim_start_matches("0x").trim_start_matches('0');
        number(&json!(format!("0x{:0>1}", trimmed)))
    });
    index.ok_or_else(|| {
        let text = "L2 has executed it without success: nothing was withdrawn";
        Failure::Refused(text.to_owned()).into()
    })
}
