//! Running a load to its end, and the balance sheet of any.

mod known;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

pub(crate) use self::known::{Current, Loads};
use super::analyse::Extent;
use super::counters::set;
use super::gate::{Gate, Pass};
use super::load::{LoadRecord, LoadState};
use super::produce::{ProduceError, Producer};
use super::runtime::Runtime;
use crate::clean::Rules;
use crate::config::ErrorLimit;
use crate::intake::{Fingerprint, IntakeError, LineReader, ReadOptions, RowLayout};
use crate::ledger::{Intake, Ledger};
use crate::model::{
    CommittedOffset, EndOffset, LoadId, PerDc, Reading, RowsDigest, Topic, TopicPartition,
};
use crate::ports::{Access, Atomicity, Log, LogError};
use crate::telemetry::EventKind;

/// How often a load that waits for its lines to be written looks again.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long the replicas may take to settle after the last line is written at QUORUM; after it
/// the ledger says which data centre is not known to have all.
pub(super) const SETTLE: Duration = Duration::from_secs(30);

/// What is to be loaded, and how.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The file.
    pub file: PathBuf,
    /// How it is read; what is not given is detected.
    pub options: ReadOptions,
    /// Which rules set rows aside.
    pub rules: Rules,
    /// When to give up.
    pub limit: ErrorLimit,
    /// How far to go.
    pub until: Until,
    /// Where to begin.
    pub resume: Resume,
}

/// Where a load begins in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resume {
    /// After the last row that an unfinished load of the same file has in the log.
    #[default]
    WhereItStood,
    /// At the first row, as a load of its own.
    FromStart,
}

/// When a load counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When all rows are in the log.
    Produced,
    /// When all lines are written, visible and in the figures.
    Closed,
}

/// When the stages of a load were through, since its request. A stage begins as soon as the first
/// line reaches it, so they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LoadTimes {
    /// All rows were read, cleaned, and in the log.
    pub produced: Duration,
    /// All offsets were committed: durable in two data centres. `None` for a load that did not
    /// go so far.
    pub written: Option<Duration>,
    /// Every data centre had settled.
    pub visible: Option<Duration>,
    /// The tables for other programs were written.
    pub tables: Option<Duration>,
}

/// How a load ended.
#[derive(Debug, Clone)]
pub struct LoadEnd {
    /// The load.
    pub record: LoadRecord,
    /// Its balance sheet.
    pub ledger: Ledger,
    /// Sales that each data centre holds now, by what it knows of itself.
    pub stored: PerDc<Reading<RowsDigest>>,
    /// From the request to the end.
    pub took: Duration,
    /// When its stages were through.
    pub times: LoadTimes,
    /// Row that it went on after, if it was resumed.
    pub resumed_after: Option<u64>,
}

/// Why a load did not begin or did not end.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is refused.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The producer failed.
    #[error(transparent)]
    Produce(#[from] ProduceError),
    /// Another load runs.
    #[error("load {0} is running")]
    Busy(LoadId),
    /// A consumer ended, so the lines stay in the log.
    #[error("{0}")]
    Consumer(String),
    /// It was cancelled while lines were being written: its own, or those of loads before it.
    #[error(
        "the load was cancelled while lines were being written; those in the log are written all \
         the same"
    )]
    Cancelled,
    /// The engine is closing.
    #[error("the engine is closing; the load goes on where it stands when it is started again")]
    Closing,
}

impl LoadError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Intake(error) | Self::Produce(ProduceError::Intake(error)) => {
                error.remedy().into()
            }
            Self::Log(error) | Self::Produce(ProduceError::Log(error)) => error.remedy().into(),
            Self::Produce(ProduceError::Mark(_)) => "please report it".into(),
            Self::Busy(_) => "wait for its end or cancel it".into(),
            Self::Consumer(_) => "mend what it names, then load the file again".into(),
            Self::Cancelled | Self::Closing => "load the file again".into(),
        }
    }
}

