//! The chain's rules as a file of their own.

use std::collections::BTreeMap;

use alloy_genesis::Genesis;
use serde_json::json;

use crate::{ChainSpec, Commitment};

impl ChainSpec {
    /// Drops the genesis accounts, which only a new database needs and which may be large.
    pub fn without_accounts(mut self) -> Self {
        self.genesis.alloc.clear();
        self
    }

    /// The genesis file without its accounts: what a node with a database still has to know.
    ///
    /// [`Self::from_genesis_json`] reads it; every rule and every genesis header field but the
    /// state root comes out the same.
    pub fn rules_json(&self) -> String {
        let genesis = self.genesis();
        let mut config = genesis.config.clone();
        let terminal = config.terminal_total_difficulty.take();
        let rules = Genesis {
            config,
            extra_data: genesis.extra_data.clone(),
            alloc: BTreeMap::new(),
            ..*genesis
        };
        let mut value = serde_json::to_value(rules).expect("a genesis is a JSON object");
        // alloy writes a number, and mainnet's does not fit 64 bits.
        if let Some(terminal) = terminal {
            value["config"]["terminalTotalDifficulty"] = json!(terminal);
        }
        if self.commitment() == Commitment::Mpt {
            return format!("{value:#}\n");
        }
        let fee = self.fee();
        value["aura"] = json!({
            "commitment": "smt",
            "elasticity": fee.elasticity,
            "denominator": fee.denominator,
            "minBaseFee": format!("{:#x}", fee.min_base_fee_wei),
            "feeVault": fee.fee_vault,
        });
        if let Some(bridge) = self.bridge() {
            value["aura"]["bridge"] = json!(bridge);
        }
        format!("{value:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    #[test]
    fn rules_read_back_as_the_same_chain_without_accounts() {
        let dev = ChainSpec::dev();
        let rules = ChainSpec::from_genesis_json(&dev.rules_json()).unwrap();
        let root = B256::repeat_byte(7);
        assert_eq!(rules.genesis_header(root), dev.genesis_header(root));
        assert_eq!(rules.fee(), dev.fee());
        assert!(dev.bridge().is_some());
        assert_eq!(rules.bridge(), dev.bridge());
        assert_eq!(rules.chain_id(), dev.chain_id());
        assert_eq!(rules.genesis().config, dev.genesis().config);
        assert!(rules.genesis_state().accounts.is_empty());
        assert!(!dev.genesis_state().accounts.is_empty());
    }
}
