//! The passport of a row: where it stands in its file, how it was judged, where it lies in the
//! log, whether its offset is committed, and which data centres have it, each read on its own.
//!
//! Nothing is kept for this: each hop is looked up where it is true. A row of a load is found in
//! the log by halving, for the records of a load lie in the order of its file; a stored line does
//! not know its row, so that its partition is read until its id is found.

mod found;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

use super::load::LoadRecord;
use super::quarantine::{RejectKey, RejectStatus};
use super::runtime::Runtime;
use crate::codec::varint::DecodeError;
use crate::intake::{Fingerprint, ReadOptions, find_row};
use crate::model::{
    BucketKey, CommittedOffset, Dc, Line, LineId, LineTable, LoadId, Offset, PerDc, Reading,
    Reason, Region, RowNo, Shard, Topic, TopicPartition,
};
use crate::ports::{LogError, ReadSource, RejectQuery, RejectRow, StoreError};
use found::{Content, Found, row_of, scan, values_of};

/// Bytes asked of the log at a time where a partition is read through.
const FETCH_BYTES: usize = 256 << 10;

/// Which row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassportQuery {
    /// A data row of the file of a load, clean or set aside.
    Row {
        /// The load.
        load: LoadId,
        /// The row.
        row: RowNo,
    },
    /// A message of the log.
    Message {
        /// Its partition.
        partition: TopicPartition,
        /// Its offset.
        offset: Offset,
    },
    /// A stored line. Reads its partition of the log until it is found: the first load that
    /// brought it.
    Line {
        /// Its bucket.
        key: BucketKey,
        /// Its id.
        line: LineId,
    },
}

/// Where a row stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilePlace {
    /// Physical line on which it begins, from 1 (the header is line 1).
    pub line: u64,
    /// Byte of the unpacked file at which it begins, from 0.
    pub byte: u64,
    /// The row as it stands there.
    pub raw: String,
}

/// How a row was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "judged")]
pub enum Judged {
    /// It flows.
    Clean {
        /// Where to.
        region: Region,
        /// The line.
        line: Line,
        /// Which of the identical lines of its invoice it is, from 0.
        occurrence: u32,
    },
    /// It was set aside.
    SetAside {
        /// Why.
        reason: Reason,
        /// The column at fault.
        column: Option<String>,
        /// In words, with what to do.
        message: String,
    },
}

/// Where a row lies in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LogPlace {
    /// Its partition.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: Offset,
    /// When its batch was appended.
    pub appended_at: DateTime<Utc>,
    /// Bytes of its record.
    pub bytes: u64,
}

/// Whether the group has done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CommitPlace {
    /// Next offset that the group will read; `None` when it never committed.
    pub committed: Option<CommittedOffset>,
    /// Whether that is past the row: it is durable in two data centres then.
    pub is_past: bool,
}

/// Where a row is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "place")]
pub enum StoredPlace {
    /// In a bucket of lines.
    Bucket {
        /// Sales or returns.
        table: LineTable,
        /// The country of the bucket.
        country: String,
        /// Its day.
        day: String,
        /// Its shard.
        shard: Shard,
        /// Id of the line, in hexadecimal digits.
        line_id: String,
    },
    /// Among the rows set aside, by load and row.
    Quarantine,
}

/// What one data centre has, read on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It has the row.
    There,
    /// It has not.
    Absent,
}

/// A place where a row is stored, and which data centres have it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Where.
    pub place: StoredPlace,
    /// Each data centre, asked alone.
    pub dcs: PerDc<Reading<Presence>>,
}

/// All hops of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passport {
    /// Its load.
    pub load: LoadId,
    /// The file of the load.
    pub file: PathBuf,
    /// Its data row, from 1.
    pub row: RowNo,
    /// Where that is in the file; unknown when the file has changed or is gone.
    pub place: Reading<FilePlace>,
    /// How it was judged.
    #[serde(flatten)]
    pub judged: Judged,
    /// Where it lies in the log.
    pub log: LogPlace,
    /// Whether its group has done with it.
    pub commit: Reading<CommitPlace>,
    /// Where it is stored: a cancellation stands in the quarantine and among the returns.
    pub stored: Vec<Stored>,
    /// Where a row that was set aside stands, and how often it was set aside again.
    pub mended: Option<(RejectStatus, u32)>,
    /// The row that a mended row was made of.
    pub made_of: Option<RejectKey>,
    /// The row of the load of mended rows that it was sent as.
    pub sent_as: Option<RejectKey>,
}

