//! Whole engines over a disk and databases in memory: replays, rebuilds, retention.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tempfile::TempDir;

use super::loads::{LoadEnd, LoadError, LoadRequest, Resume, Until};
use super::replay::{ReplayError, ReplayRequest};
use super::roles::Roles;
use super::runtime::Runtime;
use crate::clean::Rules;
use crate::config::{ErrorLimit, Settings};
use crate::embedded::disk::DataDirLock;
use crate::embedded::disk::mem::MemDisk;
use crate::embedded::log::{EmbeddedLog, LogOptions};
use crate::embedded::store::{EmbeddedStore, MemoryDisks, StoreOptions};
use crate::intake::ReadOptions;
use crate::model::{ConsistencyLevel, Dc, LineTable, Partition, Region, Summary, Topic};
use crate::ports::{
    AheadClock, BucketScope, BucketWrite, Flush, Log, ReadSource, Settled, SystemEntropy,
    WriteTimestamp,
};
use crate::replay::plan::{Plan, PlanChanged, Strategy};
use crate::telemetry::{Cursor, EventKind};
use crate::wire::Ports;

const TOPIC: Topic = Topic::Lines(Region::Europe);
const SAMPLE: &str = include_str!("../../../assets/Online_Retail_first_10k.csv");

/// What an engine leaves behind, and the folder of what it keeps in files.
pub(super) struct Place {
    dir: TempDir,
    disk: MemDisk,
    disks: MemoryDisks,
    /// How far the clock of the next engine is ahead.
    ahead: TimeDelta,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rows: Vec<_> = SAMPLE.lines().take(2_001).collect();
        std::fs::write(dir.path().join("rows.csv"), rows.join("\n") + "\n").unwrap();
        Self {
            dir,
            disk: MemDisk::default(),
            disks: MemoryDisks::default(),
            ahead: TimeDelta::zero(),
        }
    }

    fn open(&self, roles: Roles) -> Opened {
        self.open_with(roles, |_| {})
    }

    fn open_with(&self, roles: Roles, change: impl FnOnce(&mut Settings)) -> Opened {
        self.open_over(roles, change, |log| Arc::new(log))
    }

    /// Over what is made of the log.
    pub(super) fn open_over(
        &self,
        roles: Roles,
        change: impl FnOnce(&mut Settings),
        over: impl FnOnce(EmbeddedLog) -> Arc<dyn Log>,
    ) -> Opened {
        let mut settings = Settings::in_dir(self.dir.path());
        settings.monitoring.port = 0;
        settings.flow.flush_lines = 100;
        change(&mut settings);
        let clock = Arc::new(AheadClock::by(self.ahead));
        let options = LogOptions {
            segment_bytes: 30_000,
            ..LogOptions::default()
        };
        let disk = Arc::new(self.disk.clone());
        let log = EmbeddedLog::open(Path::new("/log"), disk, clock.clone(), options).unwrap();
        let store =
            EmbeddedStore::in_memory(&self.disks, clock.clone(), StoreOptions::default()).unwrap();
        let ports = Ports {
            log: over(log),
            store: Arc::new(store),
            clock,
            entropy: Arc::new(SystemEntropy::seeded(1)),
            own_dir: self.dir.path().to_path_buf(),
            lock: DataDirLock::take(self.dir.path()).unwrap(),
        };
        Opened(Runtime::start(settings, ports, roles).unwrap())
    }

    fn load(&self, engine: &Opened, until: Until) {
        let request = LoadRequest {
            file: self.dir.path().join("rows.csv"),
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
            limit: ErrorLimit::None,
            until,
            resume: Resume::WhereItStood,
        };
        let end = engine.load(&request).unwrap();
        assert_eq!(end.record.intake.read, 2_000);
        assert!(until == Until::Produced || end.ledger.is_closed());
    }
}

/// A running engine, stopped when it is dropped.
pub(super) struct Opened(Arc<Runtime>);

impl std::ops::Deref for Opened {
    type Target = Arc<Runtime>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        assert_eq!(self.0.stop(), Vec::<String>::new());
    }
}

impl Opened {
    fn plan(&self, strategy: Strategy) -> Plan {
        let request = ReplayRequest {
            topic: TOPIC,
            partition: None,
            strategy,
        };
        self.plan_replay(&request).unwrap()
    }

    /// Where the group stands, by partition.
    fn committed(&self) -> Vec<Option<u64>> {
        let of_topic = self.partitions().filter(|p| p.topic == TOPIC);
        of_topic
            .map(|p| self.log.committed(p).unwrap().map(|at| at.0))
            .collect()
    }

