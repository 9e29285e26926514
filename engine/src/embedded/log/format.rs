//! The bytes of the log: file heads, groups, and what is carried from one segment to the next.
//!
//! ```text
//! file head   magic (8), version u32, crc of the 12 bytes before        the same in all versions
//! block       length u32, crc u32, bytes                                preamble, checkpoint
//! segment     file head, block of the preamble, groups
//! group       header (40), table, bodies of the frames back to back
//! header      magic, table length u32, bodies length u64, sequence u64,
//!             wall clock of the append in ms i64, crc of the table u32, crc of the header u32
//! table       frames, commits, marks, each with their count before them; see `Table`
//! ```
//!
//! Numbers of fixed length are little-endian; the others are those of [`crate::codec::varint`].
//! Checksums are CRC-32. The header, the table and each frame have their own, so that a fetch
//! verifies exactly what it returns and reads nothing else.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::codec::varint::{DecodeError, Reader, put_i64, put_u64};
use crate::model::LoadId;

use super::slots::Slots;

/// Format written; all formats up to it are read.
pub(super) const VERSION: u32 = 1;

/// Length of a file head.
pub(super) const FILE_HEAD: usize = 16;

/// Length of the two numbers before a block.
pub(super) const BLOCK_HEAD: usize = 8;

/// Length of a group's header.
pub(super) const HEADER: usize = 40;

/// First bytes of a group: text that no line of a CSV contains.
pub(super) const GROUP_MAGIC: [u8; 4] = *b"\xf5GRP";

/// Why a file head does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    /// Not what was written.
    Damaged,
    /// Whole, and of a version that is not known yet.
    Newer(u32),
}

