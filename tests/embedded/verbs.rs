//! The other verbs: what they print can be used by the next one.

use retail_engine::model::Region;
use retail_engine::route::RoutingMap;
use retail_tests::{full_file, program, sample_file};
use serde_json::Value;

use crate::{Loaded, path, stored};

#[test]
fn rejects_exported_as_csv_load_again_with_the_same_reasons() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let first = program::json(&dir, &["load", path(&sample_file())]).unwrap();
    let file = scratch.path().join("rejects.csv");
    program::json(&dir, &["rejects", "--export", path(&file)]).unwrap();
    let again = program::json(&scratch.path().join("other"), &["load", path(&file)]);
    // Every row of the file is set aside again, and a load without one clean line is no success.
    let (code, again) = match again {
        Ok(value) => (0, value),
        Err(_) => {
            program::json_and_code(&scratch.path().join("other2"), &["load", path(&file)]).unwrap()
        }
    };
    assert_eq!(again["set_aside"], first["set_aside"], "{code}: {again}");
}

#[test]
fn a_preview_shows_what_the_load_will_do() {
    let scratch = tempfile::tempdir().unwrap();
    let preview = program::json(
        scratch.path(),
        &["preview", path(&full_file()), "--rows", "200"],
    )
    .unwrap();
    assert_eq!(preview["encoding"], "UTF-8", "{preview}");
    assert_eq!(preview["delimiter"], ",", "{preview}");
    assert_eq!(preview["rows"].as_array().map(Vec::len), Some(200));
    assert!(preview["header"].is_object() || preview["header"].is_array());
    let sample = program::json(scratch.path(), &["preview", path(&sample_file())]).unwrap();
    assert!(
        !sample["warnings"].as_array().unwrap().is_empty(),
        "no final newline: {sample}"
    );
}

#[test]
fn produce_then_consume_then_analytics_is_load() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let produced = program::json(&dir, &["produce", "--input", path(&sample_file())]).unwrap();
    assert_eq!(produced["read"], 10_000, "{produced}");
    let lag = produced["lag"].as_u64().unwrap();
    assert_eq!(
        Some(lag),
        produced["clean"].as_u64(),
        "nothing is consumed yet: {produced}"
    );
    let consumed = program::json(&dir, &["consume"]).unwrap();
    assert_eq!(consumed["lag"], 0, "{consumed}");
    program::json(&dir, &["analytics"]).unwrap();
    let report = program::json(&dir, &["report"]).unwrap();
    assert_eq!(
        report["kpis"]["lines"], produced["clean"],
        "{}",
        report["kpis"]
    );
}

#[test]
fn a_routing_map_that_moves_a_country_with_lines_is_refused_and_leaves_everything() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    program::json(&dir, &["load", path(&sample_file())]).unwrap();
    let before = stored(&program::json(&dir, &["verify"]).unwrap());
    let map = RoutingMap::builtin().unwrap();
    let moved = map.assign("France", Region::Americas).unwrap();
    let file = scratch.path().join("moved.toml");
    moved.save(&file).unwrap();
    for verb in [&["load"][..], &["produce", "--input"]] {
        let sample = sample_file();
        let args = [verb, &[path(&sample), "--routing", path(&file)]].concat();
        let (code, said) = program::json_and_code(&dir, &args).unwrap();
        assert_eq!(code, 2, "{said}");
        let error = said["error"].as_str().unwrap();
        assert!(error.contains("lines of France are stored"), "{said}");
        assert!(said["remedy"].is_string(), "{said}");
    }
    assert!(!dir.join("routing.toml").exists());
    assert_eq!(stored(&program::json(&dir, &["verify"]).unwrap()), before);
}

#[test]
fn a_replay_from_the_beginning_changes_no_digest_and_a_dry_run_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    program::json(&dir, &["load", path(&sample_file())]).unwrap();
    let before = stored(&program::json(&dir, &["verify"]).unwrap());
    let args = ["replay", "--region", "europe", "--to", "earliest"];
    let plan = program::json(&dir, &[&args[..], &["--dry-run"]].concat()).unwrap();
    assert!(plan.to_string().contains("europe-transactions"), "{plan}");
    let status = program::json(&dir, &["status"]).unwrap();
    assert_eq!(status["lag"], 0, "a dry run moves nothing: {status}");
    program::json(&dir, &[&args[..], &["--yes"]].concat()).unwrap();
    assert_eq!(stored(&program::json(&dir, &["verify"]).unwrap()), before);
    let status = program::json(&dir, &["status"]).unwrap();
    assert_eq!(status["lag"], 0, "{status}");
}

