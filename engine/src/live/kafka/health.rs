//! What librdkafka says by itself: errors of connections, statistics, its own log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

/// How long an error of a connection explains why a request failed.
const EXPLAINS_FOR: Duration = Duration::from_mins(1);

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
    round_trip_us: AtomicU64,
}

impl Link {
    /// Connections to `brokers`, of which nothing is known.
    pub(super) const fn new(brokers: String) -> Self {
        Self {
            brokers,
            said: Mutex::new(None),
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
