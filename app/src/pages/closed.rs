//! The engine could not be opened: why, and what can be done about it from here.

use eframe::egui::{Align, Layout, Ui};
use retail_engine::config::{Mode, Settings};
use retail_engine::handle::Engine;
use retail_engine::model::{Dc, Region, Topic};

use super::{Cx, Page, title_ui};
use crate::actions::Action;
use crate::later::{Came, Later};
use crate::pages::setup::Tab;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon};
use crate::widgets::{self, Btn, Confirm, Decision, Line, Panel, Split, split_columns, split_rows};

/// What went wrong, and what to do.
type Failure = (String, String);

/// What is remembered while there is no engine.
#[derive(Default)]
pub struct State {
    /// The question is open, with what was typed into it.
    asked: Option<String>,
    making: Option<(Later<Result<(), Failure>>, ActId)>,
    failed: Option<Failure>,
}

impl State {
    /// Takes what has come.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        let Some((making, act)) = &self.making else {
            return;
        };
        let made = match making.poll() {
            Came::NotYet => return,
            Came::Value(made) => made,
            Came::Lost => Err((
                "the thread that makes topics and tables ended with a panic".to_owned(),
                "see the log of this program".to_owned(),
            )),
        };
        match made {
            Ok(()) => {
                let told = "topics and tables are there".to_owned();
                cx.runbook.end(*act, Outcome::Done(told.clone()));
                cx.notices.done(format!("Set up: {told}"));
                cx.acts.push(Action::Reopen);
            }
            Err(failed) => {
                cx.runbook.end(*act, Outcome::Failed(failed.0.clone()));
                self.failed = Some(failed);
            }
        }
        self.making = None;
    }

    /// Whether topics and tables are being made: nothing else is opened meanwhile.
    pub const fn is_making(&self) -> bool {
        self.making.is_some()
    }

    fn make(&mut self, cx: &mut Cx<'_>) {
        self.failed = None;
        let args = vec!["setup".to_owned()];
        let what = "Set up topics and tables";
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args));
        let settings = cx.settings.clone();
        let make =
            move || Engine::set_up(&settings).map_err(|error| (error.to_string(), error.remedy()));
        match Later::begin(cx.ctx, "set-up", make) {
            Ok(making) => self.making = Some((making, act)),
            Err(error) => {
                let told = format!("no thread to set up: {error}");
                cx.runbook.end(act, Outcome::Failed(told.clone()));
                self.failed = Some((told, "end other programs".to_owned()));
            }
        }
    }

    fn confirm_ui(&mut self, cx: &mut Cx<'_>) {
        let Some(typed) = &mut self.asked else {
            return;
        };
        let lines = plan(cx.settings);
        let confirm = Confirm {
            title: "Set up topics and tables?",
            lines: &lines,
            act: "Make what is missing",
            name: None,
            blocked: None,
        };
        match confirm.show(cx.ctx, typed) {
            Decision::Open => {}
            Decision::Cancel => self.asked = None,
            Decision::Act => {
                self.asked = None;
                self.make(cx);
            }
        }
    }
}

/// What an engine is being opened on.
pub fn opening(settings: &Settings) -> String {
    match settings.mode {
        Mode::Embedded => format!("Opening {}\u{2026}", settings.data_dir.display()),
        Mode::Live => format!("Connecting to {}\u{2026}", servers(settings)),
    }
}

fn servers(settings: &Settings) -> String {
    let live = &settings.live;
    format!(
        "Kafka at {} and Cassandra at {}",
        live.kafka_bootstrap_servers.join(", "),
        live.cassandra_contact_points.join(", "),
    )
}

/// What setting up makes, where it is missing.
fn plan(settings: &Settings) -> Vec<String> {
    let live = &settings.live;
    let named = |topic: Topic| format!("{}{}", live.kafka_topic_prefix, topic.name());
    let lines = Region::ALL.map(|region| named(Topic::Lines(region)));
    let dcs = Dc::ALL.map(Dc::name).join(", ");
    vec![
        format!(
            "Kafka: the topics {}, {} partitions each, and {} with one",
            lines.join(", "),
            settings.log.partitions,
            named(Topic::Quarantine)
        ),
        format!(
            "Cassandra: the keyspace {} over {dcs}, and its tables",
            live.cassandra_keyspace
        ),
        "What is there already stays as it is. Nothing is dropped.".to_owned(),
    ]
}

/// Draws what is known, and what can be done.
pub fn closed_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>, (what, remedy): (&str, &str)) {
    let busy = state
        .making
        .as_ref()
        .map(|_| "topics and tables are being made");
    let sentence = match cx.settings.mode {
        Mode::Embedded => cx.settings.data_dir.display().to_string(),
        Mode::Live => servers(cx.settings),
    };
    title_ui(ui, "The engine is not open", &sentence, |ui| {
        let again = Btn::primary("Try again").icon(Icon::RefreshCw);
        if again.blocked(busy).clicked(ui) {
            cx.acts.push(Action::Reopen);
        }
    });
    let room = ui.available_rect_before_wrap();
    let [why, ways, _rest] = split_rows(
        room,
        [
            Split::Points(150.0),
            Split::Points(150.0),
            Split::Share(1.0),
        ],
    );
    Panel::titled("Why").show(ui, why, |ui| {
        let (what, remedy) = match &state.failed {
            Some((what, remedy)) => (what.as_str(), remedy.as_str()),
            None => (what, remedy),
        };
        widgets::error_state(ui, what, Some(remedy));
    });
    let ways_of = ways_out(cx.settings.mode);
    for (way, rect) in ways_of
        .iter()
        .zip(split_columns(ways, [Split::Share(1.0); 3]))
    {
        Panel::titled(way.title).show(ui, rect, |ui| {
            let muted = theme::colors(ui).muted;
            Line::table(way.text).color(muted).wrapped().show(ui);
            ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
                let blocked = busy.filter(|_| way.does != Does::Test);
                let mut button = Btn::new(way.act).blocked(blocked);
                if way.does == Does::SetUp {
                    button = button.changes();
                }
                if button.clicked(ui) {
                    match way.does {
                        Does::SetUp => state.asked = Some(String::new()),
                        Does::Test => {
                            cx.prefs.layout.setup = Tab::Connections;
                            cx.acts.push(Action::Go(Page::Setup));
                        }
                        Does::Embedded => {
                            cx.acts.push(Action::UseProfile("embedded".to_owned()));
                        }
                    }
                }
            });
        });
    }
    state.confirm_ui(cx);
}

/// What a way out does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    SetUp,
    Test,
    Embedded,
}

/// A way out.
struct Way {
    title: &'static str,
    text: &'static str,
    act: &'static str,
    does: Does,
}

/// Those of a mode.
const fn ways_out(mode: Mode) -> &'static [Way] {
    const CONNECTIONS: Way = Way {
        title: "Find the step that fails",
        text: "Setup tests a connection step by step, keeps profiles, and can run real servers as a local lab.",
        act: "Open connections",
        does: Does::Test,
    };
    match mode {
        Mode::Embedded => &[CONNECTIONS],
        Mode::Live => &[
            Way {
                title: "A cluster that is new",
                text: "Topics, keyspace and tables are made once, before the first use. What is there stays as it is.",
                act: "Set up topics and tables\u{2026}",
                does: Does::SetUp,
            },
            CONNECTIONS,
            Way {
                title: "Without servers",
                text: "Log and three data centres inside this process; nothing to install. Data of the servers is not shown there.",
                act: "Use embedded mode",
                does: Does::Embedded,
            },
        ],
    }
}
