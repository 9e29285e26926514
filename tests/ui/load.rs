//! The load page: from a file to a closed ledger, and everything that goes wrong on the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId};
use retail_console::actions::Action;
use retail_console::prefs::ThemeChoice;
use retail_console::runbook::Outcome;
use retail_console::views::format;
use retail_engine::clean::{Rule, Rules, Switch};
use retail_engine::flow::{CheckRequest, LoadState};
use retail_engine::handle::{Command, LoadPace};
use retail_engine::intake::{CheckReport, ReadOptions};

use crate::Desk;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const LOAD: &str = "Load the file";

/// A file of these rows, whose dates leave nothing open.
fn write(dir: &Path, name: &str, rows: &[&str]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    path
}

fn row(invoice: u32, country: &str) -> String {
    format!("{invoice},85123A,LANTERN,6,2010-12-01 08:26:00,2.55,17850,{country}")
}

/// What the engine says of a file, read once more beside the console.
fn check(desk: &Desk, file: &Path, rules: Rules) -> Box<CheckReport> {
    let request = CheckRequest {
        file: file.to_owned(),
        options: ReadOptions::default(),
        rules,
    };
    let answer = desk
        .engine()
        .ask(|reply| Command::Check(Box::new(request), reply));
    answer.wait().unwrap().unwrap()
}

fn open(desk: &mut Desk, file: &Path) {
    let open = Action::Open(file.to_owned());
    desk.harness.state_mut().push(open);
    desk.frame();
}

/// Both themes at both sizes, for those who look.
fn shots(desk: &mut Desk, name: &str) {
    for (theme, word) in [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")] {
        desk.harness.state_mut().push(Action::Theme(theme));
        for (width, height) in [(1280.0, 720.0), (1440.0, 900.0)] {
            desk.resize(width, height);
            desk.frame();
            desk.shot(&format!("load-{name}-{word}-{width}"));
        }
    }
}

fn is_blocked(desk: &Desk) -> bool {
    use egui_kittest::kittest::NodeT as _;
    let button = desk.control(LOAD).unwrap();
    button.accesskit_node().is_disabled()
}

/// The label on the screen that begins like this.
#[test]
fn the_real_file_goes_from_the_first_start_to_a_closed_ledger_by_clicks() {
    let mut desk = Desk::with(|_| (), |_| vec![retail_tests::full_file()]);
    desk.resize(1440.0, 900.0);
    desk.click("Open CSV\u{2026}");
    desk.until_seen("Whole file checked");
    let report = check(&desk, &retail_tests::full_file(), Rules::builtin().unwrap());
    let totals = &report.totals;
    desk.until_seen(&format::count(totals.clean));
    for seen in [
        format!("{} rows", format::count(report.rows)),
        format::money(totals.clean_amount),
        "month/day/year".to_owned(),
        "8 of 8 matched".to_owned(),
        "set aside: Unspecified, European Community".to_owned(),
    ] {
        assert!(desk.sees(&seen), "{seen} in {:?}", desk.words());
    }
    assert!(!is_blocked(&desk));
    shots(&mut desk, "check");
    desk.key(Modifiers::NONE, Key::F3);
    desk.until_seen("cancellation");
    desk.click(LOAD);
    desk.until_seen("Every one of 541\u{2009}909 rows is accounted for");
    let ledger = desk.snapshot().ledger.clone().unwrap();
    assert!(ledger.is_closed());
    for count in [
        ledger.intake.read,
        ledger.produced,
        ledger.written,
        ledger.quarantine_written,
    ] {
        assert!(desk.sees(&format::count(count)), "{count}");
    }
    shots(&mut desk, "ledger");
    let act = desk.harness.state().runbook().acts()[0].clone();
    let file = retail_tests::full_file().display().to_string();
    assert_eq!(act.args.unwrap(), ["load".to_owned(), file]);
    assert!(matches!(act.outcome, Outcome::Done(_)), "{:?}", act.outcome);
    desk.click("Step 1: Open");
    desk.until_seen("New lines");
    assert!(desk.sees("closed"));
    shots(&mut desk, "open");
}

#[test]
fn an_override_reads_the_preview_again_and_can_be_taken_back() {
    let mut desk = Desk::empty();
    let file = write(desk.dir.path(), "a.csv", &[&row(1, "France")]);
    open(&mut desk, &file);
    desk.until_seen("Whole file checked");
    desk.click("Delimiter");
    desk.click("Semicolon ;");
    desk.until_seen("This file cannot be loaded");
    assert!(desk.sees("the header lacks InvoiceNo"));
    desk.shot("load-refused-columns");
    desk.click("Detect everything again");
    desk.until_seen("8 of 8 matched");
    desk.until_seen("Whole file checked");
}

