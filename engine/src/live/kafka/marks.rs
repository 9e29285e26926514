//! The marks of loads: a compacted topic of one partition, keyed by the load's id.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};
use rdkafka::{ClientContext, Offset as KafkaOffset, TopicPartitionList};

use super::config::{KafkaConfig, REQUEST_TIMEOUT};
use super::errors::{log_error, of_code};
use super::health::{Ear, Link};
use crate::model::LoadId;
use crate::ports::{LoadMark, LogError};

/// How often the thread of delivery reports looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);
/// Wait for one record while marks are read.
const READ_POLL: Duration = Duration::from_millis(100);

/// What a mark has become.
#[derive(Debug, Default)]
pub(super) struct Sent {
    report: Mutex<Option<Result<(), Code>>>,
    reported: Condvar,
}

struct Reports(Ear);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.0.log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Arc<Sent>) {
        let report = match result {
            Ok(_message) => Ok(()),
            Err((error, _message)) => Err(error.rdkafka_error_code().unwrap_or(Code::Fail)),
        };
        *sent.report.lock() = Some(report);
        sent.reported.notify_all();
    }
}

/// What was read of the topic.
struct Read {
    consumer: BaseConsumer<Ear>,
    /// Next offset to read.
    next: u64,
    known: BTreeMap<LoadId, Bytes>,
}

/// Writes and reads marks.
pub(super) struct Marks {
    config: KafkaConfig,
    link: Arc<Link>,
    producer: Arc<BaseProducer<Reports>>,
    ends: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
    read: Mutex<Read>,
}

impl Marks {
    /// Connects.
    pub(super) fn new(config: &KafkaConfig, link: &Arc<Link>) -> Result<Arc<Self>, LogError> {
        let ear = |role| Ear::new(Arc::clone(link), role);
        let told = |error| log_error(link, "keep marks of loads", &error);
        let reports = Reports(ear("marks"));
        let producer = BaseProducer::from_config_and_context(&config.marks_producer(), reports)
            .map_err(told)?;
        let producer = Arc::new(producer);
        let consumer = BaseConsumer::from_config_and_context(&config.reader(), ear("marks reader"))
            .map_err(told)?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&config.names.marks, 0, KafkaOffset::Beginning)
            .map_err(told)?;
        consumer.assign(&all).map_err(told)?;
        let ends = Arc::new(AtomicBool::new(false));
        let (polled, ended) = (Arc::clone(&producer), Arc::clone(&ends));
        let thread = super::spawn("kafka-marks", move || {
            while !ended.load(Ordering::Acquire) {
                polled.poll(POLL);
            }
        })?;
        Ok(Arc::new(Self {
            config: config.clone(),
            link: Arc::clone(link),
            producer,
            ends,
            thread: Mutex::new(Some(thread)),
            read: Mutex::new(Read {
                consumer,
                next: 0,
                known: BTreeMap::new(),
            }),
        }))
    }

    /// Replaces the mark of a load, and waits until that is durable: [`REQUEST_TIMEOUT`] at most.
    pub(super) fn put(&self, mark: &LoadMark) -> Result<(), LogError> {
        let sent = Arc::new(Sent::default());
        let key = mark.load.0.to_string();
        let mut record = BaseRecord::with_opaque_to(&self.config.names.marks, Arc::clone(&sent))
            .partition(0)
            .key(key.as_bytes());
        record.payload = Some(mark.payload.as_ref());
        let tried = "keep the mark of a load";
        self.producer
            .send(record)
            .map_err(|(error, _record)| log_error(&self.link, tried, &error))?;
        // The client gives a mark up after that time, and reports so.
        let deadline = Instant::now() + REQUEST_TIMEOUT + REQUEST_TIMEOUT;
        let mut report = sent.report.lock();
        while report.is_none() {
            if sent.reported.wait_until(&mut report, deadline).timed_out() {
                return Err(of_code(&self.link, tried, Code::MessageTimedOut));
            }
        }
        match *report {
            Some(Err(code)) => Err(of_code(&self.link, tried, code)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// The latest mark of every load.
    pub(super) fn all(&self) -> Result<Vec<LoadMark>, LogError> {
        let tried = "give the marks of loads";
        let mut read = self.read.lock();
        let (_, end) = read
            .consumer
            .fetch_watermarks(&self.config.names.marks, 0, REQUEST_TIMEOUT)
            .map_err(|error| log_error(&self.link, tried, &error))?;
        // Compaction leaves the last record, so that the end is always reached.
        let end = u64::try_from(end).unwrap_or(0);
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let Read {
            consumer,
            next,
            known,
        } = &mut *read;
        while *next < end {
            match consumer.poll(READ_POLL) {
                Some(Ok(message)) => take(&message, next, known),
                Some(Err(error)) if Instant::now() >= deadline => {
                    return Err(log_error(&self.link, tried, &error));
                }
                Some(Err(_)) | None => {
                    if Instant::now() >= deadline {
                        return Err(of_code(&self.link, tried, Code::OperationTimedOut));
                    }
                }
            }
        }
        let marks = known.iter().map(|(load, payload)| LoadMark {
            load: *load,
            payload: payload.clone(),
        });
        Ok(marks.collect())
    }

    /// Serves what the reading client has to say.
    pub(super) fn listen(&self) {
        let Some(mut read) = self.read.try_lock() else {
            return;
        };
        let Read {
            consumer,
            next,
            known,
        } = &mut *read;
        if let Some(Ok(message)) = consumer.poll(Duration::ZERO) {
            take(&message, next, known);
        }
    }
}

fn take(message: &BorrowedMessage<'_>, next: &mut u64, known: &mut BTreeMap<LoadId, Bytes>) {
    *next = u64::try_from(message.offset()).unwrap_or(0) + 1;
    let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
    let load = key.and_then(|text| text.parse().ok()).map(LoadId);
    if let (Some(load), Some(payload)) = (load, message.payload()) {
        known.insert(load, Bytes::copy_from_slice(payload));
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of mark reports ended with a panic");
        }
    }
}
