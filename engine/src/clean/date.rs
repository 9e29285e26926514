//! Invoice dates from ASCII text.
//!
//! Read: `12/1/2010 8:26`, `12/1/10`, `01-12-2010 08:26:00`, `1.12.10 8:26` in the order of the
//! file, and `2010-12-01 08:26:00`, `2010-12-01T08:26` in any. Seconds may have a fraction of
//! zeros. Not read: times with a zone (the shop's clock has none), serial numbers of table
//! programs, names of months. Two-digit years are 1969 to 2068, as POSIX has them.

use serde::{Deserialize, Serialize};

use crate::model::InvoiceTime;

/// Years that an invoice may carry. Outside them a typing error is more likely.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Which number of `12/1/2010` is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The first: 1 December.
    MonthFirst,
    /// The second: 12 January.
    DayFirst,
}

impl DateOrder {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::MonthFirst => Self::DayFirst,
            Self::DayFirst => Self::MonthFirst,
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MonthFirst => "month first (M/D/Y)",
            Self::DayFirst => "day first (D/M/Y)",
        }
    }
}

/// A date, and what its text says about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateReading {
    /// The time.
    pub time: InvoiceTime,
    /// The one order in which the text is a date; `None` if both fit, or neither is needed.
    pub only: Option<DateOrder>,
}

/// Why a text is not the date that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateProblem {
    /// Not a date in any form that is read.
    NotADate,
    /// A date only with day and month the other way round; this is that reading.
    OtherOrder(InvoiceTime),
}

/// Reads a trimmed field.
pub fn parse_date(field: &[u8], order: DateOrder) -> Result<DateReading, DateProblem> {
    let parts = split(field).ok_or(DateProblem::NotADate)?;
    let [a, b, c] = parts.numbers;
    if parts.iso {
        let time = time(a, b, c, parts.seconds).ok_or(DateProblem::NotADate)?;
        return Ok(DateReading { time, only: None });
    }
    let month_first = time(c, a, b, parts.seconds);
    let day_first = time(c, b, a, parts.seconds);
    let (wanted, unwanted) = match order {
        DateOrder::MonthFirst => (month_first, day_first),
        DateOrder::DayFirst => (day_first, month_first),
    };
    match (wanted, unwanted) {
        (Some(time), other) => Ok(DateReading {
            time,
            only: other.is_none().then_some(order),
        }),
        (None, Some(time)) => Err(DateProblem::OtherOrder(time)),
        (None, None) => Err(DateProblem::NotADate),
    }
}

/// The three numbers of a date as they stand, and the second of the day.
struct Parts {
    numbers: [i32; 3],
    iso: bool,
    seconds: i64,
}

fn split(field: &[u8]) -> Option<Parts> {
    let (a, a_len, rest) = number(field)?;
    let (separator, rest) = rest.split_first()?;
    let (b, b_len, rest) = number(rest)?;
    let (second, rest) = rest.split_first()?;
    let (c, c_len, rest) = number(rest)?;
    let iso = a_len == 4;
    let lengths = if iso {
        b_len <= 2 && c_len <= 2
    } else {
        a_len <= 2 && b_len <= 2 && (c_len == 2 || c_len == 4)
    };
    if !matches!(separator, b'/' | b'-' | b'.') || second != separator || !lengths {
        return None;
    }
    let c = match (iso, c_len) {
        (false, 2) if c <= 68 => c + 2000,
        (false, 2) => c + 1900,
        _ => c,
    };
    Some(Parts {
        numbers: [a, b, c],
        iso,
        seconds: time_of_day(rest)?,
    })
}

fn time_of_day(rest: &[u8]) -> Option<i64> {
    let rest = match rest {
        [] => return Some(0),
        [b' ' | b'T', rest @ ..] => rest,
        _ => return None,
    };
    let (hour, hour_len, rest) = number(rest)?;
    let [b':', rest @ ..] = rest else { return None };
    let (minute, minute_len, rest) = number(rest)?;
    let (second, second_len) = match rest {
        [] => (0, 2),
        [b':', rest @ ..] => {
            let (second, len, rest) = number(rest)?;
            let whole = match rest {
                [] => true,
                [b'.', zeros @ ..] => zeros.iter().all(|b| *b == b'0'),
                _ => false,
            };
            (whole.then_some(second)?, len)
        }
        _ => return None,
    };
    let fits = hour < 24 && minute < 60 && second < 60;
    let lengths = hour_len <= 2 && minute_len == 2 && second_len == 2;
    (fits && lengths).then(|| i64::from(hour * 3_600 + minute * 60 + second))
}

