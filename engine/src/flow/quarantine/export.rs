//! Rows that were set aside, of several loads, as one CSV that loads again once they are mended.

use std::collections::BTreeMap;
use std::io::Write;

use crate::intake::{ExportError, RowLayout, write_rejects_csv};
use crate::model::{LoadId, Reject};
use crate::ports::RejectRow;

/// Writes the rows load by load, each taken apart the way its own file was cut, with one header.
/// Returns how many.
pub fn write_rejects(
    out: &mut impl Write,
    rows: Vec<RejectRow>,
    layouts: &BTreeMap<LoadId, RowLayout>,
) -> Result<u64, ExportError> {
    let mut by_load: BTreeMap<LoadId, Vec<Reject>> = BTreeMap::new();
    for row in rows {
        by_load.entry(row.load).or_default().push(row.reject);
    }
    if by_load.is_empty() {
        return write_rejects_csv(out, &RowLayout::default(), []);
    }
    let mut count = 0;
    for (place, (load, rejects)) in by_load.into_iter().enumerate() {
        let layout = layouts.get(&load).cloned().unwrap_or_default();
        let mut text = Vec::new();
        count += write_rejects_csv(&mut text, &layout, rejects)?;
        // Names of columns hold no line end, so the header is the first line.
        let header = text
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let body = text.get(if place == 0 { 0 } else { header }..);
        out.write_all(body.unwrap_or_default())
            .map_err(csv::Error::from)?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Delimiter;
    use crate::model::{Reason, RowNo};

    fn row(load: u64, raw: &str) -> RejectRow {
        RejectRow {
            load: LoadId(load),
            reject: Reject {
                row: RowNo(1),
                line: 2,
                byte: 80,
                column: None,
                reason: Reason::Cancellation,
                message: "cancelled".into(),
                raw: raw.into(),
            },
        }
    }

    #[test]
    fn rows_of_files_that_were_cut_differently_stand_under_one_header() {
        let semicolons = RowLayout {
            delimiter: Delimiter::Semicolon,
            ..RowLayout::default()
        };
        let layouts = [(LoadId(1), RowLayout::default()), (LoadId(2), semicolons)];
        let rows = vec![
            row(1, "C1,A,x,-1,12/1/2010 8:26,2.55,17850,France"),
            row(2, "C2;B;y;-1;12/1/2010 8:26;2.55;17850;Spain"),
        ];
        let mut out = Vec::new();
        assert_eq!(write_rejects(&mut out, rows, &layouts.into()).unwrap(), 2);
        let mut reader = csv::Reader::from_reader(out.as_slice());
        let read: Vec<_> = reader.records().map(Result::unwrap).collect();
        let first: Vec<_> = read.iter().map(|r| (&r[0], &r[7])).collect();
        assert_eq!(first, [("C1", "France"), ("C2", "Spain")]);
    }
}
