//! Commitments and cell proofs of blobs.

use std::sync::Arc;

use alloy_eips::{
    eip4844::{Blob, Bytes48},
    eip7594::BlobTransactionSidecarEip7594,
};
use c_kzg::KzgSettings;

use super::{Sidecar, TxError};

/// No tables for a prover: a second for a full set of blobs against 100 MB of memory.
const PRECOMPUTE: u64 = 0;

fn settings() -> &'static KzgSettings {
    c_kzg::ethereum_kzg_settings(PRECOMPUTE)
}

/// Makes the commitment and the 128 cell proofs (EIP-7594) of each blob. Costs some 100 ms of
/// computing for a blob, and a second for the first ever: not for an async executor, see
/// [`TxManager::sidecar`](super::TxManager::sidecar).
///
/// # Errors
/// [`TxError::Blobs`] if 32 bytes of a blob are no field element.
pub fn make_sidecar(blobs: Vec<Blob>) -> Result<Sidecar, TxError> {
    let failed = |error: c_kzg::Error| TxError::Blobs(error.to_string());
    let mut commitments = Vec::with_capacity(blobs.len());
    let mut cell_proofs = Vec::with_capacity(blobs.len() * 128);
    for blob in &blobs {
        let blob = c_kzg::Blob::from_bytes(blob.as_slice()).map_err(failed)?;
        let commitment = settings().blob_to_kzg_commitment(&blob).map_err(failed)?;
        commitments.push(Bytes48::from(commitment.to_bytes().into_inner()));
        let (_, proofs) = settings()
            .compute_cells_and_kzg_proofs(&blob)
            .map_err(failed)?;
        cell_proofs.extend(
            proofs
                .iter()
                .map(|proof| Bytes48::from(proof.to_bytes().into_inner())),
        );
    }
    let sidecar = BlobTransactionSidecarEip7594::new(blobs, commitments, cell_proofs);
    Ok(Arc::new(sidecar))
}
