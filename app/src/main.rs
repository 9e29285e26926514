//! The program: a window where there is a display.

use std::path::PathBuf;

use clap::Parser;
use eframe::egui::ViewportBuilder;
use retail_console::app::Console;
use retail_console::theme::size;
use retail_engine::config::{FlagValue, Sources};

/// The console of the retail analytics platform.
#[derive(Debug, Parser)]
#[command(name = "retail-console", version)]
struct Args {
    /// A CSV to check at once.
    file: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Draw every page into a folder as pictures, and end. Needs no display.
    #[arg(long, value_name = "DIR")]
    screenshot: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut sources = Sources::of_process();
    if let Some(dir) = &args.data_dir {
        sources.flags.push(FlagValue {
            key: "data_dir".into(),
            value: dir.display().to_string(),
            flag: "--data-dir".into(),
        });
    }
    let settings = sources.load()?.settings;
    if let Some(folder) = &args.screenshot {
        return retail_console::screenshot::run(settings, folder);
    }
    let options = eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Retail console")
            .with_app_id("retail-console")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size(size::WINDOW_MIN)
            .with_drag_and_drop(true),
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "retail-console",
        options,
        Box::new(|cc| Ok(Box::new(Console::new(&cc.egui_ctx, settings, args.file)?))),
    )
    .map_err(|error| anyhow::anyhow!("the window did not open: {error}"))
}
