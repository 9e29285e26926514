//! Reasons and rules in the words of the page.

use retail_engine::clean::Rule;
use retail_engine::model::Reason;

/// A reason in a few words.
pub const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::BadEncoding => "not text in this encoding",
        Reason::ControlChar => "control character",
        Reason::TrailingNuls => "cut off while written",
        Reason::UnclosedQuote => "quote never closed",
        Reason::FieldTooLong => "field too long",
        Reason::RecordTooLong => "row too long",
        Reason::Ragged => "wrong number of fields",
        Reason::HeaderRepeat => "header repeated",
        Reason::Blank => "blank line",
        Reason::MissingField => "field missing",
        Reason::BadQuantity => "not a quantity",
        Reason::QuantityOutOfRange => "quantity out of range",
        Reason::BadPrice => "not a price",
        Reason::PriceOutOfRange => "price out of range",
        Reason::BadDate => "not a date",
        Reason::AmbiguousDate => "date in the other order",
        Reason::BadCustomer => "not a customer",
        Reason::UnroutableCountry => "no region known",
        Reason::Cancellation => "cancellation",
        Reason::NonpositiveQuantity => "quantity 0 or less",
        Reason::NonpositivePrice => "price 0 or less",
        Reason::NoCustomer => "no customer",
        Reason::Duplicate => "exact copy",
    }
}

/// Which of the two kinds a reason is of.
pub const fn kind(reason: Reason) -> &'static str {
    if reason.is_rejection() {
        "Rejected"
    } else {
        "Filtered"
    }
}

/// A rule and what it does, in words.
pub const fn rule(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::Cancellation => ("Cancellations", "filtered; invoice starts with C"),
        Rule::NonpositiveQuantity => ("Quantity 0 or less", "rejected; stock corrections"),
        Rule::NonpositivePrice => ("Price 0 or less", "rejected; gifts and adjustments"),
        Rule::NoCustomer => ("Lines without customer", "off: kept in sales alone"),
        Rule::Duplicate => ("Exact copies", "off by default: two scans at the till"),
    }
}

/// A word with a capital.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
