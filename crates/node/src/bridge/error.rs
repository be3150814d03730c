//! Why a deployment stops.

use alloy_primitives::{Address, B256, U256};
use aura_bindings::{DeploymentError, ProfileError};
use aura_chain::ChainError;
use aura_chainspec::ChainSpecError;

/// Why a deployment stops. What was made stays; the next run goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The roles cannot be used.
    #[error(transparent)]
    Roles(#[from] DeploymentError),
    /// The genesis cannot be used.
    #[error("the genesis cannot be used")]
    Genesis(#[from] ChainSpecError),
    /// The genesis block cannot be made.
    #[error("cannot make the genesis block")]
    GenesisBlock(#[from] ChainError),
    /// The chain is an Ethereum chain: its header commits to no withdrawals.
    #[error("the genesis has no section `aura.bridge`")]
    NoBridge,
    /// L1 does not answer, or refuses.
    #[error("L1: {what}")]
    L1 {
        /// What was asked.
        what: String,
        /// Reason.
        #[source]
        source: Box<alloy_provider::transport::TransportError>,
    },
    /// The endpoint is not one.
    #[error("`{0}` is no URL of an L1 endpoint")]
    Endpoint(String),
    /// L1 is another chain.
    #[error("L1 has chain id {found}, expected {expected}")]
    WrongChain {
        /// As asked for.
        expected: u64,
        /// As L1 says.
        found: u64,
    },
    /// The deployer cannot pay.
    #[error("deployer {deployer} has {balance} wei on L1, a deployment takes up to {needed}")]
    Funds {
        /// The account.
        deployer: Address,
        /// Its balance.
        balance: U256,
        /// At the price of now.
        needed: U256,
    },
    /// Something else stands where a contract should be.
    #[error("{address} has code that is not that of {name}")]
    ForeignCode {
        /// The contract that should be there.
        name: &'static str,
        /// Its address.
        address: Address,
    },
    /// The deployer's nonce went elsewhere.
    #[error(
        "{name} needs nonce {wanted} of the deployer, whose next is {next}: take a genesis without these contracts"
    )]
    Nonce {
        /// The contract.
        name: &'static str,
        /// Its nonce.
        wanted: u64,
        /// The next one.
        next: u64,
    },
    /// A contract has other parameters than the profile or the genesis.
    #[error("the contracts on L1 differ in {name}: {found}, expected {expected}")]
    Parameter {
        /// What differs.
        name: String,
        /// As on L1.
        found: String,
        /// As planned.
        expected: String,
    },
    /// A transaction failed.
    #[error("{name}: transaction {hash} failed")]
    Failed {
        /// What it was to do.
        name: String,
        /// Its hash.
        hash: B256,
    },
    /// A transaction is not mined.
    #[error("{name}: transaction {hash} is not mined after {seconds} s")]
    NotMined {
        /// What it was to do.
        name: String,
        /// Its hash.
        hash: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The contracts are there, but L1 does not tell since when.
    #[error("the rollup {0} has no log of its genesis root")]
    NoGenesisLog(Address),
}
