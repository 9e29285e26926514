//! The three-DC lens: one question, answered by each data centre on its own from its own rows.
//!
//! No answer is merged with another and no read repair takes place, so what differs here is what
//! a reader in that data centre would see. A data centre that cannot be read says so.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::runtime::Runtime;
use crate::analytics::Month;
use crate::model::{BucketKey, Dc, LineTable, PerDc, Reading, RowsDigest};
use crate::ports::{BucketScope, ReadSource, StoreError};

/// By what the rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LensGroup {
    /// By country.
    Country,
    /// By calendar month.
    Month,
    /// By country, day and shard: the unit of storage and repair.
    Bucket,
}

/// The question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LensQuery {
    /// By what the rows are counted.
    pub group: LensGroup,
    /// Of these countries only; empty for all.
    pub countries: Vec<String>,
}

/// What a data centre has of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LensCell {
    /// Its rows: how many, and their digest.
    pub rows: RowsDigest,
    /// GBP.
    pub amount: Decimal,
}

/// One group, as each data centre has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LensRow {
    /// The country, the month, or country, day and shard.
    pub name: String,
    /// What each has; `None` of one that could not be read, and an empty cell of one that has
    /// nothing of it.
    pub cells: PerDc<Option<LensCell>>,
}

impl LensRow {
    /// Whether two data centres that could be read have different rows here.
    pub fn differs(&self) -> bool {
        let mut known = self.cells.iter().filter_map(|(_, cell)| *cell);
        known
            .next()
            .is_some_and(|first| known.any(|cell| cell != first))
    }

    /// What most of the data centres that could be read have; `None` when no two agree.
    pub fn majority(&self) -> Option<LensCell> {
        let known: Vec<LensCell> = self.cells.iter().filter_map(|(_, cell)| *cell).collect();
        let agree = |cell: &&LensCell| known.iter().filter(|other| other == cell).count() > 1;
        known.iter().find(agree).copied()
    }
}

/// The answers side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The question.
    pub query: LensQuery,
    /// Groups, sorted by name.
    pub rows: Vec<LensRow>,
    /// Everything that each has under the question; unknown for one that could not be read.
    pub totals: PerDc<Reading<LensCell>>,
}

impl Lens {
    /// Groups in which two data centres differ.
    pub fn differing(&self) -> usize {
        self.rows.iter().filter(|row| row.differs()).count()
    }
}

impl Runtime {
    /// Asks each data centre alone. Reads every row in question once per data centre.
    pub(crate) fn lens(&self, query: &LensQuery) -> Lens {
        let answers = PerDc::from_fn(|dc| self.lens_of(query, dc));
        let mut names: Vec<&String> = answers
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().ok())
            .flat_map(BTreeMap::keys)
            .collect();
        names.sort_unstable();
        names.dedup();
        let rows = names
            .into_iter()
            .map(|name| LensRow {
                name: name.clone(),
                cells: PerDc::from_fn(|dc| {
                    let answer = answers[dc].as_ref().ok()?;
                    Some(answer.get(name).copied().unwrap_or_default())
                }),
            })
            .collect();
        let totals = PerDc::from_fn(|dc| match &answers[dc] {
            Ok(cells) => {
                Reading::Known(cells.values().fold(LensCell::default(), |mut sum, cell| {
                    sum.rows.merge(&cell.rows);
                    sum.amount += cell.amount;
                    sum
                }))
            }
            Err(error) => Reading::Unknown(error.to_string()),
        });
        Lens {
            query: query.clone(),
            rows,
            totals,
        }
    }

    fn lens_of(&self, query: &LensQuery, dc: Dc) -> Result<BTreeMap<String, LensCell>, StoreError> {
        let scope = BucketScope {
            countries: query.countries.clone(),
            ..BucketScope::all(LineTable::Transactions)
        };
        let mut cells: BTreeMap<String, LensCell> = BTreeMap::new();
        let alone = ReadSource::Alone(dc);
        self.store.scan_rows(&scope, alone, &mut |key, lines| {
            let cell = cells.entry(self.group_name(query.group, key)).or_default();
            for line in lines {
                cell.rows.add(line.line_id);
                cell.amount += line.amount();
            }
        })?;
        Ok(cells)
    }

    fn group_name(&self, group: LensGroup, key: BucketKey) -> String {
        let country = || {
            let name = self.store.catalog().country_name(key.country);
            name.map_or_else(|| format!("country {}", key.country.0), |n| n.to_string())
        };
        match group {
            LensGroup::Country => country(),
            LensGroup::Month => Month::of(key.day).to_string(),
            LensGroup::Bucket => {
                format!("{}, {}, shard {}", country(), key.day.date(), key.shard.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(lines: u64) -> LensCell {
        let mut rows = RowsDigest::default();
        for id in 0..lines {
            rows.add(crate::model::LineId(id));
        }
        LensCell {
            rows,
            amount: Decimal::from(lines),
        }
    }

    fn row(cells: [Option<u64>; 3]) -> LensRow {
        LensRow {
            name: "France".into(),
            cells: PerDc(cells.map(|lines| lines.map(cell))),
        }
    }

    #[test]
    fn a_row_differs_only_between_data_centres_that_could_be_read() {
        for (cells, differs, majority) in [
            ([Some(2), Some(2), Some(2)], false, Some(2)),
            ([Some(1), Some(2), Some(2)], true, Some(2)),
            ([None, Some(2), Some(2)], false, Some(2)),
            ([None, Some(1), Some(2)], true, None),
            ([None, None, Some(2)], false, None),
            ([None, None, None], false, None),
        ] {
            let row = row(cells);
            assert_eq!(row.differs(), differs, "{cells:?}");
            assert_eq!(row.majority(), majority.map(cell), "{cells:?}");
        }
    }
}
