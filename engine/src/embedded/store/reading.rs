//! Reading at one replica or at a level, with read repair.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::summary::{read_head, read_summary};
use crate::codec::varint::DecodeError;
use crate::model::{BucketKey, ConsistencyLevel, Dc, DcSet, LineTable, StoredLine, Summary};
use crate::ports::{
    BucketRows, BucketScope, DerivedRows, Note, ReadSource, RejectQuery, RejectRow, StoreError,
    WriteTimestamp,
};

use super::block::{read_block, sort_lines};
use super::core::Core;
use super::faults::Delivery;
use super::kv::{KvError, Row, Table, View};
use super::merge::{Group, Groups};
use super::payload::{Item, Payload, Precedence, bucket_of, note_key, read_page, unstamp};
use super::ranges::Ranges;
use super::rejects;
use super::replica::Work;
use super::state::{StateError, derived_head, page_key};

/// A replica that answers a read, at one moment.
pub(super) struct Reader {
    /// Which one.
    pub(super) dc: Dc,
    /// What it holds.
    pub(super) view: Box<dyn View>,
}

/// A bucket as one replica holds it.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredBucket {
    /// Rows, each once, by identity.
    pub(super) lines: Vec<StoredLine>,
    /// The newest summary as it is stored.
    pub(super) summary: Option<Bytes>,
}

impl Core {
    /// The replicas that answer a read, or why it cannot be answered.
    pub(super) fn readers(&self, from: ReadSource) -> Result<Vec<Reader>, StoreError> {
        let (via, level) = match from {
            ReadSource::Alone(dc) => (dc, ConsistencyLevel::LocalQuorum),
            ReadSource::Level { via, level } => (via, level),
        };
        let timeout = || StoreError::ReadTimeout {
            level,
            via,
            after: self.options.request_timeout,
        };
        if !self.enter(via)? {
            return Err(timeout());
        }
        let alive = self.alive_for(via);
        if !level.satisfied_by(alive, via) {
            return Err(StoreError::Unavailable { level, via, alive });
        }
        let mut readers = Vec::with_capacity(3);
        let mut answered = DcSet::NONE;
        for dc in std::iter::once(via).chain(via.others()) {
            if level.satisfied_by(answered, via) {
                break;
            }
            if alive.contains(dc) && self.is_reached(via, dc) {
                answered = answered.with(dc);
                readers.push(Reader {
                    dc,
                    view: self.replicas[dc].kv.view(),
                });
            }
        }
        if level.satisfied_by(answered, via) {
            Ok(readers)
        } else {
            Err(timeout())
        }
    }

    /// Whether a read arrives at a replica and is answered in time.
    fn is_reached(&self, via: Dc, dc: Dc) -> bool {
        let deadline = self.clock.monotonic() + self.options.request_timeout;
        let reached = self
            .network
            .wait_while_lost(via, dc, &*self.clock, deadline)
            && self
                .network
                .wait_while_paused(dc, &*self.clock, Some(deadline));
        if !reached {
            return false;
        }
        if let Some(delay) = self.network.delay(dc) {
            self.clock.sleep(delay.min(self.options.request_timeout));
            if delay >= self.options.request_timeout {
                return false;
            }
        }
        self.network.deliver(via, dc) == Delivery::Arrived
    }

    fn reader_error(&self, dc: Dc, error: impl Into<StateError>) -> StoreError {
        self.replicas[dc].error(error)
    }

    /// What a replica holds of a bucket.
    pub(super) fn decode_bucket(
        &self,
        key: BucketKey,
        summary: Option<Bytes>,
        blocks: &[Row],
    ) -> Result<StoredBucket, StateError> {
        let mut lines = Vec::new();
        for (_, block) in blocks {
            read_block(block, key, &self.catalog, &mut lines)?;
        }
        sort_lines(&mut lines);
        Ok(StoredBucket { lines, summary })
    }

