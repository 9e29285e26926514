//! The whole flow from a seed.
//!
//! One thread takes the steps of the producer, the consumers, the probes and the comparisons, in
//! an order that the seed decides. In between data centres fail, links break, the log goes down,
//! groups are moved back, and the machine loses its power in the midst of writes, now and then
//! with the disk of one data centre. The steps are those that the engine's threads take in their
//! loops; time is a number that grows when somebody waits.
//!
//! What the seed does not decide: the log's writer and the replicas have threads of their own, so
//! how far they are at a crash may differ when a seed is run again. The order of steps, faults and
//! crashes is the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, bounded};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use rustc_hash::FxHashSet;

use super::analyse::{AnalyticsLink, AnalyticsService};
use super::compare::Comparer;
use super::consume::{Consumer, ConsumerOptions, Worker};
use super::counters::Counters;
use super::gate::Gate;
use super::generation::stored_generation;
use super::load::{LoadRecord, LoadState};
use super::loads::{Loads, is_whole};
use super::position::Position;
use super::produce::{Producer, Work};
use super::routes::{Ask, Routes};
use super::ways::Ways;
use crate::analytics::{Filter, Settings as ReportSettings};
use crate::clean::Rules;
use crate::codec::record::{Records, read_line};
use crate::config::{ErrorLimit, Mode};
use crate::embedded::disk::mem::{MemDisk, Trouble};
use crate::embedded::log::{EmbeddedLog, LogOptions};
use crate::embedded::store::{EmbeddedStore, MemoryDisks, StoreOptions};
use crate::failover::{Policy, ProbeOutcome};
use crate::intake::{LineReader, ReadOptions, RowLayout};
use crate::ledger::Intake;
use crate::model::{
    CommittedOffset, Dc, LineId, LineTable, LoadId, Offset, RowsDigest, Topic, TopicPartition,
};
use crate::ports::{
    BucketScope, Clock, Fault, Log, ReadSource, RejectQuery, Settled, Store, SystemClock,
};
use crate::route::RoutingMap;
use crate::telemetry::{EventLog, Metrics};

/// Rows that are loaded: enough for several segments, evictions and all regions.
const ROWS: usize = 900;
/// Seeds when nothing else is asked for by `SIM_SEEDS`.
const SEEDS: u64 = 40;
/// Steps after which a schedule counts as hung.
const STEPS_MAX: u32 = 50_000;
const SAMPLE: &str = include_str!("../../../assets/Online_Retail_first_10k.csv");

/// What happens in the world whenever somebody waits.
type Hook = Arc<dyn Fn() + Send + Sync>;

/// Time that passes only when somebody waits.
#[derive(Default)]
struct SimClock {
    micros: AtomicU64,
    hook: Mutex<Option<Hook>>,
}

impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        let start = DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::days(20_000);
        start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
        let hook = self.hook.lock().clone();
        if let Some(hook) = hook {
            hook();
        }
    }
}

/// Whether anything goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Calm,
    Rough,
}

/// What a run leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    rows: RowsDigest,
    amount: Decimal,
    kpis: String,
    months: String,
    intake: Intake,
    rejects: usize,
}

/// What happened on the way, for the message of a failure and for knowing that it happened.
#[derive(Debug, Default, Clone)]
struct Story {
    crashes: u32,
    disks_lost: u32,
    faults: u32,
    replays: u32,
    resumed: u32,
    begun_again: u32,
}

/// How a life of the process ended.
enum End {
    Crash,
    Done(Box<Left>),
}

struct Sim {
    seed: u64,
    random: StdRng,
    clock: Arc<SimClock>,
    disk: MemDisk,
    disks: MemoryDisks,
    crashes_left: u32,
    faults_left: u32,
    replays_left: u32,
    story: Story,
}

