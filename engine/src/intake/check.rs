//! What a whole file would become: counts per rule, also for rules that are off, and per country.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::clean::{Rule, RuleSet, Rules, Switch};
use crate::model::{PerRegion, ReasonCounts, Region};
use crate::route::RoutingMap;

use super::error::IntakeError;
use super::lines::{LineReader, ReadRow};
use super::options::ReadOptions;
use super::plan::ReadPlan;

/// Countries listed by name. A file whose country column holds something else has as many as
/// rows; what is beyond is counted, not listed.
const COUNTRIES_MAX: usize = 1_000;

/// What a rule does to a file, and what switching it would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleEffect {
    /// The rule.
    pub rule: Rule,
    /// Whether it is in force.
    pub switch: Switch,
    /// Well-formed, routable rows that match it, whatever else they match.
    pub matches: u64,
    /// Rows that would change sides if this rule alone were switched: set aside if it is off,
    /// clean if it is on.
    pub moves: u64,
    /// What those rows are worth, in GBP.
    pub moves_amount: Decimal,
}

/// Lines of one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountryCount {
    /// As on the routing map, or as in the file if it is not on it.
    pub country: CompactString,
    /// `None` for a country of no region: it must be assigned, or its rows are set aside.
    pub region: Option<Region>,
    /// Well-formed rows.
    pub rows: u64,
}

/// What a whole file would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// How the file is read.
    pub plan: ReadPlan,
    /// Data rows.
    pub rows: u64,
    /// Rows that would flow.
    pub clean: u64,
    /// What they are worth, in GBP.
    pub clean_amount: Decimal,
    /// Rows that would flow, by region.
    pub clean_by_region: PerRegion<u64>,
    /// What those are worth, in GBP, by region.
    pub amount_by_region: PerRegion<Decimal>,
    /// Rows that would be set aside, by reason.
    pub set_aside: ReasonCounts,
    /// The rules, in order.
    pub rules: Vec<RuleEffect>,
    /// The countries of well-formed rows, by name.
    pub countries: Vec<CountryCount>,
    /// Well-formed rows of countries beyond the thousand that are listed.
    pub rows_of_unlisted_countries: u64,
}

/// Reads a whole file and counts.
pub fn check(
    path: &Path,
    options: &ReadOptions,
    rules: &Rules,
    routing: &Arc<RoutingMap>,
) -> Result<CheckReport, IntakeError> {
    let mut reader = LineReader::open(path, options, rules, routing)?;
    let mut tally = Tally::new(rules.in_force());
    while let Some(row) = reader.next()? {
        let (line, region) = match &row {
            ReadRow::Clean(clean) => {
                tally.clean += 1;
                tally.clean_amount += clean.record.line.amount();
                tally.by_region[clean.region as usize] += 1;
                tally.amount_by_region[clean.region as usize] += clean.record.line.amount();
                (Some(clean.record.line), Some(clean.region))
            }
            ReadRow::SetAside(aside) => {
                tally.set_aside.add(aside.reject.reason);
                (aside.line.map(|record| record.line), aside.region)
            }
        };
        if let Some(line) = line {
            tally.count_country(line.country, region);
            let amount = line.amount();
            let matched = reader.matched();
            if region.is_some() {
                tally.count_rules(matched, amount);
            }
        }
    }
    reader.finish_check()?;
    Ok(tally.report(reader.plan().clone(), reader.progress().rows))
}

struct Tally {
    in_force: RuleSet,
    clean: u64,
    clean_amount: Decimal,
    by_region: [u64; 3],
    amount_by_region: [Decimal; 3],
    set_aside: ReasonCounts,
    effects: Vec<RuleEffect>,
    countries: BTreeMap<CompactString, (Option<Region>, u64)>,
    unlisted: u64,
}

impl Tally {
    fn new(in_force: RuleSet) -> Self {
        let effect = |rule| RuleEffect {
            rule,
            switch: if in_force.contains(rule) {
                Switch::On
            } else {
                Switch::Off
            },
            matches: 0,
            moves: 0,
            moves_amount: Decimal::ZERO,
        };
        Self {
            in_force,
            clean: 0,
            clean_amount: Decimal::ZERO,
            by_region: [0; 3],
            amount_by_region: [Decimal::ZERO; 3],
            set_aside: ReasonCounts::default(),
            effects: Rule::ALL.into_iter().map(effect).collect(),
            countries: BTreeMap::new(),
            unlisted: 0,
        }
    }

    fn count_country(&mut self, country: &str, region: Option<Region>) {
        if let Some((_, rows)) = self.countries.get_mut(country) {
            *rows += 1;
        } else if self.countries.len() < COUNTRIES_MAX {
            self.countries.insert(country.into(), (region, 1));
        } else {
            self.unlisted += 1;
        }
    }

    fn count_rules(&mut self, matched: RuleSet, amount: Decimal) {
        if matched.is_empty() {
            return;
        }
        let flows = matched.and(self.in_force).is_empty();
        for effect in &mut self.effects {
            if !matched.contains(effect.rule) {
                continue;
            }
            effect.matches += 1;
            let switched = match effect.switch {
                Switch::On => self.in_force.with(effect.rule, Switch::Off),
                Switch::Off => self.in_force.with(effect.rule, Switch::On),
            };
            if matched.and(switched).is_empty() != flows {
                effect.moves += 1;
                effect.moves_amount += amount;
            }
        }
    }

    fn report(self, plan: ReadPlan, rows: u64) -> CheckReport {
        let count = |(country, (region, rows))| CountryCount {
            country,
            region,
            rows,
        };
        CheckReport {
            plan,
            rows,
            clean: self.clean,
            clean_amount: self.clean_amount,
            clean_by_region: PerRegion(self.by_region),
            amount_by_region: PerRegion(self.amount_by_region),
            set_aside: self.set_aside,
            rules: self.effects,
            countries: self.countries.into_iter().map(count).collect(),
            rows_of_unlisted_countries: self.unlisted,
        }
    }
}
