//! Messages as the portal queues them.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use aura_bindings::{config::AuraConfig, token_bridge::AuraTokenBridge};
use aura_primitives::bridge::{MessageKind, QueueMessage, predeploys};

/// Who deposits.
pub(crate) const USER: Address = Address::repeat_byte(0xd1);
/// A token of L1.
pub(crate) const TOKEN: Address = Address::repeat_byte(0x70);

/// A message that the portal makes; its id comes when it is queued.
fn message(kind: MessageKind, to: Address, gas_limit: u64, data: impl Into<Bytes>) -> QueueMessage {
    QueueMessage {
        id: 0,
        kind,
        l1_sender: USER,
        from: USER,
        to,
        mint: U256::ZERO,
        value: U256::ZERO,
        gas_limit,
        data: data.into(),
    }
}

/// Ether for `to`.
pub(crate) fn credit(to: Address, mint: u64) -> QueueMessage {
    QueueMessage {
        mint: U256::from(mint),
        ..message(MessageKind::Credit, to, 0, Bytes::new())
    }
}

/// A call of the user's with one ether in hand.
pub(crate) fn forced(to: Address, gas_limit: u64, data: impl Into<Bytes>) -> QueueMessage {
    QueueMessage {
        mint: U256::from(10u64.pow(18)),
        value: U256::from(5),
        ..message(MessageKind::Forced, to, gas_limit, data)
    }
}

fn system(kind: MessageKind, to: Address, call: &impl SolCall) -> QueueMessage {
    QueueMessage {
        from: predeploys::SYSTEM,
        ..message(kind, to, 400_000, call.abi_encode())
    }
}

/// Makes [`TOKEN`] known to L2.
pub(crate) fn registration() -> QueueMessage {
    let call = AuraTokenBridge::registerCall {
        l1Token: TOKEN,
        name: "Token".into(),
        symbol: "TOK".into(),
        decimals: 18,
    };
    system(MessageKind::Registration, predeploys::TOKEN_BRIDGE, &call)
}

/// Tokens for `to`.
pub(crate) fn tokens(to: Address, amount: u64) -> QueueMessage {
    let call = AuraTokenBridge::finalizeDepositCall {
        l1Token: TOKEN,
        to,
        amount: U256::from(amount),
    };
    system(MessageKind::TokenDeposit, predeploys::TOKEN_BRIDGE, &call)
}

/// Another gas limit.
pub(crate) fn configuration() -> QueueMessage {
    let call = AuraConfig::setCall {
        parameter: 0,
        value: U256::from(30_000_000),
    };
    system(MessageKind::Configuration, predeploys::CONFIG, &call)
}
