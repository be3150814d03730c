//! The batch format: what is written is read, and nothing else harms.

use alloy_primitives::Bytes;
use aura_derivation::{BatchBlock, BatchFault, MAX_BLOCKS, decode_batch, encode_batch};
use proptest::{collection::vec, prelude::*};
use rand::{Rng, SeedableRng, rngs::StdRng};

fn block() -> impl Strategy<Value = BatchBlock> {
    let number = prop_oneof![0..300_u64, any::<u64>()];
    let transaction = prop_oneof![
        8 => vec(any::<u8>(), 10..200),
        1 => vec(any::<u8>(), 60_000..70_000),
    ];
    let numbers = (number.clone(), number.clone(), number);
    (numbers, vec(transaction.prop_map(Bytes::from), 0..8)).prop_map(
        |((time_delta, origin_delta, consume), transactions)| BatchBlock {
            time_delta,
            origin_delta,
            consume,
            transactions,
        },
    )
}

/// A payload of this body, however wrong.
fn payload_of(body: &[u8]) -> Vec<u8> {
    let mut payload = vec![0];
    let params = brotli::enc::BrotliEncoderParams {
        quality: 1,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &body[..], &mut payload, &params).unwrap();
    payload
}

fn body_of(payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    brotli::BrotliDecompress(&mut &payload[1..], &mut body).unwrap();
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decode_after_encode_is_identity(blocks in vec(block(), 1..20)) {
        let payload = encode_batch(&blocks).unwrap();
        prop_assert_eq!(decode_batch(&payload).unwrap(), blocks);
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..2_000)) {
        let _ = decode_batch(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = 0;
            let _ = decode_batch(&bytes);
        }
        // As a body they reach the reader of RLP.
        let _ = decode_batch(&payload_of(&bytes));
    }

    #[test]
    fn a_mutated_body_is_refused_or_another_batch(
        blocks in vec(block(), 1..6), at in any::<prop::sample::Index>(), to in 1_u8..
    ) {
        let mut body = body_of(&encode_batch(&blocks).unwrap());
        let at = at.index(body.len());
        body[at] ^= to;
        if let Ok(other) = decode_batch(&payload_of(&body)) {
            prop_assert_ne!(&other, &blocks);
            // RLP has one form: what is read is what was written.
            prop_assert_eq!(body_of(&encode_batch(&other).unwrap()), body);
        }
    }
}

#[test]
fn mutated_payloads_never_panic() {
    let seed = 0x00ba_7c45;
    let mut rng = StdRng::seed_from_u64(seed);
    let blocks: Vec<_> = (0..40)
        .map(|i| BatchBlock {
            time_delta: 2,
            origin_delta: i % 3,
            consume: i % 2,
            transactions: vec![Bytes::from(rng.random::<[u8; 32]>()); 3],
        })
        .collect();
    let payload = encode_batch(&blocks).unwrap();
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut bytes = payload.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[at] = rng.random(),
                1 => bytes.truncate(at),
                _ => bytes.insert(at, rng.random()),
            }
            if bytes.is_empty() {
                break;
            }
        }
        refused += u32::from(decode_batch(&bytes).is_err());
    }
    assert!(refused > 10_000, "seed {seed:#x}: {refused}");
}

#[test]
fn every_limit_is_exact() {
    let empty = BatchBlock::default();
    assert_eq!(encode_batch(&[]), Err(BatchFault::NoBlocks));
    assert_eq!(
        decode_batch(&payload_of(&[0xc0])),
        Err(BatchFault::NoBlocks)
    );
    let most = vec![empty.clone(); MAX_BLOCKS];
    assert_eq!(decode_batch(&encode_batch(&most).unwrap()).unwrap(), most);
    let more = vec![empty; MAX_BLOCKS + 1];
    assert_eq!(encode_batch(&more), Err(BatchFault::TooManyBlocks));
    // 4,097 blocks of five bytes each.
    let list = [0xc4, 0x80, 0x80, 0x80, 0xc0].repeat(MAX_BLOCKS + 1);
    let mut body = vec![0xf9, (list.len() >> 8) as u8, list.len() as u8];
    body.extend(&list);
    assert_eq!(
        decode_batch(&payload_of(&body)),
        Err(BatchFault::TooManyBlocks)
    );

    assert_eq!(decode_batch(&[]), Err(BatchFault::Empty));
    assert_eq!(decode_batch(&[1, 2, 3]), Err(BatchFault::Version(1)));
    let long = vec![0; (1 << 20) + 1];
    assert_eq!(
        decode_batch(&long),
        Err(BatchFault::PayloadLength(long.len()))
    );
    let mut rng = StdRng::seed_from_u64(7);
    let noise: Vec<u8> = (0..(1 << 20)).map(|_| rng.random()).collect();
    let incompressible = BatchBlock {
        transactions: vec![noise.into()],
        ..Default::default()
    };
    assert!(matches!(
        encode_batch(&[incompressible]),
        Err(BatchFault::PayloadLength(_))
    ));
    let zeros = BatchBlock {
        transactions: vec![vec![0; 16 << 20].into()],
        ..Default::default()
    };
    assert_eq!(encode_batch(&[zeros]), Err(BatchFault::BodyLength));
}

#[test]
fn rlp_has_one_form() {
    let refused: [&[u8]; 8] = [
        // Trailing bytes after the list, a block of three and of five fields.
        &[0xc5, 0xc4, 0x80, 0x80, 0x80, 0xc0, 0x00],
        &[0xc4, 0xc3, 0x80, 0x80, 0x80],
        &[0xc6, 0xc5, 0x80, 0x80, 0x80, 0xc0, 0x80],
        // Zero as a byte, leading zero, long form of a short list, nine bytes of integer.
        &[0xc5, 0xc4, 0x00, 0x80, 0x80, 0xc0],
        &[0xc7, 0xc6, 0x82, 0x00, 0x01, 0x80, 0x80, 0xc0],
        &[0xf8, 0x05, 0xc4, 0x80, 0x80, 0x80, 0xc0],
        &[
            0xce, 0xcd, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0xc0,
        ],
        // A transaction that is a list.
        &[0xc6, 0xc5, 0x80, 0x80, 0x80, 0xc1, 0xc0],
    ];
    for body in refused {
        let outcome = decode_batch(&payload_of(body));
        assert!(
            matches!(outcome, Err(BatchFault::Rlp(_))),
            "{body:?}: {outcome:?}"
        );
    }
}

#[test]
fn many_tiny_items_are_refused_before_they_cost_memory() {
    // 16 MiB of one-byte strings would be 16 million transactions.
    let len = (16 << 20) - 64;
    let list = |len: usize| {
        let mut header = vec![0xfb];
        header.extend(&(len as u32).to_be_bytes());
        header
    };
    let items = [list(len), vec![1; len]].concat();
    let block = [vec![0x80, 0x80, 0x80], items].concat();
    let block = [list(block.len()), block].concat();
    let body = [list(block.len()), block].concat();
    let payload = payload_of(&body);
    assert!(payload.len() < 100_000, "{}", payload.len());
    assert!(matches!(decode_batch(&payload), Err(BatchFault::Rlp(_))));
}
