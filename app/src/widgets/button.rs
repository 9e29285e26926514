//! Controls: buttons, segmented choice, switch, select.

use eframe::egui::{
    Color32, CornerRadius, CursorIcon, Id, Popup, Rect, Response, Role, Sense, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use super::access::read_only;
use super::take_out::hear;
use crate::theme::{self, Icon, Palette, Type, Weight, size};

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The one act of the page.
    Primary,
    /// Other acts.
    Plain,
    /// Without a border, for what stands often.
    Quiet,
    /// Ends what harms: filled, with a border of its own.
    Danger,
}

/// A button: text, icon, key, and in words why it is disabled.
#[derive(Debug, Clone)]
pub struct Btn<'a> {
    text: &'a str,
    label: Option<&'a str>,
    icon: Option<Icon>,
    key: Option<&'a str>,
    look: Look,
    small: bool,
    blocked: Option<&'a str>,
    hint: Option<&'a str>,
    changes: bool,
}

impl<'a> Btn<'a> {
    /// A plain button. With an empty text it is its icon, and needs a `label`.
    pub const fn new(text: &'a str) -> Self {
        Self {
            text,
            label: None,
            icon: None,
            key: None,
            look: Look::Plain,
            small: false,
            blocked: None,
            hint: None,
            changes: false,
        }
    }

    /// The one act of the page.
    pub const fn primary(text: &'a str) -> Self {
        Self::new(text).look(Look::Primary)
    }

    /// In another look.
    #[must_use]
    pub const fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// With an icon before the text.
    #[must_use]
    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// With the key that does the same.
    #[must_use]
    pub const fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Of the height of a dense row.
    #[must_use]
    pub const fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// What a screen reader says instead of the text.
    #[must_use]
    pub const fn label(mut self, label: &'a str) -> Self {
        self.label = Some(label);
        self
    }

    /// Disabled, because of `why`; `None` leaves it enabled.
    #[must_use]
    pub const fn blocked(mut self, why: Option<&'a str>) -> Self {
        self.blocked = why;
        self
    }

    /// Does something that is blocked while the console only reads.
    #[must_use]
    pub const fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// What it will do, shown under the pointer.
    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Draws it.
    pub fn show(mut self, ui: &mut Ui) -> Response {
        if self.changes {
            self.blocked = read_only(ui.ctx()).or(self.blocked);
        }
        let enabled = self.blocked.is_none() && ui.is_enabled();
        let colors = theme::colors(ui);
        let step = if self.small {
            Type::Caption
        } else {
            Type::Table
        };
        let weight = if self.look == Look::Danger {
            Weight::SemiBold
        } else {
            Weight::Medium
        };
        let text_color = Color32::PLACEHOLDER;
        let layout = |text: &str, weight| {
            ui.painter()
                .layout_no_wrap(text.to_owned(), theme::font(step, weight), text_color)
        };
        let text = layout(self.text, weight);
        let key = self.key.map(|key| layout(key, Weight::Regular));
        let pad = if self.small { 8.0 } else { 11.0 };
        let icon_width = match (self.icon, self.text.is_empty()) {
            (Some(_), false) => 20.0,
            (Some(_), true) => 14.0,
            (None, _) => 0.0,
        };
        let key_width = key.as_ref().map_or(0.0, |key| key.size().x + 8.0);
        let height = if self.small {
            size::CONTROL_SMALL
        } else {
            size::CONTROL
        };
        let width = pad * 2.0 + icon_width + text.size().x + key_width;
        let sense = if enabled {
            Sense::click()
        } else {
            Sense::hover()
        };
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), sense);
        if ui.is_rect_visible(rect) {
            let paint = paint_of(self.look, enabled, &response, colors);
            let radius = CornerRadius::same(size::RADIUS);
            ui.painter()
                .rect(rect, radius, paint.fill, paint.border, StrokeKind::Inside);
            if response.has_focus() {
                ring(ui, rect, colors);
            }
            let mut x = rect.left() + pad;
            if let Some(icon) = self.icon {
                ui.painter().text(
                    pos2(x + 7.0, rect.center().y),
                    eframe::egui::Align2::CENTER_CENTER,
                    char::from(icon),
                    theme::icon_font(14.0),
                    paint.text,
                );
                x += icon_width;
            }
            let y = |height: f32| rect.center().y - height / 2.0;
            let (text_width, text_y) = (text.size().x, y(text.size().y));
            ui.painter().galley(pos2(x, text_y), text, paint.text);
            if let Some(key) = key {
                let at = pos2(x + text_width + 8.0, y(key.size().y));
                ui.painter().galley(at, key, paint.key);
            }
        }
        let label = self.label.unwrap_or(self.text);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, label));
        let response = match (self.blocked, self.hint) {
            (Some(why), _) => response.on_hover_text(why),
            (None, Some(hint)) => response.on_hover_text(hint),
            (None, None) => response,
        };
        if enabled {
            response.on_hover_cursor(CursorIcon::PointingHand)
        } else {
            response
        }
    }

    /// Draws it; whether it was clicked.
    pub fn clicked(self, ui: &mut Ui) -> bool {
        self.show(ui).clicked()
    }
}