#[test]
fn a_decimal_comma_is_seen_and_its_prices_are_sales() {
    let mut desk = Desk::empty();
    let path = desk.dir.path().join("comma.csv");
    let text = "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country\n\
        1;A;x;2;2011-03-01 8:00;2,55;17850;France\n\
        2;A;x;1;2011-03-01 8:00;0,5;17850;Germany\n";
    std::fs::write(&path, text).unwrap();
    open(&mut desk, &path);
    desk.until_seen("Whole file checked");
    desk.until_seen("line 2 is the first of 2 prices with a comma; 0 have a point");
    desk.until_seen("\u{a3}5.60");
    desk.shot("load-decimal-comma");
    desk.click("Decimal");
    desk.click("Point .");
    desk.until_seen("2 set aside: 2 not a price");
    desk.click("Detect everything again");
    desk.until_seen("\u{a3}5.60");
}

#[test]
fn a_file_whose_dates_fit_both_orders_waits_for_a_choice() {
    let mut desk = Desk::empty();
    open(&mut desk, &retail_tests::sample_file());
    desk.until_seen("choose the date order");
    desk.until_seen("Whole file checked");
    assert!(desk.sees("choose the date order") && is_blocked(&desk));
    desk.shot("load-ambiguous");
    desk.click("Dates");
    desk.click("month/day/year");
    desk.until("the file can be loaded", |desk| !is_blocked(desk));
    assert!(!desk.sees("choose the date order"));
}

#[test]
fn a_switched_rule_changes_the_totals_at_once_and_undo_brings_them_back() {
    let mut desk = Desk::empty();
    let file = retail_tests::sample_file();
    open(&mut desk, &file);
    desk.until_seen("Lines to load");
    let rules = Rules::builtin().unwrap();
    let before = check(&desk, &file, rules).totals;
    let after = check(&desk, &file, rules.with(Rule::Duplicate, Switch::On)).totals;
    assert_ne!(before.clean, after.clean);
    assert!(desk.sees(&format::money(before.clean_amount)));
    desk.click("Exact copies");
    desk.until_seen(&format::count(after.clean));
    assert!(desk.sees(&format::money(after.clean_amount)));
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until_seen(&format::money(before.clean_amount));
}

#[test]
fn an_unknown_country_is_assigned_and_that_is_taken_back() {
    let mut desk = Desk::empty();
    let rows = [row(1, "France"), row(2, "Narnia"), row(3, "Narnia")];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = write(desk.dir.path(), "a.csv", &rows);
    open(&mut desk, &file);
    desk.until_seen("set aside: Narnia");
    desk.click("Assign countries");
    desk.shot("load-routing");
    desk.click("Put Narnia in Americas");
    desk.until_seen("Every country of the file has a region.");
    let version = |desk: &Desk| {
        let view = desk.engine().ask(Command::Routing).wait().unwrap();
        (view.map.version(), view.map.region_of("narnia"))
    };
    let (assigned, region) = version(&desk);
    assert_eq!(region, Some(retail_engine::model::Region::Americas));
    desk.click("Undo last change");
    desk.until_seen("rows, set aside until assigned");
    assert_eq!(version(&desk), (assigned + 1, None));
    desk.click("Put Narnia in Europe");
    desk.until_seen("Every country of the file has a region.");
    desk.click("Close the map");
    desk.until_seen("every country has a region");
    desk.click(LOAD);
    desk.until_seen("Every one of 3 rows is accounted for");
    assert_eq!(desk.snapshot().lines, 3);
}

