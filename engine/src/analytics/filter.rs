//! Which lines the figures are about: one filter, shared by everything on a screen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{BucketKey, Catalog, CountryId, Day, Region};

/// Whether codes that are no products (postage, fees) are listed among the products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonProducts {
    /// Listed, and marked.
    #[default]
    Show,
    /// Left out of lists of products. Sales hold them in any case.
    Hide,
}

/// What counts as sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// What was sold; cancelled lines are figures of their own.
    #[default]
    Gross,
    /// What was sold less what was cancelled: amounts and pieces of cancelled lines are taken off
    /// on the day, and from the customer, country and product, of the cancellation. Counts of
    /// lines and invoices, and with them recency, frequency and cohorts, stay those of purchases.
    Net,
}

/// What to look at. The default is everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Filter {
    /// First day, if limited.
    pub from: Option<Day>,
    /// Last day, if limited.
    pub to: Option<Day>,
    /// Regions; empty for all.
    pub regions: Vec<Region>,
    /// Countries by name; empty for all. With `regions` too, a country must satisfy both.
    pub countries: Vec<String>,
    /// Whether lists of products show postage and fees.
    pub non_products: NonProducts,
    /// Whether cancelled lines are taken off.
    pub basis: Basis,
}

impl Filter {
    /// Whether lines of a day pass.
    pub fn holds_day(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// The filter in words, for a page or an export.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        match (self.from, self.to) {
            (None, None) => words.push("all days".to_owned()),
            (Some(from), None) => words.push(format!("from {from}")),
            (None, Some(to)) => words.push(format!("to {to}")),
            (Some(from), Some(to)) => words.push(format!("{from} to {to}")),
        }
        let regions: Vec<&str> = self.regions.iter().map(|region| region.name()).collect();
        words.push(match (regions.as_slice(), self.countries.as_slice()) {
            ([], []) => "all countries".to_owned(),
            (regions, []) => regions.join(", "),
            ([], countries) => countries.join(", "),
            (regions, countries) => {
                format!("{} in {}", countries.join(", "), regions.join(", "))
            }
        });
        words.push(match self.basis {
            Basis::Gross => "gross".to_owned(),
            Basis::Net => "net of cancellations".to_owned(),
        });
        if self.non_products == NonProducts::Hide {
            words.push("postage and fees hidden in lists of products".to_owned());
        }
        words.join("; ")
    }

    /// The filter with its names looked up.
    pub fn scope(&self, catalog: &Catalog, regions: &Regions) -> Scope {
        let countries = if self.regions.is_empty() && self.countries.is_empty() {
            None
        } else {
            let names = catalog.countries();
            Some(
                names
                    .iter()
                    .map(|n| self.holds_country(n, regions))
                    .collect(),
            )
        };
        Scope {
            from: self.from,
            to: self.to,
            countries,
        }
    }

    fn holds_country(&self, name: &str, regions: &Regions) -> bool {
        let named = self.countries.is_empty() || self.countries.iter().any(|c| c == name);
        let region = regions.of(name);
        named && (self.regions.is_empty() || region.is_some_and(|r| self.regions.contains(&r)))
    }
}

/// A [`Filter`] that answers by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    from: Option<Day>,
    to: Option<Day>,
    /// By country id; `None` for all countries.
    countries: Option<Vec<bool>>,
}

impl Scope {
    /// Whether a country's lines of a day pass.
    pub fn holds(&self, country: CountryId, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day)
            && self.to.is_none_or(|to| day <= to)
            && self.countries.as_ref().is_none_or(|holds| {
                let held = holds.get(usize::from(country.0));
                held.copied().unwrap_or(false)
            })
    }

    /// Whether a bucket's lines pass.
    pub fn holds_bucket(&self, key: BucketKey) -> bool {
        self.holds(key.country, key.day)
    }
}

/// The routing map as analytics need it: the region of a country by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regions(BTreeMap<String, Region>);

impl Regions {
    /// The region of a country; `None` for one that is not on the map.
    pub fn of(&self, country: &str) -> Option<Region> {
        self.0.get(country).copied()
    }
}

impl<S: Into<String>> FromIterator<(S, Region)> for Regions {
    fn from_iter<I: IntoIterator<Item = (S, Region)>>(pairs: I) -> Self {
        let pairs = pairs
            .into_iter()
            .map(|(name, region)| (name.into(), region));
        Self(pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_must_pass_region_and_name() {
        let catalog = Catalog::default();
        let [france, usa, japan] = ["France", "USA", "Japan"].map(|name| catalog.country(name));
        let regions: Regions = [
            ("France", Region::Europe),
            ("USA", Region::Americas),
            ("Japan", Region::AsiaPacific),
        ]
        .into_iter()
        .collect();
        let check = |regions_wanted: &[Region], countries: &[&str], expect: [bool; 3]| {
            let filter = Filter {
                regions: regions_wanted.to_vec(),
                countries: countries.iter().map(ToString::to_string).collect(),
                from: Some(Day(10)),
                to: Some(Day(20)),
                ..Filter::default()
            };
            let scope = filter.scope(&catalog, &regions);
            assert_eq!(
                [france, usa, japan].map(|c| scope.holds(c, Day(10))),
                expect
            );
            assert_eq!(
                [france, usa, japan].map(|c| scope.holds(c, Day(20))),
                expect
            );
            assert!(!scope.holds(france, Day(9)) && !scope.holds(france, Day(21)));
        };
        check(&[], &[], [true, true, true]);
        check(
            &[Region::Europe, Region::Americas],
            &[],
            [true, true, false],
        );
        check(&[], &["Japan"], [false, false, true]);
        check(
            &[Region::Europe],
            &["Japan", "France"],
            [true, false, false],
        );
        check(&[], &["Atlantis"], [false, false, false]);
    }
}
