//! A chain in memory for tests and benches: genesis state as one layer, blocks built by hand.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::sync::Arc;

use alloy_consensus::{Header, Sealable, SignableTransaction, TxEip1559, TxEip4844, TxEip7702};
use alloy_eips::eip7702::SignedAuthorization;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address};
use aura_chainspec::{ChainSpec, FeeParams};
use aura_evm::{Ancestors, BlockExecutor, ExecutionError, PayloadAttributes, execute_block};
use aura_primitives::{
    AccountChange, ExecutedBlock, RecoveredTx, SealedBlock, SealedHeader, SlotChange, StateDiff,
    TxEnvelope,
};
use aura_storage::{Layer, StateView, StorageError};

pub const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
pub const BOB: Address = address!("0000000000000000000000000000000000000b0b");
pub const CONTRACT: Address = address!("00000000000000000000000000000000000c0de1");
pub const VAULT: Address = address!("aa00000000000000000000000000000000000005");
pub const CHAIN_ID: u64 = 99;
pub const GWEI: u128 = 1_000_000_000;
pub const ETHER: u128 = 1_000_000_000 * GWEI;
pub const GAS_LIMIT: u64 = 1_000_000_000;

/// A chain at its genesis.
pub struct TestChain {
    pub spec: Arc<ChainSpec>,
    pub genesis: SealedHeader,
    state: Arc<StateDiff>,
}

impl TestChain {
    /// `fork` active from genesis; ALICE and BOB own 1,000 ether each.
    pub fn new(fork: EthereumHardfork, alloc: Vec<(Address, GenesisAccount)>) -> Self {
        let rich = GenesisAccount::default().with_balance(U256::from(1_000 * ETHER));
        let mut genesis = Genesis::default().with_gas_limit(GAS_LIMIT);
        genesis.config.chain_id = CHAIN_ID;
        genesis.alloc = [(ALICE, rich.clone()), (BOB, rich)]
            .into_iter()
            .chain(alloc)
            .collect();
        Self::from_spec(ChainSpec::at_fork(fork, genesis, FeeParams::ETHEREUM))
    }

    pub fn osaka() -> Self {
        Self::new(EthereumHardfork::Osaka, Vec::new())
    }

    /// Osaka with `code` at CONTRACT.
    pub fn with_code(fork: EthereumHardfork, code: impl Into<Bytes>) -> Self {
        Self::new(fork, vec![(CONTRACT, contract(code))])
    }

    pub fn from_spec(spec: ChainSpec) -> Self {
        let state = spec.genesis_state();
        let mut diff = StateDiff::default();
        for (address, account) in state.accounts {
            let change = AccountChange {
                before: None,
                after: Some(account),
            };
            diff.accounts.insert(address, change);
        }
        for (address, slot, after) in state.slots {
            let before = U256::ZERO;
            let slots = diff.slots.entry(address).or_default();
            slots.insert(slot, SlotChange { before, after });
        }
        diff.code.extend(state.code);
        Self {
            genesis: spec.genesis_header(B256::ZERO).seal_slow(),
            spec: Arc::new(spec),
            state: Arc::new(diff),
        }
    }

    /// State at genesis.
    pub fn view(&self) -> StateView {
        StateView::empty()
            .with_layers(vec![Layer::Frozen(Arc::clone(&self.state))])
            .with_block_hashes(vec![(0, self.genesis.seal())])
    }

    /// State after `block`, which must be the first.
    pub fn view_after(&self, block: &ExecutedBlock) -> StateView {
        StateView::empty()
            .with_layers(vec![
                Layer::Frozen(Arc::new(block.diff.clone())),
                Layer::Frozen(Arc::clone(&self.state)),
            ])
            .with_block_hashes(vec![(0, self.genesis.seal())])
    }

    pub fn attributes(&self) -> PayloadAttributes {
        PayloadAttributes {
            l1_info: None,
            timestamp: 12,
            prev_randao: B256::repeat_byte(7),
            fee_recipient: VAULT,
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: Some(B256::repeat_byte(8)),
            withdrawals: None,
            extra_data: Bytes::new(),
        }
    }

    /// Opens block 1.
    pub fn begin(&self) -> BlockExecutor {
        self.begin_with(self.attributes())
    }

    pub fn begin_with(&self, attributes: PayloadAttributes) -> BlockExecutor {
        let spec = Arc::clone(&self.spec);
        BlockExecutor::begin(spec, &self.genesis, attributes, self.view()).unwrap()
    }

