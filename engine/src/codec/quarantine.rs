//! A row that was set aside, as a record of the quarantine topic.
//!
//! ```text
//! version, row, line, byte, column (empty for none), reason, message, raw,
//! 1 and a line record when the row could be typed, else 0
//! ```

use crate::model::{Reason, Reject, RowNo};

use super::record::{self, LineRecord};
use super::varint::{self, DecodeError, Reader};

const VERSION: u8 = 1;

/// Appends a reject to a batch, with the typed line where there is one.
pub fn put_reject(batch: &mut Vec<u8>, reject: &Reject, line: Option<&LineRecord<'_>>) {
    record::put_record(batch, |out| {
        out.push(VERSION);
        varint::put_u64(out, reject.row.0);
        varint::put_u64(out, reject.line);
        varint::put_u64(out, reject.byte);
        varint::put_str(out, reject.column.as_deref().unwrap_or_default());
        varint::put_str(out, reject.reason.slug());
        varint::put_str(out, &reject.message);
        varint::put_str(out, &reject.raw);
        out.push(u8::from(line.is_some()));
        if let Some(line) = line {
            record::put_line(out, line);
        }
    });
}

/// Reads the value of a quarantine record.
pub fn read_reject(value: &[u8]) -> Result<(Reject, Option<LineRecord<'_>>), DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a quarantine record has a newer format"));
    }
    let reject = Reject {
        row: RowNo(reader.u64()?),
        line: reader.u64()?,
        byte: reader.u64()?,
        column: Some(reader.str()?)
            .filter(|c| !c.is_empty())
            .map(Into::into),
        reason: Reason::parse(reader.str()?).ok_or(DecodeError("a reason is not known"))?,
        message: reader.str()?.into(),
        raw: reader.str()?.into(),
    };
    let line = match reader.u8()? {
        0 => None,
        _ => record::Records::new(reader.rest())
            .next()
            .transpose()?
            .map(record::read_line)
            .transpose()?,
    };
    Ok((reject, line))
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::{InvoiceTime, LineRef};

    #[test]
    fn a_reject_reads_back_with_and_without_its_line() {
        let reject = Reject {
            row: RowNo(3),
            line: 4,
            byte: 300,
            column: Some("Quantity".into()),
            reason: Reason::Cancellation,
            message: "the invoice is a cancellation".into(),
            raw: "C1,85123A,HEART,-6".into(),
        };
        let line = LineRef {
            invoice_no: "C1",
            stock_code: "85123A",
            description: "HEART",
            quantity: -6,
            invoice_time: InvoiceTime(0),
            unit_price: Decimal::new(255, 2),
            customer: None,
            country: "France",
        };
        let record = LineRecord {
            line,
            occurrence: 0,
            line_id: line.content_hash().line_id(0),
            row: RowNo(3),
        };
        for typed in [None, Some(record)] {
            let mut batch = Vec::new();
            put_reject(&mut batch, &reject, typed.as_ref());
            let value = record::Records::new(&batch).next().unwrap().unwrap();
            assert_eq!(read_reject(value), Ok((reject.clone(), typed)));
        }
    }
}