    /// See [`crate::ports::Store::read_bucket`].
    pub(super) fn read_bucket(
        &self,
        key: BucketKey,
        from: ReadSource,
    ) -> Result<BucketRows, StoreError> {
        let readers = self.readers(from)?;
        let mut raw = Vec::with_capacity(readers.len());
        for reader in &readers {
            let stored = read_raw(&*reader.view, key);
            raw.push(stored.map_err(|error| self.reader_error(reader.dc, error))?);
        }
        if raw.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            let (Some((summary, blocks)), Some(reader)) = (raw.pop(), readers.first()) else {
                return Ok(BucketRows::default());
            };
            if summary.is_none() && blocks.is_empty() {
                return Ok(BucketRows::default());
            }
            return self
                .decode_bucket(key, summary, &blocks)
                .and_then(bucket_rows)
                .map_err(|error| self.reader_error(reader.dc, error));
        }
        let mut held = Vec::with_capacity(raw.len());
        for ((summary, blocks), reader) in raw.into_iter().zip(&readers) {
            let bucket = self.decode_bucket(key, summary, &blocks);
            held.push((
                reader.dc,
                bucket.map_err(|error| self.reader_error(reader.dc, error))?,
            ));
        }
        drop(readers);
        let merged = self.merge_held(&held)?;
        for (dc, bucket) in &held {
            let items = missing_items(key, bucket, &merged);
            if !items.is_empty() {
                self.repair_on_read(from, *dc, items)?;
            }
        }
        bucket_rows(merged).map_err(|error| {
            let dc = held.first().map_or(Dc::Europe, |(dc, _)| *dc);
            self.reader_error(dc, error)
        })
    }

    /// The union of the rows, and the newest summary.
    fn merge_held(&self, held: &[(Dc, StoredBucket)]) -> Result<StoredBucket, StoreError> {
        let mut merged = StoredBucket::default();
        let mut newest = None;
        for (dc, bucket) in held {
            merged.lines.extend_from_slice(&bucket.lines);
            if let Some(summary) = &bucket.summary {
                let read = read_head(summary).map_err(|error| self.reader_error(*dc, error))?;
                let rank = (read.timestamp, read.digest.lines);
                if newest.is_none_or(|newest| newest < rank) {
                    newest = Some(rank);
                    merged.summary = Some(summary.clone());
                }
            }
        }
        sort_lines(&mut merged.lines);
        Ok(merged)
    }

    fn repair_on_read(&self, from: ReadSource, dc: Dc, items: Vec<Item>) -> Result<(), StoreError> {
        let ReadSource::Level { via, level } = from else {
            return Ok(());
        };
        match self.call(via, dc, copy_work(self.catalog.len(), items)) {
            Some(Ok(())) => Ok(()),
            // The answer is right without it, and the next read tries again.
            Some(Err(refusal)) => {
                tracing::warn!(%dc, ?refusal, "a read repair was refused");
                Ok(())
            }
            None => Err(StoreError::ReadTimeout {
                level,
                via,
                after: self.options.request_timeout,
            }),
        }
    }

    /// See [`crate::ports::Store::scan_summaries`].
    pub(super) fn scan_summaries(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Summary),
    ) -> Result<(), StoreError> {
        self.scan(Table::Summaries, scope, from, &mut |key, group| {
            let summary = if group.is_same_everywhere() {
                let value = group.rows.first().and_then(|rows| rows.first());
                value.map(|(_, value)| read_summary(value)).transpose()?
            } else {
                let merged = self.read_bucket(key, from)?;
                merged.summary.map(|summary| (summary, merged.timestamp))
            };
            if let Some((summary, _)) = summary {
                visit(key, summary);
            }
            Ok(())
        })
    }

    /// See [`crate::ports::Store::scan_rows`].
    pub(super) fn scan_rows(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Vec<StoredLine>),
    ) -> Result<(), StoreError> {
        self.scan(Table::Blocks, scope, from, &mut |key, group| {
            let lines = if group.is_same_everywhere() {
                let blocks = group.rows.first().map_or(&[][..], |rows| rows);
                self.decode_bucket(key, None, blocks)?.lines
            } else {
                self.read_bucket(key, from)?.lines
            };
            visit(key, lines);
            Ok(())
        })
    }

    fn scan(
        &self,
        table: Table,
        scope: &BucketScope,
        from: ReadSource,
        each: &mut dyn FnMut(BucketKey, &Group) -> Result<(), ScanError>,
    ) -> Result<(), StoreError> {
        let readers = self.readers(from)?;
        let dc_of = |place: usize| readers.get(place).map_or(Dc::Europe, |reader| reader.dc);
        for (start, end) in self.scope_ranges(scope) {
            let rows = readers
                .iter()
                .map(|reader| reader.view.range(table, &start, Some(&end)));
            let mut groups = Groups::new(rows.collect(), Some(BucketKey::BYTES));
            while let Some(key) = groups
                .peek()
                .map_err(|(place, error)| self.reader_error(dc_of(place), error))?
            {
                let group = groups.take(&key);
                let bucket = bucket_of(&key).map_err(|error| self.reader_error(dc_of(0), error))?;
                match each(bucket, &group) {
                    Ok(()) => {}
                    Err(ScanError::State(error)) => {
                        return Err(self.reader_error(dc_of(0), error));
                    }
                    Err(ScanError::Store(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Keys from - to, one range per country, sorted.
    fn scope_ranges(&self, scope: &BucketScope) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut countries: Vec<_> = if scope.countries.is_empty() {
            let all = self.catalog.countries();
            all.iter()
                .filter_map(|name| self.catalog.find_country(name))
                .collect()
        } else {
            let named = scope.countries.iter();
            named
                .filter_map(|name| self.catalog.find_country(name))
                .collect()
        };
        countries.sort_unstable();
        countries.dedup();
        let table = match scope.table {
            LineTable::Transactions => 0,
            LineTable::Returns => 1,
        };
        let ranges = countries.into_iter().filter_map(|country| {
            let key = |day: i32| {
                let mut key = vec![table];
                key.extend_from_slice(&country.0.to_be_bytes());
                key.extend_from_slice(&(day ^ i32::MIN).to_be_bytes());
                key
            };
            let from = key(scope.from.map_or(i32::MIN, |day| day.0));
            let to = super::kv::after_prefix(&key(scope.to.map_or(i32::MAX, |day| day.0)))?;
            Some((from, to))
        });
        ranges.collect()
    }

    /// See [`crate::ports::Store::rejects`].
    pub(super) fn rejects(
        &self,
        query: &RejectQuery,
        from: ReadSource,
    ) -> Result<Vec<RejectRow>, StoreError> {
        let readers = self.readers(from)?;
        let rows = readers
            .iter()
            .map(|reader| rejects::chunks(&*reader.view, query));
        let mut groups = Groups::new(rows.collect(), None);
        let dc = readers.first().map_or(Dc::Europe, |reader| reader.dc);
        let mut missing: BTreeMap<Dc, Vec<Item>> = BTreeMap::new();
        let chunks = std::iter::from_fn(|| {
            let key = match groups.peek() {
                Ok(key) => key?,
                Err((_, error)) => return Some(Err(error)),
            };
            let group = groups.take(&key);
            let (key, value) = group.rows.iter().flatten().next()?.clone();
            for (reader, rows) in readers.iter().zip(&group.rows) {
                if rows.is_empty() {
                    missing.entry(reader.dc).or_default().push(Item::Rejects {
                        key: key.clone(),
                        value: value.clone(),
                    });
                }
            }
            Some(Ok((key, value)))
        });
        let rows = rejects::select(chunks, query).map_err(|error| match error {
            rejects::ReadError::Kv(error) => self.reader_error(dc, error),
            rejects::ReadError::Decode(error) => self.reader_error(dc, error),
        })?;
        for (dc, items) in missing {
            self.repair_on_read(from, dc, items)?;
        }
        Ok(rows)
    }

    /// The newest value of a key of the notes.
    pub(super) fn newest_note(
        &self,
        key: &[u8],
        from: ReadSource,
    ) -> Result<Option<Bytes>, StoreError> {
        let readers = self.readers(from)?;
        let mut held = Vec::with_capacity(readers.len());
        for reader in &readers {
            let value = reader.view.get(Table::Notes, key);
            held.push((
                reader.dc,
                value.map_err(|error| self.reader_error(reader.dc, error))?,
            ));
        }
        self.newest_of(&Bytes::copy_from_slice(key), held, from)
    }

    fn newest_of(
        &self,
        key: &Bytes,
        held: Vec<(Dc, Option<Bytes>)>,
        from: ReadSource,
    ) -> Result<Option<Bytes>, StoreError> {
        let mut newest: Option<(u64, Bytes)> = None;
        for (dc, value) in &held {
            let Some(value) = value else { continue };
            let (stamp, _) = unstamp(value).map_err(|error| self.reader_error(*dc, error))?;
            if newest.as_ref().is_none_or(|(known, _)| *known < stamp) {
                newest = Some((stamp, value.clone()));
            }
        }
        let Some((_, newest)) = newest else {
            return Ok(None);
        };
        for (dc, value) in held {
            if value.as_ref() != Some(&newest) {
                let item = Item::Note {
                    key: key.clone(),
                    value: newest.clone(),
                };
                self.repair_on_read(from, dc, vec![item])?;
            }
        }
        let value = unstamp(&newest).map(|(_, value)| Bytes::copy_from_slice(value));
        // The stamp was read above.
        Ok(value.ok())
    }

    /// See [`crate::ports::Store::notes`].
    pub(super) fn notes(&self, prefix: &str, from: ReadSource) -> Result<Vec<Note>, StoreError> {
        let readers = self.readers(from)?;
        let prefix = note_key(prefix);
        let rows = readers
            .iter()
            .map(|reader| reader.view.prefix(Table::Notes, &prefix));
        let mut groups = Groups::new(rows.collect(), None);
        let mut notes = Vec::new();
        while let Some(key) = groups.peek().map_err(|(place, error)| {
            let dc = readers.get(place).map_or(Dc::Europe, |reader| reader.dc);
            self.reader_error(dc, error)
        })? {
            let group = groups.take(&key);
            let held = readers
                .iter()
                .zip(group.rows)
                .map(|(reader, mut rows)| (reader.dc, rows.pop().map(|(_, value)| value)));
            let held: Vec<_> = held.collect();
            let name = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
            if let Some(value) = self.newest_of(&key, held, from)? {
                notes.push(Note { name, value });
            }
        }
        Ok(notes)
    }

    /// See [`crate::ports::Store::read_derived`].
    pub(super) fn read_derived(
        &self,
        table: &str,
        from: ReadSource,
    ) -> Result<DerivedRows, StoreError> {
        let readers = self.readers(from)?;
        let mut newest: Option<(u64, u32, &Reader)> = None;
        for reader in &readers {
            let head = derived_head(&*reader.view, table)
                .map_err(|error| self.reader_error(reader.dc, error))?;
            if let Some((stamp, pages)) = head
                && newest.is_none_or(|(known, ..)| known < stamp)
            {
                newest = Some((stamp, pages, reader));
            }
        }
        let mut rows = BTreeMap::new();
        if let Some((_, pages, reader)) = newest {
            for page in 0..pages {
                let value = reader
                    .view
                    .get(Table::Derived, &page_key(table, Some(page)));
                let value = value.map_err(|error| self.reader_error(reader.dc, error))?;
                let value = value.unwrap_or_default();
                let page = read_page(&value).map_err(|error| StoreError::Damaged {
                    dc: reader.dc,
                    what: format!("derived table {table}: {error}"),
                    path: self.replicas[reader.dc].path.clone(),
                })?;
                rows.extend(page);
            }
        }
        Ok(DerivedRows {
            table: table.to_owned(),
            rows,
        })
    }
}

/// Why a scan ended early.
enum ScanError {
    /// What a replica holds cannot be read.
    State(StateError),
    /// A read within the scan failed.
    Store(StoreError),
}

impl From<StateError> for ScanError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<DecodeError> for ScanError {
    fn from(error: DecodeError) -> Self {
        Self::State(error.into())
    }
}

impl From<StoreError> for ScanError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Summary and blocks of a bucket as they are stored.
pub(super) fn read_raw(
    view: &dyn View,
    key: BucketKey,
) -> Result<(Option<Bytes>, Vec<Row>), KvError> {
    let key = key.to_bytes();
    let Some(summary) = view.get(Table::Summaries, &key)? else {
        // Rows never come without a summary; asking for one key is much cheaper than a scan.
        return Ok((None, Vec::new()));
    };
    let blocks: Result<Vec<Row>, KvError> = view.prefix(Table::Blocks, &key).collect();
    Ok((Some(summary), blocks?))
}

fn bucket_rows(bucket: StoredBucket) -> Result<BucketRows, StateError> {
    let summary = bucket
        .summary
        .map(|bytes| read_summary(&bytes))
        .transpose()?;
    let (summary, timestamp) = summary.unzip();
    Ok(BucketRows {
        lines: bucket.lines,
        summary,
        timestamp: timestamp.unwrap_or(WriteTimestamp(0)),
    })
}

/// What a replica lacks of a bucket.
pub(super) fn missing_items(
    key: BucketKey,
    held: &StoredBucket,
    whole: &StoredBucket,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut known = held.lines.iter().map(|line| line.line_id).peekable();
    let lacking = whole.lines.iter().filter(|line| {
        // Both are sorted by identity.
        while known.next_if(|id| *id < line.line_id).is_some() {}
        known.peek() != Some(&line.line_id)
    });
    let lacking: Vec<StoredLine> = lacking.cloned().collect();
    if !lacking.is_empty() {
        items.push(Payload::copied_block(key, &lacking));
    }
    if let Some(summary) = &whole.summary
        && held.summary.as_ref() != Some(summary)
    {
        items.push(Item::Summary {
            bucket: key,
            precedence: Precedence::Always,
            value: summary.clone(),
        });
    }
    items
}

/// The request that copies values to a replica.
pub(super) fn copy_work(entries: usize, items: Vec<Item>) -> Work {
    Work::Apply {
        payload: Arc::new(Payload {
            numbers: Ranges::default(),
            entries,
            items,
            ..Payload::default()
        }),
        hints: DcSet::NONE,
    }
}