impl Runtime {
    /// Runs a load to its end.
    pub(crate) fn load(self: &Arc<Self>, request: &LoadRequest) -> Result<LoadEnd, LoadError> {
        let began = self.clock.monotonic();
        let routing = self.routing.map();
        let mut reader =
            LineReader::open(&request.file, &request.options, &request.rules, &routing)?;
        let fingerprint = Fingerprint::of(&request.file)?.to_string();
        let gate = Arc::new(Gate::default());
        let record = self.claim(request, fingerprint, &gate, &reader, began)?;
        let resumed_after = (record.intake.read > 0).then_some(record.intake.read);
        let load = record.id;
        let since = || self.clock.monotonic().saturating_sub(began);
        let result = self.run_load(request, record, &mut reader, &gate, &since);
        self.loads.leave();
        let (record, times) = result.inspect_err(|error| self.tell_broken_off(load, error))?;
        let mut ledger = self.ledger(&record);
        let mut stored = self.store.health().dcs.map(|dc| dc.rows);
        let counts = stored.iter().all(|(_, rows)| rows.known().is_some());
        if !counts && request.until == Until::Closed && record.to.is_some() {
            // This store does not count as it writes: what it holds is read once, at the end.
            match self.verify() {
                Ok(comparison) => stored = comparison.stored,
                Err(error) => tracing::warn!(%error, "the data centres could not be read"),
            }
            ledger.visible = stored.clone().map(|rows| rows.map(|rows| rows.lines));
        }
        self.tell_end(&record, &ledger);
        Ok(LoadEnd {
            stored,
            ledger,
            record,
            took: since(),
            times,
            resumed_after,
        })
    }

    /// Takes the place of the running load, with a new record or that of an unfinished load of
    /// the same file.
    fn claim(
        &self,
        request: &LoadRequest,
        fingerprint: String,
        gate: &Arc<Gate>,
        reader: &LineReader,
        began: Duration,
    ) -> Result<LoadRecord, LoadError> {
        self.loads.begin(gate)?;
        let record = self.unfinished_or_new(request, fingerprint, gate, reader);
        let record = record.inspect_err(|_| self.loads.leave())?;
        let current = Current {
            record: record.clone(),
            read: reader.progress(),
            began,
        };
        self.loads.take(current, gate);
        Ok(record)
    }

    fn unfinished_or_new(
        &self,
        request: &LoadRequest,
        fingerprint: String,
        gate: &Gate,
        reader: &LineReader,
    ) -> Result<LoadRecord, LoadError> {
        self.log.settle_appends()?;
        if self.log.access() == Access::Shared {
            self.loads.take_in(self.log.as_ref())?;
        }
        // Behind an older one the records of other loads lie; it begins again, and finds its rows.
        let unfinished = self.loads.newest().filter(|load| {
            request.resume == Resume::WhereItStood
                && load.is_unfinished()
                && load.fingerprint == fingerprint
                && load.reading == self.reading(request)
        });
        match unfinished {
            Some(mut record) if is_whole(self.log.as_ref(), &record)? => {
                record.state = LoadState::Reading;
                (record.to, record.produced_at) = (None, None);
                let (load, row) = (record.id, record.intake.read);
                self.events.emit(EventKind::LoadResumed { load, row });
                Ok(record)
            }
            Some(_) | None => self.new_record(request, fingerprint, gate, reader),
        }
    }

    fn new_record(
        &self,
        request: &LoadRequest,
        fingerprint: String,
        gate: &Gate,
        reader: &LineReader,
    ) -> Result<LoadRecord, LoadError> {
        let id = self.loads.next_id();
        // What earlier loads left in the log belongs to them: the lines before this load are
        // counted when those are written.
        self.drain(|| gate.wait(LOOK_EVERY))?;
        let file = request.file.display().to_string();
        self.events.emit(EventKind::LoadStarted { load: id, file });
        Ok(LoadRecord {
            id,
            file: request.file.clone(),
            fingerprint,
            reading: self.reading(request),
            layout: RowLayout::of(reader.plan()),
            rules: Some(request.rules),
            started_at: self.clock.now(),
            produced_at: None,
            state: LoadState::Reading,
            input_remedy: None,
            input_line: None,
            intake: Intake::default(),
            lines_before: self.analytics.lines(),
            from: self.ends()?,
            to: None,
        })
    }

