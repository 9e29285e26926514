//! What every [`Store`] must do, as tests over a factory: an adapter runs them all on itself.
//!
//! Each test gets a store of its own, empty, and names in that store's catalog.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    BucketScope, Clock, DerivedRows, Flush, Note, ReadSource, RejectQuery, RejectRow, Settled,
    Store, StoreError, SystemClock,
};
use crate::embedded::store::testing::{Shop, numbered, span};
use crate::model::{ConsistencyLevel, Dc, DcSet, LineTable, LoadId, Reason, Reject, RowNo};

/// Longer than anything here takes on a busy machine: reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

const QUORUM: ReadSource = ReadSource::Level {
    via: Dc::Europe,
    level: ConsistencyLevel::Quorum,
};

/// A test of the contract.
type Test = fn(&dyn Store, &Shop);

/// Runs every test on a store that `with` makes and hands over, empty each time.
pub(crate) fn run(with: impl Fn(&dyn Fn(&dyn Store))) {
    let tests: [Test; 5] = [
        an_older_summary_never_covers_a_newer_one,
        rows_set_aside_are_read_once_and_in_order,
        notes_probes_and_derived_tables_are_replaced_as_a_whole,
        scans_visit_the_scope_in_order,
        a_flush_applied_again_changes_nothing,
    ];
    for test in tests {
        with(&|store| {
            let shop = Shop::over(std::sync::Arc::clone(store.catalog()));
            test(store, &shop);
        });
    }
}

/// What can take data centres away from a store and bring them back.
pub(crate) trait Breaker {
    /// Takes these away, and returns when the others have noticed.
    fn take_down(&self, down: &[Dc]);

    /// Brings all back, and returns when they answer again.
    fn bring_back(&self);
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a flush is made for each call"
)]
pub(crate) fn write(
    store: &dyn Store,
    flush: Flush,
    via: Dc,
    level: ConsistencyLevel,
) -> Result<DcSet, StoreError> {
    Ok(store.submit(&flush, via, level)?.wait()?.acked)
}

pub(crate) fn settled(store: &dyn Store) {
    assert_eq!(store.settle(PATIENCE), Settled::Yes);
}

pub(crate) fn converged(store: &dyn Store, lines: u64) {
    let comparison = store.compare().unwrap();
    assert!(comparison.converged(), "{comparison:?}");
    assert_eq!(comparison.drift, []);
    for (dc, digest) in comparison.stored.iter() {
        assert_eq!(digest.known().unwrap().lines, lines, "{dc}");
    }
}

/// Waits for a condition; that it never comes is a failure.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = SystemClock::default();
    while !condition() {
        assert!(clock.monotonic() < PATIENCE, "never: {what}");
        clock.sleep(Duration::from_millis(2));
    }
}

/// All a replica holds of bucket 0, by itself.
pub(crate) fn alone(store: &dyn Store, shop: &Shop, dc: Dc) -> super::BucketRows {
    store
        .read_bucket(shop.bucket(0), ReadSource::Alone(dc))
        .unwrap()
}