    fn digest(&self) -> crate::ports::Comparison {
        assert_eq!(self.store.settle(Duration::from_secs(20)), Settled::Yes);
        let found = self.store.compare().unwrap();
        assert!(found.converged(), "{found:?}");
        found
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_replay_reads_everything_again_and_changes_nothing() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    place.load(&engine, Until::Closed);
    let (before, stood) = (engine.digest(), engine.committed());
    let plan = engine.plan(Strategy::Earliest);
    assert!(plan.read_again > 1_500, "{plan:?}");
    engine.apply_replay(&plan).unwrap();
    engine.drain_all().unwrap();
    assert_eq!(engine.committed(), stood);
    assert_eq!(engine.digest(), before);
    let moved = engine.events.since(Cursor::default()).events;
    let of_plan = |e: &&crate::telemetry::Event| matches!(e.kind, EventKind::Replayed { .. });
    assert_eq!(moved.iter().filter(of_plan).count(), plan.commits().len());
}

#[test]
fn a_plan_is_refused_when_the_group_moved_since() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    let plan = engine.plan(Strategy::Earliest);
    place.load(&engine, Until::Closed);
    let stood = engine.committed();
    let refused = engine.apply_replay(&plan);
    let is_moved = matches!(
        refused,
        Err(ReplayError::Changed(PlanChanged::Moved { .. }))
    );
    assert!(is_moved, "{refused:?}");
    assert_eq!(engine.committed(), stood, "nothing was moved");
}

#[test]
fn what_is_not_there_cannot_be_replayed() {
    let place = Place::new();
    let engine = place.open(Roles::none());
    let of = |partition, strategy| ReplayRequest {
        topic: TOPIC,
        partition,
        strategy,
    };
    let partition = engine.plan_replay(&of(Some(Partition(3)), Strategy::Earliest));
    assert!(matches!(partition, Err(ReplayError::NoPartition { .. })));
    let load = engine.plan_replay(&of(None, Strategy::LoadStart(crate::model::LoadId(9))));
    assert!(matches!(load, Err(ReplayError::NoLoad(_))));
    let undo = engine.plan_undo();
    assert!(matches!(undo, Err(ReplayError::NothingToUndo)));
}

#[test]
fn a_replay_is_undone_by_a_later_process_once() {
    let place = Place::new();
    let engine = place.open(Roles::none());
    place.load(&engine, Until::Produced);
    let stood = engine.committed();
    let begin = engine.plan(Strategy::Earliest);
    engine.apply_replay(&begin).unwrap();
    // All lines are skipped.
    engine.apply_replay(&engine.plan(Strategy::Latest)).unwrap();
    drop(engine);

    let engine = place.open(Roles::none());
    assert_ne!(engine.committed(), stood);
    let plan = engine.plan_undo().unwrap();
    assert!(plan.read_again > 1_500, "{plan:?}");
    assert_eq!(engine.undo_replay().unwrap(), plan);
    assert_eq!(engine.committed(), [Some(0), Some(0), Some(0)]);
    let again = engine.undo_replay();
    assert!(matches!(again, Err(ReplayError::NothingToUndo)));
    drop(engine);

    let engine = place.open(Roles::all());
    engine.drain_all().unwrap();
    assert!(engine.analytics.lines() > 1_500);
}

#[test]
fn consumers_are_held_while_a_replay_is_applied_and_go_on_after_it() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    engine.consuming.pause();
    let all = engine.consumers.len();
    wait_until("all are held", || engine.consuming.held() == all);
    // Held before, they stay held.
    engine
        .apply_replay(&engine.plan(Strategy::Earliest))
        .unwrap();
    assert!(engine.consuming.is_paused());
    engine.consuming.resume();
    wait_until("none is held", || engine.consuming.held() == 0);
    engine
        .apply_replay(&engine.plan(Strategy::Earliest))
        .unwrap();
    assert!(!engine.consuming.is_paused());
}

#[test]
fn a_rebuild_mends_summaries_that_are_not_those_of_their_rows() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    place.load(&engine, Until::Closed);
    let now = u64::try_from(engine.clock.now().timestamp_micros()).unwrap();
    // Newer than what is there, and older than the rebuild.
    mends(&engine, WriteTimestamp(now));
}

#[test]
fn a_rebuild_is_newer_than_what_a_machine_made_whose_clock_was_ahead() {
    let mut place = Place::new();
    place.ahead = TimeDelta::days(400);
    let engine = place.open(Roles::all());
    place.load(&engine, Until::Closed);
    engine.rebuild().unwrap();
    let was_ahead = engine.consumers[0].position.generation();
    drop(engine);
    place.ahead = TimeDelta::zero();
    let engine = place.open(Roles::all());
    // The last timestamp that the generation before could have given.
    let longest = engine
        .partitions()
        .map(|p| engine.log.offsets(p).unwrap().end.0);
    mends(&engine, WriteTimestamp(was_ahead + longest.max().unwrap()));
}

