//! `aura_getExitProof`.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use aura_bindings::portal::AuraPortal as abi;
use aura_chain::ChainConfig;
use aura_primitives::{
    bridge::{Output, predeploys::l2_token},
    hashed_account_key, hashed_slot_key,
};
use aura_smt::{Proof, Sibling, account_value, verify};
use aura_storage::RootStatus;
use serde_json::{Value, json};

use crate::{
    common::{account, transfer},
    l1::World,
    messages::{TOKEN, USER, credit, registration, tokens},
};

/// Checks that `key` has `value` under the state root of a root on L1, which the answer names.
fn check(world: &World, answer: &Value, output: Output, path: abi::Proof, key: B256, value: B256) {
    let spec = world.spec();
    let id = usize::from_str_radix(&answer["rootId"].as_str().unwrap()[2..], 16).unwrap();
    let hash = output.hash(spec.l1_chain_id, spec.rollup);
    assert_eq!(hash, world.roots[id].output_hash);
    let want = json!({"depths": path.depths, "siblings": path.siblings});
    assert_eq!(answer["proof"], want);
    assert_eq!(answer["to"], json!(spec.portal));
    let siblings = path.depths.iter().zip(&path.siblings);
    let siblings = siblings.map(|(depth, hash)| Sibling {
        depth: *depth,
        hash: *hash,
    });
    let proof = Proof {
        leaf: Some((key, value)),
        siblings: siblings.collect(),
    };
    let shown = verify(output.state_root, key, &proof).unwrap();
    assert_eq!(shown, Some(value));
}

fn calldata(answer: &Value) -> Bytes {
    serde_json::from_value(answer["calldata"].clone()).unwrap()
}

/// Checks an exit of ether; what leaves.
fn check_ether(world: &World, answer: &Value, user: Address) -> U256 {
    assert_eq!(answer["method"], "exitETH");
    let call = abi::exitETHCall::abi_decode(&calldata(answer)).unwrap();
    assert_eq!((call.user, call.payee), (user, user));
    assert!(call.sig.is_empty());
    let leaf = &call.account;
    let value = account_value(leaf.nonce, leaf.balance, leaf.codeHash);
    let key = hashed_account_key(user);
    check(world, answer, call.o.into(), call.proof, key, value);
    let account = json!({
        "nonce": format!("{:#x}", leaf.nonce), "balance": leaf.balance, "codeHash": leaf.codeHash,
    });
    assert_eq!(answer["account"], account);
    assert_eq!(answer["user"], json!(user));
    assert_eq!(answer["amount"], json!(leaf.balance));
    assert_eq!(answer.get("token"), None);
    leaf.balance
}

async fn exit(world: &World, params: Value) -> Value {
    world.node.call("aura_getExitProof", params).await
}

