//! Loads a file while two data centres are down, for a test that kills it.
//!
//! ```text
//! faulty-load DATA_DIR FILE
//! ```
//!
//! Makes a file `held-back` in the data directory as soon as lines are in one data centre only.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{LoadRequest, Resume, Roles, Until};
use retail_engine::handle::{Command, Engine};
use retail_engine::intake::ReadOptions;
use retail_engine::model::{Dc, Region};
use retail_engine::ports::Fault;

fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let dir = PathBuf::from(words.next().context("a data directory is needed")?);
    let file = PathBuf::from(words.next().context("a file is needed")?);
    let mut settings = Settings::in_dir(&dir);
    settings.monitoring.port = 0;
    let engine = Engine::open(settings, Roles::all())?;
    engine.send(Command::SetRate(Some(60_000)))?;
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let end = engine.ask(|reply| Command::Load(Box::new(request), reply));
    // Some lines are written in peace first.
    let mut is_faulty = false;
    while end.wait_for(Duration::from_millis(20)).is_none() {
        let snapshot = engine.snapshot();
        if !is_faulty && snapshot.lines > 50_000 {
            is_faulty = true;
            for dc in [Dc::Americas, Dc::AsiaPacific] {
                let fault = |reply| Command::StartFault {
                    fault: Fault::DcDown { dc },
                    lasts: Duration::from_hours(1),
                    by: "faulty-load".into(),
                    reply,
                };
                engine.ask(fault).wait()??;
            }
        }
        let held = |region| snapshot.regions[region].held_back;
        if Region::ALL.into_iter().map(held).sum::<u64>() > 50_000 {
            std::fs::write(dir.join("held-back"), "")?;
        }
    }
    Ok(())
}
