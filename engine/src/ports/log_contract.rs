//! What every [`Log`] must do, as tests that an adapter runs on itself.
//!
//! `open` gives an empty log with at least two partitions per regional topic; `reopen` closes a
//! log and opens it again.

use std::time::Duration;

use bytes::Bytes;

use super::{Append, Fault, FetchedBatch, LoadMark, Log, LogError, RecordBatch};
use crate::codec::record::{Records, put_record};
use crate::model::{CommittedOffset, EndOffset, LoadId, Offset, Region, Topic, TopicPartition};

/// Long enough for any machine, and reached only when something is wrong.
const DEADLINE: Duration = Duration::from_secs(30);

const A: TopicPartition = TopicPartition::new(Topic::Lines(Region::Europe), 0);
const B: TopicPartition = TopicPartition::new(Topic::Lines(Region::Europe), 1);
const C: TopicPartition = TopicPartition::new(Topic::Lines(Region::Americas), 0);

/// A batch of `records` records that differ by `tag`.
pub(crate) fn batch(tag: u8, records: u32) -> RecordBatch {
    let mut bytes = Vec::new();
    for n in 0..records {
        put_record(&mut bytes, |value| {
            value.extend_from_slice(&[1, 1, b'7', tag]);
            value.extend_from_slice(&n.to_le_bytes());
        });
    }
    RecordBatch {
        load: LoadId(u64::from(tag)),
        records,
        bytes: Bytes::from(bytes),
    }
}

/// An append of one batch.
pub(crate) fn append_of(partition: TopicPartition, batch: RecordBatch) -> Append {
    Append {
        batches: vec![(partition, batch)],
        mark: None,
    }
}

/// The records of batches, each with its offset and its load.
fn records(read: &[FetchedBatch]) -> Vec<(u64, (LoadId, Vec<u8>))> {
    let mut all = Vec::new();
    for fetched in read {
        let values: Vec<_> = Records::new(&fetched.batch.bytes).collect();
        assert_eq!(values.len(), fetched.batch.records as usize);
        for (offset, value) in (fetched.base_offset.0..).zip(values) {
            all.push((offset, (fetched.batch.load, value.unwrap().to_vec())));
        }
    }
    all
}

/// Runs the whole contract.
pub(crate) fn check<L: Log>(mut open: impl FnMut() -> L, mut reopen: impl FnMut(L) -> L) {
    offsets_have_no_gaps_and_records_read_back(&open());
    a_fetch_begins_with_the_batch_of_its_offset_and_heeds_its_limit(&open());
    what_is_not_there_is_an_error_by_name(&open());
    commits_are_all_or_none(&open());
    a_mark_replaces_the_one_before(&open());
    waiting_ends_with_an_append_of_the_topic(&open());
    times_are_found_by_offset_and_offsets_by_time(&open());
    a_log_that_is_down_refuses_until_it_is_up(&open());
    a_closed_log_says_so(&open());
    let log = open();
    let log = all_is_there_after_a_clean_close(log, &mut reopen);
    drop(log);
}

fn offsets_have_no_gaps_and_records_read_back(log: &impl Log) {
    let receipt = log
        .append(Append {
            batches: vec![
                (A, batch(1, 3)),
                (B, batch(2, 1)),
                (A, batch(3, 2)),
                (C, batch(4, 1)),
            ],
            mark: None,
        })
        .unwrap();
    assert_eq!(receipt.base_offsets, [0, 0, 3, 0].map(Offset));
    let receipt = log.append(append_of(A, batch(5, 1))).unwrap();
    assert_eq!(receipt.base_offsets, [Offset(5)]);
    let read = log.fetch(A, Offset(0), usize::MAX).unwrap();
    let mut expected = Vec::new();
    for batch in [batch(1, 3), batch(3, 2), batch(5, 1)] {
        let values = Records::new(&batch.bytes).map(|value| value.unwrap().to_vec());
        expected.extend(values.map(|value| (batch.load, value)));
    }
    let expected: Vec<_> = (0..).zip(expected).collect();
    assert_eq!(records(&read), expected);
    let offsets = log.offsets(A).unwrap();
    assert_eq!((offsets.begin, offsets.end), (Offset(0), EndOffset(6)));
}

fn a_fetch_begins_with_the_batch_of_its_offset_and_heeds_its_limit(log: &impl Log) {
    for tag in 0..4 {
        log.append(append_of(A, batch(tag, 3))).unwrap();
    }
    let one = batch(0, 3).bytes.len();
    // Where a batch begins is the adapter's; that it holds the offset, and how much comes, not.
    for max in [0, 2 * one, 3 * one - 1, usize::MAX] {
        let read = log.fetch(A, Offset(4), max).unwrap();
        let offsets: Vec<_> = records(&read).into_iter().map(|(at, _)| at).collect();
        let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
        assert_eq!(offsets, (first..=last).collect::<Vec<_>>(), "no gaps");
        assert!((3..=4).contains(&first), "{first}");
        let bytes: usize = read.iter().map(|b| b.batch.bytes.len()).sum();
        assert!(bytes <= max || read.len() == 1, "{max}: {bytes}");
        assert!(max < usize::MAX || last == 11, "all of it: to {last}");
    }
    let read = log.fetch(A, Offset(12), usize::MAX).unwrap();
    assert_eq!(read, [], "nothing at the end");
}