struct Paint {
    fill: Color32,
    border: Stroke,
    text: Color32,
    key: Color32,
}

fn paint_of(look: Look, enabled: bool, response: &Response, colors: &Palette) -> Paint {
    let hovered = response.hovered() && enabled;
    let (fill, border, text) = match (look, enabled) {
        (_, false) => (
            Color32::TRANSPARENT,
            Stroke::new(1.0, colors.line),
            colors.faint,
        ),
        (Look::Primary, true) => {
            let fill = if hovered {
                colors.accent.lerp_to_gamma(colors.bg, 0.12)
            } else {
                colors.accent
            };
            (fill, Stroke::new(1.0, fill), colors.on_accent)
        }
        (Look::Danger, true) => {
            let fill = if hovered {
                colors.critical.lerp_to_gamma(colors.bg, 0.12)
            } else {
                colors.critical
            };
            (fill, Stroke::new(2.0, colors.text), colors.on_critical)
        }
        (Look::Plain | Look::Quiet, true) => {
            let fill = if hovered {
                colors.raised
            } else {
                Color32::TRANSPARENT
            };
            let border = if look == Look::Plain {
                Stroke::new(1.0, colors.line_strong)
            } else {
                Stroke::NONE
            };
            let text = if look == Look::Plain || hovered {
                colors.text
            } else {
                colors.muted
            };
            (fill, border, text)
        }
    };
    let key = match (look, enabled) {
        (Look::Primary, true) => colors.on_accent.lerp_to_gamma(colors.accent, 0.25),
        _ => colors.faint,
    };
    Paint {
        fill,
        border,
        text,
        key,
    }
}

/// The ring of what has the keyboard.
pub(super) fn ring(ui: &Ui, rect: Rect, colors: &Palette) {
    ui.painter().rect_stroke(
        rect.expand(2.0),
        CornerRadius::same(size::RADIUS + 1),
        Stroke::new(2.0, colors.focus),
        StrokeKind::Outside,
    );
}

/// The ring inside what has the keyboard's focus, where there is no room around it.
pub fn focus_inside(ui: &Ui, response: &Response, rect: Rect, radius: impl Into<CornerRadius>) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, theme::colors(ui).focus);
        ui.painter()
            .rect_stroke(rect, radius, stroke, StrokeKind::Inside);
    }
}

