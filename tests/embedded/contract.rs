//! Help, and the shape of what programs read.

use retail_tests::program;

#[test]
fn every_verb_has_help_with_an_example() {
    let scratch = tempfile::tempdir().unwrap();
    for verb in [
        "setup",
        "load",
        "produce",
        "consume",
        "analytics",
        "preview",
        "rejects",
        "fix",
        "route",
        "replay",
        "drill",
        "verify",
        "repair",
        "report",
        "status",
        "export",
        "bench",
    ] {
        let output = program::run(scratch.path(), &[verb, "--help"]).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{verb}");
        assert!(text.contains("retail-engine"), "{verb}: {text}");
    }
}

#[test]
fn setup_can_be_repeated() {
    let scratch = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = program::run(&scratch.path().join("data"), &["setup"]).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
}
