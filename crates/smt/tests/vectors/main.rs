//! Golden vectors in `testdata/smt`, which contracts read too; README.md there has the format.
//!
//! `AURA_WRITE_VECTORS=1 cargo test -p aura-smt --test vectors` writes them anew by the naive
//! definition. The format and the hash rules are frozen, so that must not change any of them.

#[path = "../common/mod.rs"]
mod common;
mod plans;
mod state_leaves;

use std::path::PathBuf;

use alloy_primitives::{B256, keccak256};
use aura_smt::{Proof, Sibling, Smt, verify};
use common::Model;
use plans::{Plan, plans};
use serde::{Deserialize, Serialize};

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
