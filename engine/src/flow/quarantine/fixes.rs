//! Fixes as data, and what has become of rows that were mended: pure, from a journal's entries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clean::{parse_date, trim};
use crate::intake::{Column, RowLayout, row_fields, with_point};
use crate::model::{LoadId, Reason, RowNo};
use crate::ports::RejectRow;

/// Attempts after which a row is left to a person who looks at its source.
pub const ATTEMPTS_MAX: u32 = 3;

/// Number of a fix, counted up over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FixId(pub u64);

/// A row that was set aside, in the list of its load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectKey {
    /// The load that set it aside.
    pub load: LoadId,
    /// Its data row.
    pub row: RowNo,
}

impl RejectKey {
    /// The key of a row.
    pub const fn of(row: &RejectRow) -> Self {
        Self {
            load: row.load,
            row: row.reject.row,
        }
    }
}

/// What is to be changed, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FixRule {
    /// One field of one row.
    Field {
        /// The row.
        row: RejectKey,
        /// The field.
        column: Column,
        /// What it is to say.
        to: String,
    },
    /// One row as a whole, also one that cannot be cut into fields.
    Row {
        /// The row.
        row: RejectKey,
        /// Its eight columns, in the usual order.
        fields: Box<[String; 8]>,
    },
    /// A field of all rows that were set aside for a reason and say the same in it.
    Alike {
        /// Of one load only.
        load: Option<LoadId>,
        /// The reason.
        reason: Reason,
        /// The field.
        column: Column,
        /// What it says.
        from: String,
        /// What it is to say.
        to: String,
    },
}

/// A fix on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// Its number.
    pub id: FixId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What it changes.
    pub rule: FixRule,
}

impl FixRule {
    /// Changes the columns of a row, if the fix is about it. `original` is what the row says in
    /// its file, `fields` what earlier fixes made of it.
    fn apply(
        &self,
        row: &RejectRow,
        layout: &RowLayout,
        original: Option<&[String; 8]>,
        fields: &mut Option<[String; 8]>,
    ) -> Touched {
        let (column, to) = match self {
            Self::Row {
                row: key,
                fields: new,
            } if *key == RejectKey::of(row) => {
                *fields = Some((**new).clone());
                return Touched::Yes;
            }
            Self::Field {
                row: key,
                column,
                to,
            } if *key == RejectKey::of(row) => (*column, to),
            Self::Alike {
                load,
                reason,
                column,
                from,
                to,
            } if load.is_none_or(|load| load == row.load)
                && *reason == row.reject.reason
                && original.is_some_and(|fields| fields[*column as usize] == *from) =>
            {
                (*column, to)
            }
            Self::Row { .. } | Self::Field { .. } | Self::Alike { .. } => return Touched::No,
        };
        let Some(fields) = fields else {
            return Touched::No;
        };
        // A date is understood in the order of the row's own file, and a number by its decimal
        // mark, which the mended row, among those of other files, no longer shows.
        let understood = match column {
            Column::InvoiceDate => parse_date(trim(to.as_bytes()), layout.date_order)
                .ok()
                .map(|reading| reading.time.to_string()),
            _ => with_point(column, to, layout.decimal),
        };
        fields[column as usize] = understood.unwrap_or_else(|| to.clone());
        Touched::Yes
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touched {
    Yes,
    No,
}

/// What came of a mended row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Produced {
    /// It flowed.
    Clean,
    /// It was set aside again.
    SetAside(Reason),
}

/// A load that was made of mended rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reingested {
    /// The load.
    pub load: LoadId,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The fixes that were produced with it.
    pub fixes: Vec<FixId>,
    /// Its rows in order: data row `n` of its file is the `n`th.
    pub rows: Vec<(RejectKey, Produced)>,
}

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Fixed(Fix),
    Undone(FixId),
    Reingested(Reingested),
}

/// Where a row that was set aside stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum RejectStatus {
    /// Nobody mended it.
    Open,
    /// It is mended and not yet produced.
    FixPending {
        /// By these fixes.
        fixes: Vec<FixId>,
    },
    /// It flowed.
    Reingested {
        /// With this load.
        load: LoadId,
    },
    /// It was set aside again so often that it is left alone.
    Parked {
        /// How often.
        attempts: u32,
    },
}

