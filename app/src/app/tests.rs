//! The whole console on servers that are a lab, or none. They are simulated: the engine is
//! embedded, and only the console is told otherwise.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Context, Key, Modifiers, Vec2, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node};
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, FaultsBy, Mode, Settings};
use retail_engine::flow::{LoadRequest, Resume, Until};
use retail_engine::handle::{Engine, Snapshot};
use retail_engine::intake::ReadOptions;
use tempfile::TempDir;

use super::*;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const NAME: &str = "Name to confirm";
const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn settings(dir: &TempDir) -> Settings {
    let mut settings = Settings::in_dir(dir.path().join("data"));
    settings.monitoring.port = 0;
    settings
}

/// Lets a page work on a console whose engine is open, without a window.
pub(crate) fn with_cx(work: impl FnOnce(&mut Cx<'_>)) {
    let dir = tempfile::tempdir().unwrap();
    let ctx = Context::default();
    let mut console = Console::new(&ctx, settings(&dir), Start::default(), None).unwrap();
    let begun = Instant::now();
    while console.given.link.snapshot().is_none() {
        console.given.link.refresh();
        assert!(begun.elapsed() < PATIENCE, "the engine did not open");
        std::thread::sleep(Duration::from_millis(5));
    }
    console.with_pages(&ctx, |_, cx| work(cx));
}

/// A request for a file of this many rows, all of them sales, and of `more`.
pub(crate) fn rows(dir: &std::path::Path, rows: u32, more: &str) -> LoadRequest {
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        let number = 500_000 + row;
        writeln!(
            text,
            "{number},85123A,HEART,6,2010-12-13 08:26:00,2.55,17850,France"
        )
        .unwrap();
    }
    text.push_str(more);
    let file = dir.join("rows.csv");
    std::fs::write(&file, text).unwrap();
    LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    }
}

struct Desk {
    harness: Harness<'static, Console>,
    dir: TempDir,
}

impl Desk {
    fn on(faults: FaultsBy, profile: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir);
        // A load takes longer than its test.
        settings.flow.rate_limit = Some(50);
        let start = Start {
            profile: Some(profile.to_owned()),
            ..Start::default()
        };
        let harness = Harness::builder()
            .with_size(Vec2::new(1440.0, 900.0))
            .with_max_steps(4)
            .build_eframe(|cc| {
                let mut console = Console::new(&cc.egui_ctx, settings, start, None).unwrap();
                console.given.settings.mode = Mode::Live;
                console.given.settings.lab.faults = faults;
                console
            });
        let mut desk = Self { harness, dir };
        desk.until("the engine is open", |desk| {
            desk.harness.state().given.link.snapshot().is_some()
        });
        desk
    }

    fn prod() -> Self {
        Self::on(FaultsBy::None, "shop")
    }

    fn engine(&self) -> &Engine {
        self.harness.state().given.link.engine().unwrap()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.engine().snapshot()
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.harness.step();
            if holds(self) {
                return;
            }
            let words = || self.words().join("\n");
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain until {what}; on the screen:\n{}",
                words()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = vec![self.harness.root()];
        while let Some(node) = rest.pop() {
            words.extend(node.accesskit_node().label());
            words.extend(node.accesskit_node().value());
            rest.extend(node.children());
        }
        words
    }

    fn sees(&self, text: &str) -> bool {
        self.words().iter().any(|word| word.contains(text))
    }

    fn until_seen(&mut self, text: &str) {
        self.until(&format!("{text:?} is seen"), |desk| desk.sees(text));
    }

    /// The control whose label begins so.
    fn control<'a>(&'a self, label: &'a str) -> Option<Node<'a>> {
        let mut all = self.harness.query_all_by_label_contains(label);
        all.find(|node| {
            let node = node.accesskit_node();
            let is_text = matches!(node.role(), Role::Label | Role::TextRun | Role::Unknown);
            !is_text && node.label().is_some_and(|known| known.starts_with(label))
        })
    }

    fn is_disabled(&self, label: &str) -> bool {
        let node = self.control(label).unwrap();
        node.accesskit_node().is_disabled()
    }

    fn click(&mut self, label: &str) {
        self.until(&format!("{label:?} can be clicked"), |desk| {
            desk.control(label)
                .is_some_and(|node| !node.accesskit_node().is_disabled())
        });
        self.control(label).unwrap().click();
        self.harness.step();
        self.harness.step();
    }

    fn type_name(&mut self, text: &str) {
        self.click(NAME);
        self.control(NAME).unwrap().type_text(text);
        self.harness.step();
        self.harness.step();
    }

    fn key(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::NONE, key);
        self.harness.step();
        self.harness.step();
    }

    fn go(&mut self, page: Page) {
        self.harness.state_mut().push(Action::Go(page));
        self.harness.step();
    }

    /// Loads a file by clicks.
    fn load(&mut self) {
        let file: PathBuf = rows(self.dir.path(), 3_000, "").file;
        self.harness.state_mut().push(Action::Open(file));
        self.click("Load the file");
        self.until("it runs", |desk| desk.snapshot().load.is_some());
    }
}

