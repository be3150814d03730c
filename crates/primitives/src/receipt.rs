//! Outcome of one transaction.

use alloy_consensus::{Eip658Value, Eip2718EncodableReceipt, RlpEncodableReceipt, TxReceipt};
use alloy_eips::Typed2718;
use alloy_primitives::{B256, Bloom, Log};
use alloy_rlp::{BufMut, Encodable, Header};

use crate::AuraTxType;

/// Outcome of one transaction: type, status or post state, cumulative gas and logs.
///
/// ```text
/// EIP-2718: [type 1, unless 0] ‖ rlp([status or root, cumulative gas, bloom, logs])
/// network:  a list if the type is 0, else an RLP string that holds the EIP-2718 bytes
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Type of the transaction.
    pub tx_type: AuraTxType,
    /// Success from Byzantium on (EIP-658), before it the state root after the transaction.
    pub status: Eip658Value,
    /// Gas used in the block up to and including this transaction.
    pub cumulative_gas_used: u64,
    /// Logs in order.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// Returns `true` if the transaction succeeded, or if the receipt predates Byzantium and does
    /// not say.
    pub const fn is_success(&self) -> bool {
        self.status.coerce_status()
    }

    /// State root after the transaction; `None` from Byzantium on.
    pub const fn post_state(&self) -> Option<B256> {
        self.status.as_post_state()
    }

    fn list_header(&self, bloom: &Bloom) -> Header {
        Header {
            list: true,
            payload_length: self.status.length()
                + self.cumulative_gas_used.length()
                + bloom.length()
                + self.logs.length(),
        }
    }
}

impl Typed2718 for Receipt {
    fn ty(&self) -> u8 {
        self.tx_type.into()
    }
}

impl TxReceipt for Receipt {
    type Log = Log;

    fn status_or_post_state(&self) -> Eip658Value {
        self.status
    }

    fn status(&self) -> bool {
        self.is_success()
    }

    fn bloom(&self) -> Bloom {
        alloy_primitives::logs_bloom(&self.logs)
    }

    fn cumulative_gas_used(&self) -> u64 {
        self.cumulative_gas_used
    }

    fn logs(&self) -> &[Log] {
        &self.logs
    }

    fn into_logs(self) -> Vec<Log> {
        self.logs
    }
}

impl Eip2718EncodableReceipt for Receipt {
    fn eip2718_encoded_length_with_bloom(&self, bloom: &Bloom) -> usize {
        usize::from(!self.is_legacy()) + self.list_header(bloom).length_with_payload()
    }

    fn eip2718_encode_with_bloom(&self, bloom: &Bloom, out: &mut dyn BufMut) {
        if !self.is_legacy() {
            out.put_u8(self.ty());
        }
        self.list_header(bloom).encode(out);
        self.status.encode(out);
        self.cumulative_gas_used.encode(out);
        bloom.encode(out);
        self.logs.encode(out);
    }
}

impl RlpEncodableReceipt for Receipt {
    fn rlp_encoded_length_with_bloom(&self, bloom: &Bloom) -> usize {
        let payload_length = self.eip2718_encoded_length_with_bloom(bloom);
        if self.is_legacy() {
            payload_length
        } else {
            let list = false;
            let header = Header {
                list,
                payload_length,
            };
            header.length_with_payload()
        }
    }

    fn rlp_encode_with_bloom(&self, bloom: &Bloom, out: &mut dyn BufMut) {
        if !self.is_legacy() {
            let header = Header {
                list: false,
                payload_length: self.eip2718_encoded_length_with_bloom(bloom),
            };
            header.encode(out);
        }
        self.eip2718_encode_with_bloom(bloom, out);
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::ReceiptEnvelope;
    use alloy_eips::eip2718::{Decodable2718, Encodable2718};
    use alloy_primitives::Address;
    use alloy_rlp::Decodable;

    use super::*;

    fn receipts() -> impl Iterator<Item = Receipt> {
        let topics = vec![B256::repeat_byte(3)];
        let log = Log::new_unchecked(Address::repeat_byte(1), topics, vec![7; 60].into());
        let statuses = [
            Eip658Value::Eip658(true),
            Eip658Value::Eip658(false),
            Eip658Value::PostState(B256::repeat_byte(9)),
        ];
        (0..5u8).flat_map(move |ty| {
            let log = log.clone();
            statuses.map(|status| Receipt {
                tx_type: AuraTxType::try_from(ty).unwrap(),
                status,
                cumulative_gas_used: 300_000,
                logs: vec![log.clone(); usize::from(ty)],
            })
        })
    }

    #[test]
    fn both_encodings_are_those_of_ethereum() {
        for receipt in receipts() {
            let (ty, post_state) = (receipt.ty(), receipt.post_state());
            let with_bloom = receipt.clone().into_with_bloom();
            let same = |envelope: ReceiptEnvelope| {
                assert_eq!(envelope.ty(), ty);
                assert_eq!(envelope.logs_bloom(), &with_bloom.logs_bloom);
                let inner = envelope.as_receipt().unwrap();
                assert_eq!(inner.status, receipt.status);
                assert_eq!(inner.status.as_post_state(), post_state);
                assert_eq!(inner.cumulative_gas_used, receipt.cumulative_gas_used);
                assert_eq!(inner.logs, receipt.logs);
            };
            let bytes = with_bloom.encoded_2718();
            assert_eq!(bytes.len(), with_bloom.encode_2718_len());
            same(ReceiptEnvelope::decode_2718_exact(&bytes).unwrap());
            let network = alloy_rlp::encode(&with_bloom);
            assert_eq!(network.len(), with_bloom.length());
            let rest = &mut network.as_slice();
            same(ReceiptEnvelope::decode(rest).unwrap());
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_deposit_has_a_receipt_of_its_type() {
        let receipt = Receipt {
            tx_type: AuraTxType::Deposit,
            status: true.into(),
            cumulative_gas_used: 1,
            logs: vec![],
        };
        let bytes = receipt.clone().into_with_bloom().encoded_2718();
        assert_eq!(bytes[0], 0x7e);
        let of_type = |ty: u8| Receipt {
            tx_type: ty.try_into().unwrap(),
            ..receipt.clone()
        };
        assert_eq!(bytes[1..], of_type(2).into_with_bloom().encoded_2718()[1..]);
        assert!(AuraTxType::try_from(0x7du8).is_err());
    }

    #[test]
    fn success_is_assumed_where_only_a_root_is_known() {
        let successes: Vec<bool> = receipts().take(3).map(|r| r.is_success()).collect();
        assert_eq!(successes, [true, false, true]);
    }
}
