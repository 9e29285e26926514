//! Pause, resume and stop: one gate that workers pass between two pieces of work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Whether work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Paused,
    Stopped,
}

/// What a worker does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Go on.
    Go,
    /// Finish what is in flight and end.
    Stop,
}

/// A gate shared by those who work and those who control them.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    /// Workers that wait in [`Gate::pass`] now.
    held: AtomicUsize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
            held: AtomicUsize::new(0),
        }
    }
}

impl Gate {
    /// Passes when the gate is open, waits while it is paused.
    pub(crate) fn pass(&self) -> Pass {
        let mut state = self.state.lock();
        loop {
            match *state {
                State::Open => return Pass::Go,
                State::Stopped => return Pass::Stop,
                State::Paused => {
                    self.held.fetch_add(1, Ordering::AcqRel);
                    self.changed.wait(&mut state);
                    self.held.fetch_sub(1, Ordering::AcqRel);
                }
            }
        }
    }

    /// Waits for `timeout`, or less when the gate is stopped meanwhile.
    pub(crate) fn wait(&self, timeout: Duration) -> Pass {
        let mut state = self.state.lock();
        if *state != State::Stopped {
            self.changed.wait_for(&mut state, timeout);
        }
        if *state == State::Stopped {
            Pass::Stop
        } else {
            Pass::Go
        }
    }

    /// How many workers a paused gate holds: those have finished what was in flight.
    pub(crate) fn held(&self) -> usize {
        // Under the lock, so that nobody is between two states.
        let _state = self.state.lock();
        self.held.load(Ordering::Acquire)
    }

    /// Whether [`Gate::stop`] was called.
    pub(crate) fn is_stopped(&self) -> bool {
        *self.state.lock() == State::Stopped
    }

    /// Whether work is paused.
    pub(crate) fn is_paused(&self) -> bool {
        *self.state.lock() == State::Paused
    }

    /// Holds workers at the gate.
    pub(crate) fn pause(&self) {
        self.set(State::Paused);
    }

    /// Lets workers go on.
    pub(crate) fn resume(&self) {
        self.set(State::Open);
    }

    /// Ends workers, paused ones too. It cannot be taken back.
    pub(crate) fn stop(&self) {
        self.set(State::Stopped);
    }

    fn set(&self, to: State) {
        let mut state = self.state.lock();
        if *state != State::Stopped {
            *state = to;
        }
        self.changed.notify_all();
    }
}
