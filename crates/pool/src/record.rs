//! Records of the journal.
//!
//! ```text
//! header   magic "AURAPOOL" 8 ‖ version u32                        12 bytes
//! record   payload length u32 ‖ crc32 of the payload u32 ‖ payload
//! payload  0x01 ‖ arrival u64 ‖ EIP-2718 transaction               accepted
//!          0x02 ‖ arrival u64 ‖ transaction hash 32                dropped
//!          0x03 ‖ transaction hash 32 ‖ reason, UTF-8              quarantined
//! ```
//! Integers are big-endian. A drop ends every acceptance of its hash up to its arrival number. A
//! transaction that is accepted again has a new number, so that it stays accepted whichever record
//! reaches the file first.

use std::io::{self, Read};

use alloy_primitives::{B256, Bytes};

/// First bytes of a journal.
pub(crate) const HEADER: [u8; 12] = *b"AURAPOOL\0\0\0\x01";

/// Longest payload that can be ours; a longer one is damage.
const MAX_PAYLOAD_BYTES: usize = 16 << 20;

const ACCEPTED: u8 = 1;
const DROPPED: u8 = 2;
const QUARANTINED: u8 = 3;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A transaction was accepted.
    Accepted { seq: u64, raw: Bytes },
    /// The transaction `hash`, last accepted as `seq`, was dropped.
    Dropped { seq: u64, hash: B256 },
    /// A transaction is refused for a while.
    Quarantined { hash: B256, reason: String },
}

/// Appends the record of an accepted transaction to `out`.
pub(crate) fn encode_accepted(seq: u64, raw: &[u8], out: &mut Vec<u8>) {
    encode(ACCEPTED, &[&seq.to_be_bytes(), raw], out);
}

/// Appends the record of a dropped transaction to `out`.
pub(crate) fn encode_dropped(seq: u64, hash: B256, out: &mut Vec<u8>) {
    encode(DROPPED, &[&seq.to_be_bytes(), hash.as_slice()], out);
}

/// Appends the record of a quarantined transaction to `out`.
pub(crate) fn encode_quarantined(hash: B256, reason: &str, out: &mut Vec<u8>) {
    // A reason is for humans; a huge one must not make the record unreadable.
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(4_096)];
    encode(QUARANTINED, &[hash.as_slice(), reason], out);
}

fn encode(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    let payload = &out[start + 8..];
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let crc = crc32fast::hash(payload);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    out[start + 4..start + 8].copy_from_slice(&crc.to_be_bytes());
}

/// Reads the next record and its length in the file; `None` at the end and where the file is torn
/// or damaged.
///
/// # Errors
/// Only those of `from`; content never fails.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<(Record, u64)>> {
    let mut prefix = [0; 8];
    if !read_full(from, &mut prefix)? {
        return Ok(None);
    }
    let [l0, l1, l2, l3, crc @ ..] = prefix;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if length == 0 || length > MAX_PAYLOAD_BYTES {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    if !read_full(from, &mut payload)? || crc32fast::hash(&payload) != u32::from_be_bytes(crc) {
        return Ok(None);
    }
    Ok(decode(&payload).map(|record| (record, 8 + length as u64)))
}

fn decode(payload: &[u8]) -> Option<Record> {
    let (kind, rest) = payload.split_first()?;
    match *kind {
        ACCEPTED => {
            let (seq, raw) = rest.split_first_chunk()?;
            Some(Record::Accepted {
                seq: u64::from_be_bytes(*seq),
                raw: Bytes::copy_from_slice(raw),
            })
        }
        DROPPED => {
            let (seq, hash) = rest.split_first_chunk()?;
            Some(Record::Dropped {
                seq: u64::from_be_bytes(*seq),
                hash: B256::try_from(hash).ok()?,
            })
        }
        QUARANTINED => {
            let (hash, reason) = rest.split_first_chunk::<32>()?;
            Some(Record::Quarantined {
                hash: B256::from(*hash),
                reason: String::from_utf8(reason.to_vec()).ok()?,
            })
        }
        _ => None,
    }
}

/// Fills `buffer`; returns `false` if the input ends before.
fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        prop_oneof![
            (any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(seq, raw)| {
                Record::Accepted {
                    seq,
                    raw: raw.into(),
                }
            }),
            (any::<u64>(), any::<[u8; 32]>()).prop_map(|(seq, hash)| Record::Dropped {
                seq,
                hash: hash.into(),
            }),
            (any::<[u8; 32]>(), ".{0,40}").prop_map(|(hash, reason)| Record::Quarantined {
                hash: hash.into(),
                reason,
            }),
        ]
    }

    fn encoded(records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        for record in records {
            match record {
                Record::Accepted { seq, raw } => encode_accepted(*seq, raw, &mut out),
                Record::Dropped { seq, hash } => encode_dropped(*seq, *hash, &mut out),
                Record::Quarantined { hash, reason } => encode_quarantined(*hash, reason, &mut out),
            }
        }
        out
    }

    fn read_all(mut bytes: &[u8]) -> (Vec<Record>, u64) {
        let (mut records, mut length) = (Vec::new(), 0);
        while let Some((record, size)) = read(&mut bytes).unwrap() {
            records.push(record);
            length += size;
        }
        (records, length)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn decode_after_encode_is_identity(records in prop::collection::vec(record(), 0..8)) {
            let bytes = encoded(&records);
            let (read, length) = read_all(&bytes);
            prop_assert_eq!(read, records);
            prop_assert_eq!(length, bytes.len() as u64);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let (_, length) = read_all(&bytes);
            prop_assert!(length <= bytes.len() as u64);
        }

        #[test]
        fn a_file_cut_anywhere_keeps_the_whole_records(
            records in prop::collection::vec(record(), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = encoded(&records);
            let cut = cut.index(bytes.len());
            let (read, length) = read_all(&bytes[..cut]);
            prop_assert!(length <= cut as u64);
            prop_assert_eq!(&read[..], &records[..read.len()]);
            prop_assert_eq!(encoded(&read).len() as u64, length);
        }

        #[test]
        fn a_flipped_bit_is_noticed(record in record(), bit in any::<prop::sample::Index>()) {
            let mut bytes = encoded(std::slice::from_ref(&record));
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read_all(&bytes).0.is_empty());
        }
    }

    #[test]
    fn a_length_beyond_any_record_allocates_nothing() {
        let bytes = [0xff; 64];
        assert!(read_all(&bytes).0.is_empty());
    }
}
