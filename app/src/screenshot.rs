//! `--screenshot`: every page in both themes, from a real engine with the sample loaded, as
//! pictures. Needs no display.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use retail_engine::config::Settings;

use crate::actions::Action;
use crate::app::Console;
use crate::pages::Page;
use crate::picture::Stage;
use crate::prefs::ThemeChoice;
use crate::sample;

/// The two sizes that pages are judged at.
const SIZES: [[u32; 2]; 2] = [[1440, 900], [1280, 720]];
/// For answers that a page asks for when it is first shown.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Draws all pages into `folder`; the engine works in the data directory of `settings`.
pub fn run(settings: Settings, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let data_dir = settings.data_dir.clone();
    let limit = settings.flow.error_limit;
    let mut stage = Stage::new(SIZES[0], |ctx| Console::new(ctx, settings, None))?;
    stage.open()?;
    shoot(&mut stage, folder, "first-run")?;
    let file = sample::unpack(&data_dir)?;
    stage.load(file, limit, Stage::frame)?;
    for page in Page::ALL {
        stage.console().push(Action::Go(page));
        shoot(&mut stage, folder, page.slug())?;
    }
    Ok(())
}

/// One page in both themes and both sizes.
fn shoot(stage: &mut Stage, folder: &Path, name: &str) -> anyhow::Result<()> {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        stage.console().push(Action::Theme(theme));
        for size in SIZES {
            stage.resize(size);
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
