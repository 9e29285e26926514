//! Reading: the partitions of a topic, each from any offset on, fetched ahead by librdkafka.
//!
//! Readers belong to no group. A reader keeps a cursor in each partition; reading on from where
//! the last call ended costs nothing but taking what is there, any other offset is a seek.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::config::{KafkaConfig, REQUEST_TIMEOUT};
use super::errors::{log_error, of_code};
use super::health::{Ear, Link};
use super::offsets::Offsets;
use super::producer::{LOAD_HEADER, load_of};
use crate::model::{LoadId, Offset, Topic, TopicPartition};
use crate::ports::{FetchedBatch, LogError, RecordBatch};

/// Records of one batch at most. Batches of Kafka cannot be seen from here; these are made of
/// records that follow each other with one load and one time.
const BATCH_RECORDS: u32 = 1_024;
/// How long a seek may take; nothing is sent for it.
const SEEK_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait between two looks at the deadline.
const POLL: Duration = Duration::from_millis(100);
/// Batches whose times are remembered, per partition: those between what is committed and what is
/// read, some flushes of [`BATCH_RECORDS`].
const TIMES_KEPT: usize = 256;

/// Where a reader stands in a partition.
struct Cursor {
    queue: Option<PartitionQueue<Ear>>,
    /// Next offset to give.
    next: Option<u64>,
    /// A record that was taken and had no room.
    rest: Option<Taken>,
    /// Times of the last batches: first offset, one past the last, time.
    times: VecDeque<(u64, u64, DateTime<Utc>)>,
    /// Orders cursors by use.
    used: u64,
}

/// A record taken out of librdkafka.
struct Taken {
    offset: u64,
    millis: i64,
    load: LoadId,
    value: Vec<u8>,
}

/// A reader of one topic.
pub(super) struct Reader {
    topic: Topic,
    name: String,
    consumer: Arc<BaseConsumer<Ear>>,
    link: Arc<Link>,
    offsets: Arc<Offsets>,
    cursors: Vec<Mutex<Cursor>>,
}

impl Reader {
    /// Of a topic.
    pub(super) fn new(
        topic: Topic,
        config: &KafkaConfig,
        link: &Arc<Link>,
        offsets: &Arc<Offsets>,
    ) -> Result<Self, LogError> {
        let ear = Ear::new(Arc::clone(link), "reader");
        let consumer = BaseConsumer::from_config_and_context(&config.reader(), ear)
            .map_err(|error| log_error(link, "start a reader", &error))?;
        let cursors = (0..config.partitions_of(topic)).map(|_| {
            Mutex::new(Cursor {
                queue: None,
                next: None,
                rest: None,
                times: VecDeque::new(),
                used: 0,
            })
        });
        Ok(Self {
            topic,
            name: config.names.topic(topic).to_owned(),
            consumer: Arc::new(consumer),
            link: Arc::clone(link),
            offsets: Arc::clone(offsets),
            cursors: cursors.collect(),
        })
    }

    /// Serves what the client has to say.
    pub(super) fn listen(&self) {
        if let Some(Err(error)) = self.consumer.poll(Duration::ZERO) {
            tracing::debug!(topic = %self.topic, %error, "reader");
        }
    }

    /// Whether the cursor of a partition stands at an offset, and when it was used last.
    pub(super) fn stands_at(&self, partition: TopicPartition, at: u64) -> (bool, u64) {
        let Some(cursor) = self.cursors.get(usize::from(partition.partition.0)) else {
            return (false, 0);
        };
        let cursor = cursor.lock();
        (cursor.next == Some(at), cursor.used)
    }

    /// Time of the record at an offset, if it was among the last ones given.
    pub(super) fn time_of(&self, partition: TopicPartition, at: u64) -> Option<DateTime<Utc>> {
        let cursor = self.cursors.get(usize::from(partition.partition.0))?.lock();
        let mut times = cursor.times.iter().rev();
        let found = times.find(|(from, to, _)| (*from..*to).contains(&at));
        found.map(|(_, _, time)| *time)
    }

