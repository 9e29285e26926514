//! The bundled fonts.

use std::sync::Arc;

use eframe::egui::{FontData, FontDefinitions, FontFamily};

/// Family of weight 500.
pub(super) const MEDIUM: &str = "medium";
/// Family of weight 600.
pub(super) const SEMIBOLD: &str = "semibold";
/// Family of the icons.
pub(super) const ICONS: &str = "icons";

/// All families. Each falls back to the others' signs, so that no label shows a box.
pub(super) fn definitions() -> FontDefinitions {
    const REGULAR: &str = "regular";
    const MONO: &str = "mono";
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in [
        (
            REGULAR,
            &include_bytes!("../../../assets/fonts/RetailSans-Regular.otf")[..],
        ),
        (
            MEDIUM,
            &include_bytes!("../../../assets/fonts/RetailSans-Medium.otf")[..],
        ),
        (
            SEMIBOLD,
            &include_bytes!("../../../assets/fonts/RetailSans-SemiBold.otf")[..],
        ),
        (
            MONO,
            &include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")[..],
        ),
        (ICONS, lucide_icons::LUCIDE_FONT_BYTES),
    ] {
        let data = FontData::from_static(bytes);
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    let mut family = |family: FontFamily, first: &str| {
        let chain = [first, REGULAR, MONO, ICONS].map(str::to_owned).to_vec();
        fonts.families.insert(family, chain);
    };
    family(FontFamily::Proportional, REGULAR);
    family(FontFamily::Monospace, MONO);
    family(FontFamily::Name(MEDIUM.into()), MEDIUM);
    family(FontFamily::Name(SEMIBOLD.into()), SEMIBOLD);
    family(FontFamily::Name(ICONS.into()), ICONS);
    fonts
}
