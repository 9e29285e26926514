//! `--screenshot`: every page in both themes, from a real engine with the sample loaded, as
//! pictures. Needs no display.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use retail_engine::config::Settings;

use crate::actions::Action;
use crate::app::Console;
use crate::pages::Page;
use crate::picture::Stage;
use crate::prefs::ThemeChoice;
use crate::sample;
use crate::start::Start;
use crate::theme::Contrast;

/// The two sizes that pages are judged at.
const SIZES: [WindowSize; 2] = [WindowSize([1440, 900]), WindowSize([1280, 720])];
/// For answers that a page asks for when it is first shown.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Width and height of a window in points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize([u32; 2]);

impl WindowSize {
    /// Larger than any screen; a picture of it is 256 MiB.
    const LARGEST: u32 = 8_192;
}

impl FromStr for WindowSize {
    type Err = String;

    /// `WIDTHxHEIGHT`, as in `800x600`.
    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| {
            let side = text.parse().ok()?;
            (1..=Self::LARGEST).contains(&side).then_some(side)
        };
        text.split_once('x')
            .and_then(|(width, height)| Some(Self([side(width)?, side(height)?])))
            .ok_or_else(|| format!("{text:?} is no size; write it as 800x600, at most 8192 a side"))
    }
}

/// How pages are to look in the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Sizes; those that pages are judged at where there is none.
    pub sizes: Vec<WindowSize>,
    /// Size of text in percent.
    pub text: u16,
    /// Contrast.
    pub contrast: Contrast,
}

/// Draws all pages into `folder`; the engine works in the data directory of `settings`.
pub fn run(settings: Settings, folder: &Path, look: &Look) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let data_dir = settings.data_dir.clone();
    let limit = settings.flow.error_limit;
    let sizes = if look.sizes.is_empty() {
        &SIZES
    } else {
        look.sizes.as_slice()
    };
    let WindowSize(first) = sizes[0];
    let mut stage = Stage::new(first, |ctx| {
        Console::new(ctx, settings, Start::default(), None)
    })?;
    stage.open()?;
    stage.console().push(Action::TextScale(look.text));
    stage.console().push(Action::Contrast(look.contrast));
    let shoot = |stage: &mut Stage, name: &str| shoot(stage, folder, name, sizes);
    shoot(&mut stage, "first-run")?;
    let file = sample::unpack(&data_dir)?;
    stage.load(file, limit, Stage::frame)?;
    for page in Page::ALL {
        stage.console().push(Action::Go(page));
        shoot(&mut stage, page.slug())?;
    }
    Ok(())
}

/// One page in both themes and all sizes.
fn shoot(stage: &mut Stage, folder: &Path, name: &str, sizes: &[WindowSize]) -> anyhow::Result<()> {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        stage.console().push(Action::Theme(theme));
        for WindowSize(size) in sizes {
            stage.resize(*size);
            stage.frames_until(SETTLE, |_| false);
            let word = match theme {
                ThemeChoice::Light => "light",
                ThemeChoice::Dark | ThemeChoice::System => "dark",
            };
            let path = folder.join(format!("{name}-{word}-{}.png", size[0]));
            stage
                .picture()
                .save(&path)
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_sides_that_a_picture_can_have() {
        assert_eq!("800x600".parse(), Ok(WindowSize([800, 600])));
        for wrong in [
            "",
            "800",
            "x",
            "800x",
            "0x600",
            "800x600x2",
            "9000x10",
            "-1x5",
        ] {
            assert!(wrong.parse::<WindowSize>().is_err(), "{wrong}");
        }
    }
}
