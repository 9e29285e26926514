//! The producer of a load: file to lines and rejects, lines and rejects to groups, groups to the
//! log.
//!
//! Each group carries the load's mark, so after a crash the log says which row is the last one in
//! it; the file is then read again from its beginning (identity needs the rows before) and only
//! what lies behind that row is appended. Where a log keeps a part of an append that was not
//! acknowledged, that part is found and not appended again: it is the beginning, in each
//! partition, of what follows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use thiserror::Error;

use super::counters::{Counters, add, set};
use super::gate::{Gate, Pass};
use super::load::{LoadRecord, LoadState};
use super::ways::Ways;
use crate::codec::{quarantine, record};
use crate::config::ErrorLimit;
use crate::intake::{CleanLine, IntakeError, LineReader, ReadProgress, ReadRow, SetAside};
use crate::model::{EndOffset, Partition, PerRegion, Region, Topic, TopicPartition};
use crate::ports::{
    Append, AppendReceipt, Atomicity, Clock, LoadMark, Log, LogError, Outcome, PendingAppend,
    RecordBatch,
};

/// Appends on their way at a time: one is being made durable while the next is read.
pub(crate) const IN_FLIGHT: usize = 2;
/// With a rate limit a group is sent at least this often, so that lines arrive as a stream.
const PACED_GROUP: Duration = Duration::from_millis(40);
/// Rows between two looks at the gate and at the clock when nothing limits the rate.
const CHECK_EVERY: u64 = 1_024;
/// Pause before a failed append is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Lines per second that a load may read; 0 for as many as possible. Changeable while it runs.
#[derive(Debug, Default)]
pub(crate) struct Rate(AtomicU64);

impl Rate {
    /// Sets the limit; `None` for no limit.
    pub(crate) fn set(&self, lines_per_second: Option<u64>) {
        self.0
            .store(lines_per_second.unwrap_or(0), Ordering::Relaxed);
    }

    /// The limit.
    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }
}

/// Why a load did not go on.
#[derive(Debug, Error)]
pub enum ProduceError {
    /// The file.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The mark cannot be written.
    #[error("the load's mark cannot be written: {0}")]
    Mark(#[from] serde_json::Error),
}

/// Told what the log has of a load, and how far its file is read.
pub(crate) type Progress = Arc<dyn Fn(&LoadRecord, Option<ReadProgress>) + Send + Sync>;

/// What a producer works with.
pub(crate) struct Producer {
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// Time, for the rate and for retries.
    pub(crate) clock: Arc<dyn Clock>,
    /// Pause and stop.
    pub(crate) gate: Arc<Gate>,
    /// Rate limit.
    pub(crate) rate: Arc<Rate>,
    /// Rows at each hop.
    pub(crate) counters: Arc<Counters>,
    /// Where the ways of lines are measured.
    pub(crate) ways: Arc<Ways>,
    /// Told after each acknowledged group.
    pub(crate) progress: Progress,
    /// Records of a group.
    pub(crate) group_lines: usize,
    /// When to give up.
    pub(crate) limit: ErrorLimit,
}

/// Records gathered for one partition.
#[derive(Debug, Default)]
struct Gathered {
    records: u32,
    bytes: Vec<u8>,
}

/// Records that are appended together, and the load as it stands when they are there.
struct Group {
    append: Append,
    after: LoadRecord,
    read: ReadProgress,
    /// When its first row was read.
    began: Duration,
}

/// A group that was sent.
struct InFlight {
    group: Group,
    pending: Result<Box<dyn PendingAppend>, LogError>,
}

/// A load that is being produced, row by row.
pub(super) struct Work<'p> {
    producer: &'p Producer,
    load: LoadRecord,
    /// Rows met so far, and those at the beginning that the log has already.
    row: u64,
    resume_after: u64,
    /// What the log has of it, where that may be more than its mark says.
    there: Option<There>,
    /// What the counters have been told.
    told_read: u64,
    told_clean: u64,
    lines: PerRegion<Vec<Gathered>>,
    rejects: Gathered,
    gathered: usize,
    /// When the first row gathered was read.
    began: Duration,
    in_flight: VecDeque<InFlight>,
    /// End of each partition as far as acknowledged.
    ends: Vec<(TopicPartition, EndOffset)>,
    pace: Pace,
    /// How far the file is read.
    read: ReadProgress,
    /// What to do about the file, once it could not be read on.
    input_remedy: Option<String>,
    /// The line that could not be read then.
    input_line: Option<u64>,
}

