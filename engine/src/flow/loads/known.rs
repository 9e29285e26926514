//! The loads that the log knows of, and the place of the one that runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::LoadError;
use crate::flow::gate::Gate;
use crate::flow::load::LoadRecord;
use crate::handle::LoadPace;
use crate::intake::ReadProgress;
use crate::model::LoadId;
use crate::ports::{Log, LogError};

/// The load that runs, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    /// What the log has of it.
    pub(crate) record: LoadRecord,
    /// How much of the file was read.
    pub(crate) read: ReadProgress,
    /// When it began, by the engine's own clock.
    pub(crate) began: Duration,
}

/// The place of the one load that runs.
#[derive(Default)]
enum Place {
    #[default]
    Free,
    /// A load waits in it until what is in the log before it is written.
    Beginning(LoadId, Arc<Gate>),
    /// A load runs.
    Taken(Box<Current>, Arc<Gate>),
}

/// All loads.
#[derive(Default)]
pub(crate) struct Loads {
    known: Mutex<BTreeMap<LoadId, LoadRecord>>,
    place: Mutex<Place>,
    /// Signalled when the load that ran has ended.
    ended: Condvar,
    stopped: std::sync::atomic::AtomicBool,
}

impl Loads {
    /// The loads that the log knows of.
    pub(crate) fn of_marks(log: &dyn Log) -> Result<Self, LogError> {
        let mut known = BTreeMap::new();
        for mark in log.marks()? {
            match LoadRecord::from_mark(&mark) {
                Ok(record) => {
                    known.insert(record.id, record);
                }
                Err(error) => tracing::warn!(load = %mark.load, %error, "a mark cannot be read"),
            }
        }
        Ok(Self {
            known: Mutex::new(known),
            ..Self::default()
        })
    }

    /// Takes in loads of other processes.
    pub(super) fn take_in(&self, log: &dyn Log) -> Result<(), LogError> {
        let Self { known, .. } = Self::of_marks(log)?;
        self.known.lock().append(&mut known.into_inner());
        Ok(())
    }

    /// All loads, oldest first.
    pub(crate) fn all(&self) -> Vec<LoadRecord> {
        self.known.lock().values().cloned().collect()
    }

    /// The newest load.
    pub(crate) fn newest(&self) -> Option<LoadRecord> {
        self.known.lock().values().next_back().cloned()
    }

    /// The load that runs.
    pub(crate) fn current(&self) -> Option<Current> {
        match &*self.place.lock() {
            Place::Taken(current, _) => Some(current.as_ref().clone()),
            Place::Free | Place::Beginning(..) => None,
        }
    }

    /// Whether a load runs, or is about to.
    pub(crate) fn is_busy(&self) -> bool {
        !matches!(*self.place.lock(), Place::Free)
    }

    /// The gate of the load that runs, or is about to.
    pub(crate) fn gate(&self) -> Option<Arc<Gate>> {
        match &*self.place.lock() {
            Place::Beginning(_, gate) | Place::Taken(_, gate) => Some(Arc::clone(gate)),
            Place::Free => None,
        }
    }

    /// Takes the place of the load that runs, for one with this gate. The lock is not held while
    /// it begins: that may wait for data centres, and whoever cancels it or closes needs the gate.
    pub(super) fn begin(&self, gate: &Arc<Gate>) -> Result<(), LoadError> {
        let mut place = self.place.lock();
        match &*place {
            Place::Free => {}
            Place::Beginning(busy, _) => return Err(LoadError::Busy(*busy)),
            Place::Taken(current, _) => return Err(LoadError::Busy(current.record.id)),
        }
        if self.is_stopped() {
            return Err(LoadError::Closing);
        }
        *place = Place::Beginning(self.next_id(), Arc::clone(gate));
        Ok(())
    }

    /// The load in the place has begun.
    pub(super) fn take(&self, current: Current, gate: &Arc<Gate>) {
        *self.place.lock() = Place::Taken(Box::new(current), Arc::clone(gate));
    }

    /// What the next load will be called.
    pub(super) fn next_id(&self) -> LoadId {
        LoadId(self.newest().map_or(1, |newest| newest.id.0 + 1))
    }

    /// Frees the place.
    pub(super) fn leave(&self) {
        *self.place.lock() = Place::Free;
        self.ended.notify_all();
    }

    /// Why a load whose gate was stopped ends.
    pub(super) fn why_stopped(&self) -> LoadError {
        if self.is_stopped() {
            LoadError::Closing
        } else {
            LoadError::Cancelled
        }
    }

    /// Whether the load that runs goes on.
    pub(crate) fn pace(&self) -> LoadPace {
        match self.gate() {
            Some(gate) if gate.is_stopped() => LoadPace::Ending,
            Some(gate) if gate.is_paused() => LoadPace::Paused,
            Some(_) | None => LoadPace::Running,
        }
    }

    /// Ends the load that runs, and lets no other begin.
    pub(crate) fn stop(&self) {
        self.stopped
            .store(true, std::sync::atomic::Ordering::Release);
        if let Some(gate) = self.gate() {
            gate.stop();
        }
    }

    /// Waits until no load runs, so that the one that was stopped can write how it ended.
    pub(crate) fn wait_for_end(&self, patience: Duration) {
        let mut place = self.place.lock();
        let running = |place: &mut Place| !matches!(place, Place::Free);
        let waited = self.ended.wait_while_for(&mut place, running, patience);
        if waited.timed_out() {
            tracing::warn!("a load is left as it stands; it goes on when it is started again");
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(std::sync::atomic::Ordering::Acquire)
    }

    /// How far a load has come.
    pub(super) fn update(&self, record: &LoadRecord, read: Option<ReadProgress>) {
        self.known.lock().insert(record.id, record.clone());
        if let Place::Taken(current, _) = &mut *self.place.lock() {
            current.record = record.clone();
            if let Some(read) = read {
                current.read = read;
            }
        }
    }
}
