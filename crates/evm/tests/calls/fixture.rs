//! Requests, and what runs them with the limits of these tests.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_rpc_types_eth::TransactionRequest;
use aura_evm::{BlockEnvSource, CallError, CallLimits, CallRequest, call, estimate_gas};

use crate::common::TestChain;

pub(crate) const LIMITS: CallLimits = CallLimits {
    gas_cap: 50_000_000,
    timeout: Duration::from_secs(5),
};

pub(crate) fn request(tx: TransactionRequest) -> CallRequest {
    CallRequest {
        tx,
        block: BlockEnvSource::Header,
        state_overrides: None,
        block_overrides: None,
    }
}

pub(crate) fn to(address: Address) -> TransactionRequest {
    TransactionRequest::default().to(address)
}

pub(crate) fn from_json(json: serde_json::Value) -> CallRequest {
    request(serde_json::from_value(json).unwrap())
}

pub(crate) fn run(chain: &TestChain, request: CallRequest) -> Result<Bytes, CallError> {
    call(&chain.spec, chain.view(), chain.header(), request, &LIMITS)
}

pub(crate) fn estimate(chain: &TestChain, request: CallRequest) -> Result<u64, CallError> {
    estimate_gas(&chain.spec, chain.view(), chain.header(), request, &LIMITS)
}

pub(crate) fn word(output: &Bytes) -> U256 {
    U256::try_from_be_slice(output).unwrap()
}

/// Returns one word: the value of a one-byte opcode.
pub(crate) fn returning(opcode: u8) -> Vec<u8> {
    [&[opcode][..], &hex!("5f5260205ff3")].concat()
}
