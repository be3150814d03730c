//! Blob transactions as clients send them: with blobs, commitments and proofs beside them.
//!
//! Aura's own chains refuse them. A chain with Ethereum's rules takes them, verifies what comes
//! beside, and keeps what a block would hold: the transaction alone.

use alloy_consensus::{EthereumTxEnvelope, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip4844::{Blob, BlobTransactionSidecar, Bytes48, kzg_to_versioned_hash},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant, CELLS_PER_EXT_BLOB},
};
use alloy_primitives::{B256, Bytes};
use aura_primitives::TxEnvelope;
use c_kzg::KzgSettings;

/// Longest blob transaction that is decoded: nine blobs with proofs and room for the rest.
const MAX_BYTES: usize = 2 << 20;
/// Tables for making proofs, which nobody does here: without them the set-up is loaded sooner.
const PRECOMPUTE: u64 = 0;

/// What is wrong with a blob transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// Blobs, commitments or proofs are missing, or the bytes are none of it.
    #[error("blob transaction without a valid sidecar: {0}")]
    Decode(String),
    /// The encoding is longer than any valid one.
    #[error("oversized data: blob transaction of {size} bytes, limit {limit}")]
    Oversized {
        /// Size in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// The kind of proof belongs to another fork.
    #[error("blob sidecar of version {have}, want {want}")]
    SidecarVersion {
        /// Version of the sidecar.
        have: u8,
        /// Version that the next block's fork has.
        want: u8,
    },
    /// There must be a blob.
    #[error("blobless blob transaction")]
    NoBlobs,
    /// More blobs than a transaction may have.
    #[error("too many blobs in transaction: have {have}, permitted {limit}")]
    TooManyBlobs {
        /// Blobs of the transaction.
        have: usize,
        /// Limit.
        limit: u64,
    },
    /// Not as many blobs, commitments, proofs and hashes as belong together.
    #[error("blob sidecar: {what} are {have}, want {want}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many there must be.
        want: usize,
    },
    /// A hash in the transaction is not that of its commitment.
    #[error("blob {index}: computed hash {computed} mismatches transaction one {have}")]
    VersionedHash {
        /// Index of the blob.
        index: usize,
        /// Hash in the transaction.
        have: B256,
        /// Hash of the commitment.
        computed: B256,
    },
    /// A commitment or proof is not that of its blob.
    #[error("invalid blob proof")]
    Proof,
}

/// What the next block's fork says of blobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlobRules {
    /// Proofs are one for each cell (EIP-7594), no longer one for each blob.
    pub(crate) cell_proofs: bool,
    /// Blobs of one transaction.
    pub(crate) max_blobs: u64,
}

/// Verifies what comes beside a blob transaction; returns the transaction's own encoding.
pub(crate) fn without_sidecar(raw: &[u8], rules: BlobRules) -> Result<Bytes, BlobError> {
    if raw.len() > MAX_BYTES {
        return Err(BlobError::Oversized {
            size: raw.len(),
            limit: MAX_BYTES,
        });
    }
    let mut rest = raw;
    let decoded = EthereumTxEnvelope::<TxEip4844WithSidecar>::decode_2718(&mut rest)
        .map_err(|error| BlobError::Decode(error.to_string()))?;
    let EthereumTxEnvelope::Eip4844(signed) = decoded else {
        return Err(BlobError::Decode("another type".to_owned()));
    };
    if !rest.is_empty() {
        return Err(BlobError::Decode("trailing bytes".to_owned()));
    }
    let (TxEip4844WithSidecar { tx, sidecar }, signature, hash) = signed.into_parts();
    check(&sidecar, &tx.blob_versioned_hashes, rules)?;
    let alone = alloy_consensus::Signed::new_unchecked(tx, signature, hash);
    Ok(TxEnvelope::from(alone).encoded_2718().into())
}

fn check(
    sidecar: &BlobTransactionSidecarVariant,
    hashes: &[B256],
    rules: BlobRules,
) -> Result<(), BlobError> {
    let version = |has_cells| u8::from(has_cells);
    let have = matches!(sidecar, BlobTransactionSidecarVariant::Eip7594(_));
    if have != rules.cell_proofs {
        return Err(BlobError::SidecarVersion {
            have: version(have),
            want: version(rules.cell_proofs),
        });
    }
    match hashes.len() {
        0 => return Err(BlobError::NoBlobs),
        have if have as u64 > rules.max_blobs => {
            return Err(BlobError::TooManyBlobs {
                have,
                limit: rules.max_blobs,
            });
        }
        _ => {}
    }
    let commitments = sidecar.commitments();
    count("commitments", commitments.len(), hashes.len())?;
    for (index, (commitment, have)) in commitments.iter().zip(hashes).enumerate() {
        let computed = kzg_to_versioned_hash(commitment.as_slice());
        if computed != *have {
            return Err(BlobError::VersionedHash {
                index,
                have: *have,
                computed,
            });
        }
    }
    let settings = c_kzg::ethereum_kzg_settings(PRECOMPUTE);
    let verified = match sidecar {
        BlobTransactionSidecarVariant::Eip4844(sidecar) => verify_blobs(sidecar, settings)?,
        BlobTransactionSidecarVariant::Eip7594(sidecar) => verify_cells(sidecar, settings)?,
    };
    verified.then_some(()).ok_or(BlobError::Proof)
}

