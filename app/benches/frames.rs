//! What a frame costs, and what the open window costs the engine.
//!
//! ```text
//! cargo bench -p retail-console --bench frames
//! ```
//!
//! A frame is everything that the console does for it: taking what is new, building the page and
//! cutting it into triangles. The renderer's own time is left out, so the figures do not depend on
//! a graphics card. Times are of the drawing thread's processor time: what else runs on the
//! machine does not count. Every number is printed, nothing is judged.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use eframe::egui::{Event, pos2};
use retail_console::actions::Action;
use retail_console::app::Console;
use retail_console::pages::Page;
use retail_console::picture::Stage;
use retail_console::start::Start;
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{LoadRequest, Resume, Roles, Until};
use retail_engine::handle::{Command, Engine};
use retail_engine::intake::ReadOptions;
use retail_engine::telemetry::Cursor;
use rustix::time::{ClockId, clock_gettime};

/// The size of the window that frames are drawn for, points.
const SIZE: [u32; 2] = [1440, 900];
/// Frames of each page that are measured.
const FRAMES: usize = 400;
/// Frames of each page before: answers that it asks for arrive, text is laid out once.
const WARM_UP: Duration = Duration::from_millis(1_500);
/// Between two frames of a window that moves.
const FRAME: Duration = Duration::from_millis(16);
/// How long a window at rest is watched.
const REST: Duration = Duration::from_secs(15);
/// Wishes for a frame that may wait: a frame answers all of them.
const WISHES: usize = 64;
/// Pairs of loads, with the link held and without.
const PAIRS: usize = 5;

fn main() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/Online_Retail.csv.gz");
    let mut out = std::io::stdout().lock();

    let begun = Instant::now();
    let mut stage = stage(&scratch.path().join("data"))?;
    stage.frame();
    let first = stage.primitives().len();
    let took = begun.elapsed();
    writeln!(
        out,
        "first frame ({first} meshes)       {:>8.1} ms",
        millis(took)
    )?;
    stage.open()?;

    let mut loading = Vec::new();
    stage.console().push(Action::Go(Page::Overview));
    stage.load(file.clone(), ErrorLimit::None, |stage| {
        loading.push(frame(stage));
    })?;
    line(&mut out, "while the file loads", &mut loading)?;

    let mut heaviest = (Duration::ZERO, "");
    for page in Page::ALL {
        stage.console().push(Action::Go(page));
        stage.frames_until(WARM_UP, |_| false);
        let mut frames: Vec<_> = (0..FRAMES)
            .map(|n| {
                stage.event(Event::PointerMoved(wander(n)));
                frame(&mut stage)
            })
            .collect();
        line(&mut out, page.slug(), &mut frames)?;
        heaviest = heaviest.max((quantile(&frames, 0.99), page.slug()));
    }
    let (p99, page) = heaviest;
    writeln!(out, "heaviest page: {page}, p99 {:.2} ms", millis(p99))?;
    writeln!(
        out,
        "memory with the file loaded and every page seen: {} MiB now, {} MiB at most",
        memory("VmRSS:")?,
        memory("VmHWM:")?
    )?;

    stage.console().push(Action::Go(Page::Overview));
    stage.frames_until(WARM_UP, |_| false);
    let (frames, share) = at_rest(&mut stage)?;
    writeln!(
        out,
        "at rest: {:.1} frames a second, {:.2} % of a processor",
        f64::from(frames) / REST.as_secs_f64(),
        share * 100.0
    )?;
    drop(stage);

    let mut ratios = Vec::new();
    for pair in 0..PAIRS {
        let alone = load(
            &scratch.path().join(format!("alone-{pair}")),
            &file,
            Held::No,
        )?;
        let held = load(
            &scratch.path().join(format!("held-{pair}")),
            &file,
            Held::Yes,
        )?;
        ratios.push(held.as_secs_f64() / alone.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    writeln!(
        out,
        "a load with the link held against one without, {PAIRS} pairs: median {:.3} ({:.3} to {:.3})",
        ratios.get(PAIRS / 2).copied().unwrap_or_default(),
        ratios.first().copied().unwrap_or_default(),
        ratios.last().copied().unwrap_or_default(),
    )?;
    Ok(())
}

fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::in_dir(dir);
    settings.monitoring.port = 0;
    settings
}

