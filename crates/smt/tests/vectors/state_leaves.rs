//! Keys and values of accounts and slots.

use alloy_primitives::{Address, B256, U256, address, keccak256};
use aura_primitives::{hashed_account_key, hashed_slot_key};
use aura_smt::account_value;
use serde::{Deserialize, Serialize};

use crate::committed;

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
