//! The data centres and the regions at rest, as words: state by each witness, what waits, where
//! the requests of a region go.

use std::time::Duration;

use retail_engine::failover::RouteState;
use retail_engine::failover::WriteMode;
use retail_engine::failover::hints::Fuse;
use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, PerDc, PerRegion, Reading, Region};
use retail_engine::ports::{Backlog, Compactions, DcHealth, DcState};
use retail_engine::telemetry::{Event, EventKind};
use retail_engine::watch::findings::ActionId;

use crate::views::format;
use crate::views::overview::dc_state;
use crate::widgets::Status;

/// What waits for a data centre, and how long that is enough.
#[derive(Debug, Clone, PartialEq)]
pub struct HintLine {
    /// Hints that wait.
    pub waiting: Reading<u64>,
    /// How it stands.
    pub status: Status,
    /// The same in a word.
    pub word: &'static str,
    /// Share of the window that has passed, 0 to 1.
    pub used: f32,
    /// Until the window ends, or what is needed now.
    pub left: String,
    /// What to do.
    pub advice: String,
    /// Only a repair makes it whole.
    pub needs_repair: bool,
}

/// One data centre.
#[derive(Debug, Clone, PartialEq)]
pub struct DcCard {
    /// Which.
    pub dc: Dc,
    /// What its witnesses say together.
    pub state: (Status, &'static str),
    /// What each witness says of it.
    pub seen_by: PerDc<(Status, &'static str)>,
    /// The same in one line.
    pub seen: String,
    /// The regions that it serves, with their rate.
    pub serves: String,
    /// Lines that a reader there sees.
    pub lines: Reading<u64>,
    /// Median and 99th percentile of its last writes.
    pub latency: [Reading<Duration>; 2],
    /// Bytes on its disk.
    pub disk: Reading<u64>,
    /// Merges of its files that run, and what is left for them, in words.
    pub compactions: Reading<String>,
    /// Writes that it has taken since the engine was opened, and those that failed, in words.
    pub writes: Reading<String>,
    /// What waits for it.
    pub hints: HintLine,
}

/// A card for each data centre; `window` is how long hints are kept.
pub fn cards(snapshot: &Snapshot, window: Duration) -> PerDc<DcCard> {
    PerDc::from_fn(|dc| card(snapshot, dc, window))
}

fn card(snapshot: &Snapshot, dc: Dc, window: Duration) -> DcCard {
    let view = &snapshot.dcs[dc];
    let health = snapshot.store.as_ref().map(|store| &store.dcs[dc]);
    let unknown = || "nothing was measured yet".to_owned();
    let micros = |reading: Option<&Reading<u64>>| {
        reading.map_or_else(
            || Reading::Unknown(unknown()),
            |micros| micros.clone().map(Duration::from_micros),
        )
    };
    DcCard {
        dc,
        state: dc_state(view.verdict),
        seen_by: view.seen_by.map(witness),
        seen: seen(view.seen_by, dc),
        serves: serves(snapshot, dc),
        lines: health.map_or_else(
            || Reading::Unknown(unknown()),
            |health| health.rows.clone().map(|rows| rows.lines),
        ),
        latency: [
            micros(health.map(|health| &health.write_p50_us)),
            micros(health.map(|health| &health.write_p99_us)),
        ],
        disk: health.map_or_else(
            || Reading::Unknown(unknown()),
            |health| health.disk_bytes.clone(),
        ),
        compactions: health.map_or_else(
            || Reading::Unknown(unknown()),
            |health| health.compactions.clone().map(compactions),
        ),
        writes: health.map_or_else(
            || Reading::Unknown(unknown()),
            |health| Reading::Known(writes(health)),
        ),
        hints: hints(snapshot, dc, window),
    }
}

/// Merges of files as words.
fn compactions(at: Compactions) -> String {
    let (count, what) = match at.backlog {
        Backlog::Tasks(count) => (count, "task"),
        Backlog::Files(count) => (count, "file"),
    };
    let running = format::count(at.running);
    match count {
        1 => format!("{running} running, 1 {what} waits"),
        many => format!("{running} running, {} {what}s wait", format::count(many)),
    }
}

/// Writes as words.
fn writes(health: &DcHealth) -> String {
    let taken = format::count(health.writes);
    match health.write_errors {
        0 => taken,
        failed => format!("{taken}, {} failed", format::count(failed)),
    }
}

/// What a witness says, as a word. One that is down itself knows nothing.
pub const fn witness(state: DcState) -> (Status, &'static str) {
    match state {
        DcState::Up => (Status::Ok, "up"),
        DcState::Suspect => (Status::Warn, "suspect"),
        DcState::Down => (Status::Critical, "down"),
        DcState::Unknown => (Status::Unknown, "unknown"),
    }
}

fn seen(by: PerDc<DcState>, subject: Dc) -> String {
    let others = || subject.others().map(|witness| by[witness]);
    let known = others().filter(|state| *state != DcState::Unknown).count();
    if known == 0 {
        return "no other data centre can say".to_owned();
    }
    for (state, word) in [(DcState::Down, "down"), (DcState::Suspect, "suspect")] {
        let say = others().filter(|said| *said == state).count();
        if say > 0 {
            return format!("seen {word} by {say} of {known} others");
        }
    }
    format!("seen up by {known} of {known} others")
}

/// The regions whose requests go through a data centre.
pub fn served(snapshot: &Snapshot, dc: Dc) -> impl Iterator<Item = Region> {
    Region::ALL
        .into_iter()
        .filter(move |region| snapshot.regions[*region].serving == dc)
}

fn serves(snapshot: &Snapshot, dc: Dc) -> String {
    let names: Vec<&str> = served(snapshot, dc).map(Region::name).collect();
    if names.is_empty() {
        "serves no region".to_owned()
    } else {
        format!("serves {}", names.join(", "))
    }
}

/// What waits for a data centre.
pub fn hints(snapshot: &Snapshot, dc: Dc, window: Duration) -> HintLine {
    let Some(fuse) = &snapshot.dcs[dc].hints else {
        return HintLine {
            waiting: Reading::Unknown("nothing was measured yet".into()),
            status: Status::Unknown,
            word: "unknown",
            used: 0.0,
            left: String::new(),
            advice: "nothing was measured yet".into(),
            needs_repair: false,
        };
    };
    let (status, word, used, left, needs_repair) = match fuse.fuse {
        Fuse::Quiet if fuse.pending.is_none() => {
            (Status::Unknown, "unknown", 0.0, String::new(), false)
        }
        Fuse::Quiet => (
            Status::Ok,
            "none waits",
            0.0,
            format!("kept for {}", span(window)),
            false,
        ),
        Fuse::Burning { left, used_percent } => (
            if used_percent < 50 {
                Status::Ok
            } else {
                Status::Warn
            },
            "all kept",
            f32::from(used_percent) / 100.0,
            format!("repair needed in {}", format::duration(left)),
            false,
        ),
        Fuse::RepairNeeded => (
            Status::Critical,
            "repair needed",
            1.0,
            format!("the window of {} has passed", span(window)),
            true,
        ),
    };
    HintLine {
        waiting: fuse.pending.map_or_else(
            || Reading::Unknown("not every node tells its hints".into()),
            Reading::Known,
        ),
        status,
        word,
        used,
        left,
        advice: fuse.advice.clone(),
        needs_repair,
    }
}

/// A set time: `3 h`, `90 s`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format::millis(time),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Where the requests of a region go.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteRow {
    /// The region.
    pub region: Region,
    /// Its state in words.
    pub state: (Status, String),
    /// The data centre that serves it.
    pub serving: Dc,
    /// Lines written per second.
    pub rate: String,
    /// It is not at home.
    pub is_away: bool,
}

/// A row for each region.
pub fn routes(snapshot: &Snapshot) -> PerRegion<RouteRow> {
    PerRegion::from_fn(|region| {
        let view = &snapshot.regions[region];
        let hold = view
            .hold_down_left
            .filter(|left| !left.is_zero())
            .map(|left| format!(", may go home in {}", format::age(left)))
            .unwrap_or_default();
        let state = match view.route {
            RouteState::Home => (Status::Ok, "at home".to_owned()),
            RouteState::Suspect => (Status::Warn, "home does not answer well".to_owned()),
            RouteState::FailedOver { dc } => {
                (Status::Warn, format!("failed over to {}{hold}", dc.name()))
            }
            RouteState::FailingBack { from } => (
                Status::Warn,
                format!("going home from {}{hold}", from.name()),
            ),
        };
        RouteRow {
            region,
            state,
            serving: view.serving,
            rate: view.written_per_sec.map_or_else(
                || "rate unknown".to_owned(),
                |rate| format::rate(rate, "rows"),
            ),
            is_away: matches!(
                view.route,
                RouteState::FailedOver { .. } | RouteState::FailingBack { .. }
            ),
        }
    })
}

/// How writes are done, where that is not as always.
pub fn write_mode(snapshot: &Snapshot) -> Option<(Status, String)> {
    match snapshot.write_mode {
        WriteMode::Full => None,
        WriteMode::Degraded { only } => {
            let lines: u64 = snapshot
                .regions
                .iter()
                .map(|(_, view)| view.held_back)
                .sum();
            let lines = format::count(lines);
            Some((
                Status::Warn,
                format!(
                    "Writes go to {only} alone; {lines} lines are in one data centre only, and their offsets are held back"
                ),
            ))
        }
        WriteMode::Stopped => Some((
            Status::Critical,
            "No data centre takes writes; lines wait in the log".to_owned(),
        )),
    }
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRow {
    /// Its lease.
    pub id: retail_engine::failover::lease::LeaseId,
    /// What fails.
    pub text: String,
    /// Until it ends by itself.
    pub left: String,
    /// Who began it.
    pub by: String,
}

/// The faults in force.
pub fn faults(snapshot: &Snapshot) -> Vec<FaultRow> {
    snapshot
        .faults
        .iter()
        .map(|lease| FaultRow {
            id: lease.id,
            text: lease.fault.to_string(),
            left: format!(
                "ends in {}",
                format::age((lease.ends_at - snapshot.at).to_std().unwrap_or_default())
            ),
            by: lease.started_by.clone(),
        })
        .collect()
}

/// Faults that an earlier run left behind: what is known of them, and whether they still need
/// somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOver {
    /// None.
    None,
    /// They were found at the start and cleared.
    Cleared(u64),
    /// They are still on record.
    Waiting(String),
}

/// What an earlier run left behind.
pub fn left_over(snapshot: &Snapshot, events: &[Event]) -> LeftOver {
    let waiting = snapshot
        .findings
        .iter()
        .find(|finding| finding.action == ActionId::ClearLeftOver);
    if let Some(finding) = waiting {
        return LeftOver::Waiting(finding.evidence.clone());
    }
    events
        .iter()
        .find_map(|event| match &event.kind {
            EventKind::FaultsCleared { faults } => Some(LeftOver::Cleared(*faults)),
            _ => None,
        })
        .unwrap_or(LeftOver::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_that_is_down_says_unknown_and_does_not_count() {
        let by = PerDc([DcState::Up, DcState::Unknown, DcState::Down]);
        assert_eq!(seen(by, Dc::Europe), "seen down by 1 of 1 others");
        let by = PerDc([DcState::Unknown, DcState::Up, DcState::Up]);
        assert_eq!(seen(by, Dc::Europe), "seen up by 2 of 2 others");
        let by = PerDc([DcState::Down, DcState::Unknown, DcState::Unknown]);
        assert_eq!(seen(by, Dc::Europe), "no other data centre can say");
        assert_eq!(witness(DcState::Unknown).1, "unknown");
    }

    #[test]
    fn what_a_data_centre_has_to_merge_is_said_in_its_own_unit() {
        let said = |running, backlog| compactions(Compactions { running, backlog });
        assert_eq!(said(0, Backlog::Files(12)), "0 running, 12 files wait");
        assert_eq!(said(2, Backlog::Tasks(1)), "2 running, 1 task waits");
    }

    #[test]
    fn set_times_are_said_in_their_own_unit() {
        for (seconds, text) in [(10_800, "3 h"), (1_800, "30 min"), (90, "90 s")] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
