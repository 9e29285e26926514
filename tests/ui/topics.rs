//! Topics, replays and messages.

use eframe::egui::{Key, Modifiers};
use retail_engine::handle::Command;
use retail_engine::model::{Dc, Region, RowsDigest, Topic, TopicPartition};

use crate::Desk;

const EUROPE: Topic = Topic::Lines(Region::Europe);

/// A desk with the sample loaded, on the page of topics.
fn desk() -> Desk {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("How far is each consumer");
    desk
}

/// What all three data centres hold, and that they hold the same.
fn digest(desk: &Desk) -> RowsDigest {
    let compared = desk.engine().ask(Command::Verify).wait().unwrap().unwrap();
    assert!(compared.converged() && compared.drift.is_empty());
    *compared.stored[Dc::Europe].known().unwrap()
}

fn committed(desk: &Desk, partition: TopicPartition) -> Option<u64> {
    let snapshot = desk.snapshot();
    let mut views = snapshot.partitions.iter();
    views
        .find(|view| view.partition == partition)?
        .committed
        .map(|at| at.0)
}

#[test]
fn looks() {
    let mut desk = desk();
    desk.until_seen("Caught up");
    desk.shot("topics-small");
    desk.resize(1440.0, 900.0);
    desk.shot("topics");
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    desk.shot("topics-plan");
    desk.click("Below: Messages");
    desk.click("Show europe-transactions partition 1");
    desk.until_seen("Reads ");
    desk.click("Run");
    desk.until(" messages", |desk| desk.sees("WHITE"));
    desk.shot("topics-messages");
    desk.resize(1280.0, 720.0);
    desk.shot("topics-messages-small");
    let _ = (
        digest(&desk),
        committed(&desk, TopicPartition::new(EUROPE, 0)),
    );
}
