//! The bytes of a file, unpacked: plain or gzip, told apart by the first bytes and not by name.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::error::IntakeError;

/// Packed bytes read at a time.
const PACKED_CHUNK: usize = 64 << 10;

/// Bytes at either end of a file that its fingerprint covers.
const FINGERPRINT_BYTES: u64 = 64 << 10;

/// How the file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
}

/// An open file, as a stream of unpacked bytes.
pub(super) struct Source {
    stream: Stream,
    packing: Packing,
    total: u64,
    origin: Option<Origin>,
}

enum Stream {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<Counted>>),
}

/// Where the bytes come from, and how that looked when it was opened.
struct Origin {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, IntakeError> {
        let (file, metadata) = open_regular(path)?;
        let origin = Origin {
            path: path.to_owned(),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        };
        Self::over(Box::new(file), metadata.len(), Some(origin))
    }

    pub(super) fn of_bytes(bytes: Vec<u8>) -> Result<Self, IntakeError> {
        let total = bytes.len() as u64;
        Self::over(Box::new(Cursor::new(bytes)), total, None)
    }

    fn over(
        inner: Box<dyn Read + Send>,
        total: u64,
        origin: Option<Origin>,
    ) -> Result<Self, IntakeError> {
        let mut counted = Counted {
            inner: BufReader::with_capacity(PACKED_CHUNK, inner),
            bytes: 0,
        };
        let gzip = counted
            .fill_buf()
            .map_err(|source| IntakeError::Read { bytes: 0, source })?
            .starts_with(&[0x1f, 0x8b]);
        let (stream, packing) = if gzip {
            let decoder = Box::new(MultiGzDecoder::new(counted));
            (Stream::Gzip(decoder), Packing::Gzip)
        } else {
            (Stream::Plain(counted), Packing::Plain)
        };
        Ok(Self {
            stream,
            packing,
            total,
            origin,
        })
    }

    pub(super) const fn packing(&self) -> Packing {
        self.packing
    }

    /// Packed bytes read so far, and all there are.
    pub(super) fn progress(&self) -> (u64, u64) {
        let read = match &self.stream {
            Stream::Plain(counted) => counted.bytes,
            Stream::Gzip(decoder) => decoder.get_ref().bytes,
        };
        (read, self.total)
    }

    /// Reads unpacked bytes; 0 at the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, IntakeError> {
        loop {
            let result = match &mut self.stream {
                Stream::Plain(counted) => counted.read(into),
                Stream::Gzip(decoder) => decoder.read(into),
            };
            match result {
                Ok(len) => return Ok(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.failure(source)),
            }
        }
    }

    fn failure(&self, source: io::Error) -> IntakeError {
        let (bytes, _) = self.progress();
        let damage = matches!(
            source.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        );
        match self.packing {
            Packing::Gzip if damage => IntakeError::DamagedGzip { bytes, source },
            Packing::Gzip | Packing::Plain => IntakeError::Read { bytes, source },
        }
    }

    /// Whether the file is still what it was when it was opened.
    pub(super) fn check_unchanged(&self) -> Result<(), IntakeError> {
        let Some(origin) = &self.origin else {
            return Ok(());
        };
        let changed = |now| IntakeError::Changed {
            path: origin.path.clone(),
            then: origin.bytes,
            now,
        };
        let metadata = fs::metadata(&origin.path).map_err(|_gone| changed(0))?;
        if metadata.len() != origin.bytes || metadata.modified().ok() != origin.modified {
            return Err(changed(metadata.len()));
        }
        Ok(())
    }
}

fn open_regular(path: &Path) -> Result<(File, Metadata), IntakeError> {
    let failed = |source| IntakeError::Open {
        path: path.to_owned(),
        source,
    };
    // Before opening: opening a pipe waits for someone to write to it.
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(IntakeError::Directory {
            path: path.to_owned(),
        });
    }
    if !metadata.is_file() {
        return Err(IntakeError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok((File::open(path).map_err(failed)?, metadata))
}

/// Counts the bytes taken.
struct Counted {
    inner: BufReader<Box<dyn Read + Send>>,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(into)?;
        self.bytes += len as u64;
        Ok(len)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, len: usize) {
        self.inner.consume(len);
        self.bytes += len as u64;
    }
}

/// Which file it is, without reading all of it: its size and a hash over both of its ends.
/// Recognises the same file when a load is resumed; it is no proof against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes, as packed.
    pub bytes: u64,
    /// xxh3 over the first and the last 64 KiB, as packed.
    pub ends_hash: u64,
}

impl Fingerprint {
    /// The fingerprint of a file.
    pub fn of(path: &Path) -> Result<Self, IntakeError> {
        let (mut file, metadata) = open_regular(path)?;
        let bytes = metadata.len();
        let mut hasher = Xxh3Default::new();
        for start in [0, bytes.saturating_sub(FINGERPRINT_BYTES)] {
            let mut end = Vec::new();
            file.seek(SeekFrom::Start(start))
                .and_then(|_at| (&mut file).take(FINGERPRINT_BYTES).read_to_end(&mut end))
                .map_err(|source| IntakeError::Read {
                    bytes: start,
                    source,
                })?;
            hasher.update(&end);
        }
        Ok(Self {
            bytes,
            ends_hash: hasher.digest(),
        })
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{:016x}", self.bytes, self.ends_hash)
    }
}