/// Why a row has no passport.
#[derive(Debug, Error)]
pub enum PassportError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch cannot be taken apart into records.
    #[error("{partition}, the batch at offset {offset}: {cause}", offset = .offset.0)]
    Batch {
        /// The partition.
        partition: TopicPartition,
        /// First offset of the batch.
        offset: Offset,
        /// What does not fit.
        cause: DecodeError,
    },
    /// No such load.
    #[error("there is no load {0}")]
    NoLoad(LoadId),
    /// The log has no such row.
    #[error("the log has no record of it")]
    NotInLog,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for it any more")]
    GivenUp,
}

impl PassportError {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Log(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Batch { .. } => "check the disk of the log, then load the file again",
            Self::NoLoad(_) => "choose a load that is listed",
            Self::NotInLog => {
                "it has left the log by retention, or was not produced yet; load its file again to see its way"
            }
            Self::GivenUp => "ask again",
        }
    }
}

/// Whether somebody still waits for the answer.
type Wanted<'a> = &'a dyn Fn() -> bool;

impl Runtime {
    /// Looks every hop of a row up.
    pub(crate) fn passport(
        &self,
        query: PassportQuery,
        wanted: Wanted<'_>,
    ) -> Result<Passport, PassportError> {
        let found = match query {
            PassportQuery::Row { load, row } => self.find_load_row(load, row, wanted)?,
            PassportQuery::Message { partition, offset } => self.at_offset(partition, offset)?,
            PassportQuery::Line { key, line } => self.find_stored(key, line, wanted)?,
        };
        let found = found.ok_or(PassportError::NotInLog)?;
        if !wanted() {
            return Err(PassportError::GivenUp);
        }
        self.fill(found, wanted)
    }

    fn fill(&self, found: Found, wanted: Wanted<'_>) -> Result<Passport, PassportError> {
        let Found { load, log, content } = found;
        let record = self.load_record(load)?;
        let row = content.row();
        let key = RejectKey { load, row };
        let stored = self.stored(load, &content);
        let (mended, made_of, sent_as) = self.mending_of(key, &content, &record);
        let (judged, place) = match content {
            Content::Line {
                line, occurrence, ..
            } => {
                let Topic::Lines(region) = log.partition.topic else {
                    return Err(PassportError::NotInLog);
                };
                let place = place_in(&record, row, wanted);
                (
                    Judged::Clean {
                        region,
                        line,
                        occurrence,
                    },
                    place,
                )
            }
            Content::Reject { reject, .. } => (
                Judged::SetAside {
                    reason: reject.reason,
                    column: reject.column,
                    message: reject.message,
                },
                Reading::Known(FilePlace {
                    line: reject.line,
                    byte: reject.byte,
                    raw: reject.raw,
                }),
            ),
        };
        let commit = match self.log.committed(log.partition) {
            Ok(committed) => Reading::Known(CommitPlace {
                committed,
                is_past: committed.is_some_and(|at| at.0 > log.offset.0),
            }),
            Err(error) => Reading::Unknown(error.to_string()),
        };
        Ok(Passport {
            load,
            file: record.file,
            row,
            place,
            judged,
            log,
            commit,
            stored,
            mended,
            made_of,
            sent_as,
        })
    }

    fn load_record(&self, load: LoadId) -> Result<LoadRecord, PassportError> {
        let mut known = self.loads.all().into_iter();
        known
            .find(|record| record.id == load)
            .ok_or(PassportError::NoLoad(load))
    }

