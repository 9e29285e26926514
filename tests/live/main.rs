//! Real servers: the lab itself, and what only real servers can show.
//!
//! Every test here is ignored by name, with what it needs; `.ci/run` installs that and runs them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and tells by printing, helpers outside its function \
              included"
)]

mod failover;
mod lab;
mod outages;
mod processes;
mod round;

use std::time::{Duration, Instant};

/// Far longer than a server takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// Waits for a condition that other processes bring about.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
