//! Fields that a person types in.

use std::str::FromStr;

use eframe::egui::{Response, Role, TextEdit, Ui, WidgetInfo, vec2};

use super::keyboard::is_to_find;
use super::text::Line;
use crate::theme::{self, Type, Weight, size};

/// A field of one line, named for those who cannot see it.
#[derive(Debug, Clone, Copy)]
pub struct TextField<'a> {
    label: &'a str,
    hint: &'a str,
    width: f32,
    mono: bool,
    secret: bool,
    finds: bool,
}

impl<'a> TextField<'a> {
    /// A field for this.
    pub const fn new(label: &'a str) -> Self {
        Self {
            label,
            hint: "",
            width: 160.0,
            mono: false,
            secret: false,
            finds: false,
        }
    }

    /// Shown while it is empty.
    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// So many points wide.
    #[must_use]
    pub const fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// In the face of raw text.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Shows dots.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Filters what is shown: the key that finds leads here.
    #[must_use]
    pub const fn finds(mut self) -> Self {
        self.finds = true;
        self
    }

    /// Draws it.
    pub fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        let font = if self.mono {
            theme::mono(Type::Table)
        } else {
            theme::font(Type::Table, Weight::Regular)
        };
        let edit = TextEdit::singleline(text)
            .hint_text(self.hint)
            .font(font)
            .password(self.secret)
            .min_size(vec2(self.width, size::CONTROL))
            .desired_width(self.width);
        let response = ui.add(edit);
        if self.finds && is_to_find(ui.ctx()) {
            response.request_focus();
        }
        let (label, enabled) = (self.label, ui.is_enabled());
        let value = if self.secret {
            String::new()
        } else {
            text.clone()
        };
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, enabled, label);
            info.current_text_value = Some(value.clone());
            info
        });
        response
    }
}

/// A field for a value; what was typed is in `text`. `None`, with the reason beside it, while it
/// is no such value.
pub fn value_field<T: FromStr>(
    ui: &mut Ui,
    field: TextField<'_>,
    text: &mut String,
    what: &str,
) -> Option<T> {
    field.show(ui, text);
    let value = text.trim().parse().ok();
    if value.is_none() && !text.trim().is_empty() {
        let critical = theme::colors(ui).critical;
        Line::caption(format!("not {what}"))
            .color(critical)
            .show(ui);
    }
    value
}
