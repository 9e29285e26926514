//! The producer: one Kafka record for each record of an append, acknowledged by all in-sync
//! replicas, then the mark of its load.
//!
//! * A record is in the log exactly once and in order: the producer is idempotent, and a record
//!   that cannot be delivered waits in it for as long as the brokers are away.
//! * Kafka makes records durable and not appends: after a crash the log may hold a part of the
//!   last append of each partition, always its beginning, and the mark from before it.
//! * Whoever waits for an append is told after [`DELIVERY_WAIT`] that the brokers do not answer.
//!   The append stays on its way; submitting the same one again joins it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::config::KafkaConfig;
use super::errors::of_code;
use super::health::{Ear, Link};
use super::marks::Marks;
use super::offsets::Offsets;
use crate::codec::record::Records;
use crate::codec::varint::Reader;
use crate::model::{LoadId, Offset, Topic, TopicPartition};
use crate::ports::{Append, AppendReceipt, LoadMark, LogError, PendingAppend, RecordBatch};

/// Record header with the load, eight bytes, the highest first.
pub(super) const LOAD_HEADER: &str = "load";
/// How long an append may wait for its acknowledgement, or for room in the queue, before its
/// caller is told that the brokers do not answer.
pub(super) const DELIVERY_WAIT: Duration = Duration::from_secs(10);
/// How often the thread of delivery reports looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);

/// What a batch of an append has become.
#[derive(Debug)]
pub(super) struct Batch {
    partition: TopicPartition,
    /// Records without a delivery report.
    left: AtomicU32,
    /// Lowest offset reported.
    base: AtomicU64,
    /// One past the highest offset reported; 0 before the first. Not the base and the number of
    /// records: some of them may have failed, or were never sent.
    end: AtomicU64,
    delivery: Arc<Delivery>,
}

/// What an append has become.
#[derive(Debug)]
struct Delivery {
    state: Mutex<Delivered>,
    changed: Condvar,
}

#[derive(Debug)]
struct Delivered {
    /// Batches that are not reported whole.
    left: usize,
    failed: Option<Code>,
}

/// An append on its way.
struct Underway {
    batches: Vec<(TopicPartition, RecordBatch)>,
    states: Vec<Arc<Batch>>,
    delivery: Arc<Delivery>,
    /// What is handed to librdkafka: batch, and bytes of it.
    handed: Mutex<(usize, usize)>,
    /// Somebody waits for it, or may.
    held: AtomicBool,
}

/// Takes delivery reports.
struct Reports {
    ear: Ear,
    offsets: Arc<Offsets>,
    room: Arc<(Mutex<u64>, Condvar)>,
}

impl ClientContext for Reports {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, fac: &str, message: &str) {
        self.ear.log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }

    fn stats(&self, statistics: rdkafka::statistics::Statistics) {
        self.ear.stats(statistics);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Batch>;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: Arc<Batch>) {
        match result {
            Ok(message) => {
                batch.arrived(message.offset());
            }
            Err((error, _message)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                batch.delivery.state.lock().failed.get_or_insert(code);
            }
        }
        let left = batch.left.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 {
            self.whole(&batch);
        }
        // Waking for each record would cost more than the record.
        if left.is_multiple_of(1_024) {
            *self.room.0.lock() += 1;
            self.room.1.notify_all();
        }
    }
}

impl Reports {
    fn whole(&self, batch: &Batch) {
        if let Some(end) = batch.end() {
            self.offsets.appended(batch.partition, end);
        }
        let mut state = batch.delivery.state.lock();
        state.left = state.left.saturating_sub(1);
        drop(state);
        batch.delivery.changed.notify_all();
    }
}

/// A client of librdkafka and the thread that takes its delivery reports.
struct Client {
    producer: Arc<BaseProducer<Reports>>,
    ends: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of delivery reports ended with a panic");
        }
    }
}

/// Everything that is appended goes through it.
pub(super) struct Appender {
    config: KafkaConfig,
    link: Arc<Link>,
    offsets: Arc<Offsets>,
    marks: Arc<Marks>,
    room: Arc<(Mutex<u64>, Condvar)>,
    /// Replaced when it has failed for good.
    client: Mutex<Arc<Client>>,
    /// Appends that are not acknowledged, oldest first.
    underway: Mutex<VecDeque<Arc<Underway>>>,
    /// Held while an append is handed over, so that appends do not mix.
    handing: Mutex<()>,
}

