//! What a bucket gained between two of its summaries.
//!
//! Rows are only ever added to a bucket, so the new summary minus the old one is the summary of
//! the rows that came in between, with one exception: an invoice is booked under the hour and the
//! description that it *met first*, and a row that arrives later may sort before the others. Then
//! the count of invoices of one hour or description falls while that of another rises. Counts of
//! invoices are therefore differences modulo 2^64, which [`super::Analytics::apply`] adds modulo
//! 2^64; a delta is for `apply` alone and not for [`Summary::merge`].

use crate::model::{CustomerPart, HourPart, ProductPart, RowsDigest, Summary, Tally};

/// The summary of what is in `new` and not in `old`. First and last times are those of `new`.
pub fn delta(old: Option<&Summary>, new: &Summary) -> Summary {
    let Some(old) = old else {
        return new.clone();
    };
    Summary {
        tally: minus(&new.tally, &old.tally),
        span: new.span,
        digest: RowsDigest {
            lines: new.digest.lines.wrapping_sub(old.digest.lines),
            sum: new.digest.sum.wrapping_sub(old.digest.sum),
            mix: new.digest.mix.wrapping_sub(old.digest.mix),
        },
        hours: parts(&old.hours, &new.hours, |p| p.hour, hour_gain),
        customers: parts(
            &old.customers,
            &new.customers,
            |p| p.customer,
            customer_gain,
        ),
        products: parts(&old.products, &new.products, |p| p.product, product_gain),
        invoices: parts(&old.invoices, &new.invoices, |i| *i, |_, _| None),
    }
}

/// The parts of `new`, each less the part of the same key in `old`; both are sorted by key.
fn parts<T: Copy, K: Ord>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> K,
    gain: impl Fn(&T, &T) -> Option<T>,
) -> Vec<T> {
    let mut before = old.iter().peekable();
    let mut out = Vec::new();
    for part in new {
        while before.next_if(|b| key(b) < key(part)).is_some() {}
        match before.next_if(|b| key(b) == key(part)) {
            Some(known) => out.extend(gain(known, part)),
            None => out.push(*part),
        }
    }
    out
}

fn hour_gain(old: &HourPart, new: &HourPart) -> Option<HourPart> {
    let tally = gained(&old.tally, &new.tally)?;
    Some(HourPart { tally, ..*new })
}

fn customer_gain(old: &CustomerPart, new: &CustomerPart) -> Option<CustomerPart> {
    let tally = gained(&old.tally, &new.tally)?;
    Some(CustomerPart { tally, ..*new })
}

fn product_gain(old: &ProductPart, new: &ProductPart) -> Option<ProductPart> {
    let tally = gained(&old.tally, &new.tally)?;
    Some(ProductPart { tally, ..*new })
}

fn gained(old: &Tally, new: &Tally) -> Option<Tally> {
    (old != new).then(|| minus(new, old))
}

fn minus(new: &Tally, old: &Tally) -> Tally {
    Tally {
        lines: new.lines.wrapping_sub(old.lines),
        invoices: new.invoices.wrapping_sub(old.invoices),
        items: new.items.wrapping_sub(old.items),
        amount: new.amount - old.amount,
    }
}

/// Adds a tally that may be a delta: counts modulo 2^64.
pub(super) fn add(into: &mut Tally, gain: &Tally) {
    into.lines = into.lines.wrapping_add(gain.lines);
    into.invoices = into.invoices.wrapping_add(gain.invoices);
    into.items = into.items.wrapping_add(gain.items);
    into.amount += gain.amount;
}
