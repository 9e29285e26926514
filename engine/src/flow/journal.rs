//! A list that only grows, as one file: a JSON value in each line, durable before it counts.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A journal that cannot be read or written.
#[derive(Debug, Error)]
#[error("{path:?}: {source}")]
pub struct JournalError {
    /// Why.
    source: io::Error,
    /// The file.
    path: PathBuf,
}

impl JournalError {
    /// What to do about a file in the data directory that cannot be read or written.
    pub(super) const ROOM: &'static str =
        "check that the disk has room and the data directory may be written to";

    /// An error about the journal at `path`.
    pub(super) fn new(source: io::Error, path: &Path) -> Self {
        Self {
            source,
            path: path.to_owned(),
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        if self.source.kind() == io::ErrorKind::InvalidData {
            return "correct or remove what is no entry in this file, or put it back from a copy";
        }
        Self::ROOM
    }
}

/// What lines are put to: a file, or one that a test fills up.
trait Tail: fmt::Debug + Send {
    /// Bytes that are there.
    fn size(&self) -> io::Result<u64>;

    /// Puts bytes to the end. After an error some of them may be there.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes them durable.
    fn sync(&self) -> io::Result<()>;

    /// Cuts off what lies behind the first `size` bytes.
    fn cut(&self, size: u64) -> io::Result<()>;
}

impl Tail for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }
}

/// A file of lines that are added whole and durable, or not at all.
#[derive(Debug)]
pub(super) struct Lines {
    tail: Box<dyn Tail>,
    path: PathBuf,
    /// How long the file was before a write that failed, until what it left is cut off.
    whole: Option<u64>,
}

impl Lines {
    /// Opens a file, made when it is not there, of whose bytes the first `keep` are whole lines.
    pub(super) fn open(path: &Path, keep: usize) -> Result<Self, JournalError> {
        let failed = |source| JournalError::new(source, path);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        file.set_len(keep as u64).map_err(failed)?;
        Ok(Self {
            tail: Box::new(file),
            path: path.to_owned(),
            whole: None,
        })
    }

    /// Adds lines, each with its line end. After an error none of them is there.
    pub(super) fn add(&mut self, lines: &str) -> Result<(), JournalError> {
        self.try_add(lines).map_err(|source| self.failed(source))
    }

    fn try_add(&mut self, lines: &str) -> io::Result<()> {
        self.mend()?;
        // Asked each time: in live mode another process may have added lines of its own.
        let whole = self.tail.size()?;
        let added = self
            .tail
            .put(lines.as_bytes())
            .and_then(|()| self.tail.sync());
        if added.is_err() {
            // The next line would be put to half a line, and neither could be read then; and a
            // whole one would count at the next start, though its writer was told that it failed.
            self.whole = Some(whole);
            if let Err(error) = self.mend() {
                tracing::warn!(%error, "half a line is cut off before the next: {:?}", self.path);
            }
        }
        added
    }

    /// Cuts off what a write that failed left behind.
    fn mend(&mut self) -> io::Result<()> {
        if let Some(whole) = self.whole {
            self.tail.cut(whole)?;
            self.whole = None;
        }
        Ok(())
    }

    /// An error about this file.
    pub(super) fn failed(&self, source: io::Error) -> JournalError {
        JournalError::new(source, &self.path)
    }
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    lines: Lines,
}

impl Journal {
    /// Opens a journal and reads it back. A last line that a crash cut off was never acknowledged
    /// to anybody: it is removed. Any other line that cannot be understood is an error, because
    /// what follows it may rest on it.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>), JournalError> {
        let failed = |source| JournalError::new(source, path);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let lines = text.get(..whole).unwrap_or_default().lines();
        let entries = lines
            .zip(1..)
            .map(|(line, number)| {
                serde_json::from_str(line).map_err(|error| no_entry(number, &error))
            })
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let lines = Lines::open(path, whole)?;
        Ok((Self { lines }, entries))
    }

    /// Makes one more entry durable. After an error it is not in the journal.
    pub(crate) fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), JournalError> {
        let line = serde_json::to_string(entry)
            .map_err(|error| self.lines.failed(io::Error::other(error)))?;
        self.lines.add(&(line + "\n"))
    }
}

fn no_entry(line: u64, error: &serde_json::Error) -> io::Error {
    let what = format!("line {line} is no entry: {error}");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// What fails of a file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Trouble {
        None,
        /// Writes stop half way.
        Full,
        Sync,
        /// Writes stop half way, and nothing can be cut off.
        FullAndStuck,
    }

    #[derive(Debug)]
    struct Troubled {
        file: File,
        trouble: Arc<Mutex<Trouble>>,
    }

    impl Troubled {
        fn unless(&self, troubles: &[Trouble]) -> io::Result<()> {
            if troubles.contains(&self.trouble.lock()) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    }

    impl Tail for Troubled {
        fn size(&self) -> io::Result<u64> {
            self.file.size()
        }

        fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
            let full = self.unless(&[Trouble::Full, Trouble::FullAndStuck]);
            let fits = if full.is_ok() {
                bytes.len()
            } else {
                bytes.len() / 2
            };
            self.file.put(&bytes[..fits])?;
            full
        }

        fn sync(&self) -> io::Result<()> {
            self.unless(&[Trouble::Sync])
        }

        fn cut(&self, size: u64) -> io::Result<()> {
            self.unless(&[Trouble::FullAndStuck])?;
            self.file.cut(size)
        }
    }

    #[test]
    fn an_entry_that_fails_leaves_nothing_behind_for_the_next() {
        for trouble in [Trouble::Full, Trouble::Sync, Trouble::FullAndStuck] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("list.jsonl");
            let (mut journal, _) = Journal::open::<u32>(&path).unwrap();
            journal.append(&1234).unwrap();
            let now = Arc::new(Mutex::new(trouble));
            let file = OpenOptions::new().append(true).open(&path).unwrap();
            journal.lines.tail = Box::new(Troubled {
                file,
                trouble: Arc::clone(&now),
            });
            journal.append(&5678).unwrap_err();
            journal.append(&5678).unwrap_err();
            if trouble != Trouble::FullAndStuck {
                assert_eq!(std::fs::read_to_string(&path).unwrap(), "1234\n");
            }
            *now.lock() = Trouble::None;
            journal.append(&9).unwrap();
            let (_, entries) = Journal::open::<u32>(&path).unwrap();
            assert_eq!(entries, [1234, 9], "{trouble:?}");
        }
    }

    #[test]
    fn entries_survive_and_a_line_that_was_cut_off_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.jsonl");
        let (mut journal, entries) = Journal::open::<u32>(&path).unwrap();
        assert!(entries.is_empty());
        journal.append(&7).unwrap();
        journal.append(&8).unwrap();
        std::fs::write(&path, "7\n8\n9").unwrap();
        let (mut journal, entries) = Journal::open::<u32>(&path).unwrap();
        assert_eq!(entries, [7, 8]);
        journal.append(&10).unwrap();
        let (_, entries) = Journal::open::<u32>(&path).unwrap();
        assert_eq!(entries, [7, 8, 10]);
        std::fs::write(&path, "7\nseven\n8\n").unwrap();
        let error = Journal::open::<u32>(&path).unwrap_err();
        assert!(error.to_string().contains("line 2 is no entry"), "{error}");
        assert!(error.remedy().contains("no entry"), "{}", error.remedy());
    }
}