/// One of a few: what was chosen, if that changed.
pub fn segmented<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    choices: &[(T, &str)],
    chosen: T,
) -> Option<T> {
    let colors = theme::colors(ui);
    let cells: Vec<_> = choices
        .iter()
        .map(|(value, text)| {
            let on = *value == chosen;
            let (weight, color) = if on {
                (Weight::Medium, colors.on_accent)
            } else {
                (Weight::Regular, colors.muted)
            };
            let font = theme::font(Type::Caption, weight);
            let galley = ui.painter().layout_no_wrap((*text).to_owned(), font, color);
            (*value, *text, on, color, galley)
        })
        .collect();
    let width: f32 = cells.iter().map(|cell| cell.4.size().x + 18.0).sum();
    let room = vec2(width, size::CONTROL_SMALL);
    let (frame, whole) = ui.allocate_exact_size(room, Sense::hover());
    let mut picked = None;
    let mut x = frame.left();
    for (place, (value, text, on, color, galley)) in cells.into_iter().enumerate() {
        let rect = Rect::from_min_size(
            pos2(x, frame.top()),
            vec2(galley.size().x + 18.0, frame.height()),
        );
        x = rect.right();
        let response = ui.interact(rect, whole.id.with(place), Sense::click());
        let fill = if on {
            colors.accent
        } else if response.hovered() {
            colors.raised
        } else {
            Color32::TRANSPARENT
        };
        ui.painter()
            .rect_filled(rect, CornerRadius::same(size::RADIUS), fill);
        let at = rect.center() - galley.size() / 2.0;
        ui.painter().galley(at, galley, color);
        if response.has_focus() {
            ring(ui, rect, colors);
        }
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, true, on, format!("{label}: {text}"))
        });
        if response.clicked() && !on {
            picked = Some(value);
        }
    }
    ui.painter().rect_stroke(
        frame,
        CornerRadius::same(size::RADIUS),
        Stroke::new(1.0, colors.line_strong),
        StrokeKind::Inside,
    );
    picked
}

/// On or off; whether it was clicked. `label` names what it switches.
pub fn switch(ui: &mut Ui, label: &str, on: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(26.0, 14.0), Sense::click());
    let radius = CornerRadius::same(7);
    let (fill, border, knob) = if on {
        (colors.accent, colors.accent, colors.on_accent)
    } else {
        (Color32::TRANSPARENT, colors.line_strong, colors.muted)
    };
    ui.painter().rect(
        rect,
        radius,
        fill,
        Stroke::new(1.0, border),
        StrokeKind::Inside,
    );
    let x = if on {
        rect.right() - 7.0
    } else {
        rect.left() + 7.0
    };
    ui.painter()
        .circle_filled(pos2(x, rect.center().y), 4.0, knob);
    if response.has_focus() {
        ring(ui, rect, colors);
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, true, on, label));
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// Says, by a mark and to those who cannot see it, that `rect` opens a menu, and what is chosen.
pub(super) fn opens_menu(ui: &Ui, rect: Rect, response: &Response, label: &str, chosen: &str) {
    ui.painter().text(
        rect.right_center() - vec2(14.0, 0.0),
        eframe::egui::Align2::CENTER_CENTER,
        char::from(Icon::ChevronDown),
        theme::icon_font(12.0),
        theme::colors(ui).muted,
    );
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, label);
        info.current_text_value = Some(chosen.to_owned());
        info
    });
}

/// One of many in a menu: what was chosen, if that changed.
pub fn select<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    choices: &[(T, String)],
    chosen: Option<T>,
    width: f32,
) -> Option<T> {
    let colors = theme::colors(ui);
    let text = choices
        .iter()
        .find(|(value, _)| Some(*value) == chosen)
        .map_or("choose\u{2026}", |(_, text)| text.as_str());
    if hear(text) {
        return None;
    }
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::click());
    let border = if response.hovered() {
        colors.text
    } else {
        colors.line_strong
    };
    ui.painter().rect(
        rect,
        CornerRadius::same(size::RADIUS),
        colors.bg,
        Stroke::new(1.0, border),
        StrokeKind::Inside,
    );
    if response.has_focus() {
        ring(ui, rect, colors);
    }
    let inner = ui.painter().with_clip_rect(rect.shrink2(vec2(8.0, 0.0)));
    inner.text(
        rect.left_center() + vec2(9.0, 0.0),
        eframe::egui::Align2::LEFT_CENTER,
        text,
        theme::font(Type::Table, Weight::Regular),
        colors.text,
    );
    opens_menu(ui, rect, &response, label, text);
    let mut picked = None;
    Popup::menu(&response)
        .id(Id::unique(("select", label)))
        .width(width)
        .show(|ui| {
            eframe::egui::ScrollArea::vertical()
                .max_height(320.0)
                .show(ui, |ui| {
                    for (value, text) in choices {
                        let on = Some(*value) == chosen;
                        if ui.selectable_label(on, text).clicked() {
                            picked = Some(*value);
                            ui.close();
                        }
                    }
                });
        });
    picked.filter(|value| Some(*value) != chosen)
}