/// All fixes and what came of them.
#[derive(Debug, Clone, Default)]
pub(super) struct FixBoard {
    last_id: u64,
    pending: BTreeMap<FixId, Fix>,
    done: Vec<Reingested>,
    flowed: BTreeMap<RejectKey, LoadId>,
    attempts: BTreeMap<RejectKey, u32>,
    /// Loads that were made of mended rows.
    loads: BTreeSet<LoadId>,
}

/// A row with all pending fixes applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mended {
    pub(super) key: RejectKey,
    pub(super) fields: [String; 8],
}

impl FixBoard {
    pub(super) fn heed(&mut self, entry: Entry) {
        match entry {
            Entry::Fixed(fix) => {
                self.last_id = self.last_id.max(fix.id.0);
                self.pending.insert(fix.id, fix);
            }
            Entry::Undone(id) => {
                self.pending.remove(&id);
            }
            Entry::Reingested(done) => {
                self.loads.insert(done.load);
                for fix in &done.fixes {
                    self.pending.remove(fix);
                }
                for (key, outcome) in &done.rows {
                    match outcome {
                        Produced::Clean => {
                            self.flowed.insert(*key, done.load);
                        }
                        Produced::SetAside(_) => *self.attempts.entry(*key).or_default() += 1,
                    }
                }
                self.done.push(done);
            }
        }
    }