/// A process: everything that ends with a crash.
struct Life {
    log: Arc<EmbeddedLog>,
    store: Arc<EmbeddedStore>,
    faults: Arc<Mutex<BTreeMap<u32, (Fault, Duration)>>>,
    positions: Vec<Arc<Position>>,
    workers: Vec<Worker>,
    analytics: AnalyticsLink,
    thread: std::thread::JoinHandle<()>,
}

fn partitions(log: &dyn Log) -> Vec<TopicPartition> {
    let of = |topic| (0..log.partitions(topic)).map(move |n| TopicPartition::new(topic, n));
    Topic::ALL.into_iter().flat_map(of).collect()
}

fn rows() -> Vec<u8> {
    let mut text = SAMPLE.lines().take(ROWS + 1).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text.into_bytes()
}

fn run(seed: u64, weather: Weather) -> (Left, Story) {
    let mut random = StdRng::seed_from_u64(seed);
    let rough = weather == Weather::Rough;
    let mut sim = Sim {
        seed,
        clock: Arc::default(),
        disk: MemDisk::default(),
        disks: MemoryDisks::default(),
        crashes_left: if rough { random.random_range(1..5) } else { 0 },
        faults_left: if rough { random.random_range(0..6) } else { 0 },
        replays_left: if rough { random.random_range(0..3) } else { 0 },
        story: Story::default(),
        random,
    };
    loop {
        match sim.live() {
            End::Done(left) => return (*left, sim.story),
            End::Crash => sim.crash(),
        }
    }
}

impl Sim {
    /// The power fails, or the process is killed.
    fn crash(&mut self) {
        self.story.crashes += 1;
        *self.clock.hook.lock() = None;
    }

    fn live(&mut self) -> End {
        let (mut life, routes) = self.open();
        self.offsets_have_their_lines(&life);
        let routing = Arc::new(RoutingMap::builtin().unwrap());
        let rules = Rules::builtin().unwrap();
        let options = ReadOptions::default();
        let mut reader = LineReader::of_bytes(rows(), &options, &rules, &routing).unwrap();
        let producer = Producer {
            log: Arc::clone(&life.log) as Arc<dyn Log>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            gate: Arc::default(),
            rate: Arc::default(),
            counters: Arc::default(),
            ways: Ways::of_a_test(),
            progress: Arc::new(|_, _| {}),
            group_lines: 40,
            limit: ErrorLimit::None,
        };
        let mut record = self.claim(life.log.as_ref(), &reader);
        let mut work = (record.state == LoadState::Reading)
            .then(|| producer.begin(&reader, record.clone()).unwrap());
        let mut steps_to_crash = None;
        for step in 0.. {
            assert!(
                step < STEPS_MAX,
                "seed {} hangs: {:?}",
                self.seed,
                self.story
            );
            if steps_to_crash == Some(step) {
                return self.die(life);
            }
            match self.random.random_range(0..1_000) {
                0..400 => match self.produce(&mut work, &mut reader) {
                    Ok(Some(ended)) => record = ended,
                    Ok(None) => {}
                    // The disk died under it.
                    Err(_) => return self.die(life),
                },
                400..900 => {
                    let which = self.random.random_range(0..life.workers.len());
                    life.workers[which].step().unwrap();
                }
                900..970 => {
                    let passes = self.random.random_range(10..500);
                    self.clock.sleep(Duration::from_millis(passes));
                }
                970..980 => {
                    self.break_something(&life);
                    let alone = self.only_one_up(&life).is_some();
                    if alone && self.crashes_left > 0 && steps_to_crash.is_none() {
                        // The worst moment: what flows now is in one data centre only.
                        self.crashes_left -= 1;
                        steps_to_crash = Some(step + 1 + self.random.random_range(20..200));
                    }
                }
                980..985 => self.replay(&mut life),
                985..990 if self.crashes_left > 0 && steps_to_crash.is_none() => {
                    self.crashes_left -= 1;
                    // At once, or a little after the disk began to fail.
                    let failing = self.random.random_range(0..40);
                    if failing > 0 {
                        let left = self.random.random_range(0..12);
                        self.disk.set_trouble_in(left, Trouble::Dead);
                    }
                    steps_to_crash = Some(step + 1 + failing);
                }
                _ => {}
            }
            let quiet = work.is_none() && life.faults.lock().is_empty();
            if quiet && steps_to_crash.is_none() && is_consumed(life.log.as_ref()) {
                break;
            }
        }
        self.come_home(&routes);
        let left = self.take_stock(&life, &record);
        *self.clock.hook.lock() = None;
        End::Done(Box::new(left))
    }

