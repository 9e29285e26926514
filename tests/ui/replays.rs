//! Replays to every kind of place, by clicks.

use eframe::egui::{Key, Modifiers};
use retail_console::views::format::count;
use retail_console::views::topics::form::time_of;
use retail_engine::flow::ReplayRequest;
use retail_engine::handle::Command;
use retail_engine::model::{Region, Topic};
use retail_engine::replay::plan::Strategy;

use crate::Desk;

const EUROPE: Topic = Topic::Lines(Region::Europe);
/// Lines of the second load.
const MORE: u64 = 300;

/// A desk with two loads, the second of lines that the first does not have.
fn desk() -> Desk {
    let mut desk = Desk::with(
        |_| (),
        |dir| vec![dir.join("none.csv"), dir.join("offsets.csv")],
    );
    desk.load(retail_tests::sample_file());
    let sample = std::fs::read_to_string(retail_tests::sample_file()).unwrap();
    let mut rows = vec![sample.lines().next().unwrap().to_owned()];
    rows.extend((0..MORE).map(|n| {
        let invoice = 900_000 + n;
        format!("{invoice},22086,PAPER CHAIN,6,2010-12-01 08:26:00,2.55,17850,United Kingdom")
    }));
    let file = desk.dir.path().join("more.csv");
    std::fs::write(&file, rows.join("\n")).unwrap();
    desk.load(file);
    desk.until("both loads are known", |desk| {
        desk.snapshot().loads.len() == 2
    });
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    desk
}

/// Applies the plan on the screen, which must be to read so many lines again, and waits until they
/// were; the arguments of the last act.
fn applied(desk: &mut Desk, lines: u64) -> Vec<String> {
    let act = format!("Replay {} lines", count(lines));
    let written = desk.snapshot().regions[Region::Europe].written;
    desk.click(&format!("{act}\u{2026}"));
    desk.until_seen("Move retail-europe?");
    desk.click(&act);
    desk.until_seen("read back, as planned");
    desk.until_seen(&format!("{0} of {0} lines read again", count(lines)));
    desk.until("they were written again", |desk| {
        desk.snapshot().regions[Region::Europe].written >= written + lines
    });
    let acts = desk.harness.state().runbook().acts();
    let args = acts.iter().rev().filter_map(|act| act.args.as_ref());
    args.take_while(|args| args[0] == "replay")
        .map(|args| args[1..].join(" "))
        .collect()
}

#[test]
fn to_where_a_load_began() {
    let mut desk = desk();
    desk.click("To where a load began");
    let args = applied(&mut desk, MORE);
    assert_eq!(args, ["--topic europe-transactions --to load:L-0002 --yes"]);
}

#[test]
fn to_an_offset_of_one_partition() {
    let mut desk = desk();
    let end = desk.ends(EUROPE)[0];
    desk.click("To an offset per partition");
    desk.retype("Offset of partition 0", "x");
    desk.until_seen("Needed: an offset for partition 0");
    desk.retype("Offset of partition 0", &(end - 10).to_string());
    let args = applied(&mut desk, 10);
    let wanted = format!(
        "--topic europe-transactions --partition 0 --to {} --yes",
        end - 10
    );
    assert!(args.contains(&wanted), "{args:?}");
}

#[test]
fn back_by_a_number_of_lines() {
    let mut desk = desk();
    desk.click("Back by a number of lines");
    desk.retype("Lines back", "7");
    let lines = 7 * desk.ends(EUROPE).len() as u64;
    let args = applied(&mut desk, lines);
    assert_eq!(args, ["--topic europe-transactions --to -7 --yes"]);
}

#[test]
fn to_a_time() {
    let mut desk = desk();
    desk.click("To a time");
    desk.retype("Time", "soon");
    desk.until_seen("Needed: a time such as 14:04:24 (local) or 20");
    desk.shot("replays-time-missing");
    let began = desk.snapshot().loads[0].started_at.to_rfc3339();
    desk.retype("Time", &began);
    let at = time_of(&began, chrono::DateTime::UNIX_EPOCH).unwrap();
    let request = ReplayRequest {
        topic: EUROPE,
        partition: None,
        strategy: Strategy::Time(at),
    };
    let plan = desk
        .engine()
        .ask(|reply| Command::PlanReplay(Box::new(request), reply));
    let plan = plan.wait().unwrap().unwrap();
    assert_eq!(plan.read_again, desk.ends(EUROPE).iter().sum::<u64>());
    let args = applied(&mut desk, plan.read_again);
    assert!(
        args[0].starts_with("--topic europe-transactions --to 20"),
        "{args:?}"
    );
}

#[test]
fn to_offsets_from_a_file() {
    let mut desk = desk();
    let end = desk.ends(EUROPE)[1];
    let file = desk.dir.path().join("offsets.csv");
    let text = format!("europe-transactions,1,{}\n", end - 25);
    std::fs::write(&file, text).unwrap();
    desk.click("To offsets from a file");
    desk.until_seen("none.csv was not read");
    desk.until_seen("choose a file of text");
    desk.until_seen("Needed: choose a file of topic,partition,offset");
    desk.click("Choose a file of offsets\u{2026}");
    let args = applied(&mut desk, 25);
    let wanted = format!(
        "--topic europe-transactions --to file:{} --yes",
        file.display()
    );
    assert_eq!(args, [wanted]);
}
