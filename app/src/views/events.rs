//! Events, alerts and acts, as words and as files.

use chrono::{DateTime, Utc};
use retail_engine::telemetry::{Event, EventLevel, EventSource};
use retail_engine::watch::alert_state::{Alert, AlertPhase};
use retail_engine::watch::alerts::Level;

use super::format;
use crate::runbook::Outcome;
use crate::widgets::{Status, Take, TakenOut};

/// Seconds that charts can show, as their range is chosen.
const RANGES: [u32; 4] = [60, 300, 900, 3_600];

/// A level as icon and word.
pub const fn level(level: EventLevel) -> (Status, &'static str) {
    match level {
        EventLevel::Info => (Status::Neutral, "Info"),
        EventLevel::Warn => (Status::Warn, "Warning"),
        EventLevel::Error => (Status::Critical, "Error"),
    }
}

/// Where an event comes from.
pub const fn source(source: EventSource) -> &'static str {
    match source {
        EventSource::Engine => "Engine",
        EventSource::Load => "Load",
        EventSource::Store => "Store",
        EventSource::Failover => "Failover",
        EventSource::Replay => "Replay",
        EventSource::Drill => "Drill",
        EventSource::Alert => "Alert",
        EventSource::Monitoring => "Monitoring",
    }
}

/// The least range of the charts that reaches back to `at`; `None` where none does.
pub fn range_to(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<u32> {
    let back = (now - at).num_seconds();
    RANGES.into_iter().find(|range| i64::from(*range) > back)
}

/// Events as a table to be taken out, in the order given.
pub fn table(events: &[&Event], take: Take) -> TakenOut {
    let rows = events.iter().map(|event| {
        vec![
            event.at.to_rfc3339(),
            level(event.level).1.to_owned(),
            source(event.source).to_owned(),
            event.repeats.to_string(),
            event.text.clone(),
        ]
    });
    TakenOut {
        title: "events".to_owned(),
        take,
        columns: ["time", "level", "source", "times", "text"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
        picture: None,
    }
}

/// An alert, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// How it stands.
    pub status: Status,
    /// What it means, and where.
    pub what: String,
    /// Its value, its threshold, since when.
    pub evidence: String,
    /// How far it is, in words.
    pub phase: String,
    /// Whether somebody can still say that it is seen to.
    pub is_new: bool,
    /// Whether it is muted.
    pub is_muted: bool,
}

/// An alert in words.
pub fn alert(alert: &Alert) -> AlertRow {
    let status = match alert.level {
        Level::Warning => Status::Warn,
        Level::Critical => Status::Critical,
    };
    let what = if alert.id.label.is_empty() {
        alert.summary.clone()
    } else {
        format!("{}: {}", alert.summary, alert.id.label)
    };
    let value = alert
        .value
        .map_or_else(|| "Unknown".to_owned(), format::significant);
    let evidence = format!(
        "now {value}, threshold {}, since {}",
        format::significant(alert.threshold),
        format::clock(alert.since)
    );
    let phase = match alert.phase {
        AlertPhase::Pending => "not for long enough yet".to_owned(),
        AlertPhase::Firing => "to review".to_owned(),
        AlertPhase::Acknowledged { at } => format!("acknowledged {}", format::clock(at)),
        AlertPhase::Muted { until } => format!("muted until {}", format::clock(until)),
    };
    let quiet = matches!(
        alert.phase,
        AlertPhase::Acknowledged { .. } | AlertPhase::Muted { .. }
    );
    AlertRow {
        status: if quiet { Status::Neutral } else { status },
        what,
        evidence,
        phase,
        is_new: alert.phase == AlertPhase::Firing,
        is_muted: matches!(alert.phase, AlertPhase::Muted { .. }),
    }
}

/// What became of an act, as icon and words.
pub fn outcome(outcome: &Outcome) -> (Status, String) {
    match outcome {
        Outcome::Running => (Status::Stale, "Under way".to_owned()),
        Outcome::Done(how) => (Status::Ok, how.clone()),
        Outcome::Failed(why) => (Status::Critical, why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::watch::alert_state::AlertId;

    use super::*;

    fn fired(phase: AlertPhase) -> Alert {
        Alert {
            id: AlertId {
                rule: "RetailDcDown".into(),
                label: "Europe_DC".into(),
            },
            level: Level::Critical,
            summary: "A data centre is down".into(),
            value: Some(0.0),
            threshold: 0.5,
            since: DateTime::UNIX_EPOCH,
            phase,
        }
    }

    #[test]
    fn an_alert_that_was_seen_to_steps_back() {
        let new = alert(&fired(AlertPhase::Firing));
        assert_eq!(new.what, "A data centre is down: Europe_DC");
        assert!(new.is_new && new.status == Status::Critical);
        let at = DateTime::UNIX_EPOCH;
        let seen = alert(&fired(AlertPhase::Acknowledged { at }));
        assert!(!seen.is_new && seen.status == Status::Neutral);
        assert!(alert(&fired(AlertPhase::Muted { until: at })).is_muted);
    }

    #[test]
    fn the_range_reaches_back_to_an_event_or_there_is_none() {
        let now = DateTime::UNIX_EPOCH + chrono::Duration::hours(9);
        let back = |seconds| range_to(now - chrono::Duration::seconds(seconds), now);
        assert_eq!(back(0), Some(60));
        assert_eq!(back(60), Some(300));
        assert_eq!(back(3_599), Some(3_600));
        assert_eq!(back(3_600), None);
    }
}
