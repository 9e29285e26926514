//! The alerts of this engine: their rules from the settings, their state, and what people say to
//! them.

use std::time::Duration;

use parking_lot::Mutex;

use super::runtime::Runtime;
use crate::config::AlertSettings;
use crate::failover::Now;
use crate::telemetry::EventKind;
use crate::watch::alert_state::{Alert, AlertChange, AlertId, AlertState};
use crate::watch::alerts::{Measured, Rule, Thresholds, rules};

/// Rules and state.
pub(crate) struct AlertDesk {
    rules: Vec<Rule>,
    state: Mutex<AlertState>,
}

impl AlertDesk {
    /// Nothing is passed yet.
    pub(crate) fn new(settings: &AlertSettings) -> Self {
        Self {
            rules: rules(&thresholds(settings)),
            state: Mutex::default(),
        }
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// The thresholds that settings name.
fn thresholds(settings: &AlertSettings) -> Thresholds {
    Thresholds {
        lag_lines: settings.lag_lines,
        lag_age: settings.lag_age,
        write_errors_per_sec: settings.write_errors_per_sec,
        hint_window: settings.hint_window_share,
        reject_share: settings.reject_share,
        disk_used: settings.disk_share,
    }
}

impl Runtime {
    /// Judges the measurements of one moment, and tells what went on or off.
    pub(crate) fn alerts_of(&self, measured: &[Measured]) -> (Vec<Alert>, Vec<AlertChange>) {
        let mut state = self.alerts.state.lock();
        let (alerts, changes) = state.step(&self.alerts.rules, measured, self.now());
        drop(state);
        for change in &changes {
            self.events.emit(match change.clone() {
                AlertChange::Fired(AlertId { rule, label }, urgency) => EventKind::AlertFired {
                    rule,
                    label,
                    urgency,
                },
                AlertChange::Resolved(AlertId { rule, label }) => {
                    EventKind::AlertResolved { rule, label }
                }
            });
        }
        (alerts, changes)
    }

    /// Somebody has seen an alert; `false` when it is over already.
    pub(crate) fn acknowledge(&self, id: AlertId) -> bool {
        let there = self.alerts.state.lock().acknowledge(&id, self.now());
        if there {
            let AlertId { rule, label } = id;
            self.events
                .emit(EventKind::AlertAcknowledged { rule, label });
        }
        there
    }

    /// Somebody does not want to hear of an alert for a time; none ends a mute.
    pub(crate) fn mute(&self, id: AlertId, lasts: Duration) {
        self.alerts.state.lock().mute(&id, lasts, self.now());
        let (AlertId { rule, label }, secs) = (id, lasts.as_secs());
        self.events
            .emit(EventKind::AlertMuted { rule, label, secs });
    }

    fn now(&self) -> Now {
        Now {
            since_start: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }
}
