//! What is known of a load: kept as its mark in the log, so that a load that was killed goes on
//! where it stood, and a list of loads survives.

use std::path::PathBuf;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clean::Rules;
use crate::intake::RowLayout;
use crate::ledger::Intake;
use crate::model::{CommittedOffset, EndOffset, LoadId, Topic, TopicPartition};
use crate::ports::LoadMark;

/// How far a load has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadState {
    /// Its rows are being read. After a crash: it is to be resumed.
    Reading,
    /// All rows are in the log.
    Produced,
    /// Ended by a person; loading the file again goes on where it stood.
    Cancelled,
    /// Ended because too many rows were rejected, with the sentence that says so. Loading the
    /// file again under a wider limit goes on where it stood.
    Stopped(String),
    /// Ended by an error, with what it says.
    Failed(String),
}

/// One run of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// Its id.
    pub id: LoadId,
    /// The file.
    pub file: PathBuf,
    /// Recognises the same file again.
    pub fingerprint: String,
    /// Hash over everything that decides how the file is read: options, rules, routing map. A
    /// load goes on only if it is the same.
    pub reading: u64,
    /// How its rows are cut: what a rejected row is taken apart by.
    #[serde(default)]
    pub layout: RowLayout,
    /// Which rules set rows aside; unknown of loads of an earlier version.
    #[serde(default)]
    pub rules: Option<Rules>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When its last row was in the log.
    pub produced_at: Option<DateTime<Utc>>,
    /// How far it has come.
    pub state: LoadState,
    /// What to do about its file, where it failed because the file could not be read to its end:
    /// the input was refused then. Not known of loads of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_remedy: Option<String>,
    /// The first physical line of its file that could not be read, where that is why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_line: Option<u64>,
    /// What was read so far; `read` is the row to go on after.
    pub intake: Intake,
    /// Lines in the store before it began.
    pub lines_before: u64,
    /// End of each partition when it began.
    pub from: Vec<(TopicPartition, EndOffset)>,
    /// End of each partition after its last append, if it is over.
    pub to: Option<Vec<(TopicPartition, EndOffset)>>,
}

impl LoadRecord {
    /// Whether its file is to be read on.
    pub const fn is_unfinished(&self) -> bool {
        matches!(
            self.state,
            LoadState::Reading | LoadState::Cancelled | LoadState::Stopped(_)
        )
    }

    /// Records that the log should have of this load in a topic.
    pub(crate) fn records_of(&self, topic: Topic) -> u64 {
        match topic {
            Topic::Lines(region) => self.intake.per_region()[region].lines,
            Topic::Quarantine => self.intake.set_aside.total(),
        }
    }

    /// The mark that keeps it.
    pub(crate) fn to_mark(&self) -> Result<LoadMark, serde_json::Error> {
        Ok(LoadMark {
            load: self.id,
            payload: Bytes::from(serde_json::to_vec(self)?),
        })
    }

    /// The load of a mark.
    pub(crate) fn from_mark(mark: &LoadMark) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&mark.payload)
    }

    /// Records of this load before `position` in a partition.
    pub(crate) fn records_before(
        &self,
        partition: TopicPartition,
        position: CommittedOffset,
    ) -> u64 {
        let end_of = |list: &[(TopicPartition, EndOffset)]| {
            list.iter().find(|(p, _)| *p == partition).map(|(_, e)| e.0)
        };
        let from = end_of(&self.from).unwrap_or(0);
        let to = self.to.as_deref().and_then(end_of).unwrap_or(u64::MAX);
        position.0.min(to).saturating_sub(from)
    }
}
