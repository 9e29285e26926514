//! What may happen, with its figures: how much it asks of a person, where it comes from, and its
//! words.

use serde::{Deserialize, Serialize};

use super::metrics::Metrics;
use crate::model::{Dc, LoadId, Region, TopicPartition};
use crate::ports::{DcState, Fault};
use crate::watch::alerts::Level;

/// How much an event asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventLevel {
    /// For the record.
    Info,
    /// To be looked at.
    Warn,
    /// To be acted on.
    Error,
}

/// Which part of the engine an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventSource {
    /// Opening and closing.
    Engine,
    /// A load.
    Load,
    /// A data centre or the store as a whole.
    Store,
    /// Moving regions.
    Failover,
    /// Going back in the log.
    Replay,
    /// Faults and drills.
    Drill,
    /// Alerts.
    Alert,
    /// The metrics endpoint.
    Monitoring,
}

/// What happened, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EventKind {
    /// The engine is open.
    EngineOpened {
        /// Lines that were stored before.
        lines: u64,
    },
    /// A worker ended with a panic or an error that stops the engine.
    WorkerFailed {
        /// Name of its thread.
        worker: String,
        /// What it said.
        cause: String,
    },
    /// A load began.
    LoadStarted {
        /// The load.
        load: LoadId,
        /// The file as given.
        file: String,
    },
    /// A load that was cut off goes on.
    LoadResumed {
        /// The load.
        load: LoadId,
        /// Row that it goes on from.
        row: u64,
    },
    /// A load ended.
    LoadEnded {
        /// The load.
        load: LoadId,
        /// Rows read.
        read: u64,
        /// Lines that were not stored before.
        new: u64,
        /// Rows set aside.
        set_aside: u64,
    },
    /// A load ended and its ledger has a gap.
    LedgerOpen {
        /// The load.
        load: LoadId,
        /// Lines that are in no place, or in two.
        gap: u64,
    },
    /// A load stopped before its end.
    LoadStopped {
        /// The load.
        load: LoadId,
        /// Why.
        cause: String,
    },
    /// A data centre changed its state, as its own requests show it.
    DcChanged {
        /// The data centre.
        dc: Dc,
        /// The new state.
        state: DcState,
    },
    /// Writes at a data centre fail.
    WriteFailed {
        /// The data centre.
        dc: Dc,
        /// What it said.
        cause: String,
    },
    /// The hint window of a data centre has passed.
    RepairNeeded {
        /// The data centre.
        dc: Dc,
    },
    /// Data centres were compared and made equal.
    Repaired {
        /// Buckets that differed.
        buckets: u64,
        /// Rows copied.
        lines: u64,
    },
    /// The reads and writes of a region moved away from its home.
    FailedOver {
        /// The region.
        region: Region,
        /// Where to.
        to: Dc,
    },
    /// The reads and writes of a region are at home again.
    FailedBack {
        /// The region.
        region: Region,
    },
    /// Requests of a region fail at its home.
    RegionSuspect {
        /// The region.
        region: Region,
    },
    /// Its home answers a suspect region again, and it never left.
    RegionRecovered {
        /// The region.
        region: Region,
    },
    /// The home of a region answers again; it returns when the replicas are equal.
    FailingBack {
        /// The region.
        region: Region,
    },
    /// A consumer group was moved.
    Replayed {
        /// The partition.
        partition: TopicPartition,
        /// Committed offset before.
        from: u64,
        /// Committed offset after.
        to: u64,
    },
    /// Lines that every group has consumed left the log after their time.
    LogShortened {
        /// Bytes that were freed.
        bytes: u64,
    },
    /// A fault is in force.
    FaultStarted {
        /// The fault.
        fault: Fault,
        /// Seconds until it ends by itself.
        lease_secs: u64,
    },
    /// A fault is over.
    FaultEnded {
        /// The fault.
        fault: Fault,
    },
    /// A drill began.
    DrillStarted {
        /// Name of its scenario.
        scenario: String,
    },
    /// A drill is over.
    DrillEnded {
        /// Name of its scenario.
        scenario: String,
        /// Why it did not come to its end; `None` when it did.
        cause: Option<String>,
    },
    /// An alert went on.
    AlertFired {
        /// Name of its rule.
        rule: String,
        /// The region or data centre; empty for the whole.
        label: String,
        /// How urgent.
        urgency: Level,
    },
    /// An alert went off: its value is well again.
    AlertResolved {
        /// Name of its rule.
        rule: String,
        /// The region or data centre; empty for the whole.
        label: String,
    },
    /// Somebody has seen an alert.
    AlertAcknowledged {
        /// Name of its rule.
        rule: String,
        /// The region or data centre; empty for the whole.
        label: String,
    },
    /// Somebody muted an alert.
    AlertMuted {
        /// Name of its rule.
        rule: String,
        /// The region or data centre; empty for the whole.
        label: String,
        /// For how long; 0 ends a mute.
        secs: u64,
    },
    /// Faults of an earlier process were found in the journal and cleared.
    FaultsCleared {
        /// How many.
        faults: u64,
    },
    /// The metrics endpoint is up.
    MonitoringStarted {
        /// The port in use.
        port: u16,
        /// The port that the settings name.
        wanted: u16,
    },
    /// There is no metrics endpoint, and the engine goes on without.
    MonitoringFailed {
        /// Why.
        cause: String,
    },
    /// A person changed something that loads heed: the routing map, a fix of a row.
    Edited {
        /// What.
        what: String,
        /// As it was.
        before: String,
        /// As it is now.
        after: String,
    },
    /// A drill was ended before its time; its faults are over.
    DrillCancelled {
        /// Its scenario.
        scenario: String,
    },
}