impl Appender {
    /// Connects.
    pub(super) fn new(
        config: KafkaConfig,
        link: Arc<Link>,
        offsets: Arc<Offsets>,
        marks: Arc<Marks>,
    ) -> Result<Arc<Self>, LogError> {
        let room = Arc::new((Mutex::new(0), Condvar::new()));
        let client = Client::start(&config, &link, &offsets, &room)?;
        Ok(Arc::new(Self {
            config,
            link,
            offsets,
            marks,
            room,
            client: Mutex::new(Arc::new(client)),
            underway: Mutex::default(),
            handing: Mutex::default(),
        }))
    }

    /// Hands an append over. `millis` is the time stamp of its records.
    pub(super) fn submit(
        self: &Arc<Self>,
        append: Append,
        millis: i64,
    ) -> Result<Box<dyn PendingAppend>, LogError> {
        let _handing = self.handing.lock();
        let Append { batches, mark } = append;
        let joined = {
            let underway = self.underway.lock();
            let mut given_up = underway.iter().filter(|u| !u.held.load(Ordering::Acquire));
            given_up.find(|u| u.batches == batches).cloned()
        };
        let append = if let Some(append) = joined {
            append
        } else {
            self.settle_given_up()?;
            let append = Arc::new(Underway::new(batches));
            self.underway.lock().push_back(Arc::clone(&append));
            append
        };
        self.hand_over(&append, millis)?;
        append.held.store(true, Ordering::Release);
        Ok(Box::new(Pending {
            appender: Arc::clone(self),
            append,
            mark,
        }))
    }

    /// Waits until no append is on its way that nobody waits for any more: it may still arrive,
    /// and must not arrive behind what is decided from the end of the log now.
    pub(super) fn settle_given_up(&self) -> Result<(), LogError> {
        let deadline = Instant::now() + DELIVERY_WAIT;
        loop {
            let given_up = {
                let underway = self.underway.lock();
                let mut all = underway.iter();
                all.find(|u| !u.held.load(Ordering::Acquire)).cloned()
            };
            let Some(append) = given_up else {
                return Ok(());
            };
            let unsent = *append.handed.lock() != (append.batches.len(), 0);
            if unsent {
                // What was not handed over never will be; what was is waited for.
                append.cut();
            }
            // Whether it arrived or failed is the same to one who gave it up.
            if append.delivery.wait(deadline).is_none() {
                return Err(self.silent());
            }
            self.done(&append);
        }
    }

    /// Records that wait for acknowledgement.
    pub(super) fn queued(&self) -> u64 {
        let client = Arc::clone(&self.client.lock());
        u64::try_from(client.producer.in_flight_count()).unwrap_or(0)
    }

    fn silent(&self) -> LogError {
        of_code(&self.link, "take lines", Code::MessageTimedOut)
    }

    fn done(&self, append: &Arc<Underway>) {
        self.underway.lock().retain(|u| !Arc::ptr_eq(u, append));
    }

    /// Hands over what librdkafka does not have yet of an append. Waits for room.
    fn hand_over(&self, append: &Underway, millis: i64) -> Result<(), LogError> {
        let client = self.living_client()?;
        let deadline = Instant::now() + DELIVERY_WAIT;
        let mut handed = append.handed.lock();
        while let (Some((partition, batch)), Some(state)) =
            (append.batches.get(handed.0), append.states.get(handed.0))
        {
            let name = self.config.names.topic(partition.topic);
            let load = batch.load.0.to_be_bytes();
            let rest = batch.bytes.get(handed.1..).unwrap_or_default();
            for value in Records::new(rest) {
                let value = value.map_err(|error| LogError::Refused {
                    what: format!("a record for {partition} is damaged: {error}"),
                    remedy: "please report it",
                })?;
                let mut record = Some(record(name, *partition, value, load, millis, state));
                while let Some(next) = record.take() {
                    let heard = *self.room.0.lock();
                    match client.producer.send(next) {
                        Ok(()) => {}
                        Err((KafkaError::MessageProduction(Code::QueueFull), again)) => {
                            self.wait_for_room(heard, deadline)?;
                            record = Some(again);
                        }
                        Err((error, _record)) => {
                            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                            append.cut_at(&mut handed, code);
                            return Err(of_code(&self.link, "take lines", code));
                        }
                    }
                }
                handed.1 += 4 + value.len();
            }
            *handed = (handed.0 + 1, 0);
        }
        Ok(())
    }

    fn wait_for_room(&self, heard: u64, deadline: Instant) -> Result<(), LogError> {
        let mut rings = self.room.0.lock();
        while *rings == heard {
            if self.room.1.wait_until(&mut rings, deadline).timed_out() {
                return Err(self.silent());
            }
        }
        Ok(())
    }

