//! Files that are none, directories in use, damage and interruptions: a clear message, the right
//! exit code, nothing lost.

use std::process::Output;
use std::time::Duration;

use retail_tests::{full_file, program, sample_file};

use crate::{path, stored};

fn said(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{err}")
}

#[test]
fn what_is_not_a_csv_is_refused_with_exit_code_3_and_names_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let cases: &[(&str, &[u8], &str)] = &[
        ("book.csv", b"PK\x03\x04\x14\x00\x06\x00", "zip"),
        ("paper.csv", b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (
            "page.csv",
            b"<!DOCTYPE html><html><body>403</body></html>",
            "HTML",
        ),
        ("list.csv", b"[{\"InvoiceNo\": 536365}]", "JSON"),
        ("empty.csv", b"", "empty"),
        (
            "header.csv",
            b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
            "row",
        ),
    ];
    for (name, bytes, word) in cases {
        let file = scratch.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let output = program::run(&dir, &["load", path(&file)]).unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{name}: {text}");
        assert!(
            text.to_lowercase().contains(&word.to_lowercase()),
            "{name}: {text}"
        );
        assert!(text.contains(name), "{name}: {text}");
    }
    for missing in [
        scratch.path().join("nowhere.csv"),
        scratch.path().to_path_buf(),
    ] {
        let output = program::run(&dir, &["load", path(&missing)]).unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    }
}

#[test]
fn a_download_that_was_cut_off_behind_its_head_is_refused_like_one_cut_off_in_it() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let whole = std::fs::read(full_file()).unwrap();
    let file = scratch.path().join("cut.csv.gz");
    // A load begins when 8 MiB are unpacked; a third of the file is 15 MB.
    for part in [100, 3] {
        std::fs::write(&file, &whole[..whole.len() / part]).unwrap();
        let verbs: [&[&str]; 2] = [&["load", path(&file)], &["produce", "--input", path(&file)]];
        for args in verbs {
            let output = program::run(&dir, args).unwrap();
            let text = said(&output);
            assert_eq!(output.status.code(), Some(3), "1/{part}, {args:?}: {text}");
            assert!(text.contains("cut off"), "1/{part}, {args:?}: {text}");
            assert!(text.contains("download the file again"), "{text}");
        }
    }
}

#[test]
fn a_usage_error_ends_with_2() {
    let scratch = tempfile::tempdir().unwrap();
    let output = program::run(scratch.path(), &["load"]).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = program::run(scratch.path(), &["drill", "--scenario", "earthquake"]).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let out = scratch.path().join("table.csv");
    for options in [
        ["transactions", "--net"].as_slice(),
        &["transactions", "--segment", "Champions"],
        &["customers", "--segment", "Nobody"],
    ] {
        let args = ["export", "--format", "csv", "--out", path(&out)];
        let output = program::run(scratch.path(), &[args.as_slice(), options].concat()).unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{options:?}: {text}");
        assert!(text.contains("help: "), "{options:?}: {text}");
    }
}

#[test]
fn a_second_process_on_the_same_directory_is_refused_and_told_why() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let file = sample_file();
    let mut first = program::start(&dir, &["load", path(&file), "--rate", "500"]).unwrap();
    wait_until("the first process holds the directory", || {
        dir.join("log").is_dir()
    });
    let mut refused = None;
    wait_until("the second is refused", || {
        let output = program::run(&dir, &["status"]).unwrap();
        let code = output.status.code();
        refused = Some(said(&output));
        code == Some(1)
    });
    let text = refused.unwrap();
    assert!(text.contains("in use"), "{text}");
    assert!(
        text.contains("--data-dir"),
        "the next step is named: {text}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_cleanly_within_five_seconds_and_the_load_goes_on_later() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let file = sample_file();
    let args = ["load", path(&file), "--rate", "1000", "--json"];
    let mut child = program::start(&dir, &args).unwrap();
    wait_until("lines are in the log", || {
        std::fs::read_dir(dir.join("log")).is_ok_and(|files| {
            files
                .flatten()
                .any(|f| f.metadata().is_ok_and(|m| m.len() > 50_000))
        })
    });
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    let began = std::time::Instant::now();
    let status = child.wait().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        status.code(),
        Some(1),
        "it did not end what it was asked for"
    );
    let end = program::json(&dir, &["load", path(&file)]).unwrap();
    assert_eq!(end["read"], 10_000, "{end}");
    assert_eq!(end["closed"], true, "{end}");
    assert_eq!(
        stored(&program::json(&dir, &["verify"]).unwrap())["lines"],
        end["clean"]
    );
}

#[test]
fn a_damaged_log_is_named_with_its_file_and_nothing_is_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let mut child =
        program::start(&dir, &["load", path(&full_file()), "--rate", "200000"]).unwrap();
    let log = dir.join("log");
    let segment = || {
        let files = std::fs::read_dir(&log).ok()?.flatten();
        files
            .map(|f| f.path())
            .find(|p| p.extension().is_some_and(|e| e == "log"))
    };
    wait_until("there are megabytes of log", || {
        segment().is_some_and(|s| s.metadata().is_ok_and(|m| m.len() > 8_000_000))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let segment = segment().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&segment, &bytes).unwrap();
    let output = program::run(&dir, &["status"]).unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("damaged"), "{text}");
    assert!(
        text.contains(segment.file_name().unwrap().to_str().unwrap()),
        "{text}"
    );
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "left as it was");
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(
            std::time::Instant::now() < deadline,
            "waited in vain until {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
