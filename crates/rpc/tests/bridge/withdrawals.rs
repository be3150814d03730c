//! `aura_getWithdrawalProof`.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolCall;
use aura_bindings::portal::AuraPortal;
use aura_primitives::bridge::{Output, Withdrawal, WithdrawalDomain, root_of_withdrawal};
use aura_storage::RootStatus;
use serde_json::{Value, json};

use crate::{
    common::transfer,
    l1::World,
    leave::{FRIEND, call, message, several, withdraw},
};

/// Checks that the arguments, as the answer's call data has them, lead to what a root on L1 says, and
/// that its members say the same; the withdrawal.
fn check(world: &World, answer: &Value) -> Withdrawal {
    let spec = world.spec();
    assert_eq!(answer["to"], json!(spec.portal));
    let calldata: Bytes = serde_json::from_value(answer["calldata"].clone()).unwrap();
    let call = match answer["method"].as_str().unwrap() {
        "withdraw" => AuraPortal::withdrawCall::abi_decode(&calldata).unwrap(),
        "consumeMessage" => {
            let call = AuraPortal::consumeMessageCall::abi_decode(&calldata).unwrap();
            AuraPortal::withdrawCall {
                w: call.w,
                rootId: call.rootId,
                o: call.o,
                proof: call.proof,
            }
        }
        other => panic!("method {other}"),
    };
    let withdrawal = Withdrawal {
        index: call.w.index,
        sender: call.w.sender,
        recipient: call.w.recipient,
        token: call.w.token,
        amount: call.w.amount,
        data_hash: call.w.dataHash,
    };
    let domain = WithdrawalDomain {
        l1_chain_id: spec.l1_chain_id,
        portal: spec.portal,
        l2_chain_id: world.node.chain.spec().chain_id(),
    };
    let shown = root_of_withdrawal(withdrawal.leaf(&domain), withdrawal.index, &call.proof);
    let output = Output::from(call.o);
    assert_eq!(shown, Some(output.withdrawal_root));
    let on_l1 = &world.roots[call.rootId as usize];
    assert_eq!(
        output.hash(spec.l1_chain_id, spec.rollup),
        on_l1.output_hash
    );

    assert_eq!(answer["rootId"], json!(format!("{:#x}", on_l1.id)));
    assert_eq!(answer["proof"], json!(call.proof));
    assert_eq!(
        answer["withdrawal"],
        json!({
            "index": format!("{:#x}", withdrawal.index), "sender": withdrawal.sender,
            "recipient": withdrawal.recipient, "token": withdrawal.token,
            "amount": withdrawal.amount, "dataHash": withdrawal.data_hash,
        })
    );
    assert_eq!(
        answer["output"],
        json!({
            "stateRoot": output.state_root, "withdrawalRoot": output.withdrawal_root,
            "l2BlockHash": output.l2_block_hash, "l2Block": format!("{:#x}", output.l2_block),
            "batchIndex": format!("{:#x}", output.batch_index), "batchHash": output.batch_hash,
        })
    );
    withdrawal
}

async fn proof(world: &World, params: Value) -> Value {
    world.node.call("aura_getWithdrawalProof", params).await
}

