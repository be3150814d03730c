//! The transaction that an entry of the queue becomes on L2.

use alloy_consensus::{Sealable, Transaction, Typed2718};
use alloy_eips::{
    eip2718::{Decodable2718, Eip2718Error, Eip2718Result, Encodable2718, IsTyped2718},
    eip2930::AccessList,
    eip7702::SignedAuthorization,
};
use alloy_primitives::{Address, B256, Bytes, ChainId, TxKind, U256, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};

use crate::bridge::{MessageKind, QueueMessage, predeploys};

/// EIP-2718 type of a deposit transaction, as on OP chains.
pub const DEPOSIT_TX_TYPE: u8 = 0x7e;

/// An entry of the portal's queue as a transaction of L2. Nobody signs it: the queue vouches for it.
///
/// ```text
/// 0x7E ‖ rlp([source hash, from, to, mint, value, gas, is system, input])
/// ```
/// The field list and encoding are those of OP chains, so that tools which know these can read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, RlpEncodable, RlpDecodable)]
pub struct TxDeposit {
    /// Names the entry: no two deposits have the same.
    pub source_hash: B256,
    /// Sender on L2.
    pub from: Address,
    /// Recipient; a deposit never creates a contract.
    pub to: Address,
    /// Wei that come into being on L2.
    pub mint: U256,
    /// Wei that `to` receives.
    pub value: U256,
    /// Gas limit; 0 for a credit.
    pub gas: u64,
    /// The node's own call: without fee and nonce.
    pub is_system: bool,
    /// Input of the call.
    pub input: Bytes,
}

/// What stands for the nonce of a deposit, which has none: 2^31 - 1, a nonce that no account comes to
/// and the largest that explorers keep (Blockscout's database has 32 bits with a sign for it).
///
/// Clients such as viem take transactions of one sender with the same nonce for replacements of each
/// other: zero would make the deposit the replacement of its sender's first transaction.
pub const NO_NONCE: u64 = (1 << 31) - 1;

/// How a deposit is executed; it follows from the transaction alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DepositRule {
    /// `to` gets the minted ether, no code runs. It cannot fail.
    Credit,
    /// A call from the system address, without fee and nonce.
    System,
    /// A transaction of the sender's, paid with the sender's ether.
    Forced,
}

impl TxDeposit {
    /// What `message` becomes on L2. The source hash is [`QueueMessage::source_hash`].
    pub fn from_message(message: &QueueMessage, source_hash: B256) -> Self {
        let deposit = Self {
            source_hash,
            from: message.from,
            to: message.to,
            gas: message.gas_limit,
            input: message.data.clone(),
            ..Self::default()
        };
        match message.kind {
            MessageKind::Credit => Self {
                mint: message.mint,
                value: message.mint,
                gas: 0,
                input: Bytes::new(),
                ..deposit
            },
            MessageKind::Forced => Self {
                mint: message.mint,
                value: message.value,
                ..deposit
            },
            MessageKind::TokenDeposit | MessageKind::Registration | MessageKind::Configuration => {
                Self {
                    from: predeploys::SYSTEM,
                    is_system: true,
                    ..deposit
                }
            }
        }
    }

    /// How it is executed.
    pub const fn rule(&self) -> DepositRule {
        match (self.is_system, self.gas) {
            (true, _) => DepositRule::System,
            (false, 0) => DepositRule::Credit,
            (false, _) => DepositRule::Forced,
        }
    }

    /// Hash of the transaction.
    pub fn tx_hash(&self) -> B256 {
        keccak256(self.encoded_2718())
    }
}

impl Typed2718 for TxDeposit {
    fn ty(&self) -> u8 {
        DEPOSIT_TX_TYPE
    }
}

impl IsTyped2718 for TxDeposit {
    fn is_type(type_id: u8) -> bool {
        type_id == DEPOSIT_TX_TYPE
    }
}

impl Encodable2718 for TxDeposit {
    fn encode_2718_len(&self) -> usize {
        1 + self.length()
    }

    fn encode_2718(&self, out: &mut dyn BufMut) {
        out.put_u8(DEPOSIT_TX_TYPE);
        self.encode(out);
    }
}

impl Decodable2718 for TxDeposit {
    fn typed_decode(ty: u8, buf: &mut &[u8]) -> Eip2718Result<Self> {
        if ty != DEPOSIT_TX_TYPE {
            return Err(Eip2718Error::UnexpectedType(ty));
        }
        Ok(Self::decode(buf)?)
    }

    fn fallback_decode(_buf: &mut &[u8]) -> Eip2718Result<Self> {
        // What has no type byte is a legacy transaction.
        Err(Eip2718Error::UnexpectedType(0))
    }
}

impl Sealable for TxDeposit {
    fn hash_slow(&self) -> B256 {
        self.tx_hash()
    }
}

impl Transaction for TxDeposit {
    fn chain_id(&self) -> Option<ChainId> {
        None
    }

    fn nonce(&self) -> u64 {
        NO_NONCE
    }

    fn gas_limit(&self) -> u64 {
        self.gas
    }

    fn gas_price(&self) -> Option<u128> {
        None
    }

    fn max_fee_per_gas(&self) -> u128 {
        0
    }

    fn max_priority_fee_per_gas(&self) -> Option<u128> {
        None
    }

    fn max_fee_per_blob_gas(&self) -> Option<u128> {
        None
    }

    fn priority_fee_or_price(&self) -> u128 {
        0
    }

    fn effective_gas_price(&self, _base_fee: Option<u64>) -> u128 {
        0
    }

    fn is_dynamic_fee(&self) -> bool {
        false
    }

