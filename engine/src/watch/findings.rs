//! Findings: what needs somebody, worst first, each with its evidence and the next step.
//!
//! A finding is a small function over one snapshot of measurements. Unknown is not healthy, but it
//! is not a finding of its own kind either: only what was measured leads to one.

use std::time::Duration;

use serde::Serialize;

use super::health::DcVerdict;
use super::lag::Lag;
use super::verdict::Verdict;
use crate::model::{Dc, PerDc, PerRegion, Region};

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Lines may be lost or wrong, or something stands still.
    Critical,
    /// It will become so if nobody acts.
    Warning,
}

/// What kind of thing was found, worst kinds first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The ledger does not close.
    LedgerGap,
    /// Summaries differ from their rows.
    Drift,
    /// A data centre is down.
    DcDown,
    /// Hints were dropped.
    RepairNeeded,
    /// Replicas differ and no hint is on its way.
    ReplicasUnequal,
    /// Nobody reads a topic.
    ConsumerStopped,
    /// A consumer commits nothing.
    ConsumerStalled,
    /// Witnesses disagree.
    Disputed,
    /// Hints will be dropped soon.
    HintsNearWindowEnd,
    /// A disk fills.
    DiskFilling,
    /// Many writes fail.
    ErrorRate,
    /// A consumer falls behind.
    LagGrowing,
    /// A queue has been full.
    QueueFull,
    /// Many rows are set aside.
    RejectShare,
    /// An earlier run left a fault.
    FaultLeftOver,
}

/// The act that a finding offers; the console has a button for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionId {
    /// Show the rows of the ledger that are missing.
    ShowLedgerGap,
    /// Repair the replicas.
    Repair,
    /// Show who sees what.
    ShowWitnesses,
    /// Open the failover page.
    OpenFailover,
    /// Open the topic's consumers.
    OpenTopics,
    /// Show the events.
    OpenEvents,
    /// Show the rows set aside.
    OpenQuality,
    /// End what an earlier run left.
    ClearLeftOver,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Of what kind.
    pub kind: FindingKind,
    /// Where, such as a data centre or region; empty for the whole.
    pub place: String,
    /// What, in words.
    pub what: String,
    /// The number that it rests on, with its unit.
    pub evidence: String,
    /// What to do next.
    pub next_step: &'static str,
    /// The button.
    pub action: ActionId,
}

/// Measurements of one data centre. `None` was not measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedDc {
    /// What the witnesses say.
    pub verdict: DcVerdict,
    /// Hints waiting for it.
    pub hints: u64,
    /// Part of the hint window that has passed, 0 to 1.
    pub hint_window_used: Option<f64>,
    /// Hints were dropped.
    pub repair: Repair,
    /// Part of its writes that failed in the window, 0 to 1.
    pub write_error_share: Option<f64>,
}

/// Whether a replica needs a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// No.
    NotNeeded,
    /// Yes.
    Needed,
}

/// Measurements of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedRegion {
    /// Its lag.
    pub lag: Lag,
    /// What the course of it says.
    pub verdict: Verdict,
}

/// How full a disk is.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedDisk {
    /// The folder that lies on it.
    pub folder: String,
    /// Part of it in use, 0 to 1.
    pub used: f64,
}

/// All that findings rest on, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Per data centre.
    pub dcs: PerDc<ObservedDc>,
    /// Per region.
    pub regions: PerRegion<ObservedRegion>,
    /// The disk of this machine, where the data centres are on it; nothing is known of others.
    pub disk: Option<ObservedDisk>,
    /// Lines that the ledger of a finished load misses.
    pub ledger_gap: Option<u64>,
    /// Buckets whose summary differs from their rows, at the last comparison.
    pub drifted_buckets: Option<u64>,
    /// Buckets that differ between data centres, at the last comparison.
    pub unequal_buckets: Option<u64>,
    /// Part of the rows read that were rejected, 0 to 1.
    pub reject_share: Option<f64>,
    /// How long a queue has been full with nothing leaving it.
    pub queue_full_for: Duration,
    /// Faults that an earlier run left.
    pub faults_left_over: usize,
}

/// From where on something is a finding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Part of the hint window.
    pub hint_window: f64,
    /// Part of a disk.
    pub disk: f64,
    /// Part of the writes that fail.
    pub errors: f64,
    /// Part of the rows. The real file rejects 0.6 % and filters 1.7 %.
    pub rejects: f64,
    /// How long a queue may be full with nothing leaving it: a full queue that moves is
    /// back-pressure at work.
    pub queue_full: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hint_window: 0.75,
            disk: 0.85,
            errors: 0.01,
            rejects: 0.1,
            queue_full: Duration::from_secs(30),
        }
    }
}

