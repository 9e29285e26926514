//! Topics, replays and messages.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_console::actions::Action;
use retail_console::prefs::ThemeChoice;
use retail_engine::flow::{BrowseField, BrowseFilter, BrowseFrom, BrowseRequest, MessagePage};
use retail_engine::handle::Command;
use retail_engine::model::{Dc, Region, RowsDigest, Topic, TopicPartition};

use crate::Desk;

const EUROPE: Topic = Topic::Lines(Region::Europe);

/// A desk with the sample loaded, on the page of topics.
fn desk() -> Desk {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    open_topics(&mut desk);
    desk
}

fn open_topics(desk: &mut Desk) {
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num5);
    desk.until_seen("How far is each consumer");
}

/// What all three data centres hold, and that they hold the same.
fn digest(desk: &Desk) -> RowsDigest {
    let compared = desk.engine().ask(Command::Verify).wait().unwrap().unwrap();
    assert!(compared.converged() && compared.drift.is_empty());
    *compared.stored[Dc::Europe].known().unwrap()
}

/// Where the group of Europe stands in each partition.
fn committed(desk: &Desk) -> Vec<u64> {
    let snapshot = desk.snapshot();
    let views = snapshot.partitions.iter();
    views
        .filter(|view| view.partition.topic == EUROPE)
        .map(|view| view.committed.unwrap().0)
        .collect()
}

/// A count as the console writes it.
fn grouped(count: u64) -> String {
    retail_console::views::format::count(count)
}

/// Lines of the file of [`more`].
const MORE: u64 = 300;

/// A file of lines that the sample does not have, in many invoices.
fn more() -> String {
    let sample = std::fs::read_to_string(retail_tests::sample_file()).unwrap();
    let header = sample.lines().next().unwrap();
    let rows = (0..MORE).map(|n| {
        let invoice = 900_000 + n;
        format!("{invoice},22086,PAPER CHAIN KIT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom")
    });
    let rows: Vec<String> = std::iter::once(header.to_owned()).chain(rows).collect();
    rows.join("\n")
}

#[test]
fn a_replay_by_clicks_is_planned_confirmed_read_back_and_leaves_the_digests() {
    let mut desk = desk();
    let before = digest(&desk);
    let ends = desk.ends(EUROPE);
    let all: u64 = ends.iter().sum();
    assert_eq!(committed(&desk), ends);
    desk.until_seen("Caught up");
    desk.shot("topics");
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    assert_eq!(committed(&desk), ends, "a plan moves nothing");
    for end in &ends {
        assert!(desk.sees(&grouped(*end)));
    }
    desk.until_seen("looked at: all stored as the log has them, none would differ");
    desk.shot("topics-plan");
    desk.click(&format!("Replay {} lines\u{2026}", grouped(all)));
    desk.until_seen("Move retail-europe?");
    desk.shot("topics-confirm");
    let written = desk.snapshot().regions[Region::Europe].written;
    desk.click(&format!("Replay {} lines", grouped(all)));
    desk.until_seen("read back, as planned");
    let over = format!("{0} of {0} lines read again", grouped(all));
    desk.until_seen(&over);
    desk.shot("topics-applied");
    desk.until("every line was written again", |desk| {
        desk.snapshot().regions[Region::Europe].written == written + all
    });
    assert_eq!(committed(&desk), ends);
    assert_eq!(digest(&desk), before);

    let acts = desk.harness.state().runbook().acts();
    let args: Vec<String> = acts
        .iter()
        .filter_map(|act| Some(act.args.as_ref()?.join(" ")))
        .collect();
    assert_eq!(
        args,
        ["replay --topic europe-transactions --to earliest --yes"]
    );

    desk.key(Modifiers::COMMAND, Key::Z);
    desk.until_seen("Undo the last replay");
    desk.until_seen("Nothing to move");
    assert!(
        desk.control("Nothing to move")
            .unwrap()
            .accesskit_node()
            .is_disabled()
    );
}

