//! Every file of the corpus of broken exports, against what its row in `EXPECT.tsv` asks for.

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::model::Line;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad_csv")
}

/// What became of a file.
struct Outcome {
    plan: ReadPlan,
    clean: Vec<Line>,
    aside: Vec<(Reason, u64, Option<String>, String)>,
}

fn read(name: &str) -> Result<Outcome, IntakeError> {
    let path = folder().join(name);
    let mut reader = LineReader::open(&path, &ReadOptions::default(), &rules(), &routing())?;
    let (mut clean, mut aside) = (Vec::new(), Vec::new());
    while let Some(row) = reader.next()? {
        match row {
            ReadRow::Clean(line) => clean.push(line.record.line.to_owned()),
            ReadRow::SetAside(row) => {
                let reject = row.reject;
                aside.push((reject.reason, reject.line, reject.column, reject.raw));
            }
        }
    }
    let plan = reader.plan().clone();
    reader.finish_check()?;
    Ok(Outcome { plan, clean, aside })
}

fn reads(name: &str, clean: usize, aside: &[(Reason, u64)]) -> Outcome {
    let outcome = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let found: Vec<_> = outcome.aside.iter().map(|a| (a.0, a.1)).collect();
    assert_eq!(found, aside, "{name}");
    assert_eq!(outcome.clean.len(), clean, "{name}");
    outcome
}

fn refused(name: &str) -> IntakeError {
    match read(name) {
        Ok(_) => panic!("{name} was read"),
        Err(error) => {
            assert!(!error.remedy().is_empty(), "{name}");
            error
        }
    }
}

/// A file, its clean rows, and reason and line of those set aside.
type Expectation = (&'static str, usize, &'static [(Reason, u64)]);

const CLEAN: &[(Reason, u64)] = &[];

#[test]
fn whole_files_of_every_form_are_read() {
    let clean = reads("00_clean.csv", 10, CLEAN);
    assert!(clean.plan.has_warning(WarningCode::DateOrderAssumed));
    assert_eq!(clean.plan.warnings.len(), 1);
    for name in [
        "01_crlf.csv",
        "04_bom_utf8.csv",
        "06_utf16be_bom.csv",
        "07_utf16le_nobom.csv",
        "16_renamed_column.csv",
        "18_case_space_header.csv",
        "22_sep_line.csv",
        "24_semicolon.csv",
        "25_tab.csv",
    ] {
        let outcome = reads(name, 10, CLEAN);
        assert_eq!(outcome.clean, clean.clean, "{name}");
    }
    let warned = |name: &str, code| reads(name, 10, CLEAN).plan.has_warning(code);
    assert!(warned("24_semicolon.csv", WarningCode::DelimiterNotComma));
    assert!(warned("25_tab.csv", WarningCode::DelimiterNotComma));
    assert!(warned("06_utf16be_bom.csv", WarningCode::EncodingNotUtf8));
    let name = "03_no_final_newline.csv";
    assert!(warned(name, WarningCode::FileNoFinalNewline));
    let plan = reads("04_bom_utf8.csv", 10, CLEAN).plan;
    assert_eq!(plan.header[0].name, "InvoiceNo");
}

#[test]
fn files_without_rows_to_read_are_refused_with_the_reason() {
    assert!(matches!(
        refused("12_header_only.csv"),
        IntakeError::NoDataRows
    ));
    assert!(matches!(refused("13_newline_only.csv"), IntakeError::Empty));
    let error = refused("15_missing_column.csv");
    assert!(error.to_string().contains("CustomerID"), "{error}");
    let error = refused("19_dup_header.csv");
    assert!(error.to_string().contains("Country"), "{error}");
    assert!(matches!(error, IntakeError::DuplicateColumn { .. }));
    assert!(matches!(
        refused("79_long_line_no_newline_1MiB.csv"),
        IntakeError::HeaderTooLong { .. }
    ));
    for (name, expected) in [
        ("73_zip_named_csv.csv", ForeignKind::Zip),
        ("75_pdf.csv", ForeignKind::Pdf),
        ("76_html_error_page.csv", ForeignKind::Html),
        ("78_json.csv", ForeignKind::Json),
    ] {
        let error = refused(name);
        assert!(
            matches!(error, IntakeError::NotCsv { kind } if kind == expected),
            "{name}: {error}"
        );
    }
    let packed = reads("72_gzip_named_csv.csv", 10, CLEAN);
    assert_eq!(packed.plan.packing, Packing::Gzip);
}

