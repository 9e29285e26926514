//! The console driven without a window: one frame after the other, and a picture of the last.

use std::time::{Duration, Instant};

use eframe::egui::{Color32, Context, Event, FullOutput, Pos2, RawInput, Rect, vec2};
use image::RgbaImage;

use super::raster::Raster;
use crate::app::Console;

/// Between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// A console of a size in points, without a window.
pub struct Stage {
    ctx: Context,
    console: Console,
    size: [u32; 2],
    raster: Raster,
    begun: Instant,
    last: Option<FullOutput>,
    next: Vec<Event>,
}

impl Stage {
    /// A stage of `size` points, one pixel each; `make` opens the console on it.
    pub fn new(
        size: [u32; 2],
        make: impl FnOnce(&Context) -> std::io::Result<Console>,
    ) -> std::io::Result<Self> {
        let ctx = Context::default();
        Ok(Self {
            console: make(&ctx)?,
            ctx,
            size,
            raster: Raster::default(),
            begun: Instant::now(),
            last: None,
            next: Vec::new(),
        })
    }

    /// The console on it.
    pub const fn console(&mut self) -> &mut Console {
        &mut self.console
    }

    /// The context that it draws with.
    pub const fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Gives another size to the frames that follow.
    pub const fn resize(&mut self, size: [u32; 2]) {
        self.size = size;
    }

    /// Hands an event to the next frame.
    pub fn event(&mut self, event: Event) {
        self.next.push(event);
    }

    /// One frame.
    pub fn frame(&mut self) {
        let [width, height] = self.size;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(
                Pos2::ZERO,
                vec2(width as f32, height as f32),
            )),
            time: Some(self.begun.elapsed().as_secs_f64()),
            events: std::mem::take(&mut self.next),
            ..RawInput::default()
        };
        let console = &mut self.console;
        let ctx = self.ctx.clone();
        let mut output = self.ctx.run_ui(input, |ui| {
            console.refresh(&ctx);
            console.draw(ui);
        });
        self.raster.update(&mut output.textures_delta);
        self.last = Some(output);
    }

    /// Frames until `done`, at most for `time`; whether it came to be.
    pub fn frames_until(&mut self, time: Duration, done: impl Fn(&Console) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            self.frame();
            if done(&self.console) {
                return true;
            }
            if begun.elapsed() > time {
                return false;
            }
            std::thread::sleep(FRAME);
        }
    }

    /// The last frame as a picture.
    pub fn picture(&self) -> RgbaImage {
        let Some(output) = &self.last else {
            return RgbaImage::new(self.size[0], self.size[1]);
        };
        let scale = output.pixels_per_point;
        let primitives = self.ctx.tessellate(output.shapes.clone(), scale);
        self.raster
            .paint(&primitives, self.size, scale, Color32::BLACK)
    }
}