#[test]
fn a_load_is_paused_resumed_cancelled_and_goes_on_where_it_stood() {
    let mut desk = Desk::empty();
    desk.resize(1440.0, 900.0);
    open(&mut desk, &retail_tests::sample_file());
    desk.until_seen("choose the date order");
    desk.click("Dates");
    desk.click("month/day/year");
    desk.until_seen("Lines to load");
    desk.type_into("Lines per second", "300");
    desk.click(LOAD);
    let read = |desk: &Desk| {
        let snapshot = desk.snapshot();
        snapshot
            .load
            .as_ref()
            .map_or(0, |load| load.ledger.intake.read)
    };
    desk.until("rows are read", |desk| read(desk) > 500);
    assert_eq!(desk.snapshot().rate_limit, Some(300));
    shots(&mut desk, "running");
    desk.click("Pause");
    let pace = |desk: &Desk| desk.snapshot().load.as_ref().map(|load| load.pace);
    desk.until("it is paused", |desk| pace(desk) == Some(LoadPace::Paused));
    desk.until_seen("paused");
    let all_written = |desk: &Desk| {
        let snapshot = desk.snapshot();
        let load = snapshot.load.as_ref().unwrap();
        load.ledger.gaps().is_empty()
    };
    desk.until("what was in flight is written", all_written);
    let (held, then) = (read(&desk), desk.snapshot().at);
    desk.until("another sample", |desk| {
        desk.snapshot().at - then > chrono::TimeDelta::milliseconds(600)
    });
    assert_eq!(read(&desk), held, "a paused load reads nothing");
    desk.click("Resume");
    desk.until("it goes on", |desk| read(desk) > held);
    desk.click("Cancel load\u{2026}");
    desk.until_seen("again to go on after row");
    desk.shot("load-cancel");
    // Its words follow the rows while they are read.
    let end = |desk: &Desk| {
        let word = desk
            .words()
            .into_iter()
            .find(|word| word.starts_with("End after"));
        word.filter(|word| desk.control(word).is_some())
    };
    desk.until("it can be ended", |desk| end(desk).is_some());
    let label = end(&desk).unwrap();
    desk.control(&label).unwrap().click();
    desk.frame();
    desk.frame();
    desk.until_seen("The load was cancelled after");
    desk.until("it is over", |desk| desk.snapshot().load.is_none());
    let cancelled = desk.snapshot().loads[0].clone();
    assert_eq!(cancelled.state, LoadState::Cancelled);
    assert!((1..10_000).contains(&cancelled.intake.read));
    desk.shot("load-cancelled");
    desk.click("Load again");
    desk.until("it runs again", |desk| desk.snapshot().load.is_some());
    desk.click("No limit");
    desk.until_seen("Every one of 10\u{2009}000 rows is accounted for");
    let loads = desk.snapshot().loads.clone();
    assert_eq!(loads.len(), 1, "it is the same load");
    assert_eq!(loads[0].intake.read, 10_000);
    assert!(desk.snapshot().ledger.as_ref().unwrap().is_closed());
    desk.until_seen("Went on after row");
    desk.shot("load-resumed");
}

#[test]
fn the_same_file_again_says_0_new_lines() {
    let mut desk = Desk::empty();
    let file = write(
        desk.dir.path(),
        "a.csv",
        &[&row(1, "France"), &row(2, "Spain")],
    );
    desk.load(file.clone());
    open(&mut desk, &file);
    desk.until_seen("loaded before as L-0001; nothing doubles");
    desk.click(LOAD);
    desk.until_seen("The ledger closes: 0 new lines. All 2 lines were stored before.");
    assert_eq!(desk.snapshot().ledger.as_ref().unwrap().new_lines(), 0);
    desk.click("Step 1: Open");
    desk.until_seen("L-0002");
    desk.shot("load-open");
}

#[test]
fn files_that_are_no_data_are_refused_with_what_to_do() {
    let mut desk = Desk::empty();
    let corpus = retail_tests::root().join("engine/tests/data/bad_csv");
    let mut files: Vec<PathBuf> = [
        "12_header_only.csv",
        "13_newline_only.csv",
        "15_missing_column.csv",
        "19_dup_header.csv",
        "73_zip_named_csv.csv",
        "75_pdf.csv",
        "76_html_error_page.csv",
        "78_json.csv",
        "79_long_line_no_newline_1MiB.csv",
    ]
    .map(|name| corpus.join(name))
    .to_vec();
    let empty = desk.dir.path().join("empty.csv");
    std::fs::write(&empty, "").unwrap();
    files.extend([empty, corpus.clone(), corpus.join("no such file.csv")]);
    for file in files {
        let request = CheckRequest {
            file: file.clone(),
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
        };
        let asked = |reply| Command::Preview(Box::new(request), 1, reply);
        let error = desk.engine().ask(asked).wait().unwrap().unwrap_err();
        open(&mut desk, &file);
        desk.until_seen(&error.to_string());
        assert!(desk.sees(error.remedy()), "{}", file.display());
        desk.until_seen("refused");
        assert!(is_blocked(&desk), "{}", file.display());
    }
    desk.shot("load-refused");
    assert!(desk.snapshot().loads.is_empty());
}

#[test]
fn one_row_is_a_load_and_a_file_of_which_nothing_flows_is_not_called_done() {
    let mut desk = Desk::empty();
    let one = write(desk.dir.path(), "one.csv", &[&row(1, "France")]);
    open(&mut desk, &one);
    desk.click(LOAD);
    desk.until_seen("Every one of 1 rows is accounted for");
    let none = write(desk.dir.path(), "none.csv", &[&row(2, "Narnia")]);
    open(&mut desk, &none);
    desk.click(LOAD);
    desk.until_seen("Nothing was loaded: all 1 rows were set aside.");
    desk.shot("load-nothing");
}