#[test]
fn faults_that_cannot_be_ended_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = Context::default();
    let mut console = Console::new(&ctx, settings(&dir), Start::default(), None).unwrap();
    // The engine is not open yet: nobody takes the command.
    console.act(&ctx, Action::EndAllFaults);
    let notices = console.given.notices.all();
    assert!(
        notices[0]
            .message
            .contains("the faults were not ended: no engine is open"),
        "{notices:?}"
    );
    assert!(matches!(
        console.runbook().acts()[0].outcome,
        Ended::Failed(_)
    ));
}

#[test]
fn a_load_is_cancelled_by_the_name_of_servers_that_are_no_lab() {
    let mut desk = Desk::prod();
    desk.load();
    desk.click("Cancel load\u{2026}");
    assert!(desk.is_disabled("End after "), "no name is typed");
    desk.type_name("sh");
    assert!(desk.is_disabled("End after "), "half a name is none");
    // What was typed is there still.
    desk.type_name("op");
    desk.click("End after ");
    desk.until("it has ended", |desk| desk.snapshot().load.is_none());
}

/// Asks to close the window, and says yes.
fn close(desk: &mut Desk) {
    let viewports = &mut desk.harness.input_mut().viewports;
    let root = viewports.entry(ViewportId::ROOT).or_default();
    root.events.push(ViewportEvent::Close);
    desk.harness.step();
    desk.until_seen("End the load and close?");
    assert!(desk.control(NAME).is_none(), "closing destroys nothing");
    desk.click("End the load and close");
}

fn sent(desk: &Desk, command: &ViewportCommand) -> bool {
    let output = &desk.harness.output().viewport_output;
    output[&ViewportId::ROOT].commands.contains(command)
}

#[test]
fn the_window_of_servers_that_are_no_lab_closes_without_a_name() {
    let mut desk = Desk::prod();
    desk.load();
    close(&mut desk);
    desk.until("the window closes", |desk| {
        sent(desk, &ViewportCommand::Close)
    });
    assert!(desk.snapshot().load.is_none());
}

#[test]
fn the_window_closes_while_the_console_only_reads() {
    let mut desk = Desk::prod();
    desk.load();
    let console = desk.harness.state_mut();
    console.push(Action::Access(Access::ReadOnly));
    desk.harness.step();
    close(&mut desk);
    assert_eq!(desk.harness.state().closing, Closing::Now);
    // What the window does with it: asks once more, and is not held.
    let viewports = &mut desk.harness.input_mut().viewports;
    let root = viewports.entry(ViewportId::ROOT).or_default();
    root.events.push(ViewportEvent::Close);
    desk.harness.step();
    assert!(!sent(&desk, &ViewportCommand::CancelClose));
    assert!(!desk.sees("was refused"));
}

