//! Rows that were set aside: seen, mended, sent again, saved; and the path of a row.

use std::path::PathBuf;

use eframe::egui::{Key, Modifiers};
use retail_console::actions::Action;
use retail_console::prefs::ThemeChoice;
use retail_console::runbook::Outcome;
use retail_engine::clean::{Rule, Rules, Switch};
use retail_engine::flow::{Fix, FixRule, PassportQuery, RejectFilter, RejectPage};
use retail_engine::handle::Command;
use retail_engine::model::{LoadId, Reason, RowNo};
use retail_tests::{full_file, sample_file};

use crate::Desk;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Three rows of a country that is not on the map, one of which is a copy of a clean row but for
/// that, a price with a letter, a cancellation, a quantity of 0.
const PLANTED: &str = "\
536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536366,22633,HAND WARMER,2,12/1/2010 8:28,1.85,17850,Narnia
536366,22632,\"WARMER, RED\",3,12/1/2010 8:28,2.00,17850,Narnia
536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,Narnia
536367,84879,BIRD,32,1/2/2011 8:34,1.6O,13047,France
C536379,D,Discount,-1,12/1/2010 9:41,27.50,14527,United Kingdom
536368,22960,JAM,0,12/1/2010 8:34,4.25,13047,United Kingdom
";

fn planted(desk: &Desk, rows: &str) -> PathBuf {
    let file = desk.dir.path().join("planted.csv");
    std::fs::write(&file, format!("{HEADER}{rows}")).unwrap();
    file
}

/// The page Quality after a load of these rows.
fn with_rows(rows: &str, answers: &[&str]) -> Desk {
    let mut desk = Desk::with(
        |_| (),
        |dir| answers.iter().map(|name| dir.join(name)).collect(),
    );
    let file = planted(&desk, rows);
    desk.load(file);
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("Which rows were set aside");
    desk
}

fn count(rows: u64) -> String {
    retail_console::views::format::count(rows)
}

fn page(desk: &Desk, filter: RejectFilter) -> RejectPage {
    let answer = desk
        .engine()
        .ask(|reply| Command::RejectPage(Box::new(filter), reply));
    answer.wait().unwrap().unwrap()
}

fn fixes(desk: &Desk) -> Vec<Fix> {
    desk.engine().ask(Command::Fixes).wait().unwrap()
}

fn shots(desk: &mut Desk, name: &str) {
    for (theme, word) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        desk.harness.state_mut().push(Action::Theme(theme));
        for (width, height) in [(1440.0, 900.0), (1280.0, 720.0)] {
            desk.resize(width, height);
            desk.frame();
            desk.shot(&format!("quality-{name}-{word}-{width}"));
        }
    }
    desk.harness
        .state_mut()
        .push(Action::Theme(ThemeChoice::Dark));
    desk.frame();
}

#[test]
fn the_reasons_on_the_screen_add_up_to_the_ledger_and_lead_to_their_rows() {
    let mut desk = Desk::empty();
    desk.load(sample_file());
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("Each row counts once, under its first reason");
    let ledger = desk.snapshot().ledger.clone().unwrap();
    let aside = ledger.intake.set_aside;
    assert!(aside.total() > 100);
    desk.until_seen("Quantity 0 or less");
    let words = desk.words();
    let after = |name: &str| {
        let at = words.iter().position(|word| word == name).unwrap();
        words[at..].to_vec()
    };
    for (reason, rows) in aside.iter() {
        let name = retail_console::views::quality::reason_name(reason);
        assert_eq!(after(name)[2], count(rows), "{name}");
    }
    assert_eq!(after("All")[1], count(aside.total()));
    assert!(desk.sees(&format!(
        "{} \u{2212} {} = {} produced",
        count(ledger.intake.read),
        count(aside.total()),
        count(ledger.intake.clean)
    )));

    let cancelled = page(
        &desk,
        RejectFilter {
            reason: Some(Reason::Cancellation),
            ..RejectFilter::default()
        },
    );
    desk.click_text("Cancellation");
    desk.until_seen(&cancelled.rows[0].row.reject.raw);
    desk.until_seen(&format!("{} rows", count(cancelled.total)));
    // The third row is chosen by a click, the fourth by a key.
    let third = &cancelled.rows[2].row.reject;
    desk.click_text(&third.raw);
    desk.until_seen(&format!("Line {}", count(third.line)));
    desk.key(Modifiers::NONE, Key::ArrowDown);
    let fourth = &cancelled.rows[3].row.reject;
    desk.until_seen(&format!("Line {}", count(fourth.line)));
    // Only the rows that say something.
    let found = page(
        &desk,
        RejectFilter {
            reason: Some(Reason::Cancellation),
            text: Some("vintage".into()),
            ..RejectFilter::default()
        },
    );
    assert!(found.total > 0 && found.total < cancelled.total);
    desk.type_into("Find in raw text", "vintage");
    desk.until_seen(&found.rows[0].row.reject.raw);
    desk.until(&format!("{} rows are counted", found.total), |desk| {
        desk.words()
            .iter()
            .any(|word| *word == retail_console::views::quality::rows_words(found.total))
    });
    shots(&mut desk, "sample");
}

