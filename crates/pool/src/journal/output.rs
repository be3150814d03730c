//! The open file: held by one process, and without what is not a whole record.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::record::{self, HEADER, Record};

#[derive(Debug)]
pub(super) struct Output {
    pub(super) file: File,
    pub(super) length: u64,
    /// A failed append left bytes that could not be cut off: nothing may follow them.
    pub(super) torn: bool,
}

impl Output {
    pub(super) fn append(&mut self, records: &[u8], sync: bool) -> io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        let written = self.file.write_all(records).and_then(|()| {
            if sync {
                self.file.sync_data()?;
            }
            Ok(())
        });
        if let Err(error) = written {
            self.torn = true;
            // If this fails too (it needs no space), the next append tries again first.
            let _ = self.cut();
            return Err(error);
        }
        self.length += records.len() as u64;
        Ok(())
    }

    /// Removes what a failed append left behind.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.torn = false;
        Ok(())
    }
}

pub(super) fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "another process uses it",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Brings the name of the file at `path` to disk: after a power cut a new file could else be gone, or an
/// old one back.
pub(super) fn sync_name(path: &Path) {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(parent.unwrap_or(Path::new(".")));
    if let Err(error) = folder.and_then(|folder| folder.sync_all()) {
        tracing::warn!(path = %path.display(), %error, "the journal's folder cannot be brought to disk");
    }
}

pub(super) fn open_output(path: &Path, mut each: impl FnMut(Record)) -> io::Result<Output> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    lock(&file)?;
    let mut input = BufReader::with_capacity(1 << 20, &mut file);
    let mut start = Vec::with_capacity(HEADER.len());
    input
        .by_ref()
        .take(HEADER.len() as u64)
        .read_to_end(&mut start)?;
    if start != HEADER {
        // The process may have died while it wrote the header of a new file.
        if !HEADER.starts_with(&start) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not a transaction journal of this version",
            ));
        }
        drop(input);
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&HEADER)?;
        sync_name(path);
        return Ok(Output {
            file,
            length: HEADER.len() as u64,
            torn: false,
        });
    }
    let mut length = HEADER.len() as u64;
    while let Some((record, size)) = record::read(&mut input)? {
        each(record);
        length += size;
    }
    drop(input);
    cut_tail(path, &mut file, length)?;
    Ok(Output {
        file,
        length,
        torn: false,
    })
}

/// Cuts the file at `length`, and keeps what is cut off beside it for an operator to look at.
fn cut_tail(path: &Path, file: &mut File, length: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(length))?;
    let surplus = file.metadata()?.len().saturating_sub(length);
    if surplus == 0 {
        return Ok(());
    }
    let mut aside = path.to_owned().into_os_string();
    aside.push(".cut");
    io::copy(&mut &*file, &mut File::create(&aside)?)?;
    tracing::warn!(
        path = %path.display(),
        bytes = surplus,
        kept_in = %Path::new(&aside).display(),
        "transaction journal ends in an incomplete record"
    );
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    Ok(())
}
