//! Numbers as text, one rule for the whole console: thin space between thousands, a real minus,
//! money exact to the last digit, units of time and bytes that a person reads at once.

use std::cell::Cell;
use std::time::Duration;

use chrono::{DateTime, Local, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Between thousands; labels with it must not wrap.
const THIN: char = '\u{2009}';
const MINUS: char = '\u{2212}';

/// A count, exact.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A count with its sign where it is negative.
pub fn signed(value: i64) -> String {
    let digits = grouped(&value.unsigned_abs().to_string());
    if value < 0 {
        format!("{MINUS}{digits}")
    } else {
        digits
    }
}

/// A count that was taken away.
pub fn minus(value: u64) -> String {
    if value == 0 {
        count(0)
    } else {
        format!("{MINUS}{}", count(value))
    }
}

/// A decimal as it is, its whole part grouped.
pub fn decimal(value: Decimal) -> String {
    let text = value.abs().to_string();
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), format!(".{fraction}")),
        None => (text, String::new()),
    };
    let sign = if value.is_sign_negative() && !value.is_zero() {
        MINUS.to_string()
    } else {
        String::new()
    };
    format!("{sign}{}{fraction}", grouped(&whole))
}

/// Money, exact, in pounds.
pub fn money(value: Decimal) -> String {
    let text = decimal(value);
    match text.strip_prefix(MINUS) {
        Some(rest) => format!("{MINUS}\u{a3}{rest}"),
        None => format!("\u{a3}{text}"),
    }
}

/// Money with two places, for tiles; the exact amount stands in the tooltip.
pub fn money_rounded(value: Decimal) -> String {
    let mut rounded = value.round_dp(2);
    rounded.rescale(2);
    money(rounded)
}

/// Three significant digits and the unit: `9 120 rows/s`.
pub fn rate(per_second: f64, unit: &str) -> String {
    format!("{} {unit}/s", significant(per_second))
}

/// A number of three significant digits.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "Unknown".to_owned();
    }
    if value.abs() < 0.05 {
        return "0".to_owned();
    }
    if value.abs() < 9.95 {
        return format!("{value:.1}");
    }
    if let Some(short) = short(value) {
        return short;
    }
    let digits = value.abs().log10().floor();
    let step = 10_f64.powf((digits - 2.0).max(0.0));
    let rounded = (value / step).round() * step;
    let text = grouped(&format!("{:.0}", rounded.abs()));
    if rounded < 0.0 {
        format!("{MINUS}{text}")
    } else {
        text
    }
}

/// A count on an axis: nothing at a mark between two counts.
pub fn whole(value: f64) -> String {
    let rounded = value.round();
    if (value - rounded).abs() > 0.01 {
        return String::new();
    }
    if let Some(short) = short(rounded) {
        return short;
    }
    let text = grouped(&format!("{:.0}", rounded.abs()));
    if rounded < 0.0 {
        format!("{MINUS}{text}")
    } else {
        text
    }
}

/// A share of 0 to 1 as a percentage.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "Unknown".to_owned();
    }
    let value = share * 100.0;
    if value > 0.0 && value < 0.1 {
        "<0.1 %".to_owned()
    } else {
        format!("{value:.1} %")
    }
}

/// A share of `part` in `whole`; `None` of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How long something took: `0.92 s`, `1:04`, `2 h 5 m`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 10 {
        format!("{:.2} s", time.as_secs_f64())
    } else if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else if seconds < 3_600 {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!("{} h {} m", seconds / 3_600, seconds % 3_600 / 60)
    }
}

/// How old something is, two units at most: `4.2 s`, `3 m 10 s`.
pub fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    if time.is_zero() {
        "0 s".to_owned()
    } else if seconds < 10 {
        format!("{:.1} s", time.as_secs_f64())
    } else if seconds < 60 {
        format!("{seconds} s")
    } else if seconds < 3_600 {
        format!("{} m {} s", seconds / 60, seconds % 60)
    } else if seconds < 86_400 {
        format!("{} h {} m", seconds / 3_600, seconds % 3_600 / 60)
    } else {
        format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600)
    }
}

/// Milliseconds: `6.1 ms`, `128 ms`.
pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else {
        format!("{} ms", grouped(&format!("{millis:.0}")))
    }
}

