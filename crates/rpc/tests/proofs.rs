//! Proofs over RPC: what they look like, which blocks have them, and what is refused.

mod common;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use aura_chain::{ChainConfig, ChainError};
use aura_rpc::{RpcConfig, StateProof};
use common::{LOGGER, Node, account, members, sign, template, transfer, words};
use serde_json::{Value, json};

/// Writes calldata's second word to the slot that the first one names.
const STORE: &str = "60203560003555";
/// Balances of this account change with every [`transfer`].
const RICH: Address = Address::repeat_byte(0x77);

async fn proof(node: &Node, address: Address, slots: Value, block: Value) -> StateProof {
    let answer = node
        .call("aura_getProof", json!([address, slots, block]))
        .await;
    let proof: StateProof = serde_json::from_value(answer).unwrap();
    proof.verify(proof.state_root).unwrap();
    proof
}

async fn store(node: &Node, contract: Address, nonce: u64, slot: u64, word: u64) {
    let input = [slot, word].map(|n| U256::from(n).to_be_bytes::<32>());
    let tx = sign(alloy_consensus::TxEip1559 {
        nonce,
        to: TxKind::Call(contract),
        gas_limit: 100_000,
        input: Bytes::from(input.concat()),
        ..template()
    });
    node.send(&tx).await;
    node.mine().await;
}

