//! Rows set aside, kept as chunks: all of one load in one flush.
//!
//! The key is load, first row, and a hash of the bytes, so that two chunks that begin with the
//! same row and differ after it are both kept; a row in several chunks is one row.

use std::collections::BTreeMap;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::summary::{check, put_checksum};
use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{LoadId, Reason, Reject, RowNo};
use crate::ports::{RejectQuery, RejectRow};

use super::kv::{KvError, Rows, Table, View};

/// Format of the values written. A reader knows all formats up to its own.
const VERSION: u8 = 1;

/// Key and value of rows of one load, sorted by row.
pub(super) fn put_chunk(rows: &[&RejectRow]) -> (Bytes, Bytes) {
    let mut out = vec![VERSION, 0, 0, 0, 0];
    varint::put_u64(&mut out, rows.len() as u64);
    for row in rows {
        let reject = &row.reject;
        varint::put_u64(&mut out, reject.row.0);
        varint::put_u64(&mut out, reject.line);
        varint::put_u64(&mut out, reject.byte);
        out.push(u8::from(reject.column.is_some()));
        varint::put_str(&mut out, reject.column.as_deref().unwrap_or_default());
        varint::put_str(&mut out, reject.reason.slug());
        varint::put_str(&mut out, &reject.message);
        varint::put_str(&mut out, &reject.raw);
    }
    put_checksum(&mut out, 1);
    let mut key = Vec::with_capacity(24);
    if let Some(first) = rows.first() {
        key.extend_from_slice(&first.load.0.to_be_bytes());
        key.extend_from_slice(&first.reject.row.0.to_be_bytes());
    }
    key.extend_from_slice(&xxh3_64(&out).to_be_bytes());
    (key.into(), out.into())
}

/// Load and first row of a chunk's key.
fn place(key: &[u8]) -> Result<(LoadId, RowNo), DecodeError> {
    let number = |at: usize| {
        let bytes = key.get(at..at + 8)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    match (number(0), number(8)) {
        (Some(load), Some(row)) => Ok((LoadId(load), RowNo(row))),
        _ => Err(DecodeError("a key names no rows set aside")),
    }
}

fn read_chunk(load: LoadId, bytes: &[u8]) -> Result<Vec<RejectRow>, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError("rows set aside have a newer format"));
    }
    check(&mut reader)?;
    let count = reader.count()?;
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let (row, line, byte) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let has_column = reader.u8()? != 0;
        let column = reader.str()?;
        let reason = reader.str()?;
        rows.push(RejectRow {
            load,
            reject: Reject {
                row: RowNo(row),
                line,
                byte,
                column: has_column.then(|| column.to_owned()),
                reason: Reason::parse(reason).ok_or(DecodeError("a reason is not known"))?,
                message: reader.str()?.to_owned(),
                raw: reader.str()?.to_owned(),
            },
        });
    }
    Ok(rows)
}

/// Why rows could not be read.
pub(super) enum ReadError {
    /// The database failed.
    Kv(KvError),
    /// The bytes are not what was written.
    Decode(DecodeError),
}

impl From<KvError> for ReadError {
    fn from(error: KvError) -> Self {
        Self::Kv(error)
    }
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// Chunks in the scope of a query, sorted by key.
pub(super) fn chunks(view: &dyn View, query: &RejectQuery) -> Rows {
    let prefix = query.load.map(|load| load.0.to_be_bytes());
    view.prefix(Table::Rejects, prefix.as_ref().map_or(&[], |p| p))
}

/// The rows that a query asks for, out of chunks sorted by key.
///
/// Rows wait until no later chunk can hold a smaller one, so memory is bounded by how far the
/// chunks of a load overlap, and reading ends at the limit.
pub(super) fn select(
    chunks: impl Iterator<Item = Result<(Bytes, Bytes), KvError>>,
    query: &RejectQuery,
) -> Result<Vec<RejectRow>, ReadError> {
    let mut waiting = BTreeMap::new();
    let mut out = Vec::new();
    let mut skip = query.skip;
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut take = |row: RejectRow, out: &mut Vec<RejectRow>| {
        if query
            .reason
            .is_some_and(|reason| reason != row.reject.reason)
            || query.row.is_some_and(|wanted| wanted != row.reject.row)
        {
            return;
        }
        if skip > 0 {
            skip -= 1;
        } else if out.len() < limit {
            out.push(row);
        }
    };
    for chunk in chunks {
        let (key, value) = chunk?;
        let start = place(&key)?;
        if query.row.is_some_and(|wanted| wanted < start.1) {
            continue; // All of its rows are behind the one that is wanted.
        }
        let later = waiting.split_off(&start);
        for row in std::mem::replace(&mut waiting, later).into_values() {
            take(row, &mut out);
        }
        if out.len() >= limit {
            return Ok(out);
        }
        for row in read_chunk(start.0, &value)? {
            waiting.insert((row.load, row.reject.row), row);
        }
    }
    for row in waiting.into_values() {
        take(row, &mut out);
    }
    Ok(out)
}
