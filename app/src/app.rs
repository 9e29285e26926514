//! The window: takes what is new, draws the frame and one page, carries out what was asked.

mod acting;
mod ending;
mod keeping;
mod opening;
#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Context, Rect, Ui, ViewportCommand, pos2, vec2};
use retail_engine::config::Settings;
use retail_engine::handle::{Command, Snapshot};
use retail_engine::watch::findings::{Finding, Severity};

use self::ending::Ending;
use self::keeping::Keeping;
use crate::actions::{self, Action, Keyboard};
use crate::files::{Chooser, Files};
use crate::frame::event_bar::event_bar_ui;
use crate::frame::events::{EventsState, events_ui};
use crate::frame::nav::{Badge, NavWidth, nav_ui};
use crate::frame::palette::{Outcome, PaletteState, palette_ui};
use crate::frame::passport::{PassportState, passport_ui};
use crate::frame::top_bar::top_bar_ui;
use crate::link::{Link, Opened};
use crate::notices::Notices;
use crate::pages::overview::page_of;
use crate::pages::{self, Cx, Page, Pages, closed};
use crate::prefs::Prefs;
use crate::prefs::layout::Drawer;
use crate::runbook::{ActId, Outcome as Ended, Runbook};
use crate::sample::Unpacking;
use crate::start::{Access, ProfileKind, Start};
use crate::taken;
use crate::theme::{self, size};
use crate::views::format;
use crate::views::top::{Standing, TopView};
use crate::widgets::{self, Confirm, Decision, least_ui, rect_ui};

/// The console.
pub struct Console {
    given: Given,
    keeping: Keeping,
    pages: Pages,
    acts: Vec<Action>,
    events: EventsState,
    palette: Option<PaletteState>,
    passport: Option<PassportState>,
    keys: bool,
    ending: Ending,
    closing: Closing,
    /// The sample that is to be opened.
    sample: Unpacking,
    /// What is shown while the engine could not be opened.
    closed: closed::State,
    /// The opening that was asked for.
    opening: Option<ActId>,
}

/// What the pages are given to work with.
struct Given {
    settings: Settings,
    link: Link,
    start: Start,
    prefs: Prefs,
    notices: Notices,
    files: Files,
    runbook: Runbook,
    frozen: Option<(Arc<Snapshot>, Instant)>,
}

impl Given {
    fn cx<'a>(
        &'a mut self,
        ctx: &'a Context,
        snapshot: &'a Arc<Snapshot>,
        acts: &'a mut Vec<Action>,
    ) -> Cx<'a> {
        Cx {
            ctx,
            link: &self.link,
            snapshot,
            held: self.frozen.is_some(),
            settings: &self.settings,
            start: &self.start,
            prefs: &mut self.prefs,
            acts,
            notices: &mut self.notices,
            files: &mut self.files,
            runbook: &mut self.runbook,
        }
    }
}

/// Whether the window is to be closed while a load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Closing {
    /// It is not.
    #[default]
    No,
    /// It was asked for; a person decides about the load.
    Asked,
    /// The load ends, then the window closes.
    Ending,
    /// The window closes, and the load ends with the engine: the console may not steer a load.
    Now,
}

impl Console {
    /// Opens the engine and shows the page shown last, and a file.
    pub fn new(
        ctx: &Context,
        settings: Settings,
        start: Start,
        open: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        theme::install(ctx);
        let prefs = Prefs::load(&settings.data_dir, start.profile.as_deref());
        theme::set_contrast(ctx, prefs.contrast);
        ctx.set_theme(prefs.theme);
        ctx.set_zoom_factor(f32::from(prefs.text_scale) / 100.0);
        Ok(Self {
            keeping: Keeping::of(prefs.clone()),
            given: Given {
                link: Link::open(settings.clone(), start.access, ctx)?,
                settings,
                prefs,
                notices: Notices::default(),
                files: Files::default(),
                runbook: Runbook::of_profile(start.profile.clone()),
                start,
                frozen: None,
            },
            pages: Pages::default(),
            acts: open.map(Action::Open).into_iter().collect(),
            events: EventsState::default(),
            palette: None,
            passport: None,
            keys: false,
            ending: Ending::default(),
            closing: Closing::No,
            sample: Unpacking::default(),
            closed: closed::State::default(),
            opening: None,
        })
    }

    /// The link to the engine.
    pub const fn link(&self) -> &Link {
        &self.given.link
    }

    /// Takes files from `chooser` instead of the dialogs of the desktop.
    #[must_use]
    pub fn choosing_by(mut self, chooser: impl Chooser + 'static) -> Self {
        self.given.files = Files::with(chooser);
        self
    }

    /// The profile that is used, if it has a name.
    pub fn profile(&self) -> Option<&str> {
        self.given.start.profile.as_deref()
    }

