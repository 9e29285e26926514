//! One row of a file, found again by its number.

use std::path::Path;

use crate::model::RowNo;

use super::error::IntakeError;
use super::open::open;
use super::options::ReadOptions;
use super::reject::{RAW_BYTES_MAX, text_of};
use super::source::Source;

/// Rows between two looks at whether the answer is still wanted.
const LOOK_EVERY: u64 = 16_384;

/// A row as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Physical line on which it begins, from 1 (the header is line 1).
    pub line: u64,
    /// Byte of the unpacked file at which it begins, from 0.
    pub byte: u64,
    /// The row, transcoded to UTF-8; cut after [`RAW_BYTES_MAX`] bytes.
    pub raw: String,
}

/// Reads a file up to a data row, without typing any; `None` when it has fewer rows or nobody
/// wants the answer any more. Costs a pass over the file up to there.
pub fn find_row(
    path: &Path,
    options: &ReadOptions,
    row: RowNo,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<FileRow>, IntakeError> {
    let mut splitter = open(Source::open(path)?, options)?.splitter;
    let mut at = 0;
    while at < row.0 {
        if at % LOOK_EVERY == 0 && !wanted() {
            return Ok(None);
        }
        let Some(piece) = splitter.advance()? else {
            return Ok(None);
        };
        at += 1;
        if at == row.0 {
            return Ok(Some(FileRow {
                line: piece.line,
                byte: piece.byte,
                raw: text_of(splitter.raw(&piece), RAW_BYTES_MAX),
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_where_the_reader_says_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.csv");
        let text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                    1,A,\"on two\nlines\",1,12/1/2010 8:26,1.5,17850,France\n\
                    2,B,two,2,12/1/2010 8:27,1.5,17850,France\n";
        std::fs::write(&file, text).unwrap();
        let find = |row| find_row(&file, &ReadOptions::default(), RowNo(row), &|| true).unwrap();
        let second = find(2).unwrap();
        assert_eq!(second.line, 4);
        assert_eq!(second.raw, "2,B,two,2,12/1/2010 8:27,1.5,17850,France");
        let at = usize::try_from(second.byte).unwrap();
        assert!(text.get(at..).unwrap().starts_with(&second.raw));
        assert_eq!(find(1).unwrap().line, 2);
        assert_eq!(find(3), None);
        assert_eq!(find(0), None);
        let given_up = find_row(&file, &ReadOptions::default(), RowNo(2), &|| false);
        assert_eq!(given_up.unwrap(), None);
    }
}
