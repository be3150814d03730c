//! `aura_getProof` and `aura_stateRoot` on the wire, and how an answer is checked without a node.
//!
//! The member names are EIP-1186's; `storageHash` is absent, for slots are leaves of the same tree
//! as accounts. Paths are what `SparseMerkle.sol` takes, and every 32-byte word is written with all
//! its digits, so that a contract can be called with the members as they are.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_serde::quantity;
use aura_primitives::{hashed_account_key, hashed_slot_key};
use aura_smt::{Proof, Sibling, VerifyError, account_value, verify};
use serde::{Deserialize, Serialize};

/// Answer of `aura_stateRoot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateRoot {
    /// Root of the state tree after the block.
    pub state_root: B256,
    /// `withdrawalsRoot` of the header.
    pub withdrawal_root: Option<B256>,
    /// Number of the block.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Hash of the block.
    pub block_hash: B256,
}

/// Answer of `aura_getProof`: an account and some of its slots after a block, with proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateProof {
    /// The account's address.
    pub address: Address,
    /// Balance in wei; zero if the account is absent.
    pub balance: U256,
    /// Nonce; zero if the account is absent.
    #[serde(with = "quantity")]
    pub nonce: u64,
    /// Hash of the code, that of no bytes for an account without code; zero if the account is
    /// absent, as EXTCODEHASH has it.
    pub code_hash: B256,
    /// Path of the account's leaf.
    pub account_proof: PathProof,
    /// The slots that were asked for, in the same order.
    pub storage_proof: Vec<SlotProof>,
    /// Root that every path leads to.
    pub state_root: B256,
    /// Number of the block with that root.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
}

/// A slot and the path of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotProof {
    /// The slot's number.
    pub key: B256,
    /// The word in it; zero if the slot is absent.
    pub value: B256,
    /// Path of the slot's leaf.
    pub proof: PathProof,
}

/// Path from a leaf up to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathProof {
    /// One byte for each sibling, strictly decreasing: the bit at which the paths part.
    pub depths: Bytes,
    /// Hashes beside the path, from the leaf upwards.
    pub siblings: Vec<B256>,
    /// There only if the key is absent: the other leaf, which a walk along the key's bits ends at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<WitnessLeaf>,
}

/// A leaf of the tree that shows the absence of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessLeaf {
    /// Its hashed key; zero in the empty tree.
    pub key: B256,
    /// Its value; zero in the empty tree, which has no leaf.
    pub value: B256,
}

/// What a [`StateProof`] claims and does not show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProof {
    /// A path is none, or leads to another root.
    #[error("proof of {0}")]
    Path(Claim, #[source] VerifyError),
    /// A path has not as many depths as siblings.
    #[error("proof of {claim}: {depths} depths for {siblings} siblings")]
    Lengths {
        /// What the path belongs to.
        claim: Claim,
        /// Number of depths.
        depths: usize,
        /// Number of siblings.
        siblings: usize,
    },
    /// The leaf that is to show absence is the one that must not be there.
    #[error("proof of {0}: the leaf that is to show absence has the key itself")]
    NotAbsent(Claim),
    /// Something is claimed of what is shown to be absent.
    #[error("proof of {0}: shown to be absent, but not claimed to be zero")]
    AbsentNotZero(Claim),
}

/// What a path is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// An account.
    Account(Address),
    /// A slot of the account.
    Slot(B256),
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(address) => write!(f, "account {address}"),
            Self::Slot(key) => write!(f, "slot {key}"),
        }
    }
}

