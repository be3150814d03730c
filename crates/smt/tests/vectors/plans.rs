//! What the vectors are made of: the trees and the keys that are proved in them.

use alloy_primitives::{B256, keccak256};

use crate::Random;

/// What a step does before its root is taken, and the keys to prove then.
pub(crate) struct Plan {
    pub(crate) random: Option<Random>,
    pub(crate) changes: Vec<(B256, B256)>,
    pub(crate) prove: Vec<B256>,
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

pub(crate) fn plans() -> Vec<(&'static str, &'static str, Vec<Plan>)> {
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
