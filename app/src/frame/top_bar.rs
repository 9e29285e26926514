//! The bar at the top: mode, load, health, faults, alerts; and the button that ends all faults.

use eframe::egui::{
    Align, CornerRadius, CursorIcon, Id, Layout, Rect, Role, Sense, Stroke, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use crate::actions::Action;
use crate::pages::Page;
use crate::start::ProfileKind;
use crate::theme::{self, Icon, Type, Weight, size};
use crate::views::top::{Cell, TopView};
use crate::widgets::{self, Btn, Line, Look, Status};

/// Draws the bar over its rect.
pub fn top_bar_ui(ui: &mut Ui, view: &TopView, brand: f32, acts: &mut Vec<Action>) {
    let colors = theme::colors(ui);
    let bar = ui.max_rect();
    ui.painter()
        .rect_filled(bar, CornerRadius::ZERO, colors.panel);
    ui.painter().hline(
        bar.x_range(),
        bar.bottom() - 0.5,
        Stroke::new(1.0, colors.line),
    );
    brand_ui(
        ui,
        Rect::from_min_size(bar.min, vec2(brand, bar.height())),
        brand > 100.0,
    );
    let words = if bar.width() < size::CROWDED {
        Words::Icons
    } else {
        Words::Full
    };
    let builder = UiBuilder::new()
        .max_rect(Rect::from_min_max(
            pos2(bar.left() + brand, bar.top()),
            bar.max - vec2(size::PAGE_PAD, 0.0),
        ))
        .layout(Layout::right_to_left(Align::Center));
    let tools = ui.scope_builder(builder, |ui| tools_ui(ui, words, view, acts));
    let mut x = bar.left() + brand;
    let end = tools.response.rect.left() - size::GAP;
    for place in shown(ui, view, end - x) {
        let (name, act) = place.target();
        let cell = place.cell(view);
        let at = Rect::from_min_max(pos2(x, bar.top()), pos2(end, bar.bottom() - 1.0));
        let (width, clicked) = cell_ui(ui, at, name, cell, |ui| {
            if place == Place::Mode {
                mode_badges_ui(ui, view);
            }
        });
        ui.data_mut(|data| data.insert_temp(width_id(place), width));
        x += width;
        ui.painter()
            .vline(x - 0.5, at.y_range(), Stroke::new(1.0, colors.line));
        if clicked {
            acts.push(act);
        }
    }
}

/// How the tools are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Full,
    Icons,
}

/// What a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Mode,
    Load,
    Health,
    Faults,
    Alerts,
}

impl Place {
    const ALL: [Self; 5] = [
        Self::Mode,
        Self::Load,
        Self::Health,
        Self::Faults,
        Self::Alerts,
    ];

    /// Its name, and where it leads.
    const fn target(self) -> (&'static str, Action) {
        match self {
            Self::Mode => ("Mode", Action::Go(Page::Setup)),
            Self::Load => ("Load", Action::Go(Page::Load)),
            Self::Health => ("Health", Action::Go(Page::Overview)),
            Self::Faults => ("Faults", Action::Go(Page::Failover)),
            Self::Alerts => ("Alerts", Action::ShowAlerts),
        }
    }

    const fn cell(self, view: &TopView) -> &Cell {
        match self {
            Self::Mode => &view.mode,
            Self::Load => &view.load,
            Self::Health => &view.health,
            Self::Faults => &view.faults,
            Self::Alerts => &view.alerts,
        }
    }

    /// What goes last where not all find room: the mode, then what is not well, then the rest.
    fn rank(self, view: &TopView) -> u8 {
        match (self, self.cell(view).status) {
            (Self::Mode, _) => 0,
            (_, Status::Warn | Status::Critical) => 1,
            (Self::Health, _) => 2,
            (Self::Load, _) => 3,
            (Self::Faults | Self::Alerts, _) => 4,
        }
    }
}

fn width_id(place: Place) -> Id {
    Id::unique(("top bar", place.target().0))
}

/// The cells that find room, as wide as they were last; in their order.
fn shown(ui: &Ui, view: &TopView, room: f32) -> Vec<Place> {
    let mut ranked = Place::ALL;
    ranked.sort_by_key(|place| place.rank(view));
    let mut left = room;
    let mut shown = Vec::new();
    for place in ranked {
        let width: Option<f32> = ui.data(|data| data.get_temp(width_id(place)));
        let width = width.unwrap_or(0.0);
        if place == Place::Mode || width <= left {
            left -= width;
            shown.push(place);
        }
    }
    shown.sort_by_key(|place| *place as u8);
    shown
}

fn mode_badges_ui(ui: &mut Ui, view: &TopView) {
    if view.simulated {
        simulated_badge(ui);
    }
    if let Some(kind) = view.kind {
        let status = match kind {
            ProfileKind::Prod => Status::Warn,
            ProfileKind::Lab | ProfileKind::Embedded => Status::Neutral,
        };
        widgets::badge(ui, status, kind.word());
    }
    if view.read_only {
        read_only_badge(ui);
    }
}

