//! The embedded log as a whole. `crash` is about lost power and failing disks, `damage` about
//! files that are not what was written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::*;
use crate::embedded::disk::SystemDisk;
use crate::embedded::disk::mem::{MemDisk, Trouble};
use crate::model::Region;
use crate::ports::log_contract::{self, append_of, batch};
use crate::ports::{Clock, SystemClock};

mod crash;
mod damage;

const DIR: &str = "/data/log";
const P: TopicPartition = TopicPartition::new(Topic::Lines(Region::Europe), 0);
const Q: TopicPartition = TopicPartition::new(Topic::Lines(Region::Europe), 1);

/// A wall clock that a test sets.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}
}

fn options(segment_bytes: u64, tail_bytes: usize) -> LogOptions {
    LogOptions {
        partitions_per_topic: 2,
        segment_bytes,
        tail_bytes,
    }
}

fn try_open(disk: &MemDisk, options: LogOptions) -> Result<EmbeddedLog, LogError> {
    let clock = Arc::new(SetClock::default());
    EmbeddedLog::open(Path::new(DIR), Arc::new(disk.clone()), clock, options)
}

fn open(disk: &MemDisk, options: LogOptions) -> EmbeddedLog {
    try_open(disk, options).unwrap()
}

/// Tags of the batches of a partition, which are those of `batch`.
fn tags(log: &EmbeddedLog, partition: TopicPartition) -> Result<Vec<u8>, LogError> {
    let begin = log.offsets(partition)?.begin;
    let read = log.fetch(partition, begin, usize::MAX)?;
    let mut next = begin.0;
    Ok(read
        .iter()
        .map(|fetched| {
            assert_eq!(fetched.base_offset.0, next);
            next += u64::from(fetched.batch.records);
            let tag = u8::try_from(fetched.batch.load.0).unwrap();
            assert_eq!(fetched.batch, batch(tag, fetched.batch.records));
            tag
        })
        .collect())
}

#[test]
fn the_contract_holds_on_the_disk_of_the_machine() {
    let root = tempfile::tempdir().unwrap();
    let mut made = 0;
    let disk = || Arc::new(SystemDisk);
    let clock = || Arc::new(SystemClock::default());
    log_contract::check(
        || {
            made += 1;
            let dir = root.path().join(made.to_string());
            EmbeddedLog::open(&dir, disk(), clock(), LogOptions::default()).unwrap()
        },
        |log| {
            log.close().unwrap();
            let dir = log.shared.dir.clone();
            EmbeddedLog::open(&dir, disk(), clock(), LogOptions::default()).unwrap()
        },
    );
}

#[test]
fn the_contract_holds_with_tiny_segments_and_nothing_kept_in_memory() {
    let last = std::cell::RefCell::new(MemDisk::default());
    log_contract::check(
        || {
            last.replace(MemDisk::default());
            open(&last.borrow(), options(100, 0))
        },
        |log| {
            log.close().unwrap();
            open(&last.borrow(), options(100, 0))
        },
    );
}

#[test]
fn a_log_is_open_once() {
    let disk = MemDisk::default();
    let log = open(&disk, LogOptions::default());
    let second = try_open(&disk, LogOptions::default());
    assert!(matches!(second, Err(LogError::InUse { .. })));
    drop(log);
    open(&disk, LogOptions::default());
}

#[test]
fn a_log_keeps_the_partitions_it_was_made_with() {
    let disk = MemDisk::default();
    assert_eq!(open(&disk, options(1, 0)).partitions(P.topic), 2);
    let log = open(&disk, LogOptions::default());
    assert_eq!(log.partitions(P.topic), 2);
    assert_eq!(log.partitions(Topic::Quarantine), 1);
}

#[test]
fn the_index_leads_to_every_record_over_many_stretches_and_segments() {
    let disk = MemDisk::default();
    let log = open(&disk, options(1 << 20, 1000));
    // 100 groups of 64 KiB and now and then one of another partition.
    let big = batch(1, 5000);
    for n in 0..100_u8 {
        log.append(append_of(P, big.clone())).unwrap();
        if n % 30 == 7 {
            log.append(append_of(Q, batch(n, 2))).unwrap();
        }
    }
    assert!(log.stats().segments > 3);
    let entries: usize = {
        let state = log.shared.state.lock();
        state
            .segments
            .iter()
            .map(|segment| segment.index.len())
            .sum()
    };
    assert!((10..80).contains(&entries), "{entries} entries");
    for log in [&log] {
        assert_eq!(tags(log, Q).unwrap(), [7, 37, 67, 97]);
        for offset in (0..500_000).step_by(4999) {
            let read = log.fetch(P, Offset(offset), 0).unwrap();
            assert_eq!(read[0].base_offset.0, offset / 5000 * 5000);
            assert_eq!(read[0].batch, big);
        }
    }
}