impl Producer {
    /// Reads `reader` to its end into the log. The load as it ended; an error only when its state
    /// could not even be recorded.
    pub(crate) fn run(
        &self,
        reader: &mut LineReader,
        load: LoadRecord,
    ) -> Result<LoadRecord, ProduceError> {
        let mut work = self.begin(reader, load)?;
        let ended = loop {
            match work.step(reader) {
                Ok(None) => {}
                Ok(Some(state)) => break state,
                Err(error) => break work.failed(&error, reader),
            }
        };
        work.end(ended)
    }

    /// Takes up a load where its record says that it stands.
    pub(super) fn begin(
        &self,
        reader: &LineReader,
        load: LoadRecord,
    ) -> Result<Work<'_>, ProduceError> {
        let partitions = |topic| {
            let count = self.log.partitions(topic);
            (0..count).map(|_| Gathered::default()).collect::<Vec<_>>()
        };
        // A load that goes on has records from before, also where none are added now.
        let ends: Vec<_> = load
            .from
            .iter()
            .map(|(partition, _)| Ok((*partition, self.log.offsets(*partition)?.end)))
            .collect::<Result<_, LogError>>()?;
        let there = match self.log.atomicity() {
            Atomicity::Appends => None,
            Atomicity::Records => Some(There::of(&load, &ends)).filter(|there| !there.is_empty()),
        };
        Ok(Work {
            producer: self,
            row: 0,
            there,
            resume_after: load.intake.read,
            told_read: load.intake.read,
            told_clean: load.intake.clean,
            lines: PerRegion::from_fn(|region| partitions(Topic::Lines(region))),
            rejects: Gathered::default(),
            gathered: 0,
            began: Duration::ZERO,
            in_flight: VecDeque::new(),
            ends,
            pace: Pace::start(self.clock.as_ref()),
            read: reader.progress(),
            input_remedy: None,
            input_line: None,
            load,
        })
    }
}

