//! Shapes of the answers; members of structs that L1 takes have the names of the ABI.

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_primitives::bridge::{Output, Withdrawal, WithdrawalProof};
use serde::Serialize;

use super::context::L1Point;
use crate::types::{PathProof, Quantity};

/// `Withdrawal` of the portal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithdrawalView {
    index: Quantity<u64>,
    sender: Address,
    recipient: Address,
    token: Address,
    amount: Quantity<U256>,
    data_hash: B256,
}

impl From<&Withdrawal> for WithdrawalView {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            index: Quantity(withdrawal.index),
            sender: withdrawal.sender,
            recipient: withdrawal.recipient,
            token: withdrawal.token,
            amount: Quantity(withdrawal.amount),
            data_hash: withdrawal.data_hash,
        }
    }
}

/// `Output` of the rollup.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputView {
    state_root: B256,
    withdrawal_root: B256,
    l2_block_hash: B256,
    l2_block: Quantity<u64>,
    batch_index: Quantity<u64>,
    batch_hash: B256,
}

impl From<&Output> for OutputView {
    fn from(output: &Output) -> Self {
        Self {
            state_root: output.state_root,
            withdrawal_root: output.withdrawal_root,
            l2_block_hash: output.l2_block_hash,
            l2_block: Quantity(output.l2_block),
            batch_index: Quantity(output.batch_index),
            batch_hash: output.batch_hash,
        }
    }
}

/// Arguments of `withdraw` or `consumeMessage`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithdrawalArguments {
    /// Contract on L1.
    pub(crate) to: Address,
    pub(crate) method: &'static str,
    pub(crate) withdrawal: WithdrawalView,
    pub(crate) root_id: Quantity<u64>,
    pub(crate) output: OutputView,
    pub(crate) proof: WithdrawalProof,
    pub(crate) calldata: Bytes,
    /// Data of a message, which the recipient may want beside its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Bytes>,
}

/// `Account` of the portal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountView {
    pub(crate) nonce: Quantity<u64>,
    pub(crate) balance: Quantity<U256>,
    pub(crate) code_hash: B256,
}

/// Arguments of `exitETH` or `exitToken`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExitArguments {
    /// Contract on L1.
    pub(crate) to: Address,
    pub(crate) method: &'static str,
    pub(crate) root_id: Quantity<u64>,
    pub(crate) output: OutputView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<AccountView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Address>,
    pub(crate) amount: Quantity<U256>,
    pub(crate) proof: PathProof,
    pub(crate) user: Address,
    /// The call in which `user` itself is paid.
    pub(crate) calldata: Bytes,
}

/// An L1 block on the wire.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PointView {
    number: Quantity<u64>,
    hash: B256,
    timestamp: Quantity<u64>,
}

impl From<L1Point> for PointView {
    fn from(point: L1Point) -> Self {
        Self {
            number: Quantity(point.number),
            hash: point.hash,
            timestamp: Quantity(point.timestamp),
        }
    }
}
