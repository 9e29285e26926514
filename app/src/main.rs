//! The program: a window where there is a display, the demonstration in words where there is none.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use eframe::egui::ViewportBuilder;
use retail_console::app::Console;
use retail_console::headless;
use retail_console::prefs::{Fills, Prefs};
use retail_console::screenshot::{Look, WindowSize};
use retail_console::start::{Access, Start};
use retail_console::theme::{Contrast, size};
use retail_engine::config::{FlagValue, Sources};

// The heap of the headless program, for the same reasons.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const VERBS: &str = "The verbs of the headless program work here too: retail-console load FILE, \
    and `retail-console help` for all of them.";

/// The console of the retail analytics platform.
#[derive(Debug, Parser)]
#[command(name = "retail-console", version, after_help = VERBS)]
struct Args {
    /// A CSV to check at once.
    file: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// A named set of settings: embedded, lab, docker, or one of the settings file's own.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Look and do not touch: everything that changes something is blocked.
    #[arg(long)]
    read_only: bool,
    /// Draw every page into a folder as pictures, and end. Needs no display.
    #[arg(long, value_name = "DIR")]
    screenshot: Option<PathBuf>,
    /// Size of a window in the pictures; may be given more than once [default: 1440x900, 1280x720]
    #[arg(long, value_name = "WIDTHxHEIGHT", requires = "screenshot")]
    size: Vec<WindowSize>,
    /// Size of text in the pictures, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, requires = "screenshot",
        value_parser = clap::value_parser!(u16).range(80..=200))]
    text: u16,
    /// High contrast in the pictures.
    #[arg(long, requires = "screenshot")]
    high_contrast: bool,
    /// Run the demonstration in words: load the sample, lose Europe, compare, report.
    #[arg(long, conflicts_with = "screenshot")]
    headless: bool,
}

fn main() -> ExitCode {
    // The verbs of the headless program work here too: `retail-console load FILE`.
    let first = std::env::args().nth(1);
    if first.is_some_and(|word| retail_engine::cli::is_verb(&word)) {
        return retail_engine::cli::main();
    }
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done where standard error is closed.
            let _told = writeln!(std::io::stderr().lock(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    if args.headless {
        return demonstrate(args);
    }
    let sources = sources(args.data_dir.as_deref(), args.profile.as_deref());
    let loaded = sources.load()?;
    let access = if args.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let start = Start::with(&loaded, sources, access);
    let settings = loaded.settings;
    if let Some(folder) = &args.screenshot {
        let look = Look {
            sizes: args.size.clone(),
            text: args.text,
            contrast: if args.high_contrast {
                Contrast::High
            } else {
                Contrast::Normal
            },
        };
        return retail_console::screenshot::run(settings, folder, &look);
    }
    if !headless::has_display() {
        tell("There is no display here, so the demonstration runs in words instead of a window.")?;
        return demonstrate(args);
    }
    let window = Prefs::load(&settings.data_dir, None).window;
    let options = eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Retail console")
            .with_app_id("retail-console")
            .with_inner_size(window.points)
            .with_maximized(window.fills == Fills::Screen)
            .with_min_inner_size(size::WINDOW_MIN)
            .with_drag_and_drop(true),
        ..eframe::NativeOptions::default()
    };
    let file = args.file.clone();
    let opened = eframe::run_native(
        "retail-console",
        options,
        Box::new(|cc| {
            let console = Console::new(&cc.egui_ctx, settings, start, file)?;
            Ok(Box::new(console))
        }),
    );
    match opened {
        Ok(()) => Ok(()),
        Err(error) => {
            tell(&format!(
                "The window did not open ({error}), so the demonstration runs in words instead."
            ))?;
            demonstrate(args)
        }
    }
}

/// Where the headless program reads settings from; in this data directory if one is given.
fn sources(data_dir: Option<&Path>, profile: Option<&str>) -> Sources {
    let mut sources = Sources::of_process();
    sources.profile = profile.map(str::to_owned);
    if let Some(dir) = data_dir {
        sources.flags.push(FlagValue {
            key: "data_dir".into(),
            value: dir.display().to_string(),
            flag: "--data-dir".into(),
        });
    }
    sources
}

/// The demonstration: in the data directory that was named, or in one that is removed afterwards,
/// so that it adds nothing to data that is already there.
fn demonstrate(args: &Args) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let own = scratch.path().join("data");
    let dir = args.data_dir.as_deref().unwrap_or(&own);
    let profile = args.profile.as_deref();
    headless::demonstrate(
        sources(Some(dir), profile).load()?.settings,
        &mut std::io::stdout().lock(),
    )
}

/// A sentence for whoever started the program.
fn tell(sentence: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{sentence}")
}
