//! From a call object to an unsigned transaction.

use std::sync::Arc;

use alloy_consensus::{
    SignableTransaction, Transaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use aura_primitives::{RecoveredTx, TxEnvelope};
use revm::context_interface::result::InvalidTransaction;

use super::SimulateError;

/// What a call is completed with.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Chain id.
    pub chain_id: u64,
    /// Nonce, if the call names none.
    pub nonce: u64,
    /// Gas limit, if the call names none or more.
    pub gas: u64,
    /// The block has a base fee, so transactions may be of EIP-1559's kind.
    pub has_base_fee: bool,
}

/// Makes the transaction that stands in the block.
///
/// Its type follows from the members: authorizations, blobs, else a price makes it legacy (2930
/// with an access list), else it is of EIP-1559's kind. All words of the signature are zero.
///
/// # Errors
/// [`SimulateError::InvalidRequest`] if the call contradicts itself or the chain.
pub fn unsigned(
    request: TransactionRequest,
    defaults: Defaults,
) -> Result<Arc<RecoveredTx>, SimulateError> {
    check(&request, defaults.chain_id)?;
    let sender = request.from.unwrap_or_default();
    let to = request.to.unwrap_or(TxKind::Create);
    let fields = Fields {
        chain_id: defaults.chain_id,
        nonce: request.nonce.unwrap_or(defaults.nonce),
        gas_limit: request.gas.unwrap_or(defaults.gas).min(defaults.gas),
        value: request.value.unwrap_or_default(),
        input: request.input.into_input().unwrap_or_default(),
        max_fee: request.max_fee_per_gas.unwrap_or_default(),
        tip: request.max_priority_fee_per_gas.unwrap_or_default(),
        to,
    };
    let access_list = request.access_list.unwrap_or_default();
    let price = match request.gas_price {
        None if !defaults.has_base_fee => Some(0),
        price => price,
    };
    let envelope = match price {
        Some(price) if access_list.is_empty() => {
            return Ok(Arc::new(RecoveredTx::unsigned_legacy(
                fields.legacy(price),
                sender,
            )));
        }
        Some(price) => seal(TxEip2930 {
            chain_id: fields.chain_id,
            nonce: fields.nonce,
            gas_price: price,
            gas_limit: fields.gas_limit,
            to,
            value: fields.value,
            access_list,
            input: fields.input,
        }),
        None => match (request.authorization_list, request.blob_versioned_hashes) {
            (Some(authorization_list), _) => seal(TxEip7702 {
                authorization_list,
                access_list,
                ..fields.eip7702()?
            }),
            (None, Some(blob_versioned_hashes)) => seal(TxEip4844 {
                blob_versioned_hashes,
                max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
                access_list,
                ..fields.eip4844()?
            }),
            (None, None) => seal(TxEip1559 {
                access_list,
                ..fields.eip1559()
            }),
        },
    };
    Ok(Arc::new(RecoveredTx::new(envelope, sender)))
}

fn check(request: &TransactionRequest, chain_id: u64) -> Result<(), SimulateError> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(invalid(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    match request.chain_id {
        Some(other) if other != chain_id => Err(invalid(format!(
            "chainId does not match node's (have={other}, want={chain_id})"
        ))),
        _ => Ok(()),
    }
}

fn invalid(message: impl Into<String>) -> SimulateError {
    SimulateError::InvalidRequest(message.into())
}

/// What transactions of every type have.
struct Fields {
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    max_fee: u128,
    tip: u128,
}

impl Fields {
    fn callee(&self, kind: &str) -> Result<Address, SimulateError> {
        self.to
            .to()
            .copied()
            .ok_or_else(|| invalid(format!("missing \"to\" in {kind} transaction")))
    }

    fn legacy(self, gas_price: u128) -> TxLegacy {
        TxLegacy {
            chain_id: None,
            nonce: self.nonce,
            gas_price,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            input: self.input,
        }
    }

    fn eip1559(self) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input,
        }
    }

    fn eip4844(self) -> Result<TxEip4844, SimulateError> {
        Ok(TxEip4844 {
            to: self.callee("blob")?,
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            value: self.value,
            input: self.input,
            ..TxEip4844::default()
        })
    }

    fn eip7702(self) -> Result<TxEip7702, SimulateError> {
        Ok(TxEip7702 {
            to: self.callee("EIP-7702")?,
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            value: self.value,
            input: self.input,
            ..TxEip7702::default()
        })
    }
}

fn seal<T>(tx: T) -> TxEnvelope
where
    T: SignableTransaction<Signature>,
    alloy_consensus::Signed<T>: Into<TxEnvelope>,
{
    tx.into_signed(Signature::new(U256::ZERO, U256::ZERO, false))
        .into()
}

/// Nonce and balance of a sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Funds {
    pub(super) nonce: u64,
    pub(super) balance: U256,
}