impl Work<'_> {
    /// Takes the next row; how the load ended when there is none or none is wanted.
    pub(super) fn step(
        &mut self,
        reader: &mut LineReader,
    ) -> Result<Option<LoadState>, ProduceError> {
        if self.row.is_multiple_of(CHECK_EVERY) || self.producer.rate.get().is_some() {
            self.count();
            // A group that is sent while it waits is not full: it says how far it reaches.
            self.read = reader.progress();
            if self.pass()? == Pass::Stop {
                return Ok(Some(LoadState::Cancelled));
            }
        }
        // A load that was stopped for its rejects goes on only under a wider limit.
        if self.row == 0
            && let Some(why) = self.over_the_limit()
        {
            return Ok(Some(LoadState::Stopped(why)));
        }
        let Some(next) = reader.next()? else {
            self.count();
            self.read = reader.progress();
            reader.finish_check()?;
            return Ok(Some(LoadState::Produced));
        };
        self.row += 1;
        let met = self.meet(&next)?;
        if self.row <= self.resume_after {
            return Ok(None);
        }
        if met == Met::InTheLog {
            self.count_only(&next);
            return Ok(None);
        }
        if self.gathered == 0 {
            self.began = self.producer.clock.monotonic();
        }
        match next {
            ReadRow::Clean(line) => self.put_line(&line),
            ReadRow::SetAside(set_aside) => {
                self.put_reject(&set_aside);
                if let Some(why) = self.over_the_limit() {
                    return Ok(Some(LoadState::Stopped(why)));
                }
            }
        }
        if self.gathered >= self.producer.group_lines {
            self.read = reader.progress();
            self.send_group()?;
        }
        Ok(None)
    }

    /// Tells the counters what was read since they were told last.
    fn count(&mut self) {
        let (intake, counters) = (&self.load.intake, &self.producer.counters);
        let (read, clean) = (intake.read - self.told_read, intake.clean - self.told_clean);
        add(&counters.read, read);
        add(&counters.clean, clean);
        add(&counters.set_aside, read - clean);
        (self.told_read, self.told_clean) = (intake.read, intake.clean);
    }

    /// Whether the log has the record of a row already. An error when the mark counts it and it is
    /// not there, where a log may keep other parts of appends than the whole.
    fn meet(&mut self, row: &ReadRow<'_>) -> Result<Met, ProduceError> {
        let Some(there) = &mut self.there else {
            let is_counted = self.row <= self.resume_after;
            let can_lack = self.producer.log.atomicity() == Atomicity::Records;
            return if is_counted && can_lack {
                Err(There::lacks(self.row))
            } else {
                Ok(Met::New)
            };
        };
        let met = there.take(partition_of(row, &self.lines));
        if there.is_empty() {
            self.there = None;
        }
        if met == Met::New && self.row <= self.resume_after {
            return Err(There::lacks(self.row));
        }
        Ok(met)
    }

    /// Counts a row that the log has already.
    fn count_only(&mut self, row: &ReadRow<'_>) {
        match row {
            ReadRow::Clean(line) => {
                let amount = line.record.line.amount();
                self.load.intake.add_clean(line.region, amount);
            }
            ReadRow::SetAside(set_aside) => {
                self.load.intake.add_set_aside(set_aside.reject.reason);
            }
        }
    }

    fn put_line(&mut self, line: &CleanLine<'_>) {
        let topic = &mut self.lines[line.region];
        // Partitions of a topic are at least 1 and at most 12.
        let count = u16::try_from(topic.len()).unwrap_or(1).max(1);
        let Partition(partition) = line.shard.partition(count);
        if let Some(gathered) = topic.get_mut(usize::from(partition)) {
            record::put_line(&mut gathered.bytes, &line.record);
            gathered.records += 1;
            self.gathered += 1;
        }
        let amount = line.record.line.amount();
        self.load.intake.add_clean(line.region, amount);
    }

    fn put_reject(&mut self, set_aside: &SetAside<'_>) {
        let line = set_aside.line.as_ref();
        quarantine::put_reject(&mut self.rejects.bytes, &set_aside.reject, line);
        self.rejects.records += 1;
        self.gathered += 1;
        self.load.intake.add_set_aside(set_aside.reject.reason);
    }

    fn over_the_limit(&self) -> Option<String> {
        let intake = &self.load.intake;
        let rejected = intake
            .set_aside
            .iter()
            .filter(|(reason, _)| reason.is_rejection())
            .map(|(_, rows)| rows)
            .sum();
        let limit = self.producer.limit;
        limit.is_passed(rejected, intake.read).then(|| {
            format!(
                "{rejected} of {} rows were rejected, which is past the limit of {limit}",
                intake.read
            )
        })
    }

    /// Waits at the gate and for the rate; sends what is gathered before it waits.
    fn pass(&mut self) -> Result<Pass, ProduceError> {
        if self.producer.gate.is_paused() {
            self.send_group()?;
            self.finish_all()?;
        }
        if self.producer.gate.pass() == Pass::Stop {
            return Ok(Pass::Stop);
        }
        let Some(rate) = self.producer.rate.get() else {
            self.pace.rate = 0;
            return Ok(Pass::Go);
        };
        let clock = self.producer.clock.as_ref();
        if self.gathered > 0 && clock.monotonic() >= self.pace.last_group + PACED_GROUP {
            self.send_group()?;
            self.finish_done(0)?;
        }
        if let Some(early) = self.pace.early(clock, rate, self.load.intake.read) {
            if early > PACED_GROUP {
                self.send_group()?;
                self.finish_all()?;
            }
            return Ok(self.producer.gate.wait(early));
        }
        Ok(Pass::Go)
    }

    /// Sends what is gathered as one group with the load's mark.
    fn send_group(&mut self) -> Result<(), ProduceError> {
        self.pace.last_group = self.producer.clock.monotonic();
        if self.gathered == 0 {
            return Ok(());
        }
        let load = self.load.id;
        let mut batches = Vec::new();
        let mut take = |partition, gathered: &mut Gathered| {
            if gathered.records == 0 {
                return;
            }
            // The next group will be about as large.
            let next = Vec::with_capacity(gathered.bytes.len() + gathered.bytes.len() / 8);
            batches.push((
                partition,
                RecordBatch {
                    load,
                    records: std::mem::take(&mut gathered.records),
                    bytes: Bytes::from(std::mem::replace(&mut gathered.bytes, next)),
                },
            ));
        };
        for region in Region::ALL {
            for (index, gathered) in (0..).zip(self.lines[region].iter_mut()) {
                take(TopicPartition::new(Topic::Lines(region), index), gathered);
            }
        }
        take(TopicPartition::new(Topic::Quarantine, 0), &mut self.rejects);
        self.gathered = 0;
        self.submit(batches)
    }

    fn submit(&mut self, batches: Vec<(TopicPartition, RecordBatch)>) -> Result<(), ProduceError> {
        let append = Append {
            batches,
            mark: Some(self.load.to_mark()?),
        };
        self.finish_done(IN_FLIGHT - 1)?;
        if self.in_flight.iter().any(|sent| sent.pending.is_err()) {
            // Its mark says that the groups before it are there, so it waits for them.
            self.finish_all()?;
        }
        let pending = self.producer.log.submit(append.clone());
        let group = Group {
            append,
            after: self.load.clone(),
            read: self.read,
            began: self.began,
        };
        self.in_flight.push_back(InFlight { group, pending });
        set(&self.producer.counters.appending, self.in_flight.len());
        Ok(())
    }

    fn finish_all(&mut self) -> Result<(), ProduceError> {
        self.finish_done(0)
    }

    /// Waits until at most `left` groups are on their way.
    fn finish_done(&mut self, left: usize) -> Result<(), ProduceError> {
        while self.in_flight.len() > left {
            let Some(InFlight { group, pending }) = self.in_flight.pop_front() else {
                break;
            };
            match pending.and_then(PendingAppend::wait) {
                Ok(receipt) => {
                    self.acknowledged(&group.append, &receipt, group.began);
                    (self.producer.progress)(&group.after, Some(group.read));
                }
                Err(error) => self.again(group, error)?,
            }
            set(&self.producer.counters.appending, self.in_flight.len());
        }
        Ok(())
    }

    /// A group failed: appends it again, and those behind it that failed too.
    ///
    /// Those behind it may be there already. Then its mark says so, for the mark in the log must
    /// not go back: a load that is resumed would produce them a second time.
    fn again(&mut self, failed: Group, error: LogError) -> Result<(), ProduceError> {
        let mut groups = VecDeque::from([(failed, Some(error))]);
        while let Some(InFlight { group, pending }) = self.in_flight.pop_front() {
            let failed = match pending.and_then(PendingAppend::wait) {
                Ok(receipt) => {
                    self.acknowledged(&group.append, &receipt, group.began);
                    None
                }
                Err(error) => Some(error),
            };
            groups.push_back((group, failed));
        }
        while let Some((group, failed)) = groups.pop_front() {
            let Some(error) = failed else {
                continue;
            };
            let there = groups.iter().take_while(|(_, failed)| failed.is_none());
            let reached = there.last().map_or(&group, |(newer, _)| newer);
            let append = Append {
                batches: group.append.batches.clone(),
                mark: Some(reached.after.to_mark()?),
            };
            let receipt = self.append_again(&append, error)?;
            self.acknowledged(&append, &receipt, group.began);
            (self.producer.progress)(&reached.after, Some(reached.read));
        }
        Ok(())
    }

    /// Appends after a pause until it is there, unless that is hopeless or unwanted.
    fn append_again(
        &self,
        append: &Append,
        mut error: LogError,
    ) -> Result<AppendReceipt, ProduceError> {
        loop {
            if error.outcome() != Outcome::Retry || self.producer.gate.is_stopped() {
                return Err(error.into());
            }
            tracing::debug!(%error, "an append failed and is sent again");
            self.producer.clock.sleep(RETRY_PAUSE);
            match self.producer.log.append(append.clone()) {
                Ok(receipt) => return Ok(receipt),
                Err(again) => error = again,
            }
        }
    }

    fn acknowledged(&mut self, append: &Append, receipt: &AppendReceipt, began: Duration) {
        for ((partition, batch), base) in append.batches.iter().zip(&receipt.base_offsets) {
            let records = u64::from(batch.records);
            if let Topic::Lines(region) = partition.topic {
                add(&self.producer.counters.region(region).produced, records);
            }
            let end = EndOffset(base.0 + records);
            if let Topic::Lines(_) = partition.topic {
                self.producer.ways.read(*partition, end.0, began);
            }
            match self.ends.iter_mut().find(|(p, _)| p == partition) {
                Some((_, at)) => *at = end,
                None => self.ends.push((*partition, end)),
            }
        }
    }

    /// How the load ends after an error. That its file was refused is kept beside what is said:
    /// the remedy is another one then.
    fn failed(&mut self, error: &ProduceError, reader: &LineReader) -> LoadState {
        if let ProduceError::Intake(refused) = error {
            self.input_remedy = Some(refused.remedy().to_owned());
            // That a file has changed is found out behind its last line, and is of none of them.
            let is_of_a_line = !matches!(refused, IntakeError::Changed { .. });
            self.input_line = is_of_a_line.then(|| reader.progress().lines + 1);
        }
        LoadState::Failed(error.to_string())
    }

    /// Sends the rest and records how the load ended.
    pub(super) fn end(mut self, state: LoadState) -> Result<LoadRecord, ProduceError> {
        self.send_group()?;
        self.finish_all()?;
        self.load.state = state;
        self.load.input_remedy = self.input_remedy.take();
        self.load.input_line = self.input_line.take();
        self.load.to =
            (!matches!(self.load.state, LoadState::Cancelled)).then(|| self.ends.clone());
        self.load.produced_at = Some(self.now());
        let mark: LoadMark = self.load.to_mark()?;
        let append = Append {
            batches: Vec::new(),
            mark: Some(mark),
        };
        self.producer.log.append(append)?;
        (self.producer.progress)(&self.load, None);
        Ok(self.load)
    }

    fn now(&self) -> DateTime<Utc> {
        self.producer.clock.now()
    }
}

