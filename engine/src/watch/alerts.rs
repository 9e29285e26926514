//! Alert rules: a threshold that must be passed for a while, judged in [`super::alert_state`] and
//! exported to Prometheus, from one definition.

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
    /// 1 for a data centre that is up, 0.5 for one that is suspect, 0 for one that is down.
    DcUp,
    /// Part of the hint window that has passed, per data centre, 0 to 1.
    HintWindow,
    /// 1 for a consumer that is stalled or stopped while lines wait, else 0, per region.
    ConsumerStalled,
    /// Part of the rows read in the last five minutes that were set aside; 0 when none was read.
    RejectShare,
    /// Part of the disk of the data directory that is in use, 0 to 1.
    DiskUsed,
    /// Lines that the ledger misses.
    LedgerGap,
    /// Workers that ended before they should.
    WorkersFailed,
}

impl Signal {
    /// The expression in Prometheus that has the same value.
    pub const fn expression(self) -> &'static str {
        match self {
            Self::LagLines => "sum by (region) (retail_lag_lines)",
            Self::LagAge => "max by (region) (retail_lag_age_seconds)",
            Self::WriteErrors => "sum by (dc) (rate(retail_write_errors_total[1m]))",
            Self::DcUp => "retail_dc_up",
            Self::RejectShare => {
                "sum(rate(retail_rejects_total[5m])) / sum(rate(retail_lines_total{hop=\"read\"}[5m]))"
            }
            Self::HintWindow => "retail_hint_window_used_ratio",
            Self::ConsumerStalled => "retail_consumer_stalled",
            Self::DiskUsed => "retail_disk_used_ratio",
            Self::LedgerGap => "retail_ledger_gap_lines",
            Self::WorkersFailed => "retail_workers_failed",
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
    /// Whether a value is on the side of trouble.
    pub fn is_passed(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value > self.threshold,
            Side::Below => value < self.threshold,
        }
    }
}

/// Where the thresholds lie that the settings name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Lines that may wait in a region.
    pub lag_lines: u64,
    /// How long the oldest of them may wait.
    pub lag_age: Duration,
    /// Writes per second that may fail at a data centre.
    pub write_errors_per_sec: f64,
    /// Part of the hint window that may pass, 0 to 1.
    pub hint_window: f64,
    /// Part of the rows that may be set aside, 0 to 1.
    pub reject_share: f64,
    /// Part of a disk that may be in use, 0 to 1.
    pub disk_used: f64,
}

/// The rules with these thresholds.
#[expect(
    clippy::too_many_lines,
    reason = "a few lines for each rule, and no more"
)]
pub fn rules(at: &Thresholds) -> Vec<Rule> {
    let rule = |name: &str, signal, side, threshold, seconds, level, summary: &str| Rule {
        name: name.to_owned(),
        signal,
        side,
        threshold,
        lasts: Duration::from_secs(seconds),
        level,
        summary: summary.to_owned(),
    };
    let lag_lines = at.lag_lines as f64;
    let lag_age = at.lag_age.as_secs_f64();
    let errors = at.write_errors_per_sec;
    vec![
        rule(
            "RetailLag",
            Signal::LagLines,
            Above,
            lag_lines,
            60,
            Warning,
            "A consumer is far behind",
        ),
        rule(
            "RetailLagAge",
            Signal::LagAge,
            Above,
            lag_age,
            60,
            Warning,
            "Lines wait for long",
        ),
        rule(
            "RetailConsumerStalled",
            Signal::ConsumerStalled,
            Above,
            0.0,
            15,
            Critical,
            "Lines wait and nothing is committed",
        ),
        rule(
            "RetailWriteErrors",
            Signal::WriteErrors,
            Above,
            errors,
            30,
            Warning,
            "Writes to a data centre fail",
        ),
        // Below 0.5 is down; suspect is 0.5, and lasts for a moment only.
        rule(
            "RetailDcDown",
            Signal::DcUp,
            Below,
            0.5,
            5,
            Critical,
            "A data centre is down",
        ),
        rule(
            "RetailHints",
            Signal::HintWindow,
            Above,
            at.hint_window,
            0,
            Warning,
            "The window for which hints are kept will end",
        ),
        rule(
            "RetailRejects",
            Signal::RejectShare,
            Above,
            at.reject_share,
            15,
            Warning,
            "Many rows are set aside",
        ),
        rule(
            "RetailDisk",
            Signal::DiskUsed,
            Above,
            at.disk_used,
            60,
            Warning,
            "A disk fills",
        ),
        // A replica may be a moment behind when a load has ended.
        rule(
            "RetailLedgerGap",
            Signal::LedgerGap,
            Above,
            0.0,
            10,
            Critical,
            "The ledger does not close",
        ),
        rule(
            "RetailWorkerFailed",
            Signal::WorkersFailed,
            Above,
            0.0,
            0,
            Critical,
            "A worker of the engine has ended",
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
    yaml.push_str(NO_DATA);
    yaml
}

/// What no engine can say of itself: that it does not measure any more, or is not there.
const NO_DATA: &str = "      - alert: \"RetailNoData\"
        expr: \"absent(retail_sampled_timestamp_seconds) or time() - retail_sampled_timestamp_seconds > 30\"
        for: 30s
        labels:
          severity: critical
        annotations:
          summary: \"The engine measures nothing, or is gone\"
";

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

    const AT: Thresholds = Thresholds {
        lag_lines: 100_000,
        lag_age: Duration::from_mins(5),
        write_errors_per_sec: 1.0,
        hint_window: 0.75,
        reject_share: 0.1,
        disk_used: 0.85,
    };

    #[test]
    fn the_export_names_only_our_metrics_and_quotes_what_was_typed() {
        let mut rules = rules(&AT);
        rules[0].summary = "a \"quoted\": {line}\n- alert: x".to_owned();
        let yaml = to_prometheus(&rules);
        assert_eq!(yaml.matches("- alert: \"Retail").count(), rules.len() + 1);
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
