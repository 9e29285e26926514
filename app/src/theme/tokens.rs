//! Colours by role, read from `assets/theme/tokens.json`: the only colours of the console.

use std::sync::LazyLock;

use eframe::egui::{Color32, Theme};
use retail_engine::model::{Dc, Region};
use serde::{Deserialize, Deserializer, Serialize};

/// Colours of one theme, by what they are for. `on_x` is text on a surface of colour `x`.
#[derive(Debug, Clone, Deserialize)]
pub struct Palette {
    /// Behind everything.
    #[serde(deserialize_with = "hex")]
    pub bg: Color32,
    /// Panels and bars.
    #[serde(deserialize_with = "hex")]
    pub panel: Color32,
    /// Hovered, selected.
    #[serde(deserialize_with = "hex")]
    pub raised: Color32,
    /// Borders that separate.
    #[serde(deserialize_with = "hex")]
    pub line: Color32,
    /// Borders of controls.
    #[serde(deserialize_with = "hex")]
    pub line_strong: Color32,
    /// Text.
    #[serde(deserialize_with = "hex")]
    pub text: Color32,
    /// Secondary text.
    #[serde(deserialize_with = "hex")]
    pub muted: Color32,
    /// Tertiary text: keys, disabled.
    #[serde(deserialize_with = "hex")]
    pub faint: Color32,
    /// The primary button.
    #[serde(deserialize_with = "hex")]
    pub accent: Color32,
    /// Text on the primary button.
    #[serde(deserialize_with = "hex")]
    pub on_accent: Color32,
    /// Focus ring.
    #[serde(deserialize_with = "hex")]
    pub focus: Color32,
    /// As it should be.
    #[serde(deserialize_with = "hex")]
    pub ok: Color32,
    /// Needs a look.
    #[serde(deserialize_with = "hex")]
    pub warn: Color32,
    /// Needs an act.
    #[serde(deserialize_with = "hex")]
    pub critical: Color32,
    /// Not known.
    #[serde(deserialize_with = "hex")]
    pub unknown: Color32,
    /// Behind `ok`.
    #[serde(deserialize_with = "hex")]
    pub ok_tint: Color32,
    /// Behind `warn`.
    #[serde(deserialize_with = "hex")]
    pub warn_tint: Color32,
    /// Behind `critical`.
    #[serde(deserialize_with = "hex")]
    pub critical_tint: Color32,
    /// Behind `unknown`.
    #[serde(deserialize_with = "hex")]
    pub unknown_tint: Color32,
    /// Text on `critical`.
    #[serde(deserialize_with = "hex")]
    pub on_critical: Color32,
    /// The simulated badge.
    #[serde(deserialize_with = "hex")]
    pub simulated: Color32,
    /// Its hatch.
    #[serde(deserialize_with = "hex")]
    pub simulated_hatch: Color32,
    /// Europe.
    #[serde(deserialize_with = "hex")]
    pub dc_europe: Color32,
    /// Americas.
    #[serde(deserialize_with = "hex")]
    pub dc_americas: Color32,
    /// Asia-Pacific.
    #[serde(deserialize_with = "hex")]
    pub dc_asiapacific: Color32,
    /// The span of a fault on a chart.
    #[serde(deserialize_with = "hex")]
    pub fault_span: Color32,
    /// Bars without a meaning of their own.
    #[serde(deserialize_with = "hex")]
    pub bar: Color32,
    /// Bars that step back.
    #[serde(deserialize_with = "hex")]
    pub bar_dim: Color32,
    /// Grid lines, tracks of bars.
    #[serde(deserialize_with = "hex")]
    pub grid: Color32,
    /// Least of a heat map.
    #[serde(deserialize_with = "hex")]
    pub heat_low: Color32,
    /// Most of a heat map.
    #[serde(deserialize_with = "hex")]
    pub heat_high: Color32,
}

