//! The grid of named segments: a table from recency and frequency scores to a name. Data, shown
//! on the page, in `assets/segments.toml`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

const STANDARD: &str = include_str!("../../../assets/segments.toml");

/// One named segment and the scores that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSegment {
    /// Its name.
    pub name: String,
    /// Lowest and highest recency score, 1 to 5.
    pub recency: [u8; 2],
    /// Lowest and highest frequency score, 1 to 5.
    pub frequency: [u8; 2],
    /// Who is in it, in words.
    pub meaning: String,
}

impl NamedSegment {
    fn holds(&self, recency: u8, frequency: u8) -> bool {
        let within = |[low, high]: [u8; 2], score| low <= score && score <= high;
        within(self.recency, recency) && within(self.frequency, frequency)
    }
}

/// A checked grid: every pair of scores belongs to one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentGrid {
    segments: Vec<NamedSegment>,
    /// By recency and frequency score less one.
    cells: [[usize; 5]; 5],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    segment: Vec<NamedSegment>,
}

impl SegmentGrid {
    /// The grid that comes with the program.
    pub fn standard() -> Result<Self, SegmentGridError> {
        Self::parse(STANDARD)
    }

    /// A grid from TOML.
    pub fn parse(text: &str) -> Result<Self, SegmentGridError> {
        let file: File = toml::from_str(text)?;
        let mut cells = [[0; 5]; 5];
        for (recency, row) in (1..=5).zip(&mut cells) {
            for (frequency, cell) in (1..=5).zip(row) {
                let segments = file.segment.iter().enumerate();
                let mut holders = segments.filter(|(_, s)| s.holds(recency, frequency));
                let Some((index, first)) = holders.next() else {
                    return Err(SegmentGridError::Hole { recency, frequency });
                };
                if let Some((_, second)) = holders.next() {
                    return Err(SegmentGridError::Overlap {
                        recency,
                        frequency,
                        first: first.name.clone(),
                        second: second.name.clone(),
                    });
                }
                *cell = index;
            }
        }
        Ok(Self {
            segments: file.segment,
            cells,
        })
    }

    /// The segments in the order of the table.
    pub fn segments(&self) -> &[NamedSegment] {
        &self.segments
    }

    /// Place in [`SegmentGrid::segments`] of the segment of two scores (1 to 5; others count as
    /// the nearest).
    pub fn index(&self, recency: u8, frequency: u8) -> usize {
        let place = |score: u8| usize::from(score.clamp(1, 5) - 1);
        self.cells[place(recency)][place(frequency)]
    }
}

/// Why a table is no grid.
#[derive(Debug, Error)]
pub enum SegmentGridError {
    /// Not TOML, or other fields than those known.
    #[error("the table of segments cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Scores of no segment.
    #[error("no segment holds recency score {recency} with frequency score {frequency}")]
    Hole {
        /// Recency score.
        recency: u8,
        /// Frequency score.
        frequency: u8,
    },
    /// Scores of two segments.
    #[error("{first:?} and {second:?} both hold recency {recency} with frequency {frequency}")]
    Overlap {
        /// Recency score.
        recency: u8,
        /// Frequency score.
        frequency: u8,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
}

impl SegmentGridError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Toml(_) => "write [[segment]] with name, recency, frequency and meaning",
            Self::Hole { .. } => "widen the scores of a segment so that the pair is in it",
            Self::Overlap { .. } => "narrow the scores of one of the two",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_grid_names_eleven_segments() {
        let grid = SegmentGrid::standard().unwrap();
        let name = |r, f| grid.segments()[grid.index(r, f)].name.as_str();
        assert_eq!(grid.segments().len(), 11);
        assert_eq!(name(5, 5), "Champions");
        assert_eq!(name(5, 1), "New");
        assert_eq!(name(3, 3), "Need attention");
        assert_eq!(name(1, 5), "Cannot lose");
        assert_eq!(name(1, 1), "Lost");
    }

    #[test]
    fn a_hole_or_an_overlap_is_named() {
        let hole = STANDARD.replace("recency = [1, 1]", "recency = [2, 1]");
        let error = SegmentGrid::parse(&hole).unwrap_err();
        assert!(matches!(
            error,
            SegmentGridError::Hole {
                recency: 1,
                frequency: 1
            }
        ));
        let overlap = STANDARD.replace("recency = [1, 1]", "recency = [1, 2]");
        let error = SegmentGrid::parse(&overlap).unwrap_err().to_string();
        assert_eq!(
            error,
            "\"Hibernating\" and \"Lost\" both hold recency 2 with frequency 1"
        );
        let unknown = STANDARD.replace("meaning", "sense");
        assert!(SegmentGrid::parse(&unknown).is_err());
    }
}
