//! What a replica knows of itself, and how a write becomes a batch of its database.
//!
//! Everything a write changes goes into one atomic batch: catalog entries that its rows need,
//! rows, summaries, and the number of the write.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::summary::read_head;
use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{BucketKey, Catalog, CatalogEntry, DcSet, LineTable, RowsDigest};

use super::block::{line_count, put_block, read_block, sort_lines};
use super::kv::{Batch, KvError, Table, View};
use super::payload::{BlockKind, Item, Payload, Precedence, block_key, is_merged, unstamp};
use super::ranges::{Ranges, Spans};

/// Format of a replica's folder. A program reads all formats up to its own.
pub(super) const FORMAT: u32 = 1;

/// Blocks that a bucket may gain before some are merged.
const MERGE_AFTER: u32 = 8;

/// Buckets whose newest summary is remembered, some 60 bytes each: those of several flushes, and
/// what fills a hash table of 8,192 places. The table of a forgotten one is asked again.
const HEADS_MAX: usize = 7_168;

const META_FORMAT: &[u8] = b"format";
const META_APPLIED: &[u8] = b"applied";
const META_REPAIR: &[u8] = b"repair";

/// Why a database could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StateError {
    /// The database failed.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// The bytes are not what was written.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Written by a newer version of this program.
    #[error("format {0} is newer than this program can read")]
    NewerFormat(u32),
}

/// What a replica has applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Applied {
    /// Numbers of the writes.
    pub(super) numbers: Ranges,
    /// Offsets of the log.
    pub(super) spans: Spans,
    /// Rows of sales, by the newest summaries.
    pub(super) rows: RowsDigest,
}

impl Applied {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.numbers.put(&mut out);
        self.spans.put(&mut out);
        varint::put_u64(&mut out, self.rows.lines);
        out.extend_from_slice(&self.rows.sum.to_le_bytes());
        out.extend_from_slice(&self.rows.mix.to_le_bytes());
        out
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            numbers: Ranges::read(&mut reader)?,
            spans: Spans::read(&mut reader)?,
            rows: RowsDigest {
                lines: reader.u64()?,
                sum: reader.fixed_u64()?,
                mix: reader.fixed_u64()?,
            },
        })
    }
}

/// What is known of a bucket without reading it.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    timestamp: u64,
    rows: RowsDigest,
    has_summary: bool,
    /// Blocks that were never merged.
    loose: u32,
}

/// The knowledge of one replica, kept by its thread.
#[derive(Debug, Default)]
pub(super) struct ReplicaState {
    /// What it has applied.
    pub(super) applied: Applied,
    /// Catalog entries that it has stored.
    pub(super) entries: usize,
    /// Replicas of which it was noted that hints were dropped.
    pub(super) repair_needed: DcSet,
    /// Whether the database says which format it has.
    marked: bool,
    heads: FxHashMap<BucketKey, Head>,
}

impl ReplicaState {
    /// Reads what a database holds. The catalog entries come with it.
    pub(super) fn load(view: &dyn View) -> Result<(Self, Vec<CatalogEntry>), StateError> {
        let mut state = Self::default();
        if let Some(format) = view.get(Table::Meta, META_FORMAT)? {
            let format = Reader::new(&format).u32()?;
            if format > FORMAT {
                return Err(StateError::NewerFormat(format));
            }
            state.marked = format == FORMAT;
        }
        if let Some(applied) = view.get(Table::Meta, META_APPLIED)? {
            state.applied = Applied::read(&applied)?;
        }
        if let Some(repair) = view.get(Table::Meta, META_REPAIR)? {
            state.repair_needed = read_dcs(&repair);
        }
        let entries = read_entries(view)?;
        state.entries = entries.len();
        Ok((state, entries))
    }

    /// Marks the database with its format, in the first batch that is written to it: opening a new
    /// one waits for no disk.
    pub(super) fn mark(&mut self, batch: &mut Batch) {
        if !std::mem::replace(&mut self.marked, true) {
            let mut format = Vec::new();
            varint::put_u64(&mut format, u64::from(FORMAT));
            batch.put(Table::Meta, META_FORMAT, format);
        }
    }