#[test]
fn a_file_that_vanishes_is_an_error_and_loads_once_it_is_back() {
    let mut desk = Desk::empty();
    let file = write(desk.dir.path(), "a.csv", &[&row(1, "France")]);
    open(&mut desk, &file);
    desk.until_seen("Whole file checked");
    let text = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    desk.click(LOAD);
    desk.until_seen("The load did not go through");
    assert!(desk.sees("the file cannot be opened"));
    desk.shot("load-failed");
    std::fs::write(&file, text).unwrap();
    desk.click("Load again");
    desk.until_seen("Every one of 1 rows is accounted for");
    let acts = desk.harness.state().runbook().acts().to_vec();
    assert!(matches!(acts[0].outcome, Outcome::Failed(_)));
    assert!(matches!(acts[1].outcome, Outcome::Done(_)));
}

#[test]
fn a_column_of_another_name_is_named_by_hand_and_the_runbook_says_so() {
    let mut desk = Desk::empty();
    let path = desk.dir.path().join("a.csv");
    let header = HEADER.replace("UnitPrice", "Stueckpreis");
    std::fs::write(&path, format!("{header}\n{}\n", row(1, "France"))).unwrap();
    open(&mut desk, &path);
    desk.until_seen("the header lacks UnitPrice");
    desk.click("UnitPrice");
    desk.click("Stueckpreis");
    desk.until_seen("8 of 8 matched");
    desk.click(LOAD);
    desk.until_seen("Every one of 1 rows is accounted for");
    let args = desk.harness.state().runbook().acts()[0]
        .args
        .clone()
        .unwrap();
    assert_eq!(args[2..], ["--column", "UnitPrice=Stueckpreis"]);
}

/// A file as the desktop drops it.
#[derive(Debug)]
struct Dropped(PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the console reads files itself".to_owned())
    }
}

#[test]
fn files_dropped_together_are_a_load_each() {
    let mut desk = Desk::empty();
    let files: Vec<PathBuf> = (1..=3)
        .map(|n| write(desk.dir.path(), &format!("{n}.csv"), &[&row(n, "France")]))
        .collect();
    for file in &files {
        let file = Arc::new(Dropped(file.clone()));
        desk.harness.input_mut().dropped_files.push(file);
    }
    desk.until_seen("2 more wait: 2.csv, 3.csv");
    desk.click("Load all 3 files");
    desk.until("three loads are closed", |desk| {
        let snapshot = desk.snapshot();
        let all = &snapshot.loads;
        all.len() == 3 && all.iter().all(|load| load.state == LoadState::Produced)
    });
    desk.until_seen("The ledger closes");
    assert_eq!(desk.snapshot().lines, 3);
    let loaded: Vec<PathBuf> = desk
        .snapshot()
        .loads
        .iter()
        .map(|load| load.file.clone())
        .collect();
    assert_eq!(loaded, files);
}

#[test]
fn a_window_that_is_closed_during_a_load_asks_and_the_load_resumes_next_time() {
    let slow = |settings: &mut retail_engine::config::Settings| {
        settings.flow.rate_limit = Some(1_000);
    };
    let mut desk = Desk::with(slow, |_| Vec::new());
    open(&mut desk, &retail_tests::sample_file());
    desk.click("Dates");
    desk.click("month/day/year");
    desk.click(LOAD);
    desk.until("rows are stored", |desk| {
        desk.snapshot()
            .load
            .as_ref()
            .is_some_and(|load| load.ledger.written > 0)
    });
    let close = |desk: &mut Desk| {
        let viewports = &mut desk.harness.input_mut().viewports;
        let root = viewports.entry(ViewportId::ROOT).or_default();
        root.events.push(ViewportEvent::Close);
    };
    let sent = |desk: &Desk, command: &ViewportCommand| {
        let output = &desk.harness.output().viewport_output;
        output[&ViewportId::ROOT].commands.contains(command)
    };
    close(&mut desk);
    desk.frame();
    assert!(sent(&desk, &ViewportCommand::CancelClose));
    desk.until_seen("End the load and close?");
    assert!(desk.sees("nothing doubles"));
    desk.shot("load-close");
    desk.click("Cancel");
    desk.until("it runs on", |desk| {
        !desk.sees("End the load and close?") && desk.snapshot().load.is_some()
    });
    close(&mut desk);
    desk.until_seen("End the load and close?");
    desk.click("End the load and close");
    desk.until("the window closes", |desk| {
        sent(desk, &ViewportCommand::Close)
    });
    assert!(desk.snapshot().load.is_none());
    assert_eq!(desk.snapshot().loads[0].state, LoadState::Cancelled);
}
