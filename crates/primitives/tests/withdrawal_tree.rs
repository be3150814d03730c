//! The withdrawal tree against the golden vectors of `testdata/bridge`, which the contracts read too.

use std::{collections::BTreeMap, fs};

use alloy_primitives::{B256, U256};
use aura_primitives::bridge::{
    WithdrawalFrontier, append_withdrawal, root_of_withdrawal, withdrawal_proof, withdrawal_root,
};
use serde_json::Value;

fn hashes(list: &Value) -> Vec<B256> {
    let list = list.as_array().unwrap().iter();
    list.map(|hash| hash.as_str().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn roots_and_proofs_are_those_of_the_golden_vectors() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/bridge/trees.json"
    );
    let vectors: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (mut trees, mut proofs) = (0, 0);
    for tree in vectors["trees"].as_array().unwrap() {
        let leaves = hashes(&tree["leaves"]);
        let roots = hashes(&tree["roots"]);
        assert_eq!(roots.len(), leaves.len() + 1);
        let mut nodes = BTreeMap::new();
        let mut frontier = WithdrawalFrontier::default();
        for (count, root) in (0..).zip(&roots) {
            let node = |level, position| nodes.get(&(level, position)).copied().ok_or(());
            assert_eq!(withdrawal_root(count, node), Ok(*root));
            assert_eq!(frontier.root(), *root);
            let Some(leaf) = leaves.get(count as usize) else {
                continue;
            };
            let new = append_withdrawal(count, *leaf, node).unwrap();
            nodes.extend(new.iter().map(|new| ((new.level, new.position), new.hash)));
            assert!(frontier.append(*leaf));
        }
        for proof in tree["proofs"].as_array().unwrap() {
            let index: U256 = proof["index"].as_str().unwrap().parse().unwrap();
            let (index, count) = (index.to::<u64>(), leaves.len() as u64);
            let node = |level, position| nodes.get(&(level, position)).copied().ok_or(());
            let made = withdrawal_proof(index, count, node).unwrap().unwrap();
            assert_eq!(made.as_slice(), hashes(&proof["siblings"]));
            let root = root_of_withdrawal(leaves[index as usize], index, &made);
            assert_eq!(root, roots.last().copied());
            proofs += 1;
        }
        trees += 1;
    }
    assert!(trees >= 3, "{trees}");
    assert_eq!(proofs, 20);
}
