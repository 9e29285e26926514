//! The embedded store as a whole: faults, hints, repair, crashes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::kv::{Batch, Kv, Table};
use super::testing::{Shop, Spec, any_lines, span};
use super::{EmbeddedStore, MemoryDisks, StoreOptions};
use crate::model::{ConsistencyLevel, Dc, DcSet, Reading};
use crate::ports::store_contract::{
    self, alone, converged, derived, reject, settled, wait_until, write,
};
use crate::ports::{
    Clock, DcState, Fault, Flush, Note, ReadSource, RejectQuery, Store, StoreError, SystemClock,
};

const QUORUM: ReadSource = ReadSource::Level {
    via: Dc::Europe,
    level: ConsistencyLevel::Quorum,
};

pub(super) fn a_view_is_unmoved_by_later_commits(kv: &dyn Kv) {
    let put = |key: &'static [u8], value: &'static [u8]| {
        let mut batch = Batch::default();
        batch.put(Table::Notes, key, value);
        batch.put(Table::Blocks, key, value);
        kv.commit(batch).unwrap();
    };
    put(b"a", b"1");
    put(b"ab", b"2");
    let before = kv.view();
    put(b"ab", b"3");
    put(b"b", b"4");
    let mut batch = Batch::default();
    batch.delete(Table::Notes, &b"a"[..]);
    kv.commit(batch).unwrap();
    let rows = |view: &dyn super::kv::View, table, prefix: &[u8]| -> Vec<(Bytes, Bytes)> {
        view.prefix(table, prefix).map(Result::unwrap).collect()
    };
    let row = |key: &'static [u8], value: &'static [u8]| (key.into(), value.into());
    for table in [Table::Notes, Table::Blocks] {
        assert_eq!(
            rows(&*before, table, b"a"),
            [row(b"a", b"1"), row(b"ab", b"2")]
        );
    }
    let after = kv.view();
    assert_eq!(
        rows(&*after, Table::Notes, b""),
        [row(b"ab", b"3"), row(b"b", b"4")]
    );
    assert_eq!(after.get(Table::Notes, b"a").unwrap(), None);
    assert_eq!(
        after.get(Table::Blocks, b"a").unwrap(),
        Some(Bytes::from_static(b"1"))
    );
    assert_eq!(rows(&*after, Table::Catalog, b""), []);
    let range: Vec<_> = after.range(Table::Blocks, b"ab", Some(b"b")).collect();
    assert_eq!(range, [Ok(row(b"ab", b"3"))]);
    assert_eq!(after.range(Table::Blocks, b"b", Some(b"a")).count(), 0);
}

/// The machine's clock with a wall clock that can be put forward.
#[derive(Default)]
struct ShiftedClock {
    machine: SystemClock,
    shift_secs: AtomicU64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> DateTime<Utc> {
        self.machine.now() + Duration::from_secs(self.shift_secs.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.machine.sleep(duration);
    }
}

fn quick() -> StoreOptions {
    StoreOptions {
        request_timeout: Duration::from_millis(200),
        heartbeat: Duration::from_millis(10),
        down_after: Duration::from_millis(150),
        ..StoreOptions::default()
    }
}

fn over(disks: &MemoryDisks) -> (EmbeddedStore, Shop) {
    let clock = Arc::new(SystemClock::default());
    let store = EmbeddedStore::in_memory(disks, clock, quick()).unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    (store, shop)
}

fn fresh() -> (EmbeddedStore, Shop) {
    over(&MemoryDisks::default())
}

fn on_disk(dir: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(dir, Arc::new(SystemClock::default()), quick())
}

fn sees(store: &EmbeddedStore, observer: Dc, subject: Dc, state: DcState) {
    wait_until(&format!("{observer} sees {subject} {state:?}"), || {
        store.health().witnesses.views[observer][subject] == state
    });
}

#[test]
fn a_replica_that_was_down_gets_its_hints() {
    let (store, shop) = fresh();
    let down = Fault::DcDown { dc: Dc::Americas };
    store.set_faults(&[down]);
    for n in 0..20 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    }
    settled(&store);
    let health = store.health().dcs[Dc::Americas].clone();
    assert_eq!(health.hints, Reading::Known(20));
    assert!(health.hint_bytes.known().is_some_and(|b| *b > 0) && health.oldest_hint.is_some());
    assert!(matches!(
        store.read_bucket(shop.bucket(0), ReadSource::Alone(Dc::Americas)),
        Err(StoreError::CoordinatorDown { dc: Dc::Americas })
    ));
    let comparison = store.compare().unwrap();
    assert!(!comparison.converged(), "one could not be read");
    store.set_faults(&[]);
    settled(&store);
    converged(&store, 20);
    let health = store.health().dcs[Dc::Americas].clone();
    assert_eq!(
        (health.hints, health.hint_bytes, health.oldest_hint),
        (Reading::Known(0), Reading::Known(0), None)
    );
    assert_eq!(store.applied().unwrap(), [span(0, 20)]);
}