#[test]
fn a_repair_of_equal_data_centres_is_not_offered() {
    let mut desk = Desk::prod();
    desk.go(Page::Failover);
    desk.click("Repair\u{2026}");
    desk.until_seen("there is nothing to repair");
    desk.type_name("shop");
    let title = "Repair the data centres?";
    assert!(desk.sees(title));
    let acts = desk.harness.query_all_by_label("Repair");
    assert!(
        acts.into_iter()
            .all(|node| node.accesskit_node().is_disabled())
    );
}

#[test]
fn nothing_is_broken_on_servers_that_are_no_lab() {
    let mut desk = Desk::prod();
    desk.go(Page::Failover);
    desk.click("Drill: Lose Europe");
    desk.until_seen("Europe moves to Americas_DC within");
    desk.until_seen("these servers are not marked LAB");
    assert!(desk.is_disabled("Start drill\u{2026}"));
    assert!(desk.is_disabled("Start the faults only\u{2026}"));
}

#[test]
fn faults_alone_are_asked_about_and_a_lab_is_named_first() {
    let mut desk = Desk::on(FaultsBy::Native, "bench");
    desk.go(Page::Failover);
    desk.click("Drill: Lose Europe");
    desk.click("Start the faults only\u{2026}");
    desk.until_seen("Nothing flows for it and nothing is measured.");
    assert!(desk.is_disabled("Start 1 fault, "));
    desk.type_name("bench");
    desk.click("Cancel");
    assert!(desk.snapshot().faults.is_empty());
    desk.click("Start drill\u{2026}");
    assert!(desk.is_disabled("Start, "), "that name was for another act");
    desk.click("Cancel");
    desk.click("Start the faults only\u{2026}");
    desk.type_name("bench");
    desk.click("Start 1 fault, ");
    desk.until("it is in force", |desk| desk.snapshot().faults.len() == 1);
}

#[test]
fn the_presenter_loads_and_breaks_nothing_on_servers_that_are_no_lab() {
    let mut desk = Desk::prod();
    desk.until("it is measured", |desk| {
        desk.snapshot().rate_limit == Some(50)
    });
    desk.harness.state_mut().push(Action::TogglePresenter);
    desk.until_seen("Three regions, three data centres");
    for caption in [
        "A year of invoices flows",
        "The limit goes",
        "Europe_DC refuses everything",
    ] {
        desk.key(Key::PageDown);
        desk.until_seen(caption);
        desk.until_seen("left out here: these servers are not marked LAB");
    }
    for caption in ["its traffic moves", "what it missed is handed over"] {
        desk.key(Key::PageDown);
        desk.until_seen(caption);
    }
    // What only reads is shown all the same.
    desk.key(Key::PageDown);
    desk.until_seen("Proof: all 3 data centres hold the same rows");
    let snapshot = desk.snapshot();
    assert!(snapshot.loads.is_empty() && snapshot.load.is_none());
    assert!(snapshot.faults.is_empty() && snapshot.drill.is_none());
    assert_eq!(snapshot.rate_limit, Some(50), "the limit stays");
}

#[test]
fn the_presenter_asks_once_for_the_name_of_a_lab() {
    let mut desk = Desk::on(FaultsBy::Native, "bench");
    desk.harness.state_mut().push(Action::TogglePresenter);
    desk.until_seen("Present on these servers?");
    desk.key(Key::PageDown);
    assert!(!desk.sees("A year of invoices flows"), "it is not begun");
    assert!(desk.is_disabled("Begin the show"));
    desk.type_name("bench");
    desk.click("Begin the show");
    desk.key(Key::PageDown);
    desk.until_seen("A year of invoices flows");
    desk.until("it flows", |desk| desk.snapshot().load.is_some());
    desk.key(Key::Escape);
    desk.harness.state_mut().push(Action::TogglePresenter);
    desk.until_seen("Present on these servers?");
    desk.key(Key::Escape);
    desk.until("the show is left", |desk| {
        !desk.sees("Three regions, three data centres")
    });
}
