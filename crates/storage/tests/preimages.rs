//! Listing accounts and slots, against a naive model.

mod common;

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use aura_primitives::{Account, AccountChange, SlotChange, StateDiff};
use aura_storage::{GenesisState, Layer, StateView, StorageError, Store};
use common::{
    Builder, Model, Op, config, genesis, identity, new_chain, put, put_at,
    states::{PEOPLE, any_steps},
    who,
};
use proptest::prelude::*;

fn new_listed_chain(dir: &std::path::Path) -> (Store, Builder) {
    let (block, state, builder) = genesis();
    let store = Store::open(dir, &config()).unwrap();
    store
        .init_with_preimages(identity(), &block, &state, 0)
        .unwrap();
    (store, builder)
}

fn assert_listed(view: &StateView, model: &Model) {
    let accounts: Vec<(Address, Account)> = model.accounts.clone().into_iter().collect();
    assert_eq!(view.accounts().unwrap(), accounts);
    for index in 0..PEOPLE {
        let address = who(index);
        let slots = model.slots.iter().filter(|((a, _), _)| *a == address);
        let slots: Vec<(U256, U256)> = slots.map(|((_, slot), word)| (*slot, *word)).collect();
        assert_eq!(view.has_storage(address).unwrap(), !slots.is_empty());
        assert_eq!(view.slots_of(address).unwrap(), slots);
    }
}

fn at(store: &Store, block: u64) -> StateView {
    StateView::at(store.reader().unwrap(), block)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn lists_equal_the_model_at_every_block_with_layers_and_after_unwinding(
        blocks in any_steps(1..10), layers in 0usize..4,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut builder) = new_listed_chain(dir.path());
        let mut models = vec![builder.model.clone()];
        let mut diffs = Vec::new();
        let stored = blocks.len().saturating_sub(layers);
        for (number, (ops, is_boundary)) in blocks.iter().enumerate() {
            let block = builder.block(ops, &[]);
            diffs.push(block.diff.clone());
            models.push(builder.model.clone());
            if number < stored {
                let mut writer = store.writer().unwrap();
                put_at(&mut writer, &block, *is_boundary).unwrap();
                writer.commit().unwrap();
            }
        }
        for (number, model) in (0u64..).zip(&models[..=stored]) {
            assert_listed(&at(&store, number), model);
        }
        for newest in stored..models.len() {
            let above = diffs[stored..newest].iter().rev();
            let above = above.map(|diff| Layer::Frozen(Arc::clone(diff))).collect();
            let view = StateView::latest(store.reader().unwrap()).with_layers(above);
            assert_listed(&view, &models[newest]);
        }
        for number in (0..stored).rev() {
            let mut writer = store.writer().unwrap();
            writer.unwind_block().unwrap();
            writer.commit().unwrap();
            for (past, model) in (0u64..).zip(&models[..=number]) {
                assert_listed(&at(&store, past), model);
            }
        }
    }
}

#[test]
fn the_greatest_slot_and_neighbouring_addresses_are_listed() {
    let addresses = [
        Address::ZERO,
        Address::with_last_byte(1),
        Address::repeat_byte(0xff),
    ];
    let mut state = GenesisState::default();
    for address in addresses {
        state.accounts.push((address, Account::default()));
        for slot in [U256::ZERO, U256::MAX - U256::ONE, U256::MAX] {
            state.slots.push((address, slot, U256::ONE));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    let block = genesis().0;
    store
        .init_with_preimages(identity(), &block, &state, 0)
        .unwrap();
    let view = StateView::latest(store.reader().unwrap());
    assert_eq!(view.accounts().unwrap(), state.accounts);
    for address in addresses {
        let slots = view.slots_of(address).unwrap();
        let slots = slots.into_iter().map(|(slot, _)| slot);
        assert!(slots.eq([U256::ZERO, U256::MAX - U256::ONE, U256::MAX]));
    }
}

#[test]
fn layers_alone_are_listed() {
    let change = SlotChange {
        before: U256::ZERO,
        after: U256::from(3),
    };
    let account = AccountChange {
        before: None,
        after: Some(Account::default()),
    };
    let mut older = StateDiff::default();
    older.accounts.insert(who(1), account);
    older
        .slots
        .entry(who(1))
        .or_default()
        .insert(U256::ONE, change);
    let mut newer = StateDiff::default();
    let gone = SlotChange {
        before: change.after,
        after: U256::ZERO,
    };
    newer
        .slots
        .entry(who(1))
        .or_default()
        .insert(U256::ONE, gone);
    let older = Layer::Frozen(Arc::new(older));
    let view = StateView::empty().with_layers(vec![older.clone()]);
    assert_eq!(view.accounts().unwrap(), [(who(1), Account::default())]);
    assert_eq!(view.slots_of(who(1)).unwrap(), [(U256::ONE, U256::from(3))]);
    assert!(view.has_storage(who(1)).unwrap());
    let view = StateView::empty().with_layers(vec![Layer::Frozen(Arc::new(newer)), older]);
    assert!(view.slots_of(who(1)).unwrap().is_empty());
    assert!(!view.has_storage(who(1)).unwrap());
}

#[test]
fn a_chain_without_preimages_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let slot = Op::Slot {
        who: 1,
        slot: 2,
        word: 3,
    };
    let mut writer = store.writer().unwrap();
    put(&mut writer, &builder.block(&[slot], &[])).unwrap();
    writer.commit().unwrap();
    let view = StateView::latest(store.reader().unwrap());
    let refused = |error: StorageError| assert!(matches!(error, StorageError::NoPreimages));
    refused(view.slots_of(who(1)).unwrap_err());
    refused(view.accounts().unwrap_err());
    assert!(!view.has_storage(who(1)).unwrap());
}
