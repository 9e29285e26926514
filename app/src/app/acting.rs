//! Carrying out what a person asked for, after the frame in which it was asked.

use std::sync::Arc;
use std::time::Instant;

use eframe::egui::{Context, ViewportCommand};

use super::Console;
use crate::actions::Action;
use crate::frame::events::EventsState;
use crate::frame::palette::PaletteState;
use crate::frame::passport::PassportState;
use crate::link::Opened;
use crate::pages::Page;
use crate::prefs::layout::Drawer;
use crate::sample::Unpacking;
use crate::start::Access;
use crate::theme;
use crate::widgets;
use crate::widgets::chart::clear_brush;

impl Console {
    /// Carries out one act.
    pub(super) fn act(&mut self, ctx: &Context, action: Action) {
        if self.is_early(&action) {
            self.acts.push(action);
            return;
        }
        match action {
            Action::Go(page) => self.go(page),
            Action::ToggleEvents => {
                self.show_events(match self.given.prefs.layout.events.drawer {
                    Drawer::Open => Drawer::Closed,
                    Drawer::Closed => Drawer::Open,
                });
            }
            Action::ShowAlerts => self.given.prefs.layout.events.show_alerts(),
            Action::Palette => self.palette = Some(PaletteState::default()),
            Action::Keys => self.keys = !self.keys,
            Action::ToggleFreeze => self.toggle_freeze(),
            Action::Find => widgets::ask_to_find(ctx),
            Action::Newest => {
                self.given.frozen = None;
                clear_brush(ctx);
                ctx.request_repaint();
            }
            Action::EndAllFaults => self.ending.begin(&mut self.given),
            Action::Theme(theme) => {
                self.given.prefs.theme = theme;
                ctx.set_theme(theme);
            }
            Action::Contrast(contrast) => {
                self.given.prefs.contrast = contrast;
                theme::set_contrast(ctx, contrast);
            }
            Action::TextScale(percent) => {
                self.given.prefs.text_scale = percent;
                ctx.set_zoom_factor(f32::from(percent) / 100.0);
            }
            Action::Times(style) => self.given.prefs.times = style,
            // What was started to read stays so.
            Action::Access(access) if self.given.start.access == Access::ReadWrite => {
                self.given.link.set_access(access);
            }
            Action::Access(_) => {}
            Action::UseProfile(_) | Action::Reopen if self.busy().is_some() => {
                let why = self.busy().unwrap_or_default();
                let remedy = "wait for its end, or end it, then try again".to_owned();
                let told = format!("the engine cannot be closed now: {why}");
                self.given.notices.push(told, Some(remedy));
            }
            Action::UseProfile(name) => self.use_profile(ctx, &name),
            Action::Reopen => self.open_again(ctx),
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Action::Settings => {
                self.go(Page::Setup);
                self.hand_over(ctx, &Action::Settings);
            }
            Action::Open(path) => {
                self.go(Page::Load);
                self.given.prefs.opened(path.clone());
                self.hand_over(ctx, &Action::Open(path));
            }
            Action::OpenSample => {
                let data_dir = &self.given.settings.data_dir;
                self.sample = Unpacking::begin(ctx, data_dir, &mut self.given.notices);
            }
            Action::PlanReplay(_) | Action::Replay | Action::ShowRegion(_) => {
                self.go(Page::Topics);
                self.hand_over(ctx, &action);
            }
            Action::ShowLoad(_) => {
                self.go(Page::Load);
                self.hand_over(ctx, &action);
            }
            Action::RowPath => {
                let before = self.acts.len();
                self.hand_over(ctx, &action);
                if self.acts.len() == before {
                    // The page has no row that is chosen: which one is asked for.
                    self.acts.push(Action::Passport(None));
                }
                ctx.request_repaint();
            }
            Action::Passport(query) => {
                self.passport = Some(PassportState::open(&self.given.link, query));
                ctx.request_repaint();
            }
            Action::TogglePresenter => {
                self.go(Page::Failover);
                self.hand_over(ctx, &Action::TogglePresenter);
            }
            Action::Undo if self.undo_mute(ctx) => {}
            Action::OpenDialog | Action::Export | Action::Undo => {
                self.hand_over(ctx, &action);
            }
        }
    }

    /// Opens or closes the drawer of events, which goes on with what is new.
    pub(super) fn show_events(&mut self, drawer: Drawer) {
        self.given.prefs.layout.events.drawer = drawer;
        self.events = EventsState::default();
    }

    /// Takes the last mute back, where the drawer is open; whether there was one.
    fn undo_mute(&mut self, ctx: &Context) -> bool {
        if self.given.prefs.layout.events.drawer == Drawer::Closed {
            return false;
        }
        let mut events = std::mem::take(&mut self.events);
        let mut undone = false;
        self.with_pages(ctx, |_, cx| undone = events.undo(cx));
        self.events = events;
        undone
    }

    /// Holds what is shown, or goes on with what is new.
    fn toggle_freeze(&mut self) {
        let newest = self.given.link.snapshot();
        self.given.frozen = match self.given.frozen {
            Some(_) => None,
            None => newest.map(|held| (Arc::clone(held), Instant::now())),
        };
    }

    fn go(&mut self, page: Page) {
        self.given.prefs.layout.page = page;
    }

    /// Hands an act to the pages.
    fn hand_over(&mut self, ctx: &Context, action: &Action) {
        self.with_pages(ctx, |pages, cx| pages.act(action, cx));
    }

    /// Whether an act must wait until the engine is open.
    fn is_early(&self, action: &Action) -> bool {
        let needs_engine = matches!(
            action,
            Action::Open(_) | Action::PlanReplay(_) | Action::Replay
        );
        needs_engine && matches!(self.given.link.opened(), Opened::Opening(_))
    }
}
