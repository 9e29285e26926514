//! The console, by what a person sees and does: a real engine, real data, real clicks.
//!
//! `SHOTS=DIR` saves a picture at each step that a test names with [`Desk::shot`].

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers outside its function included"
)]

mod acts;
mod analytics;
mod desk;
mod events;
mod failover;
mod first_run;
mod keys;
#[cfg(target_os = "linux")]
mod lab;
#[cfg(target_os = "linux")]
mod live;
mod load;
mod overview;
mod profiles;
mod quality;
mod remembered;
mod replays;
mod setup;
mod take_out;
mod topics;

pub(crate) use desk::Desk;
