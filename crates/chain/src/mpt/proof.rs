//! Proofs by EIP-1186.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, proof::ProofRetainer};
use aura_primitives::Account;

use super::{Changes, Tries, add_accounts, add_slots, hashed_slot};

/// Smallest encoding of a node that is referred to by its hash; smaller ones stand in their parent.
const HASHED_NODE_BYTES: usize = 32;

/// An account with proofs of it and of some of its slots, as `eth_getProof` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// Root that the account's proof starts from.
    pub state_root: B256,
    /// The address.
    pub address: Address,
    /// The account; `None` if it does not exist.
    pub account: Option<Account>,
    /// Root that the proofs of slots start from.
    pub storage_root: B256,
    /// Nodes from the root to the account, or to where it would be. Empty if the trie is.
    pub proof: Vec<Bytes>,
    /// The slots that were asked for, in the same order.
    pub slots: Vec<SlotProof>,
}

/// A slot with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotProof {
    /// Number of the slot.
    pub slot: U256,
    /// Its word, zero if absent.
    pub word: U256,
    /// Nodes from the account's storage root to the slot, or to where it would be.
    pub proof: Vec<Bytes>,
}

/// A builder that keeps the nodes on the way to `targets`.
fn retaining(targets: impl Iterator<Item = B256>) -> HashBuilder {
    let targets = targets.map(Nibbles::unpack).collect();
    HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets))
}

/// The root, and for each of `keys` the nodes on its way that have a hash of their own.
fn finish(mut builder: HashBuilder, keys: &[B256]) -> (B256, Vec<Vec<Bytes>>) {
    let root = builder.root();
    if root == EMPTY_ROOT_HASH {
        return (root, vec![Vec::new(); keys.len()]);
    }
    let nodes = builder.take_proof_nodes();
    let proofs = keys.iter().map(|key| {
        let path = nodes
            .matching_nodes_sorted(&Nibbles::unpack(key))
            .into_iter();
        path.filter(|(at, node)| at.is_empty() || node.len() >= HASHED_NODE_BYTES)
            .map(|(_, node)| node)
            .collect()
    });
    (root, proofs.collect())
}

impl Tries {
    /// Proves the account at `address`, or its absence, and the given ones of its slots.
    pub(crate) fn prove(&self, address: Address, slots: &[U256]) -> AccountProof {
        let key = keccak256(address);
        let mut builder = retaining(std::iter::once(key));
        add_accounts(&mut builder, self.leaves_with(&Changes::default()));
        let (state_root, mut proofs) = finish(builder, &[key]);
        let entry = self.accounts.get(&key);

        let keys: Vec<B256> = slots.iter().map(|slot| hashed_slot(*slot)).collect();
        let mut builder = retaining(keys.iter().copied());
        let stored = entry.into_iter().flat_map(|entry| &entry.slots);
        add_slots(&mut builder, stored.map(|(key, word)| (*key, *word)));
        let (storage_root, slot_proofs) = finish(builder, &keys);
        let word = |key| entry.and_then(|entry| entry.slots.get(key)).copied();
        let slots = slots.iter().zip(&keys).zip(slot_proofs);
        AccountProof {
            state_root,
            address,
            account: entry.map(|entry| entry.account),
            storage_root,
            proof: proofs.pop().unwrap_or_default(),
            slots: slots
                .map(|((slot, key), proof)| SlotProof {
                    slot: *slot,
                    word: word(key).unwrap_or_default(),
                    proof,
                })
                .collect(),
        }
    }
}