    /// Ends a life without a good-bye. What the next one finds is decided here.
    fn die(&mut self, life: Life) -> End {
        let random = &mut self.random;
        self.disk = if random.random_bool(0.3) {
            self.disk.kill()
        } else {
            self.disk.crash(|n| random.random_range(0..n))
        };
        // After the log's: a replica may have more than the log knows of, never less.
        self.disks = self.disks.copied();
        let alone = self.only_one_up(&life);
        let chance = if alone.is_some() { 0.8 } else { 0.25 };
        if self.story.disks_lost == 0 && self.random.random_bool(chance) {
            self.story.disks_lost += 1;
            let any = Dc::ALL[self.random.random_range(0..3)];
            self.disks = self.disks.with_lost(alone.unwrap_or(any));
        }
        let Life {
            log,
            store,
            workers,
            analytics,
            thread,
            ..
        } = life;
        *self.clock.hook.lock() = None;
        drop((workers, analytics));
        thread.join().unwrap();
        drop((log, store));
        End::Crash
    }

    fn open(&self) -> (Life, Arc<Routes>) {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let log_options = LogOptions {
            partitions_per_topic: 2,
            segment_bytes: 24_000,
            tail_bytes: 6_000,
        };
        let disk = Arc::new(self.disk.clone());
        let log = EmbeddedLog::open(Path::new("/log"), disk, Arc::clone(&clock), log_options);
        let log = Arc::new(log.unwrap());
        // Its threads wait in the time of the machine.
        let store_options = StoreOptions {
            request_timeout: Duration::from_millis(200),
            heartbeat: Duration::from_millis(5),
            down_after: Duration::from_millis(40),
            ..StoreOptions::default()
        };
        let real = Arc::new(SystemClock::default());
        let store = EmbeddedStore::in_memory(&self.disks, real, store_options);
        let store = Arc::new(store.unwrap());
        let (asks, asked) = bounded(6);
        let policy = Policy {
            hold_down: Duration::from_millis(500),
            ..Policy::default()
        };
        let routes = Routes::new(policy, Arc::clone(&clock), asks, Box::new(|_| {}));
        let routes = Arc::new(routes);
        let metrics = Arc::new(Metrics::new(Mode::Embedded).unwrap());
        let routing = RoutingMap::builtin().unwrap();
        let (service, analytics) = AnalyticsService::open(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&routes),
            Arc::clone(&clock),
            routing
                .countries()
                .map(|(n, r)| (n.to_owned(), r))
                .collect(),
            ReportSettings::standard().unwrap(),
            Duration::from_mins(1),
            None,
        )
        .unwrap();
        let thread = super::spawn("sim-analytics", move || service.run()).unwrap();
        let generation = stored_generation(store.as_ref()).unwrap();
        let faults = Arc::default();
        let events = EventLog::new(Arc::clone(&metrics), Arc::clone(&clock));
        self.set_hook(&log, &store, &routes, &faults, asked, events);
        let consumer = |topic| Consumer {
            topic,
            log: Arc::clone(&log) as Arc<dyn Log>,
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Arc::clone(&clock),
            routes: Arc::clone(&routes),
            gate: Arc::<Gate>::default(),
            counters: Arc::<Counters>::default(),
            ways: Ways::of_a_test(),
            metrics: Arc::clone(&metrics),
            deltas: analytics.deltas(),
            position: Arc::new(Position::new(log.partitions(topic), generation)),
            options: ConsumerOptions {
                flush_lines: 90,
                cache_lines: 150,
            },
        };
        let consumers = Topic::ALL.map(consumer);
        let positions = consumers.iter().map(|c| Arc::clone(&c.position)).collect();
        let life = Life {
            workers: consumers.into_iter().map(|c| c.begin().unwrap()).collect(),
            positions,
            log,
            store,
            faults,
            analytics,
            thread,
        };
        (life, routes)
    }

    /// While somebody waits, faults end, data centres are probed, and what the failover asks for
    /// is done.
    fn set_hook(
        &self,
        log: &Arc<EmbeddedLog>,
        store: &Arc<EmbeddedStore>,
        routes: &Arc<Routes>,
        faults: &Arc<Mutex<BTreeMap<u32, (Fault, Duration)>>>,
        asked: Receiver<Ask>,
        events: EventLog,
    ) {
        let comparer = Comparer {
            store: Arc::clone(store) as Arc<dyn Store>,
            routes: Arc::clone(routes),
            events,
            last: Arc::default(),
            asks: asked.clone(),
        };
        let (log, store, routes) = (Arc::clone(log), Arc::clone(store), Arc::clone(routes));
        let (faults, clock) = (Arc::clone(faults), Arc::clone(&self.clock));
        let hook = move || {
            let now = clock.monotonic();
            let mut in_force = faults.lock();
            in_force.retain(|_, (_, until)| *until > now);
            let list: Vec<Fault> = in_force.values().map(|(fault, _)| *fault).collect();
            drop(in_force);
            log.set_faults(&list);
            store.set_faults(&list);
            for dc in Dc::ALL {
                let id = u64::try_from(now.as_micros()).unwrap();
                let outcome = match store.write_probe(dc, id) {
                    Ok(()) => ProbeOutcome::Answered,
                    Err(_) => ProbeOutcome::Failed,
                };
                routes.probed(dc, outcome);
            }
            routes.tick();
            for ask in asked.try_iter() {
                comparer.step(ask);
            }
        };
        *self.clock.hook.lock() = Some(Arc::new(hook));
    }

    /// The load that the log knows of, if it can go on or is over; else a new one.
    fn claim(&mut self, log: &dyn Log, reader: &LineReader) -> LoadRecord {
        let newest = Loads::of_marks(log).unwrap().newest();
        let id = LoadId(newest.as_ref().map_or(1, |load| load.id.0 + 1));
        if let Some(load) = newest {
            if load.state == LoadState::Produced {
                return load;
            }
            if is_whole(log, &load).unwrap() {
                self.story.resumed += 1;
                return load;
            }
            self.story.begun_again += 1;
        }
        let ends = partitions(log).into_iter();
        LoadRecord {
            id,
            file: "sample.csv".into(),
            fingerprint: String::new(),
            reading: 0,
            layout: RowLayout::of(reader.plan()),
            rules: None,
            started_at: self.clock.now(),
            produced_at: None,
            state: LoadState::Reading,
            input_remedy: None,
            input_line: None,
            intake: Intake::default(),
            lines_before: 0,
            from: ends.map(|p| (p, log.offsets(p).unwrap().end)).collect(),
            to: None,
        }
    }

    /// Some rows. The record of the load when it ended.
    fn produce(
        &mut self,
        work: &mut Option<Work<'_>>,
        reader: &mut LineReader,
    ) -> Result<Option<LoadRecord>, super::ProduceError> {
        for _ in 0..self.random.random_range(1..60) {
            let Some(running) = work.as_mut() else {
                break;
            };
            if let Some(state) = running.step(reader)?
                && let Some(over) = work.take()
            {
                return over.end(state).map(Some);
            }
        }
        Ok(None)
    }

    fn break_something(&mut self, life: &Life) {
        if self.faults_left == 0 {
            return;
        }
        self.faults_left -= 1;
        self.story.faults += 1;
        let mut dc = || Dc::ALL[self.random.random_range(0..3)];
        let (a, b) = (dc(), dc());
        let faults = match self.random.random_range(0..6) {
            0 | 1 => vec![Fault::DcDown { dc: a }],
            2 | 3 if a != b => vec![Fault::DcDown { dc: a }, Fault::DcDown { dc: b }],
            4 if a != b => vec![Fault::LinkCut { a, b }],
            _ => vec![Fault::LogDown],
        };
        let lasts = Duration::from_millis(self.random.random_range(20..4_000));
        let until = self.clock.monotonic() + lasts;
        let mut in_force = life.faults.lock();
        for fault in faults {
            let id = in_force.last_key_value().map_or(0, |(id, _)| id + 1);
            in_force.insert(id, (fault, until));
        }
        drop(in_force);
        // In force from now on.
        self.clock.sleep(Duration::ZERO);
    }

    /// The data centre that is left when the two others are down.
    fn only_one_up(&self, life: &Life) -> Option<Dc> {
        let now = self.clock.monotonic();
        let in_force = life.faults.lock();
        let down = |dc: &Dc| {
            let mut faults = in_force.values();
            faults.any(|(fault, until)| *fault == Fault::DcDown { dc: *dc } && *until > now)
        };
        let mut up = Dc::ALL.into_iter().filter(|dc| !down(dc));
        up.next().filter(|_| up.next().is_none())
    }

    /// Moves a group to the oldest line, as a replay does: held, committed, told.
    fn replay(&mut self, life: &mut Life) {
        if self.replays_left == 0 || !life.faults.lock().is_empty() {
            return;
        }
        self.replays_left -= 1;
        self.story.replays += 1;
        let which = self.random.random_range(0..Topic::ALL.len());
        life.workers[which].drain().unwrap();
        let mut all = partitions(life.log.as_ref());
        all.retain(|p| p.topic == Topic::ALL[which]);
        let begins = all.iter().map(|p| life.log.offsets(*p).unwrap().begin.0);
        let begins: Vec<u64> = begins.collect();
        let commits: Vec<_> = all
            .into_iter()
            .zip(begins.iter().map(|at| CommittedOffset(*at)))
            .collect();
        if life.log.commit(&commits).is_ok() {
            life.positions[which].move_to(begins.into_iter().map(Some).collect());
        }
    }

    /// Lets time pass until every region is at home and every write goes to a quorum.
    fn come_home(&self, routes: &Routes) {
        for _ in 0..400 {
            let machine = routes.view().machine;
            let home = |region| machine.state(region) == crate::failover::RouteState::Home;
            if crate::model::Region::ALL.into_iter().all(home) {
                return;
            }
            self.clock.sleep(Duration::from_millis(250));
        }
        panic!("seed {}: not at home: {:?}", self.seed, routes.view());
    }

    /// Whatever lies before a committed offset is in two data centres at least.
    fn offsets_have_their_lines(&self, life: &Life) {
        let held = Dc::ALL.map(|dc| {
            let mut ids = FxHashSet::default();
            for table in LineTable::ALL {
                let scope = BucketScope::all(table);
                let add = &mut |_, lines: Vec<crate::model::StoredLine>| {
                    ids.extend(lines.iter().map(|line| line.line_id));
                };
                let read = life.store.scan_rows(&scope, ReadSource::Alone(dc), add);
                read.unwrap();
            }
            ids
        });
        let in_two = |id: LineId| held.iter().filter(|ids| ids.contains(&id)).count() >= 2;
        for partition in partitions(life.log.as_ref()) {
            let committed = life.log.committed(partition).unwrap().map_or(0, |c| c.0);
            if partition.topic == Topic::Quarantine {
                continue;
            }
            let begin = life.log.offsets(partition).unwrap().begin;
            let all = life
                .log
                .fetch(partition, Offset(begin.0), usize::MAX)
                .unwrap();
            for batch in all {
                let records = Records::new(&batch.batch.bytes);
                for (offset, value) in (batch.base_offset.0..).zip(records) {
                    let id = read_line(value.unwrap()).unwrap().line_id;
                    assert!(
                        offset >= committed || in_two(id),
                        "seed {}: {partition} is committed up to {committed}, and {offset} is not \
                         in two data centres: {:?}",
                        self.seed,
                        self.story,
                    );
                }
            }
        }
    }

    /// Holds the ledger and the replicas to account.
    fn take_stock(&self, life: &Life, record: &LoadRecord) -> Left {
        let story = format!("seed {}: {:?}", self.seed, self.story);
        assert_eq!(record.state, LoadState::Produced, "{story}");
        assert!(is_whole(life.log.as_ref(), record).unwrap(), "{story}");
        let settled = life.store.settle(Duration::from_secs(20));
        assert_eq!(settled, Settled::Yes, "{story}");
        self.offsets_have_their_lines(life);
        let found = life.store.compare().unwrap();
        assert!(found.converged(), "{story}: {found:?}");
        assert_eq!(found.drift, [], "{story}");
        life.analytics.settle();
        let rows = *found.stored[Dc::Europe].known().unwrap();
        assert_eq!(life.analytics.lines(), rows.lines, "{story}");
        let report = life.analytics.report(Filter::default()).unwrap();
        let from = ReadSource::Alone(Dc::AsiaPacific);
        let query = RejectQuery {
            load: Some(record.id),
            ..RejectQuery::default()
        };
        Left {
            rows,
            amount: *found.amounts[Dc::Americas].known().unwrap(),
            kpis: serde_json::to_string(&report.kpis).unwrap(),
            months: serde_json::to_string(&report.months).unwrap(),
            intake: record.intake.clone(),
            rejects: life.store.rejects(&query, from).unwrap().len(),
        }
    }
}

