//! Rules, queries and configuration as Prometheus itself takes them.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::{PATIENCE, Served, free_port, get, try_get};
use crate::{docker, queries};

/// Runs promtool on files of the deployment.
fn promtool(args: &[&str]) {
    let output = Command::new("promtool")
        .args(args)
        .current_dir(docker().join("prometheus"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "promtool {args:?}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "needs promtool (Debian: apt-get install prometheus)"]
fn every_rule_fires_and_does_not_fire_as_it_should() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "rules.yml"]);
    promtool(&["test", "rules", "rules_test.yml"]);
    // Every alert is in the test, so that a rule that nobody tried is a failure.
    let tests = crate::text("prometheus/rules_test.yml");
    for rule in crate::rules() {
        if let Some(name) = rule["alert"].as_str() {
            let is_tested = tests.contains(&format!("alertname: {name}\n"));
            assert!(is_tested, "{name} is not tested");
        }
    }
}

/// A Prometheus that ends with the test.
struct Running {
    child: Child,
    port: u16,
}

impl Running {
    fn start(dir: &std::path::Path, engine: u16) -> Self {
        let port = free_port();
        // Scraped often, so that rates over a minute have their points soon.
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [\"{rules}\"]\n\
             scrape_configs:\n  - job_name: retail\n    static_configs:\n      \
             - targets: ['127.0.0.1:{engine}']\n",
            rules = docker().join("prometheus/rules.yml").display(),
        );
        let path = dir.join("prometheus.yml");
        fs::write(&path, config).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("prometheus.log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// The series of a query at this moment.
    fn query(&self, expression: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", percent(expression));
        let answer = get(self.port, &path);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Waits for a condition that another process brings about.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs prometheus (Debian: apt-get install prometheus)"]
fn every_query_of_every_dashboard_returns_data_from_a_running_engine() {
    let engine = Served::open();
    let dir = tempfile::tempdir().unwrap();
    let prometheus = Running::start(dir.path(), engine.port());
    until("Prometheus", || {
        try_get(prometheus.port, "/-/ready").is_ok_and(|body| body.contains("Ready"))
    });
    let scraped = || prometheus.query("count_over_time(retail_sampled_timestamp_seconds[1m])");
    let points = |series: Vec<Value>| -> u64 {
        let first = series.first().map(|one| one["value"][1].clone());
        let count = first.and_then(|count| count.as_str()?.parse().ok());
        count.unwrap_or(0)
    };
    // Counters must be seen before they move and after, or no rate sees it.
    until("a first scrape", || points(scraped()) >= 2);
    engine.load();
    engine.wait_measured();
    let seen = points(scraped());
    until("two more scrapes", || points(scraped()) >= seen + 2);
    let mut empty = Vec::new();
    for (place, expression) in queries() {
        // What marks failovers is empty while there is none.
        if !place.contains("annotation") && prometheus.query(&expression).is_empty() {
            empty.push(format!("{place}: {expression}"));
        }
    }
    assert!(empty.is_empty(), "no data for\n{}\n", empty.join("\n"));
    // And nothing is wrong with an engine that has loaded a good file.
    let firing = prometheus.query("ALERTS{alertstate=\"firing\", alertname!=\"RetailDisk\"}");
    assert!(firing.is_empty(), "{firing:?}");
}
