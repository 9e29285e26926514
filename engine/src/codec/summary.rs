//! A bucket's summary as bytes.
//!
//! The head - timestamp and digest - comes first, so that replicas are compared and ordered
//! without reading the rest:
//!
//! ```text
//! version, crc32 of what follows (4 bytes),
//! timestamp, lines, sum (8 bytes), mix (8 bytes),
//! span, tally, hours, customers, products, invoices
//! ```
//!
//! Ids are sorted and stored as differences; times are seconds after the first line.

use crate::model::{
    CustomerId, CustomerPart, HourPart, InvoiceTime, ProductId, ProductPart, RowsDigest, Summary,
    Tally,
};
use crate::ports::WriteTimestamp;

use super::varint::{self, DecodeError, Reader};

/// Format of the values written. A reader knows all formats up to its own.
const VERSION: u8 = 1;

/// What orders and compares a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryHead {
    /// Orders it among others of its bucket.
    pub timestamp: WriteTimestamp,
    /// Digest of the rows that it counts.
    pub digest: RowsDigest,
}

/// Appends a summary to a buffer.
pub fn put_summary(out: &mut Vec<u8>, summary: &Summary, timestamp: WriteTimestamp) {
    out.push(VERSION);
    let checksum_at = out.len();
    out.extend_from_slice(&[0; 4]);
    varint::put_u64(out, timestamp.0);
    varint::put_u64(out, summary.digest.lines);
    out.extend_from_slice(&summary.digest.sum.to_le_bytes());
    out.extend_from_slice(&summary.digest.mix.to_le_bytes());
    let (first, last) = summary.span.unwrap_or_default_span();
    out.push(u8::from(summary.span.is_some()));
    varint::put_i64(out, first.0);
    put_after(out, first, last);
    put_tally(out, &summary.tally);
    varint::put_u64(out, summary.hours.len() as u64);
    for part in &summary.hours {
        out.push(part.hour);
        put_tally(out, &part.tally);
    }
    put_customers(out, &summary.customers, first);
    put_products(out, &summary.products);
    varint::put_u64(out, summary.invoices.len() as u64);
    for invoice in &summary.invoices {
        out.extend_from_slice(&invoice.to_le_bytes());
    }
    put_checksum(out, checksum_at);
}

fn put_customers(out: &mut Vec<u8>, customers: &[CustomerPart], start: InvoiceTime) {
    varint::put_u64(out, customers.len() as u64);
    let mut before = 0;
    for part in customers {
        // 0 stands for no customer, so every id is one more.
        let id = part.customer.map_or(0, |id| u64::from(id.0) + 1);
        varint::put_u64(out, id.wrapping_sub(before));
        before = id;
        put_after(out, start, part.first);
        put_after(out, part.first, part.last);
        put_tally(out, &part.tally);
    }
}

fn put_products(out: &mut Vec<u8>, products: &[ProductPart]) {
    varint::put_u64(out, products.len() as u64);
    let mut before = 0;
    for part in products {
        let id = u64::from(part.product.0);
        varint::put_u64(out, id.wrapping_sub(before));
        before = id;
        put_tally(out, &part.tally);
    }
}

/// The head of a summary's bytes; the rest is not looked at.
pub fn read_head(bytes: &[u8]) -> Result<SummaryHead, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a summary has a newer format"));
    }
    reader.bytes(4)?;
    head(&mut reader)
}

/// A summary's bytes with their timestamp, after checking them.
pub fn read_summary(bytes: &[u8]) -> Result<(Summary, WriteTimestamp), DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a summary has a newer format"));
    }
    check(&mut reader)?;
    let head = head(&mut reader)?;
    let has_span = reader.u8()? != 0;
    let first = InvoiceTime(reader.i64()?);
    let last = after(&mut reader, first)?;
    let mut summary = Summary {
        tally: tally(&mut reader)?,
        span: has_span.then_some((first, last)),
        digest: head.digest,
        ..Summary::default()
    };
    for _ in 0..reader.count()? {
        summary.hours.push(HourPart {
            hour: reader.u8()?,
            tally: tally(&mut reader)?,
        });
    }
    let mut id = 0_u64;
    for _ in 0..reader.count()? {
        id = id.wrapping_add(reader.u64()?);
        let customer = match id.checked_sub(1) {
            None => None,
            Some(id) => Some(CustomerId(narrow(id)?)),
        };
        let from = after(&mut reader, first)?;
        summary.customers.push(CustomerPart {
            customer,
            first: from,
            last: after(&mut reader, from)?,
            tally: tally(&mut reader)?,
        });
    }
    let mut id = 0_u64;
    for _ in 0..reader.count()? {
        id = id.wrapping_add(reader.u64()?);
        summary.products.push(ProductPart {
            product: ProductId(narrow(id)?),
            tally: tally(&mut reader)?,
        });
    }
    for _ in 0..reader.count()? {
        summary.invoices.push(reader.fixed_u64()?);
    }
    Ok((summary, head.timestamp))
}

