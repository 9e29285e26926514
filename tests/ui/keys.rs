//! Keys go to what has the keyboard: a field, a list, a dialog, a button, and else the page.

use std::time::Duration;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_engine::handle::Command;
use retail_engine::model::{Dc, Region};
use retail_engine::ports::Fault;
use retail_tests::sample_file;

use crate::Desk;

const SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const LIBRARY: &str = "No drill has run in this data directory yet.";

#[test]
fn esc_leaves_a_field_a_list_and_the_palette_before_it_leaves_the_plan() {
    let mut desk = Desk::empty();
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.until_seen(LIBRARY);
    desk.click("Drill: Lose Europe");
    desk.until_seen("Expected");
    desk.retype("Seconds that the fault lasts", "7");
    desk.key(Modifiers::NONE, Key::Escape);
    assert!(!desk.sees(LIBRARY), "the field had the keyboard");
    desk.click("Kind");
    desk.until_seen("Disk full");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the list is closed", |desk| !desk.sees("Disk full"));
    assert!(!desk.sees(LIBRARY), "the list was open");
    desk.key(Modifiers::COMMAND, Key::K);
    desk.until_seen("Run: Overview");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the palette is closed", |desk| !desk.sees("Run: "));
    assert!(!desk.sees(LIBRARY), "the palette was open");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen(LIBRARY);
}

#[test]
fn esc_leaves_a_field_before_it_leaves_a_replay() {
    let mut desk = Desk::empty();
    desk.load(sample_file());
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    desk.click("Filter topics and groups");
    desk.key(Modifiers::NONE, Key::Escape);
    assert!(desk.sees("dry run, nothing changed"));
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the replay is left", |desk| {
        !desk.sees("dry run, nothing changed")
    });
}

#[test]
fn behind_a_question_no_key_acts_and_space_presses_its_button() {
    let quick = |settings: &mut retail_engine::config::Settings| {
        settings.failover.hold_down = Duration::from_millis(200);
    };
    let mut desk = Desk::with(quick, |_| Vec::new());
    desk.load(sample_file());
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.click("Fail Europe over to AsiaPacific_DC");
    let is_asked = |desk: &Desk| desk.control("Fail over to AsiaPacific_DC").is_some();
    desk.until("it is asked", is_asked);
    desk.key(Modifiers::NONE, Key::R);
    desk.key(Modifiers::NONE, Key::P);
    desk.key(Modifiers::COMMAND, Key::Num1);
    assert!(is_asked(&desk));
    assert!(desk.sees("Did we survive, how long, and can we prove it?"));
    desk.start_fault(Fault::DiskFull { dc: Dc::Americas });
    desk.until("the fault is in force", |desk| {
        !desk.snapshot().faults.is_empty()
    });
    desk.key(SHIFT, Key::X);
    desk.until("the stop ends it", |desk| desk.snapshot().faults.is_empty());
    assert!(is_asked(&desk));
    desk.key(Modifiers::NONE, Key::Space);
    desk.until("Cancel is pressed", |desk| !is_asked(desk));
    assert_eq!(desk.snapshot().regions[Region::Europe].serving, Dc::Europe);
    let is_live = |desk: &Desk| desk.control("Freeze view").is_some();
    assert!(is_live(&desk), "Space was for the button");
    desk.key(Modifiers::NONE, Key::Space);
    desk.until("the view is held", |desk| !is_live(desk));
    desk.key(Modifiers::NONE, Key::F5);
    desk.until("the newest is shown", is_live);
}

#[test]
fn what_is_typed_is_taken_back_and_not_the_last_fix() {
    let mut desk = Desk::empty();
    let file = desk.dir.path().join("planted.csv");
    let rows = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom\n\
                536366,22633,HAND WARMER,2,12/1/2010 8:28,1.85,17850,Narnia\n\
                536367,84879,BIRD,32,1/22/2011 8:34,1.6O,13047,France\n";
    std::fs::write(&file, rows).unwrap();
    desk.load(file);
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.click_text("Price not a number");
    desk.retype("New UnitPrice", "1.69");
    desk.until_seen("1 clean");
    desk.click("Add to re-ingest");
    desk.until_seen("fix pending");
    let fixes = |desk: &Desk| desk.engine().ask(Command::Fixes).wait().unwrap().len();
    assert_eq!(fixes(&desk), 1);
    desk.click_text("Unknown country");
    desk.retype("New Country", "France");
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.key(SHIFT, Key::Z);
    for _ in 0..20 {
        desk.frame();
    }
    assert_eq!(fixes(&desk), 1);
    assert!(!desk.sees("Taken back"));
}

#[test]
fn the_key_that_saves_saves_or_says_why_not() {
    let mut desk = Desk::with(|_| (), |dir| vec![dir.join("customers.csv")]);
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num2);
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until_seen("this step has nothing to save");
    desk.key(Modifiers::COMMAND, Key::Num3);
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until_seen("no sales are stored yet: there is nothing to save");
    desk.load(sample_file());
    desk.until_seen("Customers: ");
    let words = desk.words();
    let tile = words.iter().find(|word| word.starts_with("Customers: "));
    desk.click(tile.unwrap());
    desk.until_seen("Customers: all");
    desk.until_seen(" customers, ");
    desk.key(Modifiers::COMMAND, Key::S);
    let saved = String::from_utf8(desk.saved("customers.csv")).unwrap();
    assert!(saved.contains("# table: Customers\n"), "{saved}");
    let field = |desk: &Desk| {
        let field = desk.control("Find a customer").unwrap();
        field.accesskit_node().is_focused()
    };
    assert!(!field(&desk));
    desk.key(Modifiers::COMMAND, Key::F);
    desk.until("the field has the keyboard", field);
}
