//! Values of the model as CQL knows them, and back. Nothing is rounded and nothing is lost.

use rust_decimal::Decimal;
use scylla::value::{CqlDate, CqlDecimal, CqlDecimalBorrowed, CqlTimestamp};

use crate::model::{Day, InvoiceTime, LineTable, Shard};

const MILLIS_PER_SECOND: i64 = 1_000;
/// CQL counts days from 2^31 days before 1970-01-01.
const EPOCH_DAY: u32 = 1 << 31;

/// Bytes of an unscaled value, the fewest that keep its sign.
pub(super) struct Unscaled {
    bytes: [u8; 16],
    from: usize,
    scale: u32,
}

impl Unscaled {
    pub(super) fn of(value: Decimal) -> Self {
        let mantissa = value.mantissa();
        // The bits of the sign that stand at the front say nothing, but for one of them.
        let same = if mantissa < 0 {
            mantissa.leading_ones()
        } else {
            mantissa.leading_zeros()
        };
        let spare = same.saturating_sub(1) / 8;
        Self {
            bytes: mantissa.to_be_bytes(),
            from: usize::try_from(spare).unwrap_or(0).min(15),
            scale: value.scale(),
        }
    }

    /// As the driver sends it. A scale is at most 28.
    pub(super) fn as_cql(&self) -> CqlDecimalBorrowed<'_> {
        let bytes = self.bytes.get(self.from..).unwrap_or_default();
        let scale = i32::try_from(self.scale).unwrap_or(0);
        CqlDecimalBorrowed::from_signed_be_bytes_slice_and_exponent(bytes, scale)
    }
}

/// A decimal of its own, for values that outlive their source.
pub(super) fn decimal_to_cql(value: Decimal) -> CqlDecimal {
    let unscaled = Unscaled::of(value);
    let bytes = unscaled.bytes.get(unscaled.from..).unwrap_or_default();
    let scale = i32::try_from(unscaled.scale).unwrap_or(0);
    CqlDecimal::from_signed_be_bytes_slice_and_exponent(bytes, scale)
}

/// The decimal of a CQL decimal; `None` for one with more than 28 digits, which no line has.
pub(super) fn decimal_from_cql(value: &CqlDecimalBorrowed<'_>) -> Option<Decimal> {
    let (bytes, scale) = value.as_signed_be_bytes_slice_and_exponent();
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut wide = if negative { [0xff; 16] } else { [0; 16] };
    let from = wide.len().checked_sub(bytes.len())?;
    wide.get_mut(from..)?.copy_from_slice(bytes);
    let scale = u32::try_from(scale).ok()?;
    Decimal::try_from_i128_with_scale(i128::from_be_bytes(wide), scale).ok()
}

/// A day as a CQL date.
pub(super) const fn day_to_cql(day: Day) -> CqlDate {
    CqlDate(day.0.cast_unsigned().wrapping_add(EPOCH_DAY))
}

/// The day of a CQL date.
pub(super) const fn day_from_cql(date: CqlDate) -> Day {
    Day(date.0.wrapping_sub(EPOCH_DAY).cast_signed())
}

/// A time as a CQL timestamp: milliseconds since 1970 as if the shop's clock were UTC.
pub(super) const fn time_to_cql(time: InvoiceTime) -> CqlTimestamp {
    CqlTimestamp(time.0.saturating_mul(MILLIS_PER_SECOND))
}

/// The time of a CQL timestamp.
pub(super) const fn time_from_cql(time: CqlTimestamp) -> InvoiceTime {
    InvoiceTime(time.0.div_euclid(MILLIS_PER_SECOND))
}

/// A shard as a tinyint. There are twelve.
pub(super) fn shard_to_cql(shard: Shard) -> i8 {
    i8::try_from(shard.0).unwrap_or(i8::MAX)
}

/// The shard of a tinyint.
pub(super) fn shard_from_cql(shard: i8) -> Option<Shard> {
    let shard = u8::try_from(shard).ok()?;
    (shard < crate::model::SHARDS).then_some(Shard(shard))
}

/// The table that holds the lines of a kind.
pub(super) const fn table_name(table: LineTable) -> &'static str {
    match table {
        LineTable::Transactions => "transactions",
        LineTable::Returns => "returns",
    }
}

/// Months since the year 0: summaries of a month lie together.
pub(super) fn month_of(day: Day) -> i32 {
    let (year, month) = day.month();
    year * 12 + i32::try_from(month).unwrap_or(1) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_decimal_keeps_its_digits_and_its_scale(mantissa in -(1_i128 << 96) + 1..(1_i128 << 96), scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            let unscaled = Unscaled::of(value);
            let back = decimal_from_cql(&unscaled.as_cql()).unwrap();
            prop_assert_eq!((back.mantissa(), back.scale()), (mantissa, scale));
        }

        #[test]
        fn days_times_and_shards_come_back(day: i32, secs in -100_000_000_000_i64..100_000_000_000, shard in 0_u8..12) {
            prop_assert_eq!(day_from_cql(day_to_cql(Day(day))), Day(day));
            prop_assert_eq!(time_from_cql(time_to_cql(InvoiceTime(secs))), InvoiceTime(secs));
            prop_assert_eq!(shard_from_cql(shard_to_cql(Shard(shard))), Some(Shard(shard)));
        }
    }

    #[test]
    fn the_fewest_bytes_are_sent() {
        let len = |value: Decimal| {
            let unscaled = Unscaled::of(value);
            unscaled.bytes.len() - unscaled.from
        };
        for (mantissa, bytes) in [(0, 1), (127, 1), (128, 2), (-128, 1), (-129, 2), (2_550, 2)] {
            assert_eq!(len(Decimal::new(mantissa, 3)), bytes, "{mantissa}");
        }
        assert_eq!(
            decimal_to_cql(Decimal::new(255, 2)).as_signed_be_bytes_slice_and_exponent(),
            (&[0, 255][..], 2)
        );
    }

    #[test]
    fn a_date_is_the_one_that_other_programs_see() {
        // Source: the native protocol, section 6.5: 2^31 is 1970-01-01.
        assert_eq!(day_to_cql(Day(0)), CqlDate(1 << 31));
        assert_eq!(month_of(Day(0)), 1970 * 12);
        assert_eq!(month_of(Day(31)), 1970 * 12 + 1);
    }
}
