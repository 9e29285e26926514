//! Alert rules: a threshold that must be passed for a while, judged here and exported to
//! Prometheus, from one definition.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use Level::{Critical, Warning};
use Side::{Above, Below};

/// What a rule watches. The metric names are those that the engine serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Lines waiting, per region.
    LagLines,
    /// Age of the oldest waiting line, per region, seconds.
    LagAge,
    /// Failed writes per second, per data centre.
    WriteErrors,
    /// 1 for a data centre that is up, 0 for one that is not.
    DcUp,
    /// Hints waiting, per data centre.
    Hints,
    /// Part of the rows read that were set aside.
    RejectShare,
    /// Bytes on the disk, per data centre.
    DiskBytes,
    /// Lines that the ledger misses.
    LedgerGap,
}

impl Signal {
    /// The expression in Prometheus that has the same value.
    pub const fn expression(self) -> &'static str {
        match self {
            Self::LagLines => "sum by (region) (retail_lag_lines)",
            Self::LagAge => "max by (region) (retail_lag_age_seconds)",
            Self::WriteErrors => "rate(retail_write_errors_total[1m])",
            Self::DcUp => "retail_dc_up",
            Self::Hints => "retail_hints_pending",
            Self::RejectShare => {
                "sum(rate(retail_rejects_total[5m])) / sum(rate(retail_lines_total{hop=\"read\"}[5m]))"
            }
            Self::DiskBytes => "retail_disk_bytes",
            Self::LedgerGap => "retail_ledger_gap_lines",
        }
    }
}

/// On which side of the threshold the trouble lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Level {
    const fn slug(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Its name, letters and digits, as Prometheus wants it.
    pub name: String,
    /// What it watches.
    pub signal: Signal,
    /// Which side is trouble.
    pub side: Side,
    /// The threshold, in the unit of the signal.
    pub threshold: f64,
    /// How long without a break.
    pub lasts: Duration,
    /// How urgent.
    pub level: Level,
    /// What it means, in words.
    pub summary: String,
}

impl Rule {
    fn is_passed(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value > self.threshold,
            Side::Below => value < self.threshold,
        }
    }
}

/// The rules that are on from the start.
pub fn default_rules() -> Vec<Rule> {
    let rule = |name: &str, signal, side, threshold, seconds, level, summary: &str| Rule {
        name: name.to_owned(),
        signal,
        side,
        threshold,
        lasts: Duration::from_secs(seconds),
        level,
        summary: summary.to_owned(),
    };
    vec![
        rule(
            "RetailLag",
            Signal::LagLines,
            Above,
            100_000.0,
            60,
            Warning,
            "A consumer is far behind",
        ),
        rule(
            "RetailLagAge",
            Signal::LagAge,
            Above,
            300.0,
            60,
            Warning,
            "Lines wait for minutes",
        ),
        rule(
            "RetailWriteErrors",
            Signal::WriteErrors,
            Above,
            1.0,
            30,
            Warning,
            "Writes to a data centre fail",
        ),
        rule(
            "RetailDcDown",
            Signal::DcUp,
            Below,
            1.0,
            15,
            Critical,
            "A data centre is down",
        ),
        rule(
            "RetailHints",
            Signal::Hints,
            Above,
            0.0,
            3_600,
            Warning,
            "Hints wait for an hour: the window may end",
        ),
        rule(
            "RetailRejects",
            Signal::RejectShare,
            Above,
            0.1,
            60,
            Warning,
            "Many rows are set aside",
        ),
        rule(
            "RetailDisk",
            Signal::DiskBytes,
            Above,
            50e9,
            300,
            Warning,
            "A data centre holds over 50 GB",
        ),
        rule(
            "RetailLedgerGap",
            Signal::LedgerGap,
            Above,
            0.0,
            0,
            Critical,
            "The ledger does not close",
        ),
    ]
}

/// A measured value of a signal, for one label such as a region or data centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Of what.
    pub signal: Signal,
    /// Where; empty for the whole.
    pub label: String,
    /// How much; `None` when it is not known now.
    pub value: Option<f64>,
}

/// An alert that is on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Firing {
    /// The rule's name.
    pub rule: String,
    /// Where.
    pub label: String,
    /// How urgent.
    pub level: Level,
    /// The value now; `None` when it is not known now.
    pub value: Option<f64>,
    /// Since when it has been passed, since the engine started.
    pub since: Duration,
}

/// Since when each rule has been passed, by rule and label.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertState {
    passed: BTreeMap<(String, String), Duration>,
}

