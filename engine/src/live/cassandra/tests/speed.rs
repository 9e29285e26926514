//! How fast the whole file is written, in flushes as a consumer makes them.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::super::session::Target;
use super::super::write::LineValues;
use super::*;
use crate::clean::Rules;
use crate::intake::{LineReader, ReadOptions, ReadRow};
use crate::model::recompute::summarise;
use crate::model::{BucketKey, Catalog, LineTable, StoredLine};
use crate::ports::WriteTimestamp;
use crate::route::RoutingMap;

/// Lines of a flush.
const FLUSH_LINES: usize = 10_000;
/// Flushes in flight, as a consumer has them.
const IN_FLIGHT: usize = 2;

/// The clean lines of the whole file, in flushes, with the summaries that a consumer makes.
pub(super) fn flushes(catalog: &Arc<Catalog>) -> Vec<Flush> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/Online_Retail.csv.gz");
    let (rules, routing) = (Rules::builtin().unwrap(), RoutingMap::builtin().unwrap());
    let options = ReadOptions::default();
    let mut reader = LineReader::open(&path, &options, &rules, &Arc::new(routing)).unwrap();
    let mut rows: Vec<(BucketKey, StoredLine)> = Vec::new();
    while let Some(row) = reader.next().unwrap() {
        let ReadRow::Clean(clean) = row else { continue };
        let line = clean.record.line;
        let key = BucketKey {
            table: LineTable::Transactions,
            country: catalog.country(line.country),
            day: line.invoice_time.day(),
            shard: clean.shard,
        };
        let stored = StoredLine {
            invoice_no: line.invoice_no.into(),
            product: catalog.product(line.stock_code, line.description),
            customer: line.customer.map(|name| catalog.customer(name)),
            quantity: line.quantity,
            invoice_time: line.invoice_time,
            unit_price: line.unit_price,
            occurrence: clean.record.occurrence,
            line_id: clean.record.line_id,
        };
        rows.push((key, stored));
    }
    let mut whole: BTreeMap<BucketKey, Vec<StoredLine>> = BTreeMap::new();
    let mut made = Vec::new();
    for (n, part) in (1..).zip(rows.chunks(FLUSH_LINES)) {
        let mut buckets: BTreeMap<BucketKey, Vec<StoredLine>> = BTreeMap::new();
        for (key, line) in part {
            buckets.entry(*key).or_default().push(line.clone());
        }
        let writes = buckets.into_iter().map(|(key, lines)| {
            let all = whole.entry(key).or_default();
            all.extend_from_slice(&lines);
            BucketWrite {
                key,
                lines,
                summary: Arc::new(summarise(all, catalog)),
                timestamp: WriteTimestamp(n),
            }
        });
        made.push(Flush {
            buckets: writes.collect(),
            ..Flush::default()
        });
    }
    made
}

