//! The console on a desk of its own: a real engine in a new data directory, driven by what a
//! person sees and does, through the accessibility tree.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::epaint::textures::TexturesDelta;
use eframe::egui::{
    Color32, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, Vec2,
};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node, TestRenderer};
use image::RgbaImage;
use retail_console::app::Console;
use retail_console::files::Scripted;
use retail_console::link::Opened;
use retail_console::picture::Raster;
use retail_console::start::Start;
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{LoadRequest, Resume, Until};
use retail_engine::handle::{Command, Engine, Snapshot};
use retail_engine::intake::ReadOptions;
use retail_engine::model::Topic;
use retail_engine::ports::Fault;
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// The smaller of the two sizes that pages are judged at.
const SIZE: Vec2 = Vec2::new(1280.0, 720.0);

/// Keeps the textures, so that any frame can be made a picture.
struct Painter(Rc<RefCell<Raster>>);

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.borrow_mut().update(delta);
    }
}

/// A console that is tested.
pub(crate) struct Desk {
    /// For what this wrapper has no word for.
    pub(crate) harness: Harness<'static, Console>,
    /// Where files that it saves or opens may be kept.
    pub(crate) dir: TempDir,
    raster: Rc<RefCell<Raster>>,
}

impl Desk {
    /// An engine without data.
    pub(crate) fn empty() -> Self {
        Self::with(|_| (), |_| Vec::new())
    }

    /// With changed settings; `files` names what dialogs will answer, in order.
    pub(crate) fn with(
        change: impl FnOnce(&mut Settings),
        files: impl FnOnce(&Path) -> Vec<PathBuf>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::at(dir, Start::default(), change, files)
    }

    /// In a data directory that is there, started in some way.
    pub(crate) fn at(
        dir: TempDir,
        start: Start,
        change: impl FnOnce(&mut Settings),
        files: impl FnOnce(&Path) -> Vec<PathBuf>,
    ) -> Self {
        let mut settings = Settings::in_dir(dir.path().join("data"));
        settings.monitoring.port = 0;
        // How full the disk of this machine is, is not what is tested here.
        settings.alerts.disk_share = 1.0;
        change(&mut settings);
        let chooser = Scripted::new(files(dir.path()));
        let raster = Rc::new(RefCell::new(Raster::default()));
        let harness = Harness::builder()
            .with_size(SIZE)
            .with_max_steps(4)
            .renderer(Painter(Rc::clone(&raster)))
            .build_eframe(|cc| {
                let console = Console::new(&cc.egui_ctx, settings, start, None).unwrap();
                console.choosing_by(chooser)
            });
        let mut desk = Self {
            harness,
            dir,
            raster,
        };
        desk.until("the engine is open", |desk| {
            matches!(desk.harness.state().link().opened(), Opened::Running(_))
        });
        desk
    }

    /// Closes the console and its engine, and opens them again on the same data.
    pub(crate) fn restarted(self, start: Start) -> Self {
        let Self { harness, dir, .. } = self;
        drop(harness);
        Self::at(dir, start, |_| (), |_| Vec::new())
    }

    /// What is remembered for the next start; empty before anything is.
    pub(crate) fn kept(&self) -> String {
        let path = self.dir.path().join("data/console.json");
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// The engine behind the console.
    pub(crate) fn engine(&self) -> &Engine {
        self.harness.state().link().engine().unwrap()
    }

    /// What the engine says now.
    pub(crate) fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.engine().snapshot()
    }

    /// Loads a file by a command, not by clicks, for tests of what comes after.
    pub(crate) fn load(&mut self, file: PathBuf) {
        self.load_by(file, Rules::builtin().unwrap());
    }

    /// The same, by rules of its own.
    pub(crate) fn load_by(&mut self, file: PathBuf, rules: Rules) {
        let before = self.snapshot().loads.len();
        let request = request(file, rules, Until::Closed);
        let answer = self
            .engine()
            .ask(|reply| Command::Load(Box::new(request), reply));
        let end = answer.wait().unwrap().unwrap();
        assert!(end.ledger.is_closed());
        self.until("the load is in the snapshot", |desk| {
            let snapshot = desk.snapshot();
            snapshot.load.is_none() && snapshot.loads.len() > before
        });
    }

    /// Begins to load a file.
    pub(crate) fn begin_load(&mut self, file: PathBuf) {
        let request = request(file, Rules::builtin().unwrap(), Until::Closed);
        // Nobody waits for its end.
        drop(
            self.engine()
                .ask(|reply| Command::Load(Box::new(request), reply)),
        );
        self.until("the load runs", |desk| desk.snapshot().load.is_some());
    }

    /// Puts the lines of a file into the log, whether they can be stored or not.
    pub(crate) fn load_to_the_log(&self, file: PathBuf) {
        let request = request(file, Rules::builtin().unwrap(), Until::Produced);
        let answer = self
            .engine()
            .ask(|reply| Command::Load(Box::new(request), reply));
        answer.wait().unwrap().unwrap();
    }

    /// Starts a fault by a command, not by clicks; it lasts longer than the test.
    pub(crate) fn start_fault(&self, fault: Fault) {
        let answer = self.engine().ask(|reply| Command::StartFault {
            fault,
            lasts: Duration::from_mins(5),
            by: "test".into(),
            reply,
        });
        answer.wait().unwrap().unwrap();
    }

