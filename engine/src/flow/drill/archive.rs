//! Reports of drills that are over, kept in the data directory as JSON and as a page.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{DrillOutcome, Runtime};
use crate::flow::journal::{Journal, JournalError};
use crate::ledger::Ledger;

/// Folder of the reports, in the data directory.
const FOLDER: &str = "drills";
/// The list of them.
const LIST: &str = "drills.jsonl";

/// A drill that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillRecord {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Its scenario.
    pub scenario: String,
    /// In words.
    pub title: String,
    /// How long the faults were to last, milliseconds.
    pub lasts_ms: u64,
    /// After how long they were ended by hand, if they were.
    pub cancelled_after_ms: Option<u64>,
    /// Fault to detection, milliseconds.
    pub detected_ms: Option<u64>,
    /// Fault to the first acknowledged write of the hit region, milliseconds.
    pub rto_ms: Option<u64>,
    /// Lines acknowledged and not readable afterwards.
    pub rpo_lines: Option<u64>,
    /// Whether all replicas were equal at the end.
    pub converged: Option<bool>,
    /// Share of the prediction that came so, 0 to 1.
    pub score: Option<f64>,
    /// Whether the ledger of the load that flowed closed; `None` when none flowed.
    pub ledger_closed: Option<bool>,
    /// The report as JSON.
    pub json: PathBuf,
    /// The report as a page.
    pub html: PathBuf,
}

impl Runtime {
    /// The drills that are over, oldest first.
    pub(crate) fn drill_records(&self) -> Result<Vec<DrillRecord>, JournalError> {
        let _alone = self.drill_list.lock();
        Ok(Journal::open(&self.settings.data_dir.join(LIST))?.1)
    }

    /// Keeps the report of a drill. A disk that takes none does not take the outcome from whoever
    /// waits for it.
    pub(super) fn archive(&self, outcome: &DrillOutcome) {
        if let Err(error) = self.try_archive(outcome) {
            tracing::warn!(%error, "the report of the drill is not kept");
        }
    }

    fn try_archive(&self, outcome: &DrillOutcome) -> Result<(), Box<dyn std::error::Error>> {
        let _alone = self.drill_list.lock();
        let result = &outcome.report.result;
        let at = self.clock.now();
        let folder = self.settings.data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let stem = format!("{}-{}", at.format("%Y%m%dT%H%M%S%3f"), result.scenario.name);
        let json = folder.join(format!("{stem}.json"));
        let html = folder.join(format!("{stem}.html"));
        fs::write(&json, outcome.report.to_json()?)?;
        fs::write(&html, outcome.report.to_html())?;
        let record = DrillRecord {
            at,
            scenario: result.scenario.name.to_owned(),
            title: result.scenario.title.to_owned(),
            lasts_ms: u64::try_from(result.scenario.lasts.as_millis()).unwrap_or(u64::MAX),
            cancelled_after_ms: result.cancelled_after_ms,
            detected_ms: result.detected_ms,
            rto_ms: result.rto_ms,
            rpo_lines: result.rpo_lines,
            converged: result.converged,
            score: result.score.share,
            ledger_closed: outcome.ledger.as_ref().map(Ledger::is_closed),
            json,
            html,
        };
        let (mut list, _): (_, Vec<DrillRecord>) =
            Journal::open(&self.settings.data_dir.join(LIST))?;
        list.append(&record)?;
        Ok(())
    }
}