#[test]
fn skipping_lines_needs_the_name_and_undo_reads_them_after_all() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    let stored = desk.snapshot().lines;
    desk.engine().send(Command::PauseConsumers).unwrap();
    let file = desk.dir.path().join("more.csv");
    std::fs::write(&file, more()).unwrap();
    desk.load_to_the_log(file);
    open_topics(&mut desk);
    desk.until_seen("held");
    let behind = |desk: &Desk| {
        let ends: u64 = desk.ends(EUROPE).iter().sum();
        ends - committed(desk).iter().sum::<u64>()
    };
    desk.until("the new lines wait", |desk| behind(desk) == MORE);
    let all = MORE;

    desk.key(Modifiers::NONE, Key::R);
    desk.until_seen("Replay Europe");
    desk.click("To the end, skipping lines");
    let skip = format!("Skip {} lines", grouped(all));
    desk.until_seen(&skip);
    desk.until_seen("looked at would differ");
    assert!(desk.sees("not stored") && desk.sees("stays out"));
    desk.shot("topics-skip");
    desk.click(&format!("{skip}\u{2026}"));
    desk.until_seen("will not be read");
    desk.shot("topics-skip-confirm");
    let act = |desk: &Desk| desk.control(&skip).unwrap().accesskit_node().is_disabled();
    assert!(act(&desk), "the name is not typed yet");
    desk.type_into("Name to confirm", "retail-europ");
    assert!(act(&desk), "half a name is none");
    desk.type_into("Name to confirm", "e");
    assert!(!act(&desk));
    desk.click(&skip);
    desk.until_seen("read back, as planned");
    desk.until("the group is at the end", |desk| behind(desk) == 0);
    assert_eq!(desk.snapshot().lines, stored);

    desk.click("Undo\u{2026}");
    desk.until_seen("Undo the last replay");
    let undo = format!("Undo, and read {} lines", grouped(all));
    desk.click(&format!("{undo}\u{2026}"));
    desk.until_seen("Set retail-europe back to where it stood?");
    desk.click(&undo);
    desk.until_seen("What was undone");
    desk.click("Resume consumers");
    desk.until("the lines are stored after all", |desk| {
        desk.snapshot().lines == stored + all
    });
}

#[test]
fn a_plan_of_a_group_that_moved_is_refused_with_the_reason() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    open_topics(&mut desk);
    let ends = desk.ends(EUROPE);
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    let replay = format!("Replay {} lines", grouped(ends.iter().sum()));
    desk.click(&format!("{replay}\u{2026}"));
    desk.until_seen("Move retail-europe?");
    // Somebody else moves the group while the question is open.
    let request = retail_engine::flow::ReplayRequest {
        topic: EUROPE,
        partition: None,
        strategy: retail_engine::replay::plan::Strategy::Back(1_000),
    };
    desk.engine().send(Command::PauseConsumers).unwrap();
    let plan = desk
        .engine()
        .ask(|reply| Command::PlanReplay(Box::new(request), reply));
    let plan = plan.wait().unwrap().unwrap();
    let moved = desk
        .engine()
        .ask(|reply| Command::ApplyReplay(Box::new(plan), reply));
    moved.wait().unwrap().unwrap();
    desk.click(&replay);
    desk.until_seen("the group moved from");
    desk.until_seen("pause the group's consumers, then make the plan again");
    desk.shot("topics-refused");
    let back: Vec<u64> = ends.iter().map(|end| end - 1_000).collect();
    desk.until("the other plan stands", |desk| committed(desk) == back);
    desk.click("Plan again");
    desk.until_seen("dry run, nothing changed");
    desk.until_seen(&format!(
        "Replay {} lines\u{2026}",
        grouped(back.iter().sum())
    ));
    desk.click("Resume consumers");
    desk.until("all is read", |desk| committed(desk) == ends);
}

#[test]
fn a_group_that_never_committed_is_unknown() {
    let mut desk = Desk::empty();
    desk.engine().send(Command::PauseConsumers).unwrap();
    desk.load_to_the_log(retail_tests::sample_file());
    open_topics(&mut desk);
    desk.until_seen("held");
    assert!(desk.ends(EUROPE).iter().all(|end| *end > 0));
    let never = |desk: &Desk| {
        let snapshot = desk.snapshot();
        snapshot
            .partitions
            .iter()
            .all(|view| view.committed.is_none())
    };
    assert!(never(&desk));
    desk.until_seen("Unknown");
    let words = desk.words();
    let begin = words
        .iter()
        .position(|word| word == "europe-transactions")
        .unwrap();
    let row = &words[begin..begin + 12];
    assert_eq!(
        row.iter().filter(|word| *word == "Unknown").count(),
        4,
        "{row:?}"
    );
    desk.shot("topics-unknown");
    desk.engine().send(Command::ResumeConsumers).unwrap();
    desk.until_seen("Caught up");
}

fn browsed(desk: &Desk, from: BrowseFrom, scan: u64, filter: Option<BrowseFilter>) -> MessagePage {
    let request = BrowseRequest {
        partition: TopicPartition::new(EUROPE, 1),
        from,
        scan,
        limit: 100_000,
        filter,
    };
    let answer = desk
        .engine()
        .ask(|reply| Command::Browse(Box::new(request), reply));
    answer.wait().unwrap().unwrap()
}

