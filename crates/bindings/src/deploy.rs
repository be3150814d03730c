//! What a deployment sends, and how to see that it is there: `contracts/profiles/README.md` in code.
//!
//! The order of use: [`Addresses`] from the deployer's nonce, a genesis that names them, the output of that
//! genesis, then the [`DeployPlan`].

mod parameters;
mod set_up;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolConstructor, SolValue};
use aura_chainspec::BridgeSpec;
use aura_primitives::bridge::Output;

use crate::{
    Profile, Roles, portal::AuraPortal, proxy::ERC1967Proxy, rollup::AuraRollup,
    timelock::AuraTimelock,
};

/// Where the contracts will be: they follow from the deployer and its nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Nonce of the first creation.
    pub first_nonce: u64,
    /// Admin of both; none if the admin deploys.
    pub timelock: Option<Address>,
    /// Code behind the rollup.
    pub rollup_implementation: Address,
    /// Code behind the portal.
    pub portal_implementation: Address,
    /// Batches and roots.
    pub rollup: Address,
    /// Escrow and queue.
    pub portal: Address,
}

impl Addresses {
    /// Those of creations from `first_nonce` on.
    pub fn new(roles: &Roles, deployer: Address, first_nonce: u64) -> Self {
        let has_timelock = roles.admin != deployer;
        let start = first_nonce + u64::from(has_timelock);
        Self {
            first_nonce,
            timelock: has_timelock.then(|| deployer.create(first_nonce)),
            rollup_implementation: deployer.create(start),
            portal_implementation: deployer.create(start + 1),
            rollup: deployer.create(start + 2),
            portal: deployer.create(start + 3),
        }
    }

    /// The addresses that a genesis names, if this deployer makes them with one of the nonces up to `last`.
    pub fn find(roles: &Roles, deployer: Address, last: u64, bridge: &BridgeSpec) -> Option<Self> {
        let fits = |nonce: &u64| {
            let addresses = Self::new(roles, deployer, *nonce);
            (addresses.portal, addresses.rollup) == (bridge.portal, bridge.rollup)
        };
        // The newest first: a deployer that has sent much has mostly deployed lately.
        let nonce = (0..=last).rev().find(fits)?;
        Some(Self::new(roles, deployer, nonce))
    }

    /// What the genesis of L2 says of them.
    pub const fn bridge(&self, l1_chain_id: u64) -> BridgeSpec {
        BridgeSpec {
            l1_chain_id,
            portal: self.portal,
            rollup: self.rollup,
        }
    }
}

/// A creation, to be sent by the deployer with the nonce after the one before.
#[derive(Debug, Clone)]
pub struct Creation {
    /// The contract.
    pub name: &'static str,
    /// Its nonce.
    pub nonce: u64,
    /// Code and arguments of the constructor.
    pub init_code: Bytes,
    /// Where the contract will be.
    pub address: Address,
    runtime: &'static Bytes,
}

impl Creation {
    /// Whether `code` is this contract's. Immutables, which are zero in the compiler's output, are checked by
    /// [`DeployPlan::parameters`].
    pub fn has_code(&self, code: &[u8]) -> bool {
        let same = |(wanted, found): (&u8, &u8)| wanted == found || *wanted == 0;
        code.len() == self.runtime.len() && self.runtime.iter().zip(code).all(same)
    }
}

/// A question to L1 with the only right answer.
#[derive(Debug, Clone)]
pub enum Check {
    /// A call and what it returns.
    Call {
        /// The contract.
        to: Address,
        /// Input.
        data: Bytes,
        /// Output.
        returns: Bytes,
    },
    /// A slot and its value.
    Slot {
        /// The contract.
        address: Address,
        /// The slot.
        slot: U256,
        /// The value.
        value: B256,
    },
}

impl Check {
    fn call<C: SolCall>(to: Address, call: &C, returns: impl SolValue) -> Self {
        Self::Call {
            to,
            data: call.abi_encode().into(),
            returns: returns.abi_encode().into(),
        }
    }
}

