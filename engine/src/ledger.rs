//! The balance sheet of a load.
//!
//! read = set aside + produced; produced = consumed + in flight; consumed = written + in flight;
//! written = visible per data centre. A gap is a number with its place, never hidden.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::{PerDc, PerRegion, Reading, Reason, ReasonCounts, Region, money};

/// Lines and money of a region in one load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegionLedger {
    /// Clean lines.
    pub lines: u64,
    /// Their worth in GBP.
    pub amount: Decimal,
}

/// What the producer of a load counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Intake {
    /// Data rows read.
    pub read: u64,
    /// Rows that became lines.
    pub clean: u64,
    /// Rows set aside, by reason.
    pub set_aside: ReasonCounts,
    /// Clean lines by region, by slug.
    pub regions: BTreeMap<Region, RegionLedger>,
}

impl Intake {
    /// Counts a clean line.
    pub fn add_clean(&mut self, region: Region, amount: Decimal) {
        self.read += 1;
        self.clean += 1;
        let entry = self.regions.entry(region).or_default();
        entry.lines += 1;
        money::add(&mut entry.amount, amount);
    }

    /// Counts a row that was set aside.
    pub const fn add_set_aside(&mut self, reason: Reason) {
        self.read += 1;
        self.set_aside.add(reason);
    }

    /// Worth of the clean lines in GBP.
    pub fn amount(&self) -> Decimal {
        self.regions.values().map(|r| r.amount).sum()
    }

    /// Lines and money per region, those without a line included.
    pub fn per_region(&self) -> PerRegion<RegionLedger> {
        PerRegion::from_fn(|region| self.regions.get(&region).copied().unwrap_or_default())
    }
}

/// The balance sheet of a load at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// What the producer read.
    pub intake: Intake,
    /// Clean lines acknowledged by the log.
    pub produced: u64,
    /// Rows set aside and acknowledged by the log.
    pub quarantine_produced: u64,
    /// Lines that consumers fetched.
    pub consumed: u64,
    /// Lines whose offset is committed: durable in two data centres.
    pub written: u64,
    /// Rows set aside whose offset is committed.
    pub quarantine_written: u64,
    /// Lines in the store before this load.
    pub lines_before: u64,
    /// Lines in the store now, by the summaries.
    pub lines_now: u64,
    /// Lines visible in each data centre.
    pub visible: PerDc<Reading<u64>>,
}

/// A place where the sheet does not balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Between which two numbers.
    pub between: &'static str,
    /// How many lines are missing (positive) or too many (negative).
    pub lines: i64,
}

impl Ledger {
    /// Lines that this load added to the store; the others were there already.
    pub const fn new_lines(&self) -> u64 {
        self.lines_now.saturating_sub(self.lines_before)
    }

    /// Lines of this load that were in the store before it, or twice in it.
    pub const fn already_there(&self) -> u64 {
        self.written.saturating_sub(self.new_lines())
    }

    /// Where the sheet does not balance. While a load runs these are the lines in flight.
    pub fn gaps(&self) -> Vec<Gap> {
        let intake = &self.intake;
        let mut pairs = vec![
            (
                "read and set aside + clean",
                intake.read,
                intake.set_aside.total() + intake.clean,
            ),
            ("clean and produced", intake.clean, self.produced),
            (
                "set aside and produced to quarantine",
                intake.set_aside.total(),
                self.quarantine_produced,
            ),
            ("produced and consumed", self.produced, self.consumed),
            ("consumed and written", self.consumed, self.written),
            (
                "quarantine produced and written",
                self.quarantine_produced,
                self.quarantine_written,
            ),
        ];
        if self.lines_now < self.lines_before {
            pairs.push(("lines before and now", self.lines_before, self.lines_now));
        }
        if self.new_lines() > self.written {
            pairs.push(("new lines and written", self.new_lines(), self.written));
        }
        let visible = self.visible.iter().filter_map(|(dc, reading)| {
            let between = match dc.region() {
                Region::Europe => "stored and visible in Europe_DC",
                Region::Americas => "stored and visible in Americas_DC",
                Region::AsiaPacific => "stored and visible in AsiaPacific_DC",
            };
            // What is not known is not a gap; it is shown as unknown beside.
            reading
                .known()
                .map(|lines| (between, self.lines_now, *lines))
        });
        pairs
            .into_iter()
            .chain(visible)
            .filter(|(_, left, right)| left != right)
            .map(|(between, left, right)| Gap {
                between,
                lines: difference(left, right),
            })
            .collect()
    }

    /// Whether every row that was read is in the log: what a producer answers for. Consumers may
    /// be elsewhere, and still at work.
    pub fn is_produced(&self) -> bool {
        let intake = &self.intake;
        let set_aside = intake.set_aside.total();
        intake.read == set_aside + intake.clean
            && intake.clean == self.produced
            && set_aside == self.quarantine_produced
    }

    /// Whether every line is in exactly one place, and each data centre is known to have all.
    pub fn is_closed(&self) -> bool {
        self.gaps().is_empty() && self.visible.iter().all(|(_, r)| r.known().is_some())
    }
}

fn difference(left: u64, right: u64) -> i64 {
    // Counts of lines are far below 2^63.
    i64::try_from(i128::from(left) - i128::from(right)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn balanced(regions: [u64; 3], set_aside: u64, before: u64, twice: u64) -> Ledger {
        let mut intake = Intake::default();
        for (region, lines) in Region::ALL.into_iter().zip(regions) {
            for _ in 0..lines {
                intake.add_clean(region, Decimal::new(255, 2));
            }
        }
        for _ in 0..set_aside {
            intake.add_set_aside(Reason::Cancellation);
        }
        let clean = intake.clean;
        let now = before + clean - twice.min(clean);
        Ledger {
            intake,
            produced: clean,
            quarantine_produced: set_aside,
            consumed: clean,
            written: clean,
            quarantine_written: set_aside,
            lines_before: before,
            lines_now: now,
            visible: PerDc::from_fn(|_| Reading::Known(now)),
        }
    }

    proptest! {
        #[test]
        fn a_sheet_closes_exactly_when_nothing_is_missing(
            regions in [0_u64..50, 0..50, 0..50],
            set_aside in 0_u64..50,
            before in 0_u64..50,
            twice in 0_u64..200,
            place in 0_usize..6,
            missing in 1_u64..5,
        ) {
            let mut ledger = balanced(regions, set_aside, before, twice);
            prop_assert!(ledger.is_closed(), "{:?}", ledger.gaps());
            let number = match place {
                0 => &mut ledger.produced,
                1 => &mut ledger.quarantine_produced,
                2 => &mut ledger.consumed,
                3 => &mut ledger.written,
                4 => &mut ledger.quarantine_written,
                _ => &mut ledger.intake.read,
            };
            *number += missing;
            prop_assert!(!ledger.is_closed());
            // What a consumer misses is not the producer's.
            prop_assert_eq!(ledger.is_produced(), (2..=4).contains(&place));
        }
    }

    #[test]
    fn a_data_centre_that_is_not_known_keeps_the_sheet_open_without_a_gap() {
        let mut ledger = balanced([1, 2, 3], 4, 0, 0);
        ledger.visible.0[1] = Reading::Unknown("down".into());
        assert!(ledger.gaps().is_empty());
        assert!(!ledger.is_closed());
        ledger.visible.0[1] = Reading::Known(5);
        assert_eq!(
            ledger.gaps(),
            [Gap {
                between: "stored and visible in Americas_DC",
                lines: 1
            }]
        );
    }
}