#[test]
fn a_broken_row_costs_only_itself() {
    use Reason as R;
    let table: &[Expectation] = &[
        ("10_mixed_encodings.csv", 11, &[(R::BadEncoding, 12)]),
        (
            "21_header_repeated_midfile.csv",
            10,
            &[(R::HeaderRepeat, 7)],
        ),
        ("27_unclosed_quote_mid.csv", 10, &[(R::UnclosedQuote, 7)]),
        (
            "28_unclosed_quote_lastcol.csv",
            10,
            &[(R::UnclosedQuote, 7)],
        ),
        ("30_quote_midfield.csv", 11, CLEAN),
        ("33_ragged_short.csv", 10, &[(R::Ragged, 7)]),
        ("34_ragged_long.csv", 10, &[(R::Ragged, 7)]),
        (
            "36_blank_lines.csv",
            10,
            &[(R::Blank, 7), (R::Blank, 8), (R::Blank, 9)],
        ),
        ("37_only_commas.csv", 10, &[(R::Blank, 7)]),
        ("39_nul_in_field.csv", 10, &[(R::ControlChar, 7)]),
        ("40_nul_padding_tail.csv", 10, &[(R::TrailingNuls, 12)]),
        ("42_huge_field_2MiB.csv", 10, &[(R::FieldTooLong, 7)]),
        ("43_many_columns_10k.csv", 10, &[(R::Ragged, 7)]),
        ("45_qty_i32_overflow.csv", 10, &[(R::QuantityOutOfRange, 7)]),
        ("46_qty_i64_overflow.csv", 10, &[(R::QuantityOutOfRange, 7)]),
        ("48_qty_thousands.csv", 10, &[(R::BadQuantity, 7)]),
        ("49_qty_negative.csv", 10, &[(R::NonpositiveQuantity, 7)]),
        ("51_cancel.csv", 10, &[(R::Cancellation, 7)]),
        // A bad debt with a price above 0 passes the rules as agreed; that it is no product is
        // for analytics to say.
        ("52_adjust_bad_debt.csv", 11, &[(R::NonpositivePrice, 13)]),
        (
            "54_price_nan.csv",
            10,
            &[
                (R::BadPrice, 12),
                (R::BadPrice, 13),
                (R::BadPrice, 14),
                (R::BadPrice, 15),
                (R::BadPrice, 16),
            ],
        ),
        // An exponent, hexadecimal and grouping are refused; a plus sign and spaces are read.
        (
            "55_price_exp_hex.csv",
            12,
            &[(R::BadPrice, 12), (R::BadPrice, 13), (R::BadPrice, 14)],
        ),
        ("57_price_currency.csv", 10, &[(R::BadPrice, 7)]),
        // A zone, a serial number and a month's name are refused.
        (
            "63_dates_mixed.csv",
            3,
            &[(R::BadDate, 5), (R::BadDate, 6), (R::BadDate, 7)],
        ),
        (
            "66_country_unknown.csv",
            14,
            &[
                (R::UnroutableCountry, 12),
                (R::UnroutableCountry, 13),
                (R::UnroutableCountry, 14),
            ],
        ),
    ];
    for (name, clean, aside) in table {
        reads(name, *clean, aside);
    }
    let torn = reads("40_nul_padding_tail.csv", 10, &[(R::TrailingNuls, 12)]);
    assert!(torn.plan.has_warning(WarningCode::FileTrailingNuls));
    let bare = reads("30_quote_midfield.csv", 11, CLEAN);
    assert!(bare.plan.has_warning(WarningCode::BareQuote));
    let huge = reads("42_huge_field_2MiB.csv", 10, &[(R::FieldTooLong, 7)]);
    assert_eq!(huge.aside[0].3.len(), RAW_BYTES_MAX);
}

