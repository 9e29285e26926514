//! Commits of one member of a group, one after the other, on a thread of their own.
//!
//! librdkafka waits for the answer to a commit without a bound: one that was on its way when the
//! brokers went is sent again until they are back. Here that thread waits, and whoever commits only
//! for as long as it says. For a commit that was given up this means:
//!
//! * It may arrive later, which is harmless. It says no more than what was flushed before it was
//!   made, the brokers take it only from the generation it was made in, and whoever gave it up was
//!   told to try again.
//! * It never arrives after a newer one, and takes nothing back: a commit is handed to librdkafka
//!   when the one before it has ended, and not at all when its caller gave up waiting for that.
//! * Its answer is for nobody: each commit has an answer of its own.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};

use crate::model::{CommittedOffset, TopicPartition};
use crate::ports::LogError;

/// How long an end waits for a commit that is on its way. Nobody waits for its answer any more, so
/// this is for one that is about to be answered.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Where a group is to stand in a partition, with what is known of the record before it.
pub(super) type Position = (TopicPartition, CommittedOffset, String);

/// A commit and where its answer goes.
struct Asked {
    positions: Vec<Position>,
    answer: Sender<Result<(), LogError>>,
}

/// Commits, one after the other.
pub(super) struct Commits {
    /// `None` at the end.
    asks: Option<Sender<Asked>>,
    /// Nothing comes here: it is closed when the thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Commits {
    /// Made by `commit`, which may wait for as long as it likes.
    pub(super) fn new(
        name: &str,
        commit: impl Fn(&[Position]) -> Result<(), LogError> + Send + 'static,
    ) -> Result<Self, LogError> {
        // None waits in between: one that is given up must not be made after all.
        let (asks, asked) = bounded::<Asked>(0);
        let (ends, ended) = bounded(0);
        let thread = super::spawn(name, move || {
            let _ends: Sender<()> = ends;
            // What it holds is let go before it says that it has ended.
            let commit = commit;
            for Asked { positions, answer } in asked {
                let result = commit(&positions);
                if answer.try_send(result).is_err() {
                    tracing::debug!("a commit that was given up has ended");
                }
            }
        })?;
        Ok(Self {
            asks: Some(asks),
            ended,
            thread: Some(thread),
        })
    }

    /// Commits; `None` when it has not ended within a time, or the one before it has not.
    pub(super) fn commit(
        &self,
        positions: &[Position],
        within: Duration,
    ) -> Option<Result<(), LogError>> {
        let deadline = Instant::now() + within;
        let (answer, answered) = bounded(1);
        let asked = Asked {
            positions: positions.to_vec(),
            answer,
        };
        match self.asks.as_ref()?.send_deadline(asked, deadline) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(_)) => return None,
            Err(SendTimeoutError::Disconnected(_)) => return Some(Err(LogError::Closed)),
        }
        match answered.recv_deadline(deadline) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(LogError::Closed)),
        }
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.asks = None;
        if self.ended.recv_timeout(END_WITHIN) == Err(RecvTimeoutError::Timeout) {
            // Closing must not wait until the brokers are back. The thread ends when they are, or
            // with the process.
            tracing::warn!("the brokers have not answered a commit, and it is waited for no more");
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of commits ended with a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::model::{Region, Topic};

    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    fn at(offset: u64) -> Vec<Position> {
        let partition = TopicPartition::new(Topic::Lines(Region::Europe), 0);
        vec![(partition, CommittedOffset(offset), String::new())]
    }

    /// Commits, what makes each of them end, and the offsets that were committed.
    type Driven = (Commits, Sender<Result<(), LogError>>, Arc<Mutex<Vec<u64>>>);

    /// Commits that end when somebody says so.
    fn commits() -> Driven {
        let (brokers, answers) = bounded(10);
        let made = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&made);
        let commits = Commits::new("commits", move |positions| {
            seen.lock().extend(positions.iter().map(|(_, at, _)| at.0));
            answers.recv().unwrap_or(Err(LogError::Closed))
        });
        (commits.unwrap(), brokers, made)
    }

    /// Leaves a commit on its way. The thread may not have begun yet, and then takes none.
    fn give_up_one(commits: &Commits, made: &Mutex<Vec<u64>>) {
        while made.lock().is_empty() {
            assert!(commits.commit(&at(10), SOON).is_none());
        }
    }

    #[test]
    fn a_commit_is_waited_for_as_long_as_it_says_and_none_overtakes_it() {
        let (commits, brokers, made) = commits();
        give_up_one(&commits, &made);
        // Nobody answers still, so this one is never made.
        assert!(commits.commit(&at(20), SOON).is_none());
        brokers.send(Err(LogError::Down("late".into()))).unwrap();
        brokers.send(Ok(())).unwrap();
        let own = commits.commit(&at(30), LONG);
        assert!(matches!(own, Some(Ok(()))), "not the answer of the first");
        assert_eq!(*made.lock(), [10, 30]);
    }

    #[test]
    fn an_end_does_not_wait_for_a_commit_that_is_not_answered() {
        let (commits, brokers, made) = commits();
        give_up_one(&commits, &made);
        let began = Instant::now();
        drop(commits);
        assert!(began.elapsed() < LONG);
        drop(brokers);
    }
}
