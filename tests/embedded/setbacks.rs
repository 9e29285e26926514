//! Loads that do not go as planned: too many rejects, a full disk, a file that changes, two data
//! centres down under a `kill -9`, a replay by mistake.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use retail_tests::{full_file, program, sample_file};
use serde_json::Value;

use crate::{Loaded, path, stored};

fn said(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{err}")
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn verified(dir: &Path) -> Value {
    stored(&program::json(dir, &["verify"]).unwrap())
}

/// Rows and digest of the sample, loaded in peace.
fn of_sample(scratch: &Path) -> Value {
    let dir = scratch.join("undisturbed");
    program::json(&dir, &["load", path(&sample_file())]).unwrap();
    verified(&dir)
}

/// Bytes of the segments of a log.
fn log_bytes(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("log"));
    files.map_or(0, |files| {
        let sizes = files.flatten().filter_map(|f| f.metadata().ok());
        sizes.map(|m| m.len()).sum()
    })
}

#[test]
fn too_many_rejects_stop_a_load_that_goes_on_under_a_wider_limit() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let file = sample_file();
    for (limit, word) in [("5", "limit of 5"), ("0.2%", "limit of 0.2%")] {
        let args = ["load", path(&file), "--max-rejects", limit];
        let (code, end) = program::json_and_code(&dir, &args).unwrap();
        assert_eq!(code, 3, "{end}");
        let why = end["state"]["stopped"].as_str().unwrap();
        assert!(why.contains(word), "{why}");
        assert_eq!(end["closed"], true, "{end}");
        assert!(end["read"].as_u64().unwrap() < 10_000, "{end}");
        assert_eq!(verified(&dir)["lines"], end["new"], "{end}");
        // The same limit lets nothing more through.
        let (code, again) = program::json_and_code(&dir, &args).unwrap();
        assert_eq!((code, &again["read"]), (3, &end["read"]), "{again}");
        let output = program::run(&dir, &args).unwrap();
        assert!(said(&output).contains("--max-rejects"), "{}", said(&output));
    }
    let end = program::json(&dir, &["load", path(&file), "--max-rejects", "none"]).unwrap();
    assert!(end["resumed_after"].as_u64().unwrap() > 0, "{end}");
    assert_eq!(end["read"], 10_000, "{end}");
    assert_eq!(end["closed"], true, "{end}");
    assert_eq!(verified(&dir), of_sample(scratch.path()));
}

#[test]
fn a_file_that_changes_while_it_is_read_fails_by_name_and_loads_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let file = scratch.path().join("growing.csv");
    std::fs::copy(sample_file(), &file).unwrap();
    let args = ["load", path(&file), "--rate", "4000", "--json"];
    let child = program::start(&dir, &args).unwrap();
    wait_until("lines are in the log", || log_bytes(&dir) > 50_000);
    let rows = std::fs::read_to_string(&file).unwrap();
    let header = rows.lines().next().unwrap();
    let row = "536365,85123A,GROWN,6,12/1/2010 8:26,2.55,17850,United Kingdom";
    std::fs::write(&file, format!("{header}\n{row}\n{rows}")).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("changed"), "{text}");
    assert!(text.contains("help: Wait until the program"), "{text}");
    std::fs::copy(sample_file(), &file).unwrap();
    let end = program::json(&dir, &["load", path(&file)]).unwrap();
    assert_eq!(end["closed"], true, "{end}");
    assert_eq!(end["read"], 10_000, "{end}");
}

