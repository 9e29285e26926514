//! The standing of a thing: icon, word and tint together, so that colour never speaks alone.

use eframe::egui::{
    Align2, Color32, CornerRadius, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2,
};

use super::take_out::hear;
use crate::theme::{self, Icon, Palette, Type, Weight, size};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Says something, judges nothing.
    Neutral,
    /// Not known.
    Unknown,
    /// Old.
    Stale,
    /// Needs a look.
    Warn,
    /// Needs an act.
    Critical,
}

impl Status {
    /// Its icon.
    pub const fn icon(self) -> Icon {
        match self {
            Self::Ok => Icon::Check,
            Self::Neutral => Icon::Info,
            Self::Unknown => Icon::CircleQuestionMark,
            Self::Stale => Icon::Clock,
            Self::Warn => Icon::TriangleAlert,
            Self::Critical => Icon::OctagonX,
        }
    }

    /// Its colour.
    pub const fn color(self, colors: &Palette) -> Color32 {
        match self {
            Self::Ok => colors.ok,
            Self::Neutral => colors.muted,
            Self::Unknown | Self::Stale => colors.unknown,
            Self::Warn => colors.warn,
            Self::Critical => colors.critical,
        }
    }

    /// What stands behind it.
    pub const fn tint(self, colors: &Palette) -> Color32 {
        match self {
            Self::Ok => colors.ok_tint,
            Self::Neutral | Self::Unknown | Self::Stale => colors.unknown_tint,
            Self::Warn => colors.warn_tint,
            Self::Critical => colors.critical_tint,
        }
    }
}

/// A word with its icon on its tint.
pub fn badge(ui: &mut Ui, status: Status, word: &str) -> Response {
    if hear(word) {
        return ui.allocate_response(Vec2::ZERO, Sense::hover());
    }
    let colors = theme::colors(ui);
    let galley = ui.painter().layout_no_wrap(
        word.to_owned(),
        theme::font(Type::Caption, Weight::Medium),
        status.color(colors),
    );
    let (rect, response) =
        ui.allocate_exact_size(vec2(galley.size().x + 30.0, 18.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(
        rect,
        CornerRadius::same(size::RADIUS_BADGE),
        status.tint(colors),
    );
    painter.text(
        rect.left_center() + vec2(13.0, 0.0),
        Align2::CENTER_CENTER,
        char::from(status.icon()),
        theme::icon_font(12.0),
        status.color(colors),
    );
    let at = rect.left_center() + vec2(23.0, -galley.size().y / 2.0);
    painter.galley(at, galley, status.color(colors));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    response
}

/// The icon of a status; a word must stand beside it.
pub fn status_icon(ui: &mut Ui, status: Status) -> Response {
    let color = status.color(theme::colors(ui));
    super::text::icon(ui, status.icon(), color)
}