    pub(super) fn next(&self, rule: FixRule, at: DateTime<Utc>) -> Fix {
        let id = FixId(self.last_id + 1);
        Fix { id, at, rule }
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Fix> {
        self.pending.values()
    }

    pub(super) fn done(&self) -> &[Reingested] {
        &self.done
    }

    /// Whether a load was made of mended rows: what it sets aside stands in the lists of the
    /// loads that its rows came from.
    pub(super) fn is_reingest(&self, load: LoadId) -> bool {
        self.loads.contains(&load)
    }

    pub(super) fn attempts(&self, key: RejectKey) -> u32 {
        self.attempts.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn status(&self, row: &RejectRow, layout: &RowLayout) -> RejectStatus {
        let key = RejectKey::of(row);
        if let Some(load) = self.flowed.get(&key) {
            return RejectStatus::Reingested { load: *load };
        }
        let attempts = self.attempts(key);
        if attempts >= ATTEMPTS_MAX {
            return RejectStatus::Parked { attempts };
        }
        let fixes = apply(self.pending.values(), row, layout).0;
        if fixes.is_empty() {
            RejectStatus::Open
        } else {
            RejectStatus::FixPending { fixes }
        }
    }

    /// The row as the fixes leave it; `None` when none is about it or it is not to be mended any
    /// more.
    pub(super) fn mend<'f>(
        &self,
        fixes: impl IntoIterator<Item = &'f Fix>,
        row: &RejectRow,
        layout: &RowLayout,
    ) -> Option<Mended> {
        let key = RejectKey::of(row);
        if self.flowed.contains_key(&key)
            || self.attempts(key) >= ATTEMPTS_MAX
            || self.is_reingest(row.load)
        {
            return None;
        }
        let (touched, fields) = apply(fixes, row, layout);
        (!touched.is_empty())
            .then_some(fields)
            .flatten()
            .map(|fields| Mended { key, fields })
    }
}

/// The fixes that are about a row, and its columns after them.
fn apply<'f>(
    fixes: impl IntoIterator<Item = &'f Fix>,
    row: &RejectRow,
    layout: &RowLayout,
) -> (Vec<FixId>, Option<[String; 8]>) {
    let original = row_fields(&row.reject.raw, layout);
    let mut fields = original.clone();
    let touched = fixes
        .into_iter()
        .filter(|fix| fix.rule.apply(row, layout, original.as_ref(), &mut fields) == Touched::Yes)
        .map(|fix| fix.id)
        .collect();
    (touched, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::DecimalMark;
    use crate::model::Reject;

    fn row(number: u64, raw: &str) -> RejectRow {
        RejectRow {
            load: LoadId(1),
            reject: Reject {
                row: RowNo(number),
                line: number + 1,
                byte: 0,
                column: Some("Country".into()),
                reason: Reason::UnroutableCountry,
                message: String::new(),
                raw: raw.into(),
            },
        }
    }

    fn alike(from: &str, to: &str) -> FixRule {
        FixRule::Alike {
            load: None,
            reason: Reason::UnroutableCountry,
            column: Column::Country,
            from: from.into(),
            to: to.into(),
        }
    }

    fn fix(board: &mut FixBoard, rule: FixRule) -> FixId {
        let fix = board.next(rule, DateTime::UNIX_EPOCH);
        let id = fix.id;
        board.heed(Entry::Fixed(fix));
        id
    }

    const NARNIA: &str = "1,A,x,3,12/1/2010 8:26,1.5,17850,Narnia";

    #[test]
    fn a_fix_of_all_alike_leaves_other_values_and_the_raw_text_alone() {
        let mut board = FixBoard::default();
        let layout = RowLayout::default();
        let id = fix(&mut board, alike("Narnia", "France"));
        let (hit, other) = (
            row(1, NARNIA),
            row(2, "1,A,x,3,12/1/2010 8:26,1.5,17850,Mordor"),
        );
        let mended = board.mend(board.pending(), &hit, &layout).unwrap();
        assert_eq!(mended.fields[7], "France");
        assert_eq!(mended.fields[4], "2010-12-01 08:26:00");
        assert_eq!(hit.reject.raw, NARNIA);
        assert_eq!(board.mend(board.pending(), &other, &layout), None);
        let pending = RejectStatus::FixPending { fixes: vec![id] };
        assert_eq!(board.status(&hit, &layout), pending);
        assert_eq!(board.status(&other, &layout), RejectStatus::Open);
        board.heed(Entry::Undone(id));
        assert_eq!(board.status(&hit, &layout), RejectStatus::Open);
    }

    #[test]
    fn a_price_is_understood_by_the_decimal_mark_of_its_file() {
        let hit = row(1, NARNIA);
        for (decimal, to, expected) in [
            (DecimalMark::Comma, "2,55", "2.55"),
            (DecimalMark::Comma, "2.55", "2.55"),
            (DecimalMark::Point, "2.55", "2.55"),
            // Set aside again, and seen.
            (DecimalMark::Point, "2,55", "2,55"),
        ] {
            let layout = RowLayout {
                decimal,
                ..RowLayout::default()
            };
            let mut board = FixBoard::default();
            let rule = FixRule::Field {
                row: RejectKey::of(&hit),
                column: Column::UnitPrice,
                to: to.to_owned(),
            };
            fix(&mut board, rule);
            let mended = board.mend(board.pending(), &hit, &layout);
            let fields = mended.unwrap().fields;
            assert_eq!(fields[Column::UnitPrice as usize], expected, "{decimal:?}");
        }
    }

    #[test]
    fn a_later_fix_of_one_row_goes_on_from_the_earlier_one_and_dates_keep_their_order() {
        let mut board = FixBoard::default();
        let layout = RowLayout {
            date_order: crate::clean::DateOrder::DayFirst,
            ..RowLayout::default()
        };
        let hit = row(1, NARNIA);
        fix(&mut board, alike("Narnia", "France"));
        let column = Column::InvoiceDate;
        let to = "2/1/2011 9:00".to_owned();
        fix(
            &mut board,
            FixRule::Field {
                row: RejectKey::of(&hit),
                column,
                to,
            },
        );
        let mended = board.mend(board.pending(), &hit, &layout).unwrap();
        assert_eq!(mended.fields[7], "France");
        assert_eq!(mended.fields[4], "2011-01-02 09:00:00");
    }

    #[test]
    fn a_row_that_failed_three_times_is_parked_and_one_that_flowed_is_done() {
        let mut board = FixBoard::default();
        let layout = RowLayout::default();
        let (bad, good) = (row(1, NARNIA), row(2, NARNIA));
        for attempt in 1..=3 {
            let id = fix(&mut board, alike("Narnia", "Mordor"));
            assert!(
                board.mend(board.pending(), &bad, &layout).is_some(),
                "attempt {attempt}"
            );
            let again = (
                RejectKey::of(&bad),
                Produced::SetAside(Reason::UnroutableCountry),
            );
            board.heed(Entry::Reingested(Reingested {
                load: LoadId(1 + attempt),
                at: DateTime::UNIX_EPOCH,
                fixes: vec![id],
                rows: vec![again, (RejectKey::of(&good), Produced::Clean)],
            }));
        }
        assert_eq!(
            board.status(&bad, &layout),
            RejectStatus::Parked { attempts: 3 }
        );
        assert_eq!(
            board.status(&good, &layout),
            RejectStatus::Reingested { load: LoadId(4) }
        );
        fix(&mut board, alike("Narnia", "France"));
        assert_eq!(board.mend(board.pending(), &bad, &layout), None);
        assert_eq!(board.mend(board.pending(), &good, &layout), None);
    }
}
