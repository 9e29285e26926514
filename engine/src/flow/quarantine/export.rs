//! Rows that were set aside, of several loads, as one CSV that loads again once they are mended.

use std::collections::BTreeMap;
use std::io::Write;

use crate::intake::{ExportError, RowLayout, write_rejects_csv};
use crate::model::{LoadId, Reject};
use crate::ports::RejectRow;

/// A CSV of rows that were set aside, written piece by piece: each row is taken apart the way its
/// own file was cut, and all stand under one header.
#[derive(Debug)]
pub struct RejectsCsv<'l, W: Write> {
    out: W,
    layouts: &'l BTreeMap<LoadId, RowLayout>,
    rows: u64,
}

impl<'l, W: Write> RejectsCsv<'l, W> {
    /// A file with nothing in it. A load without a layout was cut as the data set's own file is.
    pub const fn new(out: W, layouts: &'l BTreeMap<LoadId, RowLayout>) -> Self {
        Self {
            out,
            layouts,
            rows: 0,
        }
    }

    /// Writes rows, load by load; those of earlier pieces stand before them.
    pub fn put(&mut self, rows: Vec<RejectRow>) -> Result<(), ExportError> {
        let mut by_load: BTreeMap<LoadId, Vec<Reject>> = BTreeMap::new();
        for row in rows {
            by_load.entry(row.load).or_default().push(row.reject);
        }
        for (load, rejects) in by_load {
            let layout = self.layouts.get(&load).cloned().unwrap_or_default();
            self.put_alike(&layout, rejects)?;
        }
        Ok(())
    }

    /// Ends the file, which has a header also when it has no row. Returns how many rows it has,
    /// and where it was written to.
    pub fn end(mut self) -> Result<(u64, W), ExportError> {
        if self.rows == 0 {
            self.put_alike(&RowLayout::default(), Vec::new())?;
        }
        Ok((self.rows, self.out))
    }

    /// Writes rows of files that were cut alike, the first ones below the header.
    fn put_alike(&mut self, layout: &RowLayout, rejects: Vec<Reject>) -> Result<(), ExportError> {
        let mut text = Vec::new();
        let count = write_rejects_csv(&mut text, layout, rejects)?;
        // Names of columns hold no line end, so the header is the first line.
        let header = text
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let body = text.get(if self.rows == 0 { 0 } else { header }..);
        self.out
            .write_all(body.unwrap_or_default())
            .map_err(csv::Error::from)?;
        self.rows += count;
        Ok(())
    }
}

/// Writes the rows load by load, as [`RejectsCsv`] does. Returns how many.
pub fn write_rejects(
    out: &mut impl Write,
    rows: Vec<RejectRow>,
    layouts: &BTreeMap<LoadId, RowLayout>,
) -> Result<u64, ExportError> {
    let mut csv = RejectsCsv::new(out, layouts);
    csv.put(rows)?;
    let (count, _out) = csv.end()?;
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

    #[test]
    fn a_file_written_in_pieces_is_the_one_written_at_once() {
        let layouts = BTreeMap::new();
        let rows: Vec<_> = [(1, "a"), (1, "b"), (2, "c"), (3, "d"), (3, "e")]
            .map(|(load, raw)| row(load, raw))
            .into();
        for count in [0, 1, rows.len()] {
            let rows = &rows[..count];
            let mut whole = Vec::new();
            write_rejects(&mut whole, rows.to_vec(), &layouts).unwrap();
            assert_eq!(whole.split(|byte| *byte == b'\n').count(), count + 2);
            for size in 1..=2 {
                let mut csv = RejectsCsv::new(Vec::new(), &layouts);
                csv.put(Vec::new()).unwrap();
                for piece in rows.chunks(size) {
                    csv.put(piece.to_vec()).unwrap();
                }
                assert_eq!(csv.end().unwrap(), (count as u64, whole.clone()));
            }
        }
    }
}