/// Whether every group stands at the end.
fn is_consumed(log: &dyn Log) -> bool {
    partitions(log).into_iter().all(|partition| {
        let end = log.offsets(partition).map_or(u64::MAX, |o| o.end.0);
        let committed = log.committed(partition).ok().flatten();
        end == committed.map_or(0, |c| c.0)
    })
}

/// The seeds to run: `SIM_SEED` for one, `SIM_SEEDS` for how many.
fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|n| n.parse().unwrap());
    match (number("SIM_SEED"), number("SIM_SEEDS")) {
        (Some(one), _) => vec![one],
        (None, count) => (1..=count.unwrap_or(SEEDS)).collect(),
    }
}

#[test]
fn a_run_that_was_disturbed_leaves_what_an_undisturbed_one_leaves() {
    let (calm, _) = run(0, Weather::Calm);
    assert_eq!(calm.intake.read, ROWS as u64);
    assert_eq!(calm.rejects as u64, calm.intake.set_aside.total());
    let seeds = seeds();
    let mut told = Story::default();
    for seed in &seeds {
        let repeat = format!("SIM_SEED={seed} cargo test -p retail-engine --lib flow::sim");
        let began = std::panic::catch_unwind(|| run(*seed, Weather::Rough));
        let Ok((left, story)) = began else {
            panic!("seed {seed} failed; repeat it with: {repeat}");
        };
        assert_eq!(left, calm, "{story:?}; repeat it with: {repeat}");
        told.crashes += story.crashes;
        told.disks_lost += story.disks_lost;
        told.faults += story.faults;
        told.replays += story.replays;
        told.resumed += story.resumed;
    }
    // Schedules in which nothing happens would prove nothing.
    if seeds.len() as u64 >= SEEDS {
        let all = [
            told.crashes,
            told.disks_lost,
            told.faults,
            told.replays,
            told.resumed,
        ];
        assert!(all.iter().all(|n| *n > 0), "{told:?}");
    }
}