#[test]
fn rows_that_are_mended_by_clicks_flow_in_a_load_of_their_own() {
    let mut desk = with_rows(PLANTED, &[]);
    desk.until_seen("\u{201c}Narnia\u{201d} is on no region");
    desk.until_seen("3 set aside again");
    shots(&mut desk, "unknown");
    desk.retype("New Country", "United Kingdom");
    // Seen before it is done: one of the three is there already.
    desk.until_seen("2 clean, 1 exact copy");
    assert!(desk.sees("+\u{a3}9.70"), "{:?}", desk.words());
    assert!(fixes(&desk).is_empty(), "nothing is done yet");
    desk.click("Add to re-ingest");
    desk.until_seen("All Country \u{201c}Narnia\u{201d}: \u{201c}United Kingdom\u{201d}");
    desk.until_seen("fix pending");
    assert_eq!(fixes(&desk).len(), 1);
    assert_eq!(desk.snapshot().lines, 1, "and still nothing is produced");
    shots(&mut desk, "pending");
    desk.click("Re-ingest");
    desk.until_seen("1 fix, 3 rows sent again");
    desk.until_seen("Lines that are produced stay");
    desk.shot("quality-plan");
    desk.click("Re-ingest 3 rows");
    desk.until_seen("2 new lines, 1 there already, 0 set aside again; ledger closed");
    desk.until_seen("flowed in L-0002");
    desk.until("the lines are in the figures", |desk| {
        desk.snapshot().lines == 3
    });
    assert!(fixes(&desk).is_empty());
    let loads = desk.snapshot().loads.clone();
    assert_eq!(loads[1].intake.clean, 3);
    // The rows stay in the list of the load that set them aside, and say what they became.
    assert!(desk.sees("planted.csv"));
    let acts = desk.harness.state().runbook().acts();
    let last = acts.last().unwrap();
    assert_eq!(last.what, "Re-ingest 3 rows");
    assert!(matches!(&last.outcome, Outcome::Done(told) if told.contains("ledger closed")));
    shots(&mut desk, "flowed");
    // What is produced cannot be taken back, and that is said.
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until_seen("lines that are produced stay");
}

#[test]
fn mended_rows_are_read_by_the_rules_that_their_load_was_read_by() {
    let mut desk = Desk::empty();
    let rows = "536366,22633,HAND WARMER,2,12/1/2010 8:28,1.85,,Narnia\n\
                536367,84879,BIRD,32,1/22/2011 8:34,1.60,13047,France\n";
    let file = planted(&desk, rows);
    let rules = Rules::builtin().unwrap();
    desk.load_by(file, rules.with(Rule::NoCustomer, Switch::On));
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("Which rows were set aside");
    // This load sets rows without a customer aside.
    desk.click_text("Unknown country");
    desk.retype("New Country", "France");
    desk.until_seen("1 set aside again");
    desk.until_seen("1 No customer");
    // The next one does not.
    let file = desk.dir.path().join("again.csv");
    std::fs::write(&file, format!("{HEADER}{rows}")).unwrap();
    desk.load(file);
    desk.until_seen("again.csv");
    desk.click_text("Unknown country");
    desk.retype("New Country", "France");
    desk.until_seen("1 clean");
}

#[test]
fn a_fix_is_taken_back_by_its_button_and_by_the_key() {
    let mut desk = with_rows(PLANTED, &[]);
    desk.click_text("Price not a number");
    desk.until_seen("\"1.6O\" is not a decimal number");
    desk.retype("New UnitPrice", "1.69");
    desk.until_seen("1 clean");
    assert!(desk.sees("+\u{a3}54.08"), "{:?}", desk.words());
    desk.click("Add to re-ingest");
    desk.until_seen("UnitPrice \u{201c}1.69\u{201d}");
    let fix = fixes(&desk).remove(0);
    assert!(matches!(&fix.rule, FixRule::Field { row, .. } if row.row == RowNo(5)));
    desk.click(&format!("Undo fix {}", fix.id.0));
    desk.until_seen("Taken back: L-0001 row 5");
    assert!(fixes(&desk).is_empty());
    desk.until("the list is gone", |desk| !desk.sees("To re-ingest"));
    desk.until("it can be added again", |desk| {
        let add = desk.control("Add to re-ingest");
        add.is_some_and(|add| {
            use egui_kittest::kittest::NodeT as _;
            !add.accesskit_node().is_disabled()
        })
    });
    desk.click("Add to re-ingest");
    desk.until_seen("fix pending");
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until("the fix is taken back", |desk| fixes(desk).is_empty());
    desk.until("the list is gone", |desk| !desk.sees("To re-ingest"));
}

