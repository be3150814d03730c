//! Call objects.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::params;

/// The members of a call object, each parsed with a message of its own.
///
/// alloy's `TransactionRequest` deserialises through flattened maps, which costs more than a small
/// call itself, and refuses some of what clients send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, default)]
    from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to: Option<&'a RawValue>,
    #[serde(borrow, default)]
    gas: Option<&'a RawValue>,
    #[serde(borrow, default)]
    gas_price: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_fee_per_gas: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_priority_fee_per_gas: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_fee_per_blob_gas: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    nonce: Option<&'a RawValue>,
    #[serde(borrow, default)]
    chain_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    access_list: Option<&'a RawValue>,
    #[serde(borrow, default)]
    blob_versioned_hashes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    authorization_list: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
}

fn member<'a, T>(
    name: &str,
    raw: Option<&'a RawValue>,
    parse: impl FnOnce(&'a RawValue) -> Result<T, String>,
) -> Result<Option<T>, String> {
    raw.map(|raw| parse(raw).map_err(|problem| format!("{name}: {problem}")))
        .transpose()
}

/// Gas above 64 bits is simply a lot: it is lowered to the cap later.
fn gas(raw: &RawValue) -> Result<u64, String> {
    Ok(params::u256(raw)?.saturating_to())
}

/// `"0x"` is what some libraries send for a creation.
fn recipient(raw: &RawValue) -> Result<TxKind, String> {
    if matches!(raw.get(), "\"0x\"" | "\"\"") {
        return Ok(TxKind::Create);
    }
    params::address(raw).map(TxKind::Call)
}

fn kind(raw: &RawValue) -> Result<u8, String> {
    params::u64(raw)?
        .try_into()
        .map_err(|_| "no such transaction type".to_owned())
}

/// Parses a call object; unknown members are ignored.
pub(crate) fn call_request(raw: &RawValue) -> Result<TransactionRequest, String> {
    if !raw.get().starts_with('{') {
        return Err("want a call object".into());
    }
    let fields: Fields<'_> = params::json(raw)?;
    let data: Option<Bytes> = member("data", fields.data, params::bytes)?;
    let input: Option<Bytes> = member("input", fields.input, params::bytes)?;
    if let (Some(data), Some(input)) = (&data, &input)
        && data != input
    {
        return Err("both \"data\" and \"input\" are set and not equal. \
             Please use \"input\" to pass transaction call data"
            .into());
    }
    let from: Option<Address> = member("from", fields.from, params::address)?;
    let value: Option<U256> = member("value", fields.value, params::u256)?;
    Ok(TransactionRequest {
        from,
        to: member("to", fields.to, recipient)?,
        gas_price: member("gasPrice", fields.gas_price, params::u128)?,
        max_fee_per_gas: member("maxFeePerGas", fields.max_fee_per_gas, params::u128)?,
        max_priority_fee_per_gas: member(
            "maxPriorityFeePerGas",
            fields.max_priority_fee_per_gas,
            params::u128,
        )?,
        max_fee_per_blob_gas: member(
            "maxFeePerBlobGas",
            fields.max_fee_per_blob_gas,
            params::u128,
        )?,
        gas: member("gas", fields.gas, gas)?,
        value,
        input: TransactionInput::maybe_input(input.or(data)),
        nonce: member("nonce", fields.nonce, params::u64)?,
        chain_id: member("chainId", fields.chain_id, params::u64)?,
        access_list: member("accessList", fields.access_list, params::json)?,
        transaction_type: member("type", fields.kind, kind)?,
        blob_versioned_hashes: member(
            "blobVersionedHashes",
            fields.blob_versioned_hashes,
            params::json,
        )?,
        sidecar: None,
        authorization_list: member("authorizationList", fields.authorization_list, params::json)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<TransactionRequest, String> {
        call_request(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn takes_what_cast_and_the_libraries_send() {
        let request = parse(
            r#"{"from":null,"to":"0x1111111111111111111111111111111111111111",
               "data":"0x1234","input":"0x1234","gas":"0xffffffffffffffffffff",
               "type":"0x2","chainId":"0x1","nonce":"0x0","value":"0x0","accessList":[],
               "maxFeePerGas":null,"extra":true}"#,
        )
        .unwrap();
        assert_eq!(request.input.input().unwrap().as_ref(), [0x12, 0x34]);
        assert_eq!(request.gas, Some(u64::MAX));
        assert_eq!(request.from, None);
        assert_eq!(request.chain_id, Some(1));
    }

    #[test]
    fn equals_alloys_own_parsing() {
        let json = r#"{"from":"0x2222222222222222222222222222222222222222",
            "to":"0x1111111111111111111111111111111111111111","gas":"0x5208",
            "maxFeePerGas":"0x7","maxPriorityFeePerGas":"0x1","value":"0x9","input":"0xaabb",
            "accessList":[{"address":"0x1111111111111111111111111111111111111111",
            "storageKeys":["0x0000000000000000000000000000000000000000000000000000000000000001"]}]}"#;
        let theirs: TransactionRequest = serde_json::from_str(json).unwrap();
        assert_eq!(parse(json).unwrap(), theirs);
    }

    #[test]
    fn refuses_with_the_name_of_the_member() {
        for (json, want) in [
            (r#"{"to":"0x12"}"#, "to: hex string has 2 digits"),
            (r#"{"value":"12"}"#, "value: "),
            (r#"{"data":"0x123"}"#, "data: hex string of odd length"),
            (r#"{"data":"0x12","input":"0x13"}"#, "not equal"),
            (r#"{"accessList":[1]}"#, "accessList: "),
            (r#""0x12""#, "want a call object"),
        ] {
            let problem = parse(json).unwrap_err();
            assert!(problem.contains(want), "{json}: {problem}");
        }
    }
}
