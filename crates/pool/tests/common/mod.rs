//! A chain of blocks without execution: real storage, real signatures, a ledger of plain transfers.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::{path::PathBuf, sync::Arc};

use alloy_consensus::{
    Header, Receipt as Outcome, SignableTransaction, Transaction, TxEip1559, TxEip2930, TxEip7702,
    TxLegacy,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Sealable, TxKind, U256, address};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use aura_chainspec::ChainSpec;
use aura_pool::{Pool, PoolConfig, PoolError};
use aura_primitives::{
    Account, AccountChange, AuraTxType, CommittedBlock, HeadLabel, Receipt, RecoveredTx,
    SealedBlock, StateDiff, TxEnvelope,
};
use aura_storage::{ChainIdentity, Store, StoreConfig, TreeChanges};

pub const GWEI: u128 = 1_000_000_000;
pub const ETHER: u128 = 1_000_000_000 * GWEI;
pub const RECIPIENT: Address = address!("00000000000000000000000000000000deadbeef");

const DEV_GENESIS: &str = include_str!("../../../../genesis/dev.json");

pub struct TestChain {
    pub dir: tempfile::TempDir,
    pub spec: Arc<ChainSpec>,
    pub store: Store,
    pub keys: Vec<PrivateKeySigner>,
}

/// A transfer to be signed; fields are set by hand.
#[derive(Debug, Clone)]
pub struct Call {
    pub chain_id: u64,
    pub nonce: u64,
    pub gas_limit: u64,
    pub fee_cap: u128,
    pub tip: u128,
    pub value: U256,
    pub input: Bytes,
    pub to: TxKind,
}

pub fn call(nonce: u64) -> Call {
    Call {
        chain_id: 13_371,
        nonce,
        gas_limit: 21_000,
        fee_cap: 10 * GWEI,
        tip: GWEI,
        value: U256::from(1),
        input: Bytes::new(),
        to: TxKind::Call(RECIPIENT),
    }
}

impl Call {
    pub fn fees(mut self, fee_cap: u128, tip: u128) -> Self {
        (self.fee_cap, self.tip) = (fee_cap, tip);
        self
    }

    pub fn dynamic(&self) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee_cap,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        }
    }

    pub fn legacy(&self, chain_id: Option<u64>) -> TxLegacy {
        TxLegacy {
            chain_id,
            nonce: self.nonce,
            gas_price: self.fee_cap,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            input: self.input.clone(),
        }
    }

    pub fn access_list(&self) -> TxEip2930 {
        TxEip2930 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_price: self.fee_cap,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        }
    }

    pub fn set_code(&self, list: Vec<alloy_eips::eip7702::SignedAuthorization>) -> TxEip7702 {
        TxEip7702 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee_cap,
            max_priority_fee_per_gas: self.tip,
            to: RECIPIENT,
            value: self.value,
            access_list: Default::default(),
            authorization_list: list,
            input: self.input.clone(),
        }
    }
}

/// Signs a transaction of any type into its bytes.
pub fn sign<T>(key: &PrivateKeySigner, tx: T) -> Bytes
where
    T: SignableTransaction<alloy_primitives::Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    envelope.encoded_2718().into()
}

impl TestChain {
    /// A chain with `senders` accounts of 10 ether each.
    pub fn new(senders: usize) -> Self {
        Self::with_genesis(senders, |_| ())
    }

