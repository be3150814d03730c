//! Turns what clients send into a transaction environment.

use alloy_primitives::TxKind;
use alloy_rpc_types_eth::TransactionRequest;
use revm::{
    context::TxEnv,
    context_interface::{either::Either, transaction::TransactionType},
};

use super::CallError;

/// Facts of the chain and block that a request is completed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) chain_id: u64,
    pub(crate) base_fee: u64,
    pub(crate) gas_cap: u64,
}

/// A request with everything filled in.
#[derive(Debug)]
pub(crate) struct Normalised {
    pub(crate) tx: TxEnv,
    /// The gas limit that the client asked for.
    pub(crate) gas: Option<u64>,
}

/// Completes a request as geth does: absent members get defaults, gas is clamped to the cap, the
/// type follows from the members present, a zero or absent fee means that none is charged.
pub(crate) fn normalise(
    request: TransactionRequest,
    defaults: Defaults,
) -> Result<Normalised, CallError> {
    let (fee_cap, tip) = fees(&request, defaults.base_fee)?;
    if let Some(chain_id) = request.chain_id
        && chain_id != defaults.chain_id
    {
        return Err(invalid(format!(
            "chainId does not match node's (have={chain_id}, want={})",
            defaults.chain_id
        )));
    }
    let tx_type = transaction_type(&request)?;
    let data = request.input.try_into_unique_input().map_err(|_| {
        invalid(
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass \
             transaction call data",
        )
    })?;
    let tx = TxEnv {
        tx_type: tx_type as u8,
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(u64::MAX).min(defaults.gas_cap),
        gas_price: fee_cap,
        gas_priority_fee: tip,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: data.unwrap_or_default(),
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(defaults.chain_id),
        access_list: request.access_list.unwrap_or_default(),
        blob_hashes: request.blob_versioned_hashes.unwrap_or_default(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: request
            .authorization_list
            .unwrap_or_default()
            .into_iter()
            .map(Either::Left)
            .collect(),
    };
    Ok(Normalised {
        tx,
        gas: request.gas,
    })
}

/// Fee cap, and the tip if the request is of EIP-1559's kind.
fn fees(request: &TransactionRequest, base_fee: u64) -> Result<(u128, Option<u128>), CallError> {
    let max_fee = request.max_fee_per_gas;
    let tip = request.max_priority_fee_per_gas;
    if request.gas_price.is_some() && (max_fee.is_some() || tip.is_some()) {
        return Err(invalid(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    let (fee_cap, tip) = match (request.gas_price, max_fee, tip) {
        (Some(price), _, _) => (price, None),
        (None, None, None) => (0, None),
        // Only a tip: it comes on top of whatever the base fee is.
        (None, None, Some(tip)) => (u128::from(base_fee).saturating_add(tip), Some(tip)),
        (None, Some(max_fee), tip) => (max_fee, Some(tip.unwrap_or_default())),
    };
    if let Some(tip) = tip.filter(|tip| *tip > fee_cap) {
        return Err(invalid(format!(
            "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, \
             maxFeePerGas: {fee_cap}"
        )));
    }
    if fee_cap != 0 && fee_cap < u128::from(base_fee) {
        return Err(invalid(format!(
            "max fee per gas less than block base fee: address {}, maxFeePerGas: {fee_cap}, \
             baseFee: {base_fee}",
            request.from.unwrap_or_default()
        )));
    }
    Ok((fee_cap, tip))
}

/// The type that the members present call for; a `type` member adds nothing to them.
fn transaction_type(request: &TransactionRequest) -> Result<TransactionType, CallError> {
    let is_create = !matches!(request.to, Some(TxKind::Call(_)));
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        let no_blobs = request
            .blob_versioned_hashes
            .as_ref()
            .is_none_or(Vec::is_empty);
        if no_blobs {
            return Err(invalid("blob transaction missing blob hashes"));
        }
        if is_create {
            return Err(invalid("missing \"to\" in blob transaction"));
        }
        return Ok(TransactionType::Eip4844);
    }
    if request.authorization_list.is_some() {
        if is_create {
            return Err(invalid("missing \"to\" in EIP-7702 transaction"));
        }
        return Ok(TransactionType::Eip7702);
    }
    if request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some() {
        return Ok(TransactionType::Eip1559);
    }
    if request.access_list.is_some() {
        return Ok(TransactionType::Eip2930);
    }
    Ok(TransactionType::Legacy)
}

pub(crate) fn invalid(message: impl Into<String>) -> CallError {
    CallError::InvalidRequest(message.into())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, Bytes, U256};

    use super::*;

    const DEFAULTS: Defaults = Defaults {
        chain_id: 7,
        base_fee: 100,
        gas_cap: 1_000_000,
    };

    fn parse(json: &str) -> TransactionRequest {
        serde_json::from_str(json).unwrap()
    }

    fn refused(json: &str) -> String {
        normalise(parse(json), DEFAULTS).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_request_is_a_free_creation_by_the_zero_address() {
        let normalised = normalise(parse("{}"), DEFAULTS).unwrap();
        let tx = normalised.tx;
        assert_eq!(tx.caller, Address::ZERO);
        assert_eq!(tx.kind, TxKind::Create);
        assert_eq!((tx.gas_price, tx.gas_limit), (0, 1_000_000));
        assert_eq!((tx.tx_type, tx.chain_id), (0, Some(7)));
        assert_eq!(normalised.gas, None);
    }

    #[test]
    fn null_members_and_equal_data_and_input_are_fine_and_gas_is_clamped() {
        let json = r#"{"from":null,"gas":"0xffffffffff","gasPrice":null,"value":"0x5",
            "data":"0x0102","input":"0x0102","nonce":null,"accessList":null}"#;
        let tx = normalise(parse(json), DEFAULTS).unwrap().tx;
        assert_eq!(tx.data, Bytes::from_static(&[1, 2]));
        assert_eq!((tx.gas_limit, tx.value), (1_000_000, U256::from(5)));
    }

    #[test]
    fn contradictions_are_named() {
        assert!(refused(r#"{"data":"0x01","input":"0x02"}"#).contains("not equal"));
        let conflict = refused(r#"{"gasPrice":"0x1","maxFeePerGas":"0x1"}"#);
        assert!(conflict.starts_with("both gasPrice and"));
        assert!(refused(r#"{"chainId":"0x8"}"#).contains("(have=8, want=7)"));
        let low = refused(r#"{"gasPrice":"0x63"}"#);
        assert!(low.starts_with("max fee per gas less than block base fee"));
        let tip = refused(r#"{"maxFeePerGas":"0x64","maxPriorityFeePerGas":"0x65"}"#);
        assert!(tip.starts_with("max priority fee per gas higher than max fee per gas"));
        let blobs =
            r#"{"to":"0x0000000000000000000000000000000000000001","blobVersionedHashes":[]}"#;
        assert_eq!(refused(blobs), "blob transaction missing blob hashes");
    }

    #[test]
    fn type_follows_from_the_members() {
        let request = |edit: fn(&mut TransactionRequest)| {
            let mut request = TransactionRequest::default().to(Address::ZERO);
            edit(&mut request);
            normalise(request, DEFAULTS).unwrap().tx.tx_type
        };
        assert_eq!(request(|_| {}), 0);
        assert_eq!(request(|r| r.access_list = Some(Default::default())), 1);
        assert_eq!(request(|r| r.max_priority_fee_per_gas = Some(1)), 2);
        assert_eq!(
            request(|r| r.blob_versioned_hashes = Some(vec![B256::ZERO])),
            3
        );
        assert_eq!(request(|r| r.authorization_list = Some(Vec::new())), 4);
    }

    #[test]
    fn a_tip_alone_comes_on_top_of_the_base_fee() {
        let tx = normalise(parse(r#"{"maxPriorityFeePerGas":"0x2"}"#), DEFAULTS)
            .unwrap()
            .tx;
        assert_eq!((tx.gas_price, tx.gas_priority_fee), (102, Some(2)));
    }
}
