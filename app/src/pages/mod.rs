//! The pages: each draws what its view says, and pushes actions. None keeps a rule of its own.

pub mod analytics;
pub mod closed;
pub mod failover;
pub mod first_run;
pub mod keys;
pub mod load;
pub mod notices;
pub mod overview;
pub mod quality;
pub mod setup;
pub mod topics;

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{Align, Context, Layout, Ui, vec2};
use retail_engine::config::Settings;
use retail_engine::handle::{Engine, Snapshot};
use retail_engine::watch::history::History;

use crate::actions::Action;
use crate::files::Files;
use crate::link::Link;
use crate::notices::Notices;
use crate::prefs::Prefs;
use crate::runbook::Runbook;
use crate::start::Start;
use crate::theme::{self, Icon, Type, size};
use crate::views::charts::Window;
use crate::views::format;
use crate::widgets::chart::{brush, clear_brush};
use crate::widgets::{Btn, Line, segmented};

/// A page of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Page {
    /// Is everything flowing, and is every row accounted for?
    Overview,
    /// What is in this file, and what will happen to it?
    Load,
    /// What do the sales say?
    Analytics,
    /// Which rows were set aside, why, and what can be saved?
    Quality,
    /// How far is each consumer, and what would a replay do?
    Topics,
    /// Did we survive, how long, and can we prove it?
    Failover,
    /// Can we connect, and is everything in place?
    Setup,
}

impl Page {
    /// In the order of the navigation.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Load,
        Self::Analytics,
        Self::Quality,
        Self::Topics,
        Self::Failover,
        Self::Setup,
    ];

    /// Its name in the navigation.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Load => "Load",
            Self::Analytics => "Analytics",
            Self::Quality => "Quality",
            Self::Topics => "Topics & replay",
            Self::Failover => "Failover",
            Self::Setup => "Setup",
        }
    }

    /// The least room in which nothing on it overlaps; where there is less, it scrolls.
    pub const fn least(self) -> [f32; 2] {
        match self {
            Self::Overview => [960.0, 584.0],
            Self::Setup => [860.0, 480.0],
            // Their panels stand below each other, or scroll by themselves.
            Self::Analytics => [620.0, 400.0],
            Self::Load | Self::Quality | Self::Topics | Self::Failover => [700.0, 480.0],
        }
    }

    /// Its name in files.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Load => "load",
            Self::Analytics => "analytics",
            Self::Quality => "quality",
            Self::Topics => "topics",
            Self::Failover => "failover",
            Self::Setup => "setup",
        }
    }

    /// Its icon.
    pub const fn icon(self) -> Icon {
        match self {
            Self::Overview => Icon::LayoutDashboard,
            Self::Load => Icon::Upload,
            Self::Analytics => Icon::ChartColumn,
            Self::Quality => Icon::Funnel,
            Self::Topics => Icon::ListOrdered,
            Self::Failover => Icon::GitFork,
            Self::Setup => Icon::SlidersHorizontal,
        }
    }
}

/// What every page is given to work and draw with.
pub struct Cx<'a> {
    /// For waking and for what opens over the page.
    pub ctx: &'a Context,
    /// The engine.
    pub link: &'a Link,
    /// What is shown; the newest, unless the view is frozen.
    pub snapshot: &'a Arc<Snapshot>,
    /// The view is frozen: what is on the screen stays as it is.
    pub held: bool,
    /// The settings that the engine was opened with.
    pub settings: &'a Settings,
    /// How the program was started.
    pub start: &'a Start,
    /// What is remembered.
    pub prefs: &'a mut Prefs,
    /// Where acts go.
    pub acts: &'a mut Vec<Action>,
    /// Where errors go.
    pub notices: &'a mut Notices,
    /// Dialogs and saved files.
    pub files: &'a mut Files,
    /// What was done, as commands.
    pub runbook: &'a mut Runbook,
}