    /// Reads from `from` on, up to `max_bytes` and one record at least if `end` says that there
    /// is one. `used` orders the calls.
    pub(super) fn read(
        &self,
        partition: TopicPartition,
        from: u64,
        end: u64,
        max_bytes: usize,
        used: u64,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        let cursor = self.cursors.get(usize::from(partition.partition.0));
        let mut cursor = cursor.ok_or(LogError::NoPartition(partition))?.lock();
        let cursor = &mut *cursor;
        cursor.used = used;
        if cursor.next != Some(from) {
            self.go_to(partition, from, cursor)?;
        }
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let mut made = Batches::new(max_bytes);
        let mut sought = false;
        if let Some(rest) = cursor.rest.take() {
            cursor.rest = made.add(rest).err();
        }
        while cursor.rest.is_none() {
            let Some(queue) = &cursor.queue else {
                break;
            };
            let wanted = made.next.unwrap_or(from);
            // What is there is taken; only for the first record is waited, and only if there is
            // one.
            let wait = if made.is_empty() && wanted < end {
                POLL
            } else {
                Duration::ZERO
            };
            let polled = queue.poll(wait);
            let record = match polled.map(|result| result.map(|message| taken(&message, wanted))) {
                Some(Ok(Some(record))) => record,
                Some(Ok(None)) => continue,
                Some(Err(error)) => {
                    self.judge(partition, wanted, &error)?;
                    continue;
                }
                None if wait.is_zero() => break,
                None if Instant::now() < deadline => continue,
                None => {
                    cursor.next = None;
                    return Err(of_code(&self.link, "give lines", Code::OperationTimedOut));
                }
            };
            if record.offset == wanted {
                cursor.rest = made.add(record).err();
            } else if sought || !made.is_empty() {
                return Err(self.hole(partition, wanted, record.offset));
            } else {
                sought = true;
                self.go_to(partition, wanted, cursor)?;
            }
        }
        cursor.next = Some(made.next.unwrap_or(from));
        let batches = made.finish();
        for batch in &batches {
            if cursor.times.len() >= TIMES_KEPT {
                cursor.times.pop_front();
            }
            let base = batch.base_offset.0;
            let end = base + u64::from(batch.batch.records);
            cursor.times.push_back((base, end, batch.appended_at));
        }
        Ok(batches)
    }

    fn hole(&self, partition: TopicPartition, wanted: u64, found: u64) -> LogError {
        LogError::Refused {
            what: format!(
                "{partition}: offset {wanted} is missing, the next one is {found}; topic {}",
                self.name
            ),
            remedy: "set cleanup.policy of the topic to delete, let no program write to it in \
                     transactions, and load the files again",
        }
    }

    /// What an error in place of a record means: nothing where librdkafka tries again by itself.
    fn judge(
        &self,
        partition: TopicPartition,
        wanted: u64,
        error: &KafkaError,
    ) -> Result<(), LogError> {
        if error.rdkafka_error_code() == Some(Code::AutoOffsetReset) {
            return Err(LogError::OutOfRange {
                partition,
                offset: Offset(wanted),
                offsets: self.offsets.now(partition)?,
            });
        }
        let error = log_error(&self.link, "give lines", error);
        match error {
            LogError::Down(why) => {
                tracing::debug!(%partition, why, "a fetch failed and goes on by itself");
                Ok(())
            }
            other => Err(other),
        }
    }

    /// Sets a cursor to an offset.
    fn go_to(
        &self,
        partition: TopicPartition,
        offset: u64,
        cursor: &mut Cursor,
    ) -> Result<(), LogError> {
        let told = |error| log_error(&self.link, "set where to read", &error);
        let number = i32::from(partition.partition.0);
        let at = KafkaOffset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
        cursor.rest = None;
        cursor.next = None;
        if cursor.queue.is_none() {
            // The queue is split off before anything can arrive in it.
            let mut queue = self
                .consumer
                .split_partition_queue(&self.name, number)
                .ok_or(LogError::NoPartition(partition))?;
            let (offsets, topic) = (Arc::clone(&self.offsets), self.topic);
            queue.set_nonempty_callback(move || offsets.bell(topic).ring());
            let mut wanted = TopicPartitionList::new();
            wanted
                .add_partition_offset(&self.name, number, at)
                .map_err(told)?;
            self.consumer.incremental_assign(&wanted).map_err(told)?;
            cursor.queue = Some(queue);
            return Ok(());
        }
        // It fails while librdkafka is still busy with the partition, and may be tried again.
        self.consumer
            .seek(&self.name, number, at, SEEK_TIMEOUT)
            .map_err(|error| LogError::Down(format!("{partition} cannot be read yet: {error}")))
    }
}