#[test]
#[cfg(unix)]
fn a_pipe_is_refused_at_once_and_told_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let pipe = scratch.path().join("pipe.csv");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let output = program::run(&scratch.path().join("data"), &["load", path(&pipe)]).unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("pipe.csv") && text.contains("help"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_preview_of_a_gigabyte_reads_its_head_only() {
    use std::sync::Arc;

    use retail_engine::clean::Rules;
    use retail_engine::intake::{ReadOptions, preview};
    use retail_engine::route::RoutingMap;

    // Bytes that this thread asked the system for.
    let read_so_far = || -> u64 {
        let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        let line = io.lines().find_map(|l| l.strip_prefix("rchar: "));
        line.unwrap().parse().unwrap()
    };
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("large.csv");
    // More rows than any head has; what follows is never looked at.
    let sample = std::fs::read(sample_file()).unwrap();
    let rows_begin = sample.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut grown = std::fs::File::create(&file).unwrap();
    grown.write_all(&sample).unwrap();
    for _ in 0..(24 << 20) / sample.len() {
        grown.write_all(&sample[rows_begin..]).unwrap();
    }
    grown.set_len(1 << 30).unwrap();
    let routing = Arc::new(RoutingMap::builtin().unwrap());
    let rules = Rules::builtin().unwrap();
    let before = read_so_far();
    let shown = preview(&file, &ReadOptions::default(), &rules, &routing, 200).unwrap();
    let read = read_so_far() - before;
    assert_eq!(shown.rows.len(), 200);
    assert!(!shown.whole_file);
    // The head is at most 8 MiB; the rest is what a file system is asked besides.
    assert!(
        read > 0 && read < 10 << 20,
        "{read} bytes of 1 GB were read"
    );
}

#[test]
fn a_group_that_was_moved_by_mistake_is_set_back() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    program::json(&dir, &["produce", "--input", path(&sample_file())]).unwrap();
    let to_end = ["replay", "--region", "europe", "--to", "latest", "--yes"];
    let skipped = program::json(&dir, &to_end).unwrap();
    assert!(skipped["skipped"].as_u64().unwrap() > 9_000, "{skipped}");
    let plan = program::json(&dir, &["replay", "--undo", "--dry-run"]).unwrap();
    assert_eq!(plan["read_again"], skipped["skipped"], "{plan}");
    assert_eq!(plan["applied"], false, "{plan}");
    let undone = program::json(&dir, &["replay", "--undo", "--yes"]).unwrap();
    assert_eq!(undone["read_again"], skipped["skipped"], "{undone}");
    program::json(&dir, &["consume"]).unwrap();
    assert_eq!(verified(&dir), of_sample(scratch.path()));
    let output = program::run(&dir, &["replay", "--undo", "--yes"]).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("no replay to undo"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("help: "), "{}", said(&output));
}

#[test]
fn a_kill_with_two_data_centres_down_loses_nothing() {
    let expected = stored(&Loaded::shared().json(&["verify"]));
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let file = full_file();
    let mut child = Command::new(env!("CARGO_BIN_EXE_faulty-load"))
        .arg(&dir)
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It says when lines are in one data centre only.
    let held_back = dir.join("held-back");
    wait_until("lines are held back", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        held_back.exists()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let end = program::json(&dir, &["load", path(&file)]).unwrap();
    assert_eq!(end["closed"], true, "{end}");
    assert_eq!(end["read"], 541_909, "{end}");
    assert_eq!(verified(&dir), expected);
    let report = program::json(&dir, &["report"]).unwrap();
    assert_eq!(report["kpis"]["sales"], "10660634.504");
}

/// A small file system in memory, unmounted when it is dropped.
#[cfg(target_os = "linux")]
struct SmallDisk(PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        is_mounted.then(|| Self(at.to_owned()))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(&self.0).status();
        assert!(ended.unwrap().success());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_named_and_the_load_ends_whole_when_there_is_space() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&scratch.path().join("disk"), "400m") else {
        eprintln!("SKIPPED a_full_disk_is_named_...: only root may mount a small disk");
        return;
    };
    let dir = disk.0.join("data");
    program::json(&dir, &["setup"]).unwrap();
    // All but a few megabytes are taken by something else.
    let ballast = disk.0.join("ballast");
    fill(&ballast, 12 << 20, &disk.0);
    let output = program::run(&dir, &["load", path(&full_file())]).unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("No space left") || text.contains("is full"),
        "{text}"
    );
    assert!(
        text.contains(path(&dir)) || text.contains("_DC"),
        "what is full is named: {text}"
    );
    assert!(text.contains("help"), "{text}");
    std::fs::remove_file(&ballast).unwrap();
    let end = program::json(&dir, &["load", path(&full_file())]).unwrap();
    assert_eq!(end["closed"], true, "{end}");
    let expected = stored(&Loaded::shared().json(&["verify"]));
    assert_eq!(verified(&dir), expected);
}

/// Writes a file that leaves `free` bytes of the disk.
#[cfg(target_os = "linux")]
fn fill(file: &Path, free: u64, disk: &Path) {
    let output = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(disk)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let available: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
    let zeros = std::io::repeat(0);
    let mut ballast = std::fs::File::create(file).unwrap();
    let bytes = available.saturating_sub(free);
    std::io::copy(&mut std::io::Read::take(zeros, bytes), &mut ballast).unwrap();
}