    fn kind(&self) -> TxKind {
        TxKind::Call(self.to)
    }

    fn is_create(&self) -> bool {
        false
    }

    fn value(&self) -> U256 {
        self.value
    }

    fn input(&self) -> &Bytes {
        &self.input
    }

    fn access_list(&self) -> Option<&AccessList> {
        None
    }

    fn blob_versioned_hashes(&self) -> Option<&[B256]> {
        None
    }

    fn authorization_list(&self) -> Option<&[SignedAuthorization]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{RecoveredTx, TransactionError, TxEnvelope};

    fn any_deposit() -> impl Strategy<Value = TxDeposit> {
        let addresses = (any::<[u8; 20]>(), any::<[u8; 20]>());
        let amounts = (any::<[u64; 4]>(), any::<u64>(), any::<u64>());
        let rest = (any::<[u8; 32]>(), any::<bool>(), vec(any::<u8>(), 0..100));
        (addresses, amounts, rest).prop_map(|((from, to), (mint, value, gas), rest)| TxDeposit {
            source_hash: rest.0.into(),
            from: from.into(),
            to: to.into(),
            mint: U256::from_limbs(mint),
            value: U256::from(value),
            gas,
            is_system: rest.1,
            input: rest.2.into(),
        })
    }

    fn message(kind: MessageKind) -> QueueMessage {
        QueueMessage {
            id: 7,
            kind,
            l1_sender: Address::repeat_byte(1),
            from: Address::repeat_byte(2),
            to: Address::repeat_byte(3),
            mint: U256::from(10),
            value: U256::from(4),
            gas_limit: 50_000,
            data: vec![1, 2, 3].into(),
        }
    }

    #[test]
    fn encoding_is_that_of_op_chains() {
        // rlp of the eight fields, as op-geth's `types.DepositTx` writes them.
        let deposit = TxDeposit {
            source_hash: B256::repeat_byte(0x11),
            from: Address::repeat_byte(0x22),
            to: Address::repeat_byte(0x33),
            mint: U256::from(1_000),
            value: U256::ZERO,
            gas: 21_000,
            is_system: false,
            input: vec![0xab].into(),
        };
        let mut want = hex::decode("7ef855a0").unwrap();
        want.extend([0x11; 32]);
        want.push(0x94);
        want.extend([0x22; 20]);
        want.push(0x94);
        want.extend([0x33; 20]);
        want.extend(hex::decode("8203e8808252088081ab").unwrap());
        assert_eq!(deposit.encoded_2718(), want);
        assert_eq!(deposit.encode_2718_len(), want.len());
    }

    #[test]
    fn every_kind_of_message_has_its_rule() {
        let deposit = |kind| TxDeposit::from_message(&message(kind), B256::repeat_byte(9));
        let credit = deposit(MessageKind::Credit);
        assert_eq!(credit.rule(), DepositRule::Credit);
        assert_eq!(credit.value, credit.mint);
        assert_eq!((credit.gas, credit.input.len()), (0, 0));
        let forced = deposit(MessageKind::Forced);
        assert_eq!(forced.rule(), DepositRule::Forced);
        assert_eq!(forced.from, Address::repeat_byte(2));
        assert_eq!((forced.mint, forced.value), (U256::from(10), U256::from(4)));
        use MessageKind::{Configuration, Registration, TokenDeposit};
        for kind in [TokenDeposit, Registration, Configuration] {
            let system = deposit(kind);
            assert_eq!(system.rule(), DepositRule::System);
            assert_eq!(system.from, predeploys::SYSTEM);
            assert_eq!((system.mint, system.value), (U256::ZERO, U256::ZERO));
            assert_eq!((system.gas, system.input.len()), (50_000, 3));
        }
    }

    proptest! {
        #[test]
        fn a_deposit_survives_its_encoding(deposit in any_deposit()) {
            let tx = RecoveredTx::deposit(deposit.clone());
            prop_assert_eq!(tx.sender(), deposit.from);
            prop_assert_eq!(tx.hash(), keccak256(tx.encoded()));
            prop_assert_eq!(tx.tx_type(), DEPOSIT_TX_TYPE);
            let again = RecoveredTx::try_decode(tx.encoded().clone()).unwrap();
            prop_assert_eq!(&again, &tx);
            prop_assert_eq!(again.as_deposit(), Some(&deposit));
            let network = alloy_rlp::encode(tx.envelope());
            let decoded = TxEnvelope::decode(&mut network.as_slice()).unwrap();
            prop_assert_eq!(&decoded, tx.envelope());
        }

        #[test]
        fn every_prefix_and_every_longer_string_is_refused(
            deposit in any_deposit(), cut: prop::sample::Index, extra: u8,
        ) {
            let bytes = deposit.encoded_2718();
            let cut = cut.index(bytes.len());
            prop_assert!(RecoveredTx::try_decode(bytes[..cut].to_vec().into()).is_err());
            let longer = [bytes.as_slice(), &[extra]].concat();
            prop_assert_eq!(
                RecoveredTx::try_decode(longer.into()),
                Err(TransactionError::TrailingBytes(1))
            );
        }

        #[test]
        fn accepted_bytes_are_the_ones_that_are_written(
            deposit in any_deposit(), at: prop::sample::Index, value: u8,
        ) {
            let mut bytes = deposit.encoded_2718();
            let at = at.index(bytes.len());
            bytes[at] = value;
            if let Ok(tx) = TxDeposit::decode_2718_exact(&bytes) {
                prop_assert_eq!(tx.encoded_2718(), bytes);
            }
        }
    }
}
