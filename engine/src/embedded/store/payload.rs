//! A write as the replicas get it: encoded once, the same bytes for all three.
//!
//! Every write has a number of its own, without gaps. A replica remembers the numbers that it
//! applied; two replicas that applied the same numbers hold the same data.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::summary::{check, put_checksum, put_summary};
use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{BucketKey, Catalog, StoredLine};
use crate::ports::{DerivedRows, Flush, RejectRow};

use super::block::put_block;
use super::ranges::{Ranges, Spans};
use super::rejects::put_chunk;

/// Format of a write that is kept as a hint.
const VERSION: u8 = 1;

/// Rows on a page of a derived table.
const PAGE_ROWS: usize = 100;

/// What becomes of a summary that meets another of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precedence {
    /// The one with the larger timestamp stays; with equal ones, that of more lines.
    Newest,
    /// This one stays: it was computed from the rows by a repair.
    Always,
}

/// One value of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Rows of a bucket, under a key that no other rows have.
    Block {
        /// The bucket.
        bucket: BucketKey,
        /// See [`block_key`].
        key: Bytes,
        /// The block.
        value: Bytes,
    },
    /// The summary of a bucket.
    Summary {
        /// The bucket.
        bucket: BucketKey,
        /// Which one stays.
        precedence: Precedence,
        /// The summary.
        value: Bytes,
    },
    /// Rows set aside.
    Rejects {
        /// Load, first row, hash.
        key: Bytes,
        /// The rows.
        value: Bytes,
    },
    /// A named value.
    Note {
        /// Kind and name.
        key: Bytes,
        /// Stamp, then the value: see [`stamped`].
        value: Bytes,
    },
    /// A derived table as a whole.
    Derived {
        /// Its name.
        table: String,
        /// The larger one wins.
        stamp: u64,
        /// JSON, some rows each.
        pages: Vec<Bytes>,
    },
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Payload {
    /// Numbers of the writes that a replica has when it has this: its own, or for the end of a
    /// repair those of all replicas that took part.
    pub(super) numbers: Ranges,
    /// Spans of the log that it holds.
    pub(super) spans: Spans,
    /// Catalog entries that a reader of it needs.
    pub(super) entries: usize,
    /// Its values.
    pub(super) items: Vec<Item>,
}

/// What kind of block a key names; the last byte of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// As a flush wrote it; numbered by the write.
    Written = 0,
    /// Made of several by a replica; numbered by a hash of its bytes.
    Merged = 1,
    /// Copied from another replica; numbered by a hash of its bytes.
    Copied = 2,
}

/// Bucket, number, kind: the key of a block. A write applied twice names the same key, and no
/// other block ever does.
pub(super) fn block_key(bucket: BucketKey, number: u64, kind: BlockKind) -> Bytes {
    let mut key = Vec::with_capacity(BucketKey::BYTES + 9);
    key.extend_from_slice(&bucket.to_bytes());
    key.extend_from_slice(&number.to_be_bytes());
    key.push(kind as u8);
    key.into()
}

/// Whether a block key names one that replicas did not merge yet.
pub(super) fn is_merged(key: &[u8]) -> bool {
    key.last() == Some(&(BlockKind::Merged as u8))
}

/// The bucket of a block's or summary's key.
pub(super) fn bucket_of(key: &[u8]) -> Result<BucketKey, DecodeError> {
    key.get(..BucketKey::BYTES)
        .and_then(BucketKey::from_bytes)
        .ok_or(DecodeError("a key names no bucket"))
}

/// A value with the number that orders it.
pub(super) fn stamped(stamp: u64, value: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(value.len() + 8);
    out.extend_from_slice(&stamp.to_le_bytes());
    out.extend_from_slice(value);
    out.into()
}

/// Stamp and value of [`stamped`] bytes.
pub(super) fn unstamp(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let mut reader = Reader::new(bytes);
    Ok((reader.fixed_u64()?, reader.rest()))
}

