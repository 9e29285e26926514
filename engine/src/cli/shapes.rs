//! What several verbs print, in the one shape that the JSON contract names.

use std::collections::BTreeMap;

use crate::model::{PerDc, Reading, RowsDigest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::output::{Align, Table, grouped};

/// What each data centre holds, by its name.
pub(crate) fn stored_json(stored: &PerDc<Reading<RowsDigest>>) -> BTreeMap<&'static str, Value> {
    let of = |reading: &Reading<RowsDigest>| match reading {
        Reading::Known(rows) => json!({ "lines": rows.lines, "digest": rows }),
        Reading::Stale { value, age } => json!({
            "lines": value.lines,
            "digest": value,
            "stale_seconds": age.as_secs_f64(),
        }),
        Reading::Unknown(why) => json!({ "unknown": why }),
    };
    stored
        .iter()
        .map(|(dc, reading)| (dc.name(), of(reading)))
        .collect()
}

/// What each data centre holds, for people.
pub(crate) fn stored_text(stored: &PerDc<Reading<RowsDigest>>) -> String {
    let mut table = Table::new(&[
        ("DATA CENTRE", Align::Left),
        ("LINES", Align::Right),
        ("DIGEST OF THEM", Align::Left),
    ]);
    for (dc, reading) in stored.iter() {
        let (lines, digest) = match reading {
            Reading::Known(rows) => (grouped(rows.lines), rows.to_string()),
            Reading::Stale { value, age } => (
                grouped(value.lines),
                format!("{value} ({} s ago)", age.as_secs()),
            ),
            Reading::Unknown(why) => ("Unknown".to_owned(), why.clone()),
        };
        table.row([dc.name().to_owned(), lines, digest]);
    }
    table.text()
}

/// A reading in JSON: the value itself, or why it is not known.
pub(crate) fn reading_json<T: Serialize>(reading: &Reading<T>) -> Value {
    match reading {
        Reading::Known(value) => json!(value),
        Reading::Stale { value, age } => {
            json!({ "value": value, "stale_seconds": age.as_secs_f64() })
        }
        Reading::Unknown(why) => json!({ "unknown": why }),
    }
}