fn what_is_not_there_is_an_error_by_name(log: &impl Log) {
    let none = TopicPartition::new(Topic::Quarantine, 500);
    let refused = |result: Result<(), LogError>| {
        assert!(matches!(result, Err(LogError::NoPartition(p)) if p == none));
    };
    refused(log.append(append_of(none, batch(1, 1))).map(drop));
    refused(log.fetch(none, Offset(0), 1).map(drop));
    refused(log.offsets(none).map(drop));
    refused(log.committed(none).map(drop));
    refused(log.commit(&[(none, CommittedOffset(0))]));
    log.append(append_of(A, batch(1, 1))).unwrap();
    let error = log.fetch(A, Offset(2), 1).unwrap_err();
    assert!(matches!(
        error,
        LogError::OutOfRange {
            offset: Offset(2),
            ..
        }
    ));
}

fn commits_are_all_or_none(log: &impl Log) {
    log.append(append_of(A, batch(1, 5))).unwrap();
    assert_eq!(log.committed(A).unwrap(), None);
    log.commit(&[(A, CommittedOffset(5))]).unwrap();
    assert_eq!(log.committed(A).unwrap(), Some(CommittedOffset(5)));
    let both = [(A, CommittedOffset(1)), (B, CommittedOffset(1))];
    let error = log.commit(&both).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { partition, .. } if partition == B));
    assert_eq!(log.committed(A).unwrap(), Some(CommittedOffset(5)));
    log.commit(&[(A, CommittedOffset(2))]).unwrap();
    assert_eq!(log.committed(A).unwrap(), Some(CommittedOffset(2)), "back");
}

fn mark(load: u64, payload: &'static [u8]) -> LoadMark {
    LoadMark {
        load: LoadId(load),
        payload: Bytes::from_static(payload),
    }
}

fn a_mark_replaces_the_one_before(log: &impl Log) {
    for mark in [mark(9, b"nine"), mark(7, b"old"), mark(7, b"new")] {
        log.append(Append {
            batches: Vec::new(),
            mark: Some(mark),
        })
        .unwrap();
    }
    assert_eq!(log.marks().unwrap(), [mark(7, b"new"), mark(9, b"nine")]);
}

fn waiting_ends_with_an_append_of_the_topic(log: &impl Log) {
    let quick = Duration::from_millis(1);
    assert_eq!(log.wait_for_append(A.topic, 0, quick), 0, "nothing there");
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| log.wait_for_append(A.topic, 0, DEADLINE));
        log.append(append_of(A, batch(1, 1))).unwrap();
        let seen = waiter.join().unwrap();
        assert_ne!(seen, 0);
        log.append(append_of(C, batch(1, 1))).unwrap();
        assert_eq!(
            log.wait_for_append(A.topic, seen, quick),
            seen,
            "another topic"
        );
    });
}

fn times_are_found_by_offset_and_offsets_by_time(log: &impl Log) {
    log.append(append_of(A, batch(1, 2))).unwrap();
    let first = log.appended_at(A, Offset(1)).unwrap().unwrap();
    assert_eq!(log.fetch(A, Offset(0), 0).unwrap()[0].appended_at, first);
    assert_eq!(log.appended_at(A, Offset(2)).unwrap(), None);
    assert!(log.appended_at(A, Offset(3)).is_err());
    assert_eq!(log.offset_at(A, first).unwrap(), Offset(0));
    let later = first + chrono::TimeDelta::days(1);
    assert_eq!(log.offset_at(A, later).unwrap(), Offset(2));
    assert_eq!(log.offset_at(B, first).unwrap(), Offset(0));
}

fn a_log_that_is_down_refuses_until_it_is_up(log: &impl Log) {
    log.append(append_of(A, batch(1, 1))).unwrap();
    log.set_faults(&[Fault::LogDown]);
    let refused = |result: Result<(), LogError>| assert!(matches!(result, Err(LogError::Down(_))));
    refused(log.append(append_of(A, batch(1, 1))).map(drop));
    refused(log.fetch(A, Offset(0), 1).map(drop));
    refused(log.commit(&[(A, CommittedOffset(1))]));
    refused(log.offsets(A).map(drop));
    refused(log.committed(A).map(drop));
    refused(log.appended_at(A, Offset(0)).map(drop));
    log.set_faults(&[]);
    assert_eq!(log.fetch(A, Offset(0), 1).unwrap().len(), 1);
    assert_eq!(log.offsets(A).unwrap().end, EndOffset(1));
}

fn a_closed_log_says_so(log: &impl Log) {
    log.close().unwrap();
    let refused = |result: Result<(), LogError>| assert!(matches!(result, Err(LogError::Closed)));
    refused(log.append(append_of(A, batch(1, 1))).map(drop));
    refused(log.fetch(A, Offset(0), 1).map(drop));
    refused(log.offsets(A).map(drop));
    refused(log.commit(&[]));
    refused(log.marks().map(drop));
    assert_eq!(log.wait_for_append(A.topic, 0, DEADLINE), 0, "ends at once");
}

fn all_is_there_after_a_clean_close<L: Log>(log: L, reopen: &mut impl FnMut(L) -> L) -> L {
    let seen = |log: &L| {
        let partitions = [A, B, C];
        (
            partitions.map(|p| log.fetch(p, Offset(0), usize::MAX).unwrap()),
            partitions.map(|p| log.offsets(p).unwrap()),
            partitions.map(|p| log.committed(p).unwrap()),
            log.marks().unwrap(),
        )
    };
    let batches = vec![(A, batch(1, 2)), (C, batch(2, 3))];
    log.append(Append {
        batches,
        mark: Some(mark(1, b"one")),
    })
    .unwrap();
    log.append(append_of(A, batch(3, 1))).unwrap();
    log.commit(&[(A, CommittedOffset(2)), (C, CommittedOffset(0))])
        .unwrap();
    let before = seen(&log);
    let log = reopen(log);
    assert_eq!(seen(&log), before);
    assert_ne!(log.wait_for_append(A.topic, 0, Duration::ZERO), 0);
    log
}