fn count(what: &'static str, have: usize, want: usize) -> Result<(), BlobError> {
    if have == want {
        Ok(())
    } else {
        Err(BlobError::Count { what, have, want })
    }
}

fn verify_blobs(
    sidecar: &BlobTransactionSidecar,
    settings: &KzgSettings,
) -> Result<bool, BlobError> {
    let want = sidecar.commitments.len();
    count("blobs", sidecar.blobs.len(), want)?;
    count("proofs", sidecar.proofs.len(), want)?;
    let blobs = sidecar
        .blobs
        .iter()
        .map(blob)
        .collect::<Result<Vec<_>, _>>()?;
    settings
        .verify_blob_kzg_proof_batch(
            &blobs,
            &points(&sidecar.commitments),
            &points(&sidecar.proofs),
        )
        .map_err(|_| BlobError::Proof)
}

fn verify_cells(
    sidecar: &BlobTransactionSidecarEip7594,
    settings: &KzgSettings,
) -> Result<bool, BlobError> {
    let blobs = sidecar.commitments.len();
    count("blobs", sidecar.blobs.len(), blobs)?;
    let proofs = &sidecar.cell_proofs;
    count("cell proofs", proofs.len(), blobs * CELLS_PER_EXT_BLOB)?;
    let mut cells = Vec::with_capacity(proofs.len());
    for one in &sidecar.blobs {
        let of_blob = settings.compute_cells(&blob(one)?);
        cells.extend_from_slice(&*of_blob.map_err(|_| BlobError::Proof)?);
    }
    // Each cell goes with its blob's commitment and its index in the blob.
    let commitments: Vec<_> = points(&sidecar.commitments)
        .into_iter()
        .flat_map(|commitment| std::iter::repeat_n(commitment, CELLS_PER_EXT_BLOB))
        .collect();
    let indices: Vec<_> = (0..blobs)
        .flat_map(|_| 0..CELLS_PER_EXT_BLOB as u64)
        .collect();
    settings
        .verify_cell_kzg_proof_batch(&commitments, &indices, &cells, &points(proofs))
        .map_err(|_| BlobError::Proof)
}

fn blob(bytes: &Blob) -> Result<c_kzg::Blob, BlobError> {
    c_kzg::Blob::from_bytes(bytes.as_slice()).map_err(|_| BlobError::Proof)
}

