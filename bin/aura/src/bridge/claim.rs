//! `aura bridge prove` and `finalize`: the way of a withdrawal on L1.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use aura_bindings::{
    RootStatus, is_error, message_passer::AuraMessagePasser, portal::AuraPortal, rollup::AuraRollup,
};
use aura_l1::tx::{L1Rpc, RpcFault, TxRequest};
use aura_primitives::bridge::predeploys::MESSAGE_PASSER;
use eyre::{WrapErr, eyre};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    amount::show_time,
    args::{FinalizeArgs, ProveArgs},
    report::{Failure, Report},
    send::{Wallet, explained},
    session::{RootView, Session, number, reason, until},
};

/// The signature that `cast send` needs.
const WITHDRAW: &str = "withdraw((uint64,address,address,address,uint256,bytes32),uint64,\
                        (bytes32,bytes32,bytes32,uint64,uint64,bytes32),bytes32[32])";

/// The arguments of `AuraPortal.withdraw`.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) call: AuraPortal::withdrawCall,
}

/// Numbers come as quantities or as plain numbers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    withdrawal: WithdrawalFields,
    root_id: Value,
    output: OutputFields,
    proof: Vec<B256>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WithdrawalFields {
    index: Value,
    sender: Address,
    recipient: Address,
    token: Address,
    amount: U256,
    data_hash: B256,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputFields {
    state_root: B256,
    withdrawal_root: B256,
    l2_block_hash: B256,
    l2_block: Value,
    batch_index: Value,
    batch_hash: B256,
}

impl Answer {
    fn into_claim(self) -> eyre::Result<Claim> {
        let small = |value: &Value, name: &str| {
            number(value).ok_or_else(|| eyre!("L2's proof has no `{name}`"))
        };
        let proof: [B256; 32] = self
            .proof
            .try_into()
            .map_err(|_| eyre!("L2's proof has not 32 hashes"))?;
        let (w, o) = (&self.withdrawal, &self.output);
        let call = AuraPortal::withdrawCall {
            w: AuraPortal::Withdrawal {
                index: small(&w.index, "index")?,
                sender: w.sender,
                recipient: w.recipient,
                token: w.token,
                amount: w.amount,
                dataHash: w.data_hash,
            },
            rootId: small(&self.root_id, "rootId")?,
            o: AuraPortal::Output {
                stateRoot: o.state_root,
                withdrawalRoot: o.withdrawal_root,
                l2BlockHash: o.l2_block_hash,
                l2Block: small(&o.l2_block, "l2Block")?,
                batchIndex: small(&o.batch_index, "batchIndex")?,
                batchHash: o.batch_hash,
            },
            proof,
        };
        Ok(Claim { call })
    }
}

impl Claim {
    /// Asks L2; `None` if no root on L1 covers the withdrawal yet, or there is no such withdrawal.
    pub(super) async fn fetch(session: &Session, index: u64) -> eyre::Result<Result<Self, String>> {
        let params = json!([format!("{index:#x}")]);
        let answer = L1Rpc::request(&session.l2.rpc, "aura_getWithdrawalProof", params).await;
        match answer {
            Ok(Value::Null) => Ok(Err("no root on L1 covers it yet".to_owned())),
            Ok(answer) => serde_json::from_value::<Answer>(answer)
                .wrap_err("L2's answer to aura_getWithdrawalProof")?
                .into_claim()
                .map(Ok),
            Err(RpcFault::Refused { code: -32601, .. }) => {
                Err(eyre!("the node of L2 does not make withdrawal proofs"))
            }
            Err(RpcFault::Refused { message, .. }) => Ok(Err(message)),
            Err(fault) => Err(eyre!(fault).wrap_err("L2")),
        }
    }

    pub(super) fn calldata(&self) -> Bytes {
        self.call.abi_encode().into()
    }

    /// The arguments as `cast` reads them.
    fn cast_arguments(&self) -> [String; 4] {
        let (w, o) = (&self.call.w, &self.call.o);
        let proof: Vec<String> = self.call.proof.iter().map(hex::encode_prefixed).collect();
        [
            format!(
                "({},{},{},{},{},{})",
                w.index, w.sender, w.recipient, w.token, w.amount, w.dataHash
            ),
            self.call.rootId.to_string(),
            format!(
                "({},{},{},{},{},{})",
                o.stateRoot, o.withdrawalRoot, o.l2BlockHash, o.l2Block, o.batchIndex, o.batchHash
            ),
            format!("[{}]", proof.join(",")),
        ]
    }

    fn to_json(&self, portal: Address) -> Value {
        let (w, o) = (&self.call.w, &self.call.o);
        json!({
            "portal": portal,
            "withdrawal": {
                "index": w.index,
                "sender": w.sender,
                "recipient": w.recipient,
                "token": w.token,
                "amount": w.amount.to_string(),
                "dataHash": w.dataHash,
            },
            "rootId": self.call.rootId,
            "output": {
                "stateRoot": o.stateRoot,
                "withdrawalRoot": o.withdrawalRoot,
                "l2BlockHash": o.l2BlockHash,
                "l2Block": o.l2Block,
                "batchIndex": o.batchIndex,
                "batchHash": o.batchHash,
            },
            "proof": self.call.proof,
            "calldata": self.calldata(),
        })
    }
}

/// Runs `aura bridge prove`.
pub(super) async fn prove(args: &ProveArgs) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    refuse_unknown(&session, args.index).await?;
    let claim = Claim::fetch(&session, args.index).await?;
    let claim = claim.map_err(|why| Failure::NotYet(not_covered(args.index, &why)))?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&claim.to_json(session.portal))?
        );
        return Ok(());
    }
    let arguments = claim
        .cast_arguments()
        .map(|argument| format!("'{argument}'"));
    println!(
        "cast send {} '{WITHDRAW}' \\\n  {} \\\n  --rpc-url {}",
        session.portal,
        arguments.join(" \\\n  "),
        args.chains.l1_rpc
    );
    Ok(())
}

