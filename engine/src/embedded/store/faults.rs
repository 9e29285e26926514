//! The network and the disks between and below the replicas, with the faults in force.
//!
//! A request that cannot be delivered is either refused at once, as by a host without the
//! program, or lost without a word, as by a cut cable; its sender learns of the latter from
//! the clock alone.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::model::{Dc, PerDc};
use crate::ports::{Clock, Fault};

/// Longest wait before the clock is asked again: a clock that a test controls does not wake
/// anybody.
pub(super) const CLOCK_SLICE: Duration = Duration::from_millis(20);

/// What became of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It arrived.
    Arrived,
    /// The other side refuses.
    Refused,
    /// Nobody will ever answer.
    Lost,
}

#[derive(Debug, Clone, Copy, Default)]
struct DcFaults {
    down: bool,
    paused: bool,
    disk_full: bool,
    delay: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    dcs: PerDc<DcFaults>,
    cut: Vec<(Dc, Dc)>,
}

/// The faults in force, and a signal when they change.
#[derive(Debug, Default)]
pub(super) struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

impl Network {
    /// Replaces the faults.
    pub(super) fn set(&self, faults: &[Fault]) {
        let mut state = State::default();
        for fault in faults {
            match *fault {
                Fault::DcDown { dc } => state.dcs[dc].down = true,
                Fault::DcPaused { dc } => state.dcs[dc].paused = true,
                Fault::DcSlow { dc, .. } => {
                    let delays = [state.dcs[dc].delay, fault.delay()];
                    state.dcs[dc].delay = delays.into_iter().max().flatten();
                }
                Fault::LinkCut { a, b } => state.cut.push((a, b)),
                Fault::DiskFull { dc } => state.dcs[dc].disk_full = true,
                Fault::LogDown => {}
            }
        }
        *self.state.lock() = state;
        self.changed.notify_all();
    }

    /// Sends a request from one data centre to another, or to its own replica.
    pub(super) fn deliver(&self, from: Dc, to: Dc) -> Delivery {
        let state = self.state.lock();
        let cut = |&(a, b): &(Dc, Dc)| (a, b) == (from, to) || (b, a) == (from, to);
        if from != to && state.cut.iter().any(cut) {
            Delivery::Lost
        } else if state.dcs[to].down {
            Delivery::Refused
        } else {
            Delivery::Arrived
        }
    }

    /// Whether a data centre refuses requests.
    pub(super) fn is_down(&self, dc: Dc) -> bool {
        self.state.lock().dcs[dc].down
    }

    /// Whether a data centre stands still.
    pub(super) fn is_paused(&self, dc: Dc) -> bool {
        self.state.lock().dcs[dc].paused
    }

    /// Whether the disk of a data centre is full.
    pub(super) fn is_disk_full(&self, dc: Dc) -> bool {
        self.state.lock().dcs[dc].disk_full
    }

    /// What is added to each request to a data centre.
    pub(super) fn delay(&self, dc: Dc) -> Option<Duration> {
        self.state.lock().dcs[dc].delay
    }

    /// Waits until a data centre does not stand still; `false` at the deadline on `clock`.
    pub(super) fn wait_while_paused(
        &self,
        dc: Dc,
        clock: &dyn Clock,
        deadline: Option<Duration>,
    ) -> bool {
        let mut state = self.state.lock();
        while state.dcs[dc].paused {
            let left = deadline.map(|at| at.saturating_sub(clock.monotonic()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            let slice = left.unwrap_or(CLOCK_SLICE).min(CLOCK_SLICE);
            self.changed.wait_for(&mut state, slice);
        }
        true
    }

    /// Waits until a request between two data centres is not lost; `false` at the deadline.
    pub(super) fn wait_while_lost(
        &self,
        from: Dc,
        to: Dc,
        clock: &dyn Clock,
        deadline: Duration,
    ) -> bool {
        while self.deliver(from, to) == Delivery::Lost {
            let left = deadline.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return false;
            }
            let mut state = self.state.lock();
            self.changed.wait_for(&mut state, left.min(CLOCK_SLICE));
        }
        true
    }
}