async fn refusal(world: &World, params: Value) -> String {
    let (code, message) = world.node.fail("aura_getExitProof", params).await;
    assert_eq!(code, -32000, "{message}");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn ether_of_an_account_is_proven_under_the_best_final_root() {
    let mut world = World::start().await;
    world.enqueue(vec![credit(USER, 1_000)]);
    world.block(1).await;
    let first = world.settle();
    world.enqueue(vec![credit(USER, 234)]);
    world.node.send(&transfer(0)).await;
    world.block(1).await;
    let second = world.settle();
    let message = refusal(&world, json!([USER])).await;
    assert_eq!(
        message,
        format!("{USER} has nothing of this at block 0, that of the best final root 0")
    );
    world.judge(first, RootStatus::Final);
    let answer = exit(&world, json!([USER])).await;
    assert_eq!(check_ether(&world, &answer, USER), U256::from(1_000));
    assert_eq!(answer["account"]["codeHash"], json!(KECCAK256_EMPTY));
    // The zero address stands for ether, as on L1.
    assert_eq!(exit(&world, json!([USER, Address::ZERO])).await, answer);
    assert_eq!(exit(&world, json!([USER, null])).await, answer);

    world.judge(second, RootStatus::Final);
    let answer = exit(&world, json!([USER])).await;
    assert_eq!(check_ether(&world, &answer, USER), U256::from(1_234));
    // A signer's account has a nonce.
    let sender = account(0).address();
    let answer = exit(&world, json!([sender])).await;
    assert!(check_ether(&world, &answer, sender) > U256::ZERO);
    assert_eq!(answer["account"]["nonce"], "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_root_is_that_of_the_highest_batch() {
    let mut world = World::start().await;
    world.enqueue(vec![credit(USER, 1)]);
    world.block(1).await;
    world.post_batch();
    let older = world.output();
    world.enqueue(vec![credit(USER, 1)]);
    world.block(1).await;
    let high = world.settle();
    // The claim about the older batch comes later.
    let low = world.claim(older);
    world.judge(high, RootStatus::Final);
    world.judge(low, RootStatus::Final);
    let answer = exit(&world, json!([USER])).await;
    assert_eq!(check_ether(&world, &answer, USER), U256::from(2));
    assert_eq!(answer["rootId"], json!(format!("{high:#x}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_of_tokens_is_one_leaf() {
    let mut world = World::start().await;
    world.enqueue(vec![registration(), tokens(USER, 77)]);
    world.block(2).await;
    let root = world.settle();
    world.judge(root, RootStatus::Final);
    let answer = exit(&world, json!([USER, TOKEN])).await;
    assert_eq!(answer["method"], "exitToken");
    let call = abi::exitTokenCall::abi_decode(&calldata(&answer)).unwrap();
    assert_eq!((call.user, call.payee, call.token), (USER, USER, TOKEN));
    assert_eq!(call.amount, U256::from(77));
    assert!(call.sig.is_empty());
    let slot = keccak256((USER, U256::ZERO).abi_encode());
    let key = hashed_slot_key(l2_token(TOKEN), slot.into());
    let value = B256::from(call.amount);
    check(&world, &answer, call.o.into(), call.proof, key, value);
    assert_eq!(answer["token"], json!(TOKEN));
    assert_eq!(answer["amount"], "0x4d");
    assert_eq!(answer.get("account"), None);

    let nobody = Address::repeat_byte(0x99);
    for params in [
        json!([nobody, TOKEN]),
        json!([USER, nobody]),
        json!([nobody]),
    ] {
        let message = refusal(&world, params).await;
        let words = "has nothing of this at block 1, that of the best final root 1";
        assert!(message.ends_with(words), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_contradicts_this_chain_is_not_proven_under() {
    let mut world = World::start().await;
    world.enqueue(vec![credit(USER, 1)]);
    world.block(1).await;
    world.post_batch();
    let wrong = Output {
        state_root: B256::repeat_byte(1),
        ..world.output()
    };
    let root = world.claim(wrong);
    world.judge(root, RootStatus::Final);
    let message = refusal(&world, json!([USER])).await;
    assert_eq!(message, "root 1 claims another state than this chain has");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_block_is_proven_for_long_if_it_is_pinned_and_refused_if_not() {
    let limits = || ChainConfig {
        proof_window_blocks: 4,
        proof_interval_blocks: 8,
        ..ChainConfig::default()
    };
    for pinned in [true, false] {
        let mut world = World::with(limits()).await;
        world.enqueue(vec![credit(USER, 5)]);
        world.block(1).await;
        world.block(0).await;
        world.block(0).await;
        let root = world.settle();
        world.judge(root, RootStatus::Final);
        if pinned {
            world.node.chain.pin(3).unwrap();
        }
        let answer = exit(&world, json!([USER])).await;
        for nonce in 0..30 {
            world.node.send(&transfer(nonce)).await;
            world.block(0).await;
        }
        if pinned {
            assert_eq!(exit(&world, json!([USER])).await, answer);
            check_ether(&world, &answer, USER);
            continue;
        }
        let response = world.node.respond("aura_getExitProof", json!([USER])).await;
        assert_eq!(response["error"]["code"], -32000, "{response}");
        assert_eq!(response["error"]["data"]["requested"], "0x3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_proven_before_a_root_is_final() {
    let world = World::without_roots().await;
    let message = refusal(&world, json!([USER])).await;
    assert_eq!(message, "no root is final yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_named() {
    let world = World::start().await;
    for (params, words) in [
        (json!([]), "argument 0 (address)"),
        (json!(["0x12"]), "argument 0 (address)"),
        (json!([USER, "0x12"]), "argument 1 (token)"),
        (json!([USER, TOKEN, 3]), "too many arguments"),
    ] {
        let (code, message) = world.node.fail("aura_getExitProof", params.clone()).await;
        assert_eq!(code, -32602, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
}
