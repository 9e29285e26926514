//! Times as the data has them: local, to the second, without a zone.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use serde::{Serialize, Serializer};

const SECONDS_PER_DAY: i64 = 86_400;

/// When an invoice was written: seconds since 1970-01-01 00:00 of the shop's own wall clock.
///
/// It is data, never the timestamp of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvoiceTime(pub i64);

impl InvoiceTime {
    /// The time of a calendar date and time of day.
    pub fn from_datetime(at: NaiveDateTime) -> Self {
        Self(at.and_utc().timestamp())
    }

    /// The calendar date and time of day.
    ///
    /// Times come from [`InvoiceTime::from_datetime`]; one outside chrono's range of some
    /// 262,000 years becomes the epoch.
    pub fn datetime(self) -> NaiveDateTime {
        DateTime::from_timestamp(self.0, 0)
            .unwrap_or_default()
            .naive_utc()
    }

    /// The calendar day.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "chrono's years fit an i32 of days"
    )]
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(SECONDS_PER_DAY) as i32)
    }

    /// The hour of the day, 0 to 23.
    #[expect(clippy::cast_possible_truncation, reason = "0 to 23")]
    pub const fn hour(self) -> u8 {
        (self.0.rem_euclid(SECONDS_PER_DAY) / 3_600) as u8
    }
}

impl fmt::Display for InvoiceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.datetime().format("%Y-%m-%d %H:%M:%S"))
    }
}

impl Serialize for InvoiceTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A calendar day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub i32);

impl Day {
    /// The day of a calendar date.
    pub fn from_date(date: NaiveDate) -> Self {
        InvoiceTime::from_datetime(date.and_time(chrono::NaiveTime::MIN)).day()
    }

    /// The calendar date.
    pub fn date(self) -> NaiveDate {
        InvoiceTime(i64::from(self.0) * SECONDS_PER_DAY)
            .datetime()
            .date()
    }

    /// Year and month (1 to 12).
    pub fn month(self) -> (i32, u32) {
        let date = self.date();
        (date.year(), date.month())
    }

    /// The day of the week, Monday = 0.
    pub const fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        #[expect(clippy::cast_possible_truncation, reason = "0 to 6")]
        let day = (self.0 + 3).rem_euclid(7) as u8;
        day
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_knows_its_date_and_weekday() {
        let day = Day::from_date(NaiveDate::from_ymd_opt(2010, 12, 1).unwrap());
        assert_eq!(day.to_string(), "2010-12-01");
        assert_eq!(day.weekday(), 2, "a Wednesday");
        assert_eq!(day.month(), (2010, 12));
        let at = InvoiceTime(i64::from(day.0) * SECONDS_PER_DAY + 8 * 3600 + 26 * 60);
        assert_eq!((at.day(), at.hour()), (day, 8));
        assert_eq!(at.to_string(), "2010-12-01 08:26:00");
        assert_eq!(InvoiceTime(-1).day(), Day(-1));
    }
}
