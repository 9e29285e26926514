//! What a whole file would become, for any choice of rules and any routing map.
//!
//! The file is read once. What is kept is how many rows of each country match each set of rules,
//! so that a switched rule or an assigned country is answered from the counts alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::clean::{DateOrder, Rule, RuleSet, Rules, Switch, parse_date};
use crate::model::{PerRegion, Reason, ReasonCounts, Region};
use crate::route::RoutingMap;

use super::error::IntakeError;
use super::lines::{LineReader, ReadProgress, ReadRow};
use super::options::ReadOptions;
use super::plan::ReadPlan;

/// Countries listed by name. A file whose country column holds something else has as many as
/// rows; what is beyond is counted, not listed.
const COUNTRIES_MAX: usize = 1_000;

/// Rows between two reports of how far the check is.
const TELL_EVERY: u64 = 4_096;

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

/// What a file becomes under one choice of rules and one routing map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckTotals {
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

/// What the dates of the whole file say about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DateEvidence {
    /// The order in which the file was read.
    pub order: DateOrder,
    /// Rows whose date fits this order only.
    pub rows_for: u64,
    /// Physical line of the first of those: the line that settles it.
    pub first_for: Option<u64>,
    /// Rows whose date fits the other order only; they are set aside.
    pub rows_against: u64,
    /// Physical line of the first of those.
    pub first_against: Option<u64>,
}

/// How many rows match one set of rules, and what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct SetCount {
    rows: u64,
    amount: Decimal,
}

/// Rows by the set of rules that they match.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BySet([SetCount; RuleSet::SETS]);

impl Default for BySet {
    fn default() -> Self {
        Self([SetCount::default(); RuleSet::SETS])
    }
}

impl BySet {
    fn add(&mut self, matched: RuleSet, amount: Decimal) {
        if let Some(count) = self.0.get_mut(matched.index()) {
            count.rows += 1;
            count.amount += amount;
        }
    }

    fn rows(&self) -> u64 {
        self.0.iter().map(|count| count.rows).sum()
    }

    fn iter(&self) -> impl Iterator<Item = (RuleSet, SetCount)> {
        RuleSet::all()
            .zip(self.0)
            .filter(|(_, count)| count.rows > 0)
    }
}

/// What a whole file would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// How the file is read.
    pub plan: ReadPlan,
    /// Data rows.
    pub rows: u64,
    /// What its dates say about their order.
    pub dates: DateEvidence,
    /// What it becomes under the rules and the map that it was checked with.
    pub totals: CheckTotals,
    #[serde(skip)]
    counts: Counts,
}

impl CheckReport {
    /// What the file becomes under other rules or another map. Reads nothing.
    pub fn what_if(&self, rules: &Rules, routing: &RoutingMap) -> CheckTotals {
        self.counts.totals(rules.in_force(), routing)
    }
}

/// Reads a whole file and counts.
pub fn check(
    path: &Path,
    options: &ReadOptions,
    rules: &Rules,
    routing: &Arc<RoutingMap>,
) -> Result<CheckReport, IntakeError> {
    let reader = LineReader::open(path, options, rules, routing)?;
    let mut never = |_progress| ControlFlow::<std::convert::Infallible>::Continue(());
    match run(reader, rules, routing, &mut never)? {
        ControlFlow::Continue(report) => Ok(report),
        ControlFlow::Break(never) => match never {},
    }
}

/// Reads a whole file and counts, telling `watch` how far it is some thousand times a second;
/// `None` when `watch` broke it off.
pub fn check_watched(
    path: &Path,
    options: &ReadOptions,
    rules: &Rules,
    routing: &Arc<RoutingMap>,
    watch: &mut dyn FnMut(ReadProgress) -> ControlFlow<()>,
) -> Result<Option<CheckReport>, IntakeError> {
    let reader = LineReader::open(path, options, rules, routing)?;
    Ok(match run(reader, rules, routing, watch)? {
        ControlFlow::Continue(report) => Some(report),
        ControlFlow::Break(()) => None,
    })
}

fn run<B>(
    mut reader: LineReader,
    rules: &Rules,
    routing: &RoutingMap,
    watch: &mut dyn FnMut(ReadProgress) -> ControlFlow<B>,
) -> Result<ControlFlow<B, CheckReport>, IntakeError> {
    let mut counts = Counts::default();
    let mut dates = Dates::of(reader.plan().date_order.value);
    let mut rows = 0_u64;
    loop {
        if rows.is_multiple_of(TELL_EVERY)
            && let ControlFlow::Break(why) = watch(reader.progress())
        {
            return Ok(ControlFlow::Break(why));
        }
        let Some(row) = reader.next()? else { break };
        rows += 1;
        let (line, region) = match &row {
            ReadRow::Clean(clean) => (Some(&clean.record.line), Some(clean.region)),
            ReadRow::SetAside(aside) => {
                if aside.reject.reason == Reason::AmbiguousDate {
                    dates.against(aside.reject.line);
                }
                let line = aside.line.as_ref().map(|record| &record.line);
                if line.is_none() {
                    counts.defects.add(aside.reject.reason);
                }
                (line, aside.region)
            }
        };
        let Some((country, amount)) = line.map(|line| (line.country, line.amount())) else {
            continue;
        };
        if let Some(lines) = counts.of(country, region) {
            lines.add(reader.matched(), amount);
        }
        if dates.look_at(reader.last_date()) {
            dates.settled_at(reader.progress().lines);
        }
    }
    reader.finish_check()?;
    Ok(ControlFlow::Continue(CheckReport {
        plan: reader.plan().clone(),
        rows,
        dates: dates.found,
        totals: counts.totals(rules.in_force(), routing),
        counts,
    }))
}

