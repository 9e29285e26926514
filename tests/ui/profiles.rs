//! Working by another profile: the engine is closed and another opened, or not, from the window.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_console::actions::Action;
use retail_console::start::Start;
use retail_engine::config::Sources;

use crate::Desk;

/// A console in a new data directory, whose profiles serve no metrics.
fn desk() -> Desk {
    let mut sources = Sources::default();
    let port = ("MONITORING_PORT".to_owned(), "0".to_owned());
    sources.env.extend([port]);
    let start = Start {
        sources,
        ..Start::default()
    };
    let dir = tempfile::tempdir().unwrap();
    Desk::at(dir, start, |_| (), |_| Vec::new())
}

fn at_setup(desk: &mut Desk) {
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.until_seen("Profiles");
}

#[test]
fn servers_that_do_not_answer_are_said_and_embedded_mode_is_one_click_away() {
    let mut desk = desk();
    desk.load(retail_tests::sample_file());
    at_setup(&mut desk);
    let used = desk.control("Use this profile").unwrap();
    assert!(used.accesskit_node().is_disabled(), "embedded mode is used");
    desk.click("New profile");
    let used = desk.control("Use this profile").unwrap();
    assert!(used.accesskit_node().is_disabled(), "it is not saved");
    // Nobody listens on that port.
    desk.retype("Kafka brokers", "127.0.0.1:1");
    desk.retype("Cassandra nodes", "127.0.0.1:1");
    desk.click("Save");
    desk.click("Use this profile");
    desk.until_seen("Connecting to Kafka at 127.0.0.1:1 and Cassandra at 127.0.0.1:1");
    desk.until("the engine could not be opened", |desk| {
        desk.sees("Not open")
    });
    // Setup is where it stood; what needs an engine says why there is none.
    assert!(desk.sees("in use"), "{:?}", desk.words());
    desk.shot("profile-not-open-setup");
    desk.key(Modifiers::COMMAND, Key::Num1);
    desk.until_seen("The engine is not open");
    desk.until_seen("127.0.0.1:1");
    desk.shot("profile-not-open");
    desk.resize(1440.0, 900.0);
    desk.shot("profile-not-open-large");
    desk.click("Set up topics and tables\u{2026}");
    desk.until_seen("the keyspace retail over Europe_DC, Americas_DC, AsiaPacific_DC");
    desk.shot("profile-set-up");
    desk.click("Cancel");
    desk.click("Open connections");
    desk.until_seen("Profiles");
    desk.key(Modifiers::COMMAND, Key::Num1);
    desk.click("Use embedded mode");
    desk.until_seen("Rejected and filtered");
    desk.until_seen("10\u{2009}000");
    let acts = desk.harness.state().runbook().acts();
    let said: Vec<_> = acts.iter().map(|act| act.what.as_str()).collect();
    assert!(
        said.ends_with(&["Use the profile new-profile", "Use the profile embedded"]),
        "{said:?}"
    );
}

#[test]
fn what_was_typed_into_a_profile_is_there_when_it_is_shown_again() {
    let mut desk = Desk::empty();
    at_setup(&mut desk);
    desk.click("New profile");
    desk.retype("Kafka brokers", "k7:9092");
    desk.click("Profile Embedded");
    desk.until("its form is gone", |desk| {
        desk.control("Kafka brokers").is_none()
    });
    desk.click("Profile live");
    desk.retype("Cassandra keyspace", "sales");
    desk.click("Profile new-profile");
    desk.until_seen("kafka_bootstrap_servers = [\"k7:9092\"]");
    assert!(desk.sees("changed, not saved \u{b7}"), "{:?}", desk.words());
    desk.click("Profile live");
    desk.until_seen("cassandra_keyspace = \"sales\"");
    desk.click("Undo changes");
    desk.until("it is as it was", |desk| !desk.sees("\"sales\""));
}

#[test]
fn a_load_that_runs_is_not_left_for_another_profile() {
    let mut desk = desk();
    desk.load(retail_tests::sample_file());
    desk.engine()
        .send(retail_engine::handle::Command::PauseConsumers)
        .unwrap();
    desk.begin_load(retail_tests::full_file());
    at_setup(&mut desk);
    desk.click("Profile Local lab");
    let used = desk.control("Use this profile").unwrap();
    assert!(used.accesskit_node().is_disabled(), "a load is running");
    let action = Action::UseProfile("lab".to_owned());
    desk.harness.state_mut().push(action);
    desk.until_seen("the engine cannot be closed now: a load is running");
    assert!(desk.snapshot().load.is_some());
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let mut desk = desk();
    let action = Action::UseProfile("nowhere".to_owned());
    desk.harness.state_mut().push(action);
    desk.until_seen("nowhere");
    assert!(desk.sees("embedded"), "those that are there are named");
    assert!(desk.harness.state().link().engine().is_some());
}

#[test]
fn what_is_above_profiles_is_named_where_it_keeps_one_from_being_used() {
    let mut sources = Sources::default();
    let env = [("RETAIL_MODE", "live"), ("MONITORING_PORT", "0")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    sources.env.extend(env);
    let start = Start {
        sources,
        ..Start::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::at(dir, start, |_| (), |_| Vec::new());
    let action = Action::UseProfile("embedded".to_owned());
    desk.harness.state_mut().push(action);
    desk.until_seen("mode is set by");
    assert!(desk.sees("RETAIL_MODE"));
    assert!(desk.harness.state().link().engine().is_some());
}