    /// The client, made anew when the one before it failed for good.
    fn living_client(&self) -> Result<Arc<Client>, LogError> {
        let mut client = self.client.lock();
        if let Some((code, reason)) = client.producer.client().fatal_error() {
            tracing::warn!(%code, reason, "the Kafka producer failed for good and is made anew");
            let made = Client::start(&self.config, &self.link, &self.offsets, &self.room)?;
            *client = Arc::new(made);
        }
        Ok(Arc::clone(&client))
    }
}

fn record<'a>(
    topic: &'a str,
    partition: TopicPartition,
    value: &'a [u8],
    load: [u8; 8],
    millis: i64,
    state: &Arc<Batch>,
) -> BaseRecord<'a, [u8], [u8], Arc<Batch>> {
    let headers = OwnedHeaders::new_with_capacity(1).insert(Header {
        key: LOAD_HEADER,
        value: Some(&load),
    });
    let mut record = BaseRecord::with_opaque_to(topic, Arc::clone(state))
        .partition(i32::from(partition.partition.0))
        .payload(value)
        .timestamp(millis)
        .headers(headers);
    record.key = key_of(partition.topic, value);
    record
}

/// The key of a record: the invoice number of a line. Rows that were set aside have none.
fn key_of(topic: Topic, value: &[u8]) -> Option<&[u8]> {
    match topic {
        Topic::Lines(_) => {
            let mut reader = Reader::new(value);
            reader.u8().ok()?;
            reader.str().ok().map(str::as_bytes)
        }
        Topic::Quarantine => None,
    }
}

/// The load in a record's header; the load 0 for records that other programs wrote.
pub(super) fn load_of(header: Option<&[u8]>) -> LoadId {
    let bytes = header.and_then(|value| value.try_into().ok());
    LoadId(bytes.map_or(0, u64::from_be_bytes))
}

impl Client {
    fn start(
        config: &KafkaConfig,
        link: &Arc<Link>,
        offsets: &Arc<Offsets>,
        room: &Arc<(Mutex<u64>, Condvar)>,
    ) -> Result<Self, LogError> {
        let reports = Reports {
            ear: Ear::new(Arc::clone(link), "producer"),
            offsets: Arc::clone(offsets),
            room: Arc::clone(room),
        };
        let producer = BaseProducer::from_config_and_context(&config.producer(), reports)
            .map_err(|error| super::errors::log_error(link, "start a producer", &error))?;
        let producer = Arc::new(producer);
        let ends = Arc::new(AtomicBool::new(false));
        let (polled, ended) = (Arc::clone(&producer), Arc::clone(&ends));
        let thread = super::spawn("kafka-produce", move || {
            while !ended.load(Ordering::Acquire) {
                polled.poll(POLL);
            }
        })?;
        Ok(Self {
            producer,
            ends,
            thread: Mutex::new(Some(thread)),
        })
    }
}

impl Batch {
    fn new(partition: TopicPartition, records: u32, delivery: &Arc<Delivery>) -> Arc<Self> {
        Arc::new(Self {
            partition,
            left: AtomicU32::new(records),
            base: AtomicU64::new(u64::MAX),
            end: AtomicU64::new(0),
            delivery: Arc::clone(delivery),
        })
    }

    /// Takes note of the offset of a record. A negative one says that it is there, and not where.
    fn arrived(&self, offset: i64) {
        if let Ok(offset) = u64::try_from(offset) {
            self.base.fetch_min(offset, Ordering::AcqRel);
            self.end.fetch_max(offset + 1, Ordering::AcqRel);
        }
    }

    /// Where its partition ends at least, by what has arrived.
    fn end(&self) -> Option<u64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end > 0)
    }
}

impl Underway {
    fn new(batches: Vec<(TopicPartition, RecordBatch)>) -> Self {
        let delivery = Arc::new(Delivery {
            state: Mutex::new(Delivered {
                left: batches.iter().filter(|(_, b)| b.records > 0).count(),
                failed: None,
            }),
            changed: Condvar::new(),
        });
        let states = batches
            .iter()
            .map(|(partition, batch)| Batch::new(*partition, batch.records, &delivery));
        Self {
            states: states.collect(),
            delivery,
            handed: Mutex::new((0, 0)),
            held: AtomicBool::new(false),
            batches,
        }
    }

