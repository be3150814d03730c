//! Records of the bridge's tables.

mod batch;
mod l1;
mod l1_tx;
mod withdrawal;

pub use batch::BatchRecord;
pub use l1::{L1BatchRecord, L1Chunk, L1HeaderRecord, L1RootChange, L1RootRecord, RootStatus};
pub use l1_tx::{L1TxAttempt, L1TxRecord};
pub use withdrawal::WithdrawalRecord;