impl StateProof {
    /// Checks that the account and every slot are, under `root`, what the answer says they are.
    ///
    /// That `root` is the root of the named block is for the caller to know.
    ///
    /// # Errors
    /// The first [`InvalidProof`].
    pub fn verify(&self, root: B256) -> Result<(), InvalidProof> {
        let is_zero = self.nonce == 0 && self.balance.is_zero() && self.code_hash.is_zero();
        let value = (!is_zero).then(|| account_value(self.nonce, self.balance, self.code_hash));
        let key = hashed_account_key(self.address);
        let claim = Claim::Account(self.address);
        self.account_proof.verify(root, claim, key, value)?;
        for slot in &self.storage_proof {
            let key = hashed_slot_key(self.address, slot.key.into());
            let value = (!slot.value.is_zero()).then_some(slot.value);
            slot.proof.verify(root, Claim::Slot(slot.key), key, value)?;
        }
        Ok(())
    }
}

impl PathProof {
    /// The wire form of a proof for `key`.
    pub(crate) fn new(key: B256, proof: &Proof) -> Self {
        let none = (B256::ZERO, B256::ZERO);
        let (leaf_key, value) = proof.leaf.unwrap_or(none);
        let leaf = WitnessLeaf {
            key: leaf_key,
            value,
        };
        Self {
            depths: proof.siblings.iter().map(|sibling| sibling.depth).collect(),
            siblings: proof.siblings.iter().map(|sibling| sibling.hash).collect(),
            leaf: (leaf_key != key).then_some(leaf),
        }
    }

    /// Checks that `key` has `value` under `root`, or none.
    fn verify(
        &self,
        root: B256,
        claim: Claim,
        key: B256,
        value: Option<B256>,
    ) -> Result<(), InvalidProof> {
        if self.depths.len() != self.siblings.len() {
            return Err(InvalidProof::Lengths {
                claim,
                depths: self.depths.len(),
                siblings: self.siblings.len(),
            });
        }
        let leaf = match self.leaf {
            // A claim of zero without a witness is refused below, for no leaf has the value zero.
            None => Some((key, value.unwrap_or_default())),
            Some(leaf) if value.is_some() => {
                return Err(if leaf.key == key {
                    InvalidProof::NotAbsent(claim)
                } else {
                    InvalidProof::AbsentNotZero(claim)
                });
            }
            Some(leaf) if leaf.key.is_zero() && leaf.value.is_zero() => None,
            Some(leaf) => Some((leaf.key, leaf.value)),
        };
        let siblings = self.depths.iter().zip(&self.siblings);
        let siblings = siblings.map(|(depth, hash)| Sibling {
            depth: *depth,
            hash: *hash,
        });
        let proof = Proof {
            leaf,
            siblings: siblings.collect(),
        };
        let shown =
            verify(root, key, &proof).map_err(|source| InvalidProof::Path(claim, source))?;
        if shown == value {
            Ok(())
        } else {
            Err(InvalidProof::NotAbsent(claim))
        }
    }
}

#[cfg(test)]
mod tests {
    use aura_smt::Smt;

    use super::*;

    const ADDRESS: Address = Address::repeat_byte(0x11);

    /// An account with slot 1 and without slot 2, and some other leaves.
    fn sample() -> StateProof {
        let account = hashed_account_key(ADDRESS);
        let slots = [1u64, 2].map(U256::from);
        let keys = slots.map(|slot| hashed_slot_key(ADDRESS, slot));
        let (nonce, balance, code_hash) = (3, U256::from(4), B256::repeat_byte(5));
        let mut leaves = vec![
            (account, account_value(nonce, balance, code_hash)),
            (keys[0], B256::with_last_byte(7)),
        ];
        leaves.extend((0..20u64).map(|index| {
            let key = hashed_slot_key(Address::ZERO, U256::from(index));
            (key, B256::repeat_byte(1))
        }));
        leaves.sort();
        let tree = Smt::from_sorted(leaves).unwrap();
        let slot = |index: usize, value| SlotProof {
            key: slots[index].into(),
            value,
            proof: PathProof::new(keys[index], &tree.prove(keys[index])),
        };
        StateProof {
            address: ADDRESS,
            balance,
            nonce,
            code_hash,
            account_proof: PathProof::new(account, &tree.prove(account)),
            storage_proof: vec![slot(0, B256::with_last_byte(7)), slot(1, B256::ZERO)],
            state_root: tree.root(),
            block_number: 9,
            block_hash: B256::ZERO,
        }
    }

