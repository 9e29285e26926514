//! Quantities and prices from ASCII text, exact.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Decimals of the finest price; the data has 3.
pub const PRICE_DECIMALS_MAX: usize = 6;

/// Prices lie below this, in GBP, by size. The dearest of the data is 38,970.
pub const PRICE_MAX: i64 = 10_000_000;

/// What stands before the decimals of a number. Thousands are never divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// As in 2.55.
    #[default]
    Point,
    /// As in 2,55.
    Comma,
}

impl DecimalMark {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Point, Self::Comma];

    /// The sign.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Point => b'.',
            Self::Comma => b',',
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    /// A number with this mark as one with a point; `None` where it has none.
    pub fn with_point(self, number: &str) -> Option<String> {
        let has_comma = self == Self::Comma && number.contains(',');
        has_comma.then(|| number.replace(',', "."))
    }
}

/// Why a field is not the number that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberProblem {
    /// Not a number in the one form that is read.
    NotANumber,
    /// A number, but too large or too fine.
    OutOfRange,
}

/// A whole number with an optional sign, and at most a fraction of zeros.
pub fn parse_quantity(field: &[u8], mark: DecimalMark) -> Result<i32, NumberProblem> {
    let (negative, digits) = sign(field);
    let mut value: i64 = 0;
    let mut seen = 0_usize;
    let mut rest = digits;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        // Saturation keeps a number of any length out of range instead of wrapping it into it.
        value = value
            .saturating_mul(10)
            .saturating_add(i64::from(byte - b'0'));
        seen += 1;
        rest = tail;
    }
    let zeros = match rest {
        [] => true,
        [byte, tail @ ..] if *byte == mark.byte() => tail.iter().all(|b| *b == b'0'),
        _ => false,
    };
    if seen == 0 || !zeros {
        return Err(NumberProblem::NotANumber);
    }
    let value = if negative { -value } else { value };
    i32::try_from(value).map_err(|_wide| NumberProblem::OutOfRange)
}

/// A decimal number with an optional sign and a decimal mark; never an exponent. The result has no
/// trailing zeros, so that 2.5 and 2.50 are one price in every byte.
pub fn parse_price(field: &[u8], mark: DecimalMark) -> Result<Decimal, NumberProblem> {
    let (negative, digits) = sign(field);
    let mut rest = digits;
    let mut mantissa: i64 = 0;
    let mut seen = 0_usize;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        mantissa = mantissa
            .saturating_mul(10)
            .saturating_add(i64::from(byte - b'0'));
        seen += 1;
        rest = tail;
    }
    let too_large = mantissa >= PRICE_MAX;
    let mut fraction = match rest {
        [] => rest,
        [byte, fraction @ ..] if *byte == mark.byte() => fraction,
        _ => return Err(NumberProblem::NotANumber),
    };
    while let [front @ .., b'0'] = fraction {
        fraction = front;
        seen += 1;
    }
    let mut scale = 0;
    for byte in fraction {
        if !byte.is_ascii_digit() {
            return Err(NumberProblem::NotANumber);
        }
        mantissa = mantissa
            .saturating_mul(10)
            .saturating_add(i64::from(byte - b'0'));
        scale += 1;
    }
    seen += fraction.len();
    if fraction.len() > PRICE_DECIMALS_MAX {
        return Err(NumberProblem::OutOfRange);
    }
    if seen == 0 {
        return Err(NumberProblem::NotANumber);
    }
    if too_large {
        return Err(NumberProblem::OutOfRange);
    }
    Ok(Decimal::new(
        if negative { -mantissa } else { mantissa },
        scale,
    ))
}

