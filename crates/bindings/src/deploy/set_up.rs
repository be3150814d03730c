//! What the deployer calls once the contracts are there.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolCall;

use super::{Addresses, Check, DeployInputs, SetUp};
use crate::{portal::AuraPortal, rollup::AuraRollup};

/// Holder of all roles' roles: OpenZeppelin's `DEFAULT_ADMIN_ROLE`.
const ADMIN: B256 = B256::ZERO;
/// Place of `bondRecipient` in the rollup's storage, which has no getter.
const BOND_RECIPIENT: u64 = 8;

pub(super) fn role(name: &str) -> B256 {
    keccak256(name.as_bytes())
}

fn grant(what: &str, to: Address, role: B256, account: Address) -> SetUp {
    // Both contracts have OpenZeppelin's functions.
    let call = AuraRollup::grantRoleCall { role, account };
    SetUp {
        name: format!("{what}: {account}"),
        to,
        data: call.abi_encode().into(),
        done: has_role(to, role, account, true),
    }
}

fn renounce(what: &str, to: Address, account: Address) -> SetUp {
    let call = AuraRollup::renounceRoleCall {
        role: ADMIN,
        callerConfirmation: account,
    };
    SetUp {
        name: format!("{what} has no admin but the timelock"),
        to,
        data: call.abi_encode().into(),
        done: has_role(to, ADMIN, account, false),
    }
}

pub(super) fn has_role(to: Address, role: B256, account: Address, holds: bool) -> Check {
    Check::call(to, &AuraRollup::hasRoleCall { role, account }, holds)
}

pub(super) fn calls(inputs: &DeployInputs<'_>, at: &Addresses) -> Vec<SetUp> {
    let DeployInputs {
        profile,
        roles,
        deployer,
        ..
    } = *inputs;
    let mut calls = vec![
        grant("sequencer", at.rollup, role("SEQUENCER"), roles.sequencer),
        grant("proposer", at.rollup, role("PROPOSER"), roles.proposer),
    ];
    for challenger in &roles.challengers {
        calls.push(grant(
            "challenger",
            at.rollup,
            role("CHALLENGER"),
            *challenger,
        ));
    }
    for (index, verifier) in (0u8..).zip(&roles.verifiers) {
        let call = AuraRollup::setVerifierCall {
            index,
            account: *verifier,
        };
        calls.push(SetUp {
            name: format!("verifier {index}: {verifier}"),
            to: at.rollup,
            data: call.abi_encode().into(),
            done: Check::call(at.rollup, &AuraRollup::verifierCall { index }, *verifier),
        });
    }
    let recipient = AuraRollup::setBondRecipientCall {
        recipient: roles.proposer,
    };
    calls.push(SetUp {
        name: format!("recipient of bonds: {}", roles.proposer),
        to: at.rollup,
        data: recipient.abi_encode().into(),
        done: Check::Slot {
            address: at.rollup,
            slot: namespace("aura.rollup") + U256::from(BOND_RECIPIENT),
            value: roles.proposer.into_word(),
        },
    });
    let token = Address::ZERO;
    let floor = AuraPortal::setOutflowFloorCall {
        token,
        floor: profile.outflow_floor,
    };
    calls.push(SetUp {
        name: "what of ether may leave in a day".to_owned(),
        to: at.portal,
        data: floor.abi_encode().into(),
        done: Check::call(
            at.portal,
            &AuraPortal::outflowFloorCall { token },
            profile.outflow_floor,
        ),
    });
    if let Some(timelock) = at.timelock {
        calls.extend([
            grant("admin of the rollup", at.rollup, ADMIN, timelock),
            grant("admin of the portal", at.portal, ADMIN, timelock),
            renounce("rollup", at.rollup, deployer),
            renounce("portal", at.portal, deployer),
        ]);
    }
    calls
}

/// First slot of a struct by ERC-7201.
fn namespace(id: &str) -> U256 {
    let inner = U256::from_be_bytes(keccak256(id.as_bytes()).0) - U256::from(1);
    U256::from_be_bytes(keccak256(inner.to_be_bytes::<32>()).0) & !U256::from(0xff)
}
