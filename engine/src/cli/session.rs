//! An opened engine with what a verb needs around it: settings, logging, Ctrl+C.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::config::{FlagValue, Settings};
use crate::flow::{Roles, visit_pieces};
use crate::handle::{Command, Engine, Reply, Snapshot};
use crate::ports::{Clock, RejectQuery, RejectRow, SystemClock};
use crate::telemetry::{LoggingGuard, TerminalStyle, start_logging};
use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use thiserror::Error;

use crate::cli::args::GlobalArgs;

/// Between two looks at Ctrl+C and two drawings while an answer is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The engine samples four times a second; after this long something is wrong with it.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often Ctrl+C was pressed.
static INTERRUPTS: AtomicU8 = AtomicU8::new(0);

/// The user pressed Ctrl+C.
#[derive(Debug, Clone, Copy, Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Interrupted {
    /// What happens with what was begun.
    pub(crate) const fn remedy() -> &'static str {
        "everything acknowledged is kept; a load goes on where it stands when the same file is \
         loaded again"
    }
}

/// What went wrong while the engine was closed.
#[derive(Debug, Clone, Error)]
#[error("while closing: {}", .0.join("; "))]
pub(crate) struct NotClosed(Vec<String>);

impl NotClosed {
    /// What to do next.
    pub(crate) const fn remedy() -> &'static str {
        "mend what is named (a full disk: free some space), and run it again: what was \
         acknowledged is kept, and the next start makes the data centres equal"
    }
}

/// An opened engine. Dropping it closes the engine, which ends a running load where it stands.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) engine: Engine,
    pub(crate) clock: SystemClock,
    _logging: LoggingGuard,
}

/// The settings of the command line and everything below it.
pub(crate) fn settings(global: &GlobalArgs, flags: Vec<FlagValue>) -> anyhow::Result<Settings> {
    Ok(global.sources(flags).load()?.settings)
}

impl Session {
    /// Opens the engine on the settings of the command line.
    pub(crate) fn open(
        global: &GlobalArgs,
        flags: Vec<FlagValue>,
        roles: Roles,
    ) -> anyhow::Result<Self> {
        Self::of(settings(global, flags)?, global.verbosity(), roles)
    }

    /// Opens the engine on settings.
    pub(crate) fn of(settings: Settings, verbosity: i8, roles: Roles) -> anyhow::Result<Self> {
        let logging = start_logging(&settings, verbosity, TerminalStyle::Auto)?;
        ctrlc::set_handler(|| {
            // Asked twice, the user does not want to wait. What is durable stays durable.
            if INTERRUPTS.fetch_add(1, Ordering::AcqRel) > 0 {
                std::process::abort();
            }
        })
        .context("Ctrl+C cannot be listened to")?;
        let engine = Engine::open(settings.clone(), roles)?;
        Ok(Self {
            settings,
            engine,
            clock: SystemClock::default(),
            _logging: logging,
        })
    }

    /// Asks the engine, and waits for the answer or for Ctrl+C.
    pub(crate) fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> anyhow::Result<T> {
        self.ask_and_watch(command, |_snapshot| Ok(()))
    }

    /// Asks the engine, and shows each newest snapshot to `watch` until the answer is there.
    pub(crate) fn ask_and_watch<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
        mut watch: impl FnMut(&Snapshot) -> anyhow::Result<()>,
    ) -> anyhow::Result<T> {
        let answer = self.engine.ask(command);
        loop {
            if let Some(answered) = answer.wait_for(LOOK_EVERY) {
                return Ok(answered?);
            }
            if INTERRUPTS.load(Ordering::Acquire) > 0 {
                return Err(Interrupted.into());
            }
            watch(&self.engine.snapshot())?;
        }
    }

    /// Lets the engine work until Ctrl+C, or a signal to end, or the end of a worker.
    pub(crate) fn run_until_interrupted(&self) -> anyhow::Result<()> {
        let is_interrupted = || INTERRUPTS.load(Ordering::Acquire) > 0;
        watch_workers(&self.clock, is_interrupted, || self.engine.snapshot())
    }

    /// Asks the engine what is asked after Ctrl+C has ended the work.
    pub(crate) fn ask_in_the_end<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> anyhow::Result<T> {
        let answer = self.engine.ask(command);
        loop {
            if let Some(answered) = answer.wait_for(LOOK_EVERY) {
                return Ok(answered?);
            }
        }
    }

    /// Visits all rows that were set aside and that a query asks for, in order, in pieces that
    /// bound the memory.
    pub(crate) fn visit_rejects(
        &self,
        query: RejectQuery,
        visit: impl FnMut(Vec<RejectRow>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let ask = |piece: &RejectQuery| -> anyhow::Result<_> {
            Ok(self.ask(|reply| Command::Rejects(piece.clone(), reply))??)
        };
        visit_pieces(query, ask, visit)
    }

    /// A snapshot of which every part was measured after this call.
    pub(crate) fn fresh_snapshot(&self) -> anyhow::Result<Arc<Snapshot>> {
        let (told, wakes) = bounded(1);
        self.engine.on_snapshot(move || {
            // Full means that a wake is waiting already.
            told.try_send(()).ok();
        });
        // The first one may have been begun before.
        for _ in 0..2 {
            wait_for_wake(&wakes)?;
        }
        Ok(self.engine.snapshot())
    }

    /// Time since the session began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Closes the engine and tells what went wrong meanwhile.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        let failures = self.engine.close();
        if failures.is_empty() {
            return Ok(());
        }
        Err(NotClosed(failures).into())
    }
}

/// Looks at the newest snapshot until the work is interrupted, or a worker ended. It may be an old
/// one: while servers are away measuring takes as long as waiting for them, and the work waits too.
fn watch_workers(
    clock: &dyn Clock,
    is_interrupted: impl Fn() -> bool,
    snapshot: impl Fn() -> Arc<Snapshot>,
) -> anyhow::Result<()> {
    while !is_interrupted() {
        if let Some(worker) = snapshot().workers_failed.first() {
            anyhow::bail!("{worker}");
        }
        clock.sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Waits for a snapshot in short steps: for a process that was stopped, or on a machine that slept,
/// one of them is over then and not the whole time.
fn wait_for_wake(wakes: &Receiver<()>) -> anyhow::Result<()> {
    let steps = SNAPSHOT_TIMEOUT.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..steps {
        match wakes.recv_timeout(LOOK_EVERY) {
            Ok(()) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    anyhow::bail!("the engine does not measure any more")
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::config::Mode;

    /// Its time passes while somebody sleeps, and only then.
    #[derive(Default)]
    struct Asleep(Mutex<Duration>);

    impl Clock for Asleep {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::DateTime::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock()
        }

        fn sleep(&self, duration: Duration) {
            *self.0.lock() += duration;
        }
    }

    #[test]
    fn work_goes_on_while_nothing_is_measured_and_ends_with_a_worker() {
        let clock = Asleep::default();
        let mut measured = Snapshot::starting(Mode::Live, clock.now());
        let old = Arc::new(measured.clone());
        // The same snapshot for far longer than one takes.
        let is_over = || clock.monotonic() >= 10 * SNAPSHOT_TIMEOUT;
        watch_workers(&clock, is_over, || Arc::clone(&old)).unwrap();
        measured.workers_failed.push("the disk is full".into());
        let failed = Arc::new(measured);
        let error = watch_workers(&clock, || false, || Arc::clone(&failed)).unwrap_err();
        assert_eq!(error.to_string(), "the disk is full");
    }
}
