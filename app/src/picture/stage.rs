//! The console driven without a window: one frame after the other, and a picture of the last.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use eframe::egui::{
    ClippedPrimitive, Color32, Context, Event, FullOutput, Pos2, RawInput, Rect, ViewportId, vec2,
};
use image::RgbaImage;
use retail_engine::clean::Rules;
use retail_engine::config::ErrorLimit;
use retail_engine::flow::{LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::ReadOptions;

use super::raster::Raster;
use crate::app::Console;
use crate::link::{Opened, Pending};

/// Between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// Longer than any machine takes to open a data directory.
const OPEN_TIMEOUT: Duration = Duration::from_mins(1);
/// Longer than any machine takes for the sample.
const LOAD_TIMEOUT: Duration = Duration::from_mins(5);

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
                // Larger text is a smaller window full of larger points.
                vec2(width as f32, height as f32) / self.ctx.zoom_factor(),
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

    /// Frames until the engine is open.
    pub fn open(&mut self) -> anyhow::Result<()> {
        let opened = self.frames_until(OPEN_TIMEOUT, |console| {
            !matches!(console.link().opened(), Opened::Opening(_))
        });
        match self.console.link().opened() {
            Opened::Failed(error) => bail!("{error}\n{}", error.remedy()),
            Opened::Opening(since) => bail!("the engine did not open within {since:?}"),
            Opened::Running(_) if opened => Ok(()),
            Opened::Running(_) => bail!("the engine opened too late"),
        }
    }

    /// Loads a file as a click does; `frame` draws each frame while it runs.
    pub fn load(
        &mut self,
        file: PathBuf,
        limit: ErrorLimit,
        mut frame: impl FnMut(&mut Self),
    ) -> anyhow::Result<()> {
        let request = LoadRequest {
            file,
            options: ReadOptions::default(),
            rules: Rules::builtin()?,
            limit,
            until: Until::Closed,
            resume: Resume::WhereItStood,
        };
        let command = |reply| Command::Load(Box::new(request), reply);
        let mut loaded = self.console.link().ask(command);
        let begun = Instant::now();
        while let Pending::Waiting(..) = loaded {
            frame(self);
            std::thread::sleep(FRAME);
            loaded.poll(&self.ctx);
            if begun.elapsed() > LOAD_TIMEOUT {
                bail!("the file was not loaded within {LOAD_TIMEOUT:?}");
            }
        }
        match loaded {
            Pending::Ready(Ok(_)) => Ok(()),
            Pending::Ready(Err(error)) => bail!("{error}\n{}", error.remedy()),
            Pending::Gone(gone) => Err(gone.into()),
            Pending::Idle | Pending::Waiting(..) => bail!("the engine did not take the load"),
        }
    }

    /// The triangles of the last frame: what a renderer is given.
    pub fn primitives(&self) -> Vec<ClippedPrimitive> {
        self.last.as_ref().map_or_else(Vec::new, |output| {
            let shapes = output.shapes.clone();
            self.ctx.tessellate(shapes, output.pixels_per_point)
        })
    }

    /// When the last frame wants the next one, if nothing else does before.
    pub fn next_frame_after(&self) -> Duration {
        let root = |output: &FullOutput| {
            let root = output.viewport_output.get(&ViewportId::ROOT);
            root.map_or(Duration::MAX, |viewport| viewport.repaint_delay)
        };
        self.last.as_ref().map_or(Duration::ZERO, root)
    }

    /// The last frame as a picture.
    pub fn picture(&self) -> RgbaImage {
        let Some(output) = &self.last else {
            return RgbaImage::new(self.size[0], self.size[1]);
        };
        let scale = output.pixels_per_point;
        self.raster
            .paint(&self.primitives(), self.size, scale, Color32::BLACK)
    }
}