#[test]
fn offsets_are_found_by_time_even_when_the_wall_clock_went_back() {
    let disk = Arc::new(MemDisk::default());
    let clock = Arc::new(SetClock::default());
    let dir = Path::new(DIR);
    let log = EmbeddedLog::open(dir, disk, Arc::clone(&clock) as _, options(300, 0)).unwrap();
    for (n, ms) in [100, 900, 200, 300, 1000].into_iter().enumerate() {
        clock.0.store(ms, Ordering::SeqCst);
        let tag = u8::try_from(n).unwrap();
        log.append(append_of(P, batch(tag, 1))).unwrap();
    }
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
    for (ms, offset) in [(0, 0), (100, 0), (101, 1), (900, 1), (901, 4), (1001, 5)] {
        assert_eq!(log.offset_at(P, at(ms)).unwrap(), Offset(offset), "{ms}");
    }
    let between = at(900) + chrono::TimeDelta::microseconds(1);
    assert_eq!(log.offset_at(P, between).unwrap(), Offset(4));
    assert_eq!(log.appended_at(P, Offset(2)).unwrap(), Some(at(200)));
}

#[test]
fn old_segments_are_dropped_when_they_are_consumed() {
    let disk = Arc::new(MemDisk::default());
    let clock = Arc::new(SetClock::default());
    let dir = Path::new(DIR);
    let make = |disk: &Arc<MemDisk>| {
        EmbeddedLog::open(
            dir,
            Arc::clone(disk) as _,
            Arc::clone(&clock) as _,
            options(200, 0),
        )
    };
    let log = make(&disk).unwrap();
    for n in 0..6 {
        clock.0.store(i64::from(n) * 100, Ordering::SeqCst);
        log.append(append_of(P, batch(n, 4))).unwrap();
    }
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
    assert_eq!(log.drop_before(at(1000)).unwrap(), 0, "not consumed");
    log.commit(&[(P, CommittedOffset(24))]).unwrap();
    assert_eq!(log.drop_before(at(0)).unwrap(), 0, "not old");
    let before = log.stats();
    let freed = log.drop_before(at(300)).unwrap();
    let after = log.stats();
    assert!(freed > 0 && after.segments < before.segments);
    let begin = log.offsets(P).unwrap().begin;
    assert_eq!(begin, Offset(12), "tags 0, 1 and 2 are older");
    assert!(matches!(
        log.fetch(P, Offset(11), 1),
        Err(LogError::OutOfRange { .. })
    ));
    assert_eq!(tags(&log, P).unwrap(), [3, 4, 5]);
    log.drop_before(at(10_000)).unwrap();
    log.close().unwrap();
    drop(log);
    // Also without the checkpoint, as the segments say themselves where they begin.
    let mut files = disk.files();
    files.remove(&PathBuf::from(DIR).join(checkpoint::FILE));
    for disk in [disk, Arc::new(MemDisk::with_files(&files))] {
        let log = make(&disk).unwrap();
        assert_eq!(log.offsets(P).unwrap().end.0, 24);
        assert!(log.offsets(P).unwrap().begin.0 >= 20);
        assert_eq!(log.committed(P).unwrap(), Some(CommittedOffset(24)));
    }
}

#[test]
fn what_is_queued_together_is_synced_once() {
    let disk = MemDisk::default();
    let log = open(&disk, LogOptions::default());
    let pending: Vec<_> = std::thread::scope(|scope| {
        // The writer cannot take anything in while the state is held.
        let guard = log.shared.state.lock();
        let log = &log;
        let (sender, answers) = bounded(QUEUE_CAPACITY);
        for _ in 0..QUEUE_CAPACITY {
            let sender = sender.clone();
            scope.spawn(move || sender.send(log.submit(append_of(P, batch(1, 1)))).unwrap());
        }
        drop((guard, sender));
        answers.iter().map(Result::unwrap).collect()
    });
    let mut offsets: Vec<_> = pending
        .into_iter()
        .map(|pending| pending.wait().unwrap().base_offsets[0].0)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 1, 2, 3]);
    let stats = log.stats();
    assert_eq!(stats.groups_total, stats.syncs_total, "one sync per group");
}

#[test]
fn producers_and_consumers_at_once_see_the_same_log() {
    const EACH: u64 = 60;
    let disk = MemDisk::default();
    let log = open(&disk, options(5000, 600));
    std::thread::scope(|scope| {
        for tag in 1..=3 {
            let log = &log;
            scope.spawn(move || {
                for _ in 0..EACH {
                    log.append(append_of(P, batch(tag, 1))).unwrap();
                }
            });
        }
        let read = || {
            let (mut next, mut seen, mut counts) = (0, 0, [0; 4]);
            while next < 3 * EACH {
                for fetched in log.fetch(P, Offset(next), 200).unwrap() {
                    assert_eq!(fetched.base_offset.0, next);
                    next += u64::from(fetched.batch.records);
                    counts[usize::try_from(fetched.batch.load.0).unwrap()] += 1;
                }
                log.commit(&[(P, CommittedOffset(next))]).unwrap();
                if next == log.offsets(P).unwrap().end.0 && next < 3 * EACH {
                    seen = log.wait_for_append(P.topic, seen, Duration::from_secs(30));
                }
            }
            counts
        };
        assert_eq!(scope.spawn(read).join().unwrap(), [0, EACH, EACH, EACH]);
    });
    assert_eq!(log.committed(P).unwrap(), Some(CommittedOffset(3 * EACH)));
}