/// The key of a named value.
pub(super) fn note_key(name: &str) -> Bytes {
    [b"n", name.as_bytes()].concat().into()
}

/// The key of the newest probe through a data centre, beside the named values.
pub(super) fn probe_key(via: crate::model::Dc) -> Bytes {
    [b"p", via.name().as_bytes()].concat().into()
}

/// Values of a write in one buffer, cut out of it when it is complete.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Buffer {
    fn value(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn into_values(self) -> impl Iterator<Item = Bytes> {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        self.ends.into_iter().map(move |end| {
            let value = bytes.slice(start..end);
            start = end;
            value
        })
    }
}

impl Payload {
    /// Encodes a flush as write `number`.
    pub(super) fn of_flush(number: u64, flush: &Flush, catalog: &Catalog) -> Self {
        let mut buffer = Buffer::default();
        for bucket in &flush.buckets {
            if !bucket.lines.is_empty() {
                buffer.value(|out| put_block(out, &bucket.lines));
            }
            buffer.value(|out| put_summary(out, &bucket.summary, bucket.timestamp));
        }
        let mut values = buffer.into_values();
        let mut items = Vec::with_capacity(flush.buckets.len() * 2 + 4);
        for bucket in &flush.buckets {
            if !bucket.lines.is_empty() {
                items.push(Item::Block {
                    bucket: bucket.key,
                    key: block_key(bucket.key, number, BlockKind::Written),
                    value: values.next().unwrap_or_default(),
                });
            }
            items.push(Item::Summary {
                bucket: bucket.key,
                precedence: Precedence::Newest,
                value: values.next().unwrap_or_default(),
            });
        }
        items.extend(reject_items(&flush.rejects));
        items.extend(flush.notes.iter().map(|note| Item::Note {
            key: note_key(&note.name),
            value: stamped(number, &note.value),
        }));
        let mut spans = Spans::default();
        for span in &flush.spans {
            spans.add(span);
        }
        Self {
            numbers: one(number),
            spans,
            entries: catalog.len(),
            items,
        }
    }

    /// Encodes derived tables as write `number`.
    pub(super) fn of_derived(number: u64, tables: &[DerivedRows]) -> Self {
        let items = tables.iter().map(|table| Item::Derived {
            table: table.table.clone(),
            stamp: number,
            pages: pages(table),
        });
        Self {
            numbers: one(number),
            items: items.collect(),
            ..Self::default()
        }
    }

    /// A probe as write `number`.
    pub(super) fn of_probe(number: u64, via: crate::model::Dc, id: u64) -> Self {
        Self {
            numbers: one(number),
            items: vec![Item::Note {
                key: probe_key(via),
                value: stamped(number, &id.to_le_bytes()),
            }],
            ..Self::default()
        }
    }

    /// Rows of a bucket that a replica lacks.
    pub(super) fn copied_block(bucket: BucketKey, lines: &[StoredLine]) -> Item {
        let mut out = Vec::new();
        put_block(&mut out, lines);
        Item::Block {
            bucket,
            key: block_key(bucket, xxh3_64(&out), BlockKind::Copied),
            value: out.into(),
        }
    }

    /// The write as bytes, to be kept as a hint.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut out = vec![VERSION, 0, 0, 0, 0];
        self.numbers.put(&mut out);
        self.spans.put(&mut out);
        varint::put_u64(&mut out, self.entries as u64);
        varint::put_u64(&mut out, self.items.len() as u64);
        for item in &self.items {
            item.put(&mut out);
        }
        put_checksum(&mut out, 1);
        out.into()
    }

    /// Reads a kept write.
    pub(super) fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(DecodeError("a hint has a newer format"));
        }
        check(&mut reader)?;
        let mut payload = Self {
            numbers: Ranges::read(&mut reader)?,
            spans: Spans::read(&mut reader)?,
            entries: usize::try_from(reader.u64()?)
                .map_err(|_wide| DecodeError("a hint needs too many catalog entries"))?,
            items: Vec::new(),
        };
        for _ in 0..reader.count()? {
            payload.items.push(Item::read(&mut reader, bytes)?);
        }
        Ok(payload)
    }
}