/// Writes flushes as a consumer does: one that fails is sent again, the same, until it is
/// acknowledged. How many were.
pub(super) fn write_all(store: &CassandraStore, flushes: &[Flush]) -> u64 {
    let submit = |flush: &Flush| {
        store
            .submit(flush, Dc::Europe, ConsistencyLevel::Quorum)
            .unwrap()
    };
    let mut repeats = 0;
    let mut finish = |(flush, pending): (&Flush, Box<dyn crate::ports::PendingWrite>)| {
        let mut done = pending.wait();
        while let Err(error) = done {
            assert_ne!(error.outcome(), Outcome::Fatal, "{error}");
            repeats += 1;
            done = submit(flush).wait();
        }
    };
    let mut in_flight = VecDeque::new();
    for flush in flushes {
        if in_flight.len() == IN_FLIGHT {
            finish(in_flight.pop_front().unwrap());
        }
        in_flight.push_back((flush, submit(flush)));
    }
    for pending in in_flight {
        finish(pending);
    }
    repeats
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS; measures"]
fn the_whole_file_is_written_at_quorum() {
    let lab = Lab::new("speed");
    let store = lab.open();
    let flushes = flushes(store.catalog());
    let lines: usize = flushes
        .iter()
        .flat_map(|flush| &flush.buckets)
        .map(|bucket| bucket.lines.len())
        .sum();
    let clock = SystemClock::default();
    let repeats = write_all(&store, &flushes);
    let took = clock.monotonic();
    println!(
        "{lines} lines in {:.1} s, {:.0} lines/s, {repeats} flushes sent again",
        took.as_secs_f64(),
        lines as f64 / took.as_secs_f64()
    );
    let begun = clock.monotonic();
    wait_until("the data centres hold the same", || {
        let found = store.compare().unwrap();
        println!("compared after {:.1} s", since(&clock, begun).as_secs_f64());
        found.converged() && found.drift.is_empty()
    });
    converged(&store, lines as u64);
    assert_eq!(lines, 529_598);
    let begun = clock.monotonic();
    let mut summaries = 0_u64;
    let from = ReadSource::Level {
        via: Dc::Europe,
        level: ConsistencyLevel::Quorum,
    };
    let scope = crate::ports::BucketScope::all(LineTable::Transactions);
    let mut amount = rust_decimal::Decimal::ZERO;
    store
        .scan_summaries(&scope, from, &mut |_key, summary| {
            summaries += 1;
            amount += summary.tally.amount;
        })
        .unwrap();
    let took = since(&clock, begun);
    println!(
        "{summaries} summaries scanned in {:.1} s",
        took.as_secs_f64()
    );
    assert_eq!(amount.to_string(), "10660634.504");
    let begun = clock.monotonic();
    let mut rows = 0;
    store
        .scan_rows(&scope, from, &mut |_key, lines| rows += lines.len())
        .unwrap();
    let took = since(&clock, begun);
    println!("{rows} rows scanned in {:.1} s", took.as_secs_f64());
    assert_eq!(rows, lines);
    store.close().unwrap();
}

/// What the same lines cost row by row: the way that is compared with.
#[test]
#[ignore = "needs a lab: LAB_SERVERS; measures"]
fn single_rows_are_written_at_quorum() {
    const LINES: usize = 20_000;
    const AT_A_TIME: usize = 128;
    let lab = Lab::new("single");
    let store = lab.open();
    let flushes = flushes(store.catalog());
    let core = &store.core;
    let target = Target::at(Dc::Europe, ConsistencyLevel::Quorum);
    let mut rows = Vec::new();
    for bucket in flushes.iter().flat_map(|flush| &flush.buckets) {
        let country = core.catalog.country_name(bucket.key.country).unwrap();
        rows.extend(
            bucket
                .lines
                .iter()
                .map(|line| LineValues::new(bucket.key, &country, line.clone(), &core.catalog)),
        );
    }
    rows.truncate(LINES);
    let turns = Arc::new(tokio::sync::Semaphore::new(AT_A_TIME));
    let clock = SystemClock::default();
    store.handle.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for row in rows {
            let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
            let core = Arc::clone(core);
            running.spawn(async move {
                let insert = &core.statements.of(LineTable::Transactions).insert;
                let done = core.link.write(insert, row, target).await;
                drop(turn);
                done.unwrap();
            });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    });
    let took = clock.monotonic();
    println!(
        "{LINES} single rows in {:.1} s, {:.0} lines/s",
        took.as_secs_f64(),
        LINES as f64 / took.as_secs_f64()
    );
    store.close().unwrap();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_large_bucket_is_read_as_it_was_written() {
    lab_test("large", &|store| {
        let shop = Shop::over(Arc::clone(store.catalog()));
        let bucket = many(&shop, 0, 9_000);
        let expect = bucket.lines.len();
        let flush = Flush {
            buckets: vec![bucket],
            ..Flush::default()
        };
        write(store, flush, Dc::Europe, ConsistencyLevel::All).unwrap();
        let found = alone(store, &shop, Dc::Americas);
        assert_eq!(found.lines.len(), expect);
        converged(store, expect as u64);
    });
}
