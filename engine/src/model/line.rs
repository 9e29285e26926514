//! One row of an invoice, in the three shapes in which it flows.

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use super::catalog::{CustomerId, ProductId};
use super::identity::{ContentHash, LineId};
use super::money;
use super::time::InvoiceTime;

/// A line that borrows its text from the buffer it was read from: the shape of the hot path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRef<'a> {
    /// The invoice; starts with `C` for a cancellation.
    pub invoice_no: &'a str,
    /// The product code as written (`85123A`); never a number.
    pub stock_code: &'a str,
    /// What the product was called on this line. May be empty.
    pub description: &'a str,
    /// Pieces; negative on a cancellation.
    pub quantity: i32,
    /// When the invoice was written.
    pub invoice_time: InvoiceTime,
    /// GBP for one piece.
    pub unit_price: Decimal,
    /// Who bought, without a trailing `.0`; `None` for a sale to nobody known.
    pub customer: Option<&'a str>,
    /// The country as written on the routing map.
    pub country: &'a str,
}

impl LineRef<'_> {
    /// Quantity times unit price, exact.
    pub fn amount(&self) -> Decimal {
        money::amount(self.quantity, self.unit_price)
    }

    /// Hash over every column.
    pub fn content_hash(&self) -> ContentHash {
        ContentHash::of(self)
    }

    /// A copy that owns its text.
    pub fn to_owned(&self) -> Line {
        Line {
            invoice_no: self.invoice_no.into(),
            stock_code: self.stock_code.into(),
            description: self.description.into(),
            quantity: self.quantity,
            invoice_time: self.invoice_time,
            unit_price: self.unit_price,
            customer: self.customer.map(Into::into),
            country: self.country.into(),
        }
    }
}

/// A line that owns its text: for previews, browsing, tests and exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// See [`LineRef::invoice_no`].
    pub invoice_no: CompactString,
    /// See [`LineRef::stock_code`].
    pub stock_code: CompactString,
    /// See [`LineRef::description`].
    pub description: CompactString,
    /// See [`LineRef::quantity`].
    pub quantity: i32,
    /// See [`LineRef::invoice_time`].
    pub invoice_time: InvoiceTime,
    /// See [`LineRef::unit_price`].
    pub unit_price: Decimal,
    /// See [`LineRef::customer`].
    pub customer: Option<CompactString>,
    /// See [`LineRef::country`].
    pub country: CompactString,
}

impl Line {
    /// The same line, borrowed.
    pub fn as_ref(&self) -> LineRef<'_> {
        LineRef {
            invoice_no: &self.invoice_no,
            stock_code: &self.stock_code,
            description: &self.description,
            quantity: self.quantity,
            invoice_time: self.invoice_time,
            unit_price: self.unit_price,
            customer: self.customer.as_deref(),
            country: &self.country,
        }
    }
}

/// A line as a bucket holds it: names by their id in the [`super::Catalog`]; the country is the
/// bucket's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// The invoice.
    pub invoice_no: CompactString,
    /// Product code and description.
    pub product: ProductId,
    /// Who bought, if known.
    pub customer: Option<CustomerId>,
    /// Pieces; negative on a cancellation.
    pub quantity: i32,
    /// When the invoice was written.
    pub invoice_time: InvoiceTime,
    /// GBP for one piece.
    pub unit_price: Decimal,
    /// Which of the identical lines of its invoice this is, from 0.
    pub occurrence: u32,
    /// Hash over every column and the occurrence.
    pub line_id: LineId,
}

impl StoredLine {
    /// Quantity times unit price, exact.
    pub fn amount(&self) -> Decimal {
        money::amount(self.quantity, self.unit_price)
    }
}