#[test]
fn what_a_row_says_is_preserved() {
    let description = |name: &str, rows: usize, at: usize| {
        let outcome = reads(name, rows, CLEAN);
        outcome.clean[at].description.to_string()
    };
    assert_eq!(
        description("09_utf8_pound.csv", 11, 5),
        "Dotcomgiftshop Gift Voucher £20.00"
    );
    assert_eq!(
        description("31_doubled_quotes.csv", 11, 5),
        "12\" RULER, WOOD"
    );
    assert_eq!(description("30_quote_midfield.csv", 11, 5), "12\" RULER");
    let formulas = reads("67_formula.csv", 15, CLEAN);
    let texts: Vec<_> = formulas.clean[10..]
        .iter()
        .map(|l| &*l.description)
        .collect();
    // The tab before the last is white space around a field.
    assert_eq!(
        texts,
        ["=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(A1)", "=1"]
    );
    let unicode = reads("69_unicode_bidi_zwj.csv", 14, CLEAN);
    let texts: Vec<_> = unicode.clean[10..]
        .iter()
        .map(|l| &*l.description)
        .collect();
    assert_eq!(texts[0], "\u{202e}gpj.exe");
    assert_eq!(texts[2], "e\u{301} vs \u{e9}", "not normalised");
    assert_eq!(texts[3], "\u{a0}HEART\u{a0}");
    let subcent = reads("58_price_subcent.csv", 11, CLEAN);
    assert_eq!(subcent.clean[5].unit_price, Decimal::new(1, 3));
    let customer = reads("60_customer_float.csv", 11, CLEAN);
    assert_eq!(customer.clean[5].customer.as_deref(), Some("17850"));
    let guest = reads("61_customer_blank.csv", 11, CLEAN);
    assert_eq!(guest.clean[5].customer, None);
    let countries = read("66_country_unknown.csv").unwrap();
    let names: Vec<_> = countries.clean[10..].iter().map(|l| &*l.country).collect();
    assert_eq!(names, ["United Kingdom", "United Kingdom", "EIRE", "RSA"]);
    let torn = read("10_mixed_encodings.csv").unwrap();
    assert_eq!(torn.clean[10].description, "£");
}

#[test]
fn one_proof_of_day_first_decides_the_file() {
    let outcome = reads("64_dates_dmy.csv", 2, CLEAN);
    let times: Vec<_> = outcome
        .clean
        .iter()
        .map(|line| line.invoice_time.to_string())
        .collect();
    assert_eq!(times, ["2010-12-13 08:26:00", "2010-12-01 08:26:00"]);
    assert_eq!(outcome.plan.date_order.basis, Basis::Detected);
    let path = folder().join("64_dates_dmy.csv");
    let options = ReadOptions {
        date_order: Some(crate::clean::DateOrder::MonthFirst),
        ..ReadOptions::default()
    };
    let report = check(&path, &options, &rules(), &routing()).unwrap();
    assert_eq!(report.totals.set_aside.get(Reason::AmbiguousDate), 1);
    assert_eq!(report.totals.clean, 1);
}

#[test]
fn exact_copies_are_kept_by_default_and_set_aside_by_the_rule() {
    let path = folder().join("70_exact_duplicates.csv");
    let options = ReadOptions::default();
    let report = check(&path, &options, &rules(), &routing()).unwrap();
    assert_eq!(report.totals.clean, 13);
    let on = rules().with(Rule::Duplicate, Switch::On);
    let report = check(&path, &options, &on, &routing()).unwrap();
    assert_eq!(report.totals.clean, 10);
    assert_eq!(report.totals.set_aside.get(Reason::Duplicate), 3);
}

#[test]
fn the_preview_of_every_file_is_its_load() {
    let expected = fs::read_to_string(folder().join("EXPECT.tsv")).unwrap();
    let listed: BTreeSet<String> = expected
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(listed.len(), 54);
    for name in &listed {
        let quoted = format!("\"{name}\"");
        assert!(
            include_str!("corpus.rs").contains(&quoted),
            "{name} has no expectation"
        );
        let path = folder().join(name);
        let options = ReadOptions::default();
        let shown = preview(&path, &options, &rules(), &routing(), usize::MAX);
        let (Ok(shown), Ok(loaded)) = (&shown, &read(name)) else {
            assert!(shown.is_err() && read(name).is_err(), "{name}");
            continue;
        };
        assert!(shown.whole_file, "{name}");
        assert_eq!(shown.plan, loaded.plan, "{name}");
        let mut clean = Vec::new();
        let mut aside = Vec::new();
        for row in &shown.rows {
            match &row.outcome {
                PreviewOutcome::Clean { line, .. } => clean.push(line.clone()),
                PreviewOutcome::SetAside(reject) => aside.push(reject.reason),
            }
        }
        let loaded_aside: Vec<_> = loaded.aside.iter().map(|a| a.0).collect();
        assert_eq!((&clean, &aside), (&loaded.clean, &loaded_aside), "{name}");
    }
}
