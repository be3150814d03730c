//! Receipts.
//!
//! ```text
//! type 1 ‖ status 1 [‖ root 32] ‖ cumulative gas ‖ gas used ‖ first log index ‖ log count ‖ logs
//! log: emitter 20 ‖ topic count 1 ‖ topics 32 each ‖ data length ‖ data
//! ```
//! The status is 0 for failure, 1 for success, 2 for a receipt from before Byzantium, which has the
//! state root after the transaction instead. Numbers without a width are varints. The bloom is computed again from the logs.

use alloy_consensus::Eip658Value;
use alloy_primitives::{Bytes, Log};
use aura_primitives::Receipt;

use super::{Input, input::put_varint};
use crate::{DecodeError, ReceiptRecord};

/// Topics of a log, EVM limit.
const MAX_TOPICS: u8 = 4;
/// Status byte before a state root.
const POST_STATE: u8 = 2;

/// Appends the encoded receipt to `out`.
pub(crate) fn encode_receipt(
    out: &mut Vec<u8>,
    receipt: &Receipt,
    gas_used: u64,
    first_log_index: u64,
) {
    out.push(receipt.tx_type.into());
    match receipt.status {
        Eip658Value::Eip658(success) => out.push(success.into()),
        Eip658Value::PostState(root) => {
            out.push(POST_STATE);
            out.extend_from_slice(root.as_slice());
        }
    }
    put_varint(out, receipt.cumulative_gas_used);
    put_varint(out, gas_used);
    put_varint(out, first_log_index);
    put_varint(out, receipt.logs.len() as u64);
    for log in &receipt.logs {
        out.extend_from_slice(log.address.as_slice());
        let topics = log.data.topics();
        // At most four: `Log` checks it.
        out.push(topics.len() as u8);
        for topic in topics {
            out.extend_from_slice(topic.as_slice());
        }
        put_varint(out, log.data.data.len() as u64);
        out.extend_from_slice(&log.data.data);
    }
}

fn decode_log(input: &mut Input<'_>) -> Result<Log, DecodeError> {
    let address = input.address()?;
    let count = input.u8()?;
    if count > MAX_TOPICS {
        return Err(DecodeError::NotCanonical("topic count"));
    }
    let mut topics = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        topics.push(input.b256()?);
    }
    let len = input.count()?;
    let data = Bytes::copy_from_slice(input.take(len)?);
    Ok(Log::new_unchecked(address, topics, data))
}

/// Decodes a receipt.
pub(crate) fn decode_receipt(bytes: &[u8]) -> Result<ReceiptRecord, DecodeError> {
    let mut input = Input::new(bytes);
    let tx_type = input.u8()?;
    let tx_type = tx_type
        .try_into()
        .map_err(|_| DecodeError::UnknownTag(tx_type))?;
    let status = match input.u8()? {
        0 => Eip658Value::Eip658(false),
        1 => Eip658Value::Eip658(true),
        POST_STATE => Eip658Value::PostState(input.b256()?),
        _ => return Err(DecodeError::NotCanonical("status")),
    };
    let cumulative_gas_used = input.varint()?;
    let gas_used = input.varint()?;
    let first_log_index = input.varint()?;
    let count = input.count()?;
    // A log takes at least 22 bytes, so damaged counts cannot ask for much memory.
    let mut logs = Vec::with_capacity(count.min(input.rest().len() / 22));
    for _ in 0..count {
        logs.push(decode_log(&mut input)?);
    }
    input.finish()?;
    Ok(ReceiptRecord {
        receipt: Receipt {
            tx_type,
            status,
            cumulative_gas_used,
            logs,
        },
        gas_used,
        first_log_index,
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use aura_primitives::AuraTxType;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn any_log() -> impl Strategy<Value = Log> {
        (
            any::<[u8; 20]>(),
            vec(any::<[u8; 32]>(), 0..5),
            vec(any::<u8>(), 0..200),
        )
            .prop_map(|(address, topics, data)| {
                let topics = topics.into_iter().map(B256::new).collect();
                Log::new_unchecked(Address::new(address), topics, data.into())
            })
    }

    fn any_status() -> impl Strategy<Value = Eip658Value> {
        prop_oneof![
            any::<bool>().prop_map(Eip658Value::Eip658),
            any::<[u8; 32]>().prop_map(|root| Eip658Value::PostState(root.into())),
        ]
    }

    proptest! {
        #[test]
        fn receipt_round_trips_and_every_prefix_fails(
            ty in 0u8..6, status in any_status(), cumulative_gas_used: u64, gas_used: u64,
            first_log_index in 0u64..1_000_000, logs in vec(any_log(), 0..6), cut: prop::sample::Index,
        ) {
            let receipt = Receipt {
                tx_type: AuraTxType::try_from(if ty == 5 { 0x7e } else { ty }).unwrap(), status, cumulative_gas_used, logs,
            };
            let mut bytes = Vec::new();
            encode_receipt(&mut bytes, &receipt, gas_used, first_log_index);
            let record = ReceiptRecord { receipt, gas_used, first_log_index };
            prop_assert_eq!(decode_receipt(&bytes).unwrap(), record);
            prop_assert!(decode_receipt(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn accepted_bytes_are_the_ones_that_are_written(
            head in (0u8..6, 0u8..3, 0u8..128, 0u8..128, 0u8..128, 0u8..3),
            tail in vec(any::<u8>(), 0..120), topics in 0u8..6, data in 0u8..40,
        ) {
            let mut bytes = vec![head.0, head.1, head.2, head.3, head.4, head.5];
            bytes.extend(tail);
            // Steer the first log towards a valid shape.
            if let Some(at) = bytes.get_mut(26) { *at = topics; }
            if let Some(at) = bytes.get_mut(27 + 32 * usize::from(topics)) { *at = data; }
            if head.5 == 0 { bytes.truncate(6); }
            if head.5 == 1 { bytes.truncate(28 + 32 * usize::from(topics) + usize::from(data)); }
            if let Ok(record) = decode_receipt(&bytes) {
                let mut again = Vec::new();
                encode_receipt(&mut again, &record.receipt, record.gas_used, record.first_log_index);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