#[test]
fn a_country_gets_a_region_from_the_row_that_says_it_and_loses_it_again() {
    let mut desk = with_rows(PLANTED, &[]);
    desk.until_seen("3 set aside again");
    desk.click("Region for this country");
    desk.click("Asia-Pacific");
    desk.until_seen("Narnia goes to Asia-Pacific in loads from now on");
    desk.until_seen("3 clean");
    desk.until_seen("by the routing map");
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until_seen("Narnia is on no region again");
    desk.until_seen("3 set aside again");
}

#[test]
fn saved_rejects_load_again() {
    let mut desk = with_rows(PLANTED, &["saved.csv"]);
    desk.click("Export rejects");
    desk.until_seen("Saved");
    let saved = desk.dir.path().join("saved.csv");
    let text = std::fs::read_to_string(&saved).unwrap();
    assert!(text.contains("\"WARMER, RED\""), "{text}");
    let before = desk.snapshot().loads[0].intake.set_aside;
    desk.load(saved);
    desk.until("the second load is known", |desk| {
        desk.snapshot().loads.len() == 2
    });
    let again = desk.snapshot().loads[1].intake.clone();
    assert_eq!((again.read, again.clean), (6, 0));
    assert_eq!(again.set_aside, before, "for the same reasons");
    let acts = desk.harness.state().runbook().acts();
    let args = acts.last().unwrap().args.clone().unwrap();
    assert_eq!(args[..3], ["rejects", "--load", "L-0001"]);
}

#[test]
fn a_clean_file_has_nothing_to_show_and_says_so() {
    let first = PLANTED.lines().next().unwrap();
    let mut desk = with_rows(first, &[]);
    desk.until_seen("The one row is clean.");
    assert!(desk.sees("1 \u{2212} 0 = 1 produced"));
    shots(&mut desk, "clean");
    let mut desk = Desk::empty();
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("Nothing was loaded yet, so nothing was set aside.");
    assert!(desk.control("Open CSV\u{2026}").is_some());
}

#[test]
fn the_path_of_a_row_shows_every_hop_and_leads_to_what_it_became() {
    let mut desk = with_rows(PLANTED, &[]);
    desk.until_seen("Path of this row");
    desk.until_seen("line 3, byte");
    desk.until_seen("quarantine-0, offset 0");
    desk.until_seen("in all 3 data centres");
    desk.until_seen("waits for a fix");
    // A field of text has the letter P for itself; the table has it for the path.
    desk.key(Modifiers::NONE, Key::P);
    desk.until_seen("Each data centre, read on its own");
    for text in [
        "data row 2 of",
        "Unknown country: \"Narnia\" is on no region",
        "partition quarantine-0, offset 0",
        "this row is durable in two data centres",
        "has it",
        "Europe_DC",
        "Americas_DC",
        "AsiaPacific_DC",
    ] {
        assert!(desk.sees(text), "{text} in {:?}", desk.words());
    }
    shots(&mut desk, "passport");
    // Any other row can be asked for: a clean one.
    desk.retype("Row of the file", "1");
    desk.click("Show path");
    desk.until_seen("clean, to Europe");
    for text in [
        "line 2, byte 82",
        "europe-transactions-",
        "bucket United Kingdom, 2010-12-01",
    ] {
        assert!(desk.sees(text), "{text} in {:?}", desk.words());
    }
    desk.shot("quality-passport-clean");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("it is closed", |desk| !desk.sees("read on its own"));
    // As other pages open it.
    let query = PassportQuery::Row {
        load: LoadId(1),
        row: RowNo(6),
    };
    desk.harness.state_mut().push(Action::Passport(Some(query)));
    desk.until_seen("returns, bucket United Kingdom");
}

#[test]
fn all_rows_of_the_full_file_are_reached() {
    let mut desk = Desk::empty();
    desk.load(full_file());
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("541\u{2009}909 \u{2212} 12\u{2009}311 = 529\u{2009}598 produced");
    desk.until_seen("446");
    desk.until_seen("Line 152\u{2009}714");
    desk.until_seen("byte 12\u{2009}775\u{2009}672");
    shots(&mut desk, "full");
    desk.click_text("Cancellation");
    desk.until_seen("9\u{2009}287 rows");
    let last = page(
        &desk,
        RejectFilter {
            reason: Some(Reason::Cancellation),
            skip: 9_286,
            ..RejectFilter::default()
        },
    );
    desk.until_seen("C536379");
    // The last row is reached by scrolling, and only what is seen is read.
    desk.scroll_text("C536379", -1e7);
    desk.until_seen(&last.rows[0].row.reject.raw);
    desk.resize(800.0, 600.0);
    desk.shot("quality-full-800");
    desk.resize(1440.0, 900.0);
    desk.harness.state_mut().push(Action::TextScale(200));
    desk.frame();
    desk.frame();
    desk.shot("quality-full-200");
}