    /// The batch that notes for which replicas hints were dropped.
    pub(super) fn repair_batch(&mut self, needed: DcSet) -> Batch {
        self.repair_needed = needed;
        let mut batch = Batch::default();
        batch.put(Table::Meta, META_REPAIR, vec![dcs_byte(needed)]);
        batch
    }

    /// The changes of a write; none when it is applied already. The state is ahead of the
    /// database until they are committed: when that fails, the state must be loaded again.
    pub(super) fn plan(
        &mut self,
        view: &dyn View,
        catalog: &Catalog,
        payload: &Payload,
    ) -> Result<Batch, StateError> {
        let mut batch = Batch::default();
        if !payload.numbers.is_empty() && self.applied.numbers.contains_all(&payload.numbers) {
            return Ok(batch);
        }
        self.plan_entries(&mut batch, catalog, payload.entries)?;
        for item in &payload.items {
            self.plan_item(&mut batch, view, catalog, item)?;
        }
        self.applied.numbers.merge(&payload.numbers);
        self.applied.spans.merge(&payload.spans);
        batch.put(Table::Meta, META_APPLIED, self.applied.to_bytes());
        Ok(batch)
    }

    /// Adds the entries that a reader of the write needs and that are not stored here.
    pub(super) fn plan_entries(
        &mut self,
        batch: &mut Batch,
        catalog: &Catalog,
        needed: usize,
    ) -> Result<(), StateError> {
        let Some(more) = needed.checked_sub(self.entries).filter(|more| *more > 0) else {
            return Ok(());
        };
        let entries = catalog.entries_from(self.entries);
        let Some(entries) = entries.get(..more) else {
            return Err(DecodeError("a write needs names that are not in the catalog").into());
        };
        let mut out = Vec::new();
        varint::put_u64(&mut out, more as u64);
        for entry in entries {
            put_entry(&mut out, entry);
        }
        batch.put(Table::Catalog, entry_key(self.entries), out);
        self.entries = needed;
        Ok(())
    }

    fn plan_item(
        &mut self,
        batch: &mut Batch,
        view: &dyn View,
        catalog: &Catalog,
        item: &Item,
    ) -> Result<(), StateError> {
        match item {
            Item::Block { bucket, key, value } => {
                self.plan_block(batch, view, catalog, *bucket, key, value)
            }
            Item::Summary {
                bucket,
                precedence,
                value,
            } => self.plan_summary(batch, view, *bucket, *precedence, value),
            Item::Rejects { key, value } => {
                batch.put(Table::Rejects, key.clone(), value.clone());
                Ok(())
            }
            Item::Note { key, value } => {
                let stamp = unstamp(value)?.0;
                let stored = view.get(Table::Notes, key)?;
                let older = match &stored {
                    Some(stored) => unstamp(stored)?.0 <= stamp,
                    None => true,
                };
                if older {
                    batch.put(Table::Notes, key.clone(), value.clone());
                }
                Ok(())
            }
            Item::Derived {
                table,
                stamp,
                pages,
            } => plan_derived(batch, view, table, *stamp, pages),
        }
    }

