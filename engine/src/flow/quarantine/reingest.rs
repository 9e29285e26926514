//! What fixes would do, and doing it: mended rows as a file, read by the reader of the load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::QuarantineError;
use super::fixes::{Entry, Fix, FixBoard, FixId, FixRule, Mended, Produced, Reingested, RejectKey};
use crate::clean::{DateOrder, DecimalMark, Rules};
use crate::config::ErrorLimit;
use crate::flow::load::LoadState;
use crate::flow::loads::{LoadEnd, LoadRequest, Resume, Until};
use crate::flow::runtime::Runtime;
use crate::intake::{Delimiter, LineReader, ReadOptions, ReadRow, TextEncoding, write_rows_csv};
use crate::model::{BucketKey, LineId, LineTable, PerRegion, ReasonCounts};
use crate::ports::StoreError;

/// Folder of the files of mended rows, in the data directory.
const FOLDER: &str = "reingest";

/// What mended rows become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FixEffect {
    /// Rows that are mended.
    pub rows: u64,
    /// Of those, rows that flow and are new.
    pub clean: u64,
    /// Rows that flow and are stored already: exact copies, which change no figure.
    pub copies: u64,
    /// What the new ones are worth, in GBP.
    pub amount: Decimal,
    /// The new ones by region.
    pub by_region: PerRegion<u64>,
    /// Rows that are set aside again, by reason.
    pub set_aside: ReasonCounts,
}

/// What a re-ingest will do, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReingestPlan {
    /// Fixes that will be produced, and cannot be taken back after that.
    pub fixes: Vec<FixId>,
    /// The rows, in the order in which they are sent.
    pub rows: Vec<RejectKey>,
    /// What they become.
    pub effect: FixEffect,
    #[serde(skip)]
    rules: Rules,
    /// Hash over the file that will be loaded.
    digest: u64,
}

/// Mended rows and what the reader makes of each.
struct Foreseen {
    csv: Vec<u8>,
    keys: Vec<RejectKey>,
    outcomes: Vec<Produced>,
    effect: FixEffect,
}

impl Runtime {
    /// What a fix alone would do to the rows that it is about.
    pub(crate) fn fix_effect(
        &self,
        rule: FixRule,
        rules: &Rules,
    ) -> Result<FixEffect, QuarantineError> {
        let board = self.quarantine.board();
        let fix = board.next(rule, self.clock.now());
        let mended = self.mended(&board, std::slice::from_ref(&fix))?;
        Ok(self.foresee(mended, rules)?.effect)
    }

    /// Plans to send every row again that pending fixes are about.
    pub(crate) fn plan_reingest(&self, rules: &Rules) -> Result<ReingestPlan, QuarantineError> {
        let board = self.quarantine.board();
        let fixes: Vec<Fix> = board.pending().cloned().collect();
        let mended = self.mended(&board, &fixes)?;
        if mended.is_empty() {
            return Err(QuarantineError::NothingToDo);
        }
        let foreseen = self.foresee(mended, rules)?;
        Ok(ReingestPlan {
            fixes: fixes.into_iter().map(|fix| fix.id).collect(),
            rows: foreseen.keys,
            effect: foreseen.effect,
            rules: *rules,
            digest: xxh3_64(&foreseen.csv),
        })
    }