    /// What was done, as commands.
    pub const fn runbook(&self) -> &Runbook {
        &self.given.runbook
    }

    /// Asks for an act, as a click would.
    pub fn push(&mut self, action: Action) {
        self.acts.push(action);
    }

    /// What the page shows: the newest snapshot, or the one that was held.
    fn shown(&self) -> Option<Arc<Snapshot>> {
        match &self.given.frozen {
            Some((held, _)) => Some(Arc::clone(held)),
            None => self.given.link.snapshot().cloned(),
        }
    }

    /// Takes what is new. Once per frame, before drawing.
    pub fn refresh(&mut self, ctx: &Context) {
        self.given.link.set_pace(self.given.prefs.pace);
        self.given.link.refresh();
        self.note_opening();
        self.ending.refresh(ctx, &mut self.given);
        let given = &mut self.given;
        given
            .files
            .refresh(ctx, &mut given.notices, &mut given.runbook);
        if let Some(path) = self.sample.take(&mut self.given.notices) {
            self.acts.push(Action::Open(path));
        }
        for what in self.given.link.take_refused() {
            let message = format!("read only: {what} was refused");
            let remedy = "start the console without --read-only, or switch it off in Settings";
            self.given.notices.push(message, Some(remedy.to_owned()));
        }
        let data_dir = &self.given.settings.data_dir;
        self.keeping.refresh(ctx, &mut self.given.prefs, data_dir);
        let guard = self.given.start.guard(&self.given.settings);
        widgets::set_guard(ctx, guard);
        widgets::set_read_only(ctx, self.given.link.access() == Access::ReadOnly);
        if let Some(state) = &mut self.passport {
            state.refresh(ctx);
        }
        self.hold_window(ctx);
        if let Some(stays) = self.given.notices.tidy() {
            ctx.request_repaint_after(stays);
        }
        let keyboard = self.keyboard(ctx);
        let (mut pressed, dropped) = ctx.input_mut(|input| {
            let dropped: Vec<PathBuf> = input
                .raw
                .dropped_files
                .iter()
                .map(|file| file.path().to_path_buf())
                .filter(|path| !path.as_os_str().is_empty())
                .collect();
            (actions::pressed(input, keyboard), dropped)
        });
        self.acts.append(&mut pressed);
        self.acts.extend(dropped.into_iter().map(Action::Open));
        if self.could_not_open() {
            self.with_nothing(ctx, |console, cx| {
                console.closed.refresh(cx);
                console.pages.refresh_closed(cx);
            });
        } else {
            self.with_pages(ctx, Pages::refresh);
        }
        if self.given.frozen.is_some() {
            // The badge says how far behind the view is.
            ctx.request_repaint_after(Duration::from_secs(1));
        }
    }

    /// What has the keyboard before anything is drawn.
    fn keyboard(&self, ctx: &Context) -> Keyboard {
        if self.keys {
            Keyboard::Keys
        } else if self.palette.is_some() || widgets::is_covered(ctx) {
            // The palette that was asked for just now is not drawn yet.
            Keyboard::Dialog
        } else if ctx.text_edit_focused() {
            Keyboard::Field
        } else if ctx.egui_wants_keyboard_input() {
            Keyboard::Control
        } else {
            Keyboard::Page
        }
    }

    /// What the bar at the top says.
    fn top(&self, shown: Option<&Snapshot>) -> TopView {
        let standing = Standing {
            access: self.given.link.access(),
            kind: ProfileKind::of(&self.given.settings),
            profile: self.given.start.profile.as_deref(),
        };
        let without = if self.could_not_open() {
            "Not open"
        } else {
            "Opening\u{2026}"
        };
        let frozen_for = self.given.frozen.as_ref().map(|(_, since)| since.elapsed());
        let mut top = TopView::of(shown.ok_or(without), frozen_for, standing);
        // What ends faults goes by what is so now, also where the view is held.
        let newest = self.given.link.snapshot();
        top.faults_active = newest.is_some_and(|newest| !newest.faults.is_empty());
        top
    }

