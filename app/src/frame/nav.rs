//! The navigation: the pages with their keys, or the number that needs an act.

use eframe::egui::{
    Align2, CornerRadius, CursorIcon, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::actions::Action;
use crate::pages::Page;
use crate::theme::{self, Icon, Type, Weight, size};
use crate::widgets::{self, Status};

/// Number beside a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// What it says.
    pub text: String,
    /// How it stands.
    pub status: Status,
}

/// Whether there is room for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NavWidth {
    /// Icons and words.
    Full,
    /// Icons.
    Icons,
}

/// Draws the navigation over its rect.
pub fn nav_ui(
    ui: &mut Ui,
    width: NavWidth,
    chosen: Page,
    badge_of: impl Fn(Page) -> Option<Badge>,
    acts: &mut Vec<Action>,
) {
    let colors = theme::colors(ui);
    let rect = ui.max_rect();
    ui.painter()
        .rect_filled(rect, CornerRadius::ZERO, colors.panel);
    ui.painter().vline(
        rect.right() - 0.5,
        rect.y_range(),
        eframe::egui::Stroke::new(1.0, colors.line),
    );
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.add_space(10.0);
    for (place, page) in Page::ALL.into_iter().enumerate() {
        let key = (place + 1).to_string();
        let item = Item {
            icon: page.icon(),
            text: page.title(),
            key: &key,
            on: page == chosen,
            badge: badge_of(page),
        };
        if item.show(ui, width).clicked() {
            acts.push(Action::Go(page));
        }
    }
    let tools = [
        (Icon::Search, "Find anything", "Ctrl K", Action::Palette),
        (Icon::Bell, "Events", "Ctrl J", Action::ToggleEvents),
        (Icon::Settings, "Settings", "Ctrl ,", Action::Settings),
    ];
    let left = ui.available_height() - 36.0 * tools.len() as f32 - 8.0;
    ui.add_space(left.max(0.0));
    for (icon, text, key, action) in tools {
        let item = Item {
            icon,
            text,
            key,
            on: false,
            badge: None,
        };
        if item.show(ui, width).clicked() {
            acts.push(action);
        }
    }
}

struct Item<'a> {
    icon: Icon,
    text: &'a str,
    key: &'a str,
    on: bool,
    badge: Option<Badge>,
}

impl Item<'_> {
    fn show(&self, ui: &mut Ui, width: NavWidth) -> Response {
        let colors = theme::colors(ui);
        let room = vec2(ui.available_width(), 34.0);
        let (rect, response) = ui.allocate_exact_size(room, Sense::click());
        let rect = rect.shrink2(vec2(8.0, 0.0));
        let painter = ui.painter();
        if self.on || response.hovered() {
            painter.rect_filled(rect, CornerRadius::same(size::RADIUS), colors.raised);
        }
        if self.on {
            let mark = Rect::from_min_size(rect.left_top() + vec2(0.0, 7.0), vec2(2.0, 20.0));
            painter.rect_filled(mark, CornerRadius::ZERO, colors.text);
        }
        widgets::focus_inside(ui, &response, rect, size::RADIUS);
        let color = if self.on { colors.text } else { colors.muted };
        let y = rect.center().y;
        painter.text(
            pos2(rect.left() + 17.0, y),
            Align2::CENTER_CENTER,
            char::from(self.icon),
            theme::icon_font(15.0),
            color,
        );
        if width == NavWidth::Full {
            let weight = if self.on {
                Weight::Medium
            } else {
                Weight::Regular
            };
            painter.text(
                pos2(rect.left() + 34.0, y),
                Align2::LEFT_CENTER,
                self.text,
                theme::font(Type::Body, weight),
                color,
            );
        }
        self.side(ui, rect, width);
        let label = match &self.badge {
            Some(badge) => format!("{}, {}", self.text, badge.text),
            None => self.text.to_owned(),
        };
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, self.on, &label));
        let response = response.on_hover_cursor(CursorIcon::PointingHand);
        match width {
            NavWidth::Full => response,
            NavWidth::Icons => response.on_hover_text(format!("{} ({})", self.text, self.key)),
        }
    }

    /// The key, or the number that needs an act.
    fn side(&self, ui: &Ui, rect: Rect, width: NavWidth) {
        let colors = theme::colors(ui);
        let painter = ui.painter();
        let Some(badge) = &self.badge else {
            if width == NavWidth::Full {
                painter.text(
                    rect.right_center() - vec2(9.0, 0.0),
                    Align2::RIGHT_CENTER,
                    self.key,
                    theme::font(Type::Caption, Weight::Medium),
                    colors.faint,
                );
            }
            return;
        };
        let galley = painter.layout_no_wrap(
            badge.text.clone(),
            theme::font(Type::Caption, Weight::Medium),
            badge.status.color(colors),
        );
        let place = match width {
            NavWidth::Full => Rect::from_center_size(
                pos2(rect.right() - galley.size().x / 2.0 - 14.0, rect.center().y),
                galley.size() + vec2(10.0, 2.0),
            ),
            NavWidth::Icons => Rect::from_center_size(
                rect.right_top() + vec2(-galley.size().x / 2.0, 7.0),
                galley.size() + vec2(5.0, 0.0),
            ),
        };
        painter.rect_filled(
            place,
            CornerRadius::same(size::RADIUS_BADGE),
            badge.status.tint(colors),
        );
        painter.galley(
            place.center() - galley.size() / 2.0,
            galley,
            badge.status.color(colors),
        );
    }
}
