//! What cannot be written into a file of blocks.
#![allow(missing_docs)]

use std::{sync::Arc, thread};

use aura_chain::{Chain, ChainConfig};
use aura_chainspec::ChainSpec;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_node::{ExportRange, NodeError, export};
use aura_primitives::{HeadLabel, bridge::L1BlockInfo};
use aura_storage::{Store, StoreConfig};

fn seal(chain: &Chain, l1_info: Option<L1BlockInfo>) {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        timestamp: parent.timestamp + 1,
        prev_randao: Default::default(),
        fee_recipient: Default::default(),
        gas_limit: 30_000_000,
        parent_beacon_block_root: None,
        withdrawals: None,
        l1_info,
        extra_data: Default::default(),
    };
    let view = chain.tip_view().unwrap();
    let spec = chain.spec().clone();
    let executor = BlockExecutor::begin(spec, &parent, attributes, view).unwrap();
    let number = chain.seal(executor.finish().unwrap()).unwrap().number;
    while chain
        .store()
        .reader()
        .unwrap()
        .head(HeadLabel::Unsafe)
        .unwrap()
        .number
        < number
    {
        thread::yield_now();
    }
}

#[test]
fn blocks_after_the_first_that_speaks_of_l1_are_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &StoreConfig::default()).unwrap();
    let spec = Arc::new(ChainSpec::dev());
    let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
    let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
    seal(&chain, None);
    seal(&chain, Some(L1BlockInfo::default()));
    seal(&chain, None);
    let mut bytes = Vec::new();
    for (from, to) in [(None, None), (Some(2), Some(2)), (Some(3), None)] {
        let error = export(chain.store(), ExportRange { from, to }, &mut bytes).unwrap_err();
        assert!(matches!(error, NodeError::NeedsL1), "{error}");
        assert!(bytes.is_empty());
    }
    let before = ExportRange {
        from: None,
        to: Some(1),
    };
    assert_eq!(export(chain.store(), before, &mut bytes).unwrap(), 1);
    chain.shutdown();
    writer.join().unwrap().unwrap();
}
