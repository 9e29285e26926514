//! Can we connect, and is everything in place?

mod connections;
mod faults;
mod plan;
mod rules;
mod settings;

use eframe::egui::{
    Align, Align2, CornerRadius, CursorIcon, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use serde::{Deserialize, Serialize};

use super::{Cx, Page};
use crate::actions::Action;
use crate::theme::{self, Type, Weight, size};
use crate::widgets::{self, Line};

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tab {
    /// Profiles, and the test of one.
    #[default]
    Connections,
    /// What is there against what is needed.
    Plan,
    /// Alert rules.
    Rules,
    /// Faults, and the commands for them.
    Faults,
    /// Appearance and settings.
    Settings,
}

impl Tab {
    const ALL: [Self; 5] = [
        Self::Connections,
        Self::Plan,
        Self::Rules,
        Self::Faults,
        Self::Settings,
    ];

    /// Whether it is of use while there is no engine.
    pub const fn is_open_without_engine(self) -> bool {
        matches!(self, Self::Connections | Self::Settings)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Plan => "Plan",
            Self::Rules => "Alert rules",
            Self::Faults => "Faults and lab",
            Self::Settings => "Settings",
        }
    }
}

/// What the page remembers.
#[derive(Default)]
pub struct State {
    connections: connections::State,
    plan: plan::State,
    faults: faults::State,
    settings: settings::State,
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.connections.refresh(cx);
        self.plan.refresh(cx);
        self.faults.refresh(cx);
    }

    /// The same while there is no engine.
    pub fn refresh_closed(&mut self, cx: &mut Cx<'_>) {
        self.connections.refresh(cx);
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::Settings => cx.prefs.layout.setup = Tab::Settings,
            Action::Export => match cx.prefs.layout.setup {
                Tab::Connections => self.connections.export(cx),
                Tab::Rules => rules::save(cx),
                Tab::Plan | Tab::Faults | Tab::Settings => {
                    cx.notices.push(
                        "this tab has nothing to save".to_owned(),
                        Some("copy its commands instead".to_owned()),
                    );
                }
            },
            _ => {}
        }
    }
}

/// Draws the page.
pub fn setup_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let room = vec2(ui.available_width(), size::TITLE_ROW);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size::TITLE_ROW);
        match cx.prefs.layout.setup {
            Tab::Connections => state.connections.acts_ui(ui, cx),
            Tab::Plan => state.plan.acts_ui(ui, cx),
            Tab::Rules => rules::acts_ui(ui, cx),
            Tab::Faults | Tab::Settings => {}
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::new(Page::Setup.title(), Type::Title)
                .semibold()
                .show(ui);
            ui.add_space(8.0);
            for tab in Tab::ALL {
                if tab_ui(ui, tab, tab == cx.prefs.layout.setup) {
                    cx.prefs.layout.setup = tab;
                }
            }
        });
    });
    match cx.prefs.layout.setup {
        Tab::Connections => state.connections.ui(ui, cx),
        Tab::Plan => state.plan.ui(ui, cx),
        Tab::Rules => rules::rules_ui(ui, cx),
        Tab::Faults => state.faults.ui(ui, cx),
        Tab::Settings => state.settings.ui(ui, cx),
    }
}

/// One tab of the title row; whether it was chosen.
fn tab_ui(ui: &mut Ui, tab: Tab, on: bool) -> bool {
    let colors = theme::colors(ui);
    let (weight, color) = if on {
        (Weight::Medium, colors.text)
    } else {
        (Weight::Regular, colors.muted)
    };
    let font = theme::font(Type::Body, weight);
    let galley = ui
        .painter()
        .layout_no_wrap(tab.name().to_owned(), font.clone(), color);
    let room = vec2(galley.size().x + 14.0, size::TITLE_ROW - 12.0);
    let (rect, response) = ui.allocate_exact_size(room, Sense::click());
    let color = if response.hovered() {
        colors.text
    } else {
        color
    };
    ui.painter().text(
        rect.center(),
        Align2::CENTER_CENTER,
        tab.name(),
        font,
        color,
    );
    if on {
        let line = Rect::from_min_max(
            pos2(rect.left() + 5.0, rect.bottom() - 3.0),
            pos2(rect.right() - 5.0, rect.bottom() - 1.0),
        );
        ui.painter()
            .rect_filled(line, CornerRadius::ZERO, colors.text);
    }
    widgets::focus_inside(ui, &response, rect, size::RADIUS);
    response.widget_info(|| {
        WidgetInfo::selected(Role::Tab, true, on, format!("Setup: {}", tab.name()))
    });
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

/// A label at the left and what it names beside it.
fn field_ui<R>(ui: &mut Ui, label: &str, width: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL);
        let muted = theme::colors(ui).muted;
        ui.allocate_ui_with_layout(
            vec2(width, size::CONTROL),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(width);
                Line::table(label).color(muted).show(ui);
            },
        );
        add(ui)
    })
    .inner
}

/// Commands or a file, to be read and copied.
fn code_ui(ui: &mut Ui, id: &str, text: &str) {
    let colors = theme::colors(ui);
    eframe::egui::Frame::new()
        .fill(colors.bg)
        .stroke(eframe::egui::Stroke::new(1.0, colors.line))
        .corner_radius(CornerRadius::same(size::RADIUS))
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            eframe::egui::ScrollArea::vertical()
                .id_salt(id)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for line in text.lines() {
                        let comment = line.starts_with('#');
                        let color = if comment { colors.muted } else { colors.text };
                        Line::table(line).mono().color(color).wrapped().show(ui);
                    }
                });
        });
}