    pub fn with_genesis(senders: usize, edit: impl FnOnce(&mut serde_json::Value)) -> Self {
        let keys: Vec<_> = (1..=senders as u64)
            .map(|number| {
                PrivateKeySigner::from_bytes(&B256::left_padding_from(&number.to_be_bytes()))
                    .unwrap()
            })
            .collect();
        let mut genesis: serde_json::Value = serde_json::from_str(DEV_GENESIS).unwrap();
        for key in &keys {
            let funds = GenesisAccount::default().with_balance(U256::from(10 * ETHER));
            genesis["alloc"][key.address().to_string().to_lowercase()] =
                serde_json::to_value(funds).unwrap();
        }
        edit(&mut genesis);
        let spec = Arc::new(ChainSpec::from_genesis_json(&genesis.to_string()).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(
            &dir.path().join("db"),
            &StoreConfig {
                max_size_bytes: 1 << 30,
                growth_step_bytes: 1 << 22,
                durable: false,
                ..StoreConfig::default()
            },
        )
        .unwrap();
        let header = spec.genesis_header(B256::ZERO).seal_slow();
        let identity = ChainIdentity {
            chain_id: spec.chain_id(),
            genesis_hash: header.seal(),
        };
        let block = SealedBlock {
            l1_info: None,
            header,
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals: Some(Default::default()),
        };
        store
            .init(identity, &block, &spec.genesis_state(), 0)
            .unwrap();
        Self {
            dir,
            spec,
            store,
            keys,
        }
    }

    pub fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    pub fn pool(&self) -> Pool {
        self.pool_with(PoolConfig::default())
    }

    pub fn pool_with(&self, config: PoolConfig) -> Pool {
        Pool::open(config, Arc::clone(&self.spec), self.store.clone()).unwrap()
    }

    /// A pool with a journal. Fails while another one has it open.
    pub fn journalled_pool(&self) -> Pool {
        self.pool_with(PoolConfig {
            journal: Some(self.journal()),
            ..PoolConfig::default()
        })
    }

    pub fn address(&self, sender: usize) -> Address {
        self.keys[sender].address()
    }

    pub fn signed(&self, sender: usize, call: &Call) -> Bytes {
        sign(&self.keys[sender], call.dynamic())
    }

    pub fn submit(&self, pool: &Pool, sender: usize, call: &Call) -> Result<B256, PoolError> {
        pool.submit(self.signed(sender, call))
    }

    pub fn account(&self, address: Address) -> Account {
        let reader = self.store.reader().unwrap();
        reader.account(address).unwrap().unwrap_or_default()
    }

    fn head(&self) -> Header {
        let reader = self.store.reader().unwrap();
        let head = reader.head(HeadLabel::Unsafe).unwrap();
        reader.header(head.number).unwrap().unwrap().into_inner()
    }

    /// Makes a block of `txs` durable; each costs gas limit times fee cap plus value.
    pub fn commit(&self, txs: &[Arc<RecoveredTx>]) -> CommittedBlock {
        self.commit_with(txs, &[])
    }

    /// Like [`Self::commit`], and sets accounts to given values.
    pub fn commit_with(
        &self,
        txs: &[Arc<RecoveredTx>],
        changes: &[(Address, Account)],
    ) -> CommittedBlock {
        let block = self.build(txs, changes);
        self.put(&block);
        block
    }

    pub fn put(&self, block: &CommittedBlock) {
        let mut writer = self.store.writer().unwrap();
        let tree = TreeChanges::without_nodes(&block.diff);
        writer.put_block(block, &tree).unwrap();
        writer.commit().unwrap();
    }

    pub fn build(
        &self,
        txs: &[Arc<RecoveredTx>],
        changes: &[(Address, Account)],
    ) -> CommittedBlock {
        let parent = self.head();
        let mut diff = StateDiff::default();
        for tx in txs {
            let change = diff.accounts.entry(tx.sender()).or_insert_with(|| {
                let before = Some(self.account(tx.sender()));
                AccountChange {
                    before,
                    after: before,
                }
            });
            let after = change.after.as_mut().unwrap();
            assert_eq!(
                after.nonce,
                tx.envelope().nonce(),
                "block breaks nonce order"
            );
            after.nonce += 1;
            after.balance -= tx.envelope().value()
                + U256::from(tx.envelope().max_fee_per_gas())
                    * U256::from(tx.envelope().gas_limit());
        }
        for (address, after) in changes {
            let before = Some(self.account(*address)).filter(|account| !account.is_empty());
            diff.accounts.insert(
                *address,
                AccountChange {
                    before,
                    after: Some(*after),
                },
            );
        }
        let header = Header {
            parent_hash: parent.hash_slow(),
            number: parent.number + 1,
            timestamp: parent.timestamp + 1,
            base_fee_per_gas: Some(self.spec.next_base_fee(&parent)),
            ..parent
        };
        let receipts = txs
            .iter()
            .enumerate()
            .map(|(index, tx)| Receipt {
                tx_type: AuraTxType::try_from(tx.tx_type()).unwrap(),
                status: true.into(),
                cumulative_gas_used: 21_000 * (index as u64 + 1),
                logs: Outcome::<alloy_primitives::Log>::default().logs,
            })
            .collect();
        CommittedBlock {
            block: SealedBlock {
                l1_info: None,
                header: header.seal_slow(),
                transactions: txs.to_vec(),
                ommers: Vec::new(),
                withdrawals: Some(Default::default()),
            },
            receipts,
            diff: Arc::new(diff),
        }
    }

    /// Removes the newest block from the database; returns its transactions.
    pub fn unwind(&self) -> Vec<Arc<RecoveredTx>> {
        let mut writer = self.store.writer().unwrap();
        let unwound = writer.unwind_block().unwrap();
        writer.commit().unwrap();
        unwound.block.transactions
    }
}

/// A base fee at which every transaction of these tests that means to can run.
pub const BASE_FEE: u64 = GWEI as u64;

pub fn hashes(txs: &[Arc<RecoveredTx>]) -> Vec<B256> {
    txs.iter().map(|tx| tx.hash()).collect()
}
