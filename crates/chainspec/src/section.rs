//! The `aura` section of a genesis file.

use alloy_primitives::Address;
use serde::Deserialize;

use crate::{BridgeSpec, ChainSpecError, FeeParams};

/// The `aura` section as written: everything but the commitment has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct AuraSection {
    commitment: String,
    elasticity: Option<u64>,
    denominator: Option<u64>,
    #[serde(default, with = "alloy_serde::quantity::opt")]
    min_base_fee: Option<u64>,
    fee_vault: Option<Address>,
    pub(crate) bridge: Option<BridgeSpec>,
}

impl AuraSection {
    /// Checks the section and fills in what it leaves out.
    pub(crate) fn fee_params(&self) -> Result<FeeParams, ChainSpecError> {
        if self.commitment != "smt" {
            return Err(ChainSpecError::UnsupportedCommitment(
                self.commitment.clone(),
            ));
        }
        let default = FeeParams::default();
        let fee = FeeParams {
            elasticity: self.elasticity.unwrap_or(default.elasticity),
            denominator: self.denominator.unwrap_or(default.denominator),
            min_base_fee_wei: self.min_base_fee.unwrap_or(default.min_base_fee_wei),
            fee_vault: self.fee_vault.unwrap_or(default.fee_vault),
        };
        if fee.elasticity == 0 {
            return Err(ChainSpecError::ZeroFeeParameter("elasticity"));
        }
        if fee.denominator == 0 {
            return Err(ChainSpecError::ZeroFeeParameter("denominator"));
        }
        Ok(fee)
    }
}
