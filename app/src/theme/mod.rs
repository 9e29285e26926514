//! How the console looks: colours by role, type, sizes. No other room names a colour or a font.

mod fonts;
mod tokens;

use std::sync::Arc;

use eframe::egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle,
    Theme, Ui, Vec2, Visuals,
};

pub use lucide_icons::Icon;
pub use tokens::{Contrast, Palette, palette};

/// Sizes in points, from `tokens.json`.
pub mod size {
    /// Height of the top bar.
    pub const TOP_BAR: f32 = 48.0;
    /// Width of the navigation.
    pub const NAV: f32 = 184.0;
    /// Width of the navigation as icons.
    pub const NAV_COLLAPSED: f32 = 52.0;
    /// Height of the bar at the bottom.
    pub const EVENT_BAR: f32 = 28.0;
    /// Height of the row with the title of a page.
    pub const TITLE_ROW: f32 = 46.0;
    /// Row of a dense table.
    pub const ROW_DENSE: f32 = 22.0;
    /// Row of a table.
    pub const ROW: f32 = 26.0;
    /// A button, an input.
    pub const CONTROL: f32 = 28.0;
    /// A small button.
    pub const CONTROL_SMALL: f32 = 22.0;
    /// Inside a panel.
    pub const PANEL_PAD: f32 = 14.0;
    /// Between panels.
    pub const GAP: f32 = 12.0;
    /// Around a page.
    pub const PAGE_PAD: f32 = 16.0;
    /// Below this width the navigation is icons.
    pub const NARROW: f32 = 1300.0;
    /// Below this height panels of second rank go.
    pub const LOW: f32 = 800.0;
    /// Smallest window.
    pub const WINDOW_MIN: [f32; 2] = [800.0, 600.0];
    /// Below this width the tools of the top bar are icons.
    pub const CROWDED: f32 = 960.0;
    /// Corner of a control.
    pub const RADIUS: u8 = 4;
    /// Corner of a panel.
    pub const RADIUS_PANEL: u8 = 6;
    /// Corner of a badge.
    pub const RADIUS_BADGE: u8 = 3;
}

/// Weight of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// 400.
    Regular,
    /// 500.
    Medium,
    /// 600.
    SemiBold,
}

/// A step of the type scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 11: labels, keys, notes.
    Caption,
    /// 12: cells of tables, buttons.
    Table,
    /// 13: text.
    Body,
    /// 14: brand, section.
    Section,
    /// 20: title of a page.
    Title,
    /// 26: a figure.
    Kpi,
    /// 52: the figure of a drill.
    Hero,
}

impl Type {
    /// Size in points.
    pub const fn points(self) -> f32 {
        match self {
            Self::Caption => 11.0,
            Self::Table => 12.0,
            Self::Body => 13.0,
            Self::Section => 14.0,
            Self::Title => 20.0,
            Self::Kpi => 26.0,
            Self::Hero => 52.0,
        }
    }
}

/// The font of a step of the scale.
pub fn font(step: Type, weight: Weight) -> FontId {
    FontId::new(step.points(), family(weight))
}

/// The font for raw text and digests.
pub fn mono(step: Type) -> FontId {
    FontId::new(step.points() - 0.5, FontFamily::Monospace)
}

/// The font of icons.
pub fn icon_font(points: f32) -> FontId {
    FontId::new(points, FontFamily::Name(fonts::ICONS.into()))
}

fn family(weight: Weight) -> FontFamily {
    match weight {
        Weight::Regular => FontFamily::Proportional,
        Weight::Medium => FontFamily::Name(fonts::MEDIUM.into()),
        Weight::SemiBold => FontFamily::Name(fonts::SEMIBOLD.into()),
    }
}

/// The colours in force where `ui` draws.
pub fn colors(ui: &Ui) -> &'static Palette {
    let visuals = ui.visuals();
    let theme = if visuals.dark_mode {
        Theme::Dark
    } else {
        Theme::Light
    };
    let normal = palette(theme, Contrast::Normal);
    // The style carries the contrast as its background, which differs from palette to palette.
    if visuals.panel_fill == normal.bg {
        normal
    } else {
        palette(theme, Contrast::High)
    }
}

/// Sets the fonts; once, before the first frame.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts::definitions());
}

/// Sets the styles of both themes.
pub fn set_contrast(ctx: &Context, contrast: Contrast) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, Arc::new(style(theme, contrast)));
    }
}

fn style(theme: Theme, contrast: Contrast) -> Style {
    let colors = palette(theme, contrast);
    let mut style = Style {
        visuals: visuals(theme, colors),
        ..Style::default()
    };
    style.text_styles = [
        (TextStyle::Small, font(Type::Caption, Weight::Regular)),
        (TextStyle::Body, font(Type::Body, Weight::Regular)),
        (TextStyle::Button, font(Type::Table, Weight::Medium)),
        (TextStyle::Heading, font(Type::Title, Weight::SemiBold)),
        (TextStyle::Monospace, mono(Type::Table)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 4.0);
    spacing.button_padding = Vec2::new(10.0, 5.0);
    spacing.interact_size = Vec2::new(28.0, 18.0);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(16);
    spacing.scroll.bar_width = 8.0;
    spacing.scroll.floating = true;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style.animation_time = 0.08;
    style
}

fn visuals(theme: Theme, colors: &Palette) -> Visuals {
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    visuals.override_text_color = Some(colors.text);
    visuals.weak_text_color = Some(colors.muted);
    visuals.panel_fill = colors.bg;
    visuals.window_fill = colors.panel;
    visuals.window_stroke = Stroke::new(1.0, colors.line_strong);
    visuals.window_corner_radius = CornerRadius::same(size::RADIUS_PANEL);
    visuals.menu_corner_radius = CornerRadius::same(size::RADIUS);
    visuals.extreme_bg_color = colors.bg;
    visuals.text_edit_bg_color = Some(colors.bg);
    visuals.faint_bg_color = colors.raised;
    visuals.code_bg_color = colors.raised;
    visuals.hyperlink_color = colors.text;
    visuals.warn_fg_color = colors.warn;
    visuals.error_fg_color = colors.critical;
    visuals.selection.bg_fill = colors.bar_dim;
    visuals.selection.stroke = Stroke::new(1.0, colors.text);
    let shadow = Shadow {
        offset: [0, 4],
        blur: 16,
        spread: 0,
        color: Color32::from_black_alpha(96),
    };
    visuals.popup_shadow = shadow;
    visuals.window_shadow = shadow;
    let radius = CornerRadius::same(size::RADIUS);
    let states = &mut visuals.widgets;
    for (state, fill, border, text) in [
        (
            &mut states.noninteractive,
            colors.panel,
            colors.line,
            colors.text,
        ),
        (
            &mut states.inactive,
            colors.panel,
            colors.line_strong,
            colors.text,
        ),
        (&mut states.hovered, colors.raised, colors.text, colors.text),
        (&mut states.active, colors.raised, colors.focus, colors.text),
        (&mut states.open, colors.raised, colors.text, colors.text),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, border);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    visuals
}
