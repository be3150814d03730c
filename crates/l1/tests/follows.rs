//! The watcher has what the contracts have: over broken connections, reorganisations and restarts.

mod common;

use std::time::{Duration, Instant};

use aura_l1::{Confirmations, L1Error, RootStatus};
use common::{
    Anvil, L1_CHAIN, Watcher, config, contracts, genesis_output,
    proxy::{Liar, Pipe, Reply},
};
use tokio::time::sleep;

macro_rules! anvil {
    ($start:expr) => {
        match $start.await {
            Some(anvil) => anvil,
            None => return,
        }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deposits_and_the_genesis_root_are_seen() {
    let anvil = anvil!(Anvil::start());
    for wei in 1..=20 {
        anvil.deposit(wei).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![anvil.ws()]));
    watcher.agrees_with(&anvil).await;
    // Now one by one, by subscription.
    for wei in 21..=25 {
        anvil.deposit(wei).await;
        watcher.agrees_with(&anvil).await;
    }
    let entries = watcher.view.entries(20, 2).unwrap();
    let minted: Vec<_> = entries.iter().map(|entry| entry.message.mint).collect();
    assert_eq!(minted, [21, 22].map(alloy_primitives::U256::from));
    let root = watcher.view.root(0).unwrap().unwrap();
    assert_eq!(root.output, genesis_output());
    assert_eq!(root.status(), RootStatus::Final);
    assert_eq!(root.finalized_block(), Some(root.l1_block));
    assert_eq!(watcher.view.status().generation, 0);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmations_hold_entries_back() {
    let anvil = anvil!(Anvil::start());
    anvil.deposit(1).await;
    let dir = tempfile::tempdir().unwrap();
    let mut deep = config(vec![anvil.http()]);
    deep.confirmations = Confirmations::Depth(3);
    let mut watcher = Watcher::start(dir.path(), deep);
    let (number, hash) = anvil.head().await;
    watcher.reaches(number, hash).await;
    let status = watcher.view.status();
    assert_eq!(status.usable.unwrap().number, number - 3);
    assert_eq!(status.queue_len, 0);
    assert!(watcher.view.entries(0, 10).unwrap().is_empty());
    anvil.mine(3).await;
    let (next, hash) = anvil.head().await;
    watcher.reaches(next, hash).await;
    assert_eq!(watcher.view.status().usable.unwrap().number, number);
    assert_eq!(watcher.view.entries(0, 10).unwrap().len(), 1);
    watcher.stop().await;

    // What L1 calls safe is some blocks behind.
    let mut safe = config(vec![anvil.http()]);
    safe.confirmations = Confirmations::Safe;
    anvil.mine(12).await;
    let mut watcher = Watcher::start(dir.path(), safe);
    let (head, hash) = anvil.head().await;
    watcher.reaches(head, hash).await;
    let status = watcher.view.status();
    let usable = status.usable.unwrap().number;
    assert_eq!(usable, status.safe.number);
    assert!(
        usable < head && status.finalized.number < usable,
        "{status:?}"
    );
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_connections_break() {
    let anvil = anvil!(Anvil::start());
    let pipe = Pipe::to(anvil.port).await;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("ws://127.0.0.1:{}", pipe.port);
    let mut watcher = Watcher::start(dir.path(), config(vec![url]));
    for wei in 1..=200 {
        anvil.deposit(wei).await;
        if wei % 9 == 0 {
            pipe.break_all();
        }
    }
    watcher.agrees_with(&anvil).await;
    assert_eq!(watcher.view.status().queue_len, 200);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reorganisations_are_followed() {
    let anvil = anvil!(Anvil::start());
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![anvil.ws()]));
    for wei in 1..=25 {
        anvil.deposit(wei).await;
    }
    watcher.agrees_with(&anvil).await;
    for (times, depth) in [1, 3, 20].into_iter().enumerate() {
        let before = watcher.view.entries(0, usize::MAX).unwrap();
        // Fewer deposits than before, and others.
        let requests: Vec<_> = (0..depth / 2 + 1)
            .map(|index| anvil.deposit_request(1_000 + depth + index))
            .collect();
        anvil.reorg(depth, &requests).await;
        watcher.agrees_with(&anvil).await;
        let after = watcher.view.entries(0, usize::MAX).unwrap();
        assert_ne!(before, after);
        assert!(watcher.view.status().generation > times as u64);
        anvil.deposit(77).await;
        watcher.agrees_with(&anvil).await;
    }
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_and_notices_what_has_changed() {
    let anvil = anvil!(Anvil::start());
    let dir = tempfile::tempdir().unwrap();
    for wei in 1..=60 {
        anvil.deposit(wei).await;
    }
    let mut few = config(vec![anvil.http()]);
    few.max_log_range = 2;
    // In the middle of catching up.
    for _ in 0..3 {
        let watcher = Watcher::start(dir.path(), few.clone());
        sleep(Duration::from_millis(60)).await;
        watcher.stop().await;
    }
    let mut watcher = Watcher::start(dir.path(), few.clone());
    watcher.agrees_with(&anvil).await;
    watcher.stop().await;
    // What is stored is not canonical any more when it comes back.
    anvil.reorg(5, &[anvil.deposit_request(9_999)]).await;
    let mut watcher = Watcher::start(dir.path(), few);
    watcher.agrees_with(&anvil).await;
    assert_eq!(watcher.view.status().generation, 1);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_l1_is_an_error_and_a_shorter_one_is_waited_for() {
    let anvil = anvil!(Anvil::start());
    anvil.mine(50).await;
    anvil.deposit(1).await;
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![anvil.http()]));
    watcher.agrees_with(&anvil).await;
    let seen = watcher.view.status().head;
    watcher.stop().await;

    // The endpoint does not have the last blocks yet: nothing is taken back.
    let old = serde_json::json!([format!("{:#x}", seen.number - 20), false]);
    let old = anvil.ask("eth_getBlockByNumber", old).await;
    let lagging = Liar::about(anvil.port, move |request, mut answer| {
        if request["params"][0] == "latest" {
            answer["result"] = old.clone();
        }
        Reply::Json(answer)
    })
    .await;
    let watcher = Watcher::start(dir.path(), config(vec![lagging.http()]));
    sleep(Duration::from_millis(600)).await;
    let status = watcher.view.status();
    assert_eq!((status.head, status.generation), (seen, 0));
    assert_eq!(status.usable.unwrap().number, seen.number - 20);
    watcher.stop().await;

    // A fresh chain with the same contracts is another chain. Its first block is another one also if
    // both began in the same second.
    let other = anvil!(Anvil::bare(L1_CHAIN));
    other.mine(1).await;
    other.deploy().await;
    other.mine(200).await;
    let watcher = Watcher::start(dir.path(), config(vec![other.http()]));
    let error = watcher.fails().await;
    assert!(
        matches!(error, L1Error::ReorgTooDeep { tip, .. } if tip == seen.number),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_deployments_are_refused_at_the_start() {
    let anvil = anvil!(Anvil::start());
    let dir = tempfile::tempdir().unwrap();
    let good = config(vec![anvil.http()]);

    let mut wrong = good.clone();
    wrong.chain_id = 5;
    let error = Watcher::start(dir.path(), wrong).fails().await;
    assert!(
        matches!(
            error,
            L1Error::WrongChain {
                found: 31_337,
                expected: 5,
                ..
            }
        ),
        "{error}"
    );

    let mut wrong = good.clone();
    wrong.portal.0[0] ^= 1;
    let error = Watcher::start(dir.path(), wrong).fails().await;
    assert!(
        matches!(error, L1Error::NoContract { name: "portal", .. }),
        "{error}"
    );

    let mut wrong = good.clone();
    std::mem::swap(&mut wrong.portal, &mut wrong.rollup);
    let error = Watcher::start(dir.path(), wrong).fails().await;
    assert!(matches!(error, L1Error::WrongDeployment { .. }), "{error}");

    let mut of_another = contracts();
    of_another.l2_chain_id += 1;
    let error = Watcher::with(dir.path(), good.clone(), of_another)
        .fails()
        .await;
    assert!(
        matches!(
            error,
            L1Error::WrongDeployment {
                what: "chain id of L2",
                ..
            }
        ),
        "{error}"
    );

    let mut of_another = contracts();
    of_another.genesis_output.l2_block = 1;
    let error = Watcher::with(dir.path(), good, of_another).fails().await;
    assert!(
        matches!(
            error,
            L1Error::WrongDeployment {
                what: "genesis output",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_deposits_are_caught_up_with() {
    const DEPOSITS: u64 = 3_000;
    let anvil = anvil!(Anvil::start());
    anvil
        .ask("evm_setAutomine", serde_json::json!([false]))
        .await;
    for wei in 1..=DEPOSITS {
        let request = serde_json::json!([anvil.deposit_request(wei)]);
        anvil.ask("eth_sendTransaction", request).await;
        if wei % 50 == 0 {
            anvil.mine(1).await;
        }
    }
    anvil.mine(5).await;
    let (number, hash) = anvil.head().await;
    for depth in [1, 256] {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = config(vec![anvil.ws()]);
        // By ranges, and block by block.
        settings.proof_depth = depth;
        let started = Instant::now();
        let mut watcher = Watcher::start(dir.path(), settings);
        watcher.reaches(number, hash).await;
        let elapsed = started.elapsed();
        assert_eq!(watcher.view.status().queue_len, DEPOSITS);
        println!("{DEPOSITS} deposits with proofs below depth {depth}: {elapsed:?}");
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
        watcher.stop().await;
    }
}
