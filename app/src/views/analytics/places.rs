//! Regions and countries as bars. One country may sell more than all others together: on their
//! scale its bar is cut, and says so.

use retail_engine::analytics::Report;
use retail_engine::model::Region;
use rust_decimal::Decimal;

use super::super::format;
use super::length;
use crate::widgets::bars::BarRow;

/// A bar is cut when it is more than so many times the next.
const CUT_FROM: Decimal = Decimal::from_parts(3, 0, 0, false, 0);
/// Length of the longest bar that is not cut, where one is.
const LONGEST: f32 = 0.72;

/// Regions and countries with sales.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Places {
    /// The regions, and a row for each.
    pub regions: (Vec<Region>, Vec<BarRow>),
    /// The countries by name, and a row for each.
    pub countries: (Vec<String>, Vec<BarRow>),
    /// What is said of a bar that is cut.
    pub cut: Option<String>,
}

impl Places {
    /// Of a report.
    pub fn of(report: &Report) -> Self {
        let most = report.regions.iter().map(|r| r.amount).max();
        let most = most.unwrap_or_default();
        let mut regions: Vec<_> = report.regions.iter().collect();
        regions.sort_by_key(|region| std::cmp::Reverse(region.amount));
        let regions = regions.into_iter().map(|region| {
            let row = BarRow {
                name: region.region.name().to_owned(),
                region: Some(region.region),
                share: length(region.amount, most),
                broken: false,
                value: format::money(region.amount),
                note: format::percent(region.share),
                tip: format!(
                    "{}: {}, {} lines, {} customers in {} countries",
                    region.region.name(),
                    format::money(region.amount),
                    format::count(region.lines),
                    format::count(region.customers),
                    region.countries
                ),
                chosen: report.filter.regions.contains(&region.region),
            };
            (region.region, row)
        });
        let amounts: Vec<(&str, Decimal)> = report
            .countries
            .iter()
            .map(|c| (c.country.as_str(), c.amount))
            .collect();
        let scale = Scale::of(&amounts);
        let countries = report.countries.iter().enumerate().map(|(place, country)| {
            let row = BarRow {
                name: country.country.to_string(),
                region: None,
                share: scale.length(country.amount),
                broken: place == 0 && scale.cut.is_some(),
                value: format::money(country.amount),
                note: format::percent(country.share),
                tip: format!(
                    "{}: {}, {} lines, {} customers",
                    country.country,
                    format::money(country.amount),
                    format::count(country.lines),
                    format::count(country.customers)
                ),
                chosen: report
                    .filter
                    .countries
                    .iter()
                    .any(|c| *c == country.country),
            };
            (row.name.clone(), row)
        });
        Self {
            regions: regions.unzip(),
            countries: countries.unzip(),
            cut: scale.cut.clone(),
        }
    }
}

/// On which scale the countries are drawn.
struct Scale {
    whole: Decimal,
    longest: f32,
    cut: Option<String>,
}

impl Scale {
    fn of(amounts: &[(&str, Decimal)]) -> Self {
        match amounts {
            [(name, first), (_, second), ..]
                if *second > Decimal::ZERO && *first > second * CUT_FROM =>
            {
                let times = (first / second).round();
                Self {
                    whole: *second,
                    longest: LONGEST,
                    cut: Some(format!("bar of {name} cut: {times} times the next")),
                }
            }
            _ => Self {
                whole: amounts.first().map(|(_, first)| *first).unwrap_or_default(),
                longest: 1.0,
                cut: None,
            },
        }
    }

    fn length(&self, amount: Decimal) -> f32 {
        length(amount, self.whole) * self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_cut_only_where_it_would_hide_the_others() {
        let amounts = |a: i64, b: i64| [("UK", a.into()), ("NL", b.into())];
        let scale = Scale::of(&amounts(9_025, 285));
        assert_eq!(
            scale.cut.as_deref(),
            Some("bar of UK cut: 32 times the next")
        );
        assert!((scale.length(285.into()) - LONGEST).abs() < 1e-6);
        let scale = Scale::of(&amounts(300, 200));
        assert!(scale.cut.is_none());
        assert!((scale.length(300.into()) - 1.0).abs() < 1e-6);
    }
}
