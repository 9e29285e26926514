//! The bar at the top, as words.

use std::time::Duration;

use retail_engine::config::Mode;
use retail_engine::flow::{LoadRecord, LoadState};
use retail_engine::handle::{LoadView, Snapshot};

use retail_engine::watch::alert_state::AlertPhase;
use retail_engine::watch::alerts::Level;
use retail_engine::watch::overall::Health;

use super::format;
use super::ledger::{self, Balance};
use crate::start::{Access, ProfileKind};
use crate::widgets::Status;

/// One cell of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Said first and quietly: the id of a load.
    pub lead: Option<String>,
    /// What it says.
    pub text: String,
    /// How it stands.
    pub status: Status,
    /// Nothing to see here.
    pub quiet: bool,
}

impl Cell {
    /// Nothing to see.
    pub fn quiet(text: impl Into<String>) -> Self {
        Self {
            lead: None,
            text: text.into(),
            status: Status::Neutral,
            quiet: true,
        }
    }

    /// A plain word.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            quiet: false,
            ..Self::quiet(text)
        }
    }

    /// A word that stands for something.
    pub fn of(status: Status, text: impl Into<String>) -> Self {
        Self {
            status,
            ..Self::plain(text)
        }
    }

    fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = Some(lead.into());
        self
    }
}

/// The bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopView {
    /// Embedded or the name of a profile.
    pub mode: Cell,
    /// The data centres are inside this process.
    pub simulated: bool,
    /// What may be done to the servers, in a word; none where they are simulated.
    pub kind: Option<ProfileKind>,
    /// Nothing can be changed.
    pub read_only: bool,
    /// The running load, or the last.
    pub load: Cell,
    /// The worst of everything.
    pub health: Cell,
    /// Faults in force.
    pub faults: Cell,
    /// Whether there is any.
    pub faults_active: bool,
    /// Alerts.
    pub alerts: Cell,
    /// How far behind a frozen view is.
    pub frozen: Option<String>,
}

/// What the engine works by, and what may be sent to it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What may be sent.
    pub access: Access,
    /// What may be done to the servers.
    pub kind: ProfileKind,
    /// The profile, if it has a name.
    pub profile: Option<&'a str>,
}

impl TopView {
    /// Of a snapshot; without one, the word for that.
    pub fn of(
        snapshot: Result<&Snapshot, &'static str>,
        frozen_for: Option<Duration>,
        standing: Standing<'_>,
    ) -> Self {
        let read_only = standing.access == Access::ReadOnly;
        let frozen = frozen_for.map(|time| format!("{} behind", format::age(time)));
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(word) => {
                return Self {
                    mode: Cell::quiet(word),
                    simulated: false,
                    kind: None,
                    read_only,
                    load: Cell::quiet("Unknown"),
                    health: Cell::of(Status::Unknown, "Unknown"),
                    faults: Cell::quiet("Unknown"),
                    faults_active: false,
                    alerts: Cell::quiet("Unknown"),
                    frozen,
                };
            }
        };
        Self {
            mode: Cell::plain(match (snapshot.mode, standing.profile) {
                (Mode::Embedded, _) => "Embedded".to_owned(),
                (Mode::Live, Some(name)) => format!("Live, {name}"),
                (Mode::Live, None) => "Live".to_owned(),
            }),
            simulated: snapshot.mode == Mode::Embedded,
            kind: (snapshot.mode == Mode::Live).then_some(standing.kind),
            read_only,
            load: load(snapshot),
            health: health(snapshot),
            faults: faults(snapshot),
            faults_active: !snapshot.faults.is_empty(),
            alerts: alerts(snapshot),
            frozen,
        }
    }
}

fn load(snapshot: &Snapshot) -> Cell {
    if let Some(load) = &snapshot.load {
        return running(load);
    }
    let Some(last) = snapshot.loads.last() else {
        return Cell::quiet("None yet");
    };
    let cell = match (&last.state, ledger::balance(snapshot)) {
        (LoadState::Failed(_), _) => Cell::of(Status::Critical, failed(last)),
        (_, Some(Balance::Gap(lines))) => gap(lines),
        (LoadState::Reading, _) => Cell::of(Status::Warn, "not finished"),
        (LoadState::Cancelled, _) => Cell::of(Status::Warn, "cancelled"),
        (LoadState::Stopped(_), _) => Cell::of(Status::Warn, "stopped"),
        (LoadState::Produced, balance) => match (snapshot.lag.as_lag().known(), balance) {
            (Some(lines), _) if lines > 0 => {
                Cell::plain(format!("{} in flight", format::count(lines)))
            }
            (None, _) | (_, None | Some(Balance::Unknown)) => Cell::of(Status::Unknown, "Unknown"),
            (_, Some(Balance::Moving)) => Cell::plain("draining"),
            _ if last.intake.clean == 0 => Cell::of(Status::Warn, "nothing produced"),
            (_, Some(Balance::NotCompared)) => Cell::of(Status::Unknown, "not compared"),
            (_, Some(Balance::Closed)) => Cell::of(Status::Ok, "ledger closed"),
            (_, Some(Balance::Gap(lines))) => gap(lines),
        },
    };
    cell.lead(last.id.to_string())
}

