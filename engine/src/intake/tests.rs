use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use rust_decimal::Decimal;
use rustc_hash::FxHashSet;

use super::*;
use crate::clean::{DecimalMark, Rule, Rules, Switch};
use crate::model::{LineId, PerRegion, Reason};
use crate::route::RoutingMap;

mod corpus;
mod properties;

fn asset(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../assets")
        .join(name)
}

fn rules() -> Rules {
    Rules::builtin().unwrap()
}

fn routing() -> Arc<RoutingMap> {
    Arc::new(RoutingMap::builtin().unwrap())
}

#[test]
fn the_real_file_gives_the_agreed_counts() {
    let path = asset("Online_Retail.csv.gz");
    let report = check(&path, &ReadOptions::default(), &rules(), &routing()).unwrap();
    assert_eq!(report.rows, 541_909);
    assert_eq!(report.totals.clean, 529_598);
    assert_eq!(report.totals.clean_amount, Decimal::new(10_660_634_504, 3));
    assert_eq!(
        report.totals.clean_by_region,
        PerRegion([526_735, 362, 2_501])
    );
    assert_eq!(
        report.totals.amount_by_region,
        PerRegion([10_425_701_574, 8_390_370, 226_542_560].map(|mills| Decimal::new(mills, 3)))
    );
    assert_eq!(report.plan.date_order.basis, Basis::Detected);
    assert!(
        report.plan.date_order.evidence.contains("26734"),
        "{:?}",
        report.plan.date_order
    );
    let expected = [
        (Reason::UnroutableCountry, 507),
        (Reason::Cancellation, 9_287),
        (Reason::NonpositiveQuantity, 1_336),
        (Reason::NonpositivePrice, 1_181),
    ];
    assert_eq!(report.totals.set_aside.iter().collect::<Vec<_>>(), expected);
    let copies = report.totals.rules.last().unwrap();
    assert_eq!((copies.rule, copies.moves), (Rule::Duplicate, 5_222));
    assert_eq!(report.totals.countries.len(), 38);
    let on = rules().with(Rule::Duplicate, Switch::On);
    let report = check(&path, &ReadOptions::default(), &on, &routing()).unwrap();
    assert_eq!(report.totals.clean, 524_376);
    assert_eq!(report.totals.set_aside.get(Reason::Duplicate), 5_222);
    assert_eq!(report.dates.first_for, Some(26_734));
    assert_eq!(report.dates.rows_against, 0);
}

#[test]
fn what_if_equals_a_second_reading_for_every_choice_of_rules_and_an_assigned_country() {
    let path = asset("Online_Retail_first_10k.csv");
    let unsorted = crate::route::RoutingMap::new(1, BTreeMap::new(), BTreeMap::new()).unwrap();
    let (options, all_off) = (ReadOptions::default(), rules());
    let report = check(&path, &options, &all_off, &Arc::new(unsorted)).unwrap();
    assert_eq!(report.totals.clean, 0);
    assert_eq!(
        report.totals.set_aside.get(Reason::UnroutableCountry),
        report.rows
    );
    for choice in 0..1_u32 << Rule::ALL.len() {
        let mut chosen = rules();
        for (bit, rule) in (0..).zip(Rule::ALL) {
            let switch = if choice >> bit & 1 == 1 {
                Switch::On
            } else {
                Switch::Off
            };
            chosen = chosen.with(rule, switch);
        }
        let read_again = check(&path, &options, &chosen, &routing()).unwrap();
        let told = report.what_if(&chosen, &routing());
        assert_eq!(told.clean, read_again.totals.clean);
        assert_eq!(told, read_again.totals, "choice {choice:b}");
    }
}

#[test]
fn a_check_tells_how_far_it_is_and_can_be_broken_off() {
    let path = asset("Online_Retail_first_10k.csv");
    let mut told = Vec::new();
    let mut watch = |progress: crate::intake::ReadProgress| {
        told.push(progress.rows);
        if told.len() < 3 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let options = ReadOptions::default();
    let ended = crate::intake::check_watched(&path, &options, &rules(), &routing(), &mut watch);
    assert!(ended.unwrap().is_none());
    assert_eq!(told, [0, 4_096, 8_192]);
}

#[test]
fn dates_that_the_head_leaves_open_are_settled_by_the_whole_file() {
    let text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
        1,A,x,1,1/2/2011 8:00,1.5,,France\n\
        2,A,x,1,2/13/2011 8:00,1.5,,France\n\
        3,A,x,1,14/2/2011 8:00,1.5,,France\n";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.csv");
    let more = "4,A,x,1,2011-03-01 8:00,1.5,,France\n".repeat(6);
    std::fs::write(&path, text.to_owned() + &more).unwrap();
    let mut options = ReadOptions::default();
    // Dates are looked at as long as two whole rows lie ahead.
    options.limits.record_bytes = 90;
    options.limits.head_bytes = 264;
    let report = check(&path, &options, &rules(), &routing()).unwrap();
    assert_eq!(report.plan.date_order.basis, Basis::Assumed);
    assert_eq!(
        (report.dates.rows_for, report.dates.first_for),
        (1, Some(3))
    );
    assert_eq!(
        (report.dates.rows_against, report.dates.first_against),
        (1, Some(4))
    );
}

