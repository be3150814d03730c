//! Contracts that users expect at known addresses, as their own constructors make them on a chain.

use alloy_evm::revm::{
    Context, Database, ExecuteCommitEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::InMemoryDB,
    primitives::{TxKind, hardfork::SpecId},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One contract of `genesis/inputs/preinstalls.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Preinstall {
    pub(crate) name: String,
    /// Where the init code comes from; for readers.
    #[serde(rename = "source")]
    _source: String,
    pub(crate) address: Address,
    /// The account whose first transaction makes the contract.
    sender: Option<Address>,
    /// Else the contract that makes it with CREATE2, and the salt.
    factory: Option<Address>,
    salt: Option<B256>,
    init_code: Bytes,
    /// Hash of the code, unless that depends on the chain.
    pub(crate) code_hash: Option<B256>,
}

impl Preinstall {
    /// The transaction that makes the contract; fees are zero, for nobody has a balance here.
    fn transaction(&self, chain_id: u64) -> Result<TxEnv, String> {
        let (caller, kind, data) = match (self.sender, self.factory, self.salt) {
            (Some(sender), None, None) => (sender, TxKind::Create, self.init_code.clone()),
            // Both factories take the salt and the code, and do not look at who calls.
            (None, Some(factory), Some(salt)) => {
                let data = [salt.as_slice(), &self.init_code].concat();
                (Address::ZERO, TxKind::Call(factory), data.into())
            }
            _ => return Err(format!("{}: either sender, or factory and salt", self.name)),
        };
        Ok(TxEnv {
            caller,
            kind,
            data,
            chain_id: Some(chain_id),
            gas_limit: GAS_LIMIT,
            ..TxEnv::default()
        })
    }
}

/// Enough for each constructor.
const GAS_LIMIT: u64 = 16_000_000;

/// Reads the list.
pub(crate) fn read(json: &str) -> Result<Vec<Preinstall>, serde_json::Error> {
    serde_json::from_str(json)
}

/// Runs every creation on an empty chain, and returns the contracts that are there afterwards: those of
/// the list and those that their constructors made.
pub(crate) fn create(
    list: &[Preinstall],
    chain_id: u64,
) -> Result<BTreeMap<Address, GenesisAccount>, Box<dyn std::error::Error>> {
    let mut evm = Context::mainnet()
        .with_db(InMemoryDB::default())
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = chain_id;
            cfg.disable_nonce_check = true;
        })
        .build_mainnet();
    for preinstall in list {
        let result = evm.transact_commit(preinstall.transaction(chain_id)?)?;
        let account = evm.ctx.journaled_state.database.basic(preinstall.address)?;
        let hash = account.map(|account| account.code_hash());
        let Some(hash) = hash.filter(|_| result.is_success()) else {
            return Err(format!("{}: not created: {result:?}", preinstall.name).into());
        };
        if preinstall.code_hash.is_some_and(|wanted| wanted != hash) {
            return Err(format!("{}: its code has hash {hash}", preinstall.name).into());
        }
    }
    let cache = evm.ctx.journaled_state.database.cache;
    let contract = |account: &alloy_evm::revm::database::DbAccount| {
        let code = cache.contracts.get(&account.info.code_hash)?;
        (!code.is_empty()).then(|| GenesisAccount {
            nonce: Some(account.info.nonce),
            balance: account.info.balance,
            code: Some(code.original_bytes()),
            storage: Some(
                account
                    .storage
                    .iter()
                    .filter(|(_, value)| !value.is_zero())
                    .map(|(slot, value)| ((*slot).into(), (*value).into()))
                    .collect(),
            ),
            private_key: None,
        })
    };
    Ok(cache
        .accounts
        .iter()
        .filter_map(|(address, account)| Some((*address, contract(account)?)))
        .collect())
}
