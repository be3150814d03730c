//! State views for builders and readers.

use aura_primitives::HeadLabel;
use aura_storage::{Layer, StateView, StorageError};

use crate::Chain;

impl Chain {
    /// State after the tip: the newest snapshot with the sealed, not yet durable blocks above it.
    ///
    /// # Errors
    /// [`StorageError`] of the snapshot.
    pub fn tip_view(&self) -> Result<StateView, StorageError> {
        self.view(false)
    }

    /// State as the open block has it so far; the tip's where no block is open.
    ///
    /// # Errors
    /// [`StorageError`] of the snapshot.
    pub fn pending_view(&self) -> Result<StateView, StorageError> {
        self.view(true)
    }

    /// Layers are read before the snapshot is taken: a block that becomes durable in between is in
    /// both, with equal values. A snapshot *newer* than the newest layer would be masked by older
    /// values, so the two are taken again then, which another commit must win each time.
    fn view(&self, pending: bool) -> Result<StateView, StorageError> {
        loop {
            let open = pending.then(|| self.open_block()).flatten();
            let sealed = self.shared.layers.load_full();
            let reader = self.shared.store.reader()?;
            let newest = sealed.first().map(|layer| layer.number);
            let durable = reader.head(HeadLabel::Unsafe)?.number;
            if newest.is_some_and(|newest| durable > newest) {
                continue;
            }
            let tip = newest.unwrap_or(durable);
            // An open block of another parent is just being replaced: the tip is the newer truth.
            let open = open.filter(|open| open.parent.number == tip);
            let mut layers = Vec::with_capacity(sealed.len() + 1);
            layers.extend(open.map(|open| Layer::Open(open.diff.clone())));
            layers.extend(sealed.iter().map(|layer| Layer::Frozen(layer.diff.clone())));
            let hashes = sealed
                .iter()
                .map(|layer| (layer.number, layer.hash))
                .collect();
            return Ok(StateView::latest(reader)
                .with_layers(layers)
                .with_block_hashes(hashes));
        }
    }
}