    /// Where a record is stored, and which data centres have it there.
    fn stored(&self, load: LoadId, content: &Content) -> Vec<Stored> {
        let mut stored = Vec::new();
        let bucket = match content {
            Content::Line { line, line_id, .. } => Some((LineTable::Transactions, line, *line_id)),
            Content::Reject { reject, line } => {
                let query = RejectQuery {
                    load: Some(load),
                    row: Some(reject.row),
                    limit: Some(1),
                    ..RejectQuery::default()
                };
                let has = |dc| {
                    let rows = self.store.rejects(&query, ReadSource::Alone(dc))?;
                    Ok(!rows.is_empty())
                };
                stored.push(Stored {
                    place: StoredPlace::Quarantine,
                    dcs: each_alone(has),
                });
                let line = line.as_ref();
                line.map(|(line, line_id)| (LineTable::Returns, line, *line_id))
            }
        };
        if let Some((table, line, line_id)) = bucket {
            let (day, shard) = (line.invoice_time.day(), Shard::of_invoice(&line.invoice_no));
            let country = self.store.catalog().find_country(&line.country);
            let has = |dc| {
                let Some(country) = country else {
                    return Ok(false); // A country that no stored line has.
                };
                let key = BucketKey {
                    table,
                    country,
                    day,
                    shard,
                };
                let rows = self.store.read_bucket(key, ReadSource::Alone(dc))?;
                Ok(rows.lines.iter().any(|line| line.line_id == line_id))
            };
            stored.push(Stored {
                place: StoredPlace::Bucket {
                    table,
                    country: line.country.to_string(),
                    day: day.to_string(),
                    shard,
                    line_id: line_id.to_string(),
                },
                dcs: each_alone(has),
            });
        }
        stored
    }

    fn mending_of(
        &self,
        key: RejectKey,
        content: &Content,
        record: &LoadRecord,
    ) -> (
        Option<(RejectStatus, u32)>,
        Option<RejectKey>,
        Option<RejectKey>,
    ) {
        let status = match content {
            Content::Line { .. } => None,
            Content::Reject { reject, .. } => {
                let row = RejectRow {
                    load: key.load,
                    reject: reject.clone(),
                };
                Some(self.standing_of(&row, &record.layout))
            }
        };
        let done = self.reingested();
        let number = |at: usize| RowNo(at as u64 + 1);
        let made_of = done.iter().find(|done| done.load == key.load);
        let made_of = made_of.and_then(|done| {
            let mut numbered = done.rows.iter().enumerate();
            numbered.find_map(|(at, (of, _))| (number(at) == key.row).then_some(*of))
        });
        let sent_as = done.iter().rev().find_map(|done| {
            let at = done.rows.iter().position(|(of, _)| *of == key)?;
            Some(RejectKey {
                load: done.load,
                row: number(at),
            })
        });
        (status, made_of, sent_as)
    }

