//! The peer that writing is compared with: the bulk loader of `DataStax`, into a table of the same shape,
//! on the same nodes, in turns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Lab;
use super::speed::{flushes, write_all};
use super::*;
use crate::model::Catalog;

/// Pairs, when `LAB_PAIRS` does not say how many.
const PAIRS: u32 = 3;
/// Clean lines of the whole file.
const LINES: f64 = 529_598.0;

/// The lines of flushes as a file of the columns of the table.
fn as_csv(flushes: &[Flush], catalog: &Catalog, path: &Path) {
    let mut out = csv::Writer::from_path(path).unwrap();
    out.write_record([
        "country",
        "day",
        "shard",
        "invoice_date",
        "invoice_no",
        "stock_code",
        "line_id",
        "description",
        "quantity",
        "unit_price",
        "customer_id",
        "occurrence",
    ])
    .unwrap();
    for bucket in flushes.iter().flat_map(|flush| &flush.buckets) {
        let country = catalog.country_name(bucket.key.country).unwrap();
        for line in &bucket.lines {
            let product = catalog.product_name(line.product).unwrap();
            let customer = line.customer.and_then(|id| catalog.customer_name(id));
            let at = line.invoice_time.to_string().replace(' ', "T") + "Z";
            out.write_record([
                country.as_str(),
                &bucket.key.day.to_string(),
                &bucket.key.shard.0.to_string(),
                &at,
                line.invoice_no.as_str(),
                product.stock_code.as_str(),
                &line.line_id.0.cast_signed().to_string(),
                product.description.as_str(),
                &line.quantity.to_string(),
                &line.unit_price.to_string(),
                customer.as_deref().unwrap_or_default(),
                &line.occurrence.to_string(),
            ])
            .unwrap();
        }
    }
    out.flush().unwrap();
}

/// Runs the bulk loader over a file; how long the whole process took, and its own lines a second.
fn bulk_load(
    jars: &str,
    csv: &Path,
    logs: &Path,
    keyspace: &str,
    clock: &SystemClock,
) -> (Duration, f64) {
    let begun = clock.monotonic();
    let output = Command::new("java")
        .args(["-Xmx1g", "-XX:+UseSerialGC", "-cp", &format!("{jars}/*")])
        .args(["com.datastax.oss.dsbulk.runner.DataStaxBulkLoader", "load"])
        .arg("-url")
        .arg(csv)
        .args(["-header", "true", "-k", keyspace, "-t", "transactions"])
        .args(["-h", "127.0.0.1", "-cl", "QUORUM"])
        .args([
            "--driver.basic.load-balancing-policy.local-datacenter",
            "Europe_DC",
        ])
        .args(["--driver.basic.request.timeout", "30 seconds"])
        .arg("--log.directory")
        .arg(logs)
        .output()
        .unwrap();
    let took = since(clock, begun);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // total | failed | rows/s | ...
    let figures = said.lines().rev().find_map(|line| {
        let mut cells = line.split('|').map(|cell| cell.trim().replace(',', ""));
        let total: u64 = cells.next()?.parse().ok()?;
        let failed: u64 = cells.next()?.parse().ok()?;
        Some((total, failed, cells.next()?.parse().ok()?))
    });
    let (total, failed, rate) = figures.unwrap_or_else(|| panic!("no figures in {said}"));
    assert_eq!((total, failed), (529_598, 0), "{said}");
    (took, rate)
}

#[test]
#[ignore = "needs a lab, LAB_SERVERS, and the jars of the bulk loader, LAB_DSBULK; measures"]
fn the_whole_file_is_written_in_turns_with_the_bulk_loader() {
    let jars = std::env::var("LAB_DSBULK").expect("LAB_DSBULK is a folder of jars");
    let pairs = std::env::var("LAB_PAIRS").map_or(PAIRS, |pairs| pairs.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let csv: PathBuf = dir.path().join("lines.csv");
    let clock = SystemClock::default();
    // What runs first finds the nodes cold: they take turns.
    let ours = |pair: u32| {
        let lab = Lab::new(&format!("ours{pair}"));
        let store = lab.open();
        let flushes = flushes(store.catalog());
        as_csv(&flushes, store.catalog(), &csv);
        let begun = clock.monotonic();
        let repeats = write_all(&store, &flushes);
        let took = since(&clock, begun);
        store.close().unwrap();
        (LINES / took.as_secs_f64(), repeats)
    };
    let theirs = |pair: u32| {
        let lab = Lab::new(&format!("bulk{pair}"));
        let keyspace = &lab.settings.live.cassandra_keyspace;
        bulk_load(&jars, &csv, dir.path(), keyspace, &clock)
    };
    // Makes the file, and warms the nodes up.
    let (cold, _) = ours(0);
    println!("cold nodes: the store {cold:.0} lines/s");
    for pair in 1..=pairs {
        let ((ours, repeats), (whole, theirs)) = if pair % 2 == 0 {
            let ours = ours(pair);
            (ours, theirs(pair))
        } else {
            let theirs = theirs(pair);
            (ours(pair), theirs)
        };
        println!(
            "pair {pair}: the store {ours:.0} lines/s ({repeats} flushes sent again), the bulk \
             loader {theirs:.0} by itself, {:.0} with its start; {:.2} times as fast",
            LINES / whole.as_secs_f64(),
            ours / theirs
        );
    }
}