#[test]
fn a_paused_replica_times_out_and_catches_up() {
    let (store, shop) = fresh();
    let paused = Fault::DcPaused {
        dc: Dc::AsiaPacific,
    };
    store.set_faults(&[paused]);
    let late = write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::All);
    let Err(StoreError::WriteTimeout { acked, .. }) = late else {
        panic!("{late:?}");
    };
    assert_eq!(acked, DcSet::ALL.without(Dc::AsiaPacific));
    let via = write(
        &store,
        shop.flush(1),
        Dc::AsiaPacific,
        ConsistencyLevel::One,
    );
    assert!(
        matches!(via, Err(StoreError::WriteTimeout { .. })),
        "{via:?}"
    );
    sees(&store, Dc::Europe, Dc::AsiaPacific, DcState::Down);
    sees(&store, Dc::AsiaPacific, Dc::Europe, DcState::Unknown);
    let given_up = write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::All);
    assert!(
        matches!(given_up, Err(StoreError::Unavailable { .. })),
        "{given_up:?}"
    );
    write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    store.set_faults(&[]);
    settled(&store);
    sees(&store, Dc::Europe, Dc::AsiaPacific, DcState::Up);
    settled(&store);
    converged(&store, 2);
}

#[test]
fn a_cut_link_is_seen_from_its_two_ends_only() {
    let (store, shop) = fresh();
    let cut = Fault::LinkCut {
        a: Dc::Europe,
        b: Dc::Americas,
    };
    store.set_faults(&[cut]);
    sees(&store, Dc::Europe, Dc::Americas, DcState::Down);
    sees(&store, Dc::Americas, Dc::Europe, DcState::Down);
    for (a, b) in [
        (Dc::Europe, Dc::AsiaPacific),
        (Dc::Americas, Dc::AsiaPacific),
    ] {
        sees(&store, a, b, DcState::Up);
        sees(&store, b, a, DcState::Up);
    }
    let all = |via| write(&store, shop.flush(0), via, ConsistencyLevel::All);
    assert!(matches!(
        all(Dc::Europe),
        Err(StoreError::Unavailable { .. })
    ));
    assert_eq!(all(Dc::AsiaPacific).unwrap(), DcSet::ALL);
    let acked = write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    assert_eq!(acked, DcSet::ALL.without(Dc::Americas));
    settled(&store);
    store.set_faults(&[]);
    settled(&store);
    converged(&store, 2);
}