impl EventKind {
    /// How much it asks of a person.
    pub const fn level(&self) -> EventLevel {
        match self {
            Self::EngineOpened { .. }
            | Self::LoadStarted { .. }
            | Self::LoadResumed { .. }
            | Self::LoadEnded { .. }
            | Self::DcChanged {
                state: DcState::Up, ..
            }
            | Self::Repaired { .. }
            | Self::FailedBack { .. }
            | Self::RegionRecovered { .. }
            | Self::FailingBack { .. }
            | Self::Edited { .. }
            | Self::Replayed { .. }
            | Self::LogShortened { .. }
            | Self::FaultEnded { .. }
            | Self::DrillStarted { .. }
            | Self::DrillEnded { cause: None, .. }
            | Self::AlertResolved { .. }
            | Self::AlertAcknowledged { .. }
            | Self::AlertMuted { .. }
            | Self::MonitoringStarted { .. } => EventLevel::Info,
            Self::LoadStopped { .. }
            | Self::DcChanged {
                state: DcState::Suspect | DcState::Unknown,
                ..
            }
            | Self::WriteFailed { .. }
            | Self::FailedOver { .. }
            | Self::RegionSuspect { .. }
            | Self::FaultStarted { .. }
            | Self::DrillEnded { cause: Some(_), .. }
            // However urgent: what it stands for is an event of its own, and an alert must not
            // be among the errors that it is judged by.
            | Self::AlertFired { .. }
            | Self::FaultsCleared { .. }
            | Self::DrillCancelled { .. }
            | Self::MonitoringFailed { .. } => EventLevel::Warn,
            Self::WorkerFailed { .. }
            | Self::LedgerOpen { .. }
            | Self::DcChanged {
                state: DcState::Down,
                ..
            }
            | Self::RepairNeeded { .. } => EventLevel::Error,
        }
    }

    /// Which part of the engine it comes from.
    pub const fn source(&self) -> EventSource {
        match self {
            Self::EngineOpened { .. } | Self::WorkerFailed { .. } | Self::LogShortened { .. } => {
                EventSource::Engine
            }
            Self::LoadStarted { .. }
            | Self::LoadResumed { .. }
            | Self::LoadEnded { .. }
            | Self::LedgerOpen { .. }
            | Self::LoadStopped { .. }
            | Self::Edited { .. } => EventSource::Load,
            Self::DcChanged { .. }
            | Self::WriteFailed { .. }
            | Self::RepairNeeded { .. }
            | Self::Repaired { .. } => EventSource::Store,
            Self::FailedOver { .. }
            | Self::FailedBack { .. }
            | Self::RegionSuspect { .. }
            | Self::RegionRecovered { .. }
            | Self::FailingBack { .. } => EventSource::Failover,
            Self::Replayed { .. } => EventSource::Replay,
            Self::FaultStarted { .. }
            | Self::FaultEnded { .. }
            | Self::FaultsCleared { .. }
            | Self::DrillStarted { .. }
            | Self::DrillEnded { .. }
            | Self::DrillCancelled { .. } => EventSource::Drill,
            Self::AlertFired { .. }
            | Self::AlertResolved { .. }
            | Self::AlertAcknowledged { .. }
            | Self::AlertMuted { .. } => EventSource::Alert,
            Self::MonitoringStarted { .. } | Self::MonitoringFailed { .. } => {
                EventSource::Monitoring
            }
        }
    }

    /// The data centre that it is about, where it is about one.
    pub(super) const fn dc(&self) -> Option<Dc> {
        match self {
            Self::DcChanged { dc, .. }
            | Self::WriteFailed { dc, .. }
            | Self::RepairNeeded { dc } => Some(*dc),
            _ => None,
        }
    }