/// What needs somebody, worst first.
pub fn find(observed: &Observed, limits: &Limits) -> Vec<Finding> {
    let mut findings = whole(observed, limits);
    for (dc, of) in observed.dcs.iter() {
        findings.extend(in_dc(dc, of, limits));
    }
    for (region, of) in observed.regions.iter() {
        findings.extend(in_region(region, *of));
    }
    findings.sort_by(|a, b| (a.severity, a.kind, &a.place).cmp(&(b.severity, b.kind, &b.place)));
    findings
}

fn whole(observed: &Observed, limits: &Limits) -> Vec<Finding> {
    let found = [
        ledger_gap(observed),
        drift(observed),
        unequal(observed),
        disk(observed, limits),
        rejects(observed, limits),
        queue_full(observed, limits),
        left_over(observed),
    ];
    found.into_iter().flatten().collect()
}

fn in_dc(dc: Dc, of: &ObservedDc, limits: &Limits) -> Vec<Finding> {
    let found = [
        unhealthy(dc, of),
        repair(dc, of),
        hints(dc, of, limits),
        errors(dc, of, limits),
    ];
    found.into_iter().flatten().collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn ledger_gap(observed: &Observed) -> Option<Finding> {
    let lines = observed.ledger_gap.filter(|lines| *lines > 0)?;
    Some(Finding {
        severity: Severity::Critical,
        kind: FindingKind::LedgerGap,
        place: String::new(),
        what: "The ledger does not close".to_owned(),
        evidence: format!("{lines} lines missing"),
        next_step: "look at the missing rows, then load the file again: nothing doubles",
        action: ActionId::ShowLedgerGap,
    })
}

fn drift(observed: &Observed) -> Option<Finding> {
    let buckets = observed.drifted_buckets.filter(|n| *n > 0)?;
    Some(Finding {
        severity: Severity::Critical,
        kind: FindingKind::Drift,
        place: String::new(),
        what: "Summaries differ from their rows".to_owned(),
        evidence: format!("{buckets} buckets"),
        next_step: "repair rebuilds the summaries from the rows",
        action: ActionId::Repair,
    })
}

fn unequal(observed: &Observed) -> Option<Finding> {
    let buckets = observed.unequal_buckets.filter(|n| *n > 0)?;
    // While hints wait or a data centre is away, inequality is expected and heals by itself.
    let healing = observed
        .dcs
        .iter()
        .any(|(_, dc)| dc.hints > 0 || dc.verdict == DcVerdict::Down);
    (!healing).then(|| Finding {
        severity: Severity::Critical,
        kind: FindingKind::ReplicasUnequal,
        place: String::new(),
        what: "Data centres hold different rows".to_owned(),
        evidence: format!("{buckets} buckets"),
        next_step: "repair compares the replicas and copies what is missing",
        action: ActionId::Repair,
    })
}

fn rejects(observed: &Observed, limits: &Limits) -> Option<Finding> {
    let share = observed.reject_share.filter(|s| *s > limits.rejects)?;
    Some(Finding {
        severity: Severity::Warning,
        kind: FindingKind::RejectShare,
        place: String::new(),
        what: "Many rows are rejected".to_owned(),
        evidence: format!("{} of the rows read", percent(share)),
        next_step: "look at the reasons: a wrong delimiter or date form shows there",
        action: ActionId::OpenQuality,
    })
}

fn queue_full(observed: &Observed, limits: &Limits) -> Option<Finding> {
    (observed.queue_full_for >= limits.queue_full).then(|| Finding {
        severity: Severity::Warning,
        kind: FindingKind::QueueFull,
        place: String::new(),
        what: "A queue stays full and nothing leaves it".to_owned(),
        evidence: format!("for {} s", observed.queue_full_for.as_secs()),
        next_step: "look at the write times of the data centres; nothing is dropped meanwhile",
        action: ActionId::OpenFailover,
    })
}

fn left_over(observed: &Observed) -> Option<Finding> {
    (observed.faults_left_over > 0).then(|| Finding {
        severity: Severity::Warning,
        kind: FindingKind::FaultLeftOver,
        place: String::new(),
        what: "An earlier run left faults behind".to_owned(),
        evidence: format!("{} faults", observed.faults_left_over),
        next_step: "clean up, which ends and records them",
        action: ActionId::ClearLeftOver,
    })
}

fn unhealthy(dc: Dc, of: &ObservedDc) -> Option<Finding> {
    let (severity, kind, what, next_step, action) = match of.verdict {
        DcVerdict::Down => (
            Severity::Critical,
            FindingKind::DcDown,
            format!("{dc} is down"),
            "bring it back before the hint window ends",
            ActionId::OpenFailover,
        ),
        DcVerdict::Disputed => (
            Severity::Warning,
            FindingKind::Disputed,
            format!("Some see {dc} up, some down"),
            "look who sees what: a link between two data centres may be cut",
            ActionId::ShowWitnesses,
        ),
        DcVerdict::Up | DcVerdict::UpWithErrors | DcVerdict::Unknown | DcVerdict::Suspect => {
            return None;
        }
    };
    Some(Finding {
        severity,
        kind,
        place: dc.name().to_owned(),
        what,
        evidence: format!("{} hints waiting", of.hints),
        next_step,
        action,
    })
}

fn repair(dc: Dc, of: &ObservedDc) -> Option<Finding> {
    (of.repair == Repair::Needed).then(|| Finding {
        severity: Severity::Critical,
        kind: FindingKind::RepairNeeded,
        place: dc.name().to_owned(),
        what: format!("Hints for {dc} were dropped"),
        evidence: format!("{} hints left", of.hints),
        next_step: "bring it back, then repair",
        action: ActionId::Repair,
    })
}

fn hints(dc: Dc, of: &ObservedDc, limits: &Limits) -> Option<Finding> {
    let used = of.hint_window_used.filter(|u| *u >= limits.hint_window)?;
    (of.hints > 0 && of.repair == Repair::NotNeeded).then(|| Finding {
        severity: Severity::Warning,
        kind: FindingKind::HintsNearWindowEnd,
        place: dc.name().to_owned(),
        what: format!("Hints for {dc} will be dropped soon"),
        evidence: format!("{} of the window used, {} hints", percent(used), of.hints),
        next_step: "bring it back now, or plan a repair",
        action: ActionId::OpenFailover,
    })
}

fn disk(observed: &Observed, limits: &Limits) -> Option<Finding> {
    let disk = observed.disk.as_ref()?;
    if disk.used < limits.disk {
        return None;
    }
    Some(Finding {
        severity: Severity::Warning,
        kind: FindingKind::DiskFilling,
        place: disk.folder.clone(),
        what: format!("The disk of {} fills", disk.folder),
        evidence: format!("{} used", percent(disk.used)),
        next_step: "free space before writes fail: all three data centres are on it",
        action: ActionId::OpenEvents,
    })
}

fn errors(dc: Dc, of: &ObservedDc, limits: &Limits) -> Option<Finding> {
    let share = of.write_error_share.filter(|s| *s > limits.errors)?;
    // That writes to a data centre fail while it is down is no second finding.
    (of.verdict != DcVerdict::Down).then(|| Finding {
        severity: Severity::Warning,
        kind: FindingKind::ErrorRate,
        place: dc.name().to_owned(),
        what: format!("Writes to {dc} fail"),
        evidence: format!("{} of the writes", percent(share)),
        next_step: "look at its errors",
        action: ActionId::OpenEvents,
    })
}

fn in_region(region: Region, of: ObservedRegion) -> Option<Finding> {
    let (severity, kind, what, next_step) = match of.verdict {
        Verdict::Stopped => (
            Severity::Critical,
            FindingKind::ConsumerStopped,
            format!("Nobody reads {region}"),
            "start the consumer",
        ),
        Verdict::Stalled => (
            Severity::Critical,
            FindingKind::ConsumerStalled,
            format!("The consumer of {region} commits nothing"),
            "look at its last error; lines wait in the log and are not lost",
        ),
        Verdict::Growing => (
            Severity::Warning,
            FindingKind::LagGrowing,
            format!("{region} falls behind"),
            "look at the write times; more partitions and consumers help",
        ),
        Verdict::Ok | Verdict::Rewound | Verdict::Unknown => return None,
    };
    Some(Finding {
        severity,
        kind,
        place: region.name().to_owned(),
        what,
        evidence: match of.lag.known() {
            Some(lines) => format!("{lines} lines waiting"),
            None => "lag unknown".to_owned(),
        },
        next_step,
        action: ActionId::OpenTopics,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Observed {
        Observed {
            dcs: PerDc::from_fn(|_| ObservedDc {
                verdict: DcVerdict::Up,
                hints: 0,
                hint_window_used: None,
                repair: Repair::NotNeeded,
                write_error_share: Some(0.0),
            }),
            regions: PerRegion::from_fn(|_| ObservedRegion {
                lag: Lag::Known {
                    lines: 12,
                    age: None,
                },
                verdict: Verdict::Ok,
            }),
            disk: Some(ObservedDisk {
                folder: "/data".to_owned(),
                used: 0.4,
            }),
            ledger_gap: Some(0),
            drifted_buckets: Some(0),
            unequal_buckets: Some(0),
            reject_share: Some(0.023),
            queue_full_for: Duration::from_secs(2),
            faults_left_over: 0,
        }
    }

    fn kinds(observed: &Observed) -> Vec<FindingKind> {
        let found = find(observed, &Limits::default());
        found.into_iter().map(|f| f.kind).collect()
    }

    type Plant = fn(&mut Observed);

    fn plants() -> Vec<(FindingKind, Plant)> {
        use FindingKind as K;
        vec![
            (K::LedgerGap, |o| o.ledger_gap = Some(3)),
            (K::Drift, |o| o.drifted_buckets = Some(1)),
            (K::DcDown, |o| o.dcs[Dc::Europe].verdict = DcVerdict::Down),
            (K::RepairNeeded, |o| {
                o.dcs[Dc::Europe].repair = Repair::Needed;
            }),
            (K::ReplicasUnequal, |o| o.unequal_buckets = Some(2)),
            (K::ConsumerStopped, |o| {
                o.regions[Region::Americas].verdict = Verdict::Stopped;
            }),
            (K::ConsumerStalled, |o| {
                o.regions[Region::Americas].verdict = Verdict::Stalled;
            }),
            (K::Disputed, |o| {
                o.dcs[Dc::Europe].verdict = DcVerdict::Disputed;
            }),
            (K::HintsNearWindowEnd, |o| {
                o.dcs[Dc::Europe].hints = 9;
                o.dcs[Dc::Europe].hint_window_used = Some(0.8);
            }),
            (K::DiskFilling, |o| {
                o.disk = Some(ObservedDisk {
                    folder: "/data".to_owned(),
                    used: 0.9,
                });
            }),
            (K::ErrorRate, |o| {
                o.dcs[Dc::Europe].write_error_share = Some(0.05);
            }),
            (K::LagGrowing, |o| {
                o.regions[Region::Americas].verdict = Verdict::Growing;
            }),
            (K::QueueFull, |o| o.queue_full_for = Duration::from_mins(1)),
            (K::RejectShare, |o| o.reject_share = Some(0.5)),
            (K::FaultLeftOver, |o| o.faults_left_over = 1),
        ]
    }

    #[test]
    fn a_healthy_run_has_no_finding() {
        assert_eq!(kinds(&healthy()), []);
    }

    #[test]
    fn each_planted_fault_is_found_and_nothing_else() {
        for (kind, plant) in plants() {
            let mut observed = healthy();
            plant(&mut observed);
            assert_eq!(kinds(&observed), [kind]);
        }
    }

    #[test]
    fn ten_faults_at_once_are_ten_findings_with_the_worst_first() {
        use FindingKind as K;
        let chosen = [
            K::LedgerGap,
            K::Drift,
            K::RepairNeeded,
            K::ReplicasUnequal,
            K::ConsumerStalled,
            K::DiskFilling,
            K::ErrorRate,
            K::QueueFull,
            K::RejectShare,
            K::FaultLeftOver,
        ];
        let mut observed = healthy();
        for (kind, plant) in plants() {
            if chosen.contains(&kind) {
                plant(&mut observed);
            }
        }
        assert_eq!(kinds(&observed), chosen);
        for finding in find(&observed, &Limits::default()) {
            assert!(finding.evidence.contains(|c: char| c.is_ascii_digit()));
        }
    }

    #[test]
    fn what_was_not_measured_is_no_finding() {
        let mut observed = healthy();
        observed.disk = None;
        observed.ledger_gap = None;
        observed.drifted_buckets = None;
        observed.unequal_buckets = None;
        observed.reject_share = None;
        for (_, dc) in observed.dcs.iter_mut() {
            dc.verdict = DcVerdict::Unknown;
            dc.write_error_share = None;
        }
        assert_eq!(kinds(&observed), []);
    }
}
