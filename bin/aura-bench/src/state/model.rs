//! Blocks of random changes on a generated state, each a pure function of the blocks before it.

use super::leaves::{self, Numbers};
use aura_primitives::{AccountChange, SlotChange, StateDiff};
use aura_storage::LeafId;
use eyre::{Result, ensure};

/// Of so many changes one makes a new leaf.
const ONE_IS_NEW: usize = 10;
/// Seed of the blocks.
const SEED: u64 = 42;

/// Which leaves change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// All alike.
    All,
    /// Slots only.
    Slots,
}

/// A generated state with blocks on top, as far as the next block needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Of each leaf the block that changed it last. A leaf that does not exist yet is an account,
    /// which a model of slots passes over.
    versions: Vec<u32>,
    block: u32,
    kinds: Kinds,
    changes: usize,
}

impl Model {
    /// The generated state of `leaves` leaves, for blocks of so many changes.
    pub(crate) fn new(leaves: u32, kinds: Kinds, changes: usize) -> Result<Self> {
        ensure!(
            leaves as usize >= 4 * changes.max(1),
            "{leaves} leaves are too few for blocks of {changes} changes"
        );
        Ok(Self {
            versions: vec![0; leaves as usize],
            block: 0,
            kinds,
            changes,
        })
    }

    /// Number of the newest block.
    pub(crate) const fn block(&self) -> u32 {
        self.block
    }

    /// Leaves that there are, or were passed over.
    pub(crate) const fn leaves(&self) -> usize {
        self.versions.len()
    }

    /// Goes to the next block without making its changes.
    pub(crate) fn skip(&mut self) {
        self.advance(|_, _| ());
    }

    /// Makes the changes of the next block.
    pub(crate) fn next(&mut self) -> StateDiff {
        let mut diff = StateDiff::default();
        let block = self.block + 1;
        self.advance(|index, before| change(&mut diff, index, before, block));
        diff
    }

    /// Draws the leaves of the next block: their index, and their version before if they exist.
    fn advance(&mut self, mut visit: impl FnMut(u64, Option<u32>)) {
        self.block += 1;
        let mut numbers = Numbers::new(SEED ^ (u64::from(self.block) << 20));
        let known = self.versions.len() as u64;
        for position in 0..self.changes {
            if position % ONE_IS_NEW == ONE_IS_NEW - 1 {
                if self.kinds == Kinds::Slots && leaves::is_account(self.versions.len() as u64) {
                    self.versions.push(0);
                }
                visit(self.versions.len() as u64, None);
                self.versions.push(self.block);
                continue;
            }
            let index = loop {
                let index = numbers.below(known);
                let fits = self.kinds == Kinds::All || !leaves::is_account(index);
                if fits && self.versions[index as usize] != self.block {
                    break index;
                }
            };
            let version = &mut self.versions[index as usize];
            visit(index, Some(std::mem::replace(version, self.block)));
        }
    }
}

fn change(diff: &mut StateDiff, index: u64, before: Option<u32>, block: u32) {
    match leaves::id(index) {
        LeafId::Account(address) => {
            let change = AccountChange {
                before: before.map(|version| leaves::account(index, version)),
                after: Some(leaves::account(index, block)),
            };
            diff.accounts.insert(address, change);
        }
        LeafId::Slot(address, slot) => {
            let before = before.map(|version| leaves::word(index, version));
            let change = SlotChange {
                before: before.unwrap_or_default(),
                after: leaves::word(index, block),
            };
            let slots = diff.slots.entry(address).or_default();
            slots.insert(slot, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_follow_from_their_number_and_skipping_changes_nothing() {
        for kinds in [Kinds::All, Kinds::Slots] {
            let mut one = Model::new(1_000, kinds, 20).unwrap();
            let mut other = one.clone();
            for _ in 0..10 {
                one.next();
                other.skip();
            }
            assert_eq!(one.block(), 10);
            let diff = one.next();
            assert_eq!(diff, other.next());
            assert_eq!(diff.len(), 20);
            assert_eq!(diff.accounts.is_empty(), kinds == Kinds::Slots);
        }
    }

    #[test]
    fn a_value_before_is_that_after_the_last_change() {
        let mut model = Model::new(400, Kinds::All, 100).unwrap();
        let mut all = StateDiff::default();
        for _ in 0..20 {
            let next = model.next();
            for (address, change) in &next.accounts {
                if let Some(before) = all.accounts.get(address) {
                    assert_eq!(before.after, change.before);
                }
            }
            for (address, slots) in &next.slots {
                for (slot, change) in slots {
                    if let Some(before) = all.slots.get(address).and_then(|s| s.get(slot)) {
                        assert_eq!(before.after, change.before);
                    }
                }
            }
            all.merge(next);
        }
        assert!(all.len() > 400);
    }

    #[test]
    fn too_few_leaves_are_refused() {
        assert!(Model::new(10, Kinds::All, 20).is_err());
    }
}
