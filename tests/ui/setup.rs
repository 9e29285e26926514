//! The setup page.

use std::net::TcpListener;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_console::actions::Action;
use retail_console::pages::Page;
use retail_console::start::{Access, Start};
use retail_engine::handle::Command;
use retail_engine::model::{Dc, Reading};
use retail_engine::ports::Fault;
use retail_engine::watch::alerts::to_prometheus;

use crate::Desk;

fn at_setup(desk: &mut Desk) {
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.until_seen("Profiles");
}

/// An address on this machine where somebody listens, while the listener lives.
fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    (listener, at)
}

#[test]
fn a_port_behind_which_there_is_no_broker_fails_at_the_step_that_asks_it() {
    let (_kept, at) = listening();
    let mut desk = Desk::with(
        |settings| {
            settings.live.kafka_bootstrap_servers = vec![at.clone()];
            settings.live.cassandra_contact_points = vec![at.clone()];
        },
        |_| Vec::new(),
    );
    at_setup(&mut desk);
    desk.resize(1440.0, 900.0);
    desk.shot("setup-embedded");
    desk.click("Profile live");
    desk.click("Run the test");
    desk.until_seen("Failed at step 4 of 10");
    desk.until_seen(&format!("Kafka at {at} does not answer"));
    desk.shot("setup-test-no-broker");
    let acts = desk.harness.state().runbook().acts();
    assert!(
        acts.iter()
            .any(|act| act.what == "Test the connection of live")
    );
}

#[test]
fn a_port_that_refuses_is_named_with_its_cause() {
    let (kept, at) = listening();
    drop(kept);
    let (_kept, well) = listening();
    let mut desk = Desk::with(
        |settings| {
            settings.live.kafka_bootstrap_servers = vec![well.clone()];
            settings.live.cassandra_contact_points = vec![at.clone()];
        },
        |_| Vec::new(),
    );
    at_setup(&mut desk);
    desk.click("Profile live");
    desk.click("Test connection");
    desk.until_seen("Failed at step 3 of 10");
    desk.until_seen(&format!("Cassandra node {at} refuses the connection"));
    desk.until_seen("Likely cause: the machine is there, and nothing listens on that port");
    desk.resize(1440.0, 900.0);
    desk.shot("setup-test-fails");
    desk.harness
        .state_mut()
        .push(Action::Theme(retail_console::prefs::ThemeChoice::Light));
    desk.resize(1280.0, 720.0);
    desk.shot("setup-test-fails-light");
}

#[test]
fn a_profile_is_typed_saved_and_read_back_without_a_secret() {
    let mut desk = Desk::with(
        |settings| {
            settings.live.kafka_password = retail_engine::config::Secret::new("canary-secret");
        },
        |_| Vec::new(),
    );
    at_setup(&mut desk);
    desk.click("New profile");
    desk.type_into("Kafka user", "console");
    desk.until_seen("kafka_username = \"console\"");
    desk.click("Save");
    desk.until_seen("Profile new-profile");
    let file = desk.dir.path().join("data/profiles/new-profile.toml");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.contains("console") && !text.contains("canary"),
        "{text}"
    );
    let mut desk = desk.restarted(Start::default());
    at_setup(&mut desk);
    desk.click("Profile new-profile");
    desk.until_seen("kafka_username = \"console\"");
}

#[test]
fn alert_rules_are_saved_as_the_engine_writes_them() {
    let mut desk = Desk::with(|_| (), |dir| vec![dir.join("rules.yml")]);
    at_setup(&mut desk);
    desk.click("Setup: Alert rules");
    desk.until_seen("RetailDcDown");
    desk.until_seen("over 100\u{2009}000 lines wait");
    desk.click("Save rule file\u{2026}");
    desk.until_seen("Saved");
    let saved = std::fs::read_to_string(desk.dir.path().join("rules.yml")).unwrap();
    assert_eq!(saved, to_prometheus(desk.engine().alert_rules()));
    desk.resize(1440.0, 900.0);
    desk.shot("setup-rules");
}

#[test]
fn the_plan_shows_what_is_there() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    at_setup(&mut desk);
    desk.click("Setup: Plan");
    desk.until_seen("Topic europe-transactions");
    let lines = desk.snapshot().lines;
    let lines = retail_console::views::format::count(lines);
    desk.until_seen(&format!("{lines} lines in each"));
    desk.until_seen("146 rows");
    desk.until("every object is known", |desk| !desk.sees("Unknown: "));
    desk.resize(1440.0, 900.0);
    desk.shot("setup-plan");
    desk.click("Plan as: Commands");
    desk.until_seen("retail-engine setup --data-dir");
}

#[test]
fn a_fault_in_force_is_listed_and_ended() {
    let mut desk = Desk::empty();
    at_setup(&mut desk);
    desk.click("Setup: Faults and lab");
    desk.until_seen("No fault is in force.");
    let fault = Fault::DcDown { dc: Dc::Americas };
    let lease = desk
        .engine()
        .ask(|reply| Command::StartFault {
            fault,
            lasts: std::time::Duration::from_mins(5),
            by: "test".into(),
            reply,
        })
        .wait()
        .unwrap()
        .unwrap();
    desk.until_seen("Americas_DC down");
    desk.resize(1440.0, 900.0);
    desk.shot("setup-faults");
    desk.click(&format!("End {}", lease.id));
    desk.until("the fault is over", |desk| {
        desk.snapshot().faults.is_empty()
    });
    desk.until_seen("No fault is in force.");
}