const fn sign(field: &[u8]) -> (bool, &[u8]) {
    match field {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, field),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOT: NumberProblem = NumberProblem::NotANumber;
    const POINT: DecimalMark = DecimalMark::Point;
    const OUT: NumberProblem = NumberProblem::OutOfRange;

    #[test]
    fn quantities_are_read_or_refused_as_decided() {
        for (written, expected) in [
            ("6", Ok(6)),
            ("+6", Ok(6)),
            ("-80995", Ok(-80_995)),
            ("6.0", Ok(6)),
            ("6.", Ok(6)),
            ("2147483647", Ok(i32::MAX)),
            ("-2147483648", Ok(i32::MIN)),
            ("2147483648", Err(OUT)),
            ("9223372036854775808", Err(OUT)),
            ("99999999999999999999999999", Err(OUT)),
            ("1,200", Err(NOT)),
            ("1 200", Err(NOT)),
            ("6.5", Err(NOT)),
            ("1e3", Err(NOT)),
            ("--6", Err(NOT)),
            ("-", Err(NOT)),
            ("", Err(NOT)),
            (".0", Err(NOT)),
        ] {
            assert_eq!(
                parse_quantity(written.as_bytes(), POINT),
                expected,
                "{written:?}"
            );
        }
    }

    #[test]
    fn prices_are_read_or_refused_as_decided() {
        for (written, expected) in [
            ("2.55", Ok(Decimal::new(255, 2))),
            ("+2.55", Ok(Decimal::new(255, 2))),
            ("-11062.06", Ok(Decimal::new(-1_106_206, 2))),
            ("0.001", Ok(Decimal::new(1, 3))),
            (".5", Ok(Decimal::new(5, 1))),
            ("5.", Ok(Decimal::new(5, 0))),
            ("2.5500000", Ok(Decimal::new(255, 2))),
            ("9999999.999999", Ok(Decimal::new(9_999_999_999_999, 6))),
            ("10000000", Err(OUT)),
            ("99999999999999999999999999", Err(OUT)),
            ("0.0000001", Err(OUT)),
            ("NaN", Err(NOT)),
            ("inf", Err(NOT)),
            ("-inf", Err(NOT)),
            ("1e309", Err(NOT)),
            ("1e3", Err(NOT)),
            ("0x10", Err(NOT)),
            ("1_000", Err(NOT)),
            ("1,000", Err(NOT)),
            ("£2.55", Err(NOT)),
            ("2.5.5", Err(NOT)),
            ("+", Err(NOT)),
            (".", Err(NOT)),
            ("", Err(NOT)),
        ] {
            assert_eq!(
                parse_price(written.as_bytes(), POINT),
                expected,
                "{written:?}"
            );
        }
    }

    #[test]
    fn a_file_has_one_decimal_mark_and_never_divides_thousands() {
        let comma = DecimalMark::Comma;
        for (written, expected) in [
            ("2,55", Ok(Decimal::new(255, 2))),
            ("-0,001", Ok(Decimal::new(-1, 3))),
            ("7", Ok(Decimal::from(7))),
            ("2.55", Err(NOT)),
            ("1.234,56", Err(NOT)),
        ] {
            assert_eq!(
                parse_price(written.as_bytes(), comma),
                expected,
                "{written:?}"
            );
        }
        assert_eq!(parse_quantity(b"6,0", comma), Ok(6));
        assert_eq!(parse_quantity(b"6.0", comma), Err(NOT));
        assert_eq!(comma.with_point("2,55").as_deref(), Some("2.55"));
        assert_eq!(DecimalMark::Point.with_point("2,55"), None);
    }

    proptest! {
        #[test]
        fn every_price_in_range_is_exact(mantissa in -9_999_999_999_999_i64..=9_999_999_999_999, scale in 0_u32..=6) {
            let price = Decimal::new(mantissa, scale);
            let fits = price.abs() < Decimal::from(PRICE_MAX);
            let read = parse_price(price.to_string().as_bytes(), POINT);
            prop_assert_eq!(read, if fits { Ok(price) } else { Err(OUT) });
            if let Ok(read) = read {
                prop_assert_eq!(read.scale(), price.normalize().scale());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let text = String::from_utf8_lossy(&bytes);
            if parse_quantity(&bytes, POINT).is_ok() {
                prop_assert!(text.parse::<f64>().is_ok());
            }
            if parse_price(&bytes, POINT).is_ok() {
                prop_assert!(text.parse::<f64>().is_ok());
            }
        }
    }
}
