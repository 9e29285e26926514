//! Repair: makes the replicas that can be reached equal, by their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::summary::{put_summary, read_head, read_summary};
use crate::model::{BucketKey, Dc, DcSet};
use crate::ports::{RepairReport, StoreError, WriteTimestamp};

use super::core::Core;
use super::keeper::note_repair;
use super::kv::{Row, Table};
use super::merge::Groups;
use super::payload::{Item, Payload, bucket_of, unstamp};
use super::ranges::{Ranges, Spans};
use super::reading::{Reader, StoredBucket, copy_work, missing_items};
use super::replica::Work;
use super::state::{StateError, derived_head, page_key};
use crate::model::recompute::{agree, summarise};

/// Values that are copied to a replica in one batch.
const COPY_BATCH: usize = 128;

/// A repair under way.
struct Repair<'a> {
    core: &'a Core,
    readers: Vec<Reader>,
    /// What is to be copied to each replica.
    copies: BTreeMap<Dc, Vec<Item>>,
    report: RepairReport,
}

/// See [`crate::ports::Store::repair`].
pub(super) fn run(core: &Core) -> Result<RepairReport, StoreError> {
    let _alone = core.repairing.lock();
    let taking_part: Vec<Dc> = Dc::ALL
        .into_iter()
        .filter(|dc| core.enter(*dc).is_ok_and(|answers| answers))
        .collect();
    // What each has applied, before its rows are looked at: so the rows hold all of it.
    let mut numbers = Ranges::default();
    let mut spans = Spans::default();
    for dc in &taking_part {
        core.replicas[*dc].status(|status| {
            numbers.merge(&status.applied.numbers);
            spans.merge(&status.applied.spans);
        });
    }
    let readers = taking_part.iter().map(|dc| Reader {
        dc: *dc,
        view: core.replicas[*dc].kv.view(),
    });
    let mut repair = Repair {
        core,
        readers: readers.collect(),
        copies: BTreeMap::new(),
        report: RepairReport::default(),
    };
    repair.buckets()?;
    repair.notes()?;
    repair.rejects()?;
    repair.derived()?;
    for dc in &taking_part {
        repair.copy(*dc)?;
    }
    let report = repair.report;
    let equal = Arc::new(Payload {
        numbers,
        spans,
        ..Payload::default()
    });
    for dc in &taking_part {
        let work = Work::Apply {
            payload: Arc::clone(&equal),
            hints: DcSet::NONE,
        };
        answered(core, *dc, work)?;
    }
    if taking_part.len() == Dc::ALL.len() {
        *core.repair_needed.lock() = DcSet::NONE;
        note_repair(core, DcSet::NONE);
    }
    Ok(report)
}

fn answered(core: &Core, dc: Dc, work: Work) -> Result<(), StoreError> {
    match core.call_behind_others(dc, dc, work) {
        Some(Ok(())) => Ok(()),
        Some(Err(super::replica::Refusal::DiskFull)) => Err(StoreError::DiskFull { dc }),
        Some(Err(super::replica::Refusal::Down)) => Err(StoreError::CoordinatorDown { dc }),
        Some(Err(super::replica::Refusal::Failed(what))) => Err(StoreError::Replica { dc, what }),
        None => Err(StoreError::Replica {
            dc,
            what: "no answer to a copy of rows".to_owned(),
        }),
    }
}

