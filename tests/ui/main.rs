//! The console, by what a person sees and does: a real engine, real data, real clicks.
//!
//! `SHOTS=DIR` saves a picture at each step that a test names with [`Desk::shot`].

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, helpers outside its function included"
)]

mod analytics;
#[allow(
    dead_code,
    reason = "the words of a desk are for the tests of all pages; not every page has its tests yet"
)]
mod desk;
mod events;
mod failover;
mod first_run;
mod load;
mod overview;
mod quality;
mod setup;
mod topics;

pub(crate) use desk::Desk;