/// With each of `subsets` of the data centres up: a level is met exactly when they satisfy it.
pub(crate) fn a_level_is_met_exactly_when_the_live_data_centres_satisfy_it(
    store: &dyn Store,
    breaker: &dyn Breaker,
    subsets: impl IntoIterator<Item = DcSet>,
) {
    let shop = Shop::over(std::sync::Arc::clone(store.catalog()));
    let mut n = 0;
    for up in subsets {
        let down: Vec<_> = Dc::ALL.into_iter().filter(|dc| !up.contains(*dc)).collect();
        breaker.take_down(&down);
        for via in Dc::ALL {
            for level in ConsistencyLevel::ALL {
                let got = write(store, shop.flush(n), via, level);
                let from = ReadSource::Level { via, level };
                let read = store.read_bucket(shop.bucket(0), from);
                let case = format!("{level} via {via} with {up:?} up: {got:?}, {read:?}");
                if !up.contains(via) {
                    assert!(
                        matches!(got, Err(StoreError::CoordinatorDown { .. })),
                        "{case}"
                    );
                    assert!(
                        matches!(read, Err(StoreError::CoordinatorDown { .. })),
                        "{case}"
                    );
                } else if level.satisfied_by(up, via) {
                    assert!(level.satisfied_by(got.unwrap(), via), "{case}");
                    n += 1;
                    // Whatever level: one's own write is read where it was acknowledged.
                    let lines = read.unwrap().lines.len();
                    assert!(
                        level == ConsistencyLevel::One || lines == usize::from(n),
                        "{case}"
                    );
                } else {
                    let Err(StoreError::Unavailable { alive, .. }) = got else {
                        panic!("{case}");
                    };
                    assert_eq!(alive, up, "{case}");
                    assert!(
                        matches!(read, Err(StoreError::Unavailable { .. })),
                        "{case}"
                    );
                }
                settled(store);
            }
        }
        breaker.bring_back();
        settled(store);
        wait_until("the data centres hold the same", || {
            store.compare().is_ok_and(|found| found.converged())
        });
    }
    converged(store, u64::from(n));
}