#[test]
fn what_was_chosen_in_settings_is_there_after_a_restart() {
    let mut desk = Desk::empty();
    desk.key(Modifiers::COMMAND, Key::Comma);
    desk.until_seen("flow.flush_lines");
    desk.click("Theme: Light");
    desk.click("Times: UTC");
    desk.click("Range: 15 min");
    desk.click("Thousands: 12345");
    desk.click("Rates and axes: 12.3 k, 1.50 M");
    desk.click("Bytes: kB, of 1000");
    desk.click("New figures: 2 s");
    desk.resize(1440.0, 900.0);
    desk.shot("setup-settings");
    desk.click("Text size: 150");
    desk.until_seen("flow.flush_lines");
    desk.shot("setup-settings-150");
    let mut desk = desk.restarted(Start::default());
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.until_seen("flow.flush_lines");
    let on = |label: &str| {
        let node = desk.control(label).unwrap();
        node.accesskit_node().toggled() == Some(eframe::egui::accesskit::Toggled::True)
    };
    for label in [
        "Theme: Light",
        "Times: UTC",
        "Range: 15 min",
        "Thousands: 12345",
        "Rates and axes: 12.3 k, 1.50 M",
        "Bytes: kB, of 1000",
        "New figures: 2 s",
        "Text size: 150",
    ] {
        assert!(on(label), "{label}");
    }
    assert!((desk.harness.ctx.zoom_factor() - 1.5).abs() < 1e-6);
    assert!(
        desk.words()
            .iter()
            .any(|word| word.starts_with("Sampled") && word.ends_with('Z'))
    );
}

#[test]
fn read_only_refuses_what_changes_and_says_why() {
    let start = Start {
        access: Access::ReadOnly,
        ..Start::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::at(dir, start, |_| (), |_| Vec::new());
    desk.until_seen("Read only");
    let link = desk.harness.state().link();
    let lasts = std::time::Duration::from_secs(30);
    let pending = link.ask(|reply| Command::StartFault {
        fault: Fault::LogDown,
        lasts,
        by: "test".into(),
        reply,
    });
    assert!(pending.waiting().is_none());
    link.send(Command::PauseConsumers);
    assert!(link.ask(Command::Verify).waiting().is_some());
    desk.until_seen("read only: starting a fault was refused");
    desk.until_seen("read only: holding the consumers was refused");
    // It takes no part in the work.
    let silent = Reading::Unknown("this program sends no probes".to_owned());
    desk.until("it says that it sends no probes", |desk| {
        let snapshot = desk.snapshot();
        let mut canary = snapshot.canary.iter().flat_map(|(_, at)| at.iter());
        canary.all(|(_, delay)| *delay == silent)
    });
    assert!(desk.snapshot().faults.is_empty());
    // It was started so, and stays so.
    desk.harness
        .state_mut()
        .push(Action::Access(Access::ReadWrite));
    desk.frame();
    assert_eq!(desk.harness.state().link().access(), Access::ReadOnly);
    desk.harness.state_mut().push(Action::Go(Page::Setup));
    desk.until_seen("Profiles");
    desk.click("New profile");
    let save = desk.control("Save").unwrap();
    assert!(save.accesskit_node().is_disabled());
    desk.click("Setup: Settings");
    desk.until_seen("on, by --read-only: it consumes nothing and sends no probes");
}

#[test]
fn in_read_only_mode_what_changes_something_is_disabled_on_every_page() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    let start = Start {
        access: Access::ReadOnly,
        ..Start::default()
    };
    let mut desk = desk.restarted(start);
    desk.until_seen("Read only");
    let disabled = |desk: &mut Desk, labels: &[&str]| {
        for label in labels {
            desk.until(&format!("{label:?} is there"), |desk| {
                desk.control(label).is_some()
            });
            let node = desk.control(label).unwrap();
            assert!(node.accesskit_node().is_disabled(), "{label} is enabled");
        }
    };
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num6);
    disabled(
        &mut desk,
        &["Repair\u{2026}", "Fail Europe over to Americas_DC"],
    );
    desk.click("Drill: Lose Europe");
    disabled(
        &mut desk,
        &["Start drill\u{2026}", "Start the faults only\u{2026}"],
    );
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    let replay = desk
        .words()
        .into_iter()
        .find(|word| word.starts_with("Replay ") && word.ends_with(" lines\u{2026}"));
    disabled(&mut desk, &[&replay.unwrap()]);
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.click("Setup: Connections");
    desk.click("New profile");
    disabled(&mut desk, &["Save"]);
    // What ends a fault and what only looks stays at hand.
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.key(Modifiers::NONE, Key::Escape);
    desk.click("Verify");
    desk.until_seen("all 3 data centres hold the same rows");
}
