//! What is said of a row that is set aside.

use crate::clean::{DateOrder, PRICE_DECIMALS_MAX, PRICE_MAX};
use crate::model::Reason;

use super::options::Column;

/// Bytes of a row that are kept with its rejection.
pub const RAW_BYTES_MAX: usize = 4_096;

/// Bytes of a field that a message quotes.
const QUOTED_BYTES_MAX: usize = 80;

/// What is wrong with a row, before it is put into words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defect {
    pub(super) reason: Reason,
    pub(super) column: Option<Column>,
    /// Fields found, where that is the defect.
    pub(super) fields: usize,
}

impl Defect {
    pub(super) const fn of_row(reason: Reason) -> Self {
        Self {
            reason,
            column: None,
            fields: 0,
        }
    }

    pub(super) const fn of_field(reason: Reason, column: Column) -> Self {
        Self {
            reason,
            column: Some(column),
            fields: 0,
        }
    }
}

/// The text of bytes of a row, cut after `limit` bytes at a character.
pub(super) fn text_of(raw: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(raw.get(..limit).unwrap_or(raw));
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept = text.into_owned();
    kept.truncate(end);
    // The character that the cut went through shows as a replacement; it is not in the file.
    if raw.len() > limit && kept.ends_with('\u{fffd}') {
        kept.pop();
    }
    kept
}

/// The defect in words, with what to do about it.
pub(super) fn message(defect: Defect, field: &[u8], width: usize, order: DateOrder) -> String {
    let column = defect.column.map_or("the row", Column::name);
    let value = text_of(field, QUOTED_BYTES_MAX);
    match defect.reason {
        Reason::BadEncoding => "bytes that are not text in the file's encoding; save the file in one encoding, or choose Latin-1 if all of it is".to_owned(),
        Reason::ControlChar => "a control character in the row; remove it, the file was damaged on its way".to_owned(),
        Reason::TrailingNuls => "the file ends in zero bytes: it was cut off while written; export it again".to_owned(),
        Reason::UnclosedQuote => "a quote is not closed on this line; close it, or double a quote that is part of the text".to_owned(),
        Reason::FieldTooLong => format!("{column} is longer than allowed; look for a lost quote or line end, or shorten it"),
        Reason::RecordTooLong => "the row is longer than allowed; look for a lost line end".to_owned(),
        Reason::Ragged => format!("{} fields where the header has {width}; quote text that holds the delimiter, or add what is missing", defect.fields),
        Reason::HeaderRepeat => "the header once more; nothing to do, unless files were joined in the wrong order".to_owned(),
        Reason::Blank => "no text on the line; nothing to do".to_owned(),
        Reason::MissingField => format!("{column} is empty; fill it in"),
        Reason::BadQuantity => format!("{value:?} is not a whole number; write it with digits only, like 1200"),
        Reason::QuantityOutOfRange => format!("{value} is beyond +/-2,147,483,647; correct the quantity"),
        Reason::BadPrice => format!("{value:?} is not a decimal number; write it like 2.55, without currency, exponent or grouping"),
        Reason::PriceOutOfRange => format!("{value} is not below {PRICE_MAX} with at most {PRICE_DECIMALS_MAX} decimals; correct the price"),
        Reason::BadDate => format!("{value:?} is not a date; write it like 2010-12-01 08:26"),
        Reason::AmbiguousDate => format!("{value:?} is a date only {}, but the file is read {}; correct it, write it like 2010-12-01 08:26, or choose the other order", order.other().name(), order.name()),
        Reason::BadCustomer => format!("{value:?} is not a customer number; write letters and digits, or leave it empty"),
        Reason::UnroutableCountry => format!("{value:?} is on no region; assign it on the routing map, or correct it"),
        Reason::Cancellation => "the invoice is a cancellation; it is counted as a return".to_owned(),
        Reason::NonpositiveQuantity => format!("the quantity is {value}; sales have one above 0"),
        Reason::NonpositivePrice => format!("the price is {value}; sales have one above 0"),
        Reason::NoCustomer => "no customer number; switch the rule off to keep such sales".to_owned(),
        Reason::Duplicate => "an exact copy of an earlier line of its invoice; switch the rule off to keep copies".to_owned(),
    }
}