async fn refusal(world: &World, params: Value) -> String {
    let (code, message) = world.node.fail("aura_getWithdrawalProof", params).await;
    assert_eq!(code, -32000, "{message}");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn every_withdrawal_is_proven_under_every_root_that_covers_it() {
    let mut world = World::start().await;
    let mut hashes = Vec::new();
    for nonce in 0..7 {
        let tx = withdraw(nonce, 100 + nonce);
        hashes.push(world.node.send(&tx).await);
        if nonce % 2 == 0 {
            world.block(0).await;
            world.settle();
        }
    }
    // Withdrawals up to 0, 2, 4 and 6 are covered by roots 1 to 4.
    for index in 0..7u64 {
        for root in 1..=4u64 {
            let params = json!([index, root]);
            if index > 2 * (root - 1) {
                let message = refusal(&world, params).await;
                let words = format!("root {root} is of block {root}, the withdrawal is in block");
                assert!(message.starts_with(&words), "{message}");
                continue;
            }
            let answer = proof(&world, params).await;
            let withdrawal = check(&world, &answer);
            assert_eq!(answer["rootId"], json!(format!("{root:#x}")));
            assert_eq!(withdrawal.index, index);
            assert_eq!(withdrawal.recipient, FRIEND);
            assert_eq!(withdrawal.token, Address::ZERO);
            assert_eq!(withdrawal.amount.to::<u64>(), 100 + index);
            let by_hash = json!([hashes[index as usize], root]);
            assert_eq!(proof(&world, by_hash).await, answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_root_id_a_root_is_chosen() {
    let mut world = World::start().await;
    world.node.send(&withdraw(0, 1)).await;
    for _ in 0..3 {
        world.block(0).await;
        world.settle();
    }
    let chosen = async |world: &World| {
        let answer = proof(world, json!([0])).await;
        check(world, &answer);
        answer["rootId"].as_str().unwrap().to_owned()
    };
    // The oldest pending one will be final first.
    assert_eq!(chosen(&world).await, "0x1");
    world.judge(1, RootStatus::Invalid);
    assert_eq!(chosen(&world).await, "0x2");
    world.judge(2, RootStatus::Disputed);
    assert_eq!(chosen(&world).await, "0x3");
    world.judge(3, RootStatus::Disputed);
    let message = refusal(&world, json!([0])).await;
    assert!(
        message.contains("withdrawal 0 is challenged: root "),
        "{message}"
    );
    world.judge(2, RootStatus::Final);
    assert_eq!(chosen(&world).await, "0x2");
    // The newest final one: its tree is the largest, and it lives as long.
    world.judge(3, RootStatus::Final);
    assert_eq!(chosen(&world).await, "0x3");
    // One that was asked for is taken as long as it is not wrong.
    assert_eq!(proof(&world, json!([0, 2])).await["rootId"], "0x2");
    let message = refusal(&world, json!([0, 1])).await;
    assert_eq!(message, "root 1 was found to be wrong");
    let message = refusal(&world, json!([0, 4])).await;
    assert_eq!(message, "there is no root 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_consumed_and_its_data_is_there() {
    let mut world = World::start().await;
    world.node.send(&message(0, b"hello")).await;
    world.block(0).await;
    world.settle();
    let answer = proof(&world, json!([0])).await;
    let withdrawal = check(&world, &answer);
    assert_eq!(answer["method"], "consumeMessage");
    assert_eq!(answer["data"], json!(Bytes::from_static(b"hello")));
    assert_eq!(withdrawal.data_hash, keccak256(b"hello"));
    assert!(withdrawal.amount.is_zero());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_reached_a_root_says_how_far_it_is() {
    let mut world = World::start().await;
    let waiting = withdraw(0, 1);
    world.node.send(&waiting).await;
    let message = refusal(&world, json!([0])).await;
    assert_eq!(message, "there is no withdrawal 0 yet");
    let message = refusal(&world, json!([waiting.hash()])).await;
    assert_eq!(
        message,
        format!("transaction {} is not in a block", waiting.hash())
    );
    world.block(0).await;
    let initiated = "withdrawal 0 is initiated: no batch on L1 has block 1 yet";
    assert_eq!(refusal(&world, json!([0])).await, initiated);
    // A batch that is made is not on L1 yet.
    world.make_batch();
    assert_eq!(refusal(&world, json!([0])).await, initiated);
    world.post_batch();
    let message = refusal(&world, json!([0])).await;
    assert_eq!(
        message,
        "withdrawal 0 is batched: no root covers batch 1 yet"
    );
    // A root of another chain covers nothing of ours.
    let foreign = Output {
        l2_block_hash: B256::repeat_byte(1),
        ..world.output()
    };
    world.claim(foreign);
    assert_eq!(refusal(&world, json!([0])).await, message);
    world.claim(world.output());
    check(&world, &proof(&world, json!([0])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_with_another_tree_is_not_proven_under() {
    let mut world = World::start().await;
    world.node.send(&withdraw(0, 1)).await;
    world.block(0).await;
    world.post_batch();
    let wrong = Output {
        withdrawal_root: B256::repeat_byte(1),
        ..world.output()
    };
    world.claim(wrong);
    assert_eq!(
        refusal(&world, json!([0])).await,
        "root 1 claims another withdrawal tree than this chain has"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_stands_for_its_withdrawal_if_it_has_one() {
    let mut world = World::start().await;
    let contract = world.node.deploy(0, &several()).await;
    let none = transfer(1);
    let two = call(2, contract, 2);
    for tx in [&none, &two, &withdraw(3, 5)] {
        world.node.send(tx).await;
    }
    world.block(0).await;
    world.settle();
    let message = refusal(&world, json!([none.hash()])).await;
    let words = format!("nothing leaves L2 in transaction {}", none.hash());
    assert_eq!(message, words);
    let message = refusal(&world, json!([two.hash()])).await;
    assert!(message.ends_with("ask for one: [0, 1]"), "{message}");
    for index in [0, 1] {
        let withdrawal = check(&world, &proof(&world, json!([index])).await);
        assert_eq!(withdrawal.sender, contract);
    }
    let third = withdraw(3, 5).hash();
    assert_eq!(
        proof(&world, json!([third])).await["withdrawal"]["index"],
        "0x2"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_named() {
    let world = World::start().await;
    for (params, words) in [
        (json!([]), "index or transaction hash"),
        (json!(["0x12zz"]), "index or transaction hash"),
        (json!([1.5]), "index or transaction hash"),
        (json!([0, "root"]), "root id"),
        (json!([0, 1, 2]), "too many arguments"),
    ] {
        let method = "aura_getWithdrawalProof";
        let (code, message) = world.node.fail(method, params.clone()).await;
        assert_eq!(code, -32602, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
}
