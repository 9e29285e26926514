//! The lines of one bucket in one flush as one value: encoded once, stored three times.
//!
//! ```text
//! version, crc32 of what follows (4 bytes), lines,
//! then runs of lines that share invoice, time and customer:
//!   lines in the run, invoice_no, seconds after the run before, customer (0: none, else id + 1),
//!   then per line: product id, quantity, unit price, occurrence
//! ```
//!
//! The country is the bucket's. The identity of a line is not stored: it is a hash over the
//! line's columns, computed again when the block is read, so a line that was damaged in any
//! column shows up with another identity.

use crate::codec::summary::{check, put_checksum};
use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{BucketKey, Catalog, CustomerId, InvoiceTime, LineRef, ProductId, StoredLine};

/// Format of the values written. A reader knows all formats up to its own.
const VERSION: u8 = 1;

/// Appends a block of lines to a buffer.
pub(super) fn put_block(out: &mut Vec<u8>, lines: &[StoredLine]) {
    out.push(VERSION);
    let checksum_at = out.len();
    out.extend_from_slice(&[0; 4]);
    varint::put_u64(out, lines.len() as u64);
    let mut before = 0;
    for run in lines.chunk_by(same_run) {
        let Some(first) = run.first() else { continue };
        varint::put_u64(out, run.len() as u64);
        varint::put_str(out, &first.invoice_no);
        varint::put_i64(out, first.invoice_time.0.wrapping_sub(before));
        before = first.invoice_time.0;
        varint::put_u64(out, first.customer.map_or(0, |id| u64::from(id.0) + 1));
        for line in run {
            varint::put_u64(out, u64::from(line.product.0));
            varint::put_i64(out, i64::from(line.quantity));
            varint::put_decimal(out, line.unit_price);
            varint::put_u64(out, u64::from(line.occurrence));
        }
    }
    put_checksum(out, checksum_at);
}

fn same_run(a: &StoredLine, b: &StoredLine) -> bool {
    a.invoice_time == b.invoice_time && a.customer == b.customer && a.invoice_no == b.invoice_no
}

/// How many lines a block says it has; nothing is checked.
pub(super) fn line_count(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.bytes(5)?;
    reader.count()
}

/// Appends the lines of a block to `lines`.
pub(super) fn read_block(
    bytes: &[u8],
    bucket: BucketKey,
    catalog: &Catalog,
    lines: &mut Vec<StoredLine>,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a block has a newer format"));
    }
    check(&mut reader)?;
    let country = catalog
        .country_name(bucket.country)
        .ok_or(DecodeError("a country is not in the catalog"))?;
    let count = reader.count()?;
    lines.reserve(count);
    let mut left = count;
    let mut time = 0_i64;
    while left > 0 {
        let run = reader.count()?;
        left = match left.checked_sub(run) {
            Some(less) if run > 0 => less,
            _ => return Err(DecodeError("a run has a wrong length")),
        };
        let invoice_no = reader.str()?;
        time = time.wrapping_add(reader.i64()?);
        let customer = match reader.u64()?.checked_sub(1) {
            None => None,
            Some(id) => {
                Some(CustomerId(u32::try_from(id).map_err(|_wide| {
                    DecodeError("an id has more than 32 bits")
                })?))
            }
        };
        let customer_name = match customer {
            None => None,
            Some(id) => Some(
                catalog
                    .customer_name(id)
                    .ok_or(DecodeError("a customer is not in the catalog"))?,
            ),
        };
        for _ in 0..run {
            let product = ProductId(reader.u32()?);
            let name = catalog
                .product_name(product)
                .ok_or(DecodeError("a product is not in the catalog"))?;
            let line = LineRef {
                invoice_no,
                stock_code: &name.stock_code,
                description: &name.description,
                quantity: i32::try_from(reader.i64()?)
                    .map_err(|_wide| DecodeError("a quantity has more than 32 bits"))?,
                invoice_time: InvoiceTime(time),
                unit_price: reader.decimal()?,
                customer: customer_name.as_deref(),
                country: &country,
            };
            let occurrence = reader.u32()?;
            lines.push(StoredLine {
                invoice_no: invoice_no.into(),
                product,
                customer,
                quantity: line.quantity,
                invoice_time: line.invoice_time,
                unit_price: line.unit_price,
                occurrence,
                line_id: line.content_hash().line_id(occurrence),
            });
        }
    }
    if reader.is_empty() {
        Ok(())
    } else {
        Err(DecodeError("a block is longer than its lines"))
    }
}

/// Sorts lines by identity and keeps each once.
pub(super) fn sort_lines(lines: &mut Vec<StoredLine>) {
    lines.sort_unstable_by_key(|line| line.line_id);
    lines.dedup_by_key(|line| line.line_id);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Shop, Spec, any_lines};
    use super::*;

    proptest! {
        #[test]
        fn a_block_reads_back_with_its_identities(specs in any_lines(1..40)) {
            let shop = Shop::default();
            let bucket = shop.bucket(0);
            let lines = shop.lines(bucket, &specs);
            let mut out = Vec::new();
            put_block(&mut out, &lines);
            prop_assert_eq!(line_count(&out), Ok(lines.len()));
            let mut read = Vec::new();
            prop_assert_eq!(read_block(&out, bucket, &shop.catalog, &mut read), Ok(()));
            prop_assert_eq!(read, lines);
        }

        #[test]
        fn a_damaged_block_is_refused(specs in any_lines(1..9), at: prop::sample::Index, bit in 0..8) {
            let shop = Shop::default();
            let bucket = shop.bucket(0);
            let mut out = Vec::new();
            put_block(&mut out, &shop.lines(bucket, &specs));
            let at = at.index(out.len());
            out[at] ^= 1_u8 << bit;
            let read = read_block(&out, bucket, &shop.catalog, &mut Vec::new());
            prop_assert!(read.is_err());
        }

        #[test]
        fn any_bytes_with_a_right_checksum_are_read_or_refused(bytes: Vec<u8>) {
            let shop = Shop::default();
            let mut block = vec![VERSION, 0, 0, 0, 0];
            block.extend(bytes);
            put_checksum(&mut block, 1);
            let _read: Result<_, _> =
                read_block(&block, shop.bucket(0), &shop.catalog, &mut Vec::new());
        }
    }

    #[test]
    fn a_block_of_a_longer_catalog_is_refused() {
        let shop = Shop::default();
        let bucket = shop.bucket(0);
        let mut out = Vec::new();
        put_block(&mut out, &shop.lines(bucket, &[Spec::default()]));
        let read = read_block(&out, bucket, &Catalog::default(), &mut Vec::new());
        assert_eq!(read, Err(DecodeError("a country is not in the catalog")));
    }
}
