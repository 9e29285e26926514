//! A list that only grows, as one file: a JSON value in each line, durable before it counts.

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
    /// What a person can do about it.
    pub const fn remedy() -> &'static str {
        "check that the disk has room and the data directory may be written to"
    }
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens a journal and reads it back. A last line that a crash cut off was never acknowledged
    /// to anybody: it is removed. Any other line that cannot be understood is an error, because
    /// what follows it may rest on it.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>), JournalError> {
        let failed = |source| JournalError {
            source,
            path: path.to_owned(),
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let lines = text.get(..whole).unwrap_or_default().lines();
        let entries = lines
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(|error| failed(io::Error::other(error)))?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        let path = path.to_owned();
        Ok((Self { file, path }, entries))
    }

    /// Makes one more entry durable.
    pub(crate) fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), JournalError> {
        let written = serde_json::to_string(entry)
            .map_err(io::Error::other)
            .and_then(|line| self.file.write_all((line + "\n").as_bytes()))
            .and_then(|()| self.file.sync_data());
        written.map_err(|source| JournalError {
            source,
            path: self.path.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(Journal::open::<u32>(&path).is_err());
    }
}
