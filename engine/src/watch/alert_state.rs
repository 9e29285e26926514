//! Which alerts are pending and which are on, who has seen them, and which are muted.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::alerts::{Level, Measured, Rule};
use crate::failover::Now;

/// One alert: a rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AlertId {
    /// Name of its rule.
    pub rule: String,
    /// The region or data centre; empty for the whole.
    pub label: String,
}

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum AlertPhase {
    /// The threshold is passed, not yet for long enough.
    Pending,
    /// It is on.
    Firing,
    /// It is on, and somebody has said that it is seen to.
    Acknowledged {
        /// When.
        at: DateTime<Utc>,
    },
    /// It is passed, and somebody does not want to hear of it for a time.
    Muted {
        /// Until then.
        until: DateTime<Utc>,
    },
}

/// An alert whose threshold is passed now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Which.
    #[serde(flatten)]
    pub id: AlertId,
    /// How urgent.
    pub level: Level,
    /// What it means, in words.
    pub summary: String,
    /// The value now, in the unit of its signal; `None` when it is not known now.
    pub value: Option<f64>,
    /// The threshold, in the same unit.
    pub threshold: f64,
    /// Since when the threshold has been passed.
    pub since: DateTime<Utc>,
    /// How far it is.
    #[serde(flatten)]
    pub phase: AlertPhase,
}

/// An alert that went on or off. Muted ones are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertChange {
    /// It went on.
    Fired(AlertId, Level),
    /// It was on, and its value is well again.
    Resolved(AlertId),
}

/// What is known of a threshold that is passed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Passed {
    since: Now,
    told: bool,
    acknowledged: Option<DateTime<Utc>>,
}

/// The alerts between two samples.
#[derive(Debug, Clone, Default)]
pub struct AlertState {
    passed: BTreeMap<AlertId, Passed>,
    /// When each mute ends: by the engine's clock, and as people read it.
    muted: BTreeMap<AlertId, Now>,
}

impl AlertState {
    /// Judges the measurements of one moment: the alerts whose threshold is passed, worst first,
    /// and those that went on or off.
    ///
    /// A value that is not known keeps what was: it neither starts an alert nor ends one.
    pub fn step(
        &mut self,
        rules: &[Rule],
        measured: &[Measured],
        now: Now,
    ) -> (Vec<Alert>, Vec<AlertChange>) {
        self.muted
            .retain(|_, until| until.since_start > now.since_start);
        let before = std::mem::take(&mut self.passed);
        let (mut alerts, mut changes) = (Vec::new(), Vec::new());
        for rule in rules {
            for of in measured.iter().filter(|m| m.signal == rule.signal) {
                let id = AlertId {
                    rule: rule.name.clone(),
                    label: of.label.clone(),
                };
                let known = before.get(&id).copied();
                let passed = match of.value {
                    Some(value) if rule.is_passed(value) => Some(known.unwrap_or(Passed {
                        since: now,
                        told: false,
                        acknowledged: None,
                    })),
                    Some(_) => None,
                    None => known,
                };
                let Some(mut passed) = passed else {
                    if known.is_some_and(|known| known.told) {
                        changes.push(AlertChange::Resolved(id));
                    }
                    continue;
                };
                let lasted = now.since_start.saturating_sub(passed.since.since_start);
                let is_on = lasted >= rule.lasts;
                let muted = self.muted.get(&id);
                if is_on && muted.is_none() && !passed.told {
                    passed.told = true;
                    changes.push(AlertChange::Fired(id.clone(), rule.level));
                }
                let phase = match (muted, is_on, passed.acknowledged) {
                    (Some(until), _, _) => AlertPhase::Muted { until: until.wall },
                    (None, false, _) => AlertPhase::Pending,
                    (None, true, Some(at)) => AlertPhase::Acknowledged { at },
                    (None, true, None) => AlertPhase::Firing,
                };
                self.passed.insert(id.clone(), passed);
                alerts.push(Alert {
                    id,
                    level: rule.level,
                    summary: rule.summary.clone(),
                    value: of.value,
                    threshold: rule.threshold,
                    since: passed.since.wall,
                    phase,
                });
            }
        }
        alerts.sort_by(|a, b| (b.level, a.since, &a.id).cmp(&(a.level, b.since, &b.id)));
        (alerts, changes)
    }

    /// Somebody has seen an alert. `false` when its threshold is not passed any more; the next
    /// time it goes on it is new.
    pub fn acknowledge(&mut self, id: &AlertId, now: Now) -> bool {
        let Some(passed) = self.passed.get_mut(id) else {
            return false;
        };
        passed.acknowledged = Some(now.wall);
        true
    }