fn an_older_summary_never_covers_a_newer_one(store: &dyn Store, shop: &Shop) {
    for n in [2, 0, 1] {
        write(store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
    }
    converged(store, 3);
    for dc in Dc::ALL {
        let rows = alone(store, shop, dc);
        assert_eq!(rows.timestamp.0, 3);
        assert_eq!(rows.summary.unwrap().tally.lines, 3);
    }
    // Where an adapter tells what need not be read again, it is all of it.
    let applied = store.applied().unwrap();
    assert!(applied.is_empty() || applied == [span(0, 3)], "{applied:?}");
}

fn rows_set_aside_are_read_once_and_in_order(store: &dyn Store, _shop: &Shop) {
    // Two chunks begin with the same row, and the second is shorter: a redelivery cut otherwise.
    let chunks: [&[u64]; 4] = [&[10, 11, 12, 30], &[20, 21], &[10, 11], &[5, 40]];
    for chunk in chunks {
        let rejects = chunk
            .iter()
            .map(|row| reject(7, *row))
            .chain([reject(9, 1)]);
        let flush = Flush {
            rejects: rejects.collect(),
            ..Flush::default()
        };
        write(store, flush, Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    }
    let rows = |query: RejectQuery| -> Vec<u64> {
        let rows = store.rejects(&query, QUORUM).unwrap();
        rows.iter().map(|row| row.reject.row.0).collect()
    };
    let load = Some(LoadId(7));
    let all = RejectQuery {
        load,
        ..RejectQuery::default()
    };
    assert_eq!(rows(all.clone()), [5, 10, 11, 12, 20, 21, 30, 40]);
    assert_eq!(
        rows(RejectQuery {
            skip: 2,
            limit: Some(3),
            ..all.clone()
        }),
        [11, 12, 20]
    );
    let reason = Some(Reason::Cancellation);
    assert_eq!(rows(RejectQuery { reason, ..all }), [12, 21, 30]);
    assert_eq!(rows(RejectQuery::default()).len(), 9);
}

fn notes_probes_and_derived_tables_are_replaced_as_a_whole(store: &dyn Store, _shop: &Shop) {
    for value in ["1", "2"] {
        let notes = ["a/1", "a/2", "b"].map(|name| Note {
            name: name.into(),
            value: value.into(),
        });
        let flush = Flush {
            notes: notes.into(),
            ..Flush::default()
        };
        write(store, flush, Dc::Europe, ConsistencyLevel::Quorum).unwrap();
    }
    assert_eq!(store.note("b", QUORUM).unwrap(), Some("2".into()));
    assert_eq!(store.note("c", QUORUM).unwrap(), None);
    let names: Vec<_> = store
        .notes("a/", QUORUM)
        .unwrap()
        .into_iter()
        .map(|n| n.name)
        .collect();
    assert_eq!(names, ["a/1", "a/2"]);
    store.write_probe(Dc::Europe, 41).unwrap();
    store.write_probe(Dc::Europe, 42).unwrap();
    settled(store);
    // At ONE the others are on their own: settling waits for what is known to be on its way.
    let seen = || store.read_probe(Dc::Europe, Dc::AsiaPacific).unwrap();
    wait_until("the probe arrives", || seen() == Some(42));
    assert_eq!(
        store.read_probe(Dc::Americas, Dc::AsiaPacific).unwrap(),
        None
    );
    assert_eq!(
        store.notes("", QUORUM).unwrap().len(),
        3,
        "a probe is not a note"
    );
    for count in [250, 101, 0] {
        let rows = derived(count);
        store
            .write_derived(
                std::slice::from_ref(&rows),
                Dc::Americas,
                ConsistencyLevel::Quorum,
            )
            .unwrap();
        assert_eq!(store.read_derived("t", QUORUM).unwrap(), rows);
    }
    let empty = DerivedRows {
        table: "other".into(),
        rows: BTreeMap::new(),
    };
    assert_eq!(store.read_derived("other", QUORUM).unwrap(), empty);
}

fn scans_visit_the_scope_in_order(store: &dyn Store, shop: &Shop) {
    let buckets = [4, 0, 2, 3, 1]
        .map(|n| shop.bucket_write(shop.bucket(n), &[numbered(0)], &[numbered(0)], 1));
    write(
        store,
        Flush {
            buckets: buckets.into(),
            ..Flush::default()
        },
        Dc::Europe,
        ConsistencyLevel::All,
    )
    .unwrap();
    let scan = |scope: &BucketScope| {
        let (mut summaries, mut rows) = (Vec::new(), Vec::new());
        store
            .scan_summaries(scope, QUORUM, &mut |key, summary| {
                assert_eq!(summary.tally.lines, 1);
                summaries.push(key);
            })
            .unwrap();
        store
            .scan_rows(scope, ReadSource::Alone(Dc::Americas), &mut |key, lines| {
                assert_eq!(lines.len(), 1);
                rows.push(key);
            })
            .unwrap();
        assert_eq!(summaries, rows);
        rows
    };
    let all = BucketScope::all(LineTable::Transactions);
    assert_eq!(scan(&all), [0, 1, 2, 3, 4].map(|n| shop.bucket(n)));
    let days = BucketScope {
        from: Some(shop.bucket(1).day),
        to: Some(shop.bucket(3).day),
        ..all.clone()
    };
    assert_eq!(scan(&days), [1, 2, 3].map(|n| shop.bucket(n)));
    assert_eq!(
        scan(&BucketScope {
            countries: vec!["EIRE".into()],
            ..all.clone()
        })
        .len(),
        5
    );
    assert_eq!(
        scan(&BucketScope {
            countries: vec!["Mars".into()],
            ..all.clone()
        }),
        []
    );
    assert_eq!(
        scan(&BucketScope {
            table: LineTable::Returns,
            ..all
        }),
        []
    );
}

fn a_flush_applied_again_changes_nothing(store: &dyn Store, shop: &Shop) {
    for n in [0, 1, 0, 1, 1] {
        write(store, shop.flush(n), Dc::Europe, ConsistencyLevel::All).unwrap();
    }
    converged(store, 2);
    for dc in Dc::ALL {
        assert_eq!(alone(store, shop, dc).lines.len(), 2, "{dc}");
    }
}

pub(crate) fn reject(load: u64, row: u64) -> RejectRow {
    RejectRow {
        load: LoadId(load),
        reject: Reject {
            row: RowNo(row),
            line: row + 1,
            byte: row * 10,
            column: (row.is_multiple_of(2)).then(|| "Quantity".to_owned()),
            reason: if row.is_multiple_of(3) {
                Reason::Cancellation
            } else {
                Reason::BadDate
            },
            message: "why".to_owned(),
            raw: "a,b".to_owned(),
        },
    }
}

pub(crate) fn derived(rows: u64) -> DerivedRows {
    let rows = (0..rows).map(|n| (format!("k{n:04}"), format!("{{\"n\":{n}}}")));
    DerivedRows {
        table: "t".to_owned(),
        rows: rows.collect(),
    }
}
