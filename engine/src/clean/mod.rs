//! Rows to lines or rejects: the rules, as data, and the typing of fields.
//!
//! Pure: no file, no clock. `intake` cuts a file into fields and asks here what they mean.
//! Decided here, for all exports of the data alike:
//!
//! - Codes are text, compared byte for byte: no Unicode normalisation, no number.
//! - Spaces and tabs around a field are dropped, nothing else is.
//! - A customer `17850.0` is `17850`; `nan`, `null` and `none` in any case are no customer.
//! - A quantity may be written `6.0` (a table program's idea of a whole number), not `1,200`.
//! - A price is a plain decimal number with an optional sign; no exponent, no currency.

mod date;
mod number;
mod rules;
mod text;

pub use date::{DateOrder, DateProblem, DateReading, parse_date};
pub use number::{
    DecimalMark, NumberProblem, PRICE_DECIMALS_MAX, PRICE_MAX, parse_price, parse_quantity,
};
pub use rules::{DEFAULT_RULES, Rule, RuleSet, Rules, RulesError, Switch};
pub use text::{CODE_LIMITS, CodeLimits, NotACustomer, parse_customer, trim};