#[test]
fn the_derived_tables_are_exported_with_the_agreed_columns() {
    let loaded = Loaded::shared();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("customers.csv");
    loaded.json(&[
        "export",
        "customer_analytics",
        "--format",
        "csv",
        "--out",
        path(&file),
    ]);
    let text = std::fs::read_to_string(&file).unwrap();
    let header = text.lines().next().unwrap();
    for column in [
        "customer_id",
        "last_purchase_date",
        "total_purchases",
        "total_amount",
        "country",
        "region",
        "segment",
    ] {
        assert!(
            header.split(',').any(|c| c == column),
            "{column} in {header}"
        );
    }
    assert_eq!(text.lines().count(), 4_333 + 1);
}

#[test]
fn a_country_is_put_in_a_region_and_taken_back_and_stays_where_its_lines_are() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    program::json(&dir, &["load", path(&sample_file())]).unwrap();
    let put = program::json(&dir, &["route", "assign", "Narnia", "americas"]).unwrap();
    assert_eq!(put["change"]["to"], "americas", "{put}");
    let list = program::json(&dir, &["route", "list"]).unwrap();
    assert_eq!(list["changes"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["version"], put["change"]["version"]);
    let undone = program::json(&dir, &["route", "undo"]).unwrap();
    assert_eq!(undone["change"]["to"], Value::Null, "{undone}");
    let refused = program::run(&dir, &["route", "assign", "France", "americas"]).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("a country with lines stays where it is"),
        "{said}"
    );
}

#[test]
fn status_says_what_is_there() {
    let status: Value = Loaded::shared().json(&["status"]);
    assert_eq!(status["mode"], "embedded", "{status}");
    assert_eq!(status["lag"], 0, "{status}");
}

#[test]
fn a_mended_row_flows_once_and_its_fix_can_be_taken_back_until_then() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let loaded = program::json(&dir, &["load", path(&sample_file())]).unwrap();
    let id = loaded["load_id"].as_str().unwrap();
    let reason = "nonpositive_quantity";
    let found = program::json(&dir, &["rejects", "--reason", reason]).unwrap();
    let row = found["rows"][0]["row"].to_string();
    let fix = ["fix", "row", "--load", id, "--row", &row];
    let to = |quantity| [&fix[..], &["--column", "Quantity", "--to", quantity]].concat();
    let still_wrong = program::json(&dir, &to("-3")).unwrap();
    assert_eq!(
        still_wrong["effect"]["set_aside"][reason], 1,
        "{still_wrong}"
    );
    let number = still_wrong["fix"]["id"].to_string();
    program::json(&dir, &["fix", "undo", &number]).unwrap();
    assert!(program::json(&dir, &["fix", "undo", &number]).is_err());
    assert!(
        program::json(&dir, &["fix", "send"]).is_err(),
        "nothing is pending"
    );

    // That row has no price either: both fields are mended.
    program::json(&dir, &to("3")).unwrap();
    program::json(
        &dir,
        &[&fix[..], &["--column", "UnitPrice", "--to", "1.25"]].concat(),
    )
    .unwrap();
    let plan = program::json(&dir, &["fix", "send", "--dry-run"]).unwrap();
    assert_eq!(plan["plan"]["effect"]["amount"], "3.75", "{plan}");
    // The row as a whole says the same; the two fields are taken back.
    let list = program::json(&dir, &["fix", "list"]).unwrap();
    for fix in list["pending"].as_array().unwrap() {
        program::json(&dir, &["fix", "undo", &fix["id"].to_string()]).unwrap();
    }
    let whole = ["fix", "whole", "--load", id, "--row", &row];
    let to = ["--to", "536589,21777,,3,2010-12-01 16:50,1.25,,France"];
    let put = program::json(&dir, &[&whole[..], &to[..]].concat()).unwrap();
    assert_eq!(put["effect"]["amount"], "3.75", "{put}");
    let before = program::json(&dir, &["status"]).unwrap();
    let sent = program::json(&dir, &["fix", "send"]).unwrap();
    assert_eq!((&sent["new"], &sent["closed"]), (&1.into(), &true.into()));
    let after = program::json(&dir, &["status"]).unwrap();
    let lines = |status: &Value| status["lines"].as_u64().unwrap();
    assert_eq!(lines(&after), lines(&before) + 1, "{after}");
    let list = program::json(&dir, &["fix", "list"]).unwrap();
    assert_eq!(list["pending"], serde_json::json!([]));
    assert_eq!(list["sent"][0]["rows"].as_array().unwrap().len(), 1);
}
