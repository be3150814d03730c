//! Chain types that travel between Aura's crates.
//!
//! Headers and signed transactions are alloy's. This crate adds what a node needs around them: a
//! transaction with its recovered sender ([`RecoveredTx`]), its outcome ([`Receipt`]), a sealed block
//! that shares its transactions ([`SealedBlock`]), the outcome of execution ([`ExecutedBlock`]) and
//! the change it makes to the state ([`StateDiff`]).
//!
//! [`bridge`] has what travels between L1 and L2.
//!
//! It must never do I/O or hold chain rules. Start reading at [`ExecutedBlock`].

mod block;
pub mod bridge;
mod deposit;
mod genesis;
mod head;
mod receipt;
mod state;
mod transaction;

pub use block::{CommittedBlock, ExecutedBlock, SealedBlock, SealedHeader};
pub use deposit::{DEPOSIT_TX_TYPE, DepositRule, NO_NONCE, TxDeposit};
pub use genesis::GenesisState;
pub use head::{BlockNumHash, HeadLabel};
pub use receipt::Receipt;
pub use state::{
    Account, AccountChange, SlotChange, StateDiff, hashed_account_key, hashed_slot_key,
};
pub use transaction::{AuraTxType, RecoveredTx, SignedEnvelope, TransactionError, TxEnvelope};