impl Repair<'_> {
    fn error(&self, place: usize, error: impl Into<StateError>) -> StoreError {
        let dc = self
            .readers
            .get(place)
            .map_or(Dc::Europe, |reader| reader.dc);
        self.core.replicas[dc].error(error)
    }

    fn groups(&self, table: Table, key_len: Option<usize>) -> Groups {
        let rows = self.readers.iter();
        let rows = rows.map(|reader| reader.view.range(table, &[], None));
        Groups::new(rows.collect(), key_len)
    }

    fn peek(&self, groups: &mut Groups) -> Result<Option<Bytes>, StoreError> {
        groups
            .peek()
            .map_err(|(place, error)| self.error(place, error))
    }

    /// Notes values for a replica, and copies them when there are many.
    fn add(&mut self, place: usize, items: Vec<Item>) -> Result<(), StoreError> {
        let Some(dc) = self.readers.get(place).map(|reader| reader.dc) else {
            return Ok(());
        };
        let copies = self.copies.entry(dc).or_default();
        copies.extend(items);
        if copies.len() >= COPY_BATCH {
            self.copy(dc)?;
        }
        Ok(())
    }

    fn copy(&mut self, dc: Dc) -> Result<(), StoreError> {
        match self.copies.remove(&dc) {
            Some(items) if !items.is_empty() => {
                answered(self.core, dc, copy_work(self.core.catalog.len(), items))
            }
            _ => Ok(()),
        }
    }

    fn buckets(&mut self) -> Result<(), StoreError> {
        let mut blocks = self.groups(Table::Blocks, Some(BucketKey::BYTES));
        let mut summaries = self.groups(Table::Summaries, Some(BucketKey::BYTES));
        loop {
            let next = [self.peek(&mut blocks)?, self.peek(&mut summaries)?];
            let Some(key) = next.into_iter().flatten().min() else {
                return Ok(());
            };
            let (blocks, summaries) = (blocks.take(&key), summaries.take(&key));
            let bucket = bucket_of(&key).map_err(|error| self.error(0, error))?;
            self.report.buckets_compared += 1;
            let same = blocks.is_same_everywhere() && summaries.is_same_everywhere();
            let mut held = Vec::new();
            for (place, (blocks, mut summary)) in
                blocks.rows.into_iter().zip(summaries.rows).enumerate()
            {
                let summary = summary.pop().map(|(_, value)| value);
                let decoded = self.core.decode_bucket(bucket, summary, &blocks);
                held.push(decoded.map_err(|error| self.error(place, error))?);
                if same {
                    break;
                }
            }
            self.bucket(bucket, &held, same)?;
        }
    }

    /// Makes one bucket equal. What all hold alike is given once.
    fn bucket(
        &mut self,
        bucket: BucketKey,
        held: &[StoredBucket],
        same: bool,
    ) -> Result<(), StoreError> {
        let (whole, rebuilt) = self.whole(held).map_err(|error| self.error(0, error))?;
        let mut repaired = false;
        for place in 0..self.readers.len() {
            let Some(mine) = held.get(if same { 0 } else { place }) else {
                continue;
            };
            let items = missing_items(bucket, mine, &whole);
            if items.is_empty() {
                continue;
            }
            repaired = true;
            self.report.lines_copied += (whole.lines.len() - mine.lines.len()) as u64;
            self.add(place, items)?;
        }
        self.report.buckets_repaired += u64::from(repaired);
        self.report.summaries_rebuilt += u64::from(rebuilt);
        Ok(())
    }

    /// All rows of a bucket, with a summary that agrees with them, and whether that had to be
    /// made.
    fn whole(&self, held: &[StoredBucket]) -> Result<(StoredBucket, bool), StateError> {
        let catalog = &self.core.catalog;
        let mut lines = Vec::new();
        for bucket in held {
            lines.extend_from_slice(&bucket.lines);
        }
        super::block::sort_lines(&mut lines);
        let right = summarise(&lines, catalog);
        let mut newest = WriteTimestamp::default();
        let mut fitting: Option<(WriteTimestamp, &Bytes)> = None;
        for bytes in held.iter().filter_map(|bucket| bucket.summary.as_ref()) {
            let timestamp = read_head(bytes)?.timestamp;
            newest = newest.max(timestamp);
            // A damaged summary is one that does not agree.
            let agrees =
                read_summary(bytes).is_ok_and(|(summary, _)| agree(&summary, &right, catalog));
            if agrees && fitting.is_none_or(|(known, _)| known < timestamp) {
                fitting = Some((timestamp, bytes));
            }
        }
        let summary = match fitting {
            Some((timestamp, bytes)) if timestamp == newest => Some(bytes.clone()),
            _ => None,
        };
        let rebuilt = summary.is_none();
        let summary = summary.unwrap_or_else(|| {
            let mut out = Vec::new();
            put_summary(&mut out, &right, newest);
            out.into()
        });
        Ok((
            StoredBucket {
                lines,
                summary: Some(summary),
            },
            rebuilt,
        ))
    }

    fn notes(&mut self) -> Result<(), StoreError> {
        let mut groups = self.groups(Table::Notes, None);
        while let Some(key) = self.peek(&mut groups)? {
            let group = groups.take(&key);
            if group.is_same_everywhere() {
                continue;
            }
            let mut newest: Option<(u64, Bytes)> = None;
            for (place, rows) in group.rows.iter().enumerate() {
                for (_, value) in rows {
                    let (stamp, _) = unstamp(value).map_err(|error| self.error(place, error))?;
                    if newest.as_ref().is_none_or(|(known, _)| *known < stamp) {
                        newest = Some((stamp, value.clone()));
                    }
                }
            }
            if let Some((_, value)) = newest {
                let key = key.clone();
                self.add_where_missing(&group.rows, &value.clone(), &Item::Note { key, value })?;
            }
        }
        Ok(())
    }

    fn rejects(&mut self) -> Result<(), StoreError> {
        let mut groups = self.groups(Table::Rejects, None);
        while let Some(key) = self.peek(&mut groups)? {
            let group = groups.take(&key);
            if let Some((_, value)) = group.rows.iter().flatten().next().cloned() {
                let key = key.clone();
                self.add_where_missing(&group.rows, &value.clone(), &Item::Rejects { key, value })?;
            }
        }
        Ok(())
    }

    fn add_where_missing(
        &mut self,
        rows: &[Vec<Row>],
        value: &Bytes,
        item: &Item,
    ) -> Result<(), StoreError> {
        for (place, rows) in rows.iter().enumerate() {
            if rows.first().map(|row| &row.1) != Some(value) {
                self.add(place, vec![item.clone()])?;
            }
        }
        Ok(())
    }

    fn derived(&mut self) -> Result<(), StoreError> {
        let mut tables = Vec::new();
        let mut groups = self.groups(Table::Derived, None);
        while let Some(key) = self.peek(&mut groups)? {
            groups.take(&key);
            // The head of a table is its name, a zero, and page 0.
            if let Some(name) = key.strip_suffix(&[0; 5]) {
                tables.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        for table in tables {
            self.derived_table(&table)?;
        }
        Ok(())
    }

    fn derived_table(&mut self, table: &str) -> Result<(), StoreError> {
        let mut heads = Vec::new();
        for (place, reader) in self.readers.iter().enumerate() {
            let head = derived_head(&*reader.view, table);
            heads.push(head.map_err(|error| self.error(place, error))?);
        }
        let newest = (0..).zip(&heads).max_by_key(|(_, head)| **head);
        let Some((from, Some((stamp, count)))) = newest else {
            return Ok(());
        };
        let (stamp, count) = (*stamp, *count);
        if heads.iter().all(|head| *head == Some((stamp, count))) {
            return Ok(());
        }
        let mut pages = Vec::new();
        for page in 0..count {
            let Some(reader) = self.readers.get(from) else {
                continue;
            };
            let page = reader
                .view
                .get(Table::Derived, &page_key(table, Some(page)));
            pages.push(
                page.map_err(|error| self.error(from, error))?
                    .unwrap_or_default(),
            );
        }
        for (place, head) in heads.iter().enumerate() {
            if *head != Some((stamp, count)) {
                let item = Item::Derived {
                    table: table.to_owned(),
                    stamp,
                    pages: pages.clone(),
                };
                self.add(place, vec![item])?;
            }
        }
        Ok(())
    }
}
