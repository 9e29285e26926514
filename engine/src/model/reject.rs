//! Rows that are set aside, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::load::RowNo;

/// Why a row was set aside. A row has exactly one reason: the first that applies, in this order
/// (defects of the row itself, then the rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Bytes that are not text in the file's encoding.
    BadEncoding,
    /// A control character (NUL above all) inside a field.
    ControlChar,
    /// The rest of a file that was cut off while written: NUL bytes to the end.
    TrailingNuls,
    /// A quote that is never closed.
    UnclosedQuote,
    /// A field longer than the limit.
    FieldTooLong,
    /// A record longer than the limit.
    RecordTooLong,
    /// More or fewer fields than the header.
    Ragged,
    /// The header once more in the middle of the file.
    HeaderRepeat,
    /// No text at all on the line.
    Blank,
    /// A field that a line cannot do without is empty.
    MissingField,
    /// Text in the quantity column that is not a whole number.
    BadQuantity,
    /// A quantity that does not fit.
    QuantityOutOfRange,
    /// Text in the price column that is not a decimal number.
    BadPrice,
    /// A price too large or too fine.
    PriceOutOfRange,
    /// Text in the date column that is not a date in the file's form.
    BadDate,
    /// A date that only fits another form than the rest of the column.
    AmbiguousDate,
    /// Text in the customer column that is not a customer number.
    BadCustomer,
    /// The country is not on the routing map.
    UnroutableCountry,
    /// The invoice number starts with `C`.
    Cancellation,
    /// The quantity is zero or less.
    NonpositiveQuantity,
    /// The unit price is zero or less.
    NonpositivePrice,
    /// No customer number (a rule that is off by default).
    NoCustomer,
    /// An exact copy of an earlier line of its invoice (a rule that is off by default).
    Duplicate,
}

impl Reason {
    /// All reasons, in the order in which they apply.
    pub const ALL: [Self; 23] = [
        Self::BadEncoding,
        Self::ControlChar,
        Self::TrailingNuls,
        Self::UnclosedQuote,
        Self::FieldTooLong,
        Self::RecordTooLong,
        Self::Ragged,
        Self::HeaderRepeat,
        Self::Blank,
        Self::MissingField,
        Self::BadQuantity,
        Self::QuantityOutOfRange,
        Self::BadPrice,
        Self::PriceOutOfRange,
        Self::BadDate,
        Self::AmbiguousDate,
        Self::BadCustomer,
        Self::UnroutableCountry,
        Self::Cancellation,
        Self::NonpositiveQuantity,
        Self::NonpositivePrice,
        Self::NoCustomer,
        Self::Duplicate,
    ];

    /// The name in JSON, files and metric labels.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::BadEncoding => "bad_encoding",
            Self::ControlChar => "control_char",
            Self::TrailingNuls => "trailing_nuls",
            Self::UnclosedQuote => "unclosed_quote",
            Self::FieldTooLong => "field_too_long",
            Self::RecordTooLong => "record_too_long",
            Self::Ragged => "ragged",
            Self::HeaderRepeat => "header_repeat",
            Self::Blank => "blank",
            Self::MissingField => "missing_field",
            Self::BadQuantity => "bad_quantity",
            Self::QuantityOutOfRange => "quantity_out_of_range",
            Self::BadPrice => "bad_price",
            Self::PriceOutOfRange => "price_out_of_range",
            Self::BadDate => "bad_date",
            Self::AmbiguousDate => "ambiguous_date",
            Self::BadCustomer => "bad_customer",
            Self::UnroutableCountry => "unroutable_country",
            Self::Cancellation => "cancellation",
            Self::NonpositiveQuantity => "nonpositive_quantity",
            Self::NonpositivePrice => "nonpositive_price",
            Self::NoCustomer => "no_customer",
            Self::Duplicate => "duplicate",
        }
    }

    /// The reason of a slug.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    /// Whether the row is wrong (rejected) rather than left out by choice (filtered).
    pub const fn is_rejection(self) -> bool {
        !matches!(
            self,
            Self::Cancellation | Self::NoCustomer | Self::Duplicate | Self::Blank
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A row that was set aside: everything needed to find it in its file, judge it and mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Data row in the file, from 1.
    pub row: RowNo,
    /// Physical line of the file on which the row begins, from 1 (the header is line 1).
    pub line: u64,
    /// Byte of the unpacked file at which the row begins, from 0.
    pub byte: u64,
    /// Name of the column at fault; `None` when it is the row as a whole.
    pub column: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What is wrong and what to do about it, in words.
    pub message: String,
    /// The row as it stands in the file, transcoded to UTF-8; cut after 4,096 bytes.
    pub raw: String,
}

/// Rows set aside, per reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReasonCounts([u64; Reason::ALL.len()]);

impl ReasonCounts {
    /// Counts one row.
    pub const fn add(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    /// Counts `rows` rows.
    pub const fn add_many(&mut self, reason: Reason, rows: u64) {
        self.0[reason as usize] += rows;
    }

    /// Rows set aside for `reason`.
    pub const fn get(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// Rows set aside for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds the counts of other rows.
    pub fn merge(&mut self, other: &Self) {
        for (into, from) in self.0.iter_mut().zip(other.0) {
            *into += from;
        }
    }

    /// The reasons that occurred, in order, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, rows)| *rows > 0)
    }
}

impl Serialize for ReasonCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(reason, rows)| (reason.slug(), rows)))
    }
}

impl<'de> Deserialize<'de> for ReasonCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<Reason, u64>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for (reason, rows) in map {
            counts.add_many(reason, rows);
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_slug_and_place() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
            assert_eq!(Reason::parse(reason.slug()), Some(reason));
        }
    }

    #[test]
    fn counts_survive_json() {
        let mut counts = ReasonCounts::default();
        counts.add_many(Reason::Cancellation, 9_287);
        counts.add(Reason::BadDate);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, r#"{"bad_date":1,"cancellation":9287}"#);
        assert_eq!(serde_json::from_str::<ReasonCounts>(&text).unwrap(), counts);
    }
}
