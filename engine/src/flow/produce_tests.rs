//! A producer over a log that refuses some of its groups.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;

use super::*;
use crate::clean::Rules;
use crate::intake::{ReadOptions, RowLayout};
use crate::ledger;
use crate::model::{CommittedOffset, LoadId, Offset};
use crate::ports::{Fault, FetchedBatch, PartitionOffsets, SystemClock};
use crate::route::RoutingMap;

const ROWS: &[u8] = include_bytes!("../../../assets/Online_Retail_first_10k.csv");

/// A log that counts, and refuses the submits of a list when they are waited for: those queued
/// behind them are there all the same.
#[derive(Default)]
struct Refusing {
    refused: BTreeSet<usize>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    submits: usize,
    ends: BTreeMap<TopicPartition, u64>,
    marks: Vec<LoadRecord>,
}

struct Answer(Result<AppendReceipt, LogError>);

impl PendingAppend for Answer {
    fn wait(self: Box<Self>) -> Result<AppendReceipt, LogError> {
        self.0
    }
}

impl Log for Refusing {
    fn partitions(&self, _topic: Topic) -> u16 {
        2
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        let mut inner = self.inner.lock();
        inner.submits += 1;
        if self.refused.contains(&inner.submits) {
            return Ok(Box::new(Answer(Err(LogError::Down("a test".into())))));
        }
        let mut receipt = AppendReceipt::default();
        for (partition, batch) in &append.batches {
            let end = inner.ends.entry(*partition).or_default();
            receipt.base_offsets.push(Offset(*end));
            *end += u64::from(batch.records);
        }
        let marks = append
            .mark
            .iter()
            .map(|m| LoadRecord::from_mark(m).unwrap());
        inner.marks.extend(marks);
        Ok(Box::new(Answer(Ok(receipt))))
    }

    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        let end = self.inner.lock().ends.get(&partition).copied();
        Ok(PartitionOffsets {
            begin: Offset(0),
            end: EndOffset(end.unwrap_or_default()),
        })
    }

    fn fetch(&self, _: TopicPartition, _: Offset, _: usize) -> Result<Vec<FetchedBatch>, LogError> {
        Ok(Vec::new())
    }

    fn wait_for_append(&self, _: Topic, seen: u64, _: Duration) -> u64 {
        seen
    }

    fn wake(&self) {}

    fn offset_at(&self, _: TopicPartition, _: DateTime<Utc>) -> Result<Offset, LogError> {
        Ok(Offset(0))
    }

    fn appended_at(&self, _: TopicPartition, _: Offset) -> Result<Option<DateTime<Utc>>, LogError> {
        Ok(None)
    }

    fn committed(&self, _: TopicPartition) -> Result<Option<CommittedOffset>, LogError> {
        Ok(None)
    }

    fn commit(&self, _: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError> {
        Ok(())
    }

    fn marks(&self) -> Result<Vec<LoadMark>, LogError> {
        Ok(Vec::new())
    }

    fn drop_before(&self, _: DateTime<Utc>) -> Result<u64, LogError> {
        Ok(0)
    }

    fn set_faults(&self, _: &[Fault]) {}

    fn close(&self) -> Result<(), LogError> {
        Ok(())
    }
}

fn produce(log: &Arc<Refusing>, limit: ErrorLimit) -> Result<LoadRecord, ProduceError> {
    produce_file(log, limit, ROWS.to_vec())
}

fn produce_file(
    log: &Arc<Refusing>,
    limit: ErrorLimit,
    file: Vec<u8>,
) -> Result<LoadRecord, ProduceError> {
    // Only the head is read before the load begins.
    let mut options = ReadOptions::default();
    options.limits.head_bytes = 64 << 10;
    let routing = Arc::new(RoutingMap::builtin().unwrap());
    let rules = Rules::builtin().unwrap();
    let mut reader = LineReader::of_bytes(file, &options, &rules, &routing).unwrap();
    let clock = Arc::new(SystemClock::default());
    let producer = Producer {
        log: Arc::clone(log) as Arc<dyn Log>,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        gate: Arc::default(),
        rate: Arc::default(),
        counters: Arc::default(),
        ways: Ways::of_a_test(),
        progress: Arc::new(|_, _| {}),
        group_lines: 1_000,
        limit,
    };
    let load = LoadRecord {
        id: LoadId(1),
        file: "sample.csv".into(),
        fingerprint: String::new(),
        reading: 0,
        layout: RowLayout::of(reader.plan()),
        rules: None,
        started_at: clock.now(),
        produced_at: None,
        state: LoadState::Reading,
        input_remedy: None,
        input_line: None,
        intake: ledger::Intake::default(),
        lines_before: 0,
        from: Vec::new(),
        to: None,
    };
    producer.run(&mut reader, load)
}

#[test]
fn the_mark_never_goes_back_when_a_newer_group_was_there_first() {
    let sets: [&[usize]; 7] = [&[], &[1], &[4], &[1, 2], &[3, 5], &[2, 3, 4], &[10, 11, 12]];
    for refused in sets {
        let log = Arc::new(Refusing {
            refused: refused.iter().copied().collect(),
            ..Refusing::default()
        });
        let load = produce(&log, ErrorLimit::None).unwrap();
        assert_eq!(load.state, LoadState::Produced);
        let inner = log.inner.lock();
        let marked: Vec<_> = inner.marks.iter().map(|mark| mark.intake.read).collect();
        assert!(marked.is_sorted(), "refused {refused:?}: {marked:?}");
        assert_eq!(marked.last(), Some(&10_000), "refused {refused:?}");
        let there: u64 = inner.ends.values().sum();
        assert_eq!(there, 10_000, "each row once; refused {refused:?}");
        // What the load says of its ends is what the log has.
        let to: BTreeMap<_, _> = load.to.unwrap().into_iter().collect();
        for (partition, end) in &inner.ends {
            assert_eq!(to.get(partition), Some(&EndOffset(*end)), "{partition}");
        }
    }
}

#[test]
fn a_load_stops_at_the_row_that_passes_the_limit_and_its_mark_says_so() {
    let log = Arc::new(Refusing::default());
    let load = produce(&log, ErrorLimit::Rows(3)).unwrap();
    let LoadState::Stopped(why) = &load.state else {
        panic!("{:?}", load.state);
    };
    assert!(why.starts_with("4 of "), "{why}");
    let there: u64 = log.inner.lock().ends.values().sum();
    assert_eq!(there, load.intake.read, "what was read is in the log");
    assert!(load.is_unfinished(), "it goes on under a wider limit");
}

#[test]
fn a_file_that_is_damaged_behind_its_head_fails_with_the_remedy_of_the_input() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(ROWS).unwrap();
    let mut file = gzip.finish().unwrap();
    file.truncate(file.len() / 2);
    let log = Arc::new(Refusing::default());
    let load = produce_file(&log, ErrorLimit::None, file).unwrap();
    let LoadState::Failed(why) = &load.state else {
        panic!("{:?}", load.state);
    };
    assert!(why.contains("damaged or cut off"), "{why}");
    let remedy = load.input_remedy.as_deref().unwrap();
    assert!(remedy.contains("download the file again"), "{remedy}");
    // Every row is a line here, and the header is the first.
    assert!(load.intake.read > 0);
    assert_eq!(load.input_line, Some(load.intake.read + 2));
    let inner = log.inner.lock();
    assert_eq!(inner.marks.last(), Some(&load), "its mark says so, too");
    let (_, earlier) = inner.marks.split_last().unwrap();
    assert!(earlier.iter().all(|mark| mark.input_remedy.is_none()));
}
