//! The log alone: a file produced into it, cleaning included, and read back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::counters::Counters;
use super::gate::Gate;
use super::load::{LoadRecord, LoadState};
use super::loads::LoadError;
use super::produce::{Producer, Rate};
use super::ways::Ways;
use crate::clean::Rules;
use crate::config::{ErrorLimit, Settings};
use crate::intake::{LineReader, ReadOptions, RowLayout};
use crate::ledger::Intake;
use crate::model::{LoadId, Offset, Topic, TopicPartition};
use crate::ports::{Clock, Log, LogError};
use crate::route::RoutingMap;
use crate::telemetry::Metrics;

/// Bytes fetched at a time, as consumers do.
const FETCH_BYTES: usize = 1 << 20;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogMeasure {
    /// Records produced, lines and rows set aside.
    pub(crate) records: u64,
    /// Bytes of their values.
    pub(crate) bytes: u64,
    /// From opening the file to the last acknowledgement.
    pub(crate) producing: Duration,
    /// From the first fetch to the last record, with one thread for each topic.
    pub(crate) reading: Duration,
}

/// Produces a file into a log that holds nothing yet, then reads it back.
pub(crate) fn measure_log(
    log: &Arc<dyn Log>,
    clock: &Arc<dyn Clock>,
    settings: &Settings,
    file: &Path,
    rules: &Rules,
    routing: &Arc<RoutingMap>,
) -> Result<LogMeasure, LoadError> {
    let began = clock.monotonic();
    let mut reader = LineReader::open(file, &ReadOptions::default(), rules, routing)?;
    let metrics = Metrics::new(settings.mode).map_err(|error| {
        LoadError::Log(LogError::Refused {
            what: format!("the metrics could not be made: {error}"),
            remedy: "please report it",
        })
    })?;
    let producer = Producer {
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        gate: Arc::new(Gate::default()),
        rate: Arc::new(Rate::default()),
        counters: Arc::new(Counters::default()),
        ways: Arc::new(Ways::new(Arc::new(metrics))),
        progress: Arc::new(|_record, _read| {}),
        group_lines: settings.flow.flush_lines as usize,
        limit: ErrorLimit::None,
    };
    let partitions: Vec<_> = Topic::ALL
        .into_iter()
        .flat_map(|topic| (0..log.partitions(topic)).map(move |n| TopicPartition::new(topic, n)))
        .collect();
    let ends = partitions
        .iter()
        .map(|partition| Ok((*partition, log.offsets(*partition)?.end)))
        .collect::<Result<_, LogError>>()?;
    let record = LoadRecord {
        id: LoadId(1),
        file: file.to_path_buf(),
        fingerprint: String::new(),
        reading: 0,
        layout: RowLayout::of(reader.plan()),
        rules: None,
        started_at: clock.now(),
        produced_at: None,
        state: LoadState::Reading,
        input_remedy: None,
        input_line: None,
        intake: Intake::default(),
        lines_before: 0,
        from: ends,
        to: None,
    };
    let record = producer.run(&mut reader, record)?;
    if let LoadState::Failed(why) = record.state {
        return Err(LoadError::Consumer(why));
    }
    let producing = clock.monotonic().saturating_sub(began);
    let began = clock.monotonic();
    let read = std::thread::scope(|scope| {
        let workers: Vec<_> = Topic::ALL
            .into_iter()
            .map(|topic| {
                std::thread::Builder::new()
                    .name(format!("bench-read-{}", topic.name()))
                    .spawn_scoped(scope, move || read_topic(log.as_ref(), topic))
            })
            .collect();
        let mut sum = (0, 0);
        for worker in workers {
            let (records, bytes) = worker
                .map_err(|error| LoadError::Consumer(format!("no thread could start: {error}")))?
                .join()
                .unwrap_or(Err(LogError::Closed))?;
            sum = (sum.0 + records, sum.1 + bytes);
        }
        Ok::<_, LoadError>(sum)
    })?;
    Ok(LogMeasure {
        records: read.0,
        bytes: read.1,
        producing,
        reading: clock.monotonic().saturating_sub(began),
    })
}

/// Records and bytes of a topic, read in turns from its partitions.
fn read_topic(log: &dyn Log, topic: Topic) -> Result<(u64, u64), LogError> {
    let mut next = Vec::new();
    for number in 0..log.partitions(topic) {
        let partition = TopicPartition::new(topic, number);
        let offsets = log.offsets(partition)?;
        next.push((partition, offsets.begin.0, offsets.end.0));
    }
    let (mut records, mut bytes) = (0, 0);
    while next.iter().any(|(_, at, end)| at < end) {
        for (partition, at, end) in &mut next {
            if *at >= *end {
                continue;
            }
            for fetched in log.fetch(*partition, Offset(*at), FETCH_BYTES)? {
                let of_batch = u64::from(fetched.batch.records);
                *at = fetched.base_offset.0 + of_batch;
                records += of_batch;
                bytes += fetched.batch.bytes.len() as u64 - 4 * of_batch;
            }
        }
    }
    Ok((records, bytes))
}
