//! One panel as a picture: drawn once more, on its own, at twice the size.

use std::io::Cursor;

use eframe::egui::{Context, Frame, Pos2, RawInput, Rect, Theme, Ui, vec2};
use image::ImageFormat;

use super::raster::Raster;
use crate::theme;

/// Pixels for each point.
const SCALE: u8 = 2;
/// Around what is drawn.
const MARGIN: i8 = 16;

/// Draws into a picture of `size` points; its bytes as PNG. Slow: not for the thread of the window.
pub fn png(size: [u16; 2], theme: Theme, mut draw: impl FnMut(&mut Ui)) -> Result<Vec<u8>, String> {
    let ctx = Context::default();
    theme::install(&ctx);
    ctx.set_theme(theme);
    let scale = f32::from(SCALE);
    let [width, height] = size.map(f32::from);
    let mut raster = Raster::default();
    let mut last = None;
    // The first frame measures, the second is right.
    for frame in 0..2 {
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(width, height))),
            time: Some(f64::from(frame)),
            ..RawInput::default()
        };
        let viewport = input.viewports.entry(input.viewport_id).or_default();
        viewport.native_pixels_per_point = Some(scale);
        let mut output = ctx.run_ui(input, |ui| {
            let margin = Frame::new().inner_margin(MARGIN);
            margin.show(ui, |ui| draw(ui));
        });
        raster.update(&mut output.textures_delta);
        last = Some(output);
    }
    let Some(output) = last else {
        return Err("nothing was drawn".to_owned());
    };
    let primitives = ctx.tessellate(output.shapes, output.pixels_per_point);
    let pixels = size.map(|points| u32::from(points) * u32::from(SCALE));
    let background = theme::palette(theme).bg;
    let image = raster.paint(&primitives, pixels, output.pixels_per_point, background);
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::Line;

    #[test]
    fn a_drawing_is_a_picture_of_its_size_with_something_on_it() {
        let bytes = png([200, 80], Theme::Dark, |ui| {
            Line::body("Ledger").show(ui);
        })
        .unwrap();
        let image = image::load_from_memory(&bytes).unwrap().to_rgba8();
        assert_eq!(image.dimensions(), (400, 160));
        let first = *image.get_pixel(0, 0);
        assert!(image.pixels().any(|pixel| *pixel != first));
    }
}
