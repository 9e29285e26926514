//! The whole-file check: one at a time, in the background, with its progress in the snapshot.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use thiserror::Error;

use super::runtime::Runtime;
use crate::clean::Rules;
use crate::intake::{
    CheckReport, IntakeError, Preview, ReadOptions, ReadProgress, check_watched, preview,
};

/// A file to look at, and how.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// The file.
    pub file: PathBuf,
    /// How it is read; what is not given is detected.
    pub options: ReadOptions,
    /// Which rules set rows aside.
    pub rules: Rules,
}

/// Why a check has no result.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The file is refused.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// It was cancelled, another check took its place, or the engine is closing.
    #[error("the check was ended before the end of the file")]
    Cancelled,
}

/// The running check in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckView {
    /// The file.
    pub file: PathBuf,
    /// How far it is read.
    #[serde(skip)]
    pub read: ReadProgress,
    /// Since it began.
    pub elapsed: Duration,
    /// Time until its end at the rate so far; `None` before the first bytes.
    pub left: Option<Duration>,
}

/// The check that runs, if one does.
#[derive(Default)]
pub(crate) struct Checks {
    current: Mutex<Option<Arc<Running>>>,
}

struct Running {
    file: PathBuf,
    began: Duration,
    read: Mutex<ReadProgress>,
    is_cancelled: AtomicBool,
}

impl Checks {
    /// Ends the check that runs; its request is answered with [`CheckError::Cancelled`].
    pub(crate) fn cancel(&self) {
        if let Some(running) = self.current.lock().take() {
            running.is_cancelled.store(true, Ordering::Release);
        }
    }

    /// How far the check is.
    pub(crate) fn view(&self, now: Duration) -> Option<CheckView> {
        let running = self.current.lock().clone()?;
        let read = *running.read.lock();
        let elapsed = now.saturating_sub(running.began);
        Some(CheckView {
            file: running.file.clone(),
            left: left(read, elapsed),
            read,
            elapsed,
        })
    }

    fn begin(&self, file: PathBuf, began: Duration) -> Arc<Running> {
        let running = Arc::new(Running {
            file,
            began,
            read: Mutex::default(),
            is_cancelled: AtomicBool::new(false),
        });
        let before = self.current.lock().replace(Arc::clone(&running));
        if let Some(before) = before {
            before.is_cancelled.store(true, Ordering::Release);
        }
        running
    }

    fn end(&self, running: &Arc<Running>) {
        let mut current = self.current.lock();
        if current
            .as_ref()
            .is_some_and(|now| Arc::ptr_eq(now, running))
        {
            *current = None;
        }
    }
}

/// Time for the bytes that are left at the rate of those that are read.
fn left(read: ReadProgress, elapsed: Duration) -> Option<Duration> {
    if read.bytes == 0 {
        return None;
    }
    let share = read.total_bytes.saturating_sub(read.bytes) as f64 / read.bytes as f64;
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * share).ok()
}

impl Runtime {
    /// Reads a whole file with the routing map in force and counts. Takes the place of a check
    /// that runs.
    pub(crate) fn check(&self, request: &CheckRequest) -> Result<CheckReport, CheckError> {
        let running = self
            .checks
            .begin(request.file.clone(), self.clock.monotonic());
        let routing = self.routing.map();
        let mut watch = |read| {
            *running.read.lock() = read;
            if running.is_cancelled.load(Ordering::Acquire) || self.running.is_stopped() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let (options, rules) = (&request.options, &request.rules);
        let checked = check_watched(&request.file, options, rules, &routing, &mut watch);
        self.checks.end(&running);
        checked?.ok_or(CheckError::Cancelled)
    }

    /// Reads the head of a file with the routing map in force and shows its first rows.
    pub(crate) fn preview(
        &self,
        request: &CheckRequest,
        rows: usize,
    ) -> Result<Preview, IntakeError> {
        let routing = self.routing.map();
        preview(
            &request.file,
            &request.options,
            &request.rules,
            &routing,
            rows,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_bytes() {
        let mut read = ReadProgress {
            total_bytes: 400,
            ..ReadProgress::default()
        };
        assert_eq!(left(read, Duration::from_secs(1)), None);
        read.bytes = 100;
        assert_eq!(
            left(read, Duration::from_secs(1)),
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn a_new_check_ends_the_one_before_and_not_the_other_way_round() {
        let checks = Checks::default();
        let first = checks.begin("a.csv".into(), Duration::ZERO);
        let second = checks.begin("b.csv".into(), Duration::ZERO);
        assert!(first.is_cancelled.load(Ordering::Acquire));
        assert!(!second.is_cancelled.load(Ordering::Acquire));
        checks.end(&first);
        let view = checks.view(Duration::from_secs(2)).unwrap();
        assert_eq!(view.file, PathBuf::from("b.csv"));
        checks.end(&second);
        assert_eq!(checks.view(Duration::from_secs(2)), None);
    }
}