/// Checks what depends on sender and block, in geth's order: nonce, fees, funds.
///
/// The EVM checks it all again, but in another order, and the specification has a code for each
/// fault. Without validation nonces are free, and fees are checked only if there are any.
pub(super) fn check_sender(
    tx: &RecoveredTx,
    sender: Funds,
    base_fee: u64,
    validation: bool,
) -> Result<(), InvalidTransaction> {
    let envelope = tx.envelope();
    if validation {
        let (tx, state) = (envelope.nonce(), sender.nonce);
        if tx < state {
            return Err(InvalidTransaction::NonceTooLow { tx, state });
        }
        if tx > state {
            return Err(InvalidTransaction::NonceTooHigh { tx, state });
        }
        if tx == u64::MAX {
            return Err(InvalidTransaction::NonceOverflowInTransaction);
        }
    }
    let fee_cap = envelope.max_fee_per_gas();
    let tip = envelope.max_priority_fee_per_gas().unwrap_or_default();
    if validation || fee_cap != 0 || tip != 0 {
        if tip > fee_cap {
            return Err(InvalidTransaction::PriorityFeeGreaterThanMaxFee);
        }
        if fee_cap < u128::from(base_fee) {
            return Err(InvalidTransaction::GasPriceLessThanBasefee);
        }
    }
    let blob_gas = U256::from(envelope.blob_gas_used().unwrap_or_default());
    let blob_fee = U256::from(envelope.max_fee_per_blob_gas().unwrap_or_default());
    let gas_cost = U256::from(envelope.gas_limit()) * U256::from(fee_cap);
    // Neither product exceeds 192 bits, so only the value can make the sum overflow.
    let cost = (gas_cost + blob_gas * blob_fee)
        .checked_add(envelope.value())
        .ok_or(InvalidTransaction::OverflowPaymentInTransaction)?;
    if cost > sender.balance {
        return Err(InvalidTransaction::LackOfFundForMaxFee {
            fee: Box::new(cost),
            balance: Box::new(sender.balance),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, b256};

    use super::*;

    const DEFAULTS: Defaults = Defaults {
        chain_id: 3_503_995_874_084_926,
        nonce: 0,
        gas: 50_000_000,
        has_base_fee: true,
    };

    fn request() -> TransactionRequest {
        TransactionRequest::default()
            .from(Address::with_last_byte(1))
            .to(Address::with_last_byte(2))
    }

    #[test]
    fn the_hash_is_that_of_an_envelope_without_signature() {
        // As recorded in execution-apis, ethSimulate-simple.
        let mut sender = [0; 20];
        sender[0] = 0xc0;
        let mut callee = [0; 20];
        callee[0] = 0xc1;
        let request = TransactionRequest::default()
            .from(sender.into())
            .to(callee.into())
            .value(U256::from(1_000));
        let tx = unsigned(request, DEFAULTS).unwrap();
        let want = b256!("f1c5abb08809ef760f87aeabe7a87284c60797192dab6d2f0d26c27c9c038e9d");
        assert_eq!(tx.hash(), want);
        assert_eq!(tx.sender(), Address::new(sender));
    }

    #[test]
    fn the_type_follows_from_the_members() {
        let tx_type = |edit: fn(&mut TransactionRequest)| {
            let mut request = request();
            edit(&mut request);
            unsigned(request, DEFAULTS).unwrap().tx_type()
        };
        assert_eq!(tx_type(|_| {}), 2);
        assert_eq!(tx_type(|r| r.gas_price = Some(1)), 0);
        assert_eq!(tx_type(|r| r.max_fee_per_blob_gas = Some(0)), 2);
        assert_eq!(
            tx_type(|r| r.blob_versioned_hashes = Some(vec![B256::ZERO])),
            3
        );
        assert_eq!(tx_type(|r| r.authorization_list = Some(Vec::new())), 4);
        let before_london = Defaults {
            has_base_fee: false,
            ..DEFAULTS
        };
        assert_eq!(unsigned(request(), before_london).unwrap().tx_type(), 0);
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |request| unsigned(request, DEFAULTS).unwrap_err().to_string();
        let both = request().gas_limit(1).max_fee_per_gas(1);
        let both = TransactionRequest {
            gas_price: Some(1),
            ..both
        };
        assert!(refused(both).contains("both gasPrice"));
        let other_chain = TransactionRequest {
            chain_id: Some(1),
            ..request()
        };
        assert!(refused(other_chain).contains("chainId does not match"));
        let creation = TransactionRequest {
            blob_versioned_hashes: Some(vec![B256::ZERO]),
            ..Default::default()
        };
        assert!(refused(creation).contains("missing \"to\""));
    }

    #[test]
    fn faults_are_found_in_geths_order() {
        let check = |request: TransactionRequest, validation| {
            let tx = unsigned(request, DEFAULTS).unwrap();
            let sender = Funds {
                nonce: 5,
                balance: U256::from(1_000),
            };
            check_sender(&tx, sender, 10, validation).map_err(|e| super::super::TxFault::of(&e))
        };
        use super::super::TxFault as Fault;
        let free = request().value(U256::from(1_000));
        assert_eq!(check(free.clone(), false), Ok(()));
        assert_eq!(check(free, true), Err(Fault::NonceTooLow));
        assert_eq!(check(request().nonce(6), true), Err(Fault::NonceTooHigh));
        assert_eq!(check(request().nonce(5), true), Err(Fault::FeeCapTooLow));
        let low = request().max_fee_per_gas(9);
        assert_eq!(check(low, false), Err(Fault::FeeCapTooLow));
        let tip = request().max_priority_fee_per_gas(1);
        assert_eq!(check(tip, false), Err(Fault::TipAboveFeeCap));
        let dear = request().max_fee_per_gas(10).gas_limit(101);
        assert_eq!(check(dear, false), Err(Fault::InsufficientFunds));
        let affordable = request().max_fee_per_gas(10).gas_limit(100);
        assert_eq!(check(affordable, false), Ok(()));
        let endless = request().value(U256::MAX).max_fee_per_gas(10);
        assert_eq!(check(endless, false), Err(Fault::InsufficientFunds));
    }
}
