//! One panel as a picture of its own, with its title and what it is about, for files that leave
//! the console. Drawn by the code that draws the panel on the screen, in a context of its own, so
//! it can be made on any thread.

use std::io::Cursor;

use eframe::egui::{Context, Pos2, RawInput, Rect, Theme, Ui, Vec2, ViewportId, vec2};
use image::{ImageFormat, RgbaImage};

use super::raster::Raster;
use crate::theme::{self, Contrast, Type};
use crate::widgets::{Line, rect_ui};

/// Pixels per point: sharp on paper and on dense screens.
const SCALE: f32 = 2.0;
/// Around everything.
const MARGIN: f32 = 20.0;
/// Height of the title.
const TITLE: f32 = 24.0;
/// Height of a line of the stamp.
const STAMP: f32 = 17.0;
/// Tables and wrapped text know their room in the second frame.
const FRAMES: usize = 3;

/// What a picture says beside its panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The title.
    pub title: String,
    /// Below it, a line each: mode, filter, date.
    pub stamp: Vec<String>,
    /// Room for the panel, in points.
    pub size: Vec2,
    /// Dark or light.
    pub theme: Theme,
}

/// Draws `add` as a picture.
pub fn panel(sheet: &Sheet, mut add: impl FnMut(&mut Ui)) -> RgbaImage {
    let ctx = Context::default();
    theme::install(&ctx);
    theme::set_contrast(&ctx, Contrast::Normal);
    ctx.set_theme(sheet.theme);
    let head = TITLE + STAMP * sheet.stamp.len() as f32 + 8.0;
    let whole = sheet.size + vec2(MARGIN * 2.0, MARGIN * 2.0 + head);
    let mut raster = Raster::default();
    let mut image = RgbaImage::new(1, 1);
    for frame in 0..FRAMES {
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, whole)),
            time: Some(frame as f64),
            ..RawInput::default()
        };
        let viewport = input.viewports.entry(ViewportId::ROOT).or_default();
        viewport.native_pixels_per_point = Some(SCALE);
        let mut output = ctx.run_ui(input, |ui| {
            let room = ui.max_rect().shrink(MARGIN);
            rect_ui(ui, room, |ui| head_ui(ui, sheet));
            let mut body = room;
            body.min.y += head;
            rect_ui(ui, body, &mut add);
        });
        raster.update(&mut output.textures_delta);
        if frame + 1 == FRAMES {
            let scale = output.pixels_per_point;
            let primitives = ctx.tessellate(output.shapes, scale);
            let background = theme::palette(sheet.theme, Contrast::Normal).panel;
            image = raster.paint(&primitives, pixels(whole * scale), scale, background);
        }
    }
    image
}

/// The bytes of a PNG file.
pub fn png(image: &RgbaImage) -> Result<Vec<u8>, String> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| format!("the picture cannot be written: {error}"))?;
    Ok(bytes.into_inner())
}

fn head_ui(ui: &mut Ui, sheet: &Sheet) {
    ui.spacing_mut().item_spacing.y = 2.0;
    Line::new(&sheet.title, Type::Section).semibold().show(ui);
    let muted = theme::colors(ui).muted;
    for line in &sheet.stamp {
        Line::caption(line).color(muted).show(ui);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the size of a picture: small and positive"
)]
fn pixels(size: Vec2) -> [u32; 2] {
    [size.x.ceil().max(1.0) as u32, size.y.ceil().max(1.0) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_becomes_a_png_with_its_title_above_it() {
        let sheet = Sheet {
            title: "Revenue".into(),
            stamp: vec!["embedded; Simulated".into()],
            size: vec2(100.0, 50.0),
            theme: Theme::Light,
        };
        let colors = theme::palette(Theme::Light, Contrast::Normal);
        let mut room = Rect::NOTHING;
        let image = panel(&sheet, |ui| {
            room = ui.max_rect();
            ui.painter().rect_filled(room, 0.0, colors.critical);
        });
        assert_eq!(room.size(), sheet.size);
        assert_eq!(image.width(), 280);
        let at = |x: f32, y: f32| {
            let [x, y] = pixels(vec2(x, y) * SCALE);
            image.get_pixel(x, y).0
        };
        assert_eq!(
            at(room.center().x, room.center().y),
            colors.critical.to_array()
        );
        assert_eq!(at(4.0, 4.0), colors.panel.to_array());
        let mut title = rows(&image, MARGIN, MARGIN + TITLE);
        assert!(title.any(|pixel| pixel != colors.panel.to_array()));
        let bytes = png(&image).unwrap();
        let back = image::load_from_memory(&bytes).unwrap();
        assert_eq!(back.to_rgba8(), image);
    }

    fn rows(image: &RgbaImage, from: f32, to: f32) -> impl Iterator<Item = [u8; 4]> {
        let [from, to] = pixels(vec2(from, to) * SCALE);
        let all = image.enumerate_pixels();
        all.filter(move |(_, y, _)| (from..to).contains(y))
            .map(|(_, _, pixel)| pixel.0)
    }
}
