//! The file that makes an accepted transaction survive the death of the process.
//!
//! [`record`](crate::record) has the layout. Appending is one `write(2)`: once it returns, the
//! kernel holds the record, and killing the process cannot lose it. Only the loss of the machine
//! can, unless [`PoolConfig::journal_sync`](crate::PoolConfig) asks for a flush each time.

mod output;

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use output::{Output, lock, open_output, sync_name};
use parking_lot::Mutex;

use crate::{
    PoolError,
    record::{HEADER, Record},
};

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    sync: bool,
    file: Mutex<Output>,
    /// Length of the file, readable without the lock.
    length: AtomicU64,
}

impl Journal {
    /// Opens the journal, or creates it, hands its records to `each` in file order and cuts off
    /// what is not a whole record.
    ///
    /// # Errors
    /// [`PoolError::JournalOpen`]: also if another process holds the file, or if it is not a
    /// journal of this version. Such a file is not modified.
    pub(crate) fn open(
        path: &Path,
        sync: bool,
        each: impl FnMut(Record),
    ) -> Result<Self, PoolError> {
        let output = open_output(path, each).map_err(|source| PoolError::JournalOpen {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            sync,
            length: AtomicU64::new(output.length),
            file: Mutex::new(output),
        })
    }

    /// Length of the file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    /// Appends encoded records. When it returns, the kernel has them.
    ///
    /// # Errors
    /// [`PoolError::JournalWrite`]; the file then holds nothing of `records`.
    pub(crate) fn append(&self, records: &[u8]) -> Result<(), PoolError> {
        let mut output = self.file.lock();
        let result = output.append(records, self.sync);
        self.length.store(output.length, Ordering::Relaxed);
        result.map_err(|source| self.write_error(source))
    }

    /// Flushes the file to disk.
    ///
    /// # Errors
    /// [`PoolError::JournalWrite`].
    pub(crate) fn flush(&self) -> Result<(), PoolError> {
        let output = self.file.lock();
        output
            .file
            .sync_all()
            .map_err(|source| self.write_error(source))
    }

    /// Replaces the file by one that holds only what `write` puts into it.
    ///
    /// The caller guarantees that everything accepted and still in the pool is among it, and that
    /// nobody is between an append and the pool.
    ///
    /// # Errors
    /// [`PoolError::JournalWrite`]; the old file then stays in use.
    pub(crate) fn rotate(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), PoolError> {
        let mut output = self.file.lock();
        *output = self
            .write_successor(write)
            .map_err(|source| self.write_error(source))?;
        self.length.store(output.length, Ordering::Relaxed);
        Ok(())
    }

    fn write_successor(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Output> {
        let mut temporary = self.path.clone().into_os_string();
        temporary.push(".new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        lock(&file)?;
        let mut buffered = BufWriter::with_capacity(1 << 20, &mut file);
        buffered.write_all(&HEADER)?;
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        // Renaming before the content is on disk could leave an empty journal after a power cut.
        file.sync_all()?;
        let length = file.stream_position()?;
        std::fs::rename(&temporary, &self.path)?;
        // From here on it is the journal, whatever happens.
        sync_name(&self.path);
        Ok(Output {
            file,
            length,
            torn: false,
        })
    }

    fn write_error(&self, source: io::Error) -> PoolError {
        PoolError::JournalWrite {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
impl Journal {
    /// A journal on a device that is always full.
    pub(crate) fn failing() -> Self {
        let path = PathBuf::from("/dev/full");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        Self {
            path,
            sync: false,
            file: Mutex::new(Output {
                file,
                length: 0,
                torn: false,
            }),
            length: AtomicU64::new(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use alloy_primitives::B256;

    use super::*;
    use crate::record::{encode_accepted, encode_dropped};

    fn open(path: &Path) -> (Journal, Vec<Record>) {
        let mut records = Vec::new();
        let journal = Journal::open(path, false, |record| records.push(record)).unwrap();
        (journal, records)
    }

    fn accepted(seq: u64) -> Record {
        Record::Accepted {
            seq,
            raw: vec![seq as u8; 10].into(),
        }
    }

    fn append(journal: &Journal, seq: u64) {
        let mut bytes = Vec::new();
        encode_accepted(seq, &[seq as u8; 10], &mut bytes);
        journal.append(&bytes).unwrap();
    }

    #[test]
    fn appended_records_are_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/journal");
        let (journal, records) = open(&path);
        assert!(records.is_empty());
        append(&journal, 1);
        append(&journal, 2);
        let mut bytes = Vec::new();
        encode_dropped(1, B256::ZERO, &mut bytes);
        journal.append(&bytes).unwrap();
        drop(journal);
        let (journal, records) = open(&path);
        assert_eq!(
            records,
            [
                accepted(1),
                accepted(2),
                Record::Dropped {
                    seq: 1,
                    hash: B256::ZERO
                }
            ]
        );
        assert_eq!(journal.length(), std::fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn a_torn_tail_is_cut_and_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = open(&path);
        append(&journal, 1);
        append(&journal, 2);
        let length = journal.length();
        drop(journal);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - 3)
            .unwrap();
        let (journal, records) = open(&path);
        assert_eq!(records, [accepted(1)]);
        assert!(dir.path().join("journal.cut").exists());
        append(&journal, 3);
        drop(journal);
        assert_eq!(open(&path).1, [accepted(1), accepted(3)]);
    }

    #[test]
    fn a_torn_header_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        std::fs::write(&path, &HEADER[..5]).unwrap();
        let (journal, _) = open(&path);
        append(&journal, 1);
        drop(journal);
        assert_eq!(open(&path).1, [accepted(1)]);
    }

    #[test]
    fn refuses_and_leaves_alone_what_is_not_a_journal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        std::fs::write(&path, b"something precious").unwrap();
        let error = Journal::open(&path, false, |_| ()).unwrap_err();
        assert!(matches!(error, PoolError::JournalOpen { .. }));
        assert_eq!(std::fs::read(&path).unwrap(), b"something precious");
    }

    #[test]
    fn refuses_a_journal_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = open(&path);
        assert!(Journal::open(&path, false, |_| ()).is_err());
        // The file that a rotation puts in place is held just the same.
        journal.rotate(|_| Ok(())).unwrap();
        assert!(Journal::open(&path, false, |_| ()).is_err());
    }

    #[test]
    fn rotation_keeps_what_it_is_given_and_what_follows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = open(&path);
        for seq in 0..100 {
            append(&journal, seq);
        }
        let before = journal.length();
        journal
            .rotate(|out| {
                let mut bytes = Vec::new();
                encode_accepted(7, &[7; 10], &mut bytes);
                out.write_all(&bytes)
            })
            .unwrap();
        assert!(journal.length() < before);
        append(&journal, 100);
        assert_eq!(journal.length(), std::fs::metadata(&path).unwrap().len());
        drop(journal);
        assert_eq!(open(&path).1, [accepted(7), accepted(100)]);
    }

    #[test]
    fn a_failed_rotation_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = open(&path);
        append(&journal, 1);
        let error = journal.rotate(|_| Err(io::Error::other("disk full")));
        assert!(matches!(error, Err(PoolError::JournalWrite { .. })));
        append(&journal, 2);
        drop(journal);
        assert_eq!(open(&path).1, [accepted(1), accepted(2)]);
    }

    #[test]
    fn a_full_disk_is_an_error_each_time() {
        let journal = Journal::failing();
        for _ in 0..2 {
            let error = journal.append(b"record").unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("not accepted: journal /dev/full")
            );
            assert_eq!(journal.length(), 0);
        }
    }
}
