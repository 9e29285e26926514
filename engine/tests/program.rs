//! The headless program from outside: that it is built, and that its help teaches.
//!
//! Whole loads, drills and crashes are in the suites of the workspace's `tests/`, which run the
//! program that this test makes cargo build.

use std::process::Command;

#[test]
fn help_names_every_verb_and_the_exit_codes() {
    let output = Command::new(env!("CARGO_BIN_EXE_retail-engine"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for verb in [
        "setup",
        "load",
        "produce",
        "consume",
        "analytics",
        "preview",
        "rejects",
        "replay",
        "drill",
        "verify",
        "repair",
        "report",
        "status",
        "export",
        "bench",
    ] {
        let has = help.lines().any(|line| line.trim_start().starts_with(verb));
        assert!(has, "{verb} is not in:\n{help}");
    }
    assert!(help.contains("Exit codes: 0 done"), "{help}");
}

#[test]
fn a_verb_that_does_not_exist_is_a_usage_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_retail-engine"))
        .arg("lode")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("load"), "a near verb is named: {told}");
}