    /// Where the partitions of a topic end.
    pub(crate) fn ends(&self, topic: Topic) -> Vec<u64> {
        let snapshot = self.snapshot();
        let views = snapshot.partitions.iter();
        views
            .filter(|view| view.partition.topic == topic)
            .map(|view| view.end.unwrap().0)
            .collect()
    }

    /// One frame.
    pub(crate) fn frame(&mut self) {
        self.harness.step();
    }

    /// Frames until something holds.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        self.until_within(PATIENCE, what, holds);
    }

    /// The same, for what takes its own time.
    pub(crate) fn until_within(
        &mut self,
        patience: Duration,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) {
        let begun = Instant::now();
        loop {
            self.frame();
            if holds(self) {
                return;
            }
            let seen = || self.words().join("\n");
            assert!(
                begun.elapsed() < patience,
                "waited in vain until {what}; on the screen:\n{}",
                seen()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Frames until a label is on the screen that contains `text`.
    pub(crate) fn until_seen(&mut self, text: &str) {
        self.until(&format!("{text:?} is seen"), |desk| desk.sees(text));
    }

    /// Whether a label or value on the screen contains `text`.
    pub(crate) fn sees(&self, text: &str) -> bool {
        self.words().iter().any(|word| word.contains(text))
    }

    /// Everything on the screen that has words, in the order of the tree.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = vec![self.harness.root()];
        while let Some(node) = rest.pop() {
            let access = node.accesskit_node();
            words.extend(access.label());
            words.extend(access.value());
            let mut children: Vec<_> = node.children().collect();
            children.reverse();
            rest.extend(children);
        }
        words
    }

    /// Presses the control of this label, as a pointer would, and draws what follows. Waits until
    /// the control is there and enabled.
    pub(crate) fn click(&mut self, label: &str) {
        self.until(&format!("{label:?} can be clicked"), |desk| {
            desk.control(label)
                .is_some_and(|node| !node.accesskit_node().is_disabled())
        });
        self.control(label).unwrap().click();
        self.frame();
        self.frame();
    }

    /// Clicks where a text stands, such as a cell of a table: the first that contains it.
    pub(crate) fn click_text(&mut self, text: &str) {
        self.until_seen(text);
        self.text_at(text).click();
        self.frame();
        self.frame();
    }

    /// Clicks with the other button where a text stands: the first that contains it.
    pub(crate) fn right_click_text(&mut self, text: &str) {
        self.until_seen(text);
        self.text_at(text).click_secondary();
        self.frame();
        self.frame();
    }

    /// Waits for a file that the console saves into the folder of this desk, and reads it.
    pub(crate) fn saved(&mut self, name: &str) -> Vec<u8> {
        let path = self.dir.path().join(name);
        self.until(&format!("{name} is saved"), |_| path.is_file());
        std::fs::read(&path).unwrap()
    }

    /// Scrolls what a text stands in; negative goes on.
    pub(crate) fn scroll_text(&mut self, text: &str, points: f32) {
        self.until_seen(text);
        let at = self.text_at(text).rect().center();
        self.harness.event(Event::PointerMoved(at));
        self.harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: Vec2::new(0.0, points),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        self.frame();
        self.frame();
    }

    fn text_at<'a>(&'a self, text: &'a str) -> Node<'a> {
        let mut all = self.harness.query_all_by_label_contains(text);
        all.next().unwrap()
    }

    /// The control of this label: the first that can be clicked or typed in.
    pub(crate) fn control<'a>(&'a self, label: &'a str) -> Option<Node<'a>> {
        let mut all = self.harness.query_all_by_label(label);
        all.find(|node| {
            let role = node.accesskit_node().role();
            !matches!(
                role,
                Role::Label | Role::TextRun | Role::Image | Role::Unknown
            )
        })
    }

    /// Types into the field of this label, after what is there.
    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        self.click(label);
        self.control(label).unwrap().type_text(text);
        self.frame();
        self.frame();
    }

    /// Replaces what is in the field of this label.
    pub(crate) fn retype(&mut self, label: &str, text: &str) {
        self.click(label);
        self.key(Modifiers::COMMAND, Key::A);
        self.control(label).unwrap().type_text(text);
        self.frame();
        self.frame();
    }

    /// Presses a key.
    pub(crate) fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.frame();
        self.frame();
    }

    /// The last frame as a picture.
    pub(crate) fn picture(&self) -> RgbaImage {
        let output = self.harness.output();
        let scale = output.pixels_per_point;
        let primitives = self.harness.ctx.tessellate(output.shapes.clone(), scale);
        let size = self.harness.ctx.content_rect().size();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size"
        )]
        let size = [size.x as u32, size.y as u32];
        self.raster
            .borrow()
            .paint(&primitives, size, scale, Color32::BLACK)
    }

    /// Saves the last frame into the folder of `SHOTS`, if that is set, to be looked at.
    pub(crate) fn shot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            let file = Path::new(&folder).join(format!("{name}.png"));
            self.picture().save(file).unwrap();
        }
    }

    /// Gives the window another size.
    pub(crate) fn resize(&mut self, width: f32, height: f32) {
        self.harness.set_size(Vec2::new(width, height));
        self.frame();
        self.frame();
    }
}

fn request(file: PathBuf, rules: Rules, until: Until) -> LoadRequest {
    LoadRequest {
        file,
        options: ReadOptions::default(),
        rules,
        limit: ErrorLimit::None,
        until,
        resume: Resume::WhereItStood,
    }
}