/// How a file of prices is read, and what it adds up to.
fn of_prices(prices: &[&str], options: &ReadOptions) -> CheckReport {
    use std::fmt::Write as _;
    let mut text =
        "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country\n"
            .to_owned();
    for (row, price) in prices.iter().enumerate() {
        writeln!(text, "{row};A;x;2;2011-03-01 8:00;{price};;France").unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.csv");
    fs::write(&path, text).unwrap();
    check(&path, options, &rules(), &routing()).unwrap()
}

#[test]
fn the_decimal_mark_is_what_the_prices_show() {
    let detected = ReadOptions::default();
    let report = of_prices(&["2,55", "3", "0,001", "1,200"], &detected);
    assert_eq!(report.plan.decimal.value, DecimalMark::Comma);
    assert!(report.plan.has_warning(WarningCode::DecimalNotPoint));
    assert_eq!(report.totals.clean, 4);
    // Twice 2.55, 3, 0.001 and 1.2.
    assert_eq!(report.totals.clean_amount, Decimal::new(13_502, 3));

    let report = of_prices(&["2.55", "2,55", "1.20"], &detected);
    assert_eq!(report.plan.decimal.value, DecimalMark::Point);
    assert!(
        report
            .plan
            .decimal
            .evidence
            .contains("1 a comma and are set aside"),
        "{:?}",
        report.plan.decimal
    );
    assert_eq!(report.totals.set_aside.get(Reason::BadPrice), 1);

    // Thousands prove nothing: what may be either is set aside until a person says what it is.
    let report = of_prices(&["1,200", "3"], &detected);
    assert_eq!(report.plan.decimal.value, DecimalMark::Point);
    assert_eq!(report.totals.set_aside.get(Reason::BadPrice), 1);
    let chosen = ReadOptions {
        decimal: Some(DecimalMark::Comma),
        ..ReadOptions::default()
    };
    let report = of_prices(&["1,200", "3"], &chosen);
    assert_eq!(report.plan.decimal.basis, Basis::Given);
    assert_eq!(report.totals.clean_amount, Decimal::new(84, 1));
}

#[test]
fn numbers_of_a_row_that_was_set_aside_have_a_point_when_they_leave_their_file() {
    let layout = RowLayout {
        delimiter: Delimiter::Semicolon,
        decimal: DecimalMark::Comma,
        ..RowLayout::default()
    };
    let fields = |raw: &str| row_fields(raw, &layout).unwrap();
    let row = fields("1;A;2,5;6,0;2011-03-01 8:00;2,55;;Narnia");
    assert_eq!(row[Column::Quantity as usize], "6.0");
    assert_eq!(row[Column::UnitPrice as usize], "2.55");
    assert_eq!(row[Column::Description as usize], "2,5", "it is no number");
    let row = fields("1;A;x;6;2011-03-01 8:00;2.55;;Narnia");
    assert_eq!(row[Column::UnitPrice as usize], "2.55");
}

/// So many bytes of rows that are all different and all good, and how many rows they are.
fn good_rows(bytes: usize) -> (String, u64) {
    use std::fmt::Write as _;
    let (mut text, mut rows) = (String::new(), 0);
    while text.len() < bytes {
        let invoice = 500_000 + rows;
        writeln!(
            text,
            "{invoice},85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,France"
        )
        .unwrap();
        rows += 1;
    }
    (text, rows)
}

#[test]
fn a_line_that_runs_past_the_head_costs_no_row_before_or_behind_it() {
    let header =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.csv");
    let options = ReadOptions::default();
    let near_end = options.limits.head_bytes - (200 << 10);
    let (behind, rows_behind) = good_rows(4 << 10);
    let long_line = |piece: &str| piece.repeat(400 << 10) + "\n" + &behind;
    for (bytes, rest, reason, rows_behind) in [
        (5 << 20, "\0".repeat(4 << 20), Reason::TrailingNuls, 0),
        (near_end, long_line("x"), Reason::FieldTooLong, rows_behind),
        (
            near_end,
            long_line("x,"),
            Reason::RecordTooLong,
            rows_behind,
        ),
    ] {
        let (before, rows_before) = good_rows(bytes);
        fs::write(&path, [header, &before, &rest].concat()).unwrap();
        let mut reader = LineReader::open(&path, &options, &rules(), &routing()).unwrap();
        let (mut clean, mut aside) = (0, Vec::new());
        while let Some(row) = reader.next().unwrap() {
            match row {
                ReadRow::Clean(_) => clean += 1,
                ReadRow::SetAside(row) => aside.push((row.reject.reason, row.reject.line)),
            }
        }
        assert_eq!(aside, [(reason, rows_before + 2)]);
        assert_eq!(clean, rows_before + rows_behind, "{reason:?}");
        assert_eq!(reader.progress().lines, 1 + clean + 1);
    }
}

fn line_ids(name: &str) -> FxHashSet<LineId> {
    let options = ReadOptions::default();
    let mut reader = LineReader::open(&asset(name), &options, &rules(), &routing()).unwrap();
    let mut ids = FxHashSet::default();
    let mut lines = 0;
    while let Some(row) = reader.next().unwrap() {
        let record = match row {
            ReadRow::Clean(clean) => Some(clean.record),
            ReadRow::SetAside(aside) => aside.line,
        };
        if let Some(record) = record {
            ids.insert(record.line_id);
            lines += 1;
        }
    }
    assert_eq!(ids.len(), lines, "every line has an identity of its own");
    ids
}

#[test]
fn the_lines_of_the_sample_are_lines_of_the_whole_file() {
    let sample = line_ids("Online_Retail_first_10k.csv");
    assert_eq!(sample.len(), 10_000);
    assert!(sample.is_subset(&line_ids("Online_Retail.csv.gz")));
}

fn open(path: &Path) -> Result<LineReader, IntakeError> {
    LineReader::open(path, &ReadOptions::default(), &rules(), &routing())
}

#[test]
fn what_is_not_a_file_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        open(dir.path()),
        Err(IntakeError::Directory { .. })
    ));
    let missing = dir.path().join("missing.csv");
    assert!(matches!(open(&missing), Err(IntakeError::Open { .. })));
    let empty = dir.path().join("empty.csv");
    fs::write(&empty, "").unwrap();
    assert!(matches!(open(&empty), Err(IntakeError::Empty)));
    if Path::new("/dev/null").exists() {
        let device = open(Path::new("/dev/null"));
        assert!(matches!(device, Err(IntakeError::NotAFile { .. })));
    }
}

