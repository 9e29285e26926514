//! Keeping what is remembered: a moment after the last change, off the thread that draws, and once
//! more at the end.

use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::{self, Context};

use crate::later::{Came, Later};
use crate::prefs::{Fills, Prefs, WindowSize};

/// After the last change: a word is typed, or a window dragged, as one.
const SETTLES: Duration = Duration::from_millis(400);

/// What is kept, and what is being kept.
pub(super) struct Keeping {
    /// As they are on disk, or will be once the writing is over.
    kept: Prefs,
    /// The newest that was seen, and since when.
    changed: Option<(Prefs, Instant)>,
    writing: Option<Later<()>>,
}

impl Keeping {
    /// Of what was loaded.
    pub(super) const fn of(kept: Prefs) -> Self {
        Self {
            kept,
            changed: None,
            writing: None,
        }
    }

    /// Keeps what has changed and settled; once per frame.
    pub(super) fn refresh(&mut self, ctx: &Context, prefs: &mut Prefs, data_dir: &Path) {
        prefs.window = ctx.input(|input| size_of(input, prefs.window));
        if *prefs == self.kept {
            self.changed = None;
            return;
        }
        let is_seen = self.changed.as_ref().is_some_and(|(seen, _)| seen == prefs);
        if !is_seen {
            self.changed = Some((prefs.clone(), Instant::now()));
            ctx.request_repaint_after(SETTLES);
            return;
        }
        let since = self.changed.as_ref().map(|(_, since)| since.elapsed());
        let left = SETTLES.saturating_sub(since.unwrap_or_default());
        if !left.is_zero() || self.is_writing() {
            ctx.request_repaint_after(left.max(Duration::from_millis(50)));
            return;
        }
        let (to_keep, dir) = (prefs.clone(), data_dir.to_owned());
        match Later::begin(ctx, "keep-preferences", move || to_keep.save(&dir)) {
            Ok(writing) => self.writing = Some(writing),
            Err(_no_thread) => prefs.save(data_dir),
        }
        self.kept = prefs.clone();
        self.changed = None;
    }

    fn is_writing(&mut self) -> bool {
        let is_writing = self
            .writing
            .as_ref()
            .is_some_and(|writing| matches!(writing.poll(), Came::NotYet));
        if !is_writing {
            self.writing = None;
        }
        is_writing
    }

    /// Keeps what is not kept yet, before the program ends.
    pub(super) fn end(&mut self, prefs: &Prefs, data_dir: &Path) {
        if let Some(writing) = self.writing.take() {
            // Lost or written: what is newer is written below.
            let _ended = writing.wait();
        }
        if *prefs != self.kept {
            prefs.save(data_dir);
            self.kept = prefs.clone();
        }
    }
}

/// Size of the window as it is to be opened the next time.
fn size_of(input: &egui::InputState, known: WindowSize) -> WindowSize {
    let window = input.viewport();
    if window.minimized == Some(true) || window.fullscreen == Some(true) {
        return known;
    }
    if window.maximized == Some(true) {
        return WindowSize {
            fills: Fills::Screen,
            ..known
        };
    }
    let Some(inner) = window.inner_rect else {
        return known;
    };
    // Points shrink as the text grows.
    let zoom = input.pixels_per_point / window.native_pixels_per_point.unwrap_or(1.0);
    let points = inner.size() * zoom;
    WindowSize {
        points: [points.x.round(), points.y.round()],
        fills: Fills::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size that is remembered of a window with this inside.
    fn seen(
        inner: [f32; 2],
        zoom: f32,
        change: impl FnOnce(&mut egui::ViewportInfo),
    ) -> WindowSize {
        let mut input = egui::InputState::default();
        input.pixels_per_point = 2.0 * zoom;
        let mut window = egui::ViewportInfo {
            native_pixels_per_point: Some(2.0),
            inner_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, inner.into())),
            ..egui::ViewportInfo::default()
        };
        change(&mut window);
        let of = input.raw.viewport_id;
        input.raw.viewports.insert(of, window);
        size_of(&input, WindowSize::default())
    }

    #[test]
    fn the_size_of_a_window_is_its_own_whatever_the_text() {
        let own = |points| WindowSize {
            points,
            fills: Fills::Own,
        };
        assert_eq!(seen([1200.0, 800.0], 1.0, |_| ()), own([1200.0, 800.0]));
        assert_eq!(seen([800.0, 600.0], 1.5, |_| ()), own([1200.0, 900.0]));
        let known = WindowSize::default();
        let full = seen([2000.0, 1000.0], 1.0, |window| {
            window.fullscreen = Some(true);
        });
        assert_eq!(full, known);
        let largest = seen([2000.0, 1000.0], 1.0, |window| {
            window.maximized = Some(true);
        });
        let fills = Fills::Screen;
        assert_eq!(largest, WindowSize { fills, ..known });
    }
}