    /// Draws everything.
    pub fn draw(&mut self, ui: &mut Ui) {
        let window = ui.max_rect();
        let colors = theme::colors(ui);
        ui.painter().rect_filled(window, 0.0, colors.bg);
        let width = if window.width() < size::NARROW {
            NavWidth::Icons
        } else {
            NavWidth::Full
        };
        let nav = match width {
            NavWidth::Full => size::NAV,
            NavWidth::Icons => size::NAV_COLLAPSED,
        };
        let snapshot = self.shown();
        if let Some(shown) = &snapshot {
            format::set_times(self.given.prefs.times, shown.at);
            format::set_units(self.given.prefs.units);
        }
        let top = self.top(snapshot.as_deref());
        let mut acts = std::mem::take(&mut self.acts);

        let bar = Rect::from_min_size(window.min, vec2(window.width(), size::TOP_BAR));
        rect_ui(ui, bar, |ui| top_bar_ui(ui, &top, nav, &mut acts));
        let foot = Rect::from_min_max(
            pos2(window.left(), window.bottom() - size::EVENT_BAR),
            window.max,
        );
        let sampled = sampled(snapshot.as_deref());
        rect_ui(ui, foot, |ui| {
            event_bar_ui(ui, self.given.link.events(), &sampled, &mut acts);
        });
        let side = Rect::from_min_max(
            pos2(window.left(), bar.bottom()),
            pos2(window.left() + nav, foot.top()),
        );
        let badges = snapshot.as_deref();
        rect_ui(ui, side, |ui| {
            nav_ui(
                ui,
                width,
                self.given.prefs.layout.page,
                |page| badge(badges, page),
                &mut acts,
            );
        });
        let room = Rect::from_min_max(
            pos2(side.right(), bar.bottom()),
            pos2(window.right(), foot.top()),
        );
        let room = self.drawer_ui(ui, room, snapshot.as_ref(), &mut acts);
        let room = room.shrink2(vec2(size::PAGE_PAD, 0.0));
        let room = Rect::from_min_max(room.min, room.max - vec2(0.0, 14.0));
        let room = self.notices_ui(ui, room);
        rect_ui(ui, room, |ui| match (self.given.link.opened(), &snapshot) {
            (Opened::Failed(error), _) => {
                let (what, remedy) = (error.to_string(), error.remedy());
                let ctx = ui.ctx().clone();
                self.with_nothing(&ctx, |console, cx| {
                    if cx.prefs.layout.page == Page::Setup
                        && cx.prefs.layout.setup.is_open_without_engine()
                    {
                        console.pages.ui(ui, Page::Setup, cx);
                    } else {
                        closed::closed_ui(ui, console.closed, cx, (&what, &remedy));
                    }
                });
            }
            (_, None) | (Opened::Opening(_), _) => {
                widgets::empty_state(ui, &closed::opening(&self.given.settings), None);
            }
            (Opened::Running(_), Some(snapshot)) => {
                let ctx = ui.ctx().clone();
                let mut cx = self.given.cx(&ctx, snapshot, &mut acts);
                let page = cx.prefs.layout.page;
                let pages = &mut self.pages;
                least_ui(ui, page.least(), |ui, room| {
                    rect_ui(ui, room, |ui| pages.ui(ui, page, &mut cx));
                });
            }
        });
        self.over(ui.ctx(), &mut acts);
        if let Some(snapshot) = &snapshot {
            let ctx = ui.ctx().clone();
            let mut cx = self.given.cx(&ctx, snapshot, &mut acts);
            for taken in widgets::taken_out(&ctx) {
                taken::take(&mut cx, taken);
            }
        }
        if widgets::is_to_find(ui.ctx()) {
            // No field took it.
            let told = "This page has no field to find in; Ctrl+K finds anything".to_owned();
            self.given.notices.done(told);
        }
        for act in acts {
            self.act(ui.ctx(), act);
        }
        widgets::remember_keyboard(ui.ctx());
    }

    /// The drawer of events, if it is open; the room that is left above it.
    fn drawer_ui(
        &mut self,
        ui: &mut Ui,
        mut room: Rect,
        snapshot: Option<&Arc<Snapshot>>,
        acts: &mut Vec<Action>,
    ) -> Rect {
        let Some(snapshot) = snapshot else {
            return room;
        };
        if self.given.prefs.layout.events.drawer == Drawer::Closed {
            return room;
        }
        let height = (room.height() * 0.4).max(200.0);
        let drawer = Rect::from_min_max(pos2(room.left(), room.bottom() - height), room.max);
        room.max.y = drawer.top();
        widgets::surface(ui, drawer);
        let ctx = ui.ctx().clone();
        let mut cx = self.given.cx(&ctx, snapshot, acts);
        let closed = rect_ui(ui, drawer.shrink(12.0), |ui| {
            events_ui(ui, &mut self.events, &mut cx)
        });
        if closed {
            self.show_events(Drawer::Closed);
        }
        room
    }

