//! What would become of a file: totals, rules, countries.

use retail_engine::clean::{Rule, Switch};
use retail_engine::config::ErrorLimit;
use retail_engine::intake::CheckTotals;
use retail_engine::model::{PerRegion, Region};
use rust_decimal::Decimal;

use super::reasons;
use crate::views::format;

/// What would become of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happen {
    /// Data rows.
    pub read: u64,
    /// Rows that are wrong, and for how many reasons.
    pub rejected: (u64, usize),
    /// Rows that a choice leaves out, and for how many reasons.
    pub filtered: (u64, usize),
    /// Lines to load.
    pub clean: u64,
    /// By region.
    pub regions: PerRegion<u64>,
    /// What they are worth.
    pub amount: Decimal,
    /// The rules.
    pub rules: Vec<RuleRow>,
    /// Countries of no region.
    pub unknown: Vec<(String, u64)>,
    /// Rows of those.
    pub unknown_rows: u64,
}

/// A rule with its switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// Which.
    pub rule: Rule,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub note: String,
    /// Whether it is in force.
    pub on: bool,
    /// Rows that change sides when it is switched.
    pub moves: u64,
}

impl Happen {
    /// Of the totals of a check over `read` rows.
    pub fn of(read: u64, totals: &CheckTotals) -> Self {
        let kind = |rejection: bool| {
            let of_kind = totals.set_aside.iter();
            of_kind
                .filter(|(reason, _)| reason.is_rejection() == rejection)
                .fold((0, 0), |(rows, kinds), (_, more)| (rows + more, kinds + 1))
        };
        let unknown: Vec<(String, u64)> = totals
            .countries
            .iter()
            .filter(|country| country.region.is_none())
            .map(|country| (country.country.to_string(), country.rows))
            .collect();
        Self {
            read,
            rejected: kind(true),
            filtered: kind(false),
            clean: totals.clean,
            regions: PerRegion::from_fn(|region: Region| totals.clean_by_region[region]),
            amount: totals.clean_amount,
            rules: totals
                .rules
                .iter()
                .map(|effect| {
                    let (name, note) = reasons::rule(effect.rule);
                    RuleRow {
                        rule: effect.rule,
                        name,
                        note: note.to_owned(),
                        on: effect.switch == Switch::On,
                        moves: effect.moves,
                    }
                })
                .collect(),
            unknown_rows: unknown.iter().map(|(_, rows)| rows).sum(),
            unknown,
        }
    }

    /// Whether a load of this would be stopped for its rejects.
    pub fn passes(&self, limit: ErrorLimit) -> bool {
        limit.is_passed(self.rejected.0, self.read)
    }
}

/// `3 reasons`, `1 reason`.
pub fn reasons_text(count: usize) -> String {
    match count {
        1 => "1 reason".to_owned(),
        count => format!("{count} reasons"),
    }
}

/// Countries in a sentence: the first by rows, and how many more.
pub fn countries_text(unknown: &[(String, u64)]) -> String {
    let mut by_rows: Vec<&(String, u64)> = unknown.iter().collect();
    by_rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let named: Vec<&str> = by_rows
        .iter()
        .take(2)
        .map(|(name, _)| name.as_str())
        .collect();
    let more = by_rows.len().saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        more => format!(
            "{} and {} more",
            named.join(", "),
            format::count(more as u64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_named_by_their_rows() {
        let list = [
            ("B".to_owned(), 1),
            ("A".to_owned(), 7),
            ("C".to_owned(), 1),
        ];
        assert_eq!(countries_text(&list), "A, B and 1 more");
        assert_eq!(countries_text(&list[..1]), "B");
        assert_eq!(reasons_text(1), "1 reason");
    }
}