/// Whether a record is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It is: an earlier process of this load appended it.
    InTheLog,
    /// It is to be appended.
    New,
}

/// Records of a load that the log has, by partition: in each the first ones of the file, in order.
#[derive(Debug)]
struct There {
    left: BTreeMap<TopicPartition, u64>,
    all: u64,
}

impl There {
    /// Those between where the load began and the ends.
    fn of(load: &LoadRecord, ends: &[(TopicPartition, EndOffset)]) -> Self {
        let from: BTreeMap<_, _> = load.from.iter().copied().collect();
        let since = |(partition, end): &(TopicPartition, EndOffset)| {
            let from = from.get(partition).map_or(end.0, |from| from.0);
            (*partition, end.0.saturating_sub(from))
        };
        let left: BTreeMap<_, _> = ends.iter().map(since).collect();
        let all = left.values().sum();
        Self { left, all }
    }

    /// Whether every one was met.
    const fn is_empty(&self) -> bool {
        self.all == 0
    }

    /// Whether the next record of a partition is among them.
    fn take(&mut self, partition: TopicPartition) -> Met {
        let Some(left) = self.left.get_mut(&partition).filter(|left| **left > 0) else {
            return Met::New;
        };
        *left -= 1;
        self.all -= 1;
        Met::InTheLog
    }

