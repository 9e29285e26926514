//! `--screenshot`: every page in both themes, from a real engine with the sample loaded, as
//! pictures. Needs no display.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use retail_engine::clean::Rules;
use retail_engine::config::Settings;
use retail_engine::flow::{LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::ReadOptions;

use crate::actions::Action;
use crate::app::Console;
use crate::link::{Opened, Pending};
use crate::pages::Page;
use crate::picture::Stage;
use crate::prefs::ThemeChoice;
use crate::sample;

/// The two sizes that pages are judged at.
const SIZES: [[u32; 2]; 2] = [[1440, 900], [1280, 720]];
/// Longer than any machine takes for the sample.
const LOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// For answers that a page asks for when it is first shown.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Draws all pages into `folder`; the engine works in the data directory of `settings`.
pub fn run(settings: Settings, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let data_dir = settings.data_dir.clone();
    let limit = settings.flow.error_limit;
    let mut stage = Stage::new(SIZES[0], |ctx| Console::new(ctx, settings, None))?;
    let opened = stage.frames_until(Duration::from_mins(1), |console| {
        !matches!(console.link().opened(), Opened::Opening(_))
    });
    if let Opened::Failed(error) = stage.console().link().opened() {
        bail!("{error}\n{}", error.remedy());
    }
    if !opened {
        bail!("the engine did not open");
    }
    shoot(&mut stage, folder, "first-run")?;
    let file = sample::unpack(&data_dir)?;
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let mut loaded = stage
        .console()
        .link()
        .ask(|reply| Command::Load(Box::new(request), reply));
    let ctx = stage.ctx().clone();
    let begun = std::time::Instant::now();
    while let Pending::Waiting(..) = loaded {
        stage.frames_until(Duration::from_millis(50), |_| false);
        loaded.poll(&ctx);
        if begun.elapsed() > LOAD_TIMEOUT {
            bail!("the sample was not loaded within {LOAD_TIMEOUT:?}");
        }
    }
    match loaded {
        Pending::Ready(Ok(_)) => {}
        Pending::Ready(Err(error)) => bail!("{error}\n{}", error.remedy()),
        Pending::Gone(gone) => return Err(gone.into()),
        Pending::Idle | Pending::Waiting(..) => bail!("the engine did not take the load"),
    }
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
