//! Files of blocks: RLP, one after the other, with nothing in between.

use std::io::{self, Read};

/// Largest encoding of one block. Ethereum's own limit is 8 MiB, and blocks before it were smaller
/// than any gas limit allows in that many bytes.
const MAX_BLOCK_BYTES: u64 = 256 << 20;
/// Smallest first byte of a list, and of one whose length follows.
const SHORT_LIST: u8 = 0xc0;
const LONG_LIST: u8 = 0xf7;

/// Why the next block cannot be taken from the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFileError {
    /// The file cannot be read.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// The file ends within a block.
    #[error("the file ends within the block")]
    Truncated,
    /// What follows is not the beginning of a block.
    #[error("rlp: byte {0:#04x} does not begin a list")]
    NotAList(u8),
    /// The length is longer than it has to be.
    #[error("rlp: the length of the list is not canonical")]
    Length,
    /// The length is beyond reason.
    #[error("rlp: a block of {0} bytes is not accepted")]
    TooLong(u64),
}

/// Takes blocks from a file, one at a time.
#[derive(Debug)]
pub(crate) struct BlockFile<R> {
    input: R,
    block: Vec<u8>,
}

impl<R: Read> BlockFile<R> {
    pub(crate) const fn new(input: R) -> Self {
        Self {
            input,
            block: Vec::new(),
        }
    }

    /// Appends `len` bytes of the file.
    fn fill(&mut self, len: u64) -> Result<(), BlockFileError> {
        // Memory is taken as bytes arrive: the length is only what the file says.
        let read = (&mut self.input).take(len).read_to_end(&mut self.block)?;
        if read as u64 == len {
            Ok(())
        } else {
            Err(BlockFileError::Truncated)
        }
    }

    /// The encoding of the next block; `None` at the end of the file.
    ///
    /// # Errors
    /// Any [`BlockFileError`]; nothing after it can be read.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, BlockFileError> {
        self.block.clear();
        match self.fill(1) {
            Ok(()) => {}
            Err(BlockFileError::Truncated) => return Ok(None),
            Err(error) => return Err(error),
        }
        let first = self.block[0];
        let len = match first {
            ..SHORT_LIST => return Err(BlockFileError::NotAList(first)),
            SHORT_LIST..=LONG_LIST => u64::from(first - SHORT_LIST),
            _ => self.long_length(usize::from(first - LONG_LIST))?,
        };
        if len > MAX_BLOCK_BYTES {
            return Err(BlockFileError::TooLong(len));
        }
        self.fill(len)?;
        Ok(Some(&self.block))
    }

    fn long_length(&mut self, bytes: usize) -> Result<u64, BlockFileError> {
        self.fill(bytes as u64)?;
        let mut length = [0; 8];
        length[8 - bytes..].copy_from_slice(&self.block[1..]);
        let length = u64::from_be_bytes(length);
        if self.block[1] == 0 || length <= u64::from(LONG_LIST - SHORT_LIST) {
            return Err(BlockFileError::Length);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn list(payload: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let header = alloy_rlp::Header {
            list: true,
            payload_length: payload,
        };
        header.encode(&mut bytes);
        bytes.extend((0..payload).map(|byte| byte as u8));
        bytes
    }

    proptest! {
        #[test]
        fn lists_come_out_as_they_went_in_and_a_cut_is_noticed(
            lengths in vec(0usize..70_000, 0..5), cut in any::<prop::sample::Index>(),
        ) {
            let lists: Vec<Vec<u8>> = lengths.into_iter().map(list).collect();
            let all = lists.concat();
            let mut file = BlockFile::new(&all[..]);
            for list in &lists {
                prop_assert_eq!(file.next().unwrap(), Some(&list[..]));
            }
            prop_assert_eq!(file.next().unwrap(), None);
            if all.is_empty() {
                return Ok(());
            }
            let cut = cut.index(all.len());
            let mut file = BlockFile::new(&all[..cut]);
            let mut start = 0;
            for list in &lists {
                if start == cut {
                    prop_assert_eq!(file.next().unwrap(), None);
                    break;
                }
                start += list.len();
                if start > cut {
                    let error = file.next().unwrap_err();
                    prop_assert!(matches!(error, BlockFileError::Truncated));
                    break;
                }
                prop_assert_eq!(file.next().unwrap(), Some(&list[..]));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..40)) {
            let mut file = BlockFile::new(&bytes[..]);
            while let Ok(Some(block)) = file.next() {
                prop_assert!(bytes.windows(block.len()).any(|part| part == block));
            }
        }
    }

    #[test]
    fn what_is_no_list_or_not_canonical_or_too_long_is_named() {
        let error = |bytes: &[u8]| BlockFile::new(bytes).next().map(|_| ()).unwrap_err();
        assert!(matches!(error(&[0x80]), BlockFileError::NotAList(0x80)));
        assert!(matches!(error(&[0xf8, 5]), BlockFileError::Length));
        assert!(matches!(error(&[0xf9, 0, 0x80]), BlockFileError::Length));
        assert!(matches!(
            error(&[0xfb, 0xff, 0, 0, 0]),
            BlockFileError::TooLong(_)
        ));
        assert!(matches!(error(&[0xff; 9]), BlockFileError::TooLong(_)));
    }
}
