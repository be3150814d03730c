//! Settings of everything that has to do with L1.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use alloy_primitives::{Address, U256};
use aura_l1::{
    Confirmations,
    tx::{Signer, TxConfig},
};
use aura_settlement::SettlementConfig;
use serde::{Deserialize, Serialize};

use crate::NodeError;

const GWEI: u128 = 1_000_000_000;
/// Transactions on L1 are looked at at least so often.
const MAX_TX_POLL: Duration = Duration::from_secs(2);

/// L1 and the bridge; used on chains whose genesis has a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BridgeSection {
    /// Endpoints of L1 in the order of preference: `ws`, `wss`, `http` or `https`. Without one the
    /// node takes no deposits and posts nothing.
    pub l1_rpc: Vec<String>,
    /// The portal that must be the genesis's; whoever names it is protected from a wrong genesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// Deployment file; it must fit the genesis, and says where to begin on L1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<PathBuf>,
    /// L1 block before which there is nothing; that of the deployment file if absent, else 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy_block: Option<u64>,
    /// When L2 uses an L1 block: `safe`, `finalized`, or a number of blocks that follow it.
    pub confirmations: ConfirmationRule,
    /// Time between two looks at L1 where it does not tell by itself, in ms.
    pub l1_poll_interval_ms: u64,
    /// Key that posts batches; without one no batch is posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequencer_key: Option<KeySection>,
    /// Key that posts roots; without one no root is posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposer_key: Option<KeySection>,
    /// What is posted when.
    pub settlement: SettlementConfig,
    /// What transactions on L1 may cost.
    pub fees: FeeSection,
    /// Leave L1's queue alone, for tests of what users can do then.
    #[serde(skip)]
    pub hold_queue: bool,
}

impl Default for BridgeSection {
    fn default() -> Self {
        Self {
            l1_rpc: Vec::new(),
            contract: None,
            deployment: None,
            deploy_block: None,
            confirmations: ConfirmationRule(Confirmations::Safe),
            l1_poll_interval_ms: 4_000,
            sequencer_key: None,
            proposer_key: None,
            settlement: SettlementConfig::default(),
            fees: FeeSection::default(),
            hold_queue: false,
        }
    }
}

impl BridgeSection {
    /// Time between two looks at L1.
    pub(crate) const fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.l1_poll_interval_ms)
    }
}

/// What transactions on L1 may cost. Above a ceiling they wait, and go on when prices are below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeeSection {
    /// Most for gas, gwei.
    pub max_gas_price_gwei: u64,
    /// Most for blob gas, gwei.
    pub max_blob_gas_price_gwei: u64,
    /// Most for one transaction, gwei.
    pub max_cost_gwei: u64,
    /// Age at which a transaction gets higher fees, in ms.
    pub resubmit_after_ms: u64,
    /// L1 blocks, its own included, until a transaction counts as mined.
    pub confirmations: u64,
}

impl Default for FeeSection {
    fn default() -> Self {
        Self {
            max_gas_price_gwei: 300,
            max_blob_gas_price_gwei: 300,
            max_cost_gwei: 1_000_000_000,
            resubmit_after_ms: 48_000,
            confirmations: 1,
        }
    }
}

impl FeeSection {
    /// For an L1 whose blocks come every few seconds, and whose pool may keep a transaction for ever: anvil's
    /// takes one that comes while it mines the one before for one with a nonce too high.
    pub fn dev() -> Self {
        Self {
            resubmit_after_ms: 12_000,
            ..Self::default()
        }
    }
}

impl BridgeSection {
    /// Settings of the transaction managers.
    pub(crate) fn tx_config(&self, l1_chain_id: u64) -> TxConfig {
        let FeeSection {
            max_gas_price_gwei,
            max_blob_gas_price_gwei,
            max_cost_gwei,
            resubmit_after_ms,
            confirmations,
        } = self.fees;
        TxConfig {
            chain_id: l1_chain_id,
            confirmations,
            poll_interval: self.poll_interval().min(MAX_TX_POLL),
            resubmit_after: Duration::from_millis(resubmit_after_ms),
            max_fee_per_gas: u128::from(max_gas_price_gwei) * GWEI,
            max_fee_per_blob_gas: u128::from(max_blob_gas_price_gwei) * GWEI,
            max_cost: U256::from(max_cost_gwei) * U256::from(GWEI),
            ..TxConfig::default()
        }
    }

    /// Names the first setting that is out of its bounds.
    pub(crate) fn validate(&self) -> Result<(), String> {
        self.settlement.validate()?;
        self.tx_config(1).validate().map_err(str::to_owned)
    }
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySection {
    /// File with the key: 32 bytes in hex, or a keystore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// File with the keystore's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// URL of a remote signer that answers `eth_signTransaction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Address that the remote signer signs for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Account of the development mnemonic; development chains only.
    #[serde(skip)]
    pub dev: Option<u32>,
}

impl KeySection {
    /// A key in a file.
    pub fn from_file(file: PathBuf) -> Self {
        Self {
            file: Some(file),
            ..Self::default()
        }
    }

    /// An account of the development mnemonic.
    pub fn dev(index: u32) -> Self {
        Self {
            dev: Some(index),
            ..Self::default()
        }
    }

    /// Loads the key, or reaches for the signer.
    pub(crate) fn open(&self, what: &'static str, l1_chain_id: u64) -> Result<Signer, NodeError> {
        let opened = match (&self.file, &self.signer, self.address, self.dev) {
            (Some(file), None, None, None) => {
                Signer::from_file(file, self.password_file.as_deref())
            }
            (None, Some(url), Some(address), None) => Signer::remote(url, address),
            (None, None, None, Some(index)) => Signer::dev(index, l1_chain_id),
            _ => {
                return Err(NodeError::Config(format!(
                    "bridge.{what}: needs `file`, or `signer` and `address`"
                )));
            }
        };
        opened.map_err(|source| NodeError::Key { what, source })
    }
}

/// [`Confirmations`] as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmationRule(pub Confirmations);

impl FromStr for ConfirmationRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule =
            match text {
                "safe" => Confirmations::Safe,
                "finalized" => Confirmations::Finalized,
                number => Confirmations::Depth(number.parse().map_err(|_| {
                    "expected `safe`, `finalized` or a number of L1 blocks".to_owned()
                })?),
            };
        Ok(Self(rule))
    }
}

impl fmt::Display for ConfirmationRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Confirmations::Safe => f.write_str("safe"),
            Confirmations::Finalized => f.write_str("finalized"),
            Confirmations::Depth(blocks) => blocks.fmt(f),
        }
    }
}

crate::config::serde_as_text!(ConfirmationRule);
