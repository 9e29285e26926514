//! A drill whose faults the servers do not take.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::faults::FaultError;
use super::super::roles::Roles;
use super::super::runtime::Runtime;
use super::{DrillError, DrillRequest};
use crate::clean::Rules;
use crate::codec::record;
use crate::config::{ErrorLimit, Settings};
use crate::failover::drill::Lost;
use crate::flow::{LoadRequest, Resume, Until};
use crate::intake::ReadOptions;
use crate::model::{CommittedOffset, Offset, Topic, TopicPartition};
use crate::ports::{
    Append, Fault, FetchedBatch, LoadMark, Log, LogError, PartitionOffsets, PendingAppend,
};

const SAMPLE: &str = include_str!("../../../../assets/Online_Retail_first_10k.csv");

/// The log of servers that are no lab.
struct NoLab(Arc<dyn Log>);

impl Log for NoLab {
    fn refuses(&self, _fault: &Fault) -> Option<String> {
        Some("these servers are no lab".to_owned())
    }

    fn partitions(&self, topic: Topic) -> u16 {
        self.0.partitions(topic)
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        self.0.submit(append)
    }

    fn fetch(
        &self,
        partition: TopicPartition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        self.0.fetch(partition, from, max_bytes)
    }

    fn wait_for_append(&self, topic: Topic, seen: u64, timeout: Duration) -> u64 {
        self.0.wait_for_append(topic, seen, timeout)
    }

    fn wake(&self) {
        self.0.wake();
    }

    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        self.0.offsets(partition)
    }

    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Result<Offset, LogError> {
        self.0.offset_at(partition, at)
    }

    fn appended_at(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<DateTime<Utc>>, LogError> {
        self.0.appended_at(partition, offset)
    }

    fn committed(&self, partition: TopicPartition) -> Result<Option<CommittedOffset>, LogError> {
        self.0.committed(partition)
    }

    fn commit(&self, positions: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError> {
        self.0.commit(positions)
    }

    fn marks(&self) -> Result<Vec<LoadMark>, LogError> {
        self.0.marks()
    }

    fn drop_before(&self, before: DateTime<Utc>) -> Result<u64, LogError> {
        self.0.drop_before(before)
    }

    fn set_faults(&self, faults: &[Fault]) {
        self.0.set_faults(faults);
    }

    fn close(&self) -> Result<(), LogError> {
        self.0.close()
    }
}

#[test]
fn lines_with_too_few_copies_are_named_by_where_the_log_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::in_dir(dir.path());
    let ports = crate::wire::open(&settings).unwrap();
    let runtime = Runtime::start(settings, ports, Roles::all()).unwrap();
    let rows: Vec<_> = SAMPLE.lines().take(501).collect();
    let file = dir.path().join("rows.csv");
    std::fs::write(&file, rows.join("\n") + "\n").unwrap();
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::FromStart,
    };
    // A file that is loaded again has no other lines.
    for _ in 0..2 {
        runtime.load(&request).unwrap();
    }
    let whole = runtime.copies();
    assert!(whole.len() > 400 && whole.values().all(|count| *count == 3));
    assert_eq!(runtime.lost_of(&whole, 9), []);
    let mut short = whole.clone();
    let chosen: Vec<_> = whole.keys().copied().take(5).collect();
    short.insert(chosen[0], 2);
    short.insert(chosen[1], 1);
    for line_id in &chosen[2..] {
        short.remove(line_id);
    }
    let lost = runtime.lost_of(&short, 9);
    let ids: std::collections::BTreeSet<_> = lost
        .iter()
        .map(|one| match one {
            Lost::Line {
                line_id,
                partition,
                offset,
            } => {
                let found = runtime.log.fetch(*partition, *offset, 1).unwrap();
                let place = offset.0 - found[0].base_offset.0;
                let mut values = record::Records::new(&found[0].batch.bytes);
                let value = values.nth(usize::try_from(place).unwrap()).unwrap();
                let line = record::read_line(value.unwrap()).unwrap();
                assert_eq!(line.line_id, *line_id);
                *line_id
            }
            Lost::Probe { name } => panic!("{name}"),
        })
        .collect();
    assert_eq!(lost.len(), 4, "{lost:?}");
    assert_eq!(ids, chosen[1..].iter().copied().collect());
    assert_eq!(runtime.lost_of(&short, 3).len(), 3);
    runtime.stop();
}

#[test]
fn a_drill_whose_fault_is_refused_loads_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::in_dir(dir.path());
    let mut ports = crate::wire::open(&settings).unwrap();
    ports.log = Arc::new(NoLab(ports.log));
    let runtime = Runtime::start(settings, ports, Roles::all()).unwrap();
    let request = DrillRequest {
        scenario: "europe-down".to_owned(),
        faults: Vec::new(),
        rate: None,
        duration: None,
        file: None,
    };
    let error = runtime.drill(&request).unwrap_err();
    assert!(
        matches!(&error, DrillError::Fault(FaultError::Refused { .. })),
        "{error}"
    );
    assert!(error.remedy().contains("profile of a lab"));
    assert_eq!(runtime.loads.all().len(), 0, "nothing flowed");
    assert!(!dir.path().join("drill-sample.csv").exists());
    runtime.stop();
}