fn points(bytes: &[Bytes48]) -> Vec<c_kzg::Bytes48> {
    bytes
        .iter()
        .map(|bytes| c_kzg::Bytes48::new(bytes.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction, TxEip4844};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;
    use aura_primitives::RecoveredTx;
    use proptest::prelude::*;

    use super::*;

    const CELLS: BlobRules = BlobRules {
        cell_proofs: true,
        max_blobs: 2,
    };
    const BLOBS: BlobRules = BlobRules {
        cell_proofs: false,
        ..CELLS
    };

    fn settings() -> &'static KzgSettings {
        c_kzg::ethereum_kzg_settings(PRECOMPUTE)
    }

    fn alloy(bytes: c_kzg::Bytes48) -> Bytes48 {
        Bytes48::from(bytes.into_inner())
    }

    /// A blob and its commitment.
    fn committed(fill: u8) -> (Blob, Bytes48) {
        let mut blob = Blob::ZERO;
        blob[1..32].fill(fill);
        let commitment = settings().blob_to_kzg_commitment(&super::blob(&blob).unwrap());
        (blob, alloy(commitment.unwrap().to_bytes()))
    }

    fn with_cells(fills: &[u8]) -> BlobTransactionSidecarVariant {
        let mut sidecar = BlobTransactionSidecarEip7594::default();
        for fill in fills {
            let (blob, commitment) = committed(*fill);
            let blob_of = super::blob(&blob).unwrap();
            let (_, proofs) = settings().compute_cells_and_kzg_proofs(&blob_of).unwrap();
            let proofs = proofs.iter().map(|proof| alloy(proof.to_bytes()));
            sidecar.cell_proofs.extend(proofs);
            sidecar.blobs.push(blob);
            sidecar.commitments.push(commitment);
        }
        BlobTransactionSidecarVariant::Eip7594(sidecar)
    }

    fn with_blob_proof(fill: u8) -> BlobTransactionSidecarVariant {
        let (blob, commitment) = committed(fill);
        let proof = settings()
            .compute_blob_kzg_proof(
                &super::blob(&blob).unwrap(),
                &c_kzg::Bytes48::new(commitment.0),
            )
            .unwrap();
        BlobTransactionSidecarVariant::Eip4844(BlobTransactionSidecar {
            blobs: vec![blob],
            commitments: vec![commitment],
            proofs: vec![alloy(proof.to_bytes())],
        })
    }

    fn signed(sidecar: BlobTransactionSidecarVariant, hashes: Option<Vec<B256>>) -> Vec<u8> {
        let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
        let hashes = hashes.unwrap_or_else(|| sidecar.versioned_hashes().collect());
        let tx = TxEip4844 {
            chain_id: 1,
            max_fee_per_blob_gas: 1,
            blob_versioned_hashes: hashes,
            ..TxEip4844::default()
        };
        let tx = TxEip4844WithSidecar { tx, sidecar };
        let signature = key.sign_hash_sync(&tx.tx.signature_hash()).unwrap();
        let signed = tx.tx.clone().into_signed(signature);
        let hash = *signed.hash();
        EthereumTxEnvelope::Eip4844(alloy_consensus::Signed::new_unchecked(tx, signature, hash))
            .encoded_2718()
    }

    #[test]
    fn what_remains_is_the_transaction_that_was_signed() {
        for (sidecar, rules) in [
            (with_cells(&[3]), CELLS),
            (with_cells(&[3, 4]), CELLS),
            (with_blob_proof(5), BLOBS),
        ] {
            let alone = without_sidecar(&signed(sidecar, None), rules).unwrap();
            let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
            let tx = RecoveredTx::try_decode(alone).unwrap();
            assert_eq!(tx.sender(), key.address());
            assert_eq!(tx.tx_type(), 3);
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let refused =
            |sidecar, hashes, rules| without_sidecar(&signed(sidecar, hashes), rules).unwrap_err();
        let cells = with_cells(&[3]);
        assert!(matches!(
            refused(cells.clone(), None, BLOBS),
            BlobError::SidecarVersion { have: 1, want: 0 }
        ));
        assert!(matches!(
            refused(with_blob_proof(3), None, CELLS),
            BlobError::SidecarVersion { have: 0, want: 1 }
        ));
        let hashes = Some(vec![B256::repeat_byte(1)]);
        assert!(matches!(
            refused(cells.clone(), hashes, CELLS),
            BlobError::VersionedHash { index: 0, .. }
        ));
        assert_eq!(
            refused(cells.clone(), Some(vec![]), CELLS),
            BlobError::NoBlobs
        );
        let three = with_cells(&[3, 4, 5]);
        assert!(matches!(
            refused(three, None, CELLS),
            BlobError::TooManyBlobs { have: 3, limit: 2 }
        ));
        let BlobTransactionSidecarVariant::Eip7594(cells) = cells else {
            unreachable!("made with cells");
        };
        let mut fewer = cells.clone();
        fewer.cell_proofs.pop();
        assert!(matches!(
            refused(fewer.into(), None, CELLS),
            BlobError::Count {
                what: "cell proofs",
                have: 127,
                want: 128
            }
        ));
        let mut swapped = cells.clone();
        swapped.cell_proofs.swap(0, 1);
        assert_eq!(refused(swapped.into(), None, CELLS), BlobError::Proof);
        let mut other_blob = cells;
        other_blob.blobs[0][1] ^= 1;
        assert_eq!(refused(other_blob.into(), None, CELLS), BlobError::Proof);
        let BlobTransactionSidecarVariant::Eip4844(mut one) = with_blob_proof(3) else {
            unreachable!("made with one proof");
        };
        one.blobs[0][1] ^= 1;
        assert_eq!(refused(one.into(), None, BLOBS), BlobError::Proof);
    }

    #[test]
    fn a_transaction_without_a_sidecar_is_refused() {
        let alone = without_sidecar(&signed(with_cells(&[3]), None), CELLS).unwrap();
        assert!(matches!(
            without_sidecar(&alone, CELLS),
            Err(BlobError::Decode(_))
        ));
        let mut longer = signed(with_cells(&[3]), None);
        longer.push(0);
        assert!(matches!(
            without_sidecar(&longer, CELLS),
            Err(BlobError::Decode(_))
        ));
        assert!(matches!(
            without_sidecar(&vec![3; MAX_BYTES + 1], CELLS),
            Err(BlobError::Oversized { .. })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_a_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, 3);
            prop_assert!(without_sidecar(&bytes, CELLS).is_err());
        }
    }
}
