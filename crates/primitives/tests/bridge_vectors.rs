//! The golden vectors of `testdata/bridge`, which the tests of the contracts read too.

use std::{fmt::Debug, fs, str::FromStr};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use aura_primitives::bridge::{
    BatchHeader, DaKind, MessageKind, Output, QueueMessage, QueueSlot, WITHDRAWAL_TREE_DEPTH,
    Withdrawal, WithdrawalDomain, predeploys,
};
use serde_json::Value;

fn read(name: &str) -> Value {
    let path = format!(
        "{}/../../testdata/bridge/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A member that is bytes.
fn field<T: FromStr<Err: Debug>>(value: &Value, name: &str) -> T {
    value[name].as_str().unwrap().parse().unwrap()
}

fn number<T: TryFrom<U256, Error: Debug>>(value: &Value, name: &str) -> T {
    field::<U256>(value, name).try_into().unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn hashes(value: &Value, name: &str) -> Vec<B256> {
    let parse = |hash: &Value| hash.as_str().unwrap().parse().unwrap();
    list(value, name).iter().map(parse).collect()
}

#[test]
fn predeploys_are_where_the_contracts_expect_them() {
    let vectors = read("predeploys");
    let expected = [
        ("L1_BLOCK", predeploys::L1_BLOCK),
        ("MESSAGE_PASSER", predeploys::MESSAGE_PASSER),
        ("TOKEN_BRIDGE", predeploys::TOKEN_BRIDGE),
        ("ERC20", predeploys::ERC20),
        ("FEE_VAULT", predeploys::FEE_VAULT),
        ("CONFIG", predeploys::CONFIG),
        ("SYSTEM", predeploys::SYSTEM),
    ];
    assert_eq!(vectors.as_object().unwrap().len(), expected.len());
    for (name, address) in expected {
        assert_eq!(field::<Address>(&vectors, name), address, "{name}");
    }
}

fn message(value: &Value) -> QueueMessage {
    QueueMessage {
        id: number(value, "id"),
        kind: MessageKind::try_from(number::<u8>(value, "kind")).unwrap(),
        l1_sender: field(value, "l1Sender"),
        from: field(value, "from"),
        to: field(value, "to"),
        mint: number(value, "mint"),
        value: number(value, "value"),
        gas_limit: number(value, "gasLimit"),
        data: field::<Bytes>(value, "data"),
    }
}

#[test]
fn messages_have_the_hashes_slots_and_sources_of_the_contracts() {
    let vectors = read("queue");
    let (l1_chain_id, portal) = (number(&vectors, "l1ChainId"), field(&vectors, "portal"));
    let entries = list(&vectors, "entries");
    assert_eq!(entries.len(), 9);
    let mut before = B256::ZERO;
    for (at, entry) in entries.iter().enumerate() {
        let message = message(&entry["message"]);
        assert_eq!(message.hash(), field::<B256>(entry, "hash"), "{at}");
        assert_eq!(
            message.source_hash(l1_chain_id, portal),
            field::<B256>(entry, "sourceHash"),
            "{at}"
        );
        // The last entry stands alone.
        if at < 8 {
            assert_eq!(before, field::<B256>(entry, "before"), "{at}");
        }
        let time: u64 = number(entry, "time");
        let slot = QueueSlot::link(field(entry, "before"), message.hash(), time);
        assert_eq!(slot.0, field::<B256>(entry, "slot"), "{at}");
        assert_eq!(slot.time(), time % (1 << 32), "{at}");
        before = slot.trim();
    }
}

#[test]
fn batches_have_the_slots_of_the_rollup() {
    let vectors = read("batches");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 5);
    for (at, case) in cases.iter().enumerate() {
        let kind = DaKind::try_from(number::<u8>(case, "daKind")).unwrap();
        let da_hash = match kind {
            DaKind::Calldata => DaKind::calldata_hash(&field::<Bytes>(case, "data")),
            DaKind::Blobs => DaKind::blobs_hash(&hashes(case, "versionedHashes")),
            DaKind::Forced => B256::ZERO,
        };
        assert_eq!(da_hash, field::<B256>(case, "daHash"), "{at}");
        let header = &case["header"];
        let header = BatchHeader {
            parent: field(header, "parent"),
            first_time: number(header, "firstTime"),
            last_time: number(header, "lastTime"),
            consumed: number(header, "consumed"),
            queue_acc: field(header, "queueAcc"),
            anchor_number: number(header, "anchorNumber"),
            anchor_hash: field(header, "anchorHash"),
        };
        let slot = header.batch_slot(
            number(case, "index"),
            kind,
            da_hash,
            number(case, "l1Block"),
            number(case, "l1Time"),
        );
        assert_eq!(slot.0, field::<B256>(case, "slot"), "{at}");
    }
}

#[test]
fn outputs_have_the_hashes_of_the_rollup() {
    let vectors = read("outputs");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 3);
    for (at, case) in cases.iter().enumerate() {
        let output = &case["output"];
        let output = Output {
            state_root: field(output, "stateRoot"),
            withdrawal_root: field(output, "withdrawalRoot"),
            l2_block_hash: field(output, "l2BlockHash"),
            l2_block: number(output, "l2Block"),
            batch_index: number(output, "batchIndex"),
            batch_hash: field(output, "batchHash"),
        };
        let hash = output.hash(number(case, "l1ChainId"), field(case, "rollup"));
        assert_eq!(hash, field::<B256>(case, "hash"), "{at}");
    }
}

#[test]
fn withdrawals_have_the_leaves_of_the_contracts() {
    let vectors = read("withdrawals");
    let domain = WithdrawalDomain {
        l1_chain_id: number(&vectors, "l1ChainId"),
        portal: field(&vectors, "portal"),
        l2_chain_id: number(&vectors, "l2ChainId"),
    };
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 4);
    for (at, case) in cases.iter().enumerate() {
        let withdrawal = &case["withdrawal"];
        let withdrawal = Withdrawal {
            index: number(withdrawal, "index"),
            sender: field(withdrawal, "sender"),
            recipient: field(withdrawal, "recipient"),
            token: field(withdrawal, "token"),
            amount: number(withdrawal, "amount"),
            data_hash: field(withdrawal, "dataHash"),
        };
        let leaf = withdrawal.leaf(&domain);
        assert_eq!(leaf, field::<B256>(case, "leaf"), "{at}");
    }
}

/// Proofs have the depth that the type says, and lead to the root as the portal reads them.
#[test]
fn proofs_of_withdrawals_lead_to_the_root() {
    let vectors = read("trees");
    let mut proofs = 0;
    for tree in list(&vectors, "trees") {
        for proof in list(tree, "proofs") {
            let siblings = hashes(proof, "siblings");
            assert_eq!(siblings.len(), WITHDRAWAL_TREE_DEPTH);
            let index: u64 = number(proof, "index");
            let mut node: B256 = field(proof, "leaf");
            for (level, sibling) in siblings.iter().enumerate() {
                node = match index >> level & 1 {
                    0 => keccak256([node, *sibling].concat()),
                    _ => keccak256([*sibling, node].concat()),
                };
            }
            assert_eq!(node, field::<B256>(tree, "root"));
            proofs += 1;
        }
    }
    assert_eq!(proofs, 20);
}

#[test]
fn tokens_are_where_the_token_bridge_creates_them() {
    let vectors = read("tokens");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let token = predeploys::l2_token(field(case, "l1Token"));
        assert_eq!(token, field::<Address>(case, "l2Token"));
    }
}
