//! Uncles: kinship, age, number, and what they earn.

use alloy_consensus::Header;
use alloy_primitives::{Bytes, U256};
use aura_evm::BlockRule;
use serde_json::json;

use super::{
    ETHER, MINER, MemoryChain, SENDER, balance, balance_now, block, broken_rule, chain, extend,
    next, on, refusal,
};

#[test]
fn an_uncle_pays_its_miner_by_its_age_and_the_block_by_its_number() {
    let mut chain = chain(&json!({}));
    let first = {
        extend(&mut chain, Vec::new());
        chain.head_block().clone()
    };
    let uncle = Header {
        beneficiary: SENDER,
        extra_data: Bytes::from_static(b"uncle"),
        ..on(&chain, &first)
    };
    extend(&mut chain, Vec::new());
    let before = balance_now(&chain, SENDER);
    let executed = extend(&mut chain, vec![uncle.clone()]);
    assert_eq!(executed.ommers, std::slice::from_ref(&uncle));
    let reward = U256::from(5 * ETHER);
    assert_eq!(
        balance(&executed, SENDER) - before,
        reward * U256::from(7) / U256::from(8)
    );
    let miner = U256::from(3) * reward + reward / U256::from(32);
    assert_eq!(balance(&executed, MINER), miner);

    let again = block(next(&chain), vec![uncle.clone()]);
    assert_eq!(
        broken_rule(&mut chain, again),
        BlockRule::OmmerIncluded(uncle.hash_slow())
    );
}

#[test]
fn uncles_must_be_related_recent_and_valid() {
    let mut chain = chain(&json!({}));
    let mut blocks = vec![chain.head_block().clone()];
    for _ in 0..9 {
        extend(&mut chain, Vec::new());
        blocks.push(chain.head_block().clone());
    }
    let uncle_on = |chain: &MemoryChain, parent: usize| Header {
        extra_data: Bytes::from_static(b"uncle"),
        ..on(chain, &blocks[parent])
    };
    let with = |chain: &MemoryChain, ommers| block(next(chain), ommers);

    // The next block is the tenth: uncles of the fourth to ninth generation are young enough.
    let too_old = uncle_on(&chain, 2);
    let refused = with(&chain, vec![too_old.clone()]);
    assert_eq!(
        broken_rule(&mut chain, refused),
        BlockRule::OmmerParent(too_old.hash_slow())
    );
    let brother = uncle_on(&chain, 9);
    let refused = with(&chain, vec![brother.clone()]);
    assert_eq!(
        broken_rule(&mut chain, refused),
        BlockRule::OmmerParent(brother.hash_slow())
    );
    let ancestor = blocks[8].header.inner().clone();
    let refused = with(&chain, vec![ancestor.clone()]);
    assert_eq!(
        broken_rule(&mut chain, refused),
        BlockRule::OmmerIsAncestor(ancestor.hash_slow())
    );
    let three = (4..7).map(|parent| uncle_on(&chain, parent)).collect();
    let refused = with(&chain, three);
    assert_eq!(
        broken_rule(&mut chain, refused),
        BlockRule::TooManyOmmers(3)
    );
    let twice = uncle_on(&chain, 5);
    let refused = with(&chain, vec![twice.clone(), twice.clone()]);
    assert_eq!(
        broken_rule(&mut chain, refused),
        BlockRule::OmmerIncluded(twice.hash_slow())
    );
    let invalid = Header {
        difficulty: U256::from(1),
        ..uncle_on(&chain, 5)
    };
    let refused = with(&chain, vec![invalid]);
    let text = refusal(&mut chain, refused);
    assert!(
        text.contains("uncle") && text.contains("difficulty is 1"),
        "{text}"
    );
    let mut unnamed = with(&chain, vec![uncle_on(&chain, 5)]);
    unnamed.ommers.clear();
    let text = refusal(&mut chain, unnamed);
    assert!(text.contains("sha3Uncles"), "{text}");

    let oldest = uncle_on(&chain, 3);
    let youngest = uncle_on(&chain, 8);
    extend(&mut chain, vec![oldest, youngest]);
}