/// Bytes: `43.5 MiB`, or `45.6 MB` where a person chose so.
pub fn bytes(value: u64) -> String {
    let (step, units) = match UNITS.get().bytes {
        ByteUnits::Binary => (1_024.0, ["KiB", "MiB", "GiB", "TiB", "PiB"]),
        ByteUnits::Decimal => (1_000.0, ["kB", "MB", "GB", "TB", "PB"]),
    };
    let value = value as f64;
    if value < step {
        return format!("{value} B");
    }
    let mut scaled = value / step;
    let mut unit = 0;
    while scaled >= step - 0.05 && unit + 1 < units.len() {
        scaled /= step;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or_default();
    format!("{scaled:.1} {unit}")
}

/// What stands between thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thousands {
    /// A thin space.
    #[default]
    Thin,
    /// Nothing.
    Nothing,
}

/// How rates and the numbers of axes are written. Counts and money are always exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rates {
    /// In full.
    #[default]
    Full,
    /// From 10 000 on in thousands and millions, as `12.3 k`.
    Short,
}

/// Units of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteUnits {
    /// KiB, of 1 024.
    #[default]
    Binary,
    /// kB, of 1 000.
    Decimal,
}

/// How a person chose to see numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Units {
    /// Between thousands.
    pub thousands: Thousands,
    /// Rates and axes.
    pub rates: Rates,
    /// Bytes.
    pub bytes: ByteUnits,
}

/// Sets how this thread shows numbers from now on.
pub fn set_units(units: Units) {
    UNITS.set(units);
}

/// A number of three digits and a letter, where a person chose so and it is large enough.
fn short(value: f64) -> Option<String> {
    if UNITS.get().rates == Rates::Full || value.abs() < 9_995.0 {
        return None;
    }
    let steps = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    // 999.6 thousand are a million in three digits.
    let reached = |(step, _): &(f64, &str)| value.abs() >= step * 0.999_5;
    let (step, letter) = steps.into_iter().find(reached)?;
    let scaled = value.abs() / step;
    let sign = if value < 0.0 {
        MINUS.to_string()
    } else {
        String::new()
    };
    let digits = if scaled < 9.995 {
        format!("{scaled:.2}")
    } else if scaled < 99.95 {
        format!("{scaled:.1}")
    } else {
        format!("{scaled:.0}")
    };
    Some(format!("{sign}{digits} {letter}"))
}

/// How times of day are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeStyle {
    /// As the clock on this wall.
    #[default]
    Local,
    /// As in Greenwich.
    Utc,
    /// How long ago.
    Ago,
}

thread_local! {
    /// The choice of a person and the time of the newest sample, for the thread that draws: they
    /// hold for the whole window, and every label asks for them.
    static TIMES: Cell<(TimeStyle, DateTime<Utc>)> =
        const { Cell::new((TimeStyle::Local, DateTime::UNIX_EPOCH)) };
}

thread_local! {
    /// The choice of a person, as [`TIMES`].
    static UNITS: Cell<Units> = const {
        Cell::new(Units {
            thousands: Thousands::Thin,
            rates: Rates::Full,
            bytes: ByteUnits::Binary,
        })
    };
}

/// Sets how this thread shows times from now on; `now` is the time of what is on the screen.
pub fn set_times(style: TimeStyle, now: DateTime<Utc>) {
    TIMES.set((style, now));
}

/// How a person chose to see times.
pub fn time_style() -> TimeStyle {
    TIMES.get().0
}

/// From here on a time of day alone does not say which day it was of.
const DATED: TimeDelta = TimeDelta::hours(12);

/// Time of day to the second, as a person chose to see it; with its date, to the minute, where it
/// is further from what is on the screen than half a day.
pub fn clock(at: DateTime<Utc>) -> String {
    clock_by(at, "")
}

/// The same, to a tenth of a second.
pub fn clock_tenths(at: DateTime<Utc>) -> String {
    let tenth = at.timestamp_subsec_millis().min(999) / 100;
    clock_by(at, &format!(".{tenth}"))
}

/// `fraction` is what follows the seconds.
fn clock_by(at: DateTime<Utc>, fraction: &str) -> String {
    let (style, now) = TIMES.get();
    // Nothing is on the screen yet, or this is not the thread that draws.
    let is_known = now != DateTime::UNIX_EPOCH;
    let form = if is_known && (now - at).abs() > DATED {
        "%Y-%m-%d %H:%M"
    } else {
        "%H:%M:%S"
    };
    let fraction = if form.ends_with('S') { fraction } else { "" };
    match style {
        TimeStyle::Local => format!("{}{fraction}", at.with_timezone(&Local).format(form)),
        TimeStyle::Utc => format!("{}{fraction}Z", at.format(form)),
        TimeStyle::Ago => ago(at, now),
    }
}

fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let time = |span: TimeDelta| age(span.to_std().unwrap_or_default());
    if at > now + TimeDelta::seconds(1) {
        format!("in {}", time(at - now))
    } else {
        format!("{} ago", time((now - at).max(TimeDelta::zero())))
    }
}

fn grouped(digits: &str) -> String {
    if UNITS.get().thousands == Thousands::Nothing {
        return digits.to_owned();
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * THIN.len_utf8());
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_and_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(541_909), "541\u{2009}909");
        assert_eq!(count(1_000), "1\u{2009}000");
        assert_eq!(signed(-12_345), "\u{2212}12\u{2009}345");
        assert_eq!(minus(0), "0");
        assert_eq!(whole(12_500.0), "12\u{2009}500");
        assert_eq!(whole(1.25), "");
    }

    #[test]
    fn money_keeps_every_place() {
        let amount: Decimal = "10660634.504".parse().unwrap();
        assert_eq!(money(amount), "£10\u{2009}660\u{2009}634.504");
        assert_eq!(money(-amount), "\u{2212}£10\u{2009}660\u{2009}634.504");
        assert_eq!(money_rounded(amount), "£10\u{2009}660\u{2009}634.50");
        assert_eq!(money("0.000".parse().unwrap()), "£0.000");
    }

    #[test]
    fn rates_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (9.54, "9.5"),
            (12.0, "12"),
            (9_123.4, "9\u{2009}120"),
            (541_909.0, "542\u{2009}000"),
            (f64::NAN, "Unknown"),
        ] {
            assert_eq!(significant(value), text, "{value}");
        }
    }

    #[test]
    fn times_use_the_units_a_person_would() {
        let ms = Duration::from_millis;
        assert_eq!(duration(ms(920)), "0.92 s");
        assert_eq!(duration(ms(64_000)), "1:04");
        assert_eq!(duration(ms(7_500_000)), "2 h 5 m");
        assert_eq!(age(ms(0)), "0 s");
        assert_eq!(age(ms(4_230)), "4.2 s");
        assert_eq!(age(ms(190_000)), "3 m 10 s");
        assert_eq!(millis(ms(128)), "128 ms");
    }

    #[test]
    fn times_of_day_are_shown_as_chosen() {
        let at = DateTime::from_timestamp_millis(1_300_000_000_250).unwrap();
        let now = at + TimeDelta::seconds(190);
        set_times(TimeStyle::Utc, now);
        assert_eq!(clock(at), "07:06:40Z");
        assert_eq!(clock_tenths(at), "07:06:40.2Z");
        set_times(TimeStyle::Ago, now);
        assert_eq!(clock(at), "3 m 10 s ago");
        assert_eq!(clock(now), "0 s ago");
        assert_eq!(clock(now + TimeDelta::seconds(20)), "in 20 s");
        set_times(TimeStyle::Local, now);
        assert_eq!(clock(at).len(), 8);
        // Yesterday is said; what the charts show around midnight is not.
        let hours = TimeDelta::hours;
        for (now, text) in [
            (at + hours(20), "2011-03-13 07:06Z"),
            (at - hours(20), "2011-03-13 07:06Z"),
            (at + hours(1), "07:06:40.2Z"),
        ] {
            set_times(TimeStyle::Utc, now);
            assert_eq!(clock_tenths(at), text);
        }
    }

    #[test]
    fn numbers_are_written_as_chosen_and_counts_stay_exact() {
        set_units(Units {
            thousands: Thousands::Nothing,
            rates: Rates::Short,
            bytes: ByteUnits::Decimal,
        });
        assert_eq!(count(541_909), "541909");
        assert_eq!(bytes(45_580_638), "45.6 MB");
        for (value, text) in [
            (9_123.4, "9120"),
            (12_345.0, "12.3 k"),
            (541_909.0, "542 k"),
            (999_600.0, "1.00 M"),
            (-2_500_000.0, "\u{2212}2.50 M"),
        ] {
            assert_eq!(significant(value), text, "{value}");
        }
        assert_eq!(whole(500_000.0), "500 k");
        set_units(Units::default());
        assert_eq!(significant(541_909.0), "542\u{2009}000");
    }

    #[test]
    fn bytes_and_shares() {
        assert_eq!(bytes(45_580_638), "43.5 MiB");
        assert_eq!(bytes(1_048_575), "1.0 MiB");
        assert_eq!(bytes(17), "17 B");
        assert_eq!(percent(0.978), "97.8 %");
        assert_eq!(percent(0.0002), "<0.1 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(share(1, 0), None);
    }
}