fn one(number: u64) -> Ranges {
    let mut numbers = Ranges::default();
    numbers.add(number, number + 1);
    numbers
}

/// Rows set aside, one chunk per load.
fn reject_items(rows: &[RejectRow]) -> Vec<Item> {
    let mut sorted: Vec<&RejectRow> = rows.iter().collect();
    sorted.sort_by_key(|row| (row.load, row.reject.row));
    let loads = sorted.chunk_by(|a, b| a.load == b.load);
    let items = loads.map(|chunk| {
        let (key, value) = put_chunk(chunk);
        Item::Rejects { key, value }
    });
    items.collect()
}

/// Pages of keys and rows, one after the other.
fn pages(table: &DerivedRows) -> Vec<Bytes> {
    let mut pages = Vec::new();
    let mut page = Vec::new();
    for (place, (key, row)) in table.rows.iter().enumerate() {
        varint::put_str(&mut page, key);
        varint::put_str(&mut page, row);
        if (place + 1) % PAGE_ROWS == 0 {
            pages.push(std::mem::take(&mut page).into());
        }
    }
    if !page.is_empty() {
        pages.push(page.into());
    }
    pages
}

/// The keys and rows of a page.
pub(super) fn read_page(page: &[u8]) -> Result<Vec<(String, String)>, DecodeError> {
    let mut reader = Reader::new(page);
    let mut rows = Vec::new();
    while !reader.is_empty() {
        rows.push((reader.str()?.to_owned(), reader.str()?.to_owned()));
    }
    Ok(rows)
}

impl Item {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Block { bucket, key, value } => {
                out.push(0);
                out.extend_from_slice(&bucket.to_bytes());
                put_bytes(out, key);
                put_bytes(out, value);
            }
            Self::Summary {
                bucket,
                precedence,
                value,
            } => {
                out.push(match precedence {
                    Precedence::Newest => 1,
                    Precedence::Always => 2,
                });
                out.extend_from_slice(&bucket.to_bytes());
                put_bytes(out, value);
            }
            Self::Rejects { key, value } => {
                out.push(3);
                put_bytes(out, key);
                put_bytes(out, value);
            }
            Self::Note { key, value } => {
                out.push(4);
                put_bytes(out, key);
                put_bytes(out, value);
            }
            Self::Derived {
                table,
                stamp,
                pages,
            } => {
                out.push(5);
                varint::put_str(out, table);
                varint::put_u64(out, *stamp);
                varint::put_u64(out, pages.len() as u64);
                for page in pages {
                    put_bytes(out, page);
                }
            }
        }
    }

    fn read(reader: &mut Reader<'_>, whole: &Bytes) -> Result<Self, DecodeError> {
        let value = |reader: &mut Reader<'_>| {
            let len = reader.count()?;
            reader.bytes(len).map(|bytes| whole.slice_ref(bytes))
        };
        let kind = reader.u8()?;
        Ok(match kind {
            0 => Self::Block {
                bucket: bucket_of(reader.bytes(BucketKey::BYTES)?)?,
                key: value(reader)?,
                value: value(reader)?,
            },
            1 | 2 => Self::Summary {
                bucket: bucket_of(reader.bytes(BucketKey::BYTES)?)?,
                precedence: if kind == 1 {
                    Precedence::Newest
                } else {
                    Precedence::Always
                },
                value: value(reader)?,
            },
            3 => Self::Rejects {
                key: value(reader)?,
                value: value(reader)?,
            },
            4 => Self::Note {
                key: value(reader)?,
                value: value(reader)?,
            },
            5 => Self::Derived {
                table: reader.str()?.to_owned(),
                stamp: reader.u64()?,
                pages: (0..reader.count()?)
                    .map(|_| value(reader))
                    .collect::<Result<_, _>>()?,
            },
            _ => return Err(DecodeError("a value of a hint has an unknown kind")),
        })
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint::put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
