//! The headless program from outside.
//!
//! Whole loads, drills and crashes are in the suites of the workspace's `tests/`, which run the
//! program that this test makes cargo build.

use std::process::Command;

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