fn not_covered(index: u64, why: &str) -> String {
    format!("withdrawal {index} cannot be proven yet: {why}")
}

/// Runs `aura bridge finalize`.
pub(super) async fn finalize(args: &FinalizeArgs, report: &mut Report) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let wallet = Wallet::on_l1(&session, &args.key).await?;
    report.field("index", args.index);
    claim(&session, &wallet, args.index, args.show.no_wait, report).await?;
    wallet.close().await
}

/// Waits until withdrawal `index` can be paid, unless `no_wait`, and has it paid.
pub(super) async fn claim(
    session: &Session,
    wallet: &Wallet,
    index: u64,
    no_wait: bool,
    report: &mut Report,
) -> eyre::Result<()> {
    refuse_claimed(session, index).await?;
    refuse_unknown(session, index).await?;
    let claim = ready(session, wallet.account(), index, no_wait, report).await?;
    let request = TxRequest::call("finalize", session.portal, claim.calldata());
    let receipt = wallet.send(request, report).await?;
    let paid = receipt.inner.logs().iter().any(|log| {
        log.address() == session.portal
            && log
                .log_decode::<AuraPortal::Withdrawn>()
                .is_ok_and(|event| event.inner.data.index == index)
    });
    eyre::ensure!(paid, "the portal has paid nothing");
    let (recipient, amount) = (claim.call.w.recipient, claim.call.w.amount);
    report.step("paid", &format!("paid to {recipient} on L1"));
    report.field("recipient", recipient.to_string());
    report.field("token", claim.call.w.token.to_string());
    report.field("amount", amount.to_string());
    report.field("l1Transaction", receipt.transaction_hash.to_string());
    Ok(())
}

pub(super) async fn is_claimed(session: &Session, index: u64) -> eyre::Result<bool> {
    let call = AuraPortal::isClaimedCall { index };
    session.l1.view(session.portal, call).await
}

async fn refuse_claimed(session: &Session, index: u64) -> eyre::Result<()> {
    if is_claimed(session, index).await? {
        return Err(Failure::Claimed(index).into());
    }
    Ok(())
}

async fn refuse_unknown(session: &Session, index: u64) -> eyre::Result<()> {
    let call = AuraMessagePasser::countCall {};
    let count = session.l2.view(MESSAGE_PASSER, call).await?;
    eyre::ensure!(index < count, "there is no withdrawal {index} on L2");
    Ok(())
}

