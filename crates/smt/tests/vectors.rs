//! Golden vectors in `testdata/smt`, which contracts read too; README.md there has the format.
//!
//! `AURA_WRITE_VECTORS=1 cargo test -p aura-smt --test vectors` writes them anew by the naive
//! definition. The format and the hash rules are frozen, so that must not change any of them.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256, address, keccak256};
use aura_primitives::{hashed_account_key, hashed_slot_key};
use aura_smt::{Proof, Sibling, Smt, account_value, verify};
use common::Model;
use serde::{Deserialize, Serialize};

mod common;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    description: String,
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    random: Option<Random>,
    keys: Vec<B256>,
    values: Vec<B256>,
    root: B256,
    proofs: Vec<VectorProof>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Random {
    seed: B256,
    count: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VectorProof {
    key: B256,
    value: B256,
    leaf: Vec<B256>,
    depths: Vec<u8>,
    siblings: Vec<B256>,
}

/// What a step does before its root is taken, and the keys to prove then.
struct Plan {
    random: Option<Random>,
    changes: Vec<(B256, B256)>,
    prove: Vec<B256>,
}

fn plan(changes: &[(B256, B256)], prove: &[B256]) -> Plan {
    let mut changes = changes.to_vec();
    changes.sort();
    Plan {
        random: None,
        changes,
        prove: prove.to_vec(),
    }
}

impl Random {
    fn leaves(self) -> Vec<(B256, B256)> {
        let hash = |index: u64, kind: u8| {
            keccak256([self.seed.as_slice(), &index.to_be_bytes(), &[kind]].concat())
        };
        let mut leaves: Vec<_> = (0..self.count)
            .map(|index| (hash(index, 0), hash(index, 1)))
            .collect();
        leaves.sort();
        leaves
    }
}

/// A word that is easy to recognise.
fn word(first: u8, last: u8) -> B256 {
    let mut word = B256::ZERO;
    word[0] = first;
    word[31] = last;
    word
}

fn flipped(key: B256, bit: usize) -> B256 {
    let mut key = key;
    key[bit / 8] ^= 0x80 >> (bit % 8);
    key
}

fn plans() -> Vec<(&'static str, &'static str, Vec<Plan>)> {
    let value = |byte| B256::repeat_byte(byte);
    let base = keccak256("aura/smt/base");
    let four = [
        (word(0x00, 1), value(1)),
        (word(0x40, 2), value(2)),
        (word(0x80, 3), value(3)),
        (word(0xc0, 4), value(4)),
    ];
    let mut chain: Vec<_> = (0..256)
        .map(|bit| (flipped(base, bit), value(bit as u8 | 1)))
        .collect();
    chain.push((base, value(0xbb)));
    let twins = vec![
        (base, value(1)),
        (flipped(base, 255), value(2)),
        (flipped(base, 128), value(3)),
    ];
    let random = Random {
        seed: keccak256("aura/smt/random"),
        count: 10_000,
    };
    let leaves = random.leaves();
    let probes = [
        leaves[0].0,
        leaves[4_999].0,
        leaves[9_999].0,
        base,
        B256::ZERO,
        value(0xff),
    ];
    let few: Vec<_> = leaves
        .iter()
        .step_by(2)
        .take(16)
        .map(|(key, _)| (*key, B256::ZERO))
        .collect();
    vec![
        (
            "empty",
            "the empty tree",
            vec![plan(&[], &[B256::ZERO, base])],
        ),
        (
            "one_leaf",
            "one leaf is the root; every other key is absent by it",
            vec![plan(
                &[(base, value(7))],
                &[base, flipped(base, 0), flipped(base, 255)],
            )],
        ),
        (
            "inclusion",
            "four leaves that part in the first two bits; a value is overwritten",
            vec![
                plan(&four, &four.map(|(key, _)| key)),
                plan(
                    &[(word(0x40, 2), value(9))],
                    &[word(0x40, 2), word(0x00, 1)],
                ),
            ],
        ),
        (
            "absence",
            "keys that are absent beside, between and below the leaves; deleting one changes nothing",
            vec![
                plan(
                    &four[1..],
                    &[
                        word(0x00, 1),
                        word(0x40, 1),
                        word(0x7f, 0xff),
                        word(0xff, 0),
                    ],
                ),
                plan(&[(word(0x00, 1), B256::ZERO)], &[word(0x00, 1)]),
            ],
        ),
        (
            "shared_prefixes",
            "keys that part in bit 128 and in the last bit only",
            vec![plan(
                &twins,
                &[
                    base,
                    flipped(base, 255),
                    flipped(base, 128),
                    flipped(base, 254),
                ],
            )],
        ),
        (
            "longest_path",
            "a key and its 256 neighbours that differ in one bit: the longest proof there is",
            vec![plan(
                &chain,
                &[
                    base,
                    flipped(base, 0),
                    flipped(base, 255),
                    flipped(flipped(base, 3), 9),
                ],
            )],
        ),
        (
            "deletion",
            "insertions are undone one by one: each former root returns, down to the empty tree",
            vec![
                plan(&[(base, value(1))], &[base]),
                plan(&[(flipped(base, 200), value(2))], &[base]),
                plan(
                    &[(flipped(base, 3), value(3)), (flipped(base, 255), value(4))],
                    &[base],
                ),
                plan(
                    &[
                        (flipped(base, 3), B256::ZERO),
                        (flipped(base, 255), B256::ZERO),
                    ],
                    &[flipped(base, 3)],
                ),
                plan(&[(flipped(base, 200), B256::ZERO)], &[flipped(base, 200)]),
                plan(&[(base, B256::ZERO)], &[base]),
            ],
        ),
        (
            "random_10k",
            "ten thousand random leaves; then 16 deletions",
            vec![
                Plan {
                    random: Some(random),
                    changes: Vec::new(),
                    prove: probes.to_vec(),
                },
                plan(&few, &[few[0].0, leaves[1].0]),
            ],
        ),
    ]
}

/// Runs the steps by the naive definition.
fn by_definition(description: &str, plans: Vec<Plan>) -> Vector {
    let mut model = Model::new();
    let steps = plans
        .into_iter()
        .map(|plan| {
            let generated = plan.random.map(Random::leaves).unwrap_or_default();
            for (key, value) in generated.iter().chain(&plan.changes) {
                common::change(&mut model, *key, Some(*value));
            }
            let proofs = plan
                .prove
                .iter()
                .map(|key| proof_by_definition(&model, *key))
                .collect();
            let (keys, values) = plan.changes.into_iter().unzip();
            Step {
                random: plan.random,
                keys,
                values,
                root: common::root(&model),
                proofs,
            }
        })
        .collect();
    Vector {
        description: description.to_owned(),
        steps,
    }
}

fn proof_by_definition(model: &Model, key: B256) -> VectorProof {
    let (leaf, path) = common::path(model, &key);
    let (depths, siblings) = path.into_iter().unzip();
    VectorProof {
        key,
        value: model.get(&key).copied().unwrap_or_default(),
        leaf: leaf
            .map(|(key, value)| vec![key, value])
            .unwrap_or_default(),
        depths,
        siblings,
    }
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../testdata/smt/{name}.json"))
}

/// Reads a file, after writing it if that was asked for.
fn committed<T: Serialize + serde::de::DeserializeOwned>(name: &str, fresh: &T) -> T {
    if std::env::var_os("AURA_WRITE_VECTORS").is_some() {
        std::fs::write(
            file(name),
            serde_json::to_string_pretty(fresh).unwrap() + "\n",
        )
        .unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap()
}

#[test]
fn committed_vectors_follow_the_definition_and_the_tree_agrees() {
    for (name, description, plans) in plans() {
        let expected = by_definition(description, plans);
        let vector: Vector = committed(name, &expected);
        assert_eq!(vector, expected, "{name}");
        replay(name, &vector);
    }
}

/// Runs a committed vector through the crate.
fn replay(name: &str, vector: &Vector) {
    let mut tree = Smt::new();
    for step in &vector.steps {
        let generated = step.random.map(Random::leaves).unwrap_or_default();
        let written = step
            .keys
            .iter()
            .zip(&step.values)
            .map(|(key, value)| (*key, *value));
        let changes: Vec<_> = generated
            .into_iter()
            .chain(written)
            .map(|(key, value)| (key, Some(value)))
            .collect();
        assert_eq!(tree.update(&changes), Ok(step.root), "{name}");
        for proof in &step.proofs {
            let read = Proof {
                leaf: proof.leaf.first().map(|key| (*key, proof.leaf[1])),
                siblings: proof
                    .depths
                    .iter()
                    .zip(&proof.siblings)
                    .map(|(depth, hash)| Sibling {
                        depth: *depth,
                        hash: *hash,
                    })
                    .collect(),
            };
            assert_eq!(tree.prove(proof.key), read, "{name}");
            let value = (!proof.value.is_zero()).then_some(proof.value);
            assert_eq!(verify(step.root, proof.key, &read), Ok(value), "{name}");
        }
    }
}

#[test]
fn vectors_hold_what_they_are_named_for() {
    let all: Vec<_> = plans()
        .into_iter()
        .map(|(name, text, plans)| (name, by_definition(text, plans)))
        .collect();
    let vector = |wanted| &all.iter().find(|(name, _)| *name == wanted).unwrap().1;
    let longest = &vector("longest_path").steps[0].proofs[0];
    assert_eq!(longest.siblings.len(), 256);
    let roots: Vec<B256> = vector("deletion")
        .steps
        .iter()
        .map(|step| step.root)
        .collect();
    assert_eq!(
        (roots[3], roots[4], roots[5]),
        (roots[1], roots[0], B256::ZERO)
    );
    let absent = |proof: &VectorProof| proof.value.is_zero();
    assert!(
        vector("absence")
            .steps
            .iter()
            .flat_map(|step| &step.proofs)
            .all(absent)
    );
    assert!(
        !vector("inclusion")
            .steps
            .iter()
            .flat_map(|step| &step.proofs)
            .any(absent)
    );
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateLeaves {
    description: String,
    accounts: Vec<AccountLeaf>,
    slots: Vec<SlotLeaf>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AccountLeaf {
    address: Address,
    nonce: u64,
    balance: U256,
    code_hash: B256,
    key: B256,
    value: B256,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotLeaf {
    address: Address,
    slot: U256,
    key: B256,
}

/// Keys and values of accounts and slots, from the byte layout alone.
fn state_leaves_by_definition() -> StateLeaves {
    let account = |address: Address, nonce: u64, balance: U256, code_hash: B256| {
        let bytes = [
            nonce.to_be_bytes().as_slice(),
            balance.to_be_bytes::<32>().as_slice(),
            code_hash.as_slice(),
        ]
        .concat();
        assert_eq!(bytes.len(), 72);
        AccountLeaf {
            address,
            nonce,
            balance,
            code_hash,
            key: keccak256(address),
            value: keccak256(bytes),
        }
    };
    let slot = |address: Address, slot: U256| {
        let bytes = [address.as_slice(), slot.to_be_bytes::<32>().as_slice()].concat();
        SlotLeaf {
            address,
            slot,
            key: keccak256(bytes),
        }
    };
    let user = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    let contract = Address::repeat_byte(0x42);
    StateLeaves {
        description: "tree keys and values of accounts, and tree keys of slots".to_owned(),
        accounts: vec![
            account(user, 0, U256::from(10).pow(U256::from(22)), keccak256([])),
            account(contract, 1, U256::ZERO, keccak256([0x60, 0x01])),
            account(
                Address::ZERO,
                u64::MAX - 1,
                U256::MAX,
                B256::repeat_byte(0xff),
            ),
        ],
        slots: vec![
            slot(contract, U256::ZERO),
            slot(contract, U256::from(1)),
            slot(user, U256::MAX),
        ],
    }
}

#[test]
fn state_leaves_follow_the_definition() {
    let expected = state_leaves_by_definition();
    let leaves: StateLeaves = committed("state_leaves", &expected);
    assert_eq!(leaves, expected);
    for leaf in leaves.accounts {
        assert_eq!(hashed_account_key(leaf.address), leaf.key);
        assert_eq!(
            account_value(leaf.nonce, leaf.balance, leaf.code_hash),
            leaf.value
        );
    }
    for leaf in leaves.slots {
        assert_eq!(hashed_slot_key(leaf.address, leaf.slot), leaf.key);
    }
}