fn head(reader: &mut Reader<'_>) -> Result<SummaryHead, DecodeError> {
    Ok(SummaryHead {
        timestamp: WriteTimestamp(reader.u64()?),
        digest: RowsDigest {
            lines: reader.u64()?,
            sum: reader.fixed_u64()?,
            mix: reader.fixed_u64()?,
        },
    })
}

trait SpanOrEpoch {
    fn unwrap_or_default_span(self) -> (InvoiceTime, InvoiceTime);
}

impl SpanOrEpoch for Option<(InvoiceTime, InvoiceTime)> {
    fn unwrap_or_default_span(self) -> (InvoiceTime, InvoiceTime) {
        self.unwrap_or((InvoiceTime(0), InvoiceTime(0)))
    }
}

fn put_after(out: &mut Vec<u8>, start: InvoiceTime, time: InvoiceTime) {
    varint::put_i64(out, time.0.wrapping_sub(start.0));
}

fn after(reader: &mut Reader<'_>, start: InvoiceTime) -> Result<InvoiceTime, DecodeError> {
    Ok(InvoiceTime(start.0.wrapping_add(reader.i64()?)))
}

fn put_tally(out: &mut Vec<u8>, tally: &Tally) {
    varint::put_u64(out, tally.lines);
    varint::put_u64(out, tally.invoices);
    varint::put_i64(out, tally.items);
    varint::put_decimal(out, tally.amount);
}

fn tally(reader: &mut Reader<'_>) -> Result<Tally, DecodeError> {
    Ok(Tally {
        lines: reader.u64()?,
        invoices: reader.u64()?,
        items: reader.i64()?,
        amount: reader.decimal()?,
    })
}

fn narrow(id: u64) -> Result<u32, DecodeError> {
    u32::try_from(id).map_err(|_wide| DecodeError("an id has more than 32 bits"))
}

/// Fills the four bytes at `at` with the checksum of all that follows them.
pub fn put_checksum(out: &mut [u8], at: usize) {
    let Some((slot, rest)) = out
        .get_mut(at..)
        .and_then(<[u8]>::split_first_chunk_mut::<4>)
    else {
        return;
    };
    *slot = crc32fast::hash(rest).to_le_bytes();
}

/// Reads four bytes of checksum and holds them against all that follows.
pub fn check(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut stored = [0; 4];
    stored.copy_from_slice(reader.bytes(4)?);
    if crc32fast::hash(reader.rest()) == u32::from_le_bytes(stored) {
        Ok(())
    } else {
        Err(DecodeError("the checksum does not fit"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn any_tally() -> impl Strategy<Value = Tally> {
        (any::<u32>(), any::<u32>(), any::<i64>(), any::<i64>()).prop_map(
            |(lines, invoices, items, mills)| Tally {
                lines: lines.into(),
                invoices: invoices.into(),
                items,
                amount: Decimal::new(mills, 3),
            },
        )
    }

    prop_compose! {
        fn any_summary()(
            tally in any_tally(),
            span in proptest::option::of((any::<i32>(), any::<i32>())),
            sums in any::<(u64, u64)>(),
            hours in proptest::collection::btree_map(0_u8..24, any_tally(), 0..4),
            customers in proptest::collection::btree_map(
                proptest::option::of(any::<u32>()),
                (any_tally(), any::<i32>(), any::<i32>()),
                0..4,
            ),
            products in proptest::collection::btree_map(any::<u32>(), any_tally(), 0..4),
            invoices in proptest::collection::btree_set(any::<u64>(), 0..4),
        ) -> Summary {
            let time = |s: i32| InvoiceTime(s.into());
            Summary {
                tally,
                span: span.map(|(a, b)| (time(a), time(b))),
                digest: RowsDigest { lines: tally.lines, sum: sums.0, mix: sums.1 },
                hours: hours.into_iter().map(|(hour, tally)| HourPart { hour, tally }).collect(),
                customers: customers.into_iter().map(|(id, (tally, first, last))| CustomerPart {
                    customer: id.map(CustomerId),
                    tally,
                    first: time(first),
                    last: time(last),
                }).collect(),
                products: products.into_iter().map(|(id, tally)| ProductPart {
                    product: ProductId(id),
                    tally,
                }).collect(),
                invoices: invoices.into_iter().collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn a_summary_reads_back(summary in any_summary(), timestamp: u64) {
            let timestamp = WriteTimestamp(timestamp);
            let mut out = Vec::new();
            put_summary(&mut out, &summary, timestamp);
            let head = SummaryHead { timestamp, digest: summary.digest };
            prop_assert_eq!(read_head(&out), Ok(head));
            prop_assert_eq!(read_summary(&out), Ok((summary, timestamp)));
        }

        #[test]
        fn a_damaged_summary_is_refused(summary in any_summary(), at: prop::sample::Index, bit in 0..8) {
            let mut out = Vec::new();
            put_summary(&mut out, &summary, WriteTimestamp(1));
            let at = at.index(out.len());
            out[at] ^= 1_u8 << bit;
            prop_assert!(read_summary(&out).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            if bytes.len() > 5 {
                put_checksum(&mut bytes, 1);
            }
            let _read: Result<_, _> = read_summary(&bytes);
        }
    }
}