/// The first bytes of a file of kind `magic`.
pub(super) fn put_file_head(out: &mut Vec<u8>, magic: [u8; 8]) {
    let start = out.len();
    out.extend_from_slice(&magic);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Checks the first bytes of a file.
pub(super) fn check_file_head(head: &[u8; FILE_HEAD], magic: [u8; 8]) -> Result<(), HeadError> {
    let crc = u32::from_le_bytes(array(head, 12));
    if array::<8>(head, 0) != magic || crc32fast::hash(&head[..12]) != crc {
        return Err(HeadError::Damaged);
    }
    match u32::from_le_bytes(array(head, 8)) {
        VERSION => Ok(()),
        newer => Err(HeadError::Newer(newer)),
    }
}

/// Appends a block.
pub(super) fn put_block(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Length and checksum of a block.
pub(super) fn read_block_head(head: [u8; BLOCK_HEAD]) -> (u32, u32) {
    (
        u32::from_le_bytes(array(&head, 0)),
        u32::from_le_bytes(array(&head, 4)),
    )
}

/// The fixed-length part of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) table_len: u32,
    pub(super) bodies_len: u64,
    /// Groups are numbered from 1 without a gap over all segments.
    pub(super) sequence: u64,
    /// Wall clock of the append, milliseconds since 1970.
    pub(super) appended_ms: i64,
    pub(super) table_crc: u32,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..4].copy_from_slice(&GROUP_MAGIC);
        out[4..8].copy_from_slice(&self.table_len.to_le_bytes());
        out[8..16].copy_from_slice(&self.bodies_len.to_le_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        out[24..32].copy_from_slice(&self.appended_ms.to_le_bytes());
        out[32..36].copy_from_slice(&self.table_crc.to_le_bytes());
        let crc = crc32fast::hash(&out[..36]);
        out[36..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` when the bytes are not a header.
    pub(super) fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let crc = u32::from_le_bytes(array(bytes, 36));
        if array::<4>(bytes, 0) != GROUP_MAGIC || crc32fast::hash(&bytes[..36]) != crc {
            return None;
        }
        Some(Self {
            table_len: u32::from_le_bytes(array(bytes, 4)),
            bodies_len: u64::from_le_bytes(array(bytes, 8)),
            sequence: u64::from_le_bytes(array(bytes, 16)),
            appended_ms: i64::from_le_bytes(array(bytes, 24)),
            table_crc: u32::from_le_bytes(array(bytes, 32)),
        })
    }

    /// Length of the whole group; saturates, and is then longer than any file.
    pub(super) fn group_len(&self) -> u64 {
        (HEADER as u64 + u64::from(self.table_len)).saturating_add(self.bodies_len)
    }
}

/// `N` bytes of `from` at `start`. Both are constants of this module that fit.
fn array<const N: usize>(from: &[u8], start: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&from[start..start + N]);
    out
}

/// Records of one load for one partition, without their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) slot: usize,
    pub(super) load: LoadId,
    /// Offset of the first record.
    pub(super) base: u64,
    /// At least 1.
    pub(super) records: u32,
    pub(super) len: u64,
    pub(super) crc: u32,
}

impl Frame {
    /// Offset after the last record.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(u64::from(self.records))
    }
}

/// What a group contains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table {
    pub(super) frames: Vec<Frame>,
    /// Slots and the positions that their groups committed.
    pub(super) commits: Vec<(usize, u64)>,
    pub(super) marks: Vec<(LoadId, Bytes)>,
}

impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.commits.is_empty() && self.marks.is_empty()
    }

    /// Appends slot, load, base, records, length and checksum of each frame; slot and position of
    /// each commit; load and payload of each mark.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.frames.len() as u64);
        for frame in &self.frames {
            put_u64(out, frame.slot as u64);
            put_u64(out, frame.load.0);
            put_u64(out, frame.base);
            put_u64(out, u64::from(frame.records));
            put_u64(out, frame.len);
            put_u64(out, u64::from(frame.crc));
        }
        put_u64(out, self.commits.len() as u64);
        for (slot, position) in &self.commits {
            put_u64(out, *slot as u64);
            put_u64(out, *position);
        }
        put_marks(
            out,
            self.marks.iter().map(|(load, payload)| (*load, payload)),
        );
    }

    pub(super) fn decode(bytes: &[u8], slots: Slots) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut table = Self::default();
        for _ in 0..reader.count()? {
            table.frames.push(Frame {
                slot: read_slot(&mut reader, slots)?,
                load: LoadId(reader.u64()?),
                base: reader.u64()?,
                records: reader.u32()?,
                len: reader.u64()?,
                crc: reader.u32()?,
            });
        }
        for _ in 0..reader.count()? {
            let slot = read_slot(&mut reader, slots)?;
            table.commits.push((slot, reader.u64()?));
        }
        table.marks = read_marks(&mut reader)?;
        if reader.is_empty() {
            Ok(table)
        } else {
            Err(DecodeError("there are bytes after the last mark"))
        }
    }
}

fn read_slot(reader: &mut Reader<'_>, slots: Slots) -> Result<usize, DecodeError> {
    match usize::try_from(reader.u64()?) {
        Ok(slot) if slot < slots.count() => Ok(slot),
        _ => Err(DecodeError("there is no such partition")),
    }
}

fn put_marks<'a>(out: &mut Vec<u8>, marks: impl ExactSizeIterator<Item = (LoadId, &'a Bytes)>) {
    put_u64(out, marks.len() as u64);
    for (load, payload) in marks {
        put_u64(out, load.0);
        put_u64(out, payload.len() as u64);
        out.extend_from_slice(payload);
    }
}

fn read_marks(reader: &mut Reader<'_>) -> Result<Vec<(LoadId, Bytes)>, DecodeError> {
    let mut marks = Vec::new();
    for _ in 0..reader.count()? {
        let load = LoadId(reader.u64()?);
        let len = reader.count()?;
        marks.push((load, Bytes::copy_from_slice(reader.bytes(len)?)));
    }
    Ok(marks)
}

/// Everything that does not lie in one place of the log: ends, positions of groups, marks. Each
/// segment begins with it, so that the segments before can be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// Offset of the next record, by slot.
    pub(super) ends: Vec<u64>,
    /// Position of the consumer group, by slot.
    pub(super) committed: Vec<Option<u64>>,
    pub(super) marks: BTreeMap<LoadId, Bytes>,
}

impl Carried {
    /// That of an empty log.
    pub(super) fn empty(slots: Slots) -> Self {
        Self {
            ends: vec![0; slots.count()],
            committed: vec![None; slots.count()],
            marks: BTreeMap::new(),
        }
    }

    /// Takes in a group; says what does not follow from what was before, and is then unusable.
    pub(super) fn apply(&mut self, table: &Table) -> Result<(), &'static str> {
        for frame in &table.frames {
            if frame.base != self.ends[frame.slot] || frame.records == 0 {
                return Err("offsets of a partition have a gap");
            }
            self.ends[frame.slot] = frame.end();
        }
        for (slot, position) in &table.commits {
            if *position > self.ends[*slot] {
                return Err("a group has committed more than there is");
            }
            self.committed[*slot] = Some(*position);
        }
        for (load, payload) in &table.marks {
            self.marks.insert(*load, payload.clone());
        }
        Ok(())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for end in &self.ends {
            put_u64(out, *end);
        }
        for committed in &self.committed {
            // 0 is "never", so that a position is written one higher.
            put_u64(
                out,
                committed.map_or(0, |position| position.saturating_add(1)),
            );
        }
        put_marks(
            out,
            self.marks.iter().map(|(load, payload)| (*load, payload)),
        );
    }

    pub(super) fn decode(reader: &mut Reader<'_>, slots: Slots) -> Result<Self, DecodeError> {
        let mut carried = Self::empty(slots);
        for end in &mut carried.ends {
            *end = reader.u64()?;
        }
        for committed in &mut carried.committed {
            *committed = reader.u64()?.checked_sub(1);
        }
        carried.marks = read_marks(reader)?.into_iter().collect();
        Ok(carried)
    }
}

/// What a segment begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) number: u64,
    /// Sequence of the first group.
    pub(super) first_sequence: u64,
    pub(super) slots: Slots,
    pub(super) carried: Carried,
}

impl Preamble {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, self.number);
        put_u64(&mut out, self.first_sequence);
        put_u64(&mut out, u64::from(self.slots.per_topic()));
        self.carried.encode(&mut out);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u64()?;
        let first_sequence = reader.u64()?;
        let slots = read_slots(&mut reader)?;
        Ok(Self {
            number,
            first_sequence,
            slots,
            carried: Carried::decode(&mut reader, slots)?,
        })
    }
}

/// Reads how many partitions a regional topic has.
pub(super) fn read_slots(reader: &mut Reader<'_>) -> Result<Slots, DecodeError> {
    u16::try_from(reader.u64()?)
        .ok()
        .and_then(Slots::new)
        .ok_or(DecodeError("the number of partitions is out of range"))
}

/// A place in a segment from which a reader can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexEntry {
    /// Where a group begins.
    pub(super) position: u64,
    /// Latest wall clock of the groups from here to the next entry, milliseconds since 1970. Not
    /// that of the last one: the wall clock may go back.
    pub(super) latest_ms: i64,
    /// Ends of all partitions before that group.
    pub(super) ends: Box<[u64]>,
}

impl IndexEntry {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.position);
        put_i64(out, self.latest_ms);
        for end in &self.ends {
            put_u64(out, *end);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>, slots: Slots) -> Result<Self, DecodeError> {
        Ok(Self {
            position: reader.u64()?,
            latest_ms: reader.i64()?,
            ends: (0..slots.count())
                .map(|_| reader.u64())
                .collect::<Result<_, _>>()?,
        })
    }
}