    #[test]
    fn every_claim_is_checked() {
        let proof = sample();
        proof.verify(proof.state_root).unwrap();
        let forge = |change: fn(&mut StateProof)| {
            let mut forged = sample();
            change(&mut forged);
            assert_ne!(forged, proof, "the change changes nothing");
            forged.verify(proof.state_root).unwrap_err().to_string()
        };
        for error in [
            forge(|p| p.balance += U256::ONE),
            forge(|p| p.nonce -= 1),
            forge(|p| p.code_hash = B256::ZERO),
            forge(|p| p.address = Address::ZERO),
            forge(|p| p.account_proof.siblings[0].0[0] ^= 1),
            forge(|p| p.account_proof.leaf = p.storage_proof[1].proof.leaf),
        ] {
            assert!(error.contains("account 0x"), "{error}");
        }
        for error in [
            forge(|p| p.storage_proof[0].value = B256::ZERO),
            forge(|p| p.storage_proof[0].key = B256::with_last_byte(2)),
            forge(|p| p.storage_proof[1].value = B256::with_last_byte(1)),
            forge(|p| p.storage_proof[1].proof.leaf = None),
            forge(|p| p.storage_proof[1].key = B256::with_last_byte(1)),
            forge(|p| p.storage_proof[1].proof.depths = Bytes::new()),
        ] {
            assert!(error.contains("slot 0x"), "{error}");
        }
        assert!(proof.verify(B256::repeat_byte(1)).is_err());
    }

    #[test]
    fn an_absent_claim_cannot_name_the_leaf_that_is_there() {
        let mut proof = sample();
        let slot = &mut proof.storage_proof[0];
        slot.proof.leaf = Some(WitnessLeaf {
            key: hashed_slot_key(ADDRESS, U256::ONE),
            value: slot.value,
        });
        slot.value = B256::ZERO;
        let error = proof.verify(proof.state_root).unwrap_err();
        assert!(matches!(error, InvalidProof::NotAbsent(_)), "{error}");
    }

    #[test]
    fn the_empty_tree_shows_absence_with_a_leaf_of_zeros() {
        let key = hashed_account_key(ADDRESS);
        let path = PathProof::new(key, &Smt::new().prove(key));
        let zeros = WitnessLeaf {
            key: B256::ZERO,
            value: B256::ZERO,
        };
        assert_eq!((path.leaf, path.depths.len()), (Some(zeros), 0));
        let claim = Claim::Account(ADDRESS);
        path.verify(B256::ZERO, claim, key, None).unwrap();
        path.verify(B256::repeat_byte(1), claim, key, None)
            .unwrap_err();
    }

    #[test]
    fn json_has_full_words_and_a_leaf_only_for_absence() {
        let proof = sample();
        let json = serde_json::to_value(&proof).unwrap();
        assert_eq!(json["nonce"], "0x3");
        assert_eq!(json["blockNumber"], "0x9");
        assert!(json.get("storageHash").is_none());
        assert!(json["accountProof"].get("leaf").is_none());
        let slots = &json["storageProof"];
        assert_eq!(
            slots[0]["value"],
            serde_json::json!(B256::with_last_byte(7))
        );
        assert!(slots[0]["proof"].get("leaf").is_none());
        let depths = slots[1]["proof"]["depths"].as_str().unwrap();
        let siblings = slots[1]["proof"]["siblings"].as_array().unwrap();
        assert_eq!(depths.len(), 2 + 2 * siblings.len());
        assert!(slots[1]["proof"]["leaf"]["value"].is_string());
        assert_eq!(serde_json::from_value::<StateProof>(json).unwrap(), proof);
    }
}
