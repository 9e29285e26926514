//! What a person chose to see is there again after a restart.

use eframe::egui::accesskit::Toggled;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_console::start::Start;
use retail_tests::sample_file;

use crate::Desk;

#[test]
fn filters_orders_and_open_panels_are_as_they_were_left() {
    let mut desk = Desk::empty();
    desk.load(sample_file());
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("How far is each consumer");
    desk.type_into("Filter topics and groups", "americas");
    desk.until("one topic is left", |desk| {
        !desk.sees("europe-transactions")
    });
    desk.click("Below: Messages");
    desk.until_seen("Nothing was read yet. Run reads what stands above.");

    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("Which rows were set aside");
    desk.type_into("Find in raw text", "no row says so");
    desk.until_seen("No row says that.");

    desk.key(Modifiers::COMMAND, Key::Num3);
    desk.until_seen("Data up to L-0001");
    desk.until("customers are counted", |desk| {
        desk.words()
            .iter()
            .any(|word| word.starts_with("Customers: "))
    });
    let customers = desk.words();
    let tile = customers
        .iter()
        .find(|word| word.starts_with("Customers: "))
        .unwrap();
    desk.click(tile);
    desk.until_seen("Customers: all");
    desk.click("Sort: Number");
    desk.frame();

    desk.click("Events");
    desk.click("Level: Errors");
    desk.until_seen("No event matches.");

    let mut desk = desk.restarted(Start::default());
    desk.until_seen("No event matches.");
    desk.click("Close events");
    desk.until_seen("Data up to L-0001");
    desk.until("customers are counted", |desk| desk.control(tile).is_some());
    desk.click(tile);
    desk.until_seen("Customers: all");
    let sort = desk
        .control("Sort: Number")
        .unwrap()
        .accesskit_node()
        .toggled();
    assert_eq!(sort, Some(Toggled::True));

    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("No row says that.");
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("Nothing was read yet. Run reads what stands above.");
    assert!(desk.sees("americas-transactions"));
    assert!(desk.control("Replay europe-transactions\u{2026}").is_none());
}
