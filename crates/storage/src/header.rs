//! A look at the data file before the engine opens it.
//!
//! The engine may resize a file that it then refuses, so a file that is not ours or is cut off must
//! be recognized without it. Each of the first three pages holds a meta record (libmdbx, format
//! version 3, native byte order; offsets within the page):
//!
//! ```text
//! 20  magic 7 ‖ version 1 (as one little-endian number: version lowest)
//! 28  txn id, written first          56  first unallocated page 4
//! 64  page size 4                    188 signature 8: above 1 if synced to disk
//! 196 txn id, written last
//! ```

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Page size of every database that we create.
pub(crate) const PAGE_BYTES: usize = 4096;

const META_PAGES: usize = 3;
const MAGIC: u64 = 0x59_659d_bdef_4c11;

/// What the meta pages and the length of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// A file that the engine can be trusted to open.
    Plausible,
    /// No MDBX file, or one with another page size.
    Foreign,
    /// The file ends before its last page.
    CutOff,
}

/// Reads the meta pages of the file at `path`.
pub(crate) fn inspect(path: &Path) -> io::Result<Header> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut pages = Vec::with_capacity(META_PAGES * PAGE_BYTES);
    file.take((META_PAGES * PAGE_BYTES) as u64)
        .read_to_end(&mut pages)?;
    Ok(judge(&pages, len))
}

struct Meta {
    txn_id: u64,
    is_synced: bool,
    first_unallocated: u64,
    page_size: u32,
}

fn number<const N: usize>(page: &[u8], offset: usize) -> Option<[u8; N]> {
    page.get(offset..)?.first_chunk().copied()
}

/// The meta record of a page; `None` if it is not one or was not written to its end.
fn meta(page: &[u8]) -> Option<Meta> {
    let magic = u64::from_ne_bytes(number(page, 20)?);
    let txn_id = u64::from_ne_bytes(number(page, 28)?);
    let txn_id_again = u64::from_ne_bytes(number(page, 196)?);
    if magic >> 8 != MAGIC || txn_id != txn_id_again {
        return None;
    }
    Some(Meta {
        txn_id,
        is_synced: u64::from_ne_bytes(number(page, 188)?) > 1,
        first_unallocated: u32::from_ne_bytes(number(page, 56)?).into(),
        page_size: u32::from_ne_bytes(number(page, 64)?),
    })
}

fn judge(pages: &[u8], len: u64) -> Header {
    let metas: Vec<Meta> = pages.chunks(PAGE_BYTES).filter_map(meta).collect();
    let has_our_pages = |meta: &Meta| meta.page_size as usize == PAGE_BYTES;
    if metas.is_empty() || !metas.iter().all(has_our_pages) {
        return Header::Foreign;
    }
    // An unsynced record is not binding: the engine steps back to the last synced one.
    let synced = metas.iter().filter(|meta| meta.is_synced);
    let pages = synced
        .max_by_key(|meta| meta.txn_id)
        .map_or(0, |meta| meta.first_unallocated);
    let pages = pages.max(META_PAGES as u64);
    if len < pages * PAGE_BYTES as u64 {
        return Header::CutOff;
    }
    Header::Plausible
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{Store, StoreConfig};

    #[test]
    fn a_fresh_database_is_plausible_and_each_cut_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path(), &StoreConfig::default()).unwrap());
        let bytes = std::fs::read(dir.path().join("mdbx.dat")).unwrap();
        let metas = &bytes[..META_PAGES * PAGE_BYTES];
        assert_eq!(judge(metas, bytes.len() as u64), Header::Plausible);
        assert_eq!(judge(metas, metas.len() as u64), Header::CutOff);
        assert_eq!(judge(&metas[..PAGE_BYTES], 4096), Header::CutOff);
        assert_eq!(judge(&metas[..100], 100), Header::Foreign);
        assert_eq!(judge(&[], 0), Header::Foreign);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..600), len: u64) {
            prop_assert_eq!(judge(&bytes, len), Header::Foreign);
        }
    }
}