/// How far a load came that failed: to a line of its file that cannot be read, or so many rows.
fn failed(load: &LoadRecord) -> String {
    match (load.input_line, load.intake.read) {
        (Some(line), _) => format!("failed at line {}", format::count(line)),
        (None, 1) => "failed after 1 row".to_owned(),
        (None, rows) => format!("failed after {} rows", format::count(rows)),
    }
}

fn gap(lines: u64) -> Cell {
    Cell::of(Status::Critical, format!("gap {}", format::count(lines)))
}

fn running(load: &LoadView) -> Cell {
    let id = load.record.id.to_string();
    let missing: u64 = load
        .ledger
        .gaps()
        .iter()
        .map(|gap| gap.lines.unsigned_abs())
        .sum();
    if load.record.produced_at.is_some()
        && missing > 0
        && load.ledger.written >= load.ledger.produced
    {
        return gap(missing).lead(id);
    }
    let (word, share) = if load.record.produced_at.is_some() {
        (
            "draining",
            format::share(load.ledger.written, load.ledger.produced),
        )
    } else {
        (
            "loading",
            format::share(load.read.bytes, load.read.total_bytes),
        )
    };
    match share {
        Some(share) => Cell::plain(format!("{word} {}", format::percent(share.min(1.0)))).lead(id),
        None => Cell::plain(word).lead(id),
    }
}

fn health(snapshot: &Snapshot) -> Cell {
    if !snapshot.workers_failed.is_empty() {
        return Cell::of(Status::Critical, "A worker stopped");
    }
    let status = match snapshot.health {
        Health::Healthy => Status::Ok,
        Health::Unknown | Health::Disputed => Status::Unknown,
        Health::Attention => Status::Warn,
        Health::Critical => Status::Critical,
    };
    Cell::of(status, snapshot.health.name())
}

/// Alerts that are on and that nobody has seen to, by the worst of them.
fn alerts(snapshot: &Snapshot) -> Cell {
    let new = || {
        let alerts = snapshot.alerts.iter();
        alerts.filter(|alert| alert.phase == AlertPhase::Firing)
    };
    let critical = new().filter(|alert| alert.level == Level::Critical).count();
    match (new().count(), critical) {
        (0, _) => Cell::quiet("None"),
        (all, 0) => Cell::of(Status::Warn, format!("{all} to review")),
        (all, critical) if all == critical => {
            Cell::of(Status::Critical, format!("{critical} critical"))
        }
        (all, critical) => Cell::of(
            Status::Critical,
            format!("{critical} critical, {} to review", all - critical),
        ),
    }
}

fn faults(snapshot: &Snapshot) -> Cell {
    let Some(soonest) = snapshot.faults.iter().map(|fault| fault.ends_at).min() else {
        return Cell::quiet("None");
    };
    let left = (soonest - snapshot.at).to_std().unwrap_or_default();
    let active = snapshot.faults.len();
    Cell::of(
        Status::Critical,
        format!("{active} active, ends in {}", format::duration(left)),
    )
}

#[cfg(test)]
mod tests {
    use retail_engine::model::{Dc, Reading};

    use super::*;
    use crate::views::ledger::tests::{ended, ended_with};

    fn said(snapshot: &Snapshot) -> (Status, String) {
        let cell = load(snapshot);
        (cell.status, cell.text)
    }

    #[test]
    fn a_load_that_is_over_is_only_well_when_its_ledger_closes() {
        assert_eq!(said(&ended()), (Status::Ok, "ledger closed".to_owned()));
        let open = ended_with(|ledger| ledger.written = 7);
        assert_eq!(said(&open), (Status::Critical, "gap 6".to_owned()));
        let unseen = ended_with(|ledger| {
            ledger.visible[Dc::Europe] = Reading::Unknown("down".to_owned());
        });
        assert_eq!(said(&unseen), (Status::Unknown, "not compared".to_owned()));
        let mut cancelled = open;
        cancelled.loads[0].state = LoadState::Cancelled;
        assert_eq!(said(&cancelled).0, Status::Critical);
        let mut failed = ended();
        failed.loads[0].state = LoadState::Failed("the log is full".to_owned());
        let rows = "failed after 13 rows".to_owned();
        assert_eq!(said(&failed), (Status::Critical, rows));
        failed.loads[0].input_line = Some(26_734);
        let line = "failed at line 26\u{2009}734".to_owned();
        assert_eq!(said(&failed), (Status::Critical, line));
        let mut nothing = ended();
        nothing.loads[0].intake.clean = 0;
        assert_eq!(said(&nothing).0, Status::Warn);
        let mut never = ended();
        never.ledger = None;
        assert_eq!(said(&never), (Status::Unknown, "Unknown".to_owned()));
    }
}
