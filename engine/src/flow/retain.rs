//! Retention: lines that every group has consumed leave the log after their time.
//!
//! The log drops whole segments, never one with a line that its group has not consumed, and
//! carries the marks of the loads on. So a replay reaches back as far as the setting says, at
//! least, and a load that was cut off goes on wherever it stood.

use std::sync::Arc;
use std::time::Duration;

use super::gate::{Gate, Pass};
use crate::ports::{Clock, Log};
use crate::telemetry::{EventKind, EventLog};

/// Between two looks. A look that finds nothing to drop costs nothing; a segment holds more than
/// what flows in a minute.
const EVERY: Duration = Duration::from_mins(1);

/// Shortens the log.
pub(crate) struct Retention {
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// The wall clock that appends are dated by.
    pub(crate) clock: Arc<dyn Clock>,
    /// Told what was dropped.
    pub(crate) events: EventLog,
    /// How long consumed lines stay.
    pub(crate) keep: Duration,
    /// Stop.
    pub(crate) gate: Arc<Gate>,
}

impl Retention {
    /// Runs until the gate stops it.
    pub(crate) fn run(&self) {
        loop {
            self.step();
            if self.gate.wait(EVERY) == Pass::Stop {
                return;
            }
        }
    }

    /// Drops what is due now.
    fn step(&self) {
        let Some(before) = self.clock.now().checked_sub_signed(
            chrono::Duration::from_std(self.keep).unwrap_or(chrono::Duration::MAX),
        ) else {
            return;
        };
        match self.log.drop_before(before) {
            Ok(0) => {}
            Ok(bytes) => {
                self.events.emit(EventKind::LogShortened { bytes });
            }
            Err(error) => tracing::warn!(%error, "the log was not shortened; it is tried again"),
        }
    }
}
