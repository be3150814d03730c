//! Transactions that take something out of L2.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use alloy_sol_types::SolCall;
use aura_bindings::message_passer::AuraMessagePasser;
use aura_primitives::{RecoveredTx, bridge::predeploys::MESSAGE_PASSER};

use crate::common::{sign, template};

/// Who gets it on L1.
pub(crate) const FRIEND: Address = Address::repeat_byte(0x22);

fn invoke(nonce: u64, to: Address, value: u64, call: &impl SolCall) -> RecoveredTx {
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(to),
        value: U256::from(value),
        gas_limit: 400_000,
        input: call.abi_encode().into(),
        ..template()
    })
}

/// Ether leaves.
pub(crate) fn withdraw(nonce: u64, value: u64) -> RecoveredTx {
    let call = AuraMessagePasser::withdrawETHCall { to: FRIEND };
    invoke(nonce, MESSAGE_PASSER, value, &call)
}

/// A message leaves.
pub(crate) fn message(nonce: u64, data: &'static [u8]) -> RecoveredTx {
    let call = AuraMessagePasser::sendMessageCall {
        to: FRIEND,
        data: Bytes::from_static(data),
    };
    invoke(nonce, MESSAGE_PASSER, 0, &call)
}

/// Code of a contract that passes its call data on twice, each time with one wei.
pub(crate) fn several() -> String {
    let passer = hex::encode(MESSAGE_PASSER);
    let once = format!("5f5f365f600173{passer}5af150");
    format!("365f5f37{once}{once}00")
}

/// Calls [`several`].
pub(crate) fn call(nonce: u64, contract: Address, value: u64) -> RecoveredTx {
    let call = AuraMessagePasser::withdrawETHCall { to: FRIEND };
    invoke(nonce, contract, value, &call)
}
