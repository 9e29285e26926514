//! A drill whose faults the servers do not take.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::faults::FaultError;
use super::super::roles::Roles;
use super::super::runtime::Runtime;
use super::{DrillError, DrillRequest};
use crate::config::Settings;
use crate::model::{CommittedOffset, Offset, Topic, TopicPartition};
use crate::ports::{
    Append, Fault, FetchedBatch, LoadMark, Log, LogError, PartitionOffsets, PendingAppend,
};

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