    /// Somebody does not want to hear of an alert, on or not, for a time; none ends a mute.
    pub fn mute(&mut self, id: &AlertId, lasts: Duration, now: Now) {
        let lasting = chrono::Duration::from_std(lasts).unwrap_or(chrono::Duration::MAX);
        let wall = now.wall.checked_add_signed(lasting);
        let until = Now {
            since_start: now.since_start.saturating_add(lasts),
            wall: wall.unwrap_or(DateTime::<Utc>::MAX_UTC),
        };
        if lasts.is_zero() {
            self.muted.remove(id);
        } else {
            self.muted.insert(id.clone(), until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::alerts::{Side, Signal};
    use super::*;

    fn rule(signal: Signal, level: Level) -> Rule {
        Rule {
            name: format!("{signal:?}"),
            signal,
            side: Side::Above,
            threshold: 100.0,
            lasts: Duration::from_mins(1),
            level,
            summary: String::new(),
        }
    }

    fn at(second: u64) -> Now {
        Now {
            since_start: Duration::from_secs(second),
            wall: DateTime::from_timestamp(i64::try_from(second).unwrap(), 0).unwrap(),
        }
    }

    fn of(signal: Signal, value: Option<f64>) -> Measured {
        Measured {
            signal,
            label: "europe".to_owned(),
            value,
        }
    }

    const HIGH: Option<f64> = Some(101.0);
    const LOW: Option<f64> = Some(100.0);

    /// The state after a course of values of the lag, with its phases and changes.
    fn course(
        state: &mut AlertState,
        course: &[(u64, Option<f64>)],
    ) -> (Vec<Option<AlertPhase>>, Vec<AlertChange>) {
        let rules = [rule(Signal::LagLines, Level::Warning)];
        let (mut phases, mut all) = (Vec::new(), Vec::new());
        for (second, value) in course {
            let measured = [of(Signal::LagLines, *value)];
            let (alerts, changes) = state.step(&rules, &measured, at(*second));
            phases.push(alerts.first().map(|alert| alert.phase));
            all.extend(changes);
        }
        (phases, all)
    }

    fn id() -> AlertId {
        AlertId {
            rule: "LagLines".to_owned(),
            label: "europe".to_owned(),
        }
    }

    fn phases(values: &[(u64, Option<f64>)]) -> Vec<Option<AlertPhase>> {
        course(&mut AlertState::default(), values).0
    }

    const PENDING: Option<AlertPhase> = Some(AlertPhase::Pending);
    const FIRING: Option<AlertPhase> = Some(AlertPhase::Firing);

    #[test]
    fn an_alert_is_on_after_its_duration_and_a_break_starts_it_again() {
        assert_eq!(
            phases(&[(0, HIGH), (59, HIGH), (60, HIGH), (61, LOW)]),
            [PENDING, PENDING, FIRING, None]
        );
        assert_eq!(
            phases(&[(0, HIGH), (59, LOW), (60, HIGH), (119, HIGH), (120, HIGH)]),
            [PENDING, None, PENDING, PENDING, FIRING]
        );
    }

    #[test]
    fn an_unknown_value_neither_starts_nor_ends_an_alert() {
        assert_eq!(
            phases(&[(0, HIGH), (60, None), (61, HIGH)]),
            [PENDING, FIRING, FIRING]
        );
        assert_eq!(phases(&[(0, None), (60, None)]), [None, None]);
    }

    #[test]
    fn going_on_and_off_is_told_once_each() {
        let values = [
            (0, HIGH),
            (60, HIGH),
            (70, HIGH),
            (80, None),
            (90, LOW),
            (99, LOW),
        ];
        let (_, changes) = course(&mut AlertState::default(), &values);
        let fired = AlertChange::Fired(id(), Level::Warning);
        assert_eq!(changes, [fired, AlertChange::Resolved(id())]);
        let (_, never_on) = course(&mut AlertState::default(), &[(0, HIGH), (59, LOW)]);
        assert_eq!(never_on, [], "a pending alert was never told");
    }

    #[test]
    fn an_acknowledged_alert_is_new_when_it_comes_back() {
        let mut state = AlertState::default();
        assert!(!state.acknowledge(&id(), at(0)), "it is not there yet");
        course(&mut state, &[(0, HIGH), (60, HIGH)]);
        assert!(state.acknowledge(&id(), at(61)));
        let seen = Some(AlertPhase::Acknowledged { at: at(61).wall });
        let (phases, _) = course(
            &mut state,
            &[(62, HIGH), (63, LOW), (64, HIGH), (124, HIGH)],
        );
        assert_eq!(phases, [seen, None, PENDING, FIRING]);
    }

    #[test]
    fn a_muted_alert_says_nothing_until_its_time_is_over_or_it_is_ended() {
        let mut state = AlertState::default();
        let hour = Duration::from_hours(1);
        state.mute(&id(), hour, at(0));
        let muted = Some(AlertPhase::Muted {
            until: at(3_600).wall,
        });
        let (phases, changes) = course(&mut state, &[(1, HIGH), (61, HIGH), (3_599, HIGH)]);
        assert_eq!((phases, changes.len()), (vec![muted; 3], 0));
        let (phases, changes) = course(&mut state, &[(3_600, HIGH)]);
        assert_eq!((phases, changes.len()), (vec![FIRING], 1));
        state.mute(&id(), hour, at(3_601));
        state.mute(&id(), Duration::ZERO, at(3_602));
        assert_eq!(course(&mut state, &[(3_603, HIGH)]).0, [FIRING]);
    }

    #[test]
    fn the_worst_comes_first() {
        let rules = [
            rule(Signal::LagLines, Level::Warning),
            rule(Signal::WorkersFailed, Level::Critical),
        ];
        let measured = [of(Signal::LagLines, HIGH), of(Signal::WorkersFailed, HIGH)];
        let (alerts, _) = AlertState::default().step(&rules, &measured, at(0));
        let names: Vec<_> = alerts.iter().map(|a| a.id.rule.as_str()).collect();
        assert_eq!(names, ["WorkersFailed", "LagLines"]);
    }
}
