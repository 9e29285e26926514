//! The adapter on real nodes: the contract of the port, faults, and what only Cassandra does.
//!
//! `LAB_SERVERS` says where they are, as in
//! `kafka=127.0.0.1:9092;cassandra=127.0.0.1:9042,127.0.0.2:9042,127.0.0.3:9042`. Tests that break
//! nodes also need `LAB_CONTROL`, a command that is called with `kill`, `stop`, `pause`,
//! `resume` or `start` and the region of a node, as in `retail-engine lab`.
//!
//! They share the nodes: run them with `--test-threads=1`.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::{CassandraStore, Made, setup};
use crate::config::Settings;
use crate::embedded::store::testing::{Shop, Spec, numbered};
use crate::live::faults::FaultControl;
use crate::model::{ConsistencyLevel, Dc, DcSet, Reading};
use crate::ports::store_contract::{self, Breaker, alone, converged, settled, wait_until, write};
use crate::ports::{
    AheadClock, BucketWrite, Clock, DcState, DerivedRows, Flush, Note, Outcome, ReadSource, Store,
    StoreError, SystemClock,
};

mod peer;
mod speed;

/// Contact points out of `LAB_SERVERS`.
fn nodes() -> Vec<String> {
    let lab = std::env::var("LAB_SERVERS").expect("LAB_SERVERS says where the lab is");
    let nodes = lab
        .split(';')
        .find_map(|part| part.strip_prefix("cassandra="))
        .expect("LAB_SERVERS names Cassandra nodes");
    nodes.split(',').map(ToOwned::to_owned).collect()
}

fn settings(keyspace: &str) -> Settings {
    let mut settings = Settings::in_dir("unused");
    settings.live.cassandra_contact_points = nodes();
    keyspace.clone_into(&mut settings.live.cassandra_keyspace);
    settings.store.request_timeout = Duration::from_millis(2_500);
    settings
}

/// A keyspace of its own, dropped afterwards.
pub(crate) struct Lab {
    pub(crate) settings: Settings,
}

impl Lab {
    pub(crate) fn new(name: &str) -> Self {
        let keyspace = format!("t_{name}_{}", std::process::id());
        let lab = Self {
            settings: settings(&keyspace),
        };
        setup(&lab.settings).unwrap();
        lab
    }

    fn open(&self) -> CassandraStore {
        self.open_with(Arc::new(SystemClock::default()))
    }

    fn open_with(&self, clock: Arc<dyn Clock>) -> CassandraStore {
        let faults = Arc::new(FaultControl::default());
        CassandraStore::connect(&self.settings, clock, faults).unwrap()
    }

    fn cql(&self, text: &str) {
        self.try_cql(text).unwrap();
    }

    fn try_cql(&self, text: &str) -> Result<(), String> {
        let options = super::config::Options::of(&self.settings).unwrap();
        let runtime = super::runtime().unwrap();
        let done = runtime.block_on(async {
            let session = super::session::connect(&options).await.unwrap();
            session.query_unpaged(text, &[]).await
        });
        runtime.shutdown_background();
        done.map(drop).map_err(|error| error.to_string())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let keyspace = &self.settings.live.cassandra_keyspace;
            // Nodes that have just written much may take longer than a request.
            wait_until("the keyspace is dropped", || {
                let dropped = self.try_cql(&format!("DROP KEYSPACE IF EXISTS {keyspace}"));
                dropped.is_ok()
            });
        }
    }
}

fn since(clock: &SystemClock, begun: Duration) -> Duration {
    clock.monotonic().saturating_sub(begun)
}

/// The nodes' switches.
struct Switches<'a> {
    store: &'a CassandraStore,
}

fn control(act: &str, dc: Dc) {
    let command = std::env::var("LAB_CONTROL").expect("LAB_CONTROL is a command");
    let mut words = command.split_whitespace();
    let status = Command::new(words.next().expect("a command"))
        .args(words)
        .arg(act)
        .arg(dc.region().slug())
        .status()
        .unwrap();
    assert!(status.success(), "{act} {dc}");
}

