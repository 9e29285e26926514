//! What holds for any bytes.

use proptest::prelude::*;

use super::*;
use crate::model::{Line, Reject};

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn small(head: usize, chunk: usize) -> ReadOptions {
    ReadOptions {
        date_order: Some(crate::clean::DateOrder::MonthFirst),
        encoding: Some(TextEncoding::Utf8),
        limits: Limits {
            head_bytes: head,
            chunk_bytes: chunk,
            ..Limits::default()
        },
        ..ReadOptions::default()
    }
}

type Row = Result<(Line, u64), Reject>;

/// All rows and the physical lines passed.
fn rows(bytes: &[u8], options: &ReadOptions) -> Result<(Vec<Row>, u64), IntakeError> {
    let mut reader = LineReader::of_bytes(bytes.to_vec(), options, &rules(), &routing())?;
    let mut out = Vec::new();
    while let Some(row) = reader.next()? {
        out.push(match row {
            ReadRow::Clean(clean) => Ok((clean.record.line.to_owned(), clean.record.line_id.0)),
            ReadRow::SetAside(aside) => Err(aside.reject),
        });
    }
    let progress = reader.progress();
    assert_eq!(progress.rows, out.len() as u64);
    Ok((out, progress.lines))
}

fn physical_lines(bytes: &[u8]) -> u64 {
    bytes.split_inclusive(|byte| *byte == b'\n').count() as u64
}

/// Bytes that are made of what a CSV is made of, so that strange cases are likely.
fn csv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"536365,85123A,\"A, B\",6,12/1/10 8:26,2.55,17850,France\n".to_vec()),
        Just(b"536365,85123A,12\" B,6,12/1/10 8:26,2.55,17850,France\r\n".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\"\"".to_vec()),
        Just(b",".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\xc2\xa3".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
        "[ -~]{0,20}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read_without_panic(bytes in csv_bytes()) {
        match rows(&bytes, &ReadOptions::default()) {
            Ok((rows, lines)) => prop_assert!(!rows.is_empty() && (rows.len() as u64) < lines),
            Err(error) => prop_assert!(!error.remedy().is_empty()),
        }
    }

    #[test]
    fn every_physical_line_is_part_of_one_row(body in csv_bytes()) {
        let bytes = [HEADER.as_bytes(), b"1,2,3,4,5,6,7,8\n", &body].concat();
        let (rows, lines) = rows(&bytes, &small(8 << 20, 1 << 16)).unwrap();
        prop_assert_eq!(lines, physical_lines(&bytes));
        prop_assert!((rows.len() as u64) < lines);
        for reject in rows.iter().filter_map(|row| row.as_ref().err()) {
            let start = usize::try_from(reject.byte).unwrap();
            let before = &bytes[..start];
            prop_assert!(before.is_empty() || before.ends_with(b"\n"));
            prop_assert_eq!(reject.line, physical_lines(before) + 1);
        }
    }

    #[test]
    fn the_size_of_the_buffers_changes_nothing(body in csv_bytes(), head in 1_usize..400, chunk in 1_usize..40) {
        let bytes = [HEADER.as_bytes(), b"1,2,3,4,5,6,7,8\n", &body].concat();
        let whole = rows(&bytes, &small(8 << 20, 1 << 16)).unwrap();
        // The head must hold the header at least.
        let pieces = rows(&bytes, &small(HEADER.len() + head, chunk)).unwrap();
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn quoted_text_comes_back_as_it_was(
        texts in proptest::collection::vec("[a-z\"£;|\n]{0,30}", 1..20),
    ) {
        let mut out = csv::WriterBuilder::new().from_writer(HEADER.as_bytes().to_vec());
        for (n, text) in texts.iter().enumerate() {
            let text = format!("x{text}x,");
            let invoice = n.to_string();
            out.write_record([&*invoice, "A", &text, "6", "12/1/10 8:26", "2.55", "", "France"]).unwrap();
        }
        let bytes = out.into_inner().unwrap();
        let (rows, _) = rows(&bytes, &small(8 << 20, 1 << 16)).unwrap();
        let read: Vec<String> = rows.iter().map(|row| row.as_ref().unwrap().0.description.to_string()).collect();
        let written: Vec<String> = texts.iter().map(|text| format!("x{text}x,")).collect();
        prop_assert_eq!(read, written);
    }
}

#[test]
fn a_closing_quote_far_below_does_not_swallow_the_rows_between() {
    let row = "1,A,B,6,12/1/10 8:26,2.55,,France\n";
    let open = "2,A,\"B,6,12/1/10 8:26,2.55,,France\n";
    let close = "3,A,RULER 12\",6,12/1/10 8:26,2.55,,France\n";
    let text = [HEADER, row, open, row, row, close, row].concat();
    let (rows, lines) = rows(text.as_bytes(), &small(8 << 20, 1 << 16)).unwrap();
    assert_eq!(lines, 7);
    let reasons: Vec<_> = rows
        .iter()
        .map(|r| r.as_ref().err().map(|r| (r.reason, r.line)))
        .collect();
    let unclosed = Some((Reason::UnclosedQuote, 3));
    assert_eq!(reasons, [None, unclosed, None, None, None, None]);
}

#[test]
fn bytes_are_counted_in_the_file_whatever_its_encoding() {
    let text = format!("{HEADER}1,A,£ é,6,12/13/10 8:26,2.55,,France\nbad\n");
    let expected_line = 3;
    let at = text.find("bad").unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    let chars = text.get(..at).unwrap().chars().count();
    for (bytes, byte) in [
        (text.clone().into_bytes(), at),
        (utf16, 2 + 2 * chars),
        (latin.into_owned(), chars),
    ] {
        let (rows, _) = rows(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(rows[0].as_ref().unwrap().0.description, "£ é");
        let reject = rows[1].as_ref().unwrap_err();
        assert_eq!((reject.line, reject.byte), (expected_line, byte as u64));
        assert_eq!(reject.reason, Reason::Ragged);
    }
}

#[test]
fn rejects_load_again_and_unreadable_ones_stay_rejects() {
    let text = format!(
        "{HEADER}C1,A,\"=1, 2\",-6,13/12/10 8:26,2.55,,France\n1,A,B,6,13/12/10 8:26,2.55,,France,MORE\n2,A,\"B,6,13/12/10 8:26,2.55,,France\n"
    );
    let options = ReadOptions::default();
    let mut reader =
        LineReader::of_bytes(text.into_bytes(), &options, &rules(), &routing()).unwrap();
    let layout = RowLayout::of(reader.plan());
    let mut rejects = Vec::new();
    let mut returned = None;
    while let Some(row) = reader.next().unwrap() {
        if let ReadRow::SetAside(aside) = row {
            returned = returned.or(aside.line.map(|record| record.line_id));
            rejects.push(aside.reject);
        }
    }
    assert_eq!(rejects.len(), 3);
    let mut out = Vec::new();
    assert_eq!(write_rejects_csv(&mut out, &layout, rejects).unwrap(), 3);
    let mut again = LineReader::of_bytes(out, &options, &rules(), &routing()).unwrap();
    let mut reasons = Vec::new();
    while let Some(row) = again.next().unwrap() {
        let ReadRow::SetAside(aside) = row else {
            panic!("a reject became a line by being saved");
        };
        if let Some(record) = aside.line {
            assert_eq!(Some(record.line_id), returned, "the same line as before");
            assert_eq!(record.line.description, "=1, 2");
        }
        reasons.push(aside.reject.reason);
    }
    let missing = Reason::MissingField;
    assert_eq!(reasons, [Reason::Cancellation, missing, missing]);
}