#[test]
fn a_panic_of_the_writer_is_an_error_of_every_call() {
    struct Broken;
    impl Clock for Broken {
        fn now(&self) -> DateTime<Utc> {
            panic!("as a bug would")
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn sleep(&self, _duration: Duration) {}
    }
    let disk = Arc::new(MemDisk::default());
    let log = EmbeddedLog::open(
        Path::new(DIR),
        disk,
        Arc::new(Broken),
        LogOptions::default(),
    )
    .unwrap();
    let failed = |result: Result<(), LogError>| {
        assert!(matches!(result, Err(LogError::Io { .. })), "{result:?}");
    };
    failed(log.append(append_of(P, batch(1, 1))).map(drop));
    assert_eq!(log.wait_for_append(P.topic, 0, Duration::from_secs(30)), 0);
    failed(log.append(append_of(P, batch(1, 1))).map(drop));
    failed(log.fetch(P, Offset(0), 1).map(drop));
    failed(log.commit(&[]));
    failed(log.drop_before(DateTime::UNIX_EPOCH).map(drop));
    failed(log.close());
}

/// Holds the writer where it asks for the time, once it is armed.
struct Holding {
    is_armed: AtomicBool,
    reached: Sender<()>,
    go_on: Receiver<()>,
}

impl Clock for Holding {
    fn now(&self) -> DateTime<Utc> {
        if self.is_armed.load(Ordering::SeqCst) {
            self.reached.send(()).unwrap();
            self.go_on.recv().unwrap();
        }
        DateTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}
}

#[test]
fn an_append_that_comes_while_the_log_closes_is_answered() {
    let (reached, at_the_end) = bounded(1);
    let (let_go, go_on) = bounded(1);
    let clock = Arc::new(Holding {
        is_armed: AtomicBool::new(false),
        reached,
        go_on,
    });
    let disk = Arc::new(MemDisk::default());
    let options = LogOptions::default();
    let log = EmbeddedLog::open(Path::new(DIR), disk, Arc::clone(&clock) as _, options).unwrap();
    clock.is_armed.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| log.close());
        at_the_end.recv_timeout(Duration::from_secs(20)).unwrap();
        clock.is_armed.store(false, Ordering::SeqCst);
        // As one that found the log open a moment ago: the writer reads its queue no more.
        let (reply, answer) = bounded(1);
        let append = Command::Append(append_of(P, batch(1, 1)), reply);
        log.queue.send(append).unwrap();
        let_go.send(()).unwrap();
        closing.join().unwrap().unwrap();
        let (told, tells) = bounded(1);
        let shared = Arc::clone(&log.shared);
        // Not of the scope: one that waits for ever would hold the test for ever.
        std::thread::Builder::new()
            .name("waits".to_owned())
            .spawn(move || told.send(shared.answer(&answer).map(drop)))
            .unwrap();
        let answered = tells.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(matches!(answered, Err(LogError::Closed)), "{answered:?}");
    });
}

/// Not a check but a measurement: `cargo test --release -- --ignored --nocapture the_speed`.
#[test]
#[ignore = "a measurement"]
fn the_speed_of_a_load() {
    let root = tempfile::tempdir().unwrap();
    let clock = SystemClock::default();
    let make = || {
        let clock = Arc::new(SystemClock::default());
        EmbeddedLog::open(
            root.path(),
            Arc::new(SystemDisk),
            clock,
            LogOptions::default(),
        )
        .unwrap()
    };
    let log = make();
    let big = batch(1, 9000);
    let start = clock.monotonic();
    let mut pending = Vec::new();
    for _ in 0..36 {
        let batches = (0..9).map(|n| {
            let topic = Topic::Lines(Region::ALL[n / 3]);
            let partition = u16::try_from(n % 3).unwrap();
            (TopicPartition::new(topic, partition), big.clone())
        });
        let append = Append {
            batches: batches.collect(),
            mark: None,
        };
        pending.push(log.submit(append).unwrap());
    }
    for pending in pending {
        pending.wait().unwrap();
    }
    println!(
        "appended in {:?}: {:?}",
        clock.monotonic().saturating_sub(start),
        log.stats()
    );
    log.close().unwrap();
    let start = clock.monotonic();
    let log = make();
    println!("opened in {:?}", clock.monotonic().saturating_sub(start));
    let start = clock.monotonic();
    for partition in 0..3 {
        let partition = TopicPartition::new(P.topic, partition);
        log.fetch(partition, Offset(0), usize::MAX).unwrap();
    }
    println!(
        "a third fetched in {:?}",
        clock.monotonic().saturating_sub(start)
    );
    log.close().unwrap();
    std::fs::remove_file(root.path().join(checkpoint::FILE)).unwrap();
    let start = clock.monotonic();
    make();
    println!("scanned in {:?}", clock.monotonic().saturating_sub(start));
}
