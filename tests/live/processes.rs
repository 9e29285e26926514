//! Several processes share a load, as several hosts would: a producer, consumers that share a
//! region, others for the other regions, one for the figures. They are killed at random moments
//! and started again, one is stopped past its session, and at the end lines and figures are those
//! of one undisturbed process.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use retail_engine::lab::Lab;
use retail_engine::model::Dc;
use retail_tests::{full_file, program};
use serde_json::Value;

use crate::round::{Round, text};
use crate::until;

/// Rows of the file that is produced while processes die, and of one that comes after that.
const ROWS: usize = 60_000;
const ROWS_AFTER: usize = 2_000;
/// So slow that the load is under way for as long as all deaths take.
const ROWS_PER_SECOND: &str = "1000";
/// Deaths that there are at least; there are more when the load takes longer.
const DEATHS: usize = 7;
/// Between two deaths, seconds.
const APART: std::ops::Range<f64> = 1.0..7.0;

/// A process that is to be there until the end, however often it dies.
struct Process {
    name: &'static str,
    args: Vec<String>,
    child: Child,
    starts: usize,
}

/// How a process is to be told something.
#[derive(Debug, Clone, Copy)]
enum Signal {
    Terminate,
    Stop,
    Continue,
}

impl Process {
    fn start(round: &Round, name: &'static str, args: &[&str]) -> Self {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self {
            child: Self::spawn(round, name, &args, 1),
            name,
            args,
            starts: 1,
        }
    }

    fn spawn(round: &Round, name: &str, args: &[String], start: usize) -> Child {
        let mut all: Vec<&str> = args.iter().map(String::as_str).collect();
        all.push("--json");
        // Files, because nobody reads a pipe while the process runs.
        let file = |what: &str| File::create(round.path(&format!("{name}-{start}.{what}")));
        round
            .command(name, &all)
            .stdout(file("out").unwrap())
            .stderr(file("err").unwrap())
            .spawn()
            .unwrap()
    }

    /// The process ends as when its host loses power, and is started again.
    fn die(&mut self, round: &Round) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.starts += 1;
        self.child = Self::spawn(round, self.name, &self.args, self.starts);
    }

    fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Terminate => "-TERM",
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
        };
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(done.success(), "{signal:?} to {}", self.name);
    }

    /// How it ended, if it did.
    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What the living process has said.
    fn said(&self, round: &Round, what: &str) -> String {
        let path = round.path(&format!("{}-{}.{what}", self.name, self.starts));
        std::fs::read_to_string(path).unwrap()
    }

    /// Fails when a process that goes on until it is told has ended by itself.
    fn check_alive(&mut self, round: &Round) {
        if let Some(status) = self.ended() {
            panic!(
                "{} ended with {status}: {}",
                self.name,
                self.said(round, "err")
            );
        }
    }

    /// The object that it prints when it ends, which has to be well.
    fn end(mut self, round: &Round) -> Value {
        let status = self.child.wait().unwrap();
        let (out, err) = (self.said(round, "out"), self.said(round, "err"));
        assert!(status.success(), "{}: {status}: {out}{err}", self.name);
        serde_json::from_str(&out).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; a failing test leaves nothing behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Rows of the real file as files of their own, each with the header.
fn parts(of: &[(&Path, usize)]) {
    let file = MultiGzDecoder::new(File::open(full_file()).unwrap());
    let mut lines = BufReader::new(file).split(b'\n').map(Result::unwrap);
    let header = lines.next().unwrap();
    for (path, rows) in of {
        let mut part = BufWriter::new(File::create(path).unwrap());
        for line in std::iter::once(header.clone()).chain(lines.by_ref().take(*rows)) {
            part.write_all(&line).unwrap();
            part.write_all(b"\n").unwrap();
        }
        part.flush().unwrap();
    }
}

/// What is left at the end: rows by data centre, figures, the tables for other programs, and how
/// many rows were set aside for which reason.
#[derive(Debug, PartialEq)]
struct Left {
    stored: Value,
    report: Value,
    tables: Vec<String>,
    set_aside: Value,
}

impl Left {
    /// Asked of a program by `json`, which runs a verb and returns its object.
    fn of(folder: &Path, json: &dyn Fn(&[&str]) -> Value) -> Self {
        let verified = json(&["verify"]);
        assert_eq!(verified["drift"], 0, "{verified}");
        let stored = verified["stored"]["Europe_DC"].clone();
        for dc in Dc::ALL {
            assert_eq!(verified["stored"][dc.name()], stored, "{verified}");
        }
        let mut report = json(&["report"]);
        // The two that have to differ.
        for key in ["mode", "simulated"] {
            report.as_object_mut().unwrap().remove(key);
        }
        let tables = ["customer_analytics", "product_analytics", "country_metrics"];
        let tables = tables.map(|table| {
            let out = folder.join(format!("{table}.csv"));
            json(&["export", table, "--format", "csv", "--out", text(&out)]);
            std::fs::read_to_string(out).unwrap()
        });
        Self {
            stored,
            report,
            tables: tables.into(),
            set_aside: json(&["rejects"])["set_aside"].clone(),
        }
    }
}

/// What one process leaves that nothing disturbs.
fn undisturbed(files: &[&Path]) -> Left {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for file in files {
        let end = program::json(&data, &["load", text(file)]).unwrap();
        assert_eq!(end["closed"], true, "{end}");
    }
    Left::of(dir.path(), &|args| program::json(&data, args).unwrap())
}

/// Waits until every record of every topic was consumed and committed.
fn wait_consumed(round: &Round) {
    until("everything consumed", || {
        let status = round.json(&["status"]);
        let partitions = status["partitions"].as_array().unwrap();
        partitions
            .iter()
            .all(|partition| partition["lag"]["known"]["lines"] == 0)
    });
}

/// Kills processes until the load is produced. The producer and a consumer of Europe are among
/// the first ones; `stopped` is not, for it has to live.
fn deaths(
    round: &Round,
    random: &mut StdRng,
    producer: &mut Process,
    others: &mut [Process],
    stopped: usize,
) {
    let mut deaths = Vec::new();
    while producer.ended().is_none() || deaths.len() < DEATHS {
        // The moment of a crash is a time, not a condition.
        std::thread::sleep(Duration::from_secs_f64(random.random_range(APART)));
        for process in &mut *others {
            process.check_alive(round);
        }
        if deaths.len() == DEATHS / 2 {
            println!("{} is stopped", others[stopped].name);
            others[stopped].signal(Signal::Stop);
        }
        let mortals: Vec<usize> = (0..others.len()).filter(|n| *n != stopped).collect();
        let victim = match deaths.len() {
            1 => None,
            2 => Some(mortals[0]),
            _ if random.random_bool(0.3) => None,
            _ => mortals.choose(random).copied(),
        };
        let victim = victim.map_or(&mut *producer, |n| &mut others[n]);
        if let Some(status) = victim.ended() {
            // Only the producer ends by itself.
            assert!(status.success(), "{}", victim.said(round, "err"));
            assert!(deaths.len() >= DEATHS, "produced after {deaths:?}");
            return;
        }
        println!("{} dies", victim.name);
        victim.die(round);
        deaths.push(victim.name);
    }
}

#[test]
#[ignore = "needs a running lab: RETAIL_LAB_HOME"]
fn processes_that_die_and_one_that_was_stopped_leave_what_an_undisturbed_one_leaves() {
    let home = std::env::var_os("RETAIL_LAB_HOME").unwrap();
    let lab = Lab::open(Path::new(&home)).unwrap();
    lab.up(&mut |_| {}).unwrap();
    let seed: u64 = std::env::var("LAB_SEED").map_or(42, |seed| seed.parse().unwrap());
    println!("LAB_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let settings = [
        ("RETAIL_FLUSH_LINES", "500"),
        // As short as brokers allow: so long the partitions of a dead process wait.
        ("RETAIL_KAFKA_SESSION_TIMEOUT_MS", "6000"),
    ];
    let round = Round::on(&lab, "processes", &settings);
    let files: [PathBuf; 2] = ["rows.csv", "rows-after.csv"].map(|name| round.path(name));
    let [file, after] = [&*files[0], &*files[1]];
    parts(&[(file, ROWS), (after, ROWS_AFTER)]);
    let expected = undisturbed(&[file, after]);
    round.json(&["setup"]);

    let consume =
        |name, region| Process::start(&round, name, &["consume", "--region", region, "--follow"]);
    let mut others = vec![
        consume("europe-1", "europe"),
        consume("europe-2", "europe"),
        consume("americas", "americas"),
        consume("asiapacific", "asiapacific"),
        Process::start(
            &round,
            "quarantine",
            &["consume", "--quarantine", "--follow"],
        ),
        Process::start(&round, "analytics", &["analytics", "--follow"]),
    ];
    let stopped = 1;
    let args = ["produce", "--input", text(file), "--rate", ROWS_PER_SECOND];
    let mut producer = Process::start(&round, "produce", &args);
    deaths(&round, &mut random, &mut producer, &mut others, stopped);
    let end = producer.end(&round);
    assert_eq!(end["read"], ROWS, "{end}");

    // Its partitions are another's now, or something would be left. It does not know that yet.
    wait_consumed(&round);
    others[stopped].signal(Signal::Continue);
    // What comes now is shared with it again.
    let args = ["produce", "--input", text(after)];
    let end = round.json(&args);
    assert_eq!(end["read"], ROWS_AFTER, "{end}");
    wait_consumed(&round);
    for process in &mut others {
        process.check_alive(&round);
        process.signal(Signal::Terminate);
    }
    for process in others {
        let (name, end) = (process.name, process.end(&round));
        println!("{name} ended with {end}");
    }
    let left = Left::of(&round.path(""), &|args| round.json(args));
    assert_eq!(left, expected);
}
