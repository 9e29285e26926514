//! The alert rules in force, as rows.

use std::time::Duration;

use retail_engine::handle::Snapshot;
use retail_engine::watch::alert_state::AlertPhase;
use retail_engine::watch::alerts::{Level, Rule, Signal};

use crate::views::format;
use crate::widgets::Status;

/// A rule on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// Its name, as in Prometheus.
    pub name: String,
    /// What it means.
    pub summary: String,
    /// The threshold with its side and unit.
    pub condition: String,
    /// For how long.
    pub lasts: String,
    /// How urgent.
    pub level: (Status, &'static str),
    /// How it stands now.
    pub now: (Status, String),
    /// The setting that moves the threshold.
    pub setting: Option<&'static str>,
}

/// All rules, in the order of the engine.
pub fn rows(rules: &[Rule], snapshot: &Snapshot) -> Vec<RuleRow> {
    rules.iter().map(|rule| row(rule, snapshot)).collect()
}

fn row(rule: &Rule, snapshot: &Snapshot) -> RuleRow {
    let level = match rule.level {
        Level::Critical => (Status::Critical, "Critical"),
        Level::Warning => (Status::Warn, "Warning"),
    };
    let (condition, setting) = condition(rule);
    RuleRow {
        name: rule.name.clone(),
        summary: rule.summary.clone(),
        condition,
        lasts: if rule.lasts.is_zero() {
            "at once".to_owned()
        } else {
            format!("for {}", format::age(rule.lasts))
        },
        level,
        now: now(rule, snapshot, level.0),
        setting,
    }
}

fn condition(rule: &Rule) -> (String, Option<&'static str>) {
    let at = rule.threshold;
    match rule.signal {
        Signal::LagLines => (
            format!("over {} lines wait", format::significant(at)),
            Some("alerts.lag_lines"),
        ),
        Signal::LagAge => (
            format!(
                "the oldest waits over {}",
                format::age(Duration::from_secs_f64(at.max(0.0)))
            ),
            Some("alerts.lag_age_secs"),
        ),
        Signal::WriteErrors => (
            format!("over {} failed writes/s", format::significant(at)),
            Some("alerts.write_errors_per_sec"),
        ),
        Signal::DcUp => ("a data centre is down".to_owned(), None),
        Signal::HintWindow => (
            format!("over {} of the hint window", format::percent(at)),
            Some("alerts.hint_window_share"),
        ),
        Signal::ConsumerStalled => ("a consumer stands while lines wait".to_owned(), None),
        Signal::RejectShare => (
            format!("over {} set aside", format::percent(at)),
            Some("alerts.reject_share"),
        ),
        Signal::DiskUsed => (
            format!("over {} of a disk used", format::percent(at)),
            Some("alerts.disk_share"),
        ),
        Signal::LedgerGap => ("a line is missing in the ledger".to_owned(), None),
        Signal::WorkersFailed => ("a worker has ended".to_owned(), None),
    }
}

fn now(rule: &Rule, snapshot: &Snapshot, urgent: Status) -> (Status, String) {
    let of_rule = |alert: &&retail_engine::watch::alert_state::Alert| alert.id.rule == rule.name;
    let alerts: Vec<_> = snapshot.alerts.iter().filter(of_rule).collect();
    let Some(first) = alerts.first() else {
        return (Status::Ok, "quiet".to_owned());
    };
    let (status, word) = match first.phase {
        AlertPhase::Pending => (Status::Stale, "pending"),
        AlertPhase::Firing => (urgent, "on"),
        AlertPhase::Acknowledged { .. } => (urgent, "seen to"),
        AlertPhase::Muted { .. } => (Status::Stale, "muted"),
    };
    let places: Vec<&str> = alerts
        .iter()
        .map(|alert| alert.id.label.as_str())
        .filter(|label| !label.is_empty())
        .collect();
    let text = if places.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {}", places.join(", "))
    };
    (status, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use retail_engine::watch::alerts::{Thresholds, rules};

    #[test]
    fn every_rule_says_its_threshold_in_its_unit() {
        let at = Thresholds {
            lag_lines: 100_000,
            lag_age: Duration::from_mins(5),
            write_errors_per_sec: 1.0,
            hint_window: 0.75,
            reject_share: 0.1,
            disk_used: 0.85,
        };
        let said: Vec<String> = rules(&at).iter().map(|rule| condition(rule).0).collect();
        assert!(said.contains(&"over 100\u{2009}000 lines wait".to_owned()));
        assert!(said.contains(&"the oldest waits over 5 m 0 s".to_owned()));
        assert!(said.contains(&"over 85.0 % of a disk used".to_owned()));
    }
}
