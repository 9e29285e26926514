//! The checkpoint: what is known of the log up to a place, so that opening it reads only what
//! came after.
//!
//! It is written at a clean close, when a segment is begun, and before segments are dropped; into
//! a new file, which is then renamed over the old one. It says nothing that the segments do not
//! say, and when it is missing or not whole they are read from their beginning instead.

use std::path::Path;

use crate::codec::varint::{DecodeError, Reader, put_u64};
use crate::ports::{Disk, LogError};

use super::format::{
    self, BLOCK_HEAD, Carried, FILE_HEAD, HeadError, IndexEntry, VERSION, read_slots,
};
use super::segment::io_error;
use super::slots::Slots;

/// Name of the checkpoint.
pub(super) const FILE: &str = "checkpoint";
/// Name of the checkpoint while it is written.
pub(super) const NEW_FILE: &str = "checkpoint.new";

const MAGIC: [u8; 8] = *b"RTL-CKP\n";

/// The log up to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) slots: Slots,
    /// Sequence of the next group.
    pub(super) next_sequence: u64,
    pub(super) carried: Carried,
    /// By number, without a gap, at least one.
    pub(super) segments: Vec<SegmentRecord>,
}

/// A segment as far as it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentRecord {
    pub(super) number: u64,
    pub(super) end: u64,
    pub(super) index: Vec<IndexEntry>,
}

impl Checkpoint {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_u64(&mut body, u64::from(self.slots.per_topic()));
        put_u64(&mut body, self.next_sequence);
        self.carried.encode(&mut body);
        put_u64(&mut body, self.segments.len() as u64);
        for segment in &self.segments {
            put_u64(&mut body, segment.number);
            put_u64(&mut body, segment.end);
            put_u64(&mut body, segment.index.len() as u64);
            for entry in &segment.index {
                entry.encode(&mut body);
            }
        }
        let mut out = Vec::with_capacity(body.len() + FILE_HEAD + BLOCK_HEAD);
        format::put_file_head(&mut out, MAGIC);
        format::put_block(&mut out, &body);
        out
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let slots = read_slots(&mut reader)?;
        let mut checkpoint = Self {
            slots,
            next_sequence: reader.u64()?,
            carried: Carried::decode(&mut reader, slots)?,
            segments: Vec::new(),
        };
        for _ in 0..reader.count()? {
            let mut segment = SegmentRecord {
                number: reader.u64()?,
                end: reader.u64()?,
                index: Vec::new(),
            };
            for _ in 0..reader.count()? {
                segment.index.push(IndexEntry::decode(&mut reader, slots)?);
            }
            if segment.index.is_empty() {
                return Err(DecodeError("a segment has no beginning"));
            }
            checkpoint.segments.push(segment);
        }
        if checkpoint.segments.is_empty() {
            return Err(DecodeError("there is no segment"));
        }
        Ok(checkpoint)
    }

    /// Writes the checkpoint durably in place of the one before.
    pub(super) fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<(), LogError> {
        let new = dir.join(NEW_FILE);
        let write = || {
            let file = disk.open(&new)?;
            file.set_len(0)?;
            file.write_all_at(&self.encode(), 0)?;
            file.sync_data()?;
            drop(file);
            disk.rename(&new, &dir.join(FILE))?;
            disk.sync_dir(dir)
        };
        write().map_err(io_error("cannot write the checkpoint", &new))
    }

    /// Reads the checkpoint of a folder that has one; `None` when it is not whole.
    pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>, LogError> {
        let path = dir.join(FILE);
        let read = || {
            let file = disk.open(&path)?;
            let len = usize::try_from(file.size()?).unwrap_or(usize::MAX);
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        let bytes = read().map_err(io_error("cannot read the checkpoint", &path))?;
        let Some((head, rest)) = bytes.split_first_chunk::<FILE_HEAD>() else {
            return Ok(None);
        };
        match format::check_file_head(head, MAGIC) {
            Ok(()) => {}
            Err(HeadError::Damaged) => return Ok(None),
            Err(HeadError::Newer(found)) => {
                return Err(LogError::NewerFormat {
                    found,
                    known: VERSION,
                    path,
                });
            }
        }
        let Some((block, body)) = rest.split_first_chunk::<BLOCK_HEAD>() else {
            return Ok(None);
        };
        let (len, crc) = format::read_block_head(*block);
        if body.len() != len as usize || crc32fast::hash(body) != crc {
            return Ok(None);
        }
        Ok(Self::decode(body).ok())
    }
}