/// A message as a record; `None` for one before the offset that is wanted.
fn taken(message: &BorrowedMessage<'_>, wanted: u64) -> Option<Taken> {
    let offset = u64::try_from(message.offset()).ok()?;
    if offset < wanted {
        return None;
    }
    let header = message.headers().and_then(|headers| {
        let mut all = headers.iter();
        all.find(|header| header.key == LOAD_HEADER)
            .and_then(|header| header.value)
    });
    Some(Taken {
        offset,
        millis: message.timestamp().to_millis().unwrap_or(0),
        load: load_of(header),
        value: message.payload().unwrap_or_default().to_vec(),
    })
}

/// Records put together into batches.
struct Batches {
    max_bytes: usize,
    bytes: usize,
    next: Option<u64>,
    done: Vec<FetchedBatch>,
    open: Option<Open>,
}

/// A batch that is being put together.
struct Open {
    base: u64,
    millis: i64,
    load: LoadId,
    records: u32,
    bytes: Vec<u8>,
}

impl Batches {
    const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            bytes: 0,
            next: None,
            done: Vec::new(),
            open: None,
        }
    }

    const fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// Adds a record, or gives it back when there is no room.
    fn add(&mut self, record: Taken) -> Result<(), Taken> {
        let size = record.value.len() + 4;
        if !self.is_empty() && self.bytes + size > self.max_bytes {
            return Err(record);
        }
        self.bytes += size;
        self.next = Some(record.offset + 1);
        let fits = self.open.as_ref().is_some_and(|open| {
            open.load == record.load && open.millis == record.millis && open.records < BATCH_RECORDS
        });
        if !fits {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            base: record.offset,
            millis: record.millis,
            load: record.load,
            records: 0,
            bytes: Vec::with_capacity(size * 64),
        });
        // Records are far below 4 GiB: brokers take some MiB at most.
        let len = u32::try_from(record.value.len()).unwrap_or(u32::MAX);
        open.bytes.extend_from_slice(&len.to_le_bytes());
        open.bytes.extend_from_slice(&record.value);
        open.records += 1;
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.done.push(FetchedBatch {
                base_offset: Offset(open.base),
                appended_at: DateTime::from_timestamp_millis(open.millis).unwrap_or_default(),
                batch: RecordBatch {
                    load: open.load,
                    records: open.records,
                    bytes: Bytes::from(open.bytes),
                },
            });
        }
    }

    fn finish(mut self) -> Vec<FetchedBatch> {
        self.close();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::record::Records;

    fn record(offset: u64, load: u64, millis: i64) -> Taken {
        Taken {
            offset,
            millis,
            load: LoadId(load),
            value: vec![7; 6],
        }
    }

    #[test]
    fn records_of_one_load_and_time_share_a_batch() {
        let mut made = Batches::new(usize::MAX);
        for taken in [
            record(5, 1, 9),
            record(6, 1, 9),
            record(7, 1, 10),
            record(8, 2, 10),
        ] {
            assert!(made.add(taken).is_ok());
        }
        assert_eq!(made.next, Some(9));
        let batches = made.finish();
        let shape: Vec<_> = batches
            .iter()
            .map(|b| (b.base_offset.0, b.batch.records, b.batch.load.0))
            .collect();
        assert_eq!(shape, [(5, 2, 1), (7, 1, 1), (8, 1, 2)]);
        for batch in &batches {
            let count = Records::new(&batch.batch.bytes).map(Result::unwrap).count();
            assert_eq!(count, batch.batch.records as usize);
        }
    }

    #[test]
    fn the_limit_holds_from_the_second_record_on() {
        let mut made = Batches::new(15);
        assert!(made.add(record(0, 1, 1)).is_ok(), "one at least");
        let back = made.add(record(1, 1, 1)).unwrap_err();
        assert_eq!(back.offset, 1);
        assert_eq!(made.next, Some(1));
    }
}
