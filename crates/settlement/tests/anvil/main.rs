//! Batcher and proposer on a real L1, with the real contracts: what they do when it refuses something,
//! or goes another way.

mod l1;
mod queue;
mod refused;
mod reorganised;
mod restarted;
mod rig;
mod sequencer;
