//! Loading the same data again, in another order, in parts or overlapping, leaves what loading it
//! once leaves.

use std::collections::BTreeMap;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use retail_tests::{full_file, generate, naive, program, sample_file};
use serde_json::Value;

use crate::{Loaded, naive_counts, path, stored};

fn load(dir: &Path, file: &Path) -> Value {
    program::json(dir, &["load", path(file)]).unwrap()
}

/// What must be the same whatever the way.
fn end_state(dir: &Path) -> (Value, Value) {
    let verified = program::json(dir, &["verify"]).unwrap();
    let mut report = program::json(dir, &["report"]).unwrap();
    if let Some(report) = report.as_object_mut() {
        report.retain(|key, _| {
            [
                "kpis",
                "months",
                "countries",
                "regions",
                "products",
                "segments",
                "returns",
            ]
            .contains(&key.as_str())
        });
    }
    (stored(&verified), report)
}

fn undisturbed() -> (Value, Value) {
    let loaded = Loaded::shared();
    let _one_at_a_time = loaded.lock.lock();
    end_state(&loaded.dir.path().join("data"))
}

#[test]
fn the_sample_and_then_the_full_file_are_the_full_file_and_again_is_nothing_new() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let first = load(&dir, &sample_file());
    assert_eq!(first["read"], 10_000);
    let second = load(&dir, &full_file());
    assert_eq!(
        first["new"].as_u64().unwrap() + second["new"].as_u64().unwrap(),
        529_598
    );
    assert_eq!(second["closed"], true, "{second}");
    let third = load(&dir, &full_file());
    assert_eq!(third["new"], 0, "{third}");
    assert_eq!(third["closed"], true, "{third}");
    assert_eq!(end_state(&dir), undisturbed());
}

#[test]
fn another_order_and_parts_leave_the_same_rows() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let (rows, _) = naive_counts();
    // Invoices in another order, each whole: the order of the lines of an invoice is free too,
    // but a part must not cut an invoice that has the same line on both sides.
    let mut invoices: Vec<&[naive::Row]> = Vec::new();
    let mut by_invoice: BTreeMap<&str, Vec<naive::Row>> = BTreeMap::new();
    for row in rows {
        by_invoice
            .entry(row.invoice())
            .or_default()
            .push(row.clone());
    }
    invoices.extend(by_invoice.values().map(Vec::as_slice));
    let mut random = StdRng::seed_from_u64(7);
    invoices.shuffle(&mut random);
    for (part, invoices) in invoices.chunks(invoices.len().div_ceil(3)).enumerate() {
        let file = scratch.path().join(format!("part-{part}.csv"));
        let mut rows: Vec<&naive::Row> = invoices.iter().copied().flatten().collect();
        rows.shuffle(&mut random);
        generate::write_rows(&file, rows).unwrap();
        let end = load(&dir, &file);
        assert_eq!(end["closed"], true, "{end}");
    }
    assert_eq!(end_state(&dir), undisturbed());
}