fn brand_ui(ui: &Ui, rect: Rect, words: bool) {
    let colors = theme::colors(ui);
    let painter = ui.painter();
    painter.text(
        pos2(rect.left() + 26.0, rect.center().y),
        eframe::egui::Align2::CENTER_CENTER,
        char::from(Icon::Waypoints),
        theme::icon_font(16.0),
        colors.text,
    );
    if words {
        painter.text(
            pos2(rect.left() + 42.0, rect.center().y),
            eframe::egui::Align2::LEFT_CENTER,
            "Retail console",
            theme::font(Type::Section, Weight::SemiBold),
            colors.text,
        );
    }
    painter.vline(
        rect.right() - 0.5,
        rect.y_range(),
        Stroke::new(1.0, colors.line),
    );
}

/// One cell; its width, and whether it was clicked.
fn cell_ui(
    ui: &mut Ui,
    at: Rect,
    name: &str,
    cell: &Cell,
    badges: impl FnOnce(&mut Ui),
) -> (f32, bool) {
    let colors = theme::colors(ui);
    let builder = UiBuilder::new()
        .max_rect(at.shrink2(vec2(14.0, 6.0)))
        .layout(Layout::top_down(Align::Min));
    let inner = ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        Line::caption(name).color(colors.muted).show(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if let Some(quiet) = &cell.lead {
                Line::body(quiet).color(colors.muted).show(ui);
            }
            if cell.status != Status::Neutral {
                widgets::status_icon(ui, cell.status);
            }
            let color = match cell.status {
                Status::Neutral if cell.quiet => colors.muted,
                Status::Neutral => colors.text,
                status => status.color(colors),
            };
            Line::body(&cell.text).medium().color(color).show(ui);
            badges(ui);
        });
    });
    let width = inner.response.rect.width() + 28.0;
    let rect = Rect::from_min_size(at.min, vec2(width, at.height()));
    let response = ui
        .interact(rect, ui.scope_id().with(("top", name)), Sense::click())
        .on_hover_cursor(CursorIcon::PointingHand);
    widgets::focus_inside(ui, &response, rect.shrink(2.0), size::RADIUS);
    let label = format!("{name}: {}", cell.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    (width, response.clicked())
}

/// The word on its hatch.
pub fn simulated_badge(ui: &mut Ui) {
    let colors = theme::colors(ui);
    let galley = ui.painter().layout_no_wrap(
        "SIMULATED".to_owned(),
        theme::font(Type::Caption, Weight::Medium),
        colors.simulated,
    );
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(16.0, 3.0), Sense::hover());
    widgets::hatch(ui.painter(), rect, 6.0, colors.simulated_hatch);
    widgets::dashed_rect(ui.painter(), rect, colors.simulated);
    let word = Rect::from_center_size(rect.center(), galley.size());
    ui.painter().rect_filled(
        word.expand2(vec2(3.0, 0.0)),
        CornerRadius::ZERO,
        colors.panel,
    );
    ui.painter().galley(word.min, galley, colors.simulated);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Simulated"));
    response.on_hover_text(
        "The three data centres are replicas inside this process. The files on disk are real.",
    );
}

/// The words in their frame.
fn read_only_badge(ui: &mut Ui) {
    let colors = theme::colors(ui);
    let font = theme::font(Type::Caption, Weight::Medium);
    let word = ui
        .painter()
        .layout_no_wrap("READ ONLY".to_owned(), font, colors.text);
    let (rect, response) = ui.allocate_exact_size(word.size() + vec2(12.0, 3.0), Sense::hover());
    let border = Stroke::new(1.0, colors.text);
    let radius = CornerRadius::same(size::RADIUS_BADGE);
    let inside = eframe::egui::StrokeKind::Inside;
    ui.painter().rect_stroke(rect, radius, border, inside);
    let at = rect.center() - word.size() / 2.0;
    ui.painter().galley(at, word, colors.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Read only"));
    response.on_hover_text("Nothing can be changed from this console. Faults can be ended.");
}

fn tools_ui(ui: &mut Ui, words: Words, view: &TopView, acts: &mut Vec<Action>) {
    let none = "no fault is in force";
    let named = |name: &'static str| match words {
        Words::Full => Btn::new(name),
        Words::Icons => Btn::new("").label(name),
    };
    let stop = named("End all faults")
        .icon(Icon::Square)
        .look(if view.faults_active {
            Look::Danger
        } else {
            Look::Plain
        })
        .blocked((!view.faults_active).then_some(none))
        .hint("Ends every fault at once (Ctrl+Shift+X)");
    if stop.clicked(ui) {
        acts.push(Action::EndAllFaults);
    }
    let freeze = match &view.frozen {
        Some(_) => named("Live").icon(Icon::Play),
        None => named("Freeze view").icon(Icon::Pause),
    };
    if freeze
        .hint("Holds what is on the screen (Space)")
        .clicked(ui)
    {
        acts.push(Action::ToggleFreeze);
    }
    if let Some(behind) = &view.frozen {
        widgets::badge(ui, Status::Stale, behind);
    }
}
