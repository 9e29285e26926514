//! Real servers: the lab itself, and what only real servers can show.
//!
//! Every test here is ignored by name, with what it needs; `.ci/run` installs that and runs them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, helpers outside its function included"
)]

mod lab;
