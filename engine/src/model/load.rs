//! Loads and the rows of their files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One run of one file through the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(pub u64);

impl fmt::Display for LoadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L-{:04}", self.0)
    }
}

impl LoadId {
    /// The id of its text form, `L-0007`, or of the bare number.
    pub fn parse(text: &str) -> Option<Self> {
        text.trim_start_matches("L-").parse().ok().map(Self)
    }
}

/// A data row of a file, from 1 (the first row after the header).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RowNo(pub u64);
