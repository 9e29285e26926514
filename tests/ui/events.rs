//! The drawer of events: alerts, the list, what was done.

use std::time::Duration;

use eframe::egui::accesskit::Toggled;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_engine::handle::Command;
use retail_engine::model::Dc;
use retail_engine::ports::Fault;
use retail_engine::watch::alert_state::AlertPhase;

use crate::Desk;

const DOWN: &str = "A data centre is down: AsiaPacific_DC";

fn phase(desk: &Desk) -> Option<AlertPhase> {
    let snapshot = desk.snapshot();
    let mut alerts = snapshot.alerts.iter();
    Some(alerts.find(|alert| alert.id.rule == "RetailDcDown")?.phase)
}

#[test]
fn an_alert_is_acknowledged_and_muted_by_clicks() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.resize(1440.0, 900.0);
    let dc = Dc::AsiaPacific;
    let started = desk.engine().ask(|reply| Command::StartFault {
        fault: Fault::DcDown { dc },
        lasts: Duration::from_mins(5),
        by: "test".into(),
        reply,
    });
    started.wait().unwrap().unwrap();
    desk.key(Modifiers::COMMAND, Key::J);
    desk.until("the alert is on", |desk| {
        phase(desk) == Some(AlertPhase::Firing)
    });
    desk.until_seen("to review");
    desk.shot("events-alert");
    desk.click(&format!("Acknowledge: {DOWN}"));
    desk.until("it is acknowledged", |desk| {
        matches!(phase(desk), Some(AlertPhase::Acknowledged { .. }))
    });
    desk.until_seen("acknowledged ");
    desk.click(&format!("Mute 1 h: {DOWN}"));
    desk.until("it is muted", |desk| {
        matches!(phase(desk), Some(AlertPhase::Muted { .. }))
    });
    desk.until_seen("muted until");
    desk.click(&format!("End mute: {DOWN}"));
    desk.until("it is not muted", |desk| {
        !matches!(phase(desk), Some(AlertPhase::Muted { .. }))
    });
    desk.click(&format!("Mute 1 h: {DOWN}"));
    desk.until_seen("muted until");
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until("the mute is taken back", |desk| {
        !matches!(phase(desk), Some(AlertPhase::Muted { .. }))
    });
    desk.click("Drawer: What was done");
    desk.until_seen("Mute \u{201c}A data centre is down");
    desk.shot("events-done");
}

#[test]
fn the_alerts_of_the_bar_are_brought_into_view_and_never_hidden() {
    let mut desk = Desk::empty();
    desk.resize(1440.0, 900.0);
    desk.start_fault(Fault::DcDown {
        dc: Dc::AsiaPacific,
    });
    desk.until_seen("Alerts: 1 critical");
    desk.click("Alerts: 1 critical");
    desk.until_seen(DOWN);
    let chosen = |desk: &Desk, label: &str| {
        let control = desk.control(label).unwrap();
        control.accesskit_node().toggled() == Some(Toggled::True)
    };
    assert!(chosen(&desk, "Level: Warnings"));
    desk.click("Level: All");
    desk.click("Drawer: What was done");
    desk.click("Alerts: 1 critical");
    desk.until_seen("Search events");
    assert!(chosen(&desk, "Level: Warnings"));
    assert!(desk.sees(DOWN));
}

#[test]
fn events_are_held_searched_and_saved() {
    let mut desk = Desk::with(|_| (), |dir| vec![dir.join("events.csv")]);
    desk.load(retail_tests::sample_file());
    desk.key(Modifiers::COMMAND, Key::J);
    desk.until_seen("Search events");
    desk.click("Pause events");
    desk.until_seen("paused, 0 came meanwhile");
    let asked = desk.engine().ask(|reply| Command::StartFault {
        fault: Fault::DcDown { dc: Dc::Europe },
        lasts: Duration::from_mins(5),
        by: "test".into(),
        reply,
    });
    asked.wait().unwrap().unwrap();
    desk.until("an event came meanwhile", |desk| {
        desk.sees("came meanwhile") && !desk.sees("paused, 0 came")
    });
    desk.click("Let events go on");
    desk.type_into("Search events", "ended");
    desk.until_seen("1 of ");
    desk.click("Save events\u{2026}");
    desk.until_seen("Saved ");
    let saved = std::fs::read_to_string(desk.dir.path().join("events.csv")).unwrap();
    let rows: Vec<&str> = saved.lines().collect();
    assert_eq!(rows.len(), 5, "{saved}");
    assert_eq!(rows[1], "# Mode: embedded; Simulated data centres");
    assert!(
        rows[4].contains("L-0001 ended") && rows[4].contains(",Load,"),
        "{saved}"
    );
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the drawer is closed", |desk| !desk.sees("Search events"));
}

#[test]
fn what_was_done_is_saved_as_a_script() {
    let mut desk = Desk::with(|_| (), |dir| vec![dir.join("runbook.sh")]);
    desk.load(retail_tests::sample_file());
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.click("Replay europe-transactions\u{2026}");
    desk.click("Back by a number of lines");
    desk.until_seen("dry run, nothing changed");
    desk.click("Replay 3\u{2009}000 lines\u{2026}");
    desk.until_seen("Move retail-europe?");
    desk.click("Replay 3\u{2009}000 lines");
    desk.until_seen("read back, as planned");
    desk.key(Modifiers::COMMAND, Key::J);
    desk.click("Drawer: What was done");
    desk.click("Export script\u{2026}");
    desk.until_seen("Saved ");
    let script = std::fs::read_to_string(desk.dir.path().join("runbook.sh")).unwrap();
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
    let command = "\nretail-engine replay --topic europe-transactions --to -1000 --yes\n";
    assert!(script.contains(command), "{script}");
    assert!(
        script.contains("Replay of retail-europe: moved and read back"),
        "{script}"
    );
}