/// Plants wrong summaries under a timestamp, and sees a rebuild mend them.
fn mends(engine: &Opened, timestamp: WriteTimestamp) {
    let before = engine.digest();
    assert_eq!(before.drift, []);
    let (via, level) = (Dc::Europe, ConsistencyLevel::Quorum);
    let mut planted = Vec::new();
    let scope = BucketScope::all(LineTable::Transactions);
    let from = ReadSource::Level { via, level };
    let visit = &mut |key, _| planted.push(key);
    engine.store.scan_summaries(&scope, from, visit).unwrap();
    planted.truncate(5);
    let wrong = Arc::new(Summary::default());
    let flush = Flush {
        buckets: planted
            .iter()
            .map(|key| BucketWrite {
                key: *key,
                lines: Vec::new(),
                summary: Arc::clone(&wrong),
                timestamp,
            })
            .collect(),
        ..Flush::default()
    };
    engine
        .store
        .submit(&flush, via, level)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(engine.digest().drift.len(), planted.len() * 3);
    let read_again = engine.rebuild().unwrap();
    assert!(read_again > 1_500, "{read_again}");
    // Compared at once: a rebuild returns when all three have it.
    let found = engine.store.compare().unwrap();
    assert_eq!(found, before);
}

#[test]
fn retention_drops_what_is_consumed_and_old_and_nothing_else() {
    let place = Place::new();
    let engine = place.open_with(Roles::none(), |s| s.log.retention = None);
    place.load(&engine, Until::Produced);
    drop(engine);
    // Old lines that nobody has consumed stay.
    let at_once = |settings: &mut Settings| settings.log.retention = Some(Duration::ZERO);
    let watch_only = Roles {
        consume: Vec::new(),
        ..Roles::all()
    };
    let engine = place.open_with(watch_only, at_once);
    engine.log.drop_before(engine.clock.now()).unwrap();
    let begins = |engine: &Opened| -> u64 {
        let begin = |p| engine.log.offsets(p).unwrap().begin.0;
        engine.partitions().map(begin).sum()
    };
    assert_eq!(begins(&engine), 0);
    drop(engine);
    // Consumed lines that are not old stay, too.
    let engine = place.open(Roles::all());
    engine.drain_all().unwrap();
    let before = engine.digest();
    assert_eq!(begins(&engine), 0);
    drop(engine);
    let engine = place.open_with(Roles::all(), at_once);
    wait_until("the log is shorter", || begins(&engine) > 0);
    let shortened = |e: &crate::telemetry::Event| matches!(e.kind, EventKind::LogShortened { bytes } if bytes > 0);
    wait_until("it was told", || {
        let drained = engine.events.since(Cursor::default());
        drained.events.iter().any(shortened)
    });
    assert_eq!(engine.digest(), before);
    let first_sample = engine.snapshot.load_full().at;
    wait_until("a sample was taken", || {
        engine.snapshot.load().at > first_sample
    });
    let views = &engine.snapshot.load().partitions;
    assert!(views.iter().all(|view| view.lost_to_retention() == Some(0)));
    // The load is known, and loading the file again finds every row.
    assert_eq!(engine.loads.all().len(), 1);
    place.load(&engine, Until::Closed);
    assert_eq!(engine.digest(), before);
}

/// A load of the first rows of another file, on a thread of its own.
fn other_load(
    place: &Place,
    engine: &Opened,
) -> std::thread::JoinHandle<Result<LoadEnd, LoadError>> {
    let file = place.dir.path().join("other.csv");
    let rows: Vec<_> = SAMPLE.lines().take(1_001).collect();
    std::fs::write(&file, rows.join("\n") + "\n").unwrap();
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let runtime = Arc::clone(&engine.0);
    let thread = std::thread::Builder::new().name("other-load".to_owned());
    thread.spawn(move || runtime.load(&request)).unwrap()
}

#[test]
fn a_load_that_waits_for_older_lines_can_be_cancelled_and_the_engine_closed() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    engine.consuming.pause();
    let all = engine.consumers.len();
    wait_until("all are held", || engine.consuming.held() == all);
    place.load(&engine, Until::Produced);

    let waiting = other_load(&place, &engine);
    wait_until("it waits", || engine.loads.is_busy());
    let another = other_load(&place, &engine).join().unwrap();
    assert!(matches!(another, Err(LoadError::Busy(_))), "{another:?}");
    assert!(engine.loads.current().is_none(), "nothing was read");
    engine.loads.gate().unwrap().stop();
    let cancelled = waiting.join().unwrap();
    assert!(
        matches!(cancelled, Err(LoadError::Cancelled)),
        "{cancelled:?}"
    );
    assert!(!engine.loads.is_busy());

    let waiting = other_load(&place, &engine);
    wait_until("it waits", || engine.loads.is_busy());
    drop(engine);
    let closed = waiting.join().unwrap();
    assert!(matches!(closed, Err(LoadError::Closing)), "{closed:?}");
}

#[test]
fn a_load_that_is_stopped_by_closing_writes_how_far_it_came() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    engine.rate.set(Some(200.try_into().unwrap()));
    let running = other_load(&place, &engine);
    wait_until("rows are read", || {
        let current = engine.loads.current();
        current.is_some_and(|current| current.record.intake.read > 0)
    });
    drop(engine);
    let end = running.join().unwrap().unwrap();
    let read = end.record.intake.read;
    assert!(read < 1_000, "{read}");

    let engine = place.open(Roles::none());
    let kept = engine.loads.newest().unwrap();
    assert_eq!((kept.state, kept.intake.read), (end.record.state, read));
}