/// Gathers what dates say; most rows repeat the date of the row before.
struct Dates {
    found: DateEvidence,
    last: Vec<u8>,
    last_is_proof: bool,
}

impl Dates {
    fn of(order: DateOrder) -> Self {
        Self {
            found: DateEvidence {
                order,
                rows_for: 0,
                first_for: None,
                rows_against: 0,
                first_against: None,
            },
            last: Vec::new(),
            last_is_proof: false,
        }
    }

    /// Counts a date that could be read; whether it is the first that settles the order.
    fn look_at(&mut self, date: &[u8]) -> bool {
        if self.last != date {
            date.clone_into(&mut self.last);
            self.last_is_proof =
                parse_date(date, self.found.order).is_ok_and(|reading| reading.only.is_some());
        }
        self.found.rows_for += u64::from(self.last_is_proof);
        self.last_is_proof && self.found.first_for.is_none()
    }

    const fn settled_at(&mut self, line: u64) {
        self.found.first_for = Some(line);
    }

    fn against(&mut self, line: u64) {
        self.found.rows_against += 1;
        self.found.first_against.get_or_insert(line);
    }
}

/// All that is kept of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Counts {
    /// Rows that are no line, whatever the rules and the map.
    defects: ReasonCounts,
    /// Lines by country, as on the map or as in the file.
    countries: BTreeMap<CompactString, BySet>,
    /// Lines of further countries that are on the map, by region.
    unlisted: PerRegion<BySet>,
    /// Lines of further countries that are not.
    unlisted_unroutable: u64,
}

impl Counts {
    /// Where a line of a country is counted; `None` when it is counted already.
    fn of(&mut self, country: &str, region: Option<Region>) -> Option<&mut BySet> {
        if !self.countries.contains_key(country) {
            if self.countries.len() < COUNTRIES_MAX {
                self.countries.insert(country.into(), BySet::default());
            } else if let Some(region) = region {
                return Some(&mut self.unlisted[region]);
            } else {
                self.unlisted_unroutable += 1;
                return None;
            }
        }
        self.countries.get_mut(country)
    }

    fn totals(&self, in_force: RuleSet, routing: &RoutingMap) -> CheckTotals {
        let mut totals = CheckTotals {
            clean: 0,
            clean_amount: Decimal::ZERO,
            clean_by_region: PerRegion([0; 3]),
            amount_by_region: PerRegion([Decimal::ZERO; 3]),
            set_aside: self.defects,
            rules: Rule::ALL.map(|rule| unmoved(rule, in_force)).to_vec(),
            countries: Vec::new(),
            rows_of_unlisted_countries: self.unlisted_unroutable,
        };
        let unroutable = Reason::UnroutableCountry;
        totals
            .set_aside
            .add_many(unroutable, self.unlisted_unroutable);
        // Several spellings may be one country on this map.
        let mut countries: BTreeMap<&str, CountryCount> = BTreeMap::new();
        for (country, lines) in &self.countries {
            let route = routing.find(country);
            let name = route.map_or(country.as_str(), |route| route.country);
            let region = route.map(|route| route.region);
            let count = countries.entry(name).or_insert_with(|| CountryCount {
                country: name.into(),
                region,
                rows: 0,
            });
            count.rows += lines.rows();
            match region {
                Some(region) => totals.add(region, lines, in_force),
                None => totals.set_aside.add_many(unroutable, lines.rows()),
            }
        }
        totals.countries = countries.into_values().collect();
        for (region, lines) in self.unlisted.iter() {
            totals.rows_of_unlisted_countries += lines.rows();
            totals.add(region, lines, in_force);
        }
        totals
    }
}

impl CheckTotals {
    fn add(&mut self, region: Region, lines: &BySet, in_force: RuleSet) {
        for (matched, count) in lines.iter() {
            let applied = matched.and(in_force);
            if let Some(rule) = applied.first() {
                self.set_aside.add_many(rule.reason(), count.rows);
            } else {
                self.clean += count.rows;
                self.clean_amount += count.amount;
                self.clean_by_region[region] += count.rows;
                self.amount_by_region[region] += count.amount;
            }
            for effect in &mut self.rules {
                effect.count(matched, count, in_force);
            }
        }
    }
}

const fn unmoved(rule: Rule, in_force: RuleSet) -> RuleEffect {
    RuleEffect {
        rule,
        switch: if in_force.contains(rule) {
            Switch::On
        } else {
            Switch::Off
        },
        matches: 0,
        moves: 0,
        moves_amount: Decimal::ZERO,
    }
}

impl RuleEffect {
    fn count(&mut self, matched: RuleSet, count: SetCount, in_force: RuleSet) {
        if !matched.contains(self.rule) {
            return;
        }
        self.matches += count.rows;
        let switched = match self.switch {
            Switch::On => in_force.with(self.rule, Switch::Off),
            Switch::Off => in_force.with(self.rule, Switch::On),
        };
        let flows = |rules| matched.and(rules).is_empty();
        if flows(switched) != flows(in_force) {
            self.moves += count.rows;
            self.moves_amount += count.amount;
        }
    }
}