impl AlertState {
    /// The state after measurements of one moment, and the alerts that are on, worst first.
    ///
    /// A value that is not known keeps what was: it neither starts an alert nor ends one.
    #[must_use]
    pub fn step(
        &self,
        rules: &[Rule],
        measured: &[Measured],
        now: Duration,
    ) -> (Self, Vec<Firing>) {
        let mut next = Self::default();
        let mut firing = Vec::new();
        for rule in rules {
            for of in measured.iter().filter(|m| m.signal == rule.signal) {
                let key = (rule.name.clone(), of.label.clone());
                let before = self.passed.get(&key).copied();
                let since = match of.value {
                    Some(value) if rule.is_passed(value) => Some(before.unwrap_or(now)),
                    Some(_) => None,
                    None => before,
                };
                let Some(since) = since else { continue };
                next.passed.insert(key, since);
                if now.saturating_sub(since) >= rule.lasts {
                    firing.push(Firing {
                        rule: rule.name.clone(),
                        label: of.label.clone(),
                        level: rule.level,
                        value: of.value,
                        since,
                    });
                }
            }
        }
        firing.sort_by(|a, b| {
            (b.level, a.since, &a.rule, &a.label).cmp(&(a.level, b.since, &b.rule, &b.label))
        });
        (next, firing)
    }
}

/// The rules as a Prometheus rule file.
pub fn to_prometheus(rules: &[Rule]) -> String {
    let mut yaml = "groups:\n  - name: retail\n    rules:\n".to_owned();
    for rule in rules {
        let side = match rule.side {
            Side::Above => ">",
            Side::Below => "<",
        };
        let text = format!(
            "      - alert: {}\n        expr: {}\n        for: {}s\n        labels:\n          \
             severity: {}\n        annotations:\n          summary: {}\n",
            quote(&rule.name),
            quote(&format!(
                "{} {side} {}",
                rule.signal.expression(),
                rule.threshold
            )),
            rule.lasts.as_secs(),
            rule.level.slug(),
            quote(&rule.summary),
        );
        yaml.push_str(&text);
    }
    yaml
}

/// A double-quoted YAML scalar: whatever a person typed stays text.
fn quote(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                if write!(quoted, "\\u{:04x}", u32::from(c)).is_err() {
                    quoted.push(' ');
                }
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(value: Option<f64>) -> Vec<Measured> {
        vec![Measured {
            signal: Signal::LagLines,
            label: "europe".to_owned(),
            value,
        }]
    }

    /// At which of the seconds the lag alert (over 100,000 for 60 s) is on.
    fn on_at(course: &[(u64, Option<f64>)]) -> Vec<u64> {
        let rules = default_rules();
        let mut state = AlertState::default();
        let mut on = Vec::new();
        for (second, value) in course {
            let (next, firing) = state.step(&rules, &lag(*value), Duration::from_secs(*second));
            state = next;
            if !firing.is_empty() {
                on.push(*second);
            }
        }
        on
    }

    #[test]
    fn an_alert_is_on_after_its_duration_and_a_break_starts_it_again() {
        let (high, low) = (Some(100_001.0), Some(100_000.0));
        assert_eq!(on_at(&[(0, high), (59, high), (60, high), (61, low)]), [60]);
        assert_eq!(
            on_at(&[(0, high), (59, low), (60, high), (119, high), (120, high)]),
            [120]
        );
    }

    #[test]
    fn an_unknown_value_neither_starts_nor_ends_an_alert() {
        let high = Some(1e9);
        assert_eq!(on_at(&[(0, high), (60, None), (61, high)]), [60, 61]);
        assert_eq!(
            on_at(&[(0, None), (60, None), (99, None)]),
            Vec::<u64>::new()
        );
    }

    #[test]
    fn a_data_centre_that_is_down_comes_before_a_lag() {
        let mut measured = lag(Some(1e9));
        measured.push(Measured {
            signal: Signal::DcUp,
            label: "Europe_DC".to_owned(),
            value: Some(0.0),
        });
        let rules = default_rules();
        let (state, none) = AlertState::default().step(&rules, &measured, Duration::ZERO);
        assert_eq!(none, []);
        let (_, firing) = state.step(&rules, &measured, Duration::from_mins(1));
        let names: Vec<_> = firing.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(names, ["RetailDcDown", "RetailLag"]);
    }

    #[test]
    fn the_export_names_only_our_metrics_and_quotes_what_was_typed() {
        let mut rules = default_rules();
        rules[0].summary = "a \"quoted\": {line}\n- alert: x".to_owned();
        let yaml = to_prometheus(&rules);
        assert_eq!(yaml.matches("- alert: \"Retail").count(), rules.len());
        assert!(
            yaml.contains(r#"summary: "a \"quoted\": {line}\u000a- alert: x""#),
            "{yaml}"
        );
        assert!(
            yaml.contains(
                "expr: \"sum by (region) (retail_lag_lines) > 100000\"\n        for: 60s"
            )
        );
        assert!(
            rules
                .iter()
                .all(|r| r.signal.expression().contains("retail_"))
        );
    }
}
