//! What a person chose to look at, as it is remembered; the engine's filter from it; its words.

use chrono::NaiveDate;
use retail_engine::analytics::{Basis, Filter, GridBreaks, NonProducts, RfmError};
use retail_engine::model::{Day, Region};
use serde::{Deserialize, Serialize};

/// Length of the periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    /// Months.
    #[default]
    Month,
    /// ISO weeks.
    Week,
    /// Days.
    Day,
}

impl Grain {
    /// In a title.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
        }
    }
}

/// Whether sales are shown as one, or for each region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Division {
    /// As one.
    #[default]
    Total,
    /// A chart for each region, with a scale of its own.
    Regions,
}

/// How the segments are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Segments {
    /// Days since the last purchase and orders.
    #[default]
    Grid,
    /// Recency and frequency scores.
    Scores,
    /// By name, value and status.
    List,
}

/// Remembered choices. The default is everything, gross.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// One region only.
    pub region: Option<Region>,
    /// These countries only; empty for all.
    pub countries: Vec<String>,
    /// Gross, or net of cancellations.
    pub basis: Basis,
    /// Whether lists of products show postage and charges.
    pub charges: NonProducts,
    /// Length of the periods.
    pub grain: Grain,
    /// As one or by region.
    pub division: Division,
    /// As columns or as a line.
    pub line: bool,
    /// How the segments are shown.
    pub segments: Segments,
    /// Own limits of days in the grid.
    pub days: Option<Vec<u32>>,
    /// Own limits of orders in the grid.
    pub orders: Option<Vec<u64>>,
    /// Own weights of the value score, in percent: recency, orders, sales.
    pub weights: Option<[u8; 3]>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            region: None,
            countries: Vec::new(),
            basis: Basis::Gross,
            charges: NonProducts::Hide,
            grain: Grain::Month,
            division: Division::Total,
            line: false,
            segments: Segments::Grid,
            days: None,
            orders: None,
            weights: None,
        }
    }
}

impl Choices {
    /// The filter of the figures. Charges are left out of lists on the screen, where the switch
    /// is, so that the switch needs no new figures.
    pub fn filter(&self) -> Filter {
        Filter {
            from: self.from.map(Day::from_date),
            to: self.to.map(Day::from_date),
            regions: self.region.into_iter().collect(),
            countries: self.countries.clone(),
            non_products: NonProducts::Show,
            basis: self.basis,
        }
    }

    /// The filter of lists of products, for what is said of them.
    pub fn product_filter(&self) -> Filter {
        Filter {
            non_products: self.charges,
            ..self.filter()
        }
    }

    /// Whether something is left out by a choice that "clear" takes back.
    pub fn is_narrowed(&self) -> bool {
        self.from.is_some()
            || self.to.is_some()
            || self.region.is_some()
            || !self.countries.is_empty()
    }

    /// Takes back what leaves lines out.
    pub fn clear(&mut self) {
        self.from = None;
        self.to = None;
        self.region = None;
        self.countries.clear();
    }

    /// A country in or out.
    pub fn toggle_country(&mut self, country: &str) {
        if self.countries.iter().any(|known| known == country) {
            self.countries.retain(|known| known != country);
        } else {
            self.countries.push(country.to_owned());
            self.countries.sort_unstable();
        }
    }

    /// A region, or all again.
    pub fn toggle_region(&mut self, region: Region) {
        self.region = (self.region != Some(region)).then_some(region);
    }

    /// Days `from` to `to`, or all again if they were chosen already.
    pub fn toggle_days(&mut self, from: Day, to: Day) {
        let (from, to) = (Some(from.date()), Some(to.date()));
        if (self.from, self.to) == (from, to) {
            (self.from, self.to) = (None, None);
        } else {
            (self.from, self.to) = (from, to);
        }
    }

    /// The dates in words; `data` is the first and last day of the data.
    pub fn dates(&self, data: Option<(Day, Day)>) -> String {
        let first = self.from.or(data.map(|(first, _)| first.date()));
        let last = self.to.or(data.map(|(_, last)| last.date()));
        match (first, last) {
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => format!("{first} to {last}"),
            (Some(first), None) => format!("from {first}"),
            (None, Some(last)) => format!("to {last}"),
            (None, None) => "All".to_owned(),
        }
    }

    /// The region in words.
    pub fn region_words(&self) -> &'static str {
        self.region.map_or("All", Region::name)
    }

    /// The countries in words.
    pub fn country_words(&self) -> String {
        match self.countries.as_slice() {
            [] => "All".to_owned(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        }
    }

    /// Own limits of the grid, if a person set some.
    pub fn breaks(&self) -> Option<Result<GridBreaks, RfmError>> {
        let (days, orders) = (self.days.clone()?, self.orders.clone()?);
        Some(GridBreaks::new(days, orders))
    }

    /// The options of the headless program that stand for the filter.
    pub fn args(&self) -> Vec<String> {
        let mut args = Vec::new();
        let mut option = |name: &str, value: Option<String>| {
            args.push(name.to_owned());
            args.extend(value);
        };
        if let Some(from) = self.from {
            option("--from", Some(from.to_string()));
        }
        if let Some(to) = self.to {
            option("--to", Some(to.to_string()));
        }
        if let Some(region) = self.region {
            option("--region", Some(region.slug().to_owned()));
        }
        for country in &self.countries {
            option("--country", Some(country.clone()));
        }
        if self.basis == Basis::Net {
            option("--net", None);
        }
        args
    }
}

/// Numbers written one after the other, with commas or spaces between.
pub fn numbers<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    let parts = text.split([',', ' ', ';']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

/// Numbers as they are typed.
pub fn written<T: ToString>(numbers: impl IntoIterator<Item = T>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|n| n.to_string()).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_takes_a_choice_back() {
        let mut choices = Choices::default();
        choices.toggle_country("EIRE");
        choices.toggle_country("Belgium");
        assert_eq!(choices.country_words(), "Belgium and 1 more");
        assert_eq!(choices.filter().countries, ["Belgium", "EIRE"]);
        choices.toggle_country("Belgium");
        choices.toggle_country("EIRE");
        choices.toggle_days(Day(10), Day(19));
        assert!(choices.is_narrowed());
        choices.toggle_days(Day(10), Day(19));
        choices.toggle_region(Region::Europe);
        choices.toggle_region(Region::Europe);
        assert_eq!(choices, Choices::default());
    }

    #[test]
    fn choices_are_remembered_and_unknown_ones_fall_back() {
        let choices = Choices {
            from: NaiveDate::from_ymd_opt(2011, 1, 1),
            region: Some(Region::AsiaPacific),
            basis: Basis::Net,
            days: Some(vec![7]),
            orders: Some(vec![1, 2]),
            ..Choices::default()
        };
        let text = serde_json::to_string(&choices).unwrap();
        assert_eq!(serde_json::from_str::<Choices>(&text).unwrap(), choices);
        assert_eq!(
            choices.args(),
            ["--from", "2011-01-01", "--region", "asiapacific", "--net"]
        );
        assert_eq!(
            serde_json::from_str::<Choices>("{}").unwrap(),
            Choices::default()
        );
        assert!(choices.breaks().unwrap().is_ok());
    }

    #[test]
    fn limits_are_read_as_they_are_typed() {
        assert_eq!(numbers::<u32>("13, 33 72;180"), Some(vec![13, 33, 72, 180]));
        assert_eq!(numbers::<u32>(""), Some(Vec::new()));
        assert_eq!(numbers::<u32>("13, x"), None);
        assert_eq!(written([1_u64, 2]), "1, 2");
    }
}