/// Waits for a root that covers withdrawal `index` and is final.
pub(super) async fn ready(
    session: &Session,
    caller: Address,
    index: u64,
    no_wait: bool,
    report: &mut Report,
) -> eyre::Result<Claim> {
    let mut shown = None;
    until(async || {
        let claim = match Claim::fetch(session, index).await? {
            Ok(claim) => claim,
            Err(why) if no_wait => return Err(Failure::NotYet(not_covered(index, &why)).into()),
            Err(_) => return Ok(None),
        };
        let root_id = claim.call.rootId;
        let root = session.root(root_id).await?;
        if shown != Some(root_id) {
            shown = Some(root_id);
            let when = finality(&root);
            report.step("rooted", &format!("root {root_id} on L1 covers it, {when}"));
            report.field("rootId", root_id);
            report.field("finalAt", root.final_at);
        }
        let refusal = session
            .l1
            .refusal(caller, session.portal, &claim.calldata())
            .await?;
        match refusal {
            None => {
                report.step("final", &format!("root {root_id} is final"));
                Ok(Some(claim))
            }
            Some(data) if is_error::<AuraPortal::AlreadyClaimed>(&data) => {
                Err(Failure::Claimed(index).into())
            }
            // The rollup's word where the root is pending.
            Some(data)
                if is_error::<AuraPortal::NotFinal>(&data)
                    || is_error::<AuraRollup::TooSoon>(&data) =>
            {
                if no_wait {
                    let text = format!("withdrawal {index} is not final yet: {}", finality(&root));
                    return Err(Failure::NotYet(text).into());
                }
                Ok(None)
            }
            Some(data) => {
                let why = explained(&reason(&data));
                Err(Failure::Refused(format!("the portal refuses: {why}")).into())
            }
        }
    })
    .await
}

/// When a root is final, in words.
pub(super) fn finality(root: &RootView) -> String {
    match (root.state.status, root.final_at) {
        (RootStatus::Final, _) => "final".to_owned(),
        (RootStatus::Disputed, _) => "disputed: the council decides".to_owned(),
        (RootStatus::Invalid, _) => "found to be wrong: another one has to be posted".to_owned(),
        (RootStatus::Pending, None) => "waits for signatures of verifiers".to_owned(),
        (RootStatus::Pending, Some(time)) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let left = time.saturating_sub(now.unwrap_or_default().as_secs());
            match left {
                0 => "final with the next L1 block".to_owned(),
                left => format!("final in {}", show_time(Duration::from_secs(left))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        let hash = B256::repeat_byte(7);
        json!({
            "withdrawal": {
                "index": "0x2a",
                "sender": Address::repeat_byte(1),
                "recipient": Address::repeat_byte(2),
                "token": Address::ZERO,
                "amount": "0xde0b6b3a7640000",
                "dataHash": B256::ZERO,
            },
            "rootId": 3,
            "output": {
                "stateRoot": hash,
                "withdrawalRoot": hash,
                "l2BlockHash": hash,
                "l2Block": "0x10",
                "batchIndex": 4,
                "batchHash": hash,
            },
            "proof": vec![hash; 32],
        })
    }

    #[test]
    fn reads_what_the_node_answers() {
        let parsed: Answer = serde_json::from_value(answer()).unwrap();
        let claim = parsed.into_claim().unwrap();
        assert_eq!((claim.call.w.index, claim.call.rootId), (42, 3));
        assert_eq!((claim.call.o.l2Block, claim.call.o.batchIndex), (16, 4));
        assert_eq!(claim.call.w.amount, U256::from(10u128.pow(18)));
    }

    #[test]
    fn refuses_a_proof_of_another_length() {
        let mut short = answer();
        short["proof"].as_array_mut().unwrap().pop();
        let parsed: Answer = serde_json::from_value(short).unwrap();
        assert!(parsed.into_claim().is_err());
    }

    #[test]
    fn the_command_for_cast_has_the_signature_of_the_contract() {
        let selector = alloy_primitives::keccak256(WITHDRAW);
        assert_eq!(selector[..4], AuraPortal::withdrawCall::SELECTOR);
        let parsed: Answer = serde_json::from_value(answer()).unwrap();
        let [withdrawal, root, _, proof] = parsed.into_claim().unwrap().cast_arguments();
        assert!(withdrawal.starts_with("(42,0x0101"), "{withdrawal}");
        assert!(withdrawal.contains(",1000000000000000000,"), "{withdrawal}");
        assert_eq!(root, "3");
        assert_eq!(proof.matches("0x").count(), 32);
    }
}
