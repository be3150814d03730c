//! What must hold of a deployment.

use alloy_primitives::{Address, B256, U256};

use super::{
    Addresses, Check, DeployInputs, Parameter,
    set_up::{has_role, role},
};
use crate::{portal::AuraPortal, rollup::AuraRollup};

/// `bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1)`.
const IMPLEMENTATION_SLOT: B256 =
    alloy_primitives::b256!("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
pub(super) fn parameters(inputs: &DeployInputs<'_>, at: &Addresses) -> Vec<Parameter> {
    let profile = inputs.profile;
    let output = inputs.genesis_output;
    let output_hash = output.hash(inputs.l1_chain_id, at.rollup);
    let behind = |address, implementation: Address| Check::Slot {
        address,
        slot: IMPLEMENTATION_SLOT.into(),
        value: implementation.into_word(),
    };
    let (rollup, portal) = (at.rollup, at.portal);
    let mut list = vec![
        (
            "implementation of the rollup",
            behind(rollup, at.rollup_implementation),
        ),
        (
            "implementation of the portal",
            behind(portal, at.portal_implementation),
        ),
    ];
    macro_rules! ask {
        ($to:ident, $contract:ident, $call:ident, $value:expr) => {
            list.push((
                stringify!($call).trim_end_matches("Call"),
                Check::call($to, &$contract::$call {}, $value),
            ));
        };
    }
    ask!(rollup, AuraRollup, PORTALCall, portal);
    ask!(rollup, AuraRollup, FORCE_DELAYCall, profile.force_delay);
    ask!(rollup, AuraRollup, WINDOWCall, profile.window);
    ask!(rollup, AuraRollup, FASTCall, profile.fast);
    ask!(
        rollup,
        AuraRollup,
        DISPUTE_TIMEOUTCall,
        profile.dispute_timeout
    );
    ask!(rollup, AuraRollup, FREEZE_DELAYCall, profile.freeze_delay);
    ask!(rollup, AuraRollup, MAX_BATCH_AGECall, profile.max_batch_age);
    ask!(rollup, AuraRollup, ANCHOR_DEPTHCall, profile.anchor_depth);
    ask!(rollup, AuraRollup, K_SLOWCall, U256::from(profile.k_slow));
    ask!(rollup, AuraRollup, K_FASTCall, U256::from(profile.k_fast));
    ask!(rollup, AuraRollup, BONDCall, profile.bond);
    ask!(portal, AuraPortal, ROLLUPCall, rollup);
    ask!(
        portal,
        AuraPortal,
        L2_CHAIN_IDCall,
        U256::from(inputs.l2_chain_id)
    );
    ask!(
        portal,
        AuraPortal,
        FORCED_GAS_MAXCall,
        profile.forced_gas_max
    );
    ask!(
        portal,
        AuraPortal,
        FORCED_DATA_MAXCall,
        profile.forced_data_max
    );
    ask!(portal, AuraPortal, PAUSE_MAXCall, profile.pause_max);
    ask!(
        portal,
        AuraPortal,
        PAUSE_COOLDOWNCall,
        profile.pause_cooldown
    );
    ask!(portal, AuraPortal, SETTLE_DELAYCall, profile.settle_delay);
    list.extend(holders(inputs, at));
    list.push((
        "hash of the genesis output",
        Check::call(
            rollup,
            &AuraRollup::outputHashCall { o: output.into() },
            output_hash,
        ),
    ));
    list.into_iter()
        .map(|(name, check)| Parameter { name, check })
        .collect()
}

/// Who has which role.
fn holders(inputs: &DeployInputs<'_>, at: &Addresses) -> [(&'static str, Check); 3] {
    let (roles, council) = (inputs.roles, role("COUNCIL"));
    [
        (
            "council of the rollup",
            has_role(at.rollup, council, roles.council, true),
        ),
        (
            "council of the portal",
            has_role(at.portal, council, roles.council, true),
        ),
        (
            "guardian",
            has_role(at.portal, role("GUARDIAN"), roles.guardian, true),
        ),
    ]
}