    /// Carries a plan out, exactly, or refuses because something has changed since.
    pub(crate) fn reingest(
        self: &Arc<Self>,
        plan: &ReingestPlan,
    ) -> Result<LoadEnd, QuarantineError> {
        let board = self.quarantine.board();
        let fixes: Vec<Fix> = board.pending().cloned().collect();
        let mended = self.mended(&board, &fixes)?;
        let foreseen = self.foresee(mended, &plan.rules)?;
        let ids: Vec<FixId> = fixes.iter().map(|fix| fix.id).collect();
        if ids != plan.fixes
            || xxh3_64(&foreseen.csv) != plan.digest
            || foreseen.effect != plan.effect
        {
            return Err(QuarantineError::PlanIsOld);
        }
        let folder = self.settings.data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("mended-{:016x}.csv", plan.digest));
        fs::write(&file, &foreseen.csv)?;
        let request = LoadRequest {
            file,
            options: options(),
            rules: plan.rules,
            limit: ErrorLimit::None,
            until: Until::Closed,
            resume: Resume::WhereItStood,
        };
        let end = self.load(&request)?;
        if end.record.state != LoadState::Produced {
            return Err(QuarantineError::NotWhole(end.record.id));
        }
        let done = Reingested {
            load: end.record.id,
            at: self.clock.now(),
            fixes: ids,
            rows: foreseen.keys.into_iter().zip(foreseen.outcomes).collect(),
        };
        self.quarantine.record(Entry::Reingested(done))?;
        Ok(end)
    }

    fn mended(&self, board: &FixBoard, fixes: &[Fix]) -> Result<Vec<Mended>, StoreError> {
        let mut mended = Vec::new();
        self.visit_rejects(None, |row, layout| {
            mended.extend(board.mend(fixes, &row, layout));
        })?;
        Ok(mended)
    }

    /// Reads mended rows the way their load will.
    fn foresee(&self, mended: Vec<Mended>, rules: &Rules) -> Result<Foreseen, QuarantineError> {
        let (keys, fields): (Vec<_>, Vec<_>) = mended
            .into_iter()
            .map(|mended| (mended.key, mended.fields))
            .unzip();
        let csv = write_rows_csv(&fields)?;
        let mut effect = FixEffect {
            rows: keys.len() as u64,
            clean: 0,
            copies: 0,
            amount: Decimal::ZERO,
            by_region: PerRegion([0; 3]),
            set_aside: ReasonCounts::default(),
        };
        let mut outcomes = Vec::with_capacity(keys.len());
        if !keys.is_empty() {
            let routing = self.routing.map();
            let mut reader = LineReader::of_bytes(csv.clone(), &options(), rules, &routing)?;
            let mut stored = Stored {
                runtime: self,
                buckets: BTreeMap::new(),
            };
            while let Some(row) = reader.next()? {
                outcomes.push(match row {
                    ReadRow::SetAside(aside) => {
                        effect.set_aside.add(aside.reject.reason);
                        Produced::SetAside(aside.reject.reason)
                    }
                    ReadRow::Clean(line) => {
                        let record = &line.record;
                        let key = |country| BucketKey {
                            table: LineTable::Transactions,
                            country,
                            day: record.line.invoice_time.day(),
                            shard: line.shard,
                        };
                        let country = self.store.catalog().find_country(record.line.country);
                        if stored.holds(country.map(key), record.line_id)? {
                            effect.copies += 1;
                        } else {
                            effect.clean += 1;
                            effect.amount += record.line.amount();
                            effect.by_region[line.region] += 1;
                        }
                        Produced::Clean
                    }
                });
            }
        }
        Ok(Foreseen {
            csv,
            keys,
            outcomes,
            effect,
        })
    }
}

/// Lines that are stored, read bucket by bucket.
struct Stored<'a> {
    runtime: &'a Runtime,
    buckets: BTreeMap<BucketKey, BTreeSet<LineId>>,
}

impl Stored<'_> {
    fn holds(&mut self, key: Option<BucketKey>, line: LineId) -> Result<bool, StoreError> {
        let Some(key) = key else {
            return Ok(false); // A country that no stored line has.
        };
        if !self.buckets.contains_key(&key) {
            let from = self.runtime.routes.read_anywhere();
            let rows = self.runtime.store.read_bucket(key, from)?;
            let ids = rows.lines.iter().map(|line| line.line_id).collect();
            self.buckets.insert(key, ids);
        }
        Ok(self
            .buckets
            .get(&key)
            .is_some_and(|ids| ids.contains(&line)))
    }
}

/// How a file of mended rows is read: it is written here, so nothing is to be detected.
fn options() -> ReadOptions {
    ReadOptions {
        encoding: Some(TextEncoding::Utf8),
        delimiter: Some(Delimiter::Comma),
        date_order: Some(DateOrder::MonthFirst),
        decimal: Some(DecimalMark::Point),
        ..ReadOptions::default()
    }
}
