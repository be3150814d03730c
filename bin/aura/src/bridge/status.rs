//! `aura bridge status`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aura_bindings::{portal::AuraPortal, rollup::AuraRollup};
use serde_json::{Value, json};

use super::{
    amount::show_time,
    args::StatusArgs,
    claim::{Claim, finality, is_claimed},
    deposit::{oldest_waiting, stage},
    session::Session,
};

/// Runs `aura bridge status`.
pub(super) async fn status(args: &StatusArgs) -> eyre::Result<()> {
    let session = Session::open(&args.chains).await?;
    let facts = match (args.deposit, args.withdrawal) {
        (Some(id), _) => deposit(&session, id).await?,
        (_, Some(index)) => withdrawal(&session, index).await?,
        _ => bridge(&session).await?,
    };
    if args.json {
        let object: serde_json::Map<String, Value> = facts
            .into_iter()
            .map(|fact| (fact.name.to_owned(), fact.value))
            .collect();
        println!("{}", serde_json::to_string_pretty(&object)?);
    } else {
        print!("{}", table(&facts));
    }
    Ok(())
}

/// One line.
struct Fact {
    name: &'static str,
    value: Value,
    /// For people, where the value says too little.
    text: Option<String>,
}

fn fact(name: &'static str, value: impl Into<Value>) -> Fact {
    Fact {
        name,
        value: value.into(),
        text: None,
    }
}

fn told(name: &'static str, value: impl Into<Value>, text: String) -> Fact {
    Fact {
        text: Some(text),
        ..fact(name, value)
    }
}

fn table(facts: &[Fact]) -> String {
    let width = facts.iter().map(|fact| fact.name.len()).max().unwrap_or(0);
    let line = |fact: &Fact| {
        let value = match (&fact.text, &fact.value) {
            (Some(text), _) => text.clone(),
            (None, Value::String(text)) => text.clone(),
            (None, Value::Null) => "none".to_owned(),
            (None, value) => value.to_string(),
        };
        format!("{:<width$}  {value}\n", fact.name)
    };
    facts.iter().map(line).collect()
}

fn age(time: u64) -> String {
    if time == 0 {
        return "the genesis".to_owned();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let age = now.unwrap_or_default().as_secs().saturating_sub(time);
    format!("{} ago", show_time(Duration::from_secs(age)))
}

async fn bridge(session: &Session) -> eyre::Result<Vec<Fact>> {
    let (l1, rollup, portal) = (&session.l1, session.rollup, session.portal);
    let (l1_head, l2_head) = (l1.head().await?, session.l2.head().await?);
    let head = l1.view(rollup, AuraRollup::headCall {}).await?;
    let count = l1.view(portal, AuraPortal::messageCountCall {}).await?;
    let best = l1.view(rollup, AuraRollup::bestFinalCall {}).await?;
    let frozen_at = l1.view(rollup, AuraRollup::frozenAtCall {}).await?;
    let paused_until = l1.view(portal, AuraPortal::pausedUntilCall {}).await?;
    let escrow = l1.balance(portal).await?;
    let newest = head.rootCount.saturating_sub(1);
    let root = session.root(newest).await?;
    let consumed_text = format!("{} of {count} in batches on L1", head.consumed);
    let mut facts = vec![
        fact("l1ChainId", l1.chain_id),
        fact("l2ChainId", session.l2.chain_id),
        fact("portal", portal.to_string()),
        fact("rollup", rollup.to_string()),
        told(
            "l1Block",
            l1_head.number,
            format!("{}, {}", l1_head.number, age(l1_head.timestamp)),
        ),
        told(
            "l2Block",
            l2_head.number,
            format!("{}, {}", l2_head.number, age(l2_head.timestamp)),
        ),
        told(
            "escrowWei",
            escrow.to_string(),
            super::amount::show_ether(escrow),
        ),
        fact("queueLength", count),
        told("queueConsumed", head.consumed, consumed_text),
        told(
            "newestBatch",
            head.batchCount.saturating_sub(1),
            format!(
                "{}, L2 blocks up to {}",
                head.batchCount.saturating_sub(1),
                age(head.lastTime)
            ),
        ),
        told(
            "newestRoot",
            newest,
            format!("{newest}, {}", finality(&root)),
        ),
        fact("bestFinalRoot", best),
    ];
    if let Some(since) = oldest_waiting(session, head.consumed).await? {
        facts.push(told("oldestEntryAt", since, age(since)));
    }
    if paused_until > l1_head.timestamp {
        facts.push(fact("pausedUntil", paused_until));
    }
    if frozen_at > 0 {
        facts.push(told(
            "frozenAt",
            frozen_at,
            format!("for ever, since {}", age(frozen_at)),
        ));
    }
    Ok(facts)
}

async fn deposit(session: &Session, id: u64) -> eyre::Result<Vec<Fact>> {
    let head = session
        .l1
        .view(session.rollup, AuraRollup::headCall {})
        .await?;
    Ok(vec![
        fact("depositId", id),
        fact("stage", stage(session, id).await?),
        fact("inBatch", id < head.consumed),
    ])
}

async fn withdrawal(session: &Session, index: u64) -> eyre::Result<Vec<Fact>> {
    let mut facts = vec![fact("index", index)];
    if is_claimed(session, index).await? {
        facts.push(fact("stage", "paid"));
        return Ok(facts);
    }
    match Claim::fetch(session, index).await? {
        Err(why) => {
            facts.push(told("stage", "waiting", format!("waiting: {why}")));
        }
        Ok(claim) => {
            let w = &claim.call.w;
            let root = session.root(claim.call.rootId).await?;
            let is_final = root.state.status == aura_bindings::RootStatus::Final;
            let stage = if is_final { "ready" } else { "rooted" };
            facts.push(told(
                "stage",
                stage,
                format!("{stage}: {}", finality(&root)),
            ));
            facts.push(fact("recipient", w.recipient.to_string()));
            facts.push(fact("token", w.token.to_string()));
            facts.push(fact("amount", w.amount.to_string()));
            facts.push(fact("rootId", claim.call.rootId));
            facts.push(fact("finalAt", json!(root.final_at)));
        }
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genesis_has_no_age() {
        assert_eq!(age(0), "the genesis");
        assert!(age(1).ends_with(" ago"));
    }

    #[test]
    fn lines_are_aligned_and_say_more_to_people() {
        let facts = [
            fact("index", 3),
            told("stage", "rooted", "rooted: final in 5s".to_owned()),
            fact("finalAt", Value::Null),
        ];
        let expected = "index    3\nstage    rooted: final in 5s\nfinalAt  none\n";
        assert_eq!(table(&facts), expected);
    }
}
