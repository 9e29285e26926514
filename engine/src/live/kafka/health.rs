//! What librdkafka says by itself: errors of connections, statistics, its own log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

use super::config::REQUEST_TIMEOUT;
use crate::ports::LogError;

/// How long an error of a connection explains why a request failed.
const EXPLAINS_FOR: Duration = Duration::from_mins(1);
/// How long a question that was not answered is not asked again, at most. Whoever asks it
/// meanwhile is told so at once: everybody would else wait as long, one after the other.
const NOT_AGAIN: Duration = Duration::from_secs(2);
/// How long a question may wait while the brokers do not answer. They answer within milliseconds,
/// and one that is back is found within a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a client said last of its connections.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// What kind of error.
    pub(super) code: RDKafkaErrorCode,
    /// In its words.
    pub(super) reason: String,
    at: Instant,
}

impl Said {
    /// Said now.
    pub(super) fn new(code: RDKafkaErrorCode, reason: String) -> Self {
        Self {
            code,
            reason,
            at: Instant::now(),
        }
    }
}

/// The connections to the brokers as all clients of this process see them.
#[derive(Debug)]
pub(super) struct Link {
    /// The brokers as they were written.
    pub(super) brokers: String,
    said: Mutex<Option<Said>>,
    /// Until when a question that was not answered stands for the others that were not; `None`
    /// once one was answered.
    silent_until: Mutex<Option<Duration>>,
    round_trip_us: AtomicU64,
}

impl Link {
    /// Connections to `brokers`, of which nothing is known.
    pub(super) const fn new(brokers: String) -> Self {
        Self {
            brokers,
            said: Mutex::new(None),
            silent_until: Mutex::new(None),
            round_trip_us: AtomicU64::new(0),
        }
    }

    /// What was said last, as long as it explains something.
    pub(super) fn said(&self) -> Option<Said> {
        let said = self.said.lock().clone();
        said.filter(|said| said.at.elapsed() < EXPLAINS_FOR)
    }

    /// Mean time of a request of the producer in the last second; `None` before the first.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip_us.load(Ordering::Relaxed);
        (micros > 0).then_some(Duration::from_micros(micros))
    }

    fn note(&self, code: RDKafkaErrorCode, reason: &str) {
        let mut said = self.said.lock();
        // That all brokers are down follows from what each of them said, and says less.
        if code == RDKafkaErrorCode::AllBrokersDown && said.is_some() {
            return;
        }
        *said = Some(Said::new(code, reason.to_owned()));
    }
}

/// What is asked of the brokers again and again, and how that went the last time. Times are those
/// of the port's clock.
#[derive(Debug, Default)]
pub(super) struct Question {
    failed: Option<Unanswered>,
}

/// A question that was not answered.
#[derive(Debug)]
struct Unanswered {
    /// Until when it is not asked again.
    until: Duration,
    why: String,
}

impl Question {
    /// How long it may wait when it is asked now; the last failure when it is not to be asked.
    ///
    /// A question that was answered the last time is asked in any case, for it may be another
    /// broker that is away.
    pub(super) fn patience(&self, link: &Link, now: Duration) -> Result<Duration, LogError> {
        let silent_until = *link.silent_until.lock();
        match &self.failed {
            Some(failed) if now < silent_until.unwrap_or_default().max(failed.until) => {
                Err(LogError::Down(failed.why.clone()))
            }
            None if silent_until.is_none() => Ok(REQUEST_TIMEOUT),
            Some(_) | None => Ok(PATIENCE),
        }
    }

    /// Remembers how it went. One that failed is let rest for as long as it was waited for: what
    /// fails at once may be asked again at once.
    pub(super) fn answered<T>(
        &mut self,
        link: &Link,
        asked: Duration,
        now: Duration,
        result: &Result<T, LogError>,
    ) {
        let until = now + now.saturating_sub(asked).min(NOT_AGAIN);
        self.failed = match result {
            Err(LogError::Down(why)) => Some(Unanswered {
                until,
                why: why.clone(),
            }),
            Ok(_) | Err(_) => None,
        };
        *link.silent_until.lock() = self.failed.as_ref().map(|failed| failed.until);
    }
}

/// The ear of one client.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    link: std::sync::Arc<Link>,
    role: &'static str,
}

impl Ear {
    /// Of the client with a role, such as `producer`.
    pub(super) const fn new(link: std::sync::Arc<Link>, role: &'static str) -> Self {
        Self { link, role }
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        // Never a warning: what fails reaches the caller as an error with a remedy, and what the
        // client says of its own retries and of properties that were chosen on purpose is noise.
        let role = self.role;
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::info!(role, fac, "kafka client: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(role, fac, "kafka client: {message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(role = self.role, %error, reason, "kafka connection");
        if let Some(code) = error.rdkafka_error_code() {
            self.link.note(code, reason);
        }
    }

    fn stats(&self, statistics: Statistics) {
        let times = statistics.brokers.values().filter_map(|b| b.rtt.as_ref());
        let slowest = times.map(|window| window.avg).max().unwrap_or(0);
        let micros = u64::try_from(slowest).unwrap_or(0);
        if micros > 0 {
            self.link.round_trip_us.store(micros, Ordering::Relaxed);
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Ear {}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn down() -> Result<(), LogError> {
        Err(LogError::Down("nobody answers".into()))
    }

    #[test]
    fn a_question_that_was_not_answered_rests_and_then_waits_less() {
        let link = Link::new("a:1".into());
        let mut ends = Question::default();
        assert_eq!(ends.patience(&link, at(0)).unwrap(), REQUEST_TIMEOUT);
        ends.answered(&link, at(0), at(10), &down());
        let error = ends.patience(&link, at(11)).unwrap_err();
        assert!(error.to_string().contains("nobody answers"), "{error}");
        assert_eq!(ends.patience(&link, at(12)).unwrap(), PATIENCE);
        ends.answered(&link, at(12), at(12), &Ok(()));
        assert_eq!(ends.patience(&link, at(12)).unwrap(), REQUEST_TIMEOUT);
    }

    #[test]
    fn one_question_that_is_not_answered_stands_for_all_that_were_not() {
        let link = Link::new("a:1".into());
        let (mut ends, mut committed) = (Question::default(), Question::default());
        ends.answered(&link, at(0), at(10), &down());
        // Another broker may be well, so it is asked once.
        assert_eq!(committed.patience(&link, at(10)).unwrap(), PATIENCE);
        committed.answered(&link, at(10), at(13), &down());
        ends.answered(&link, at(15), at(18), &down());
        assert!(committed.patience(&link, at(19)).is_err());
        // Somebody answers: whoever was silent is asked when its own rest is over.
        committed.answered(&link, at(20), at(20), &Ok(()));
        assert_eq!(ends.patience(&link, at(20)).unwrap(), PATIENCE);
        assert_eq!(committed.patience(&link, at(20)).unwrap(), REQUEST_TIMEOUT);
    }

    #[test]
    fn what_fails_at_once_or_for_good_may_be_asked_again_at_once() {
        let link = Link::new("a:1".into());
        let mut ends = Question::default();
        ends.answered(&link, at(5), at(5), &down());
        assert!(ends.patience(&link, at(5)).is_ok());
        ends.answered::<()>(&link, at(5), at(15), &Err(LogError::Closed));
        assert_eq!(ends.patience(&link, at(15)).unwrap(), REQUEST_TIMEOUT);
    }
}