    /// Finds a data row of a load in whatever partition it lies.
    fn find_load_row(
        &self,
        load: LoadId,
        row: RowNo,
        wanted: Wanted<'_>,
    ) -> Result<Option<Found>, PassportError> {
        let record = self.load_record(load)?;
        let mut spans = Vec::new();
        for (partition, from) in &record.from {
            let offsets = self.log.offsets(*partition)?;
            let ends = record.to.as_deref().unwrap_or_default();
            let to = ends.iter().find(|(p, _)| p == partition);
            let to = to.map_or(offsets.end.0, |(_, end)| end.0.min(offsets.end.0));
            spans.push((*partition, from.0.max(offsets.begin.0), to));
        }
        // The quarantine first: it is asked about most.
        spans.sort_by_key(|(partition, ..)| partition.topic != Topic::Quarantine);
        for (partition, from, to) in &spans {
            if let Some(found) = self.halve(*partition, (*from, *to), load, row)? {
                return Ok(Some(found));
            }
        }
        // A group that was appended again lies out of order.
        for (partition, from, to) in spans {
            let is_it = |found: &Found| found.load == load && found.content.row() == row;
            if let Some(found) = self.read_through(partition, (from, to), wanted, &is_it)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Looks for a row between two offsets where rows lie in order.
    fn halve(
        &self,
        partition: TopicPartition,
        (mut from, mut to): (u64, u64),
        load: LoadId,
        row: RowNo,
    ) -> Result<Option<Found>, PassportError> {
        while from < to {
            let middle = Offset(from + (to - from) / 2);
            let batches = self.log.fetch(partition, middle, 1)?;
            let Some(batch) = batches.first() else {
                return Ok(None);
            };
            let values = values_of(partition, batch)?;
            let row_at = |value: Option<&&[u8]>| {
                let value = value.and_then(|value| row_of(partition.topic, value).ok());
                value.map(|row| row.0)
            };
            let (Some(first), Some(last)) = (row_at(values.first()), row_at(values.last())) else {
                return Ok(None);
            };
            if batch.batch.load < load || (batch.batch.load == load && last < row.0) {
                from = batch.base_offset.0 + values.len() as u64;
            } else if batch.batch.load > load || first > row.0 {
                to = batch.base_offset.0;
            } else {
                let of_row = |found: &Found| found.content.row() == row;
                return scan(partition, batch, &values, 0, &of_row);
            }
        }
        Ok(None)
    }

    /// The message at an offset.
    fn at_offset(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<Found>, PassportError> {
        let batches = self.log.fetch(partition, offset, 1)?;
        let Some(batch) = batches.first() else {
            return Ok(None);
        };
        let values = values_of(partition, batch)?;
        scan(partition, batch, &values, offset.0, &|found| {
            found.log.offset == offset
        })
    }

    /// Finds the record of a stored line.
    fn find_stored(
        &self,
        key: BucketKey,
        line: LineId,
        wanted: Wanted<'_>,
    ) -> Result<Option<Found>, PassportError> {
        let topics: Vec<Topic> = match key.table {
            LineTable::Returns => vec![Topic::Quarantine],
            LineTable::Transactions => {
                let country = self.store.catalog().country_name(key.country);
                let map = self.routing.map();
                let route = country.as_ref().and_then(|country| map.find(country));
                // A country that was taken off the map since may lie in any region's topic.
                route.map_or_else(
                    || Region::ALL.map(Topic::Lines).to_vec(),
                    |route| vec![Topic::Lines(route.region)],
                )
            }
        };
        for topic in topics {
            let count = self.log.partitions(topic);
            let partitions = match topic {
                Topic::Quarantine => (0..count).collect(),
                Topic::Lines(_) => vec![key.shard.partition(count).0],
            };
            for partition in partitions {
                let partition = TopicPartition::new(topic, partition);
                let offsets = self.log.offsets(partition)?;
                let span = (offsets.begin.0, offsets.end.0);
                let is_it = |found: &Found| found.content.line_id() == Some(line);
                if let Some(found) = self.read_through(partition, span, wanted, &is_it)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Reads a partition between two offsets until a record is the one that is looked for.
    fn read_through(
        &self,
        partition: TopicPartition,
        (mut from, to): (u64, u64),
        wanted: Wanted<'_>,
        is_it: &dyn Fn(&Found) -> bool,
    ) -> Result<Option<Found>, PassportError> {
        while from < to {
            if !wanted() {
                return Err(PassportError::GivenUp);
            }
            let batches = self.log.fetch(partition, Offset(from), FETCH_BYTES)?;
            if batches.is_empty() {
                return Ok(None);
            }
            for batch in &batches {
                let values = values_of(partition, batch)?;
                if let Some(found) = scan(partition, batch, &values, from, is_it)? {
                    return Ok((found.log.offset.0 < to).then_some(found));
                }
                from = batch.base_offset.0 + values.len() as u64;
            }
        }
        Ok(None)
    }
}

/// Asks each data centre on its own.
fn each_alone(has: impl Fn(Dc) -> Result<bool, StoreError>) -> PerDc<Reading<Presence>> {
    PerDc::from_fn(|dc| match has(dc) {
        Ok(true) => Reading::Known(Presence::There),
        Ok(false) => Reading::Known(Presence::Absent),
        Err(error) => Reading::Unknown(error.to_string()),
    })
}

/// Where a clean row stands in its file: read again, if it is still the same file.
fn place_in(record: &LoadRecord, row: RowNo, wanted: Wanted<'_>) -> Reading<FilePlace> {
    let same = Fingerprint::of(&record.file).map(|now| now.to_string() == record.fingerprint);
    match same {
        Err(error) => return Reading::Unknown(format!("the file cannot be read: {error}")),
        Ok(false) => {
            return Reading::Unknown("the file has changed since it was loaded".to_owned());
        }
        Ok(true) => {}
    }
    let options = ReadOptions {
        delimiter: Some(record.layout.delimiter),
        date_order: Some(record.layout.date_order),
        decimal: Some(record.layout.decimal),
        ..ReadOptions::default()
    };
    match find_row(&record.file, &options, row, wanted) {
        Ok(Some(found)) => Reading::Known(FilePlace {
            line: found.line,
            byte: found.byte,
            raw: found.raw,
        }),
        Ok(None) => Reading::Unknown("the file has fewer rows now".to_owned()),
        Err(error) => Reading::Unknown(format!("the file cannot be read: {error}")),
    }
}