#[test]
fn hints_behind_a_cut_link_outlive_the_window_because_another_way_is_left() {
    let clock = Arc::new(ShiftedClock::default());
    let options = StoreOptions {
        hint_window: Duration::from_mins(1),
        ..quick()
    };
    let ticks = Arc::clone(&clock) as Arc<dyn Clock>;
    let store = EmbeddedStore::in_memory(&MemoryDisks::default(), ticks, options).unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    let (a, b) = (Dc::Europe, Dc::Americas);
    store.set_faults(&[Fault::LinkCut { a, b }]);
    sees(&store, a, b, DcState::Down);
    for (n, secs) in [(0, 0), (1, 61)] {
        clock.shift_secs.store(secs, Ordering::Relaxed);
        write(&store, shop.flush(n), a, ConsistencyLevel::Quorum).unwrap();
        settled(&store);
    }
    let health = store.health().dcs[b].clone();
    assert_eq!(
        (health.hints, health.repair_needed),
        (Reading::Known(2), false)
    );
    assert_eq!(health.oldest_hint, None, "no window runs");
    store.set_faults(&[]);
    settled(&store);
    converged(&store, 2);
}

#[test]
fn a_full_disk_refuses_writes_and_answers_reads() {
    let (store, shop) = fresh();
    write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::All).unwrap();
    store.set_faults(&[Fault::DiskFull { dc: Dc::Europe }]);
    let all = write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::All);
    assert!(
        matches!(all, Err(StoreError::DiskFull { dc: Dc::Europe })),
        "{all:?}"
    );
    // The coordinator cannot keep its own hint; another that has the write does.
    write(&store, shop.flush(2), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    settled(&store);
    assert_eq!(alone(&store, &shop, Dc::Europe).lines.len(), 1);
    assert_eq!(store.health().dcs[Dc::Europe].hints, Reading::Known(2));
    store.set_faults(&[]);
    settled(&store);
    converged(&store, 3);
}

#[test]
fn past_the_hint_window_only_a_repair_makes_a_replica_whole() {
    let disks = MemoryDisks::default();
    let clock = Arc::new(ShiftedClock::default());
    let options = StoreOptions {
        hint_window: Duration::from_mins(1),
        ..quick()
    };
    let open = || {
        EmbeddedStore::in_memory(
            &disks,
            Arc::clone(&clock) as Arc<dyn Clock>,
            options.clone(),
        )
    };
    let store = open().unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    let down = [Fault::DcDown { dc: Dc::Americas }];
    store.set_faults(&down);
    for n in 0..3 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    }
    settled(&store);
    let health = store.health().dcs[Dc::Americas].clone();
    assert_eq!(
        (health.hints, health.repair_needed),
        (Reading::Known(3), false)
    );
    clock.shift_secs.store(61, Ordering::Relaxed);
    wait_until("hints are dropped", || {
        let health = store.health().dcs[Dc::Americas].clone();
        health.hints == Reading::Known(0) && health.repair_needed
    });
    write(&store, shop.flush(3), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    settled(&store);
    assert_eq!(
        store.health().dcs[Dc::Americas].hints,
        Reading::Known(0),
        "the window is over"
    );
    store.set_faults(&[]);
    settled(&store);
    write(&store, shop.flush(4), Dc::Europe, ConsistencyLevel::All).unwrap();
    assert_eq!(alone(&store, &shop, Dc::Americas).lines.len(), 1);
    assert!(
        store.health().dcs[Dc::Americas].rows.known().is_none(),
        "it has a gap"
    );
    let report = store.repair().unwrap();
    assert_eq!((report.buckets_repaired, report.lines_copied), (1, 4));
    converged(&store, 5);
    assert!(!store.health().dcs[Dc::Americas].repair_needed);
    let health = store.health();
    let rows = health.dcs[Dc::Americas].rows.known().unwrap();
    assert_eq!(rows.lines, 5);
    assert_eq!(Some(rows), health.dcs[Dc::Europe].rows.known());
    assert_eq!(store.repair().unwrap().buckets_repaired, 0);
}

