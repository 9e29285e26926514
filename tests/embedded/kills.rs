//! `kill -9` during a load, then the load again: nothing lost, nothing twice. The `kill-loop`
//! program does the same for as many rounds as asked for.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use retail_tests::{full_file, program};

use crate::{Loaded, path, stored};

#[test]
fn a_load_that_was_killed_goes_on_and_ends_like_an_undisturbed_one() {
    let expected = stored(&Loaded::shared().json(&["verify"]));
    let whole = Loaded::shared().outcome["seconds"].as_f64().unwrap();
    let mut random = StdRng::seed_from_u64(42);
    let mut killed = 0;
    for round in 0..4 {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("data");
        let file = full_file();
        for _ in 0..2 {
            let moment = Duration::from_secs_f64(whole * random.random_range(0.1..0.9));
            let mut child = program::start(&dir, &["load", path(&file), "--json"]).unwrap();
            // The moment of a crash is a time, not a condition.
            std::thread::sleep(moment);
            killed += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let end = program::json(&dir, &["load", path(&file)]).unwrap();
        assert_eq!(end["closed"], true, "round {round}: {end}");
        assert_eq!(end["read"], 541_909, "round {round}: {end}");
        let verified = program::json(&dir, &["verify"]).unwrap();
        assert_eq!(stored(&verified), expected, "round {round}");
        let report = program::json(&dir, &["report"]).unwrap();
        assert_eq!(report["kpis"]["sales"], "10660634.504", "round {round}");
    }
    assert!(killed > 0, "no load was running when it was to be killed");
}
