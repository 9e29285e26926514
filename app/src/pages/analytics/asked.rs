//! One question to the engine, asked again when its object or the data have changed, and not
//! faster than the answers can be made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::Context;
use retail_engine::flow::AnalyseError;

use crate::link::Pending;

/// Between two questions about the same while a load runs.
const EVERY: Duration = Duration::from_millis(500);
/// The engine works on the answers at most a third of the time, so that a load is not held up.
const REST: u32 = 2;

/// What went wrong, for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Object and cause.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
}

impl Failure {
    fn of(error: &AnalyseError) -> Self {
        let remedy = match error {
            AnalyseError::Store(error) => Some(error.remedy().to_owned()),
            AnalyseError::Ended | AnalyseError::GivenUp => None,
        };
        Self {
            message: format!("The figures cannot be made: {error}"),
            remedy,
        }
    }
}

/// A question about `K` whose answer is a `T`.
pub(super) struct Asked<K, T> {
    key: Option<K>,
    lines: u64,
    pending: Pending<Result<T, AnalyseError>>,
    since: Option<Instant>,
    took: Duration,
    value: Option<(K, Arc<T>)>,
    failure: Option<Failure>,
    answers: u64,
}

impl<K, T> Default for Asked<K, T> {
    fn default() -> Self {
        Self {
            key: None,
            lines: 0,
            pending: Pending::Idle,
            since: None,
            took: Duration::ZERO,
            value: None,
            failure: None,
            answers: 0,
        }
    }
}

impl<K: Clone + PartialEq, T> Asked<K, T> {
    /// Takes the answer if it has come.
    pub(super) fn poll(&mut self, ctx: &Context) {
        self.pending.poll(ctx);
        if let Pending::Gone(gone) = &self.pending {
            self.failure = Some(Failure {
                message: gone.to_string(),
                remedy: Some("start the console again".to_owned()),
            });
            return;
        }
        let Some(answer) = self.pending.take() else {
            return;
        };
        self.took = self.since.map_or(Duration::ZERO, |at| at.elapsed());
        match answer {
            Ok(value) => {
                self.value = self.key.clone().map(|key| (key, Arc::new(value)));
                self.failure = None;
                self.answers += 1;
            }
            Err(error) => self.failure = Some(Failure::of(&error)),
        }
    }

    /// Says what is wanted: asks when that is something else than before, or when the lines in
    /// the figures have changed since the last question.
    pub(super) fn want(
        &mut self,
        key: &K,
        lines: u64,
        ctx: &Context,
        ask: impl FnOnce(K) -> Pending<Result<T, AnalyseError>>,
    ) {
        let other = self.key.as_ref() != Some(key);
        if !other {
            if lines == self.lines || self.pending.waiting().is_some() {
                return;
            }
            let rest = EVERY.max(self.took * REST);
            let since = self.since.map_or(rest, |at| at.elapsed());
            if since < rest {
                ctx.request_repaint_after(rest.saturating_sub(since));
                return;
            }
        }
        if other {
            self.failure = None;
        }
        self.key = Some(key.clone());
        self.lines = lines;
        self.since = Some(Instant::now());
        // An answer that was under way is given up.
        self.pending = ask(key.clone());
    }

    /// Asks anew, whatever is known.
    pub(super) fn forget(&mut self) {
        self.key = None;
        self.failure = None;
    }

    /// The newest answer about `key`.
    pub(super) fn about(&self, key: &K) -> Option<&Arc<T>> {
        let known = self.value.as_ref().filter(|(known, _)| known == key);
        known.map(|(_, value)| value)
    }

    /// The newest answer, and what it is about.
    pub(super) const fn newest(&self) -> Option<&(K, Arc<T>)> {
        self.value.as_ref()
    }

    /// How many answers have come.
    pub(super) const fn answers(&self) -> u64 {
        self.answers
    }

    /// How long an answer is waited for.
    pub(super) fn waiting(&self) -> Option<Duration> {
        self.pending.waiting()
    }

    /// Why there is no answer.
    pub(super) const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}
