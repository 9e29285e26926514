//! What a replica needs of a database: atomic durable batches, and consistent views.
//!
//! Two of them: [`super::kv_fjall::FjallKv`] on disk, and [`MemKv`] in memory for simulation and
//! tests. Nothing above this file knows which one it has.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use thiserror::Error;

use crate::ports::Compactions;

/// The tables of a replica. Each is sorted by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    /// Rows: bucket, sequence number of the write, kind -> block.
    Blocks,
    /// Bucket -> its newest summary.
    Summaries,
    /// Number of the first entry -> catalog entries.
    Catalog,
    /// Load, first row, hash -> rows set aside.
    Rejects,
    /// Name -> newest value.
    Notes,
    /// Name, page -> a page of a derived table.
    Derived,
    /// Target, sequence number -> a write kept for another replica.
    Hints,
    /// What the replica knows of itself.
    Meta,
}

impl Table {
    /// All tables.
    pub(super) const ALL: [Self; 8] = [
        Self::Blocks,
        Self::Summaries,
        Self::Catalog,
        Self::Rejects,
        Self::Notes,
        Self::Derived,
        Self::Hints,
        Self::Meta,
    ];
}

/// One change of a batch.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Where.
    pub(super) table: Table,
    /// Which row.
    pub(super) key: Bytes,
    /// The new value; `None` takes the row away.
    pub(super) value: Option<Bytes>,
}

/// Changes that are made together or not at all, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    /// The changes.
    pub(super) changes: Vec<Change>,
}

impl Batch {
    /// Writes a row.
    pub(super) fn put(&mut self, table: Table, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes.push(Change {
            table,
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// Takes a row away.
    pub(super) fn delete(&mut self, table: Table, key: impl Into<Bytes>) {
        self.changes.push(Change {
            table,
            key: key.into(),
            value: None,
        });
    }
}

/// The database failed: what it said.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(super) struct KvError(pub String);

/// A row of a table.
pub(super) type Row = (Bytes, Bytes);

/// Rows of a scan, sorted by key.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, KvError>> + Send>;

/// A database of one replica. Written by one thread, read by any.
pub(super) trait Kv: Send + Sync {
    /// Makes the changes atomically; they are durable when this returns.
    fn commit(&self, batch: Batch) -> Result<(), KvError>;

    /// A view of this moment, unmoved by later commits.
    fn view(&self) -> Box<dyn View>;

    /// Bytes it takes on its disk.
    fn disk_bytes(&self) -> Result<u64, KvError>;

    /// How far it is with merging its files; `None` for one that has none.
    fn compactions(&self) -> Option<Compactions> {
        None
    }
}

/// A database at one moment.
pub(super) trait View: Send {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// The rows from `from` on, up to `to` without it; to the end of the table for `None`.
    fn range(&self, table: Table, from: &[u8], to: Option<&[u8]>) -> Rows;

    /// The rows whose key begins with `prefix`.
    fn prefix(&self, table: Table, prefix: &[u8]) -> Rows {
        self.range(table, prefix, after_prefix(prefix).as_deref())
    }
}

/// The first key after all that begin with `prefix`; `None` when there is none.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

type MemTable = BTreeMap<Bytes, Bytes>;

/// A database in memory. Clones are handles to the same rows, so that a test can end a store
/// and open another over what it left.
#[derive(Debug, Clone, Default)]
pub(super) struct MemKv {
    tables: Arc<RwLock<Tables>>,
}

/// Shared with the views; copied on write while a view is held.
type Tables = [Arc<MemTable>; Table::ALL.len()];

impl MemKv {
    /// A copy that changes no more: what a disk holds at this moment.
    #[must_use]
    pub(super) fn copied(&self) -> Self {
        Self {
            tables: Arc::new(RwLock::new(self.tables.read().clone())),
        }
    }
}

impl Kv for MemKv {
    fn commit(&self, batch: Batch) -> Result<(), KvError> {
        let mut tables = self.tables.write();
        for change in batch.changes {
            let Some(table) = tables.get_mut(change.table as usize) else {
                continue;
            };
            let table = Arc::make_mut(table);
            match change.value {
                Some(value) => table.insert(change.key, value),
                None => table.remove(&change.key),
            };
        }
        Ok(())
    }

    fn view(&self) -> Box<dyn View> {
        Box::new(MemView(self.tables.read().clone()))
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        let tables = self.tables.read();
        let rows = tables.iter().flat_map(|table| table.iter());
        Ok(rows.map(|(k, v)| (k.len() + v.len()) as u64).sum())
    }
}

struct MemView(Tables);

impl MemView {
    fn table(&self, table: Table) -> Arc<MemTable> {
        self.0.get(table as usize).cloned().unwrap_or_default()
    }
}

impl View for MemView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.table(table).get(key).cloned())
    }

    fn range(&self, table: Table, from: &[u8], to: Option<&[u8]>) -> Rows {
        let table = self.table(table);
        let to = to.map(Bytes::copy_from_slice);
        let mut next = Bound::Included(Bytes::copy_from_slice(from));
        Box::new(std::iter::from_fn(move || {
            let end = to.clone().map_or(Bound::Unbounded, Bound::Excluded);
            if let (Bound::Included(from) | Bound::Excluded(from), Some(to)) = (&next, &to)
                && from >= to
            {
                return None;
            }
            let (key, value) = table.range((next.clone(), end)).next()?;
            next = Bound::Excluded(key.clone());
            Some(Ok((key.clone(), value.clone())))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_key_that_does_not_have_it() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xff]), None);
        assert_eq!(after_prefix(b""), None);
    }

    #[test]
    fn a_view_in_memory_is_unmoved_by_later_commits() {
        super::super::tests::a_view_is_unmoved_by_later_commits(&MemKv::default());
    }
}