    /// Lets the pages work on the newest snapshot; nothing to work on before the engine is open.
    fn with_pages(&mut self, ctx: &Context, work: impl FnOnce(&mut Pages, &mut Cx<'_>)) {
        let Some(snapshot) = self.given.link.snapshot().cloned() else {
            return;
        };
        let mut acts = Vec::new();
        let mut cx = self.given.cx(ctx, &snapshot, &mut acts);
        work(&mut self.pages, &mut cx);
        self.acts.append(&mut acts);
    }

    /// What opens over the page.
    fn over(&mut self, ctx: &Context, acts: &mut Vec<Action>) {
        if let Some(state) = &mut self.palette {
            match palette_ui(ctx, state, self.given.link.snapshot().map(Arc::as_ref)) {
                Outcome::Open => {}
                Outcome::Closed => self.palette = None,
                Outcome::Chosen(action) => {
                    self.palette = None;
                    acts.push(action);
                }
            }
        }
        if let Some(state) = &mut self.passport {
            let snapshot = self.given.link.snapshot().map(Arc::as_ref);
            if !passport_ui(ctx, state, &self.given.link, snapshot) {
                self.passport = None;
            }
        }
        if self.keys {
            self.keys = pages::keys::keys_ui(ctx);
        }
        self.closing_ui(ctx);
    }

    /// Keeps the window open while a load runs, until a person has decided and the load has ended.
    fn hold_window(&mut self, ctx: &Context) {
        let runs = self
            .given
            .link
            .snapshot()
            .is_some_and(|snapshot| snapshot.load.is_some());
        if ctx.input(|input| input.viewport().close_requested())
            && runs
            && self.closing != Closing::Now
        {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            if self.closing == Closing::No {
                self.closing = Closing::Asked;
            }
        }
        match self.closing {
            Closing::Ending if !runs => {
                self.closing = Closing::No;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Closing::Ending => ctx.request_repaint_after(Duration::from_millis(50)),
            // It ended by itself while the question was open.
            Closing::Asked if !runs => self.closing = Closing::No,
            Closing::Asked | Closing::Now | Closing::No => {}
        }
    }

    /// The question about the load, before the window closes.
    fn closing_ui(&mut self, ctx: &Context) {
        let Some(snapshot) = self.given.link.snapshot().cloned() else {
            return;
        };
        let (Closing::Asked, Some(load)) = (self.closing, &snapshot.load) else {
            return;
        };
        let lines = pages::load::cancel_lines(load);
        let confirm = Confirm {
            title: "End the load and close?",
            lines: &lines,
            act: "End the load and close",
            name: None,
            blocked: None,
        };
        // Nothing is lost by it: the load goes on where it stood the next time.
        match confirm.show_unguarded(ctx) {
            Decision::Open => {}
            Decision::Cancel => self.closing = Closing::No,
            Decision::Act => {
                let what = format!("End {} and close", load.record.id);
                let act = self.given.runbook.begin(snapshot.at, what, None);
                self.given.runbook.end(act, Ended::Done("sent".to_owned()));
                self.closing = match self.given.link.access() {
                    Access::ReadWrite => {
                        self.given.link.send(Command::CancelLoad);
                        Closing::Ending
                    }
                    Access::ReadOnly => {
                        ctx.send_viewport_cmd(ViewportCommand::Close);
                        Closing::Now
                    }
                };
            }
        }
    }

    /// Errors that are not closed yet, above the page; the room that is left.
    fn notices_ui(&mut self, ui: &mut Ui, room: Rect) -> Rect {
        if self.given.notices.all().is_empty() {
            return room;
        }
        let drawn = ui.scope_builder(egui::UiBuilder::new().max_rect(room), |ui| {
            ui.add_space(10.0);
            pages::notices::notices_ui(ui, &mut self.given.notices);
        });
        let used = drawn.response.rect.bottom().min(room.bottom() - 120.0);
        Rect::from_min_max(pos2(room.left(), used), room.max)
    }
}

/// The number beside a page that needs an act: faults in force, or findings that are acted upon
/// there.
fn badge(snapshot: Option<&Snapshot>, page: Page) -> Option<Badge> {
    let snapshot = snapshot?;
    let here = |finding: &&Finding| page_of(finding.action) == Some(page);
    let found: Vec<_> = snapshot.findings.iter().filter(here).collect();
    let faults = match page {
        Page::Failover => snapshot.faults.len(),
        _ => 0,
    };
    let is_critical = faults > 0 || found.iter().any(|f| f.severity == Severity::Critical);
    let count = faults.max(found.len());
    (count > 0).then(|| Badge {
        text: count.to_string(),
        status: if is_critical {
            widgets::Status::Critical
        } else {
            widgets::Status::Warn
        },
    })
}

fn sampled(snapshot: Option<&Snapshot>) -> String {
    match snapshot {
        Some(snapshot) => format!("Sampled {}", format::clock(snapshot.at)),
        None => "Not sampled yet".to_owned(),
    }
}

impl eframe::App for Console {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.refresh(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let data_dir = &self.given.settings.data_dir;
        self.keeping.end(&self.given.prefs, data_dir);
    }
}