/// A call by the deployer, left out if its effect is there.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// What it does, for people.
    pub name: String,
    /// The contract.
    pub to: Address,
    /// Input.
    pub data: Bytes,
    /// Holds afterwards.
    pub done: Check,
}

/// What must hold of a deployment.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name, as in the contracts.
    pub name: &'static str,
    /// The question.
    pub check: Check,
}

/// All that a deployment sends and all that can be asked of it.
#[derive(Debug, Clone)]
pub struct DeployPlan {
    /// Where the contracts will be.
    pub addresses: Addresses,
    /// Creations, in order.
    pub creations: Vec<Creation>,
    /// Calls after them, in order.
    pub calls: Vec<SetUp>,
    /// What must hold after all creations.
    pub parameters: Vec<Parameter>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct DeployInputs<'a> {
    /// Times and limits.
    pub profile: &'a Profile,
    /// Who may do what.
    pub roles: &'a Roles,
    /// Sends all transactions.
    pub deployer: Address,
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Of L2's genesis, which names `addresses`.
    pub genesis_output: &'a Output,
}

impl DeployPlan {
    /// The plan.
    pub fn new(inputs: &DeployInputs<'_>, addresses: Addresses) -> Self {
        Self {
            addresses,
            creations: creations(inputs, &addresses),
            calls: set_up::calls(inputs, &addresses),
            parameters: parameters::parameters(inputs, &addresses),
        }
    }
}

fn creations(inputs: &DeployInputs<'_>, at: &Addresses) -> Vec<Creation> {
    let DeployInputs {
        profile,
        roles,
        deployer,
        ..
    } = *inputs;
    let init_code = |code: &Bytes, arguments: Vec<u8>| [code.as_ref(), &arguments].concat().into();
    let proxy = |implementation: Address, start: Vec<u8>| {
        let arguments = ERC1967Proxy::constructorCall {
            implementation,
            _data: start.into(),
        };
        init_code(&ERC1967Proxy::BYTECODE, arguments.abi_encode())
    };
    let timelock = at.timelock.map(|address| {
        let arguments = AuraTimelock::constructorCall {
            delay: U256::from(profile.timelock_delay),
            proposers: vec![roles.admin],
            executors: vec![roles.admin],
        };
        let code = init_code(&AuraTimelock::BYTECODE, arguments.abi_encode());
        (
            "AuraTimelock",
            code,
            address,
            &AuraTimelock::DEPLOYED_BYTECODE,
        )
    });
    let rollup = AuraRollup::constructorCall {
        portal: at.portal,
        timing: profile.timing(),
    };
    let portal = AuraPortal::constructorCall {
        rollup: at.rollup,
        l2ChainId: U256::from(inputs.l2_chain_id),
        limits: profile.limits(),
    };
    let start_rollup = AuraRollup::initializeCall {
        admin: deployer,
        council: roles.council,
        genesis: inputs.genesis_output.into(),
    };
    let start_portal = AuraPortal::initializeCall {
        admin: deployer,
        council: roles.council,
        guardian: roles.guardian,
        cap: profile.max_escrow,
    };
    let contracts = [
        (
            "AuraRollup",
            init_code(&AuraRollup::BYTECODE, rollup.abi_encode()),
            at.rollup_implementation,
            &AuraRollup::DEPLOYED_BYTECODE,
        ),
        (
            "AuraPortal",
            init_code(&AuraPortal::BYTECODE, portal.abi_encode()),
            at.portal_implementation,
            &AuraPortal::DEPLOYED_BYTECODE,
        ),
        (
            "proxy of the rollup",
            proxy(at.rollup_implementation, start_rollup.abi_encode()),
            at.rollup,
            &ERC1967Proxy::DEPLOYED_BYTECODE,
        ),
        (
            "proxy of the portal",
            proxy(at.portal_implementation, start_portal.abi_encode()),
            at.portal,
            &ERC1967Proxy::DEPLOYED_BYTECODE,
        ),
    ];
    timelock
        .into_iter()
        .chain(contracts)
        .zip(at.first_nonce..)
        .map(|((name, init_code, address, runtime), nonce)| Creation {
            name,
            nonce,
            init_code,
            address,
            runtime,
        })
        .collect()
}
