//! The aggregate of one bucket, and of any union of buckets: a value that is only ever merged.

use rust_decimal::Decimal;

use super::catalog::{CustomerId, ProductId};
use super::digest::RowsDigest;
use super::money;
use super::time::InvoiceTime;

/// Counts and money of a set of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces; negative for returns.
    pub items: i64,
    /// GBP; negative for returns.
    pub amount: Decimal,
}

impl Tally {
    /// Adds the counts of lines that are not in this tally.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.invoices += other.invoices;
        self.items += other.items;
        money::add(&mut self.amount, other.amount);
    }
}

/// What one customer bought in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerPart {
    /// The customer; `None` collects the lines without one.
    pub customer: Option<CustomerId>,
    /// Counts and money; invoices are distinct per customer.
    pub tally: Tally,
    /// Time of the first line.
    pub first: InvoiceTime,
    /// Time of the last line.
    pub last: InvoiceTime,
}

/// What was bought of one product under one description in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductPart {
    /// Code and description.
    pub product: ProductId,
    /// Counts and money. An invoice counts once per product *code*, under the description that it
    /// met first; so the sum over the descriptions of a code is exact.
    pub tally: Tally,
}

/// What was bought in one hour of the day in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourPart {
    /// Hour of the day, 0 to 23.
    pub hour: u8,
    /// Counts and money; an invoice counts in each hour in which it has a line.
    pub tally: Tally,
}

/// The aggregate of the lines of a bucket. All parts are sorted by their key, without repeats.
///
/// [`Summary::merge`] is associative and commutative with [`Summary::default`] as neutral
/// element, as long as no line is in both sides. Invoices are distinct within a bucket; an
/// invoice whose lines lie in several buckets is found by `invoices` appearing in each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// All lines.
    pub tally: Tally,
    /// Earliest and latest line; `None` for no lines.
    pub span: Option<(InvoiceTime, InvoiceTime)>,
    /// Digest of the rows.
    pub digest: RowsDigest,
    /// By hour of the day.
    pub hours: Vec<HourPart>,
    /// By customer; those without one first.
    pub customers: Vec<CustomerPart>,
    /// By product and description.
    pub products: Vec<ProductPart>,
    /// Fingerprints (64-bit hash of the number) of the invoices in the bucket.
    pub invoices: Vec<u64>,
}

impl Summary {
    /// Adds the summary of lines that are not in this one.
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.digest.merge(&other.digest);
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, None) | (None, one) => one,
        };
        merge_sorted(
            &mut self.hours,
            &other.hours,
            |p| p.hour,
            |a, b| {
                a.tally.merge(&b.tally);
            },
        );
        merge_sorted(
            &mut self.customers,
            &other.customers,
            |p| p.customer,
            |a, b| {
                a.tally.merge(&b.tally);
                a.first = a.first.min(b.first);
                a.last = a.last.max(b.last);
            },
        );
        merge_sorted(
            &mut self.products,
            &other.products,
            |p| p.product,
            |a, b| {
                a.tally.merge(&b.tally);
            },
        );
        merge_sorted(&mut self.invoices, &other.invoices, |i| *i, |_, _| {});
    }
}

/// Merges two sorted lists; `join` folds the right one of two equal keys into the left one.
fn merge_sorted<T: Copy, K: Ord>(
    into: &mut Vec<T>,
    from: &[T],
    key: impl Fn(&T) -> K,
    join: impl Fn(&mut T, &T),
) {
    let Some(first) = from.first() else {
        return;
    };
    if into.last().is_none_or(|last| key(last) < key(first)) {
        into.extend_from_slice(from);
        return;
    }
    let left = std::mem::take(into);
    into.reserve(left.len() + from.len());
    let mut right = from.iter().copied().peekable();
    for mut item in left {
        while let Some(other) = right.next_if(|other| key(other) < key(&item)) {
            into.push(other);
        }
        while let Some(other) = right.next_if(|other| key(other) == key(&item)) {
            join(&mut item, &other);
        }
        into.push(item);
    }
    into.extend(right);
}