    /// Hash over everything that decides how the file of a request is read.
    fn reading(&self, request: &LoadRequest) -> u64 {
        let version = self.routing.map().version();
        let text = format!("{:?} {:?} {version}", request.options, request.rules);
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    fn run_load(
        self: &Arc<Self>,
        request: &LoadRequest,
        record: LoadRecord,
        reader: &mut LineReader,
        gate: &Arc<Gate>,
        since: &dyn Fn() -> Duration,
    ) -> Result<(LoadRecord, LoadTimes), LoadError> {
        let shared = Arc::clone(self);
        let producer = Producer {
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock),
            gate: Arc::clone(gate),
            rate: Arc::clone(&self.rate),
            counters: Arc::clone(&self.counters),
            ways: Arc::clone(&self.ways),
            progress: Arc::new(move |record, read| shared.loads.update(record, read)),
            group_lines: self.settings.flow.flush_lines as usize,
            limit: request.limit,
        };
        let record = producer.run(reader, record)?;
        self.loads.update(&record, Some(reader.progress()));
        let mut times = LoadTimes {
            produced: since(),
            ..LoadTimes::default()
        };
        if request.until == Until::Closed && record.to.is_some() {
            self.wait_written(&record, gate)?;
            times.written = Some(since());
            self.analytics.settle();
            if self.store.settle(SETTLE) == crate::ports::Settled::NotYet {
                tracing::warn!("not every data centre has every line yet");
            } else {
                times.visible = Some(since());
            }
            if let Err(error) = self.analytics.materialise(Extent::IfChanged) {
                tracing::warn!(%error, "the derived tables are written later");
            } else {
                times.tables = Some(since());
            }
        }
        Ok((record, times))
    }

    /// Waits until the offsets of a load are committed.
    fn wait_written(&self, record: &LoadRecord, gate: &Gate) -> Result<(), LoadError> {
        let to = record.to.as_deref().unwrap_or_default();
        self.wait_committed(to, || gate.wait(LOOK_EVERY))
    }

    /// Waits until everything in the log is written, as far as consumers run here.
    pub(crate) fn drain_all(&self) -> Result<(), LoadError> {
        self.drain(|| self.running.wait(LOOK_EVERY))
    }

    fn drain(&self, wait: impl Fn() -> Pass) -> Result<(), LoadError> {
        let ends = self.ends()?;
        self.wait_committed(&ends, wait)?;
        self.analytics.settle();
        Ok(())
    }

    fn wait_committed(
        &self,
        ends: &[(TopicPartition, EndOffset)],
        wait: impl Fn() -> Pass,
    ) -> Result<(), LoadError> {
        for (partition, end) in ends {
            let Some(consumer) = self.consumers.iter().find(|c| c.topic == partition.topic) else {
                continue;
            };
            loop {
                let committed = match self.log.committed(*partition) {
                    Ok(committed) => committed.map_or(0, |c| c.0),
                    Err(LogError::Down(_)) => 0,
                    Err(error) => return Err(error.into()),
                };
                if committed >= end.0 {
                    break;
                }
                if let Some(why) = consumer.failed.lock().clone() {
                    return Err(LoadError::Consumer(why));
                }
                if wait() == Pass::Stop {
                    return Err(self.loads.why_stopped());
                }
            }
        }
        Ok(())
    }

    /// End of every partition.
    pub(crate) fn ends(&self) -> Result<Vec<(TopicPartition, EndOffset)>, LogError> {
        self.partitions()
            .map(|partition| Ok((partition, self.log.offsets(partition)?.end)))
            .collect()
    }