#[test]
fn a_repair_waits_for_a_slow_replica_whatever_is_in_its_queue() {
    let (store, shop) = fresh();
    write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    settled(&store);
    let slow = Fault::DcSlow {
        dc: Dc::AsiaPacific,
        delay_ms: 10,
    };
    store.set_faults(&[slow]);
    // More than it does in a request time-out, none of it a write, until it takes no more.
    let ping = || super::Request {
        work: super::replica::Work::Ping,
        reply: Box::new(|_| {}),
    };
    while store.core.replicas[Dc::AsiaPacific].ask(ping()).is_ok() {}
    assert_eq!(store.repair().unwrap().buckets_compared, 1);
}

#[test]
fn the_need_for_a_repair_is_remembered() {
    let disks = MemoryDisks::default();
    let (store, _shop) = over(&disks);
    store
        .core
        .repair_needed
        .lock()
        .clone_from(&DcSet::NONE.with(Dc::Europe));
    super::keeper::note_repair(&store.core, DcSet::NONE.with(Dc::Europe));
    drop(store);
    let (store, _shop) = over(&disks);
    assert!(store.health().dcs[Dc::Europe].repair_needed);
    assert!(!store.health().dcs[Dc::Americas].repair_needed);
    store.repair().unwrap();
    drop(store);
    let (store, _shop) = over(&disks);
    assert!(!store.health().dcs[Dc::Europe].repair_needed);
}

#[test]
fn a_read_at_a_level_repairs_what_a_replica_lacks() {
    let disks = MemoryDisks::default();
    let (store, shop) = over(&disks);
    for n in 0..4 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
    }
    let kv = &store.core.replicas[Dc::Europe].kv;
    let mut batch = Batch::default();
    let first = kv
        .view()
        .range(Table::Blocks, b"", None)
        .next()
        .unwrap()
        .unwrap();
    batch.delete(Table::Blocks, first.0);
    kv.commit(batch).unwrap();
    assert_eq!(alone(&store, &shop, Dc::Europe).lines.len(), 3);
    assert_eq!(store.compare().unwrap().unequal.len(), 1);
    assert_eq!(
        store.compare().unwrap().drift,
        [(Dc::Europe, shop.bucket(0))]
    );
    let read = store.read_bucket(shop.bucket(0), QUORUM).unwrap();
    assert_eq!(read.lines.len(), 4);
    converged(&store, 4);
}

#[test]
fn many_small_flushes_leave_few_blocks() {
    let (store, shop) = fresh();
    for n in 0..200 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::One).unwrap();
    }
    settled(&store);
    converged(&store, 200);
    for dc in Dc::ALL {
        let view = store.core.replicas[dc].kv.view();
        let blocks = view.range(Table::Blocks, b"", None).count();
        assert!(blocks <= 16, "{blocks} blocks");
    }
}

#[test]
fn replicas_that_were_left_apart_are_equal_when_the_store_opens() {
    let disks = MemoryDisks::default();
    let (store, shop) = over(&disks);
    write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::All).unwrap();
    let behind = disks.copied();
    let mut flush = shop.flush(1);
    flush.notes.push(Note {
        name: "n".into(),
        value: Bytes::from_static(b"1"),
    });
    flush.rejects.push(reject(7, 3));
    write(&store, flush, Dc::Europe, ConsistencyLevel::All).unwrap();
    let derived = derived(150);
    store
        .write_derived(
            std::slice::from_ref(&derived),
            Dc::Europe,
            ConsistencyLevel::All,
        )
        .unwrap();
    // The power went off after Asia-Pacific alone had the last writes.
    let mut left = behind;
    left.0[Dc::AsiaPacific] = disks.copied().0[Dc::AsiaPacific].clone();
    drop(store);
    let (store, shop) = over(&left);
    converged(&store, 2);
    assert_eq!(store.applied().unwrap(), [span(0, 2)]);
    for dc in Dc::ALL {
        let at = ReadSource::Alone(dc);
        assert_eq!(alone(&store, &shop, dc).summary.unwrap().tally.lines, 2);
        assert_eq!(store.note("n", at).unwrap(), Some(Bytes::from_static(b"1")));
        assert_eq!(
            store.rejects(&RejectQuery::default(), at).unwrap(),
            [reject(7, 3)]
        );
        assert_eq!(store.read_derived("t", at).unwrap(), derived);
    }
    write(&store, shop.flush(2), Dc::Europe, ConsistencyLevel::All).unwrap();
    converged(&store, 3);
}

