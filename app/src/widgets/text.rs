//! Text by type and role.

use std::time::Duration;

use eframe::egui::{Color32, Label, Response, RichText, Sense, TextWrapMode, Ui, Vec2};
use retail_engine::model::Reading;

use super::take_out::hear;
use crate::theme::{self, Icon, Type, Weight};
use crate::views::format;

/// A line of text: never wraps, and is cut with an ellipsis where the room ends.
#[derive(Debug, Clone)]
pub struct Line {
    text: String,
    step: Type,
    weight: Weight,
    color: Option<Color32>,
    wrap: bool,
    mono: bool,
}

impl Line {
    /// Regular text of a step.
    pub fn new(text: impl Into<String>, step: Type) -> Self {
        Self {
            text: text.into(),
            step,
            weight: Weight::Regular,
            color: None,
            wrap: false,
            mono: false,
        }
    }

    /// Body text.
    pub fn body(text: impl Into<String>) -> Self {
        Self::new(text, Type::Body)
    }

    /// Text of tables.
    pub fn table(text: impl Into<String>) -> Self {
        Self::new(text, Type::Table)
    }

    /// A caption.
    pub fn caption(text: impl Into<String>) -> Self {
        Self::new(text, Type::Caption)
    }

    /// A figure.
    pub fn kpi(text: impl Into<String>) -> Self {
        Self::new(text, Type::Kpi).semibold()
    }

    /// Weight 500.
    #[must_use]
    pub const fn medium(mut self) -> Self {
        self.weight = Weight::Medium;
        self
    }

    /// Weight 600.
    #[must_use]
    pub const fn semibold(mut self) -> Self {
        self.weight = Weight::SemiBold;
        self
    }

    /// In a colour of the theme.
    #[must_use]
    pub const fn color(mut self, color: Color32) -> Self {
        self.color = Some(color);
        self
    }

    /// In the face of raw text.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Over as many lines as it needs.
    #[must_use]
    pub const fn wrapped(mut self) -> Self {
        self.wrap = true;
        self
    }

    /// Draws it.
    pub fn show(self, ui: &mut Ui) -> Response {
        if hear(&self.text) {
            return ui.allocate_response(Vec2::ZERO, Sense::hover());
        }
        let font = if self.mono {
            theme::mono(self.step)
        } else {
            theme::font(self.step, self.weight)
        };
        let color = self.color.unwrap_or_else(|| theme::colors(ui).text);
        let text = RichText::new(self.text).font(font).color(color);
        let mode = if self.wrap {
            TextWrapMode::Wrap
        } else {
            TextWrapMode::Truncate
        };
        ui.add(Label::new(text).wrap_mode(mode).sense(Sense::hover()))
    }
}

/// Body text in the muted colour.
pub fn line(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = theme::colors(ui).muted;
    Line::body(text).color(color).show(ui)
}

/// An icon that says nothing by itself: a word stands beside it.
pub fn icon(ui: &mut Ui, icon: Icon, color: Color32) -> Response {
    let size = 14.0;
    let (rect, response) = ui.allocate_exact_size(eframe::egui::vec2(size, size), Sense::hover());
    ui.painter().text(
        rect.center(),
        eframe::egui::Align2::CENTER_CENTER,
        char::from(icon),
        theme::icon_font(size),
        color,
    );
    response
}

/// A reading as text: the value, the value with its age, or the word Unknown with its reason.
pub fn reading<T>(
    ui: &mut Ui,
    reading: &Reading<T>,
    step: Type,
    show: impl Fn(&T) -> String,
) -> Response {
    let colors = theme::colors(ui);
    match reading {
        Reading::Known(value) => Line::new(show(value), step).semibold().show(ui),
        Reading::Stale { value, age } => Line::new(show(value), step)
            .semibold()
            .color(colors.muted)
            .show(ui)
            .on_hover_text(stale(*age)),
        Reading::Unknown(why) => Line::new("Unknown", step)
            .medium()
            .color(colors.unknown)
            .show(ui)
            .on_hover_text(why),
    }
}

fn stale(age: Duration) -> String {
    format!("Stale: last measured {} ago", format::age(age))
}