impl Breaker for Switches<'_> {
    fn take_down(&self, down: &[Dc]) {
        for dc in down {
            // In order, so that nothing acknowledged is lost with the node: that is another test.
            control("stop", *dc);
        }
        let is_down = |dc: &Dc| !self.store.core.link.connected().contains(*dc);
        wait_until("the driver sees them gone", || down.iter().all(is_down));
        let up = Dc::ALL.into_iter().filter(|dc| !down.contains(dc));
        for via in up {
            // Nothing is written until the nodes know, too.
            wait_until("the nodes see them gone", || {
                let views = self.store.health().witnesses.views[via];
                down.iter().all(|dc| views[*dc] == DcState::Down)
            });
        }
    }

    fn bring_back(&self) {
        let gone: Vec<Dc> = {
            let connected = self.store.core.link.connected();
            let all = Dc::ALL.into_iter();
            all.filter(|dc| !connected.contains(*dc)).collect()
        };
        for dc in gone {
            control("start", dc);
        }
        wait_until("the driver sees them back", || {
            self.store.core.link.connected() == DcSet::ALL
        });
    }
}

fn lab_test(name: &str, test: &dyn Fn(&dyn Store)) {
    let lab = Lab::new(name);
    let store = lab.open();
    test(&store);
    store.close().unwrap();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn the_store_on_cassandra_fulfils_the_contract() {
    let n = std::cell::Cell::new(0);
    store_contract::run(|test| {
        n.set(n.get() + 1);
        lab_test(&format!("contract{}", n.get()), test);
    });
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS, LAB_CONTROL"]
fn levels_are_met_by_real_nodes_as_by_replicas() {
    let lab = Lab::new("levels");
    let store = lab.open();
    let breaker = Switches { store: &store };
    let all_but = |down: &[Dc]| down.iter().fold(DcSet::ALL, |set, dc| set.without(*dc));
    store_contract::a_level_is_met_exactly_when_the_live_data_centres_satisfy_it(
        &store,
        &breaker,
        [
            DcSet::ALL,
            all_but(&[Dc::Americas]),
            all_but(&[Dc::Americas, Dc::AsiaPacific]),
        ],
    );
    store.close().unwrap();
}

/// Why the store cannot be opened.
fn refused(settings: &Settings) -> StoreError {
    let clock = Arc::new(SystemClock::default());
    let opened = CassandraStore::connect(settings, clock, Arc::default());
    opened.map(|_| ()).unwrap_err()
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn setting_up_again_changes_nothing_and_another_version_is_refused() {
    let lab = Lab::new("setup");
    let again = setup(&lab.settings).unwrap();
    assert!(
        again.iter().all(|step| step.made == Made::Before),
        "{again:?}"
    );
    let keyspace = &lab.settings.live.cassandra_keyspace;
    lab.cql(&format!(
        "UPDATE {keyspace}.schema_version SET version = 99 WHERE id = 'schema'"
    ));
    let error = refused(&lab.settings);
    assert!(error.to_string().contains("version 99, newer"), "{error}");
    assert_eq!(setup(&lab.settings).unwrap_err().outcome(), Outcome::Fatal);
    lab.cql(&format!(
        "UPDATE {keyspace}.schema_version SET version = 0 WHERE id = 'schema'"
    ));
    let error = refused(&lab.settings);
    assert!(error.to_string().contains("version 0, older"), "{error}");
    lab.cql(&format!(
        "UPDATE {keyspace}.schema_version SET version = {} WHERE id = 'schema'",
        super::schema::VERSION
    ));
    lab.cql(&format!("DROP TABLE {keyspace}.returns"));
    let error = refused(&lab.settings);
    assert!(
        error.to_string().contains("lacks the tables returns"),
        "{error}"
    );
    assert!(error.remedy().contains("setup"), "{}", error.remedy());
    setup(&lab.settings).unwrap();
    lab.open().close().unwrap();
    let mut nowhere = lab.settings.clone();
    nowhere.live.cassandra_keyspace = "t_nowhere".into();
    let error = refused(&nowhere);
    assert!(
        error.to_string().contains("no keyspace t_nowhere"),
        "{error}"
    );
    assert!(error.remedy().contains("setup"), "{}", error.remedy());
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn what_one_data_centre_lacks_is_found_and_copied_and_a_wrong_summary_is_made_again() {
    lab_test("repair", &|store| {
        let shop = Shop::over(Arc::clone(store.catalog()));
        for n in 0..4 {
            write(store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
        }
        converged(store, 4);
        // Rows without the summary that counts them: what a crash between the two leaves.
        let bucket = shop.bucket(1);
        let specs: Vec<Spec> = (0..3).map(numbered).collect();
        let wrong = shop.bucket_write(bucket, &specs, &specs[..1], 7);
        let flush = Flush {
            buckets: vec![wrong],
            ..Flush::default()
        };
        write(store, flush, Dc::Europe, ConsistencyLevel::All).unwrap();
        let comparison = store.compare().unwrap();
        assert_eq!(comparison.drift, Dc::ALL.map(|dc| (dc, bucket)));
        assert_eq!(comparison.unequal, []);
        let report = store.repair().unwrap();
        assert_eq!((report.buckets_compared, report.buckets_repaired), (2, 1));
        assert_eq!((report.lines_copied, report.summaries_rebuilt), (0, 1));
        converged(store, 7);
        for dc in Dc::ALL {
            let found = store.read_bucket(bucket, ReadSource::Alone(dc)).unwrap();
            assert_eq!(found.timestamp.0, 7, "the owner's next summary must win");
            assert_eq!(found.summary.unwrap().tally.lines, 3);
        }
        let again = store.repair().unwrap();
        assert_eq!((again.buckets_repaired, again.summaries_rebuilt), (0, 0));
        // The owner goes on.
        let next = shop.bucket_write(
            bucket,
            &[numbered(3)],
            &[&specs[..], &[numbered(3)]].concat(),
            8,
        );
        let flush = Flush {
            buckets: vec![next],
            ..Flush::default()
        };
        write(store, flush, Dc::Americas, ConsistencyLevel::Quorum).unwrap();
        settled(store);
        wait_until("the data centres hold the same", || {
            store.compare().is_ok_and(|found| found.converged())
        });
        converged(store, 8);
    });
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS, LAB_CONTROL"]
fn a_killed_node_is_told_from_one_that_lives_and_is_whole_again_after_repair() {
    let lab = Lab::new("killed");
    let store = lab.open();
    let shop = Shop::over(Arc::clone(store.catalog()));
    let clock = SystemClock::default();
    write(&store, shop.flush(0), Dc::Americas, ConsistencyLevel::All).unwrap();
    control("kill", Dc::Americas);
    let begun = clock.monotonic();
    wait_until("its data centre refuses", || {
        let got = write(
            &store,
            shop.flush(1),
            Dc::Americas,
            ConsistencyLevel::Quorum,
        );
        matches!(got, Err(StoreError::CoordinatorDown { .. }))
    });
    let noticed = since(&clock, begun);
    // Long before the other nodes notice, a quorum without it is met through another.
    write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    eprintln!(
        "noticed after {noticed:?}, written after {:?}",
        since(&clock, begun)
    );
    assert!(noticed < Duration::from_secs(3), "{noticed:?}");
    let alone_there = store.read_bucket(shop.bucket(0), ReadSource::Alone(Dc::Americas));
    assert!(matches!(
        alone_there,
        Err(StoreError::CoordinatorDown { .. })
    ));
    let comparison = store.compare().unwrap();
    assert!(!comparison.converged(), "one could not be read");
    assert!(matches!(
        comparison.stored[Dc::Americas],
        Reading::Unknown(_)
    ));
    // An engine can be opened meanwhile.
    let other = lab.open();
    assert_eq!(
        alone(&other, &Shop::over(Arc::clone(other.catalog())), Dc::Europe)
            .lines
            .len(),
        2
    );
    other.close().unwrap();
    wait_until("the others call it down", || {
        let views = store.health().witnesses.views;
        views[Dc::Europe][Dc::Americas] == DcState::Down
            && views[Dc::AsiaPacific][Dc::Americas] == DcState::Down
            && views[Dc::Europe][Dc::AsiaPacific] == DcState::Up
    });
    write(&store, shop.flush(2), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    wait_until("hints wait for it", || {
        let hints = &store.health().dcs[Dc::Americas].hints;
        hints.known().is_some_and(|files| *files > 0)
    });
    Switches { store: &store }.bring_back();
    store.repair().unwrap();
    converged(&store, 3);
    settled(&store);
    assert_eq!(store.health().dcs[Dc::Americas].hints, Reading::Known(0));
    store.close().unwrap();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS, LAB_CONTROL"]
fn a_paused_node_is_noticed_by_our_own_time_outs_and_comes_back() {
    let lab = Lab::new("paused");
    let store = lab.open();
    let shop = Shop::over(Arc::clone(store.catalog()));
    let clock = SystemClock::default();
    write(
        &store,
        shop.flush(0),
        Dc::AsiaPacific,
        ConsistencyLevel::All,
    )
    .unwrap();
    control("pause", Dc::AsiaPacific);
    let begun = clock.monotonic();
    let got = write(
        &store,
        shop.flush(1),
        Dc::AsiaPacific,
        ConsistencyLevel::Quorum,
    );
    assert!(
        matches!(got, Err(StoreError::WriteTimeout { .. })),
        "{got:?}"
    );
    let noticed = since(&clock, begun);
    write(&store, shop.flush(1), Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    eprintln!(
        "noticed after {noticed:?}, written after {:?}",
        since(&clock, begun)
    );
    wait_until("its data centre refuses", || {
        let got = write(
            &store,
            shop.flush(1),
            Dc::AsiaPacific,
            ConsistencyLevel::Quorum,
        );
        matches!(got, Err(StoreError::CoordinatorDown { .. }))
    });
    control("resume", Dc::AsiaPacific);
    let begun = clock.monotonic();
    wait_until("it is connected to again", || {
        store.core.link.connected() == DcSet::ALL
    });
    eprintln!("connected again after {:?}", since(&clock, begun));
    settled(&store);
    wait_until("the data centres hold the same", || {
        store.compare().is_ok_and(|found| found.converged())
    });
    converged(&store, 2);
    store.close().unwrap();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn what_a_machine_wrote_whose_clock_was_ahead_is_replaced_all_the_same() {
    let lab = Lab::new("ahead");
    let ahead = lab.open_with(Arc::new(AheadClock::by(chrono::TimeDelta::hours(9))));
    let store = lab.open();
    let level = ConsistencyLevel::Quorum;
    let from = ReadSource::Level {
        via: Dc::Europe,
        level,
    };
    let note = |value: &'static str| Flush {
        notes: vec![Note {
            name: "generation".to_owned(),
            value: value.into(),
        }],
        ..Flush::default()
    };
    let table = |rows: &[&str]| DerivedRows {
        table: "of_a_test".into(),
        rows: rows
            .iter()
            .map(|key| ((*key).to_owned(), format!("{{\"key\":{key}}}")))
            .collect(),
    };
    write(&ahead, note("old"), Dc::Europe, level).unwrap();
    ahead
        .write_derived(&[table(&["1", "2"])], Dc::Europe, level)
        .unwrap();
    assert_eq!(store.note("generation", from).unwrap().unwrap(), "old");
    write(&store, note("new"), Dc::Europe, level).unwrap();
    assert_eq!(store.note("generation", from).unwrap().unwrap(), "new");
    // A row that is gone, and one that is another.
    store
        .write_derived(&[table(&["2", "3"])], Dc::Europe, level)
        .unwrap();
    assert_eq!(
        store.read_derived("of_a_test", from).unwrap(),
        table(&["2", "3"])
    );

    // Rows and summaries have their timestamps from the log: whose clock the process has that
    // writes them is the same.
    let shop = Shop::over(Arc::clone(ahead.catalog()));
    write(&ahead, shop.flush(0), Dc::Europe, ConsistencyLevel::All).unwrap();
    let shop = Shop::over(Arc::clone(store.catalog()));
    write(&store, shop.flush(1), Dc::Americas, ConsistencyLevel::All).unwrap();
    converged(&store, 2);
    ahead.close().unwrap();
    store.close().unwrap();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn derived_tables_have_columns_that_others_can_read() {
    lab_test("derived", &|store| {
        let row = r#"{"customer_id":"12347","region":"europe","last_purchase_date":"2011-12-07","total_purchases":7,"total_amount":"4310.00","country":"Iceland","first_purchase_date":"2010-12-07","items":2458,"lines":182,"recency_days":2,"recency_score":5,"frequency_score":5,"monetary_score":5,"value_score":0.95,"segment":"Champions","value_segment":"High","status":"active","next_action":null,"next_action_reason":null}"#;
        let rows = DerivedRows {
            table: "customer_analytics".into(),
            rows: [("12347".to_owned(), row.to_owned())].into(),
        };
        let from = ReadSource::Level {
            via: Dc::Europe,
            level: ConsistencyLevel::Quorum,
        };
        for _ in 0..2 {
            let level = ConsistencyLevel::Quorum;
            store
                .write_derived(std::slice::from_ref(&rows), Dc::Europe, level)
                .unwrap();
            assert_eq!(
                store.read_derived("customer_analytics", from).unwrap(),
                rows
            );
        }
        let none = DerivedRows {
            rows: std::collections::BTreeMap::new(),
            ..rows
        };
        store
            .write_derived(
                std::slice::from_ref(&none),
                Dc::Americas,
                ConsistencyLevel::Quorum,
            )
            .unwrap();
        assert_eq!(
            store.read_derived("customer_analytics", from).unwrap(),
            none
        );
    });
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn the_nodes_tell_how_they_are() {
    lab_test("health", &|store| {
        wait_until("each sees each", || {
            let health = store.health();
            let all_up = health.witnesses.views.iter().all(|(_, row)| {
                let mut states = row.iter();
                states.all(|(_, state)| *state == DcState::Up)
            });
            all_up
                && health
                    .dcs
                    .iter()
                    .all(|(_, dc)| dc.disk_bytes.known().is_some())
        });
        let shop = Shop::over(Arc::clone(store.catalog()));
        write(store, shop.flush(0), Dc::Europe, ConsistencyLevel::All).unwrap();
        let europe = store.health().dcs[Dc::Europe].clone();
        assert!(
            europe.writes >= 2 && europe.write_p50_us.known().is_some(),
            "{europe:?}"
        );
        assert!(
            europe.rows.known().is_none(),
            "rows are known when they were compared"
        );
        store.compare().unwrap();
        let rows = store.health().dcs[Dc::Europe].rows.clone();
        assert!(
            matches!(rows, Reading::Stale { value, .. } if value.lines == 1),
            "{rows:?}"
        );
    });
}

/// A bucket write of many lines, as a load makes them.
fn many(shop: &Shop, day: i32, lines: u16) -> BucketWrite {
    let specs: Vec<Spec> = (0..lines)
        .map(|n| Spec {
            mills: n,
            ..numbered(u8::try_from(n % 250).unwrap())
        })
        .collect();
    shop.bucket_write(shop.bucket(day), &specs, &specs, 1)
}
