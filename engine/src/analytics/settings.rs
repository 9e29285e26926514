//! What a person may change about the figures, checked once.

use thiserror::Error;

use super::actions::{ActionTable, ActionTableError};
use super::rfm::{Breaks, Weights};
use super::segments::{SegmentGrid, SegmentGridError};
use super::status::StatusLimits;

/// Settings of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Weights of the value score.
    pub weights: Weights,
    /// Limits of the scores.
    pub breaks: Breaks,
    /// Limits of the status.
    pub status: StatusLimits,
    /// Named segments.
    pub grid: SegmentGrid,
    /// Next best actions.
    pub actions: ActionTable,
    /// How many products a report lists.
    pub top_products: usize,
}

impl Settings {
    /// The settings that the program comes with.
    pub fn standard() -> Result<Self, SettingsError> {
        let grid = SegmentGrid::standard()?;
        Ok(Self {
            weights: Weights::default(),
            breaks: Breaks::default(),
            status: StatusLimits::default(),
            actions: ActionTable::standard(&grid)?,
            grid,
            top_products: 10,
        })
    }
}

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The grid of segments.
    #[error(transparent)]
    Segments(#[from] SegmentGridError),
    /// The table of actions.
    #[error(transparent)]
    Actions(#[from] ActionTableError),
}

impl SettingsError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Segments(error) => error.remedy(),
            Self::Actions(error) => error.remedy(),
        }
    }
}