    /// Every partition of every topic.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        Topic::ALL.into_iter().flat_map(|topic| {
            (0..self.log.partitions(topic)).map(move |n| TopicPartition::new(topic, n))
        })
    }

    /// The balance sheet of any load: of an older one as it was when the next one began, as that
    /// waits until everything before it is written.
    pub(crate) fn ledger_of(&self, load: LoadId) -> Option<Ledger> {
        let all = self.loads.all();
        let place = all.iter().position(|record| record.id == load)?;
        let record = all.get(place)?;
        let Some(next) = all.get(place + 1) else {
            return Some(self.ledger(record));
        };
        let mut closed = record.clone();
        closed.to.get_or_insert_with(|| next.from.clone());
        let why = format!("loads since {} have added lines", next.id);
        Some(Ledger {
            lines_now: next.lines_before,
            visible: PerDc::from_fn(|_| Reading::Unknown(why.clone())),
            ..self.ledger(&closed)
        })
    }

    /// The balance sheet of a load now.
    pub(crate) fn ledger(&self, record: &LoadRecord) -> Ledger {
        let mut ledger = Ledger {
            intake: record.intake.clone(),
            produced: 0,
            quarantine_produced: 0,
            consumed: 0,
            written: 0,
            quarantine_written: 0,
            lines_before: record.lines_before,
            lines_now: self.analytics.lines(),
            visible: self
                .store
                .health()
                .dcs
                .map(|dc| dc.rows.map(|rows| rows.lines)),
        };
        for partition in self.partitions() {
            let of_load = |offset: u64| record.records_before(partition, CommittedOffset(offset));
            let end = self.log.offsets(partition).map_or(0, |o| o.end.0);
            let committed = self.log.committed(partition).ok().flatten();
            let written = of_load(committed.map_or(0, |c| c.0));
            let produced = of_load(end);
            let consumed = self
                .consumers
                .iter()
                .find(|c| c.topic == partition.topic)
                .and_then(|c| {
                    let at = c.position.fetched();
                    at.get(usize::from(partition.partition.0))
                        .copied()
                        .flatten()
                })
                .map_or(written, of_load);
            match partition.topic {
                Topic::Lines(_) => {
                    ledger.produced += produced;
                    ledger.consumed += consumed;
                    ledger.written += written;
                }
                Topic::Quarantine => {
                    ledger.quarantine_produced += produced;
                    ledger.quarantine_written += written;
                }
            }
        }
        ledger
    }

    /// The same when it is over. A store that does not count as it writes says what it holds when
    /// it is compared: `compared`.
    pub(crate) fn ledger_at_end(
        &self,
        record: &LoadRecord,
        compared: Option<PerDc<Reading<RowsDigest>>>,
    ) -> Ledger {
        let mut ledger = self.ledger(record);
        let counts = ledger
            .visible
            .iter()
            .all(|(_, rows)| rows.known().is_some());
        if let (false, Some(stored)) = (counts, compared) {
            ledger.visible = stored.map(|rows| rows.map(|rows| rows.lines));
        }
        ledger
    }

    fn tell_broken_off(&self, load: LoadId, error: &LoadError) {
        let cause = error.to_string();
        self.events.emit(EventKind::LoadStopped { load, cause });
        set(&self.counters.appending, 0);
    }

    fn tell_end(&self, record: &LoadRecord, ledger: &Ledger) {
        let load = record.id;
        match &record.state {
            LoadState::Stopped(cause) | LoadState::Failed(cause) => {
                let cause = cause.clone();
                self.events.emit(EventKind::LoadStopped { load, cause });
            }
            LoadState::Cancelled => {
                let cause = "cancelled".to_owned();
                self.events.emit(EventKind::LoadStopped { load, cause });
            }
            LoadState::Reading | LoadState::Produced => {
                self.events.emit(EventKind::LoadEnded {
                    load,
                    read: ledger.intake.read,
                    new: ledger.new_lines(),
                    set_aside: ledger.intake.set_aside.total(),
                });
            }
        }
    }
}

/// Whether the log has the records that the mark of an unfinished load counts. Where a group
/// failed for good while the one behind it was acknowledged, the mark says more than is there,
/// and going on after it would lose the lines between: such a load begins again. More records
/// than the mark counts are the rest of an append that was not acknowledged, where a log may keep
/// such a rest.
pub(super) fn is_whole(log: &dyn Log, load: &LoadRecord) -> Result<bool, LogError> {
    for topic in Topic::ALL {
        let mut there = 0;
        for (partition, from) in load.from.iter().filter(|(p, _)| p.topic == topic) {
            there += log.offsets(*partition)?.end.0.saturating_sub(from.0);
        }
        let wanted = load.records_of(topic);
        let fits = match log.atomicity() {
            Atomicity::Appends => there == wanted,
            Atomicity::Records => there >= wanted,
        };
        if !fits {
            tracing::warn!(load = %load.id, %topic, wanted, there, "the log has other records than the mark counts");
            return Ok(false);
        }
    }
    Ok(true)
}
