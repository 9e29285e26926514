//! A right click on a table or a chart takes it out.

use eframe::egui::{Key, Modifiers};

use crate::Desk;

fn desk(files: &[&str]) -> Desk {
    let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
    let mut desk = Desk::with(
        |_| (),
        |dir| files.iter().map(|file| dir.join(file)).collect(),
    );
    desk.load(retail_tests::sample_file());
    desk.resize(1440.0, 900.0);
    desk
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_table_is_taken_out_as_it_stands() {
    let mut desk = desk(&["topics.csv", "topics.json"]);
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("How far is each consumer");
    desk.right_click_text("europe-transactions");
    desk.shot("take-out-table");
    desk.click("Save CSV\u{2026}");
    let saved = text(desk.saved("topics.csv"));
    assert!(saved.starts_with("# table: Topics\n# Mode: embedded; Simulated data centres\n# at: "));
    assert!(saved.contains("\nTopic,Begin,Committed,End,\"Lag, lines\",\"Lag, age\","));
    let snapshot = desk.snapshot();
    let lines: u64 = snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic.name() == "europe-transactions")
        .map(|view| view.end.unwrap().0)
        .sum();
    let row = saved
        .lines()
        .find(|row| row.starts_with("europe-transactions,"));
    let cells: Vec<&str> = row.unwrap().split(',').collect();
    assert_eq!(cells[3], lines.to_string(), "{saved}");
    desk.right_click_text("europe-transactions");
    desk.click("Save JSON\u{2026}");
    let value: serde_json::Value = serde_json::from_slice(&desk.saved("topics.json")).unwrap();
    assert_eq!(value["simulated"], true);
    let rows = value["rows"].as_array().unwrap();
    let one = rows
        .iter()
        .find(|row| row["Topic"] == "europe-transactions");
    assert_eq!(one.unwrap()["End"], lines.to_string());
}

#[test]
fn the_keyboard_opens_the_menu_and_copies() {
    let mut desk = desk(&[]);
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("How far is each consumer");
    desk.control("Show europe-transactions").unwrap().focus();
    desk.frame();
    desk.key(Modifiers::SHIFT, Key::F10);
    desk.until_seen("Copy table");
    desk.control("Copy table").unwrap().focus();
    desk.frame();
    desk.key(Modifiers::NONE, Key::Enter);
    desk.until_seen("Topics is on the clipboard");
    let acts = desk.harness.state().runbook().acts();
    assert!(acts.iter().any(|act| act.what == "Copy table: Topics"));
}

#[test]
fn a_chart_is_taken_out_as_samples_and_as_a_picture() {
    let mut desk = desk(&["throughput.csv", "throughput.png"]);
    desk.key(Modifiers::COMMAND, Key::Num1);
    desk.until_seen("Throughput: ");
    desk.right_click_text("Throughput: ");
    desk.click("Save CSV\u{2026}");
    let saved = text(desk.saved("throughput.csv"));
    let header = saved.lines().find(|line| line.starts_with("time,"));
    let columns = header.unwrap().split(',').count();
    let samples: Vec<&str> = saved
        .lines()
        .filter(|line| line.starts_with("20"))
        .collect();
    assert!(!samples.is_empty(), "{saved}");
    assert!(samples.iter().all(|row| row.split(',').count() == columns));
    desk.right_click_text("Throughput: ");
    desk.click("Save picture\u{2026}");
    let picture = image::load_from_memory(&desk.saved("throughput.png")).unwrap();
    assert!(picture.width() > 1_000 && picture.height() > 500);
    if let Some(folder) = std::env::var_os("SHOTS") {
        let from = desk.dir.path().join("throughput.png");
        std::fs::copy(from, std::path::Path::new(&folder).join("throughput.png")).unwrap();
    }
}

#[test]
fn the_ledger_of_a_load_is_saved_as_it_is_counted() {
    let mut desk = desk(&["ledger.csv", "ledger.json"]);
    desk.key(Modifiers::COMMAND, Key::Num2);
    desk.click("Step 4: Ledger");
    desk.until_seen("each total is counted on its own");
    desk.click("Export ledger");
    desk.click("Save CSV\u{2026}");
    let saved = text(desk.saved("ledger.csv"));
    let snapshot = desk.snapshot();
    let [record] = snapshot.loads.as_slice() else {
        panic!("{:?}", snapshot.loads);
    };
    let aside = record.intake.set_aside.total();
    for rows in [record.intake.read, aside, record.intake.read - aside] {
        let cell = format!(",{rows},");
        assert!(
            saved.lines().any(|row| row.contains(&cell)),
            "{rows} in {saved}"
        );
    }
    assert!(saved.contains("SIMULATED"), "{saved}");
    desk.click("Export ledger");
    desk.click("Save JSON\u{2026}");
    let value: serde_json::Value = serde_json::from_slice(&desk.saved("ledger.json")).unwrap();
    let named = value["load"].as_str().unwrap();
    assert!(named.contains(&record.id.to_string()), "{value}");
}

#[test]
fn a_panel_with_an_export_of_its_own_opens_that() {
    let mut desk = desk(&["cohorts.csv"]);
    desk.key(Modifiers::COMMAND, Key::Num3);
    desk.resize(1440.0, 2050.0);
    desk.until_seen("Customers who came back");
    desk.right_click_text("First bought 2010-12");
    desk.click("Save CSV\u{2026}");
    let saved = text(desk.saved("cohorts.csv"));
    assert!(
        saved.starts_with("# table: Customers who came back\n"),
        "{saved}"
    );
    assert!(
        saved.contains("# filter: all days; all countries; gross\n"),
        "{saved}"
    );
}
