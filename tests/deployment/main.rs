//! What is deployed and no compiler looks at: the compose file, the rules of Prometheus, the
//! dashboards of Grafana.
//!
//! Tests that need Prometheus installed are ignored by name; `.ci/run` installs it and runs them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, helpers outside its function included"
)]

mod compose;
mod engine;
mod metrics;
mod prometheus;

use std::fs;
use std::path::PathBuf;

use serde_yaml_ng::Value;

/// The folder that is deployed.
fn docker() -> PathBuf {
    retail_tests::root().join("docker")
}

/// A file of it.
fn text(path: &str) -> String {
    let path = docker().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file of it, its merge keys applied.
fn yaml(path: &str) -> Value {
    let mut value: Value = serde_yaml_ng::from_str(&text(path)).unwrap();
    value.apply_merge().unwrap();
    value
}

/// Every dashboard with its name.
fn dashboards() -> Vec<(String, serde_json::Value)> {
    let folder = docker().join("grafana/dashboards");
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    all.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
    all
}

/// Every query of every dashboard, with where it stands.
fn queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, dashboard) in dashboards() {
        let annotations = dashboard["annotations"]["list"].as_array().unwrap();
        for annotation in annotations {
            let expr = annotation["expr"].as_str().unwrap().to_owned();
            all.push((format!("{name}: annotation {}", annotation["name"]), expr));
        }
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap().to_owned();
                all.push((format!("{name}: {}", panel["title"]), expr));
            }
        }
    }
    all
}

/// The rules of Prometheus.
fn rules() -> Vec<Value> {
    let file = yaml("prometheus/rules.yml");
    let groups = file["groups"].as_sequence().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_sequence().unwrap().clone())
        .collect()
}
