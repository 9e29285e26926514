//! Drills from the command line: each figure is measured, nothing is lost.

use retail_tests::program;
use serde_json::Value;

fn drill(scenario: &str) -> Value {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let report = scratch.path().join("report.html");
    let report_path = report.to_str().unwrap();
    let args = ["drill", "--scenario", scenario, "--report", report_path];
    let result = program::json(&dir, &args).unwrap();
    assert_eq!(result["converged"], true, "{result}");
    assert_eq!(result["rpo_lines"], 0, "{result}");
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(
        page.contains("<svg") && page.contains("Simulated"),
        "{scenario}"
    );
    assert!(
        !page.contains("http://") && !page.contains("src=\"http"),
        "self-contained"
    );
    result
}

#[test]
fn losing_europe_is_detected_survived_and_undone() {
    let result = drill("europe-down");
    let number = |key: &str| {
        result[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key}: {result}"))
    };
    assert!(number("detected_ms") >= 0.0);
    assert!(number("rto_ms") >= number("detected_ms"), "{result}");
    assert!(number("rto_ms") < 10_000.0, "{result}");
    assert!(number("hints_peak") > 0.0, "{result}");
    assert!(number("prediction_score") > 0.9, "{result}");
    assert_eq!(
        result["writes_failed"]["QUORUM"], 0,
        "two of three are enough: {result}"
    );
    assert!(
        result["writes_failed"]["EACH_QUORUM"].as_u64() > Some(0),
        "{result}"
    );
    assert!(
        result["writes_ok"]["LOCAL_QUORUM"].as_u64() > Some(0),
        "{result}"
    );
}

#[test]
fn a_paused_europe_is_detected_by_its_own_requests() {
    let result = drill("europe-paused");
    assert!(result["detected_ms"].as_f64() > Some(0.0), "{result}");
    assert!(result["longest_stall_ms"].as_f64() > Some(0.0), "{result}");
}

#[test]
fn with_two_data_centres_down_work_goes_on_and_offsets_are_held_back() {
    let result = drill("two-down");
    assert!(
        result["writes_failed"]["QUORUM"].as_u64() > Some(0),
        "{result}"
    );
    assert!(result["writes_ok"]["ONE"].as_u64() > Some(0), "{result}");
}
