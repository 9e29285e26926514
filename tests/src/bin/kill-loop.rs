//! Kills a load at a random moment with `kill -9`, loads again, and compares with an undisturbed
//! run; as many rounds as asked for.
//!
//! ```text
//! kill-loop [--rounds N] [--seed S] [--file FILE] [--kills N]
//! ```
//!
//! Ends with 0 when every round left the same rows, summaries and figures.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use retail_tests::program;
use serde_json::Value;

struct Args {
    rounds: u32,
    seed: u64,
    kills: u32,
    file: PathBuf,
}

fn args() -> Result<Args> {
    let mut parsed = Args {
        rounds: 10,
        seed: 1,
        kills: 2,
        file: retail_tests::full_file(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .with_context(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--rounds" => parsed.rounds = value.parse()?,
            "--seed" => parsed.seed = value.parse()?,
            "--kills" => parsed.kills = value.parse()?,
            "--file" => parsed.file = value.into(),
            _ => bail!("unknown option {word}"),
        }
    }
    Ok(parsed)
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> Result<()> {
    let args = args()?;
    let file = args.file.to_str().context("the path is not UTF-8")?;
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path().join("undisturbed");
    let began = Instant::now();
    program::json(&dir, &["load", file])?;
    let whole = began.elapsed();
    let expected = Figures::of(&dir)?;
    std::fs::remove_dir_all(&dir)?;
    println!("undisturbed: {whole:.2?}, {expected:?}");
    let mut random = StdRng::seed_from_u64(args.seed);
    let mut resumed = 0;
    for round in 1..=args.rounds {
        let dir = scratch.path().join(format!("round-{round}"));
        let moments: Vec<_> = (0..args.kills)
            .map(|_| whole.mul_f64(random.random_range(0.05..0.95)))
            .collect();
        for moment in &moments {
            resumed += kill_after(&dir, file, *moment)?;
        }
        let end = program::json(&dir, &["load", file])?;
        ensure!(
            end["closed"] == true,
            "round {round}: the ledger is open: {end}"
        );
        ensure!(end["lag"] == 0, "round {round}: lag is left: {end}");
        let found = Figures::of(&dir)?;
        ensure!(
            found == expected,
            "round {round} (--seed {}), killed after {moments:?}: {found:?} instead of {expected:?}",
            args.seed,
        );
        println!("round {round}: killed after {moments:.2?}, equal");
        std::fs::remove_dir_all(&dir)?;
    }
    println!(
        "{} rounds, {resumed} loads killed while they ran: 0 lines lost, 0 counted twice",
        args.rounds
    );
    Ok(())
}

/// Starts a load and kills it. 1 when it was still running.
fn kill_after(dir: &Path, file: &str, moment: Duration) -> Result<u32> {
    let mut child = program::start(dir, &["load", file, "--json"])?;
    std::thread::sleep(moment);
    let running = child.try_wait()?.is_none();
    // SIGKILL: nothing is flushed, nothing is said.
    child.kill()?;
    child.wait()?;
    Ok(u32::from(running))
}

/// What must be the same.
#[derive(Debug, PartialEq)]
struct Figures {
    stored: Value,
    kpis: Value,
    months: Value,
    segments: Value,
}

impl Figures {
    fn of(dir: &Path) -> Result<Self> {
        let verified = program::json(dir, &["verify"])?;
        ensure!(verified["converged"] == true, "not converged: {verified}");
        ensure!(
            verified["drift"] == 0 || verified["drift"] == Value::Array(vec![]),
            "drift: {verified}"
        );
        let mut report = program::json(dir, &["report"])?;
        Ok(Self {
            stored: verified["stored"].clone(),
            kpis: report["kpis"].take(),
            months: report["months"].take(),
            segments: report["segments"].take(),
        })
    }
}
