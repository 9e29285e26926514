//! The whole file through the engine against `sqlite3 .import` of the same file, unpacked, into
//! one table (WAL, synchronous=FULL): whole processes, in turn, page cache warm.
//!
//! ```text
//! against-sqlite [--pairs N] [--copies N]
//! ```
//!
//! What a run leaves is deleted when all are over: a file system that has just deleted thousands of
//! blocks is slower at making files.
//!
//! Prints the seconds of each pair and the median of the ratios. With `--copies` the file is made
//! that many times as long first.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use retail_tests::{full_file, generate, program};

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> Result<()> {
    let (mut pairs, mut copies) = (5, 1);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .with_context(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--pairs" => pairs = value.parse()?,
            "--copies" => copies = value.parse()?,
            _ => bail!("unknown option {word}"),
        }
    }
    let scratch = tempfile::tempdir()?;
    let plain = scratch.path().join("lines.csv");
    generate::copies(&full_file(), &plain, copies)?;
    // One copy is read packed, as users have it; more copies exist unpacked only.
    let ours = if copies == 1 {
        full_file()
    } else {
        plain.clone()
    };
    let mut ratios = Vec::new();
    let mut times = Vec::new();
    for pair in 0..=pairs {
        let folder = scratch.path().join(format!("pair-{pair}"));
        std::fs::create_dir(&folder)?;
        let engine = engine(&folder, &ours)?;
        let sqlite = sqlite(&folder, &plain)?;
        if pair == 0 {
            // Warms the page cache and the programs.
            continue;
        }
        println!(
            "pair {pair}: engine {engine:.3} s, sqlite3 {sqlite:.3} s, ratio {:.3}",
            engine / sqlite
        );
        ratios.push(engine / sqlite);
        times.push((engine, sqlite));
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).context("no pair was run")?;
    let (low, high) = (
        ratios.first().context("no pair")?,
        ratios.last().context("no pair")?,
    );
    println!(
        "ratio of whole processes, median of {pairs} pairs: {median:.3} ({low:.3} to {high:.3})"
    );
    Ok(())
}

fn engine(folder: &Path, file: &Path) -> Result<f64> {
    let dir = folder.join("data");
    let file = file.to_str().context("the path is not UTF-8")?;
    let mut command = program::command(&dir, &["load", file, "--json"])?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    ensure!(command.status()?.success(), "the load failed");
    Ok(began.elapsed().as_secs_f64())
}

fn sqlite(folder: &Path, file: &Path) -> Result<f64> {
    let db = folder.join("lines.db");
    let mut command = Command::new("sqlite3");
    command
        .arg(&db)
        .arg("pragma journal_mode=wal; pragma synchronous=full;")
        .arg(".mode csv")
        .arg(format!(".import {} lines", file.display()))
        .stdout(Stdio::null());
    let began = Instant::now();
    ensure!(
        command.status().context("running sqlite3")?.success(),
        "sqlite3 failed"
    );
    Ok(began.elapsed().as_secs_f64())
}