#[test]
fn a_lost_replica_is_made_again_from_the_others() {
    let disks = MemoryDisks::default();
    let (store, shop) = over(&disks);
    for n in 0..10 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
    }
    drop(store);
    let (store, _shop) = over(&disks.with_lost(Dc::Americas));
    converged(&store, 10);
}

#[test]
fn hints_outlive_the_store() {
    let disks = MemoryDisks::default();
    let (store, shop) = over(&disks);
    store.set_faults(&[Fault::DcDown { dc: Dc::Americas }]);
    for n in 0..10 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    }
    settled(&store);
    let (store, _shop) = over(&disks.copied());
    converged(&store, 10);
    assert_eq!(store.health().dcs[Dc::Americas].hints, Reading::Known(0));
}

#[test]
fn a_store_on_disk_survives_closing_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let store = on_disk(dir.path()).unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    for n in 0..12 {
        write(&store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
    }
    assert!(matches!(on_disk(dir.path()), Err(StoreError::InUse { .. })));
    copy_folder(dir.path(), crashed.path());
    store.close().unwrap();
    assert!(matches!(
        store
            .submit(&shop.flush(0), Dc::Europe, ConsistencyLevel::One)
            .map(|_| ()),
        Err(StoreError::Closed)
    ));
    drop(store);
    for path in [dir.path(), crashed.path()] {
        let store = on_disk(path).unwrap();
        converged(&store, 12);
        assert_eq!(store.applied().unwrap(), [span(0, 12)]);
        drop(store);
    }
    std::fs::remove_dir_all(dir.path().join("Americas_DC")).unwrap();
    let store = on_disk(dir.path()).unwrap();
    converged(&store, 12);
    assert!(
        store.health().dcs[Dc::Americas]
            .disk_bytes
            .known()
            .is_some_and(|b| *b > 0)
    );
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_newer_format_is_refused() {
    let disks = MemoryDisks::default();
    let mut batch = Batch::default();
    batch.put(Table::Meta, &b"format"[..], vec![99]);
    disks.0[Dc::Americas].commit(batch).unwrap();
    let opened = EmbeddedStore::in_memory(&disks, Arc::new(SystemClock::default()), quick());
    assert!(matches!(
        opened,
        Err(StoreError::NewerFormat {
            dc: Dc::Americas,
            found: 99,
            known: 1,
            ..
        })
    ));
}

#[test]
fn damaged_rows_are_an_error_of_their_replica() {
    let (store, shop) = fresh();
    write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::All).unwrap();
    let kv = &store.core.replicas[Dc::Americas].kv;
    let (key, value) = kv
        .view()
        .range(Table::Blocks, b"", None)
        .next()
        .unwrap()
        .unwrap();
    let mut value = value.to_vec();
    value[9] ^= 1;
    let mut batch = Batch::default();
    batch.put(Table::Blocks, key, value);
    kv.commit(batch).unwrap();
    let at = |dc| store.read_bucket(shop.bucket(0), ReadSource::Alone(dc));
    assert!(matches!(
        at(Dc::Americas),
        Err(StoreError::Damaged {
            dc: Dc::Americas,
            ..
        })
    ));
    assert_eq!(at(Dc::Europe).unwrap().lines.len(), 1);
}

/// A database that panics at every commit.
#[derive(Default)]
struct PanickingKv(super::kv::MemKv);

impl Kv for PanickingKv {
    fn commit(&self, _batch: Batch) -> Result<(), super::kv::KvError> {
        panic!("the disk is gone");
    }

    fn view(&self) -> Box<dyn super::kv::View> {
        self.0.view()
    }

