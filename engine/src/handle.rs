//! The public surface: commands in, snapshots and events out.
//!
//! An [`Engine`] owns its threads. A program sends [`Command`]s, reads the newest [`Snapshot`]
//! (an immutable value, replaced a few times a second) and drains events. Nothing here blocks
//! but [`Answer::wait`] and [`Engine::close`].

mod command;
mod control;
mod effect;
mod snapshot;

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use thiserror::Error;

use crate::config::Settings;
use crate::flow::{Roles, Runtime, spawn};
use crate::model::Catalog;
use crate::telemetry::{Cursor, Drained};
use crate::watch::alerts::Rule;
use crate::watch::history::History;

pub use crate::wire::OpenError;
pub use command::Command;
pub use effect::Effect;
pub use snapshot::{
    ConsumerState, ConsumerView, DcView, LoadPace, LoadView, PartitionView, QueueView, RegionView,
    Snapshot,
};

/// Commands that may wait. A person sends a few; a program that sends more waits.
const COMMANDS: usize = 64;

/// Where the answer to a command goes.
#[derive(Debug)]
pub struct Reply<T> {
    answer: Sender<T>,
    /// Gone when nobody waits any more.
    asked: Weak<()>,
}

impl<T> Reply<T> {
    fn send(self, value: T) {
        if self.answer.send(value).is_err() {
            tracing::debug!("nobody waits for this answer any more");
        }
    }

    /// Whether somebody still waits.
    fn is_wanted(&self) -> bool {
        self.asked.strong_count() > 0
    }
}

/// The answer to a command, on its way. Dropping it gives it up: what is computed for it alone
/// ends.
#[derive(Debug)]
pub struct Answer<T> {
    answer: Receiver<T>,
    /// Kept while somebody waits.
    _asked: Arc<()>,
}

/// The engine ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the engine has ended")]
pub struct EngineGone;

impl<T> Answer<T> {
    /// Waits for the answer.
    pub fn wait(&self) -> Result<T, EngineGone> {
        self.answer.recv().map_err(|_gone| EngineGone)
    }

    /// Waits for the answer, for a time; `None` when it is not there by then.
    pub fn wait_for(&self, time: Duration) -> Option<Result<T, EngineGone>> {
        match self.answer.recv_timeout(time) {
            Ok(value) => Some(Ok(value)),
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => None,
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Some(Err(EngineGone)),
        }
    }
}

/// The two ends of an answer.
fn question<T>() -> (Reply<T>, Answer<T>) {
    let (sender, answer) = bounded(1);
    let asked = Arc::new(());
    let reply = Reply {
        answer: sender,
        asked: Arc::downgrade(&asked),
    };
    let answer = Answer {
        answer,
        _asked: asked,
    };
    (reply, answer)
}

/// A running engine.
pub struct Engine {
    runtime: Arc<Runtime>,
    commands: Sender<Command>,
    control: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens the data directory and starts the parts that `roles` names.
    pub fn open(settings: Settings, roles: Roles) -> Result<Self, OpenError> {
        let ports = crate::wire::open(&settings)?;
        let runtime = Runtime::start(settings, ports, roles)?;
        let (commands, received) = bounded(COMMANDS);
        let shared = Arc::clone(&runtime);
        let control = spawn("control", move || control::control(&shared, &received))?;
        Ok(Self {
            runtime,
            commands,
            control: Some(control),
        })
    }

    /// Makes what an engine of these settings finds when it is opened: in live mode topics,
    /// keyspace and tables, as far as they are missing; embedded ones are made when they are
    /// opened. Nothing is ever dropped. Takes seconds, and must not run on a thread that draws.
    ///
    /// Where topics are made for tables that were there before (Kafka lost its data, or the topics
    /// have another prefix now), consumers that run must be started again.
    pub fn set_up(settings: &Settings) -> Result<(), OpenError> {
        crate::wire::setup(settings)
    }

    /// Sends a command that has no answer.
    pub fn send(&self, command: Command) -> Result<(), EngineGone> {
        self.commands.send(command).map_err(|_gone| EngineGone)
    }

    /// Sends a command and returns its answer to come.
    pub fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Answer<T> {
        let (reply, answer) = question();
        if self.send(command(reply)).is_err() {
            tracing::debug!("the engine has ended");
        }
        answer
    }

    /// The same, if `may` allows the command; `None` when it does not, and nothing is sent.
    pub fn ask_if<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
        may: impl FnOnce(&Command) -> bool,
    ) -> Option<Answer<T>> {
        let (reply, answer) = question();
        let command = command(reply);
        if !may(&command) {
            return None;
        }
        if self.send(command).is_err() {
            tracing::debug!("the engine has ended");
        }
        Some(answer)
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.runtime.snapshot.load_full()
    }

    /// What was measured each second of the last hour. Cheap: a pointer is copied.
    pub fn history(&self) -> Arc<History> {
        self.runtime.history.load_full()
    }

    /// The alert rules in force; `watch::alerts::to_prometheus` writes them as a rule file.
    pub fn alert_rules(&self) -> &[Rule] {
        self.runtime.alerts.rules()
    }

    /// The names behind the ids of lines.
    pub fn catalog(&self) -> &Arc<Catalog> {
        self.runtime.store.catalog()
    }

    /// Events since a cursor.
    pub fn events(&self, since: Cursor) -> Drained {
        self.runtime.events.since(since)
    }

    /// Calls `wake` after each new snapshot, from a thread of the engine: it must not block.
    pub fn on_snapshot(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.runtime.set_waker(Box::new(wake));
    }

    /// Ends the engine: a running load is stopped where it stands, faults end, everything is
    /// written. Returns what went wrong meanwhile.
    pub fn close(mut self) -> Vec<String> {
        self.shut()
    }

    fn shut(&mut self) -> Vec<String> {
        let Some(control) = self.control.take() else {
            return Vec::new();
        };
        let failures = self.runtime.stop();
        let (closed, _) = bounded(0);
        self.commands = closed;
        if control.join().is_err() {
            tracing::error!("the control thread ended with a panic");
        }
        failures
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for failure in self.shut() {
            tracing::warn!(%failure, "while closing");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_dropped_is_not_wanted_any_more() {
        let (reply, answer) = question::<u8>();
        assert!(reply.is_wanted());
        drop(answer);
        assert!(!reply.is_wanted());
        reply.send(1);
    }

    #[test]
    fn an_answer_arrives() {
        let (reply, answer) = question();
        reply.send(7);
        assert_eq!(answer.wait(), Ok(7));
        assert_eq!(answer.wait(), Err(EngineGone));
    }
}