    /// The event in words, without time and source.
    pub fn text(&self) -> String {
        match self {
            Self::EngineOpened { lines } => format!("Open, with {lines} lines stored"),
            Self::WorkerFailed { worker, cause } => format!("{worker} stopped: {cause}"),
            Self::LoadStarted { load, file } => format!("{load} started: {file}"),
            Self::LoadResumed { load, row } => format!("{load} goes on from row {row}"),
            Self::LoadEnded {
                load,
                read,
                new,
                set_aside,
            } => format!("{load} ended: {read} rows read, {new} new lines, {set_aside} set aside"),
            Self::LedgerOpen { load, gap } => {
                format!("The ledger of {load} does not close: {gap} lines are unaccounted for")
            }
            Self::LoadStopped { load, cause } => format!("{load} stopped: {cause}"),
            Self::DcChanged { dc, state } => match state {
                DcState::Up => format!("{dc} is up"),
                DcState::Suspect => format!("{dc} is suspect"),
                DcState::Down => format!("{dc} is down"),
                DcState::Unknown => format!("The state of {dc} is not known"),
            },
            Self::WriteFailed { dc, cause } => format!("A write failed at {dc}: {cause}"),
            Self::RepairNeeded { dc } => {
                format!("Hints for {dc} are past their window; it needs a repair")
            }
            Self::Repaired { buckets, lines } => {
                format!("Repair made {buckets} buckets equal, {lines} rows copied")
            }
            Self::FailedOver { region, to } => format!("{region} failed over to {to}"),
            Self::FailedBack { region } => format!("{region} is back at {}", region.home()),
            Self::RegionSuspect { region } => {
                format!("Requests of {region} fail at {}", region.home())
            }
            Self::RegionRecovered { region } => {
                format!("{} answers {region} again", region.home())
            }
            Self::FailingBack { region } => {
                format!(
                    "{} is back; {region} returns when the replicas are equal",
                    region.home()
                )
            }
            Self::Replayed {
                partition,
                from,
                to,
            } => format!("{partition} moved from offset {from} to {to}"),
            Self::LogShortened { bytes } => {
                format!("Consumed lines left the log after their time: {bytes} bytes")
            }
            Self::FaultStarted { fault, lease_secs } => {
                format!("Fault started: {fault}, for {lease_secs} s at most")
            }
            Self::FaultEnded { fault } => format!("Fault ended: {fault}"),
            Self::DrillStarted { scenario } => format!("Drill {scenario} started"),
            Self::DrillEnded { scenario, cause } => match cause {
                None => format!("Drill {scenario} ended"),
                Some(cause) => format!("Drill {scenario} was given up: {cause}"),
            },
            Self::AlertFired { rule, label, .. } => format!("Alert {}", at(rule, label)),
            Self::AlertResolved { rule, label } => format!("Resolved: {}", at(rule, label)),
            Self::AlertAcknowledged { rule, label } => {
                format!("Acknowledged: {}", at(rule, label))
            }
            Self::AlertMuted {
                rule,
                label,
                secs: 0,
            } => {
                format!("No longer muted: {}", at(rule, label))
            }
            Self::AlertMuted { rule, label, secs } => {
                format!("Muted for {secs} s: {}", at(rule, label))
            }
            Self::FaultsCleared { faults } => {
                format!("{faults} faults of an earlier run were cleared")
            }
            Self::MonitoringStarted { port, wanted } if port == wanted => {
                format!("Metrics on port {port}")
            }
            Self::MonitoringStarted { port, wanted } => {
                format!("Metrics on port {port}, because {wanted} is in use")
            }
            Self::MonitoringFailed { cause } => format!("No metrics endpoint: {cause}"),
            Self::Edited {
                what,
                before,
                after,
            } => format!("{what}: {before} -> {after}"),
            Self::DrillCancelled { scenario } => {
                format!("The drill {scenario} was cancelled; its faults are over")
            }
        }
    }

    /// Moves the metric that belongs to it.
    pub(super) fn count(&self, metrics: &Metrics) {
        match self {
            Self::DcChanged { dc, state } => metrics.set_dc_state(*dc, *state),
            Self::FailedOver { region, .. } => metrics.add_failover(*region),
            _ => {}
        }
    }

    /// Writes its line into the log.
    pub(super) fn log(&self, repeats: u64) {
        let source = self.source();
        let text = self.text();
        match self.level() {
            EventLevel::Info => tracing::info!(?source, repeats, "{text}"),
            EventLevel::Warn => tracing::warn!(?source, repeats, "{text}"),
            EventLevel::Error => tracing::error!(?source, repeats, "{text}"),
        }
    }
}

/// An alert in words.
fn at(rule: &str, label: &str) -> String {
    if label.is_empty() {
        rule.to_owned()
    } else {
        format!("{rule} at {label}")
    }
}