    fn disk_bytes(&self) -> Result<u64, super::kv::KvError> {
        self.0.disk_bytes()
    }
}

#[test]
fn a_replica_that_fails_is_down_and_holds_nobody_up() {
    let disks = Dc::ALL.map(|dc| {
        let kv: Arc<dyn Kv> = match dc {
            Dc::Americas => Arc::new(PanickingKv::default()),
            _ => Arc::new(super::kv::MemKv::default()),
        };
        (dc.name().into(), kv)
    });
    let clock = Arc::new(SystemClock::default());
    let store = EmbeddedStore::over(disks.into(), clock, quick()).unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    write(&store, shop.flush(0), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    sees(&store, Dc::Europe, Dc::Americas, DcState::Down);
    let all = write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::All);
    assert!(
        matches!(all, Err(StoreError::Unavailable { .. })),
        "{all:?}"
    );
    let via = write(&store, shop.flush(1), Dc::Americas, ConsistencyLevel::One);
    assert!(
        matches!(via, Err(StoreError::CoordinatorDown { .. })),
        "{via:?}"
    );
    write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    settled(&store);
    let health = store.health().dcs[Dc::Americas].clone();
    assert_eq!(health.hints, Reading::Known(2));
    assert!(health.rows.known().is_none());
    store.close().unwrap();
}

/// Faults by the store's own hand.
impl store_contract::Breaker for EmbeddedStore {
    fn take_down(&self, down: &[Dc]) {
        let faults: Vec<_> = down.iter().map(|dc| Fault::DcDown { dc: *dc }).collect();
        self.set_faults(&faults);
    }

    fn bring_back(&self) {
        self.set_faults(&[]);
    }
}

fn fulfils_the_contract(open: impl Fn() -> EmbeddedStore) {
    store_contract::run(|test| {
        let store = open();
        test(&store);
        store.close().unwrap();
    });
    let store = open();
    store_contract::a_level_is_met_exactly_when_the_live_data_centres_satisfy_it(
        &store,
        &store,
        DcSet::subsets(),
    );
    store.close().unwrap();
}

#[test]
fn the_store_in_memory_fulfils_the_contract() {
    fulfils_the_contract(|| fresh().0);
}

#[test]
fn the_store_on_disk_fulfils_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let opened = AtomicU64::new(0);
    fulfils_the_contract(|| {
        let n = opened.fetch_add(1, Ordering::Relaxed);
        on_disk(&dir.path().join(n.to_string())).unwrap()
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn flushes_in_any_order_with_any_overlap_leave_the_same_rows(
        specs in any_lines(1..30),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..12),
        down in proptest::collection::vec(proptest::option::of(0_usize..3), 12),
    ) {
        let (store, shop) = fresh();
        let bucket = shop.bucket(0);
        let mut parts: Vec<&[Spec]> = vec![&specs];
        for (a, b) in &cuts {
            let (a, b) = (a.index(specs.len()), b.index(specs.len()));
            parts.push(&specs[a.min(b)..=a.max(b)]);
        }
        for (part, down) in parts.iter().zip(down.iter().chain([&None])) {
            let faults = down.map(|n| Fault::DcDown { dc: Dc::ALL[n] });
            let via = Dc::ALL.into_iter().find(|dc| Some(*dc) != down.map(|n| Dc::ALL[n])).unwrap();
            store.set_faults(faults.as_slice());
            let flush = Flush {
                buckets: vec![shop.bucket_write(bucket, part, &specs, 1)],
                ..Flush::default()
            };
            write(&store, flush, via, ConsistencyLevel::Quorum).unwrap();
        }
        store.set_faults(&[]);
        settled(&store);
        let mut expect = shop.lines(bucket, &specs);
        super::block::sort_lines(&mut expect);
        converged(&store, expect.len() as u64);
        for dc in Dc::ALL {
            prop_assert_eq!(&alone(&store, &shop, dc).lines, &expect);
        }
    }
}
