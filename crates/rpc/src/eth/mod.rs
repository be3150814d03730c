//! `eth_*`.

pub(crate) mod blocks;
mod cache;
pub(crate) mod calls;
mod fee_cache;
pub(crate) mod fees;
pub(crate) mod logs;
mod pending;
pub(crate) mod state;
mod stream;
pub(crate) mod submit;
pub(crate) mod subscriptions;
pub(crate) mod transactions;

pub(crate) use cache::BlockCache;
pub(crate) use calls::SlowCallees;
pub(crate) use fee_cache::FeeCache;