#[test]
fn damaged_and_nested_gzip_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(asset("Online_Retail.csv.gz")).unwrap();
    let cut = dir.path().join("cut.csv.gz");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let mut reader = open(&cut).unwrap();
    let mut rows = 0_u64;
    let error = loop {
        match reader.next() {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("a cut file came to a good end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, IntakeError::DamagedGzip { .. }), "{error}");
    assert!(rows > 200_000, "what could be unpacked was read");

    let nested = dir.path().join("nested.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&whole[..1_000]).unwrap();
    fs::write(&nested, encoder.finish().unwrap()).unwrap();
    let kind = ForeignKind::NestedGzip;
    assert!(matches!(open(&nested), Err(IntakeError::NotCsv { kind: k }) if k == kind));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("growing.csv");
    fs::copy(asset("Online_Retail_first_10k.csv"), &path).unwrap();
    let before = Fingerprint::of(&path).unwrap();
    let mut reader = open(&path).unwrap();
    while reader.next().unwrap().is_some() {}
    reader.finish_check().unwrap();
    assert_eq!(Fingerprint::of(&path).unwrap(), before);
    let progress = reader.progress();
    assert_eq!((progress.rows, progress.lines), (10_000, 10_001));
    assert_eq!(progress.bytes, progress.total_bytes);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"\nmore").unwrap();
    let changed = reader.finish_check();
    assert!(matches!(changed, Err(IntakeError::Changed { .. })));
    assert_ne!(Fingerprint::of(&path).unwrap(), before);
}

#[test]
fn the_preview_of_the_real_file_reads_its_head_only() {
    let path = asset("Online_Retail.csv.gz");
    let shown = preview(&path, &ReadOptions::default(), &rules(), &routing(), 100).unwrap();
    assert_eq!(shown.rows.len(), 100);
    assert!(!shown.whole_file);
    assert!((90_000..110_000).contains(&shown.head_rows));
    assert_eq!(
        shown.head_clean + shown.head_set_aside.total(),
        shown.head_rows
    );
    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["plan"]["date_order"]["value"], "month_first");
    assert_eq!(
        json["rows"][0]["outcome"]["clean"]["line"]["invoice_no"],
        "536365"
    );
}