    /// Gives up what was not handed over.
    fn cut(&self) {
        let mut handed = self.handed.lock();
        self.cut_at(&mut handed, Code::PurgeQueue);
    }

    /// Counts the records that will never be handed over as reported, and failed.
    fn cut_at(&self, handed: &mut (usize, usize), code: Code) {
        let rest = self.batches.iter().zip(&self.states).skip(handed.0);
        let mut from = handed.1;
        for ((_, batch), state) in rest {
            let bytes = batch.bytes.get(from..).unwrap_or_default();
            let records = u32::try_from(Records::new(bytes).count()).unwrap_or(u32::MAX);
            from = 0;
            let mut delivered = self.delivery.state.lock();
            delivered.failed.get_or_insert(code);
            if records > 0 && state.left.fetch_sub(records, Ordering::AcqRel) == records {
                delivered.left = delivered.left.saturating_sub(1);
            }
        }
        *handed = (self.batches.len(), 0);
        self.delivery.changed.notify_all();
    }
}

impl Delivery {
    /// How it ended; `None` when it has not by `deadline`.
    fn wait(&self, deadline: Instant) -> Option<Result<(), Code>> {
        let mut state = self.state.lock();
        while state.left > 0 {
            if self.changed.wait_until(&mut state, deadline).timed_out() && state.left > 0 {
                return None;
            }
        }
        Some(state.failed.map_or(Ok(()), Err))
    }
}

/// The append as its caller holds it.
struct Pending {
    appender: Arc<Appender>,
    append: Arc<Underway>,
    mark: Option<LoadMark>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.append.held.store(false, Ordering::Release);
    }
}

impl PendingAppend for Pending {
    fn wait(mut self: Box<Self>) -> Result<AppendReceipt, LogError> {
        let appender = Arc::clone(&self.appender);
        let deadline = Instant::now() + DELIVERY_WAIT;
        match self.append.delivery.wait(deadline) {
            None => return Err(appender.silent()),
            Some(Err(code)) => {
                appender.done(&self.append);
                return Err(of_code(&appender.link, "take lines", code));
            }
            Some(Ok(())) => {}
        }
        // The mark says that the records are there, so it follows them. Should it fail, the
        // append is still to be had: whoever submits it again waits for the mark alone.
        if let Some(mark) = self.mark.take() {
            appender.marks.put(&mark)?;
        }
        appender.done(&self.append);
        let base = |batch: &Arc<Batch>| Offset(batch.base.load(Ordering::Acquire));
        Ok(AppendReceipt {
            base_offsets: self.append.states.iter().map(base).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::record::{LineRecord, put_line};
    use crate::model::{InvoiceTime, LineId, LineRef, Region, RowNo};

    #[test]
    fn the_key_of_a_line_is_its_invoice() {
        let record = LineRecord {
            line: LineRef {
                invoice_no: "536365",
                stock_code: "85123A",
                description: "",
                quantity: 6,
                invoice_time: InvoiceTime(0),
                unit_price: rust_decimal::Decimal::ONE,
                customer: None,
                country: "France",
            },
            occurrence: 0,
            line_id: LineId(7),
            row: RowNo(1),
        };
        let mut bytes = Vec::new();
        put_line(&mut bytes, &record);
        let value = Records::new(&bytes).next().unwrap().unwrap();
        let key = key_of(Topic::Lines(Region::Europe), value);
        assert_eq!(key, Some(&b"536365"[..]));
        assert_eq!(key_of(Topic::Quarantine, value), None);
    }

    #[test]
    fn a_batch_that_arrived_in_part_ends_with_what_arrived() {
        let delivery = Arc::new(Delivery {
            state: Mutex::new(Delivered {
                left: 1,
                failed: None,
            }),
            changed: Condvar::new(),
        });
        let partition = TopicPartition::new(Topic::Lines(Region::Europe), 0);
        let batch = Batch::new(partition, 5, &delivery);
        assert_eq!(batch.end(), None, "nothing arrived");
        batch.arrived(-1);
        assert_eq!(batch.end(), None, "it is not known where");
        batch.arrived(8);
        batch.arrived(7);
        // The other two failed.
        assert_eq!(batch.end(), Some(9));
        assert_eq!(batch.base.load(Ordering::Acquire), 7);
    }

    #[test]
    fn a_header_that_is_not_ours_is_no_load() {
        assert_eq!(load_of(Some(&[0, 0, 0, 0, 0, 0, 0, 9])), LoadId(9));
        assert_eq!(load_of(Some(b"x")), LoadId(0));
        assert_eq!(load_of(None), LoadId(0));
    }
}