/// The digits at the front, at most four: their value, how many they are, and the rest.
fn number(field: &[u8]) -> Option<(i32, usize, &[u8])> {
    let mut value = 0;
    let mut len = 0;
    let mut rest = field;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        value = value * 10 + i32::from(byte - b'0');
        len += 1;
        rest = tail;
        if len > 4 {
            return None;
        }
    }
    (len > 0).then_some((value, len, rest))
}

fn time(year: i32, month: i32, day: i32, seconds: i64) -> Option<InvoiceTime> {
    let fits = YEARS.contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && day <= days_of(year, month);
    fits.then(|| InvoiceTime(days_from_epoch(year, month, day) * 86_400 + seconds))
}

const fn days_of(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Source: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_epoch(year: i32, month: i32, day: i32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    i64::from(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str, order: DateOrder) -> Result<String, DateProblem> {
        parse_date(text.as_bytes(), order).map(|reading| reading.time.to_string())
    }

    #[test]
    fn the_forms_of_all_exports_are_one_time() {
        for written in [
            "12/1/2010 8:26",
            "12/1/10 8:26",
            "12/01/2010 08:26:00",
            "12-1-2010 8:26",
            "12.1.2010 8:26",
            "2010-12-01 08:26:00",
            "2010-12-01T08:26",
            "2010/12/01 08:26:00.000",
        ] {
            let time = at(written, DateOrder::MonthFirst);
            assert_eq!(time.as_deref(), Ok("2010-12-01 08:26:00"), "{written}");
        }
        assert_eq!(
            at("01/12/2010 08:26", DateOrder::DayFirst).as_deref(),
            Ok("2010-12-01 08:26:00")
        );
        assert_eq!(
            at("2010-12-01", DateOrder::DayFirst).as_deref(),
            Ok("2010-12-01 00:00:00")
        );
        assert_eq!(
            at("1/2/69", DateOrder::MonthFirst).as_deref(),
            Ok("1969-01-02 00:00:00")
        );
    }

    #[test]
    fn other_texts_are_not_dates() {
        for written in [
            "",
            "40513.35138888889",
            "01-Dec-10",
            "2010-12-01T08:26:00Z",
            "2010-12-01 08:26:00+01:00",
            "12/1-2010",
            "12/1/010",
            "2/30/2010",
            "13/13/2010",
            "0/1/2010",
            "12/1/2010 24:00",
            "12/1/2010 8:60",
            "12/1/2010 8",
            "12/1/2010 8:26:00.5",
            "12/1/2010 8:26 PM",
            "1/1/1066",
        ] {
            assert_eq!(
                at(written, DateOrder::MonthFirst),
                Err(DateProblem::NotADate),
                "{written}"
            );
        }
    }

    #[test]
    fn a_date_says_which_order_it_proves() {
        let only = |text: &str, order| parse_date(text.as_bytes(), order).map(|r| r.only);
        let (month, day) = (DateOrder::MonthFirst, DateOrder::DayFirst);
        assert_eq!(only("12/1/10", month), Ok(None));
        assert_eq!(only("12/13/10", month), Ok(Some(month)));
        assert_eq!(only("13/12/10", day), Ok(Some(day)));
        assert_eq!(only("2010-12-13", month), Ok(None));
        assert!(matches!(
            only("13/12/10", month),
            Err(DateProblem::OtherOrder(_))
        ));
    }

    proptest! {
        #[test]
        fn days_agree_with_chrono(year in 1900_i32..2200, ordinal in 1_u32..=366, second in 0_u32..86_400) {
            if let Some(date) = NaiveDate::from_yo_opt(year, ordinal) {
                let wall = date.and_time(chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap());
                let expected = InvoiceTime::from_datetime(wall);
                for format in ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%-m/%-d/%Y %-H:%M:%S"] {
                    let text = wall.format(format).to_string();
                    let read = parse_date(text.as_bytes(), DateOrder::MonthFirst).map(|r| r.time);
                    prop_assert_eq!(read, Ok(expected));
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let refused = parse_date(&bytes, DateOrder::DayFirst).is_err();
            prop_assert!(refused || bytes.len() >= 6);
        }
    }
}