    /// Block 1 with these transactions, all of which must be valid.
    pub fn block(&self, transactions: &[Arc<RecoveredTx>]) -> ExecutedBlock {
        let mut executor = self.begin();
        for tx in transactions {
            executor.execute(tx).unwrap();
        }
        executor.finish().unwrap()
    }

    pub fn base_fee(&self) -> u128 {
        u128::from(self.spec.next_base_fee(self.genesis.inner()))
    }

    /// Header for calls at genesis.
    pub fn header(&self) -> &Header {
        self.genesis.inner()
    }
}

pub fn contract(code: impl Into<Bytes>) -> GenesisAccount {
    GenesisAccount::default()
        .with_nonce(Some(1))
        .with_code(Some(code.into()))
}

/// Seals an executed block over a made-up state root.
pub fn seal(block: &ExecutedBlock) -> SealedBlock {
    SealedBlock {
        l1_info: block.l1_info,
        header: block.header.clone().seal_slow(),
        transactions: block.transactions.clone(),
        ommers: block.ommers.clone(),
        withdrawals: block.withdrawals.clone(),
    }
}

/// The blocks of a chain in memory, the genesis block first.
#[derive(Default)]
pub struct Blocks(pub Vec<SealedBlock>);

impl Ancestors for Blocks {
    fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        Ok(self
            .0
            .get(number as usize)
            .map(|block| block.header.clone()))
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StorageError> {
        let block = self.0.get(number as usize);
        Ok(block.map(|block| block.ommers.clone()).unwrap_or_default())
    }
}

/// Verifies block 1 of a chain whose receipts have no roots.
pub fn verify(chain: &TestChain, block: &SealedBlock) -> Result<ExecutedBlock, ExecutionError> {
    let (spec, genesis) = (&chain.spec, &chain.genesis);
    let ancestors = Blocks::default();
    execute_block(
        spec,
        genesis,
        block,
        chain.view(),
        &ancestors,
        &mut |_, _| None,
    )
}

/// A transaction of ALICE's with fields to be changed.
pub fn eip1559(nonce: u64, to: impl Into<TxKind>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: to.into(),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

/// Execution trusts the recovered sender, so the signature may be anything.
pub fn sent_by(sender: Address, tx: impl Into<Unsigned>) -> Arc<RecoveredTx> {
    Arc::new(RecoveredTx::new(tx.into().0, sender))
}

pub struct Unsigned(TxEnvelope);

impl From<TxEip1559> for Unsigned {
    fn from(tx: TxEip1559) -> Self {
        Self(tx.into_signed(Signature::test_signature()).into())
    }
}

impl From<TxEip4844> for Unsigned {
    fn from(tx: TxEip4844) -> Self {
        Self(tx.into_signed(Signature::test_signature()).into())
    }
}

impl From<TxEip7702> for Unsigned {
    fn from(tx: TxEip7702) -> Self {
        Self(tx.into_signed(Signature::test_signature()).into())
    }
}

pub fn transfer(nonce: u64, to: Address, value: u128) -> Arc<RecoveredTx> {
    let tx = TxEip1559 {
        gas_limit: 21_000,
        value: U256::from(value),
        ..eip1559(nonce, to)
    };
    sent_by(ALICE, tx)
}

pub fn call_tx(nonce: u64, to: Address, input: impl Into<Bytes>) -> Arc<RecoveredTx> {
    let tx = TxEip1559 {
        input: input.into(),
        ..eip1559(nonce, to)
    };
    sent_by(ALICE, tx)
}

pub fn set_code(nonce: u64, list: Vec<SignedAuthorization>) -> TxEip7702 {
    TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: BOB,
        value: U256::ZERO,
        access_list: Default::default(),
        authorization_list: list,
        input: Bytes::new(),
    }
}

/// Value of a slot after the block.
pub fn slot_after(block: &ExecutedBlock, address: Address, slot: u64) -> Option<U256> {
    let slots = block.diff.slots.get(&address)?;
    slots.get(&U256::from(slot)).map(|change| change.after)
}

/// Balance after the block; the account must have changed.
pub fn balance_after(block: &ExecutedBlock, address: Address) -> U256 {
    let after = block.diff.accounts[&address].after;
    after.map_or(U256::ZERO, |account| account.balance)
}