    fn plan_block(
        &mut self,
        batch: &mut Batch,
        view: &dyn View,
        catalog: &Catalog,
        bucket: BucketKey,
        key: &Bytes,
        value: &Bytes,
    ) -> Result<(), StateError> {
        let head = self.head(view, bucket)?;
        head.loose += 1;
        if head.loose < MERGE_AFTER {
            batch.put(Table::Blocks, key.clone(), value.clone());
            return Ok(());
        }
        let mut merge = Batch::default();
        match merge_blocks(
            &mut merge,
            view,
            catalog,
            bucket,
            (key.clone(), value.clone()),
        ) {
            Ok(loose) => {
                head.loose = loose;
                batch.changes.append(&mut merge.changes);
            }
            Err(StateError::Decode(error)) => {
                // Damage is for a comparison to find and a person to judge; the write goes on.
                tracing::error!(%bucket, %error, "blocks cannot be merged");
                head.loose = 0;
                batch.put(Table::Blocks, key.clone(), value.clone());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn plan_summary(
        &mut self,
        batch: &mut Batch,
        view: &dyn View,
        bucket: BucketKey,
        precedence: Precedence,
        value: &Bytes,
    ) -> Result<(), StateError> {
        let new = read_head(value)?;
        let head = self.head(view, bucket)?;
        let wins = !head.has_summary
            || match precedence {
                Precedence::Newest => {
                    (head.timestamp, head.rows.lines) <= (new.timestamp.0, new.digest.lines)
                }
                Precedence::Always => head.timestamp <= new.timestamp.0,
            };
        if !wins {
            return Ok(());
        }
        let before = head.rows;
        head.has_summary = true;
        head.timestamp = new.timestamp.0;
        head.rows = new.digest;
        if bucket.table == LineTable::Transactions {
            self.applied.rows.remove(&before);
            self.applied.rows.merge(&new.digest);
        }
        batch.put(
            Table::Summaries,
            Bytes::copy_from_slice(&bucket.to_bytes()),
            value.clone(),
        );
        Ok(())
    }

    fn head(&mut self, view: &dyn View, bucket: BucketKey) -> Result<&mut Head, StateError> {
        if self.heads.len() >= HEADS_MAX && !self.heads.contains_key(&bucket) {
            self.heads.clear();
        }
        match self.heads.entry(bucket) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                Ok(unknown.insert(read_stored_head(view, bucket)?))
            }
        }
    }
}

fn read_stored_head(view: &dyn View, bucket: BucketKey) -> Result<Head, StateError> {
    let Some(summary) = view.get(Table::Summaries, &bucket.to_bytes())? else {
        // Rows never come without a summary, so there are none.
        return Ok(Head::default());
    };
    let stored = read_head(&summary)?;
    let mut loose = 0;
    for row in view.prefix(Table::Blocks, &bucket.to_bytes()) {
        loose += u32::from(!is_merged(&row?.0));
    }
    Ok(Head {
        timestamp: stored.timestamp.0,
        rows: stored.digest,
        has_summary: true,
        loose,
    })
}

/// Merges the small blocks of a bucket into one, and leaves those alone that are much larger
/// than all smaller ones together: so a line is copied some log2(lines of the bucket) times, and
/// as many blocks remain. Returns how many loose ones are left.
fn merge_blocks(
    batch: &mut Batch,
    view: &dyn View,
    catalog: &Catalog,
    bucket: BucketKey,
    new: (Bytes, Bytes),
) -> Result<u32, StateError> {
    let mut blocks = vec![(line_count(&new.1)?, new.0.clone(), new.1)];
    for row in view.prefix(Table::Blocks, &bucket.to_bytes()) {
        let (key, value) = row?;
        if key != new.0 {
            blocks.push((line_count(&value)?, key, value));
        }
    }
    blocks.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut lines = Vec::new();
    let mut merged = 0;
    for (count, _, value) in &blocks {
        if merged >= 2 && *count > 2 * lines.len() {
            break;
        }
        read_block(value, bucket, catalog, &mut lines)?;
        merged += 1;
    }
    sort_lines(&mut lines);
    // Neighbours in a run share invoice, time and customer.
    lines.sort_by(|a, b| {
        (a.invoice_time, &a.invoice_no, a.customer).cmp(&(
            b.invoice_time,
            &b.invoice_no,
            b.customer,
        ))
    });
    for (_, key, _) in blocks.iter().take(merged) {
        batch.delete(Table::Blocks, key.clone());
    }
    let mut loose = 0;
    for (_, key, value) in blocks.iter().skip(merged) {
        loose += u32::from(!is_merged(key));
        if *key == new.0 {
            batch.put(Table::Blocks, key.clone(), value.clone());
        }
    }
    let mut out = Vec::new();
    put_block(&mut out, &lines);
    // After the deletions: merging a merged block with what it holds already names it again.
    batch.put(
        Table::Blocks,
        block_key(bucket, xxh3_64(&out), BlockKind::Merged),
        out,
    );
    Ok(loose)
}

/// The key of a page of a derived table; the head, which is page `None`, comes first.
pub(super) fn page_key(table: &str, page: Option<u32>) -> Bytes {
    let page = page.map_or(0, |page| page.saturating_add(1));
    [table.as_bytes(), &[0], &page.to_be_bytes()]
        .concat()
        .into()
}

/// Stamp and number of pages of a derived table.
pub(super) fn derived_head(view: &dyn View, table: &str) -> Result<Option<(u64, u32)>, StateError> {
    let Some(head) = view.get(Table::Derived, &page_key(table, None))? else {
        return Ok(None);
    };
    let mut reader = Reader::new(&head);
    Ok(Some((reader.u64()?, reader.u32()?)))
}

fn plan_derived(
    batch: &mut Batch,
    view: &dyn View,
    table: &str,
    stamp: u64,
    pages: &[Bytes],
) -> Result<(), StateError> {
    let stored = derived_head(view, table)?;
    if stored.is_some_and(|(stored, _)| stored > stamp) {
        return Ok(());
    }
    let count = u32::try_from(pages.len())
        .map_err(|_wide| DecodeError("a derived table has too many pages"))?;
    let mut head = Vec::new();
    varint::put_u64(&mut head, stamp);
    varint::put_u64(&mut head, u64::from(count));
    batch.put(Table::Derived, page_key(table, None), head);
    for (number, page) in (0..).zip(pages) {
        batch.put(Table::Derived, page_key(table, Some(number)), page.clone());
    }
    for gone in count..stored.map_or(0, |(_, pages)| pages) {
        batch.delete(Table::Derived, page_key(table, Some(gone)));
    }
    Ok(())
}

fn entry_key(first: usize) -> Bytes {
    Bytes::copy_from_slice(&(first as u64).to_be_bytes())
}

fn put_entry(out: &mut Vec<u8>, entry: &CatalogEntry) {
    match entry {
        CatalogEntry::Country(name) => {
            out.push(0);
            varint::put_str(out, name);
        }
        CatalogEntry::Product {
            stock_code,
            description,
        } => {
            out.push(1);
            varint::put_str(out, stock_code);
            varint::put_str(out, description);
        }
        CatalogEntry::Customer(name) => {
            out.push(2);
            varint::put_str(out, name);
        }
    }
}

fn read_entries(view: &dyn View) -> Result<Vec<CatalogEntry>, StateError> {
    let mut entries = Vec::new();
    for row in view.range(Table::Catalog, &[], None) {
        let (key, value) = row?;
        if key != entry_key(entries.len()) {
            return Err(DecodeError("names are missing from the catalog").into());
        }
        let mut reader = Reader::new(&value);
        for _ in 0..reader.count()? {
            entries.push(match reader.u8()? {
                0 => CatalogEntry::Country(reader.str()?.into()),
                1 => CatalogEntry::Product {
                    stock_code: reader.str()?.into(),
                    description: reader.str()?.into(),
                },
                2 => CatalogEntry::Customer(reader.str()?.into()),
                _ => return Err(DecodeError("a name is of an unknown kind").into()),
            });
        }
    }
    Ok(entries)
}

fn dcs_byte(dcs: DcSet) -> u8 {
    dcs.iter().fold(0, |byte, dc| byte | 1 << dc.index())
}

fn read_dcs(bytes: &[u8]) -> DcSet {
    let byte = bytes.first().copied().unwrap_or_default();
    let all = crate::model::Dc::ALL.into_iter();
    all.filter(|dc| byte & 1 << dc.index() != 0).collect()
}