impl Palette {
    /// Colour of a data centre.
    pub const fn dc(&self, dc: Dc) -> Color32 {
        match dc {
            Dc::Europe => self.dc_europe,
            Dc::Americas => self.dc_americas,
            Dc::AsiaPacific => self.dc_asiapacific,
        }
    }

    /// Colour of a region: that of its home.
    pub const fn region(&self, region: Region) -> Color32 {
        self.dc(region.home())
    }

    /// Background of a heat map cell of strength 0 to 1, and its text: black or white, whichever
    /// contrasts more.
    pub fn heat(&self, strength: f32) -> (Color32, Color32) {
        let fill = self
            .heat_low
            .lerp_to_gamma(self.heat_high, strength.clamp(0.0, 1.0));
        let luminance = luminance(fill);
        let on_black = (luminance + 0.05) / 0.05;
        let on_white = 1.05 / (luminance + 0.05);
        let text = if on_black > on_white {
            Color32::BLACK
        } else {
            Color32::WHITE
        };
        (fill, text)
    }
}

/// Relative luminance, as WCAG 2 defines it.
fn luminance(color: Color32) -> f32 {
    let channel = |byte: u8| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
}

#[derive(Deserialize)]
struct Tokens {
    color: Colors,
}

#[derive(Deserialize)]
struct Colors {
    dark: Palette,
    light: Palette,
    dark_high_contrast: Palette,
    light_high_contrast: Palette,
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program, and a test reads it"
    )]
    serde_json::from_str(include_str!("../../../assets/theme/tokens.json"))
        .expect("assets/theme/tokens.json has a colour for each role")
});

/// How strongly text and borders stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contrast {
    /// At least 4.5 to 1 for text.
    #[default]
    Normal,
    /// At least 7 to 1 for all text, and borders that show.
    High,
}

/// The colours of a theme.
pub fn palette(theme: Theme, contrast: Contrast) -> &'static Palette {
    let colors = &TOKENS.color;
    match (theme, contrast) {
        (Theme::Dark, Contrast::Normal) => &colors.dark,
        (Theme::Light, Contrast::Normal) => &colors.light,
        (Theme::Dark, Contrast::High) => &colors.dark_high_contrast,
        (Theme::Light, Contrast::High) => &colors.light_high_contrast,
    }
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(deserializer)?;
    Color32::from_hex(&text)
        .map_err(|error| serde::de::Error::custom(format!("{text:?} is not a colour: {error:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn all() -> impl Iterator<Item = (Theme, Contrast)> {
        [Theme::Dark, Theme::Light]
            .into_iter()
            .flat_map(|theme| [Contrast::Normal, Contrast::High].map(|how| (theme, how)))
    }

    #[test]
    fn backgrounds_tell_the_palettes_apart() {
        let mut backgrounds: Vec<_> = all().map(|(t, c)| palette(t, c).bg.to_array()).collect();
        backgrounds.sort_unstable();
        backgrounds.dedup();
        assert_eq!(backgrounds.len(), 4);
    }

    #[test]
    fn text_contrasts_with_every_surface_it_stands_on() {
        for (theme, contrast) in all() {
            let p = palette(theme, contrast);
            let least = match contrast {
                Contrast::Normal => 4.5,
                Contrast::High => 7.0,
            };
            for surface in [p.bg, p.panel, p.raised] {
                for (name, color) in [
                    ("text", p.text),
                    ("muted", p.muted),
                    ("faint", p.faint),
                    ("ok", p.ok),
                    ("warn", p.warn),
                    ("critical", p.critical),
                    ("unknown", p.unknown),
                ] {
                    let ratio = ratio(color, surface);
                    let on = format!("{theme:?}, {contrast:?}: {name}");
                    assert!(ratio >= least, "{on} has {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn a_heat_cell_can_be_read_at_any_strength() {
        for (theme, contrast) in all() {
            for step in 0_u8..=20 {
                let (fill, text) = palette(theme, contrast).heat(f32::from(step) / 20.0);
                assert!(ratio(fill, text) >= 4.5, "{theme:?} {step}");
            }
        }
    }
}