/// A node that can prove few blocks: the last four, and every eighth.
async fn forgetful() -> Node {
    let limits = ChainConfig {
        proof_window_blocks: 4,
        proof_interval_blocks: 8,
        ..ChainConfig::default()
    };
    Node::with_chain(RpcConfig::default(), limits).await
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_slots_are_proven_present_and_absent_at_every_block() {
    let node = Node::start().await;
    let contract = node.deploy(0, STORE).await;
    store(&node, contract, 1, 5, 9).await;
    store(&node, contract, 2, 5, 0).await;
    let slots = json!(["0x0", "0x5", B256::with_last_byte(6)]);
    for (block, word) in [("0x1", 0u8), ("0x2", 9), ("0x3", 0), ("latest", 0)] {
        let proof = proof(&node, contract, slots.clone(), json!(block)).await;
        let values: Vec<_> = proof.storage_proof.iter().map(|slot| slot.value).collect();
        let expected = [42, word, 0].map(B256::with_last_byte);
        assert_eq!(values, expected, "{block}");
        for slot in &proof.storage_proof {
            assert_eq!(slot.proof.leaf.is_some(), slot.value.is_zero());
        }
        let code = alloy_primitives::hex::decode(STORE).unwrap();
        assert_eq!((proof.nonce, proof.code_hash), (1, keccak256(code)));
        let roots = node.call("aura_stateRoot", json!([block])).await;
        assert_eq!(roots["stateRoot"], json!(proof.state_root));
    }
    let before = proof(&node, contract, slots, json!("0x0")).await;
    assert_eq!((before.nonce, before.code_hash), (0, B256::ZERO));
    assert!(before.account_proof.leaf.is_some());
    let sender = proof(&node, account(0).address(), json!([]), json!("latest")).await;
    assert_eq!((sender.nonce, sender.code_hash), (3, keccak256([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_members_of_eip_1186_but_one() {
    let node = Node::start().await;
    let contract = node.deploy(0, LOGGER).await;
    let params = json!([contract, ["0x0", "0x1"], "latest"]);
    let answer = node.call("aura_getProof", params).await;
    let names = "accountProof address balance blockHash blockNumber codeHash nonce stateRoot \
        storageProof";
    assert_eq!(members(&answer), words(names));
    assert_eq!(members(&answer["accountProof"]), words("depths siblings"));
    let [present, absent] = [0, 1].map(|index| &answer["storageProof"][index]);
    assert_eq!(members(present), words("key value proof"));
    assert_eq!(members(&present["proof"]), words("depths siblings"));
    assert_eq!(members(&absent["proof"]), words("depths siblings leaf"));
    assert_eq!(members(&absent["proof"]["leaf"]), words("key value"));
    assert_eq!(present["key"], json!(B256::ZERO));
    assert_eq!(present["value"], json!(B256::with_last_byte(42)));
    assert_eq!(answer["nonce"], "0x1");
    let block = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let roots = node.call("aura_stateRoot", json!([])).await;
    assert_eq!(
        roots,
        json!({
            "stateRoot": block["stateRoot"],
            "withdrawalRoot": block["withdrawalsRoot"],
            "blockNumber": block["number"],
            "blockHash": block["hash"],
        })
    );
    for (member, of_block) in [
        ("stateRoot", "stateRoot"),
        ("blockNumber", "number"),
        ("blockHash", "hash"),
    ] {
        assert_eq!(answer[member], block[of_block], "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_can_be_named_in_every_way() {
    let node = Node::start().await;
    for nonce in 0..3 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    let hash = node
        .call("eth_getBlockByNumber", json!(["0x2", false]))
        .await["hash"]
        .clone();
    for (block, number) in [
        (Value::Null, 3),
        (json!("latest"), 3),
        (json!("safe"), 0),
        (json!("finalized"), 0),
        (json!("earliest"), 0),
        (json!("0x2"), 2),
        (hash.clone(), 2),
        (json!({"blockHash": hash, "requireCanonical": true}), 2),
        (json!({"blockNumber": "0x1"}), 1),
    ] {
        let proof = proof(&node, RICH, json!([]), block.clone()).await;
        assert_eq!(proof.block_number, number, "{block}");
        let balance = node.call("eth_getBalance", json!([RICH, block])).await;
        assert_eq!(json!(proof.balance), balance, "{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_proof_is_refused_by_name() {
    let limits = RpcConfig {
        max_proof_keys: 2,
        ..RpcConfig::default()
    };
    let node = Node::with(limits).await;
    let unknown = B256::repeat_byte(9);
    for (params, code, want) in [
        (json!([RICH, [], "0x63"]), -32000, "header not found"),
        (json!([RICH, [], unknown]), -32000, "header not found"),
        (json!([RICH, [], "pending"]), -32602, "ask for latest"),
        (json!([RICH, [], "newest"]), -32602, "newest"),
        (json!([RICH]), -32602, "argument 1 (storage keys)"),
        (json!([RICH, "0x0", "latest"]), -32602, "want a list"),
        (json!([RICH, [0], "latest"]), -32602, "want a string"),
        (json!([RICH, ["0xg"]]), -32602, "invalid hex"),
        (
            json!([RICH, [format!("{unknown}00")]]),
            -32602,
            "at most 32 bytes",
        ),
        (json!(["0x77", []]), -32602, "argument 0 (address)"),
        (
            json!([RICH, ["0x0", "0x1", "0x2"]]),
            -32005,
            "3 storage keys, at most 2 in one call",
        ),
    ] {
        let (found, message) = node.fail("aura_getProof", params.clone()).await;
        assert_eq!(found, code, "{params}: {message}");
        assert!(message.contains(want), "{params}: {message}");
    }
    let (code, message) = node.fail("aura_stateRoot", json!(["pending"])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("ask for latest"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_keys_come_in_many_forms() {
    let node = Node::start().await;
    let contract = node.deploy(0, STORE).await;
    store(&node, contract, 1, 10, 7).await;
    let long = B256::with_last_byte(10).to_string();
    for key in ["0xa", "0xA", "0x0a", &long] {
        let proof = proof(&node, contract, json!([key]), json!("latest")).await;
        let slot = &proof.storage_proof[0];
        let expected = [10, 7].map(B256::with_last_byte);
        assert_eq!([slot.key, slot.value], expected, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_the_error_names_what_can_be_proven() {
    let node = forgetful().await;
    for nonce in 0..30 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    // Every block of the window, and boundaries however old.
    for block in (0..=24).step_by(8).chain(26..=30) {
        let block = format!("{block:#x}");
        let found = proof(&node, RICH, json!([]), json!(block)).await;
        let balance = node.call("eth_getBalance", json!([RICH, block])).await;
        assert_eq!(json!(found.balance), balance, "{block}");
    }
    let answer = node
        .respond("aura_getProof", json!([RICH, [], "0xd"]))
        .await;
    let error = &answer["error"];
    assert_eq!(error["code"], -32000, "{error}");
    let first = u64::from_str_radix(
        error["data"]["firstAvailable"]
            .as_str()
            .unwrap()
            .trim_start_matches("0x"),
        16,
    );
    let first = first.unwrap();
    assert!((24..=26).contains(&first), "{error}");
    let words = format!("every block from {first} on can be proven");
    assert!(
        error["message"].as_str().unwrap().contains(&words),
        "{error}"
    );
    assert_eq!(error["data"]["requested"], "0xd");
    assert_eq!(error["data"]["nearest"], json!(["0x8", "0x10"]));
    proof(
        &node,
        RICH,
        json!([]),
        error["data"]["firstAvailable"].clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slots_are_proven_in_one_call() {
    let node = Node::start().await;
    let contract = node.deploy(0, STORE).await;
    for (nonce, slot) in (1u64..).zip(100..110) {
        store(&node, contract, nonce, slot, slot).await;
    }
    let keys: Vec<_> = (0..200).map(|slot| format!("{slot:#x}")).collect();
    for block in ["latest", "0x5"] {
        let proof = proof(&node, contract, json!(keys), json!(block)).await;
        assert_eq!(proof.storage_proof.len(), 200);
        let present = proof.storage_proof.iter().filter(|s| !s.value.is_zero());
        assert_eq!(present.count(), if block == "latest" { 11 } else { 5 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_a_read_finds_stops_the_node() {
    let mut node = Node::start().await;
    node.send(&transfer(0)).await;
    node.mine().await;
    let balance = node.call("eth_getBalance", json!([RICH, "latest"])).await;
    assert_eq!(balance, "0x3e8");
    node.damage(RICH.as_slice());
    let (code, message) = node.fail("eth_getBalance", json!([RICH, "latest"])).await;
    assert_eq!((code, message.as_str()), (-32603, "internal error"));
    assert!(matches!(node.failure(), ChainError::Damaged));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_the_state_contradicts_stops_the_node() {
    let mut node = Node::start().await;
    let contract = node.deploy(0, STORE).await;
    let word = 0x0123_4567_89ab_cdef;
    store(&node, contract, 1, 1, word).await;
    store(&node, contract, 2, 1, 1).await;
    // The history's record of the word is another one now; the roots in the headers are not.
    node.damage(&word.to_be_bytes());
    let params = json!([contract, ["0x1"], "0x2"]);
    let (code, message) = node.fail("aura_getProof", params).await;
    assert_eq!((code, message.as_str()), (-32603, "internal error"));
    assert!(matches!(node.failure(), ChainError::Damaged));
}
