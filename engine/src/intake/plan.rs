//! How a file is read, with the evidence for it in words.

use serde::Serialize;

use crate::clean::{DateOrder, DecimalMark};

use super::options::{Column, Delimiter, TextEncoding};
use super::source::Packing;

/// Why a setting has its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// It was given with the options.
    Given,
    /// The file shows it.
    Detected,
    /// Nothing in the file settles it; this is a guess that a person should confirm.
    Assumed,
}

/// A setting and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision<T> {
    /// The setting.
    pub value: T,
    /// Why it has this value.
    pub basis: Basis,
    /// The evidence in words.
    pub evidence: String,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderCell {
    /// As it stands in the file.
    pub name: String,
    /// Which column of a line it is; `None` for one that is not used.
    pub column: Option<Column>,
}

/// What a person should know before the file is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningCode {
    /// The last line has no line end: the file may have been cut off.
    FileNoFinalNewline,
    /// The file ends in zero bytes: it was cut off while written.
    FileTrailingNuls,
    /// The file is not in UTF-8, or not all of it.
    EncodingNotUtf8,
    /// Fields are not divided by commas.
    DelimiterNotComma,
    /// Nothing says whether the day or the month comes first.
    DateOrderAssumed,
    /// Dates of both orders occur.
    DateOrderMixed,
    /// Prices are written with a comma, or with both marks.
    DecimalNotPoint,
    /// A quote stands inside a field that is not quoted.
    BareQuote,
    /// Columns of the file that are not used.
    ColumnsUnused,
}

/// A warning in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub code: WarningCode,
    /// The words.
    pub message: String,
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadPlan {
    /// Plain or gzip.
    pub packing: Packing,
    /// What the bytes mean.
    pub encoding: Decision<TextEncoding>,
    /// What lies between fields.
    pub delimiter: Decision<Delimiter>,
    /// The order of day and month.
    pub date_order: Decision<DateOrder>,
    /// What stands before the decimals of a price.
    pub decimal: Decision<DecimalMark>,
    /// The columns, in the order of the file.
    pub header: Vec<HeaderCell>,
    /// Physical line of the header.
    pub header_line: u64,
    /// What a person should know. Those that only the end of a file shows are added there.
    pub warnings: Vec<Warning>,
}

impl ReadPlan {
    /// Whether a warning of this kind was given.
    pub fn has_warning(&self, code: WarningCode) -> bool {
        self.warnings.iter().any(|warning| warning.code == code)
    }

    /// Adds a warning, once for each code.
    pub(super) fn warn(&mut self, code: WarningCode, message: String) {
        if !self.has_warning(code) {
            self.warnings.push(Warning { code, message });
        }
    }
}
