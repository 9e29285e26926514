//! The program as a user runs it, in embedded mode, on the real file.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, helpers outside its function included"
)]

mod bad_luck;
mod contract;
mod drills;
mod figures;
mod idempotence;
mod kills;
mod pages;
mod passport;
mod setbacks;
mod verbs;
mod watching;

use std::path::Path;
use std::sync::OnceLock;

use retail_tests::{full_file, naive, program};
use serde_json::Value;
use tempfile::TempDir;

/// A data directory with the full file loaded, and what the load said. Shared by tests that only
/// read; one process at a time holds it.
struct Loaded {
    dir: TempDir,
    outcome: Value,
    lock: std::sync::Mutex<()>,
}

impl Loaded {
    fn shared() -> &'static Self {
        static LOADED: OnceLock<Loaded> = OnceLock::new();
        LOADED.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let outcome =
                program::json(&dir.path().join("data"), &["load", path(&full_file())]).unwrap();
            Self {
                dir,
                outcome,
                lock: std::sync::Mutex::new(()),
            }
        })
    }

    fn json(&self, args: &[&str]) -> Value {
        let _one_at_a_time = self.lock.lock();
        program::json(&self.dir.path().join("data"), args).unwrap()
    }
}

/// The rows of the full file and their naive counts.
fn naive_counts() -> &'static (Vec<naive::Row>, naive::Counts) {
    static COUNTS: OnceLock<(Vec<naive::Row>, naive::Counts)> = OnceLock::new();
    COUNTS.get_or_init(|| {
        let rows = naive::rows(&full_file()).unwrap();
        let counts = naive::count(&rows);
        (rows, counts)
    })
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Lines and digest of each data centre, which must all be the same.
fn stored(verified: &Value) -> Value {
    assert_eq!(verified["converged"], true, "{verified}");
    assert_eq!(verified["drift"], 0, "{verified}");
    let stored = &verified["stored"];
    let europe = &stored["Europe_DC"];
    for dc in ["Americas_DC", "AsiaPacific_DC"] {
        assert_eq!(&stored[dc], europe, "{verified}");
    }
    europe.clone()
}
