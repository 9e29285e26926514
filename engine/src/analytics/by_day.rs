//! Sums by country and day. They grow with the calendar for ever, so they are kept in little more
//! room than their numbers take.

use crate::model::{CountryId, Day, Tally};

/// A tally for each country and day that has one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ByDay {
    /// By country id; days ascending.
    countries: Vec<Vec<(Day, Tally)>>,
}

impl ByDay {
    /// The tally of a country and day, made when it is the first. A day after all others, as they
    /// come mostly, costs nothing more.
    pub(super) fn at(&mut self, country: CountryId, day: Day) -> &mut Tally {
        let days = super::state::slot(&mut self.countries, country.0.into());
        let found = match days.last() {
            Some((last, _)) if *last < day => Err(days.len()),
            _ => days.binary_search_by_key(&day, |(day, _)| *day),
        };
        let place = found.unwrap_or_else(|place| {
            days.insert(place, (day, Tally::default()));
            place
        });
        let (_, tally) = &mut days[place];
        tally
    }

    /// All of them, by country and then by day.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CountryId, Day, &Tally)> {
        let ids = (0..).map(CountryId);
        let countries = ids.zip(&self.countries);
        countries
            .flat_map(|(country, days)| days.iter().map(move |(day, tally)| (country, *day, tally)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds_in_its_order(
            lines in prop::collection::vec((0_u16..5, -40_i32..40, 1_u64..9), 0..200),
        ) {
            let (mut sums, mut expect) = (ByDay::default(), BTreeMap::<_, u64>::new());
            for (country, day, lines) in lines {
                sums.at(CountryId(country), Day(day)).lines += lines;
                *expect.entry((CountryId(country), Day(day))).or_default() += lines;
            }
            let held = sums.iter().map(|(country, day, tally)| ((country, day), tally.lines));
            prop_assert!(held.eq(expect));
        }
    }
}
