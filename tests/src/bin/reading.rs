//! Measures reading alone: bytes to clean lines, in one thread, nothing written.
//!
//! ```text
//! reading [FILE] [--passes N]
//! ```
//!
//! Without a file it unpacks the full file of the checkout first. Prints every pass, and the
//! median, the least and the most of them: a single pass says little on a machine that others
//! use. For the same reason time is that of the processor where the system tells it (Linux), and
//! passes between which the thread waited for its turn are comparable.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use retail_engine::clean::Rules;
use retail_engine::intake::{LineReader, ReadOptions, ReadRow};
use retail_engine::route::RoutingMap;
use retail_tests::full_file;

/// What a pass found, so that a pass that reads something else is noticed.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    rows: u64,
    clean: u64,
    /// All identities, mixed.
    identities: u64,
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> Result<()> {
    let (mut file, mut passes) = (None, 9_usize);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--passes" {
            passes = words.next().context("how many passes?")?.parse()?;
        } else {
            file = Some(PathBuf::from(word));
        }
    }
    ensure!(passes > 0, "at least one pass");
    let scratch = tempfile::tempdir()?;
    let file = match file {
        Some(file) => file,
        None => unpacked(scratch.path())?,
    };
    let (rules, routing) = (Rules::builtin()?, Arc::new(RoutingMap::builtin()?));
    let mut found = None;
    let mut rates = Vec::new();
    for _ in 0..passes {
        let (took, pass) = pass(&file, &rules, &routing)?;
        let rate = pass.rows as f64 / took.as_secs_f64();
        println!("{:.3} s  {rate:.0} rows/s", took.as_secs_f64());
        ensure!(
            found.as_ref().is_none_or(|found| *found == pass),
            "two passes over one file differ: {found:?} and {pass:?}"
        );
        found = Some(pass);
        rates.push(rate);
    }
    rates.sort_by(f64::total_cmp);
    if let (Some(found), [least, .., most]) = (found, &*rates) {
        let median = rates[rates.len() / 2];
        println!(
            "{} rows, {} clean, identities {:016x}",
            found.rows, found.clean, found.identities
        );
        println!("median {median:.0} rows/s, {least:.0} to {most:.0}");
    }
    Ok(())
}

fn pass(file: &Path, rules: &Rules, routing: &Arc<RoutingMap>) -> Result<(Duration, Found)> {
    let (began, ran) = (Instant::now(), on_processor());
    let mut found = Found {
        rows: 0,
        clean: 0,
        identities: 0,
    };
    let mut reader = LineReader::open(file, &ReadOptions::default(), rules, routing)?;
    while let Some(row) = reader.next()? {
        found.rows += 1;
        if let ReadRow::Clean(line) = row {
            found.clean += 1;
            found.identities ^= line.record.line_id.0;
        }
    }
    let took = match (ran, on_processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => began.elapsed(),
    };
    Ok((took, found))
}

/// Time that this thread has run, without what it waited for a processor.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn unpacked(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("input.csv");
    let mut packed = MultiGzDecoder::new(BufReader::new(File::open(full_file())?));
    std::io::copy(&mut packed, &mut File::create(&path)?)?;
    Ok(path)
}
