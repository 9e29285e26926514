//! One line as a record of the log.
//!
//! A batch is records one after the other, each a length and a value. The value begins with its
//! version and its key, the invoice number, so that a record can stand alone in Kafka too:
//!
//! ```text
//! version, invoice_no, stock_code, description, country, customer (empty for none),
//! quantity, invoice_time, unit_price, occurrence, row, line_id (8 bytes)
//! ```

use crate::model::{InvoiceTime, LineId, LineRef, RowNo};

use super::varint::{self, DecodeError, Reader};

/// Format of the values written. A reader knows all formats up to its own.
const VERSION: u8 = 1;

/// A line with what the producer knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRecord<'a> {
    /// The line.
    pub line: LineRef<'a>,
    /// Which of the identical lines of its invoice this is, from 0.
    pub occurrence: u32,
    /// Hash over every column and the occurrence.
    pub line_id: LineId,
    /// Data row in its file.
    pub row: RowNo,
}

/// Appends a line to a batch.
pub fn put_line(batch: &mut Vec<u8>, record: &LineRecord<'_>) {
    put_record(batch, |out| {
        let line = &record.line;
        out.push(VERSION);
        varint::put_str(out, line.invoice_no);
        varint::put_str(out, line.stock_code);
        varint::put_str(out, line.description);
        varint::put_str(out, line.country);
        varint::put_str(out, line.customer.unwrap_or_default());
        varint::put_i64(out, i64::from(line.quantity));
        varint::put_i64(out, line.invoice_time.0);
        varint::put_decimal(out, line.unit_price);
        varint::put_u64(out, u64::from(record.occurrence));
        varint::put_u64(out, record.row.0);
        out.extend_from_slice(&record.line_id.0.to_le_bytes());
    });
}

/// Appends one record of any content: its length in four bytes, then what `value` writes.
pub fn put_record(batch: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    let start = batch.len();
    batch.extend_from_slice(&[0; 4]);
    value(batch);
    // A record is limited far below 4 GiB by the limit on rows of a file.
    let len = u32::try_from(batch.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(slot) = batch.get_mut(start..start + 4) {
        slot.copy_from_slice(&len.to_le_bytes());
    }
}

/// Reads the value of a line record.
pub fn read_line(value: &[u8]) -> Result<LineRecord<'_>, DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a record has a newer format"));
    }
    let [invoice_no, stock_code, description, country, customer] = reader.strs()?;
    let customer = Some(customer).filter(|c| !c.is_empty());
    let quantity = i32::try_from(reader.i64()?)
        .map_err(|_wide| DecodeError("a quantity has more than 32 bits"))?;
    let line = LineRef {
        invoice_no,
        stock_code,
        description,
        quantity,
        invoice_time: InvoiceTime(reader.i64()?),
        unit_price: reader.decimal()?,
        customer,
        country,
    };
    Ok(LineRecord {
        line,
        occurrence: reader.u32()?,
        row: RowNo(reader.u64()?),
        line_id: LineId(reader.fixed_u64()?),
    })
}

/// The values of a batch, in order.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: Reader<'a>,
}

impl<'a> Records<'a> {
    /// The records of a batch's bytes.
    pub const fn new(batch: &'a [u8]) -> Self {
        Self {
            rest: Reader::new(batch),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (len, tail) = self.rest.rest().split_first_chunk::<4>().or_else(|| {
            // Fewer than four bytes left: an end, or damage.
            (!self.rest.is_empty()).then_some((&[0xff; 4], &[]))
        })?;
        self.rest = Reader::new(tail);
        let value = self.rest.bytes(u32::from_le_bytes(*len) as usize);
        if value.is_err() {
            self.rest = Reader::new(&[]);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    proptest! {
        #[test]
        fn a_batch_reads_back(
            rows in proptest::collection::vec(
                (".{1,12}", ".{0,12}", ".{0,40}", any::<i32>(), any::<i32>(), any::<i32>(), proptest::option::of("[0-9]{5}")),
                1..20,
            ),
        ) {
            let records: Vec<_> = rows.iter().enumerate().map(|(n, row)| {
                let line = LineRef {
                    invoice_no: &row.0,
                    stock_code: &row.1,
                    description: &row.2,
                    quantity: row.3,
                    invoice_time: InvoiceTime(i64::from(row.4)),
                    unit_price: Decimal::new(i64::from(row.5), 3),
                    customer: row.6.as_deref(),
                    country: "EIRE",
                };
                LineRecord {
                    line,
                    occurrence: 1,
                    line_id: line.content_hash().line_id(1),
                    row: RowNo(n as u64),
                }
            }).collect();
            let mut batch = Vec::new();
            for record in &records {
                put_line(&mut batch, record);
            }
            let read: Result<Vec<_>, _> =
                Records::new(&batch).map(|value| read_line(value?)).collect();
            prop_assert_eq!(read, Ok(records));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            for value in Records::new(&bytes).flatten() {
                let _read: Result<_, _> = read_line(value);
            }
        }
    }
}