#[test]
fn browsing_shows_what_the_log_holds_and_nothing_before_run() {
    let mut desk = desk();
    let ends = desk.ends(EUROPE);
    desk.click("Below: Messages");
    desk.click("Show europe-transactions partition 1");
    desk.until_seen("Reads 1\u{2009}000 messages from offset 0");
    assert!(desk.sees("Nothing was read yet"));
    desk.click("Run");
    desk.until_seen("1\u{2009}000 of 1\u{2009}000 read");
    let first = browsed(&desk, BrowseFrom::Oldest, 1, None);
    let cells = retail_console::views::topics::messages::cells(&first.messages[0]);
    for cell in cells {
        assert!(desk.sees(&cell), "{cell}");
    }
    desk.shot("topics-messages");

    desk.type_into("Contains", "white");
    desk.click("From: Last n");
    let last = grouped(ends[1] - 100);
    desk.until_seen(&format!("Reads 100 messages from offset {last}"));
    desk.click("Run");
    let white = |field| {
        let contains = "white".to_owned();
        let filter = BrowseFilter { field, contains };
        let expect = browsed(&desk, BrowseFrom::Last(100), 100, Some(filter));
        (expect.messages.len() as u64, expect.scanned)
    };
    let (found, scanned) = white(BrowseField::Any);
    assert!(found > 0 && found < scanned);
    assert_eq!(white(BrowseField::Description), (found, scanned));
    assert_eq!(white(BrowseField::Country), (0, scanned));
    desk.until_seen(&format!("{} of {} read", grouped(found), grouped(scanned)));
    desk.click("Field");
    desk.click("Country");
    desk.click("Run");
    desk.until_seen("No message matches.");
    desk.click("Field");
    assert!(!desk.sees("Raw text"), "rows that were set aside have it");
    desk.click("Description");
    desk.click("Run");
    desk.until_seen(&format!("{} of {} read", grouped(found), grouped(scanned)));
    desk.shot("topics-messages-field");
    desk.click("From: Time");
    desk.shot("topics-messages-time");
    desk.resize(1280.0, 720.0);
    desk.shot("topics-messages-time-small");
    desk.resize(1440.0, 900.0);
    desk.click("From: Last n");
    assert_eq!(committed(&desk), ends, "looking commits nothing");

    desk.click("Follow");
    desk.until_seen("Following from offset");
    desk.click("Pause");
    desk.until_seen("Paused; 0 came meanwhile");
}

#[test]
fn the_palette_finds_regions_loads_and_settings() {
    let mut desk = desk();
    desk.key(Modifiers::COMMAND, Key::K);
    desk.until_seen("Run: Overview");
    desk.shot("palette");
    desk.type_into("Find", "asia");
    desk.click("Run: Region Asia-Pacific: topic and lag");
    desk.until_seen("Asia-Pacific lag");
    desk.key(Modifiers::COMMAND, Key::K);
    desk.type_into("Find", "125");
    desk.until_seen("Run: Text size 125 %");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the palette is closed", |desk| !desk.sees("Run: "));
    desk.key(Modifiers::COMMAND, Key::K);
    desk.type_into("Find", "l-0001");
    desk.key(Modifiers::NONE, Key::Enter);
    desk.until_seen("Step 4: Ledger");
    desk.key(Modifiers::NONE, Key::R);
    desk.until_seen("Replay Asia-Pacific");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until("the panel is closed", |desk| {
        !desk.sees("Replay Asia-Pacific")
    });
}

#[test]
fn the_page_fits_small_windows_both_themes_and_large_text() {
    let mut desk = desk();
    desk.until_seen("Caught up");
    desk.click("Replay europe-transactions\u{2026}");
    desk.until_seen("dry run, nothing changed");
    for (theme, name) in [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")] {
        let console = desk.harness.state_mut();
        console.push(Action::Theme(theme));
        for (width, height) in [(1440.0, 900.0), (1280.0, 720.0), (800.0, 600.0)] {
            desk.resize(width, height);
            desk.frame();
            desk.shot(&format!("topics-{name}-{width}"));
        }
    }
    desk.resize(1440.0, 900.0);
    desk.harness.state_mut().push(Action::TextScale(200));
    desk.frame();
    desk.frame();
    desk.shot("topics-large-text");
    assert!(desk.control("Close replay").is_some());
}
