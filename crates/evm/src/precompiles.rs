//! Precompiles of a call, which overrides may have moved.

use alloy_evm::precompiles::PrecompilesMap;
use alloy_primitives::{Address, map::AddressSet};
use revm::{
    handler::PrecompileProvider,
    interpreter::{CallInputs, InterpreterResult},
    precompile::{PrecompileSpecId, Precompiles},
    primitives::hardfork::SpecId,
};

use crate::call::deadline::CallContext;

/// Precompiles of a fork, some of them elsewhere or gone.
///
/// Warm from the start (EIP-2929) are the addresses where the fork has them, wherever they are now:
/// as in geth, an override changes what answers, not what an access costs.
#[derive(Debug)]
pub(crate) struct CallPrecompiles {
    map: PrecompilesMap,
    warm: &'static AddressSet,
}

impl CallPrecompiles {
    /// Precompiles where the fork has them.
    pub(crate) fn new(spec: SpecId) -> Self {
        let precompiles = Precompiles::new(PrecompileSpecId::from_spec_id(spec));
        Self {
            map: PrecompilesMap::from_static(precompiles),
            warm: precompiles.addresses_set(),
        }
    }

    /// Returns `true` if a precompile answers at `address`.
    pub(crate) fn has(&self, address: &Address) -> bool {
        self.map.get(address).is_some()
    }

    /// Takes the precompile away from `address`, to `target` if there is one.
    pub(crate) fn displace(&mut self, address: &Address, target: Option<Address>) {
        if !self.has(address) {
            return;
        }
        let mut taken = None;
        self.map.apply_precompile(address, |precompile| {
            taken = precompile;
            None
        });
        if let Some(target) = target {
            self.map.apply_precompile(&target, |_| taken);
        }
    }
}

impl PrecompileProvider<CallContext> for CallPrecompiles {
    type Output = InterpreterResult;

    /// The fork is given at the start and stays.
    fn set_spec(&mut self, _: SpecId) -> bool {
        false
    }

    fn run(
        &mut self,
        context: &mut CallContext,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        self.map.run(context, inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.warm
    }

    fn contains(&self, address: &Address) -> bool {
        self.has(address)
    }
}
