//! The first start.

use eframe::egui::{Key, Modifiers};

use crate::Desk;

#[test]
fn the_first_start_says_what_to_do_and_every_page_opens_by_its_key() {
    let mut desk = Desk::empty();
    desk.until_seen("Drop a CSV of invoices here");
    assert!(desk.control("Open CSV\u{2026}").is_some());
    for (key, title) in [
        (Key::Num2, "Step 1: Open"),
        (Key::Num3, "What do the sales say?"),
        (Key::Num6, "Did we survive, how long, and can we prove it?"),
        (Key::Num1, "Nothing is loaded yet"),
    ] {
        desk.key(Modifiers::COMMAND, key);
        desk.until_seen(title);
    }
    desk.shot("first-run");
}

#[test]
fn events_are_searched_and_what_is_shown_is_kept_beside_the_data() {
    let mut desk = Desk::empty();
    desk.until_seen("Drop a CSV of invoices here");
    desk.click("Events");
    desk.type_into("Search events", "no event has these words");
    desk.until_seen("No event matches.");
    desk.click("Close events");
    desk.click("Load");
    desk.until_seen("Step 1: Open");
    desk.until("it is kept", |desk| {
        desk.kept().contains("\"page\": \"load\"")
    });
}

#[test]
fn with_data_the_overview_shows_the_ledger_of_the_load() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.resize(1440.0, 900.0);
    desk.until_seen("Rejected and filtered");
    desk.until_seen("10\u{2009}000");
    desk.shot("overview");
}