    fn lacks(row: u64) -> ProduceError {
        ProduceError::Log(LogError::Refused {
            what: format!("the log lacks row {row} of this load, which its mark counts"),
            remedy: "load the file from its start; lines that are there count once",
        })
    }
}

/// Where the record of a row goes.
fn partition_of(row: &ReadRow<'_>, lines: &PerRegion<Vec<Gathered>>) -> TopicPartition {
    match row {
        ReadRow::Clean(line) => {
            // Partitions of a topic are at least 1 and at most 12.
            let count = u16::try_from(lines[line.region].len()).unwrap_or(1).max(1);
            let Partition(partition) = line.shard.partition(count);
            TopicPartition::new(Topic::Lines(line.region), partition)
        }
        ReadRow::SetAside(_) => TopicPartition::new(Topic::Quarantine, 0),
    }
}

/// Keeps a rate: row `n` after the start is due `n / rate` seconds after it.
#[derive(Debug)]
struct Pace {
    rate: u64,
    since: Duration,
    rows_then: u64,
    last_group: Duration,
}

impl Pace {
    fn start(clock: &dyn Clock) -> Self {
        Self {
            rate: 0,
            since: clock.monotonic(),
            rows_then: 0,
            last_group: clock.monotonic(),
        }
    }

    /// How much too early the next row is. A new rate counts from now on.
    fn early(&mut self, clock: &dyn Clock, rate: u64, rows: u64) -> Option<Duration> {
        let now = clock.monotonic();
        if rate != self.rate {
            self.rate = rate;
            self.since = now;
            self.rows_then = rows;
        }
        let due = Duration::from_secs_f64((rows - self.rows_then) as f64 / rate as f64);
        let elapsed = now.saturating_sub(self.since);
        due.checked_sub(elapsed).filter(|early| !early.is_zero())
    }
}

#[cfg(test)]
#[path = "produce_tests.rs"]
mod tests;