impl Cx<'_> {
    /// The hour that the engine keeps.
    pub fn history(&self) -> Arc<History> {
        self.link
            .engine()
            .map_or_else(Arc::default, Engine::history)
    }

    /// The time that the charts show: what was brushed, or the last of a length. A length that
    /// begins before the engine was opened begins when it was, and is a minute at least.
    pub fn window(&self) -> Window {
        if let Some((from, to)) = brush(self.ctx) {
            return Window::between(from, to);
        }
        let range = Duration::from_secs(self.prefs.layout.range_secs.into());
        let open = self.snapshot.uptime.max(Duration::from_mins(1));
        Window::ending(self.snapshot.at, range.min(open))
    }

    /// The choice of that time.
    pub fn range_ui(&mut self, ui: &mut Ui) {
        let choices = [
            (60, "1 min"),
            (300, "5 min"),
            (900, "15 min"),
            (3_600, "1 h"),
        ];
        if let Some((from, to)) = brush(self.ctx) {
            let window = Window::between(from, to);
            let (from, to) = (format::clock(window.from), format::clock(window.to));
            let text = format!("{from} to {to}");
            let back = Btn::new(&text).icon(Icon::X).small();
            if back.hint("Back to the newest time").clicked(ui) {
                clear_brush(self.ctx);
            }
            return;
        }
        if let Some(range) = segmented(ui, "Range", &choices, self.prefs.layout.range_secs) {
            self.prefs.layout.range_secs = range;
        }
    }
}

/// What the pages remember while the program runs.
#[derive(Default)]
pub struct Pages {
    overview: overview::State,
    load: load::State,
    analytics: analytics::State,
    quality: quality::State,
    topics: topics::State,
    failover: failover::State,
    setup: setup::State,
}

impl Pages {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.overview.refresh(cx);
        self.load.refresh(cx);
        self.analytics.refresh(cx);
        self.quality.refresh(cx);
        self.topics.refresh(cx);
        self.failover.refresh(cx);
        self.setup.refresh(cx);
    }

    /// The same while there is no engine.
    pub fn refresh_closed(&mut self, cx: &mut Cx<'_>) {
        self.setup.refresh_closed(cx);
    }

    /// Draws a page.
    pub fn ui(&mut self, ui: &mut Ui, page: Page, cx: &mut Cx<'_>) {
        match page {
            Page::Overview => overview::overview_ui(ui, &mut self.overview, cx),
            Page::Load => load::load_ui(ui, &mut self.load, cx),
            Page::Analytics => analytics::analytics_ui(ui, &mut self.analytics, cx),
            Page::Quality => quality::quality_ui(ui, &mut self.quality, cx),
            Page::Topics => topics::topics_ui(ui, &mut self.topics, cx),
            Page::Failover => failover::failover_ui(ui, &mut self.failover, cx),
            Page::Setup => setup::setup_ui(ui, &mut self.setup, cx),
        }
    }

    /// Carries out an act that a page knows. What belongs to the page that is shown, such as an
    /// export, goes to that page alone.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        let page = match action {
            Action::Open(_) | Action::OpenDialog | Action::ShowLoad(_) => Page::Load,
            Action::PlanReplay(_) | Action::Replay | Action::ShowRegion(_) => Page::Topics,
            Action::TogglePresenter => Page::Failover,
            Action::Settings => Page::Setup,
            _ => cx.prefs.layout.page,
        };
        match page {
            Page::Overview => self.overview.act(action, cx),
            Page::Load => self.load.act(action, cx),
            Page::Analytics => self.analytics.act(action, cx),
            Page::Quality => self.quality.act(action, cx),
            Page::Topics => self.topics.act(action, cx),
            Page::Failover => self.failover.act(action, cx),
            Page::Setup => self.setup.act(action, cx),
        }
    }
}

/// The title of a page, a sentence, and its acts at the right, drawn from the right.
pub fn title_ui(ui: &mut Ui, title: &str, sentence: &str, acts: impl FnOnce(&mut Ui)) {
    let room = vec2(ui.available_width(), size::TITLE_ROW);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size::TITLE_ROW);
        acts(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let muted = theme::colors(ui).muted;
            Line::new(title, Type::Title).semibold().show(ui);
            ui.add_space(4.0);
            Line::body(sentence).color(muted).show(ui);
        });
    });
}