fn stage(dir: &Path) -> std::io::Result<Stage> {
    Stage::new(SIZE, |ctx| {
        Console::new(ctx, settings(dir), Start::default(), None)
    })
}

/// Where the pointer is in frame `n`: it crosses the page, so that what lies under it reacts.
fn wander(n: usize) -> eframe::egui::Pos2 {
    let step = n as f32;
    pos2(220.0 + (step * 7.0) % 1180.0, 70.0 + (step * 3.0) % 780.0)
}

/// Processor time of one frame, from input to triangles.
fn frame(stage: &mut Stage) -> Duration {
    let begun = clock(ClockId::ThreadCPUTime);
    stage.frame();
    std::hint::black_box(stage.primitives());
    clock(ClockId::ThreadCPUTime).saturating_sub(begun)
}

fn clock(id: ClockId) -> Duration {
    let now = clock_gettime(id);
    let secs = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(secs, nanos)
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small count"
    )]
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints the quantiles of some frames; they are sorted afterwards.
fn line(out: &mut impl std::io::Write, what: &str, frames: &mut [Duration]) -> std::io::Result<()> {
    frames.sort_unstable();
    writeln!(
        out,
        "{what:<24} {:>5} frames   p50 {:>6.2}   p99 {:>6.2}   max {:>6.2} ms",
        frames.len(),
        millis(quantile(frames, 0.5)),
        millis(quantile(frames, 0.99)),
        millis(quantile(frames, 1.0)),
    )
}

/// A figure of this process from the system, MiB.
fn memory(key: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is read on Linux")?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        })
        .with_context(|| format!("no {key} in /proc/self/status"))?;
    Ok(kilobytes / 1024)
}

/// Draws when a frame is asked for, and only then: how many were, and the share of a processor
/// that the whole process took.
fn at_rest(stage: &mut Stage) -> anyhow::Result<(u32, f64)> {
    let (ask, asked) = sync_channel(WISHES);
    stage.ctx().set_request_repaint_callback(move |info| {
        // When it is full a frame is due at once anyway, and nobody waits when the watching is over.
        ask.try_send(info.delay).ok();
    });
    let begun = Instant::now();
    let cpu = clock(ClockId::ProcessCPUTime);
    let mut frames = 0;
    let mut due = begun + stage.next_frame_after().min(REST);
    while begun.elapsed() < REST {
        let end = due.min(begun + REST);
        match asked.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(delay) => due = due.min(Instant::now() + delay.min(REST)),
            Err(RecvTimeoutError::Timeout) if Instant::now() < due => {}
            Err(RecvTimeoutError::Timeout) => {
                frame(stage);
                frames += 1;
                while asked.try_recv().is_ok() {}
                due = Instant::now() + stage.next_frame_after().clamp(FRAME, REST);
            }
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the context is gone"),
        }
    }
    let used = clock(ClockId::ProcessCPUTime).saturating_sub(cpu);
    Ok((frames, used.as_secs_f64() / begun.elapsed().as_secs_f64()))
}

/// Whether somebody takes snapshots and events as a window does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    No,
    Yes,
}

/// Time of a load by an engine of its own.
fn load(dir: &Path, file: &Path, held: Held) -> anyhow::Result<Duration> {
    let engine = Engine::open(settings(dir), Roles::all())?;
    let request = LoadRequest {
        file: PathBuf::from(file),
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let begun = Instant::now();
    let answer = engine.ask(|reply| Command::Load(Box::new(request), reply));
    let mut cursor = Cursor::default();
    loop {
        if let Some(end) = answer.wait_for(FRAME) {
            end??;
            break;
        }
        if held == Held::Yes {
            std::hint::black_box(engine.snapshot());
            cursor = engine.events(cursor).next;
        }
    }
    Ok(begun.elapsed())
}
