//! Calendar months and ISO weeks: the periods that figures are grouped by.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use crate::model::Day;

/// A calendar month, counted from January of year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month(i32);

impl Month {
    /// The month that a day lies in.
    pub fn of(day: Day) -> Self {
        let date = day.date();
        // chrono's years have six digits and months are 0 to 11: neither wraps.
        Self(date.year() * 12 + date.month0().cast_signed())
    }

    /// The month of a number, counted from January of year 0.
    pub(super) const fn at(index: i32) -> Self {
        Self(index)
    }

    /// Its number, counted from January of year 0.
    pub(super) const fn index(self) -> i32 {
        self.0
    }

    /// The month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Its first day.
    pub fn first_day(self) -> Day {
        let month0 = self.0.rem_euclid(12).cast_unsigned();
        let date = NaiveDate::from_ymd_opt(self.0.div_euclid(12), month0 + 1, 1);
        Day::from_date(date.unwrap_or_default())
    }

    /// Its last day.
    pub fn last_day(self) -> Day {
        Day(self.next().first_day().0 - 1)
    }

    /// Months from `earlier` to this one; negative when it is later.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.0.div_euclid(12), self.0.rem_euclid(12) + 1);
        write!(f, "{year:04}-{month:02}")
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An ISO week, named by its Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Week(Day);

impl Week {
    /// The week that a day lies in.
    pub const fn of(day: Day) -> Self {
        Self(Day(day.0 - day.weekday() as i32))
    }

    /// Its Monday.
    pub const fn first_day(self) -> Day {
        self.0
    }

    /// Its Sunday.
    pub const fn last_day(self) -> Day {
        Day(self.0.0 + 6)
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.0.date().iso_week();
        write!(f, "{:04}-W{:02}", week.year(), week.week())
    }
}

impl Serialize for Week {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::from_date(text.parse().unwrap())
    }

    #[test]
    fn a_month_knows_its_name_and_its_ends() {
        for (at, name, first, last) in [
            ("2010-12-31", "2010-12", "2010-12-01", "2010-12-31"),
            ("2011-01-01", "2011-01", "2011-01-01", "2011-01-31"),
            ("2012-02-10", "2012-02", "2012-02-01", "2012-02-29"),
        ] {
            let month = Month::of(day(at));
            assert_eq!(month.to_string(), name);
            assert_eq!(month.first_day(), day(first));
            assert_eq!(month.last_day(), day(last));
        }
        let december = Month::of(day("2010-12-01"));
        assert_eq!(Month::of(day("2011-11-30")).since(december), 11);
    }

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday() {
        for (at, name, monday) in [
            ("2010-12-01", "2010-W48", "2010-11-29"),
            ("2011-01-02", "2010-W52", "2010-12-27"),
            ("2011-01-03", "2011-W01", "2011-01-03"),
        ] {
            let week = Week::of(day(at));
            assert_eq!(week.to_string(), name);
            assert_eq!(week.first_day(), day(monday));
            assert_eq!(week.last_day(), Day(day(monday).0 + 6));
        }
    }
}
