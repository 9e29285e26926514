//! Rules and dashboards speak of metrics that there are, and of the engine's own alerts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use retail_engine::config::Settings;
use retail_engine::watch::alerts::{Rule, Thresholds, rules as engine_rules};

use crate::engine::{PATIENCE, Served};
use crate::{queries, rules};

/// The names of our metrics in an expression.
fn named(expression: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    expression
        .split(|c: char| !is_name(c))
        .filter(|word| word.starts_with("retail_"))
        .map(str::to_owned)
        .collect()
}

/// The names of the metrics in what an engine serves.
fn served(metrics: &str) -> BTreeSet<String> {
    let series = metrics.lines().filter(|line| line.starts_with("retail_"));
    series
        .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_metric_of_rules_and_dashboards_is_one_that_a_running_engine_tells() {
    let mut asked: Vec<(String, String)> = rules()
        .iter()
        .map(|rule| {
            let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap();
            let expr = rule["expr"].as_str().unwrap().to_owned();
            (format!("rule {name}"), expr)
        })
        .collect();
    asked.extend(queries());
    assert!(asked.len() > 40, "only {} expressions", asked.len());
    let all: BTreeSet<String> = asked.iter().flat_map(|(_, e)| named(e)).collect();
    let engine = Served::open();
    engine.load();
    engine.wait_measured();
    // Some take a few samples before they are known.
    let begun = Instant::now();
    let mut served = self::served(&engine.metrics());
    while !all.is_subset(&served) && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
        served = self::served(&engine.metrics());
    }
    for (place, expression) in &asked {
        let names = named(expression);
        let is_recorded = expression.contains("retail:");
        assert!(!names.is_empty() || is_recorded, "{place}: {expression}");
        for name in names {
            assert!(served.contains(&name), "{place}: there is no {name}");
        }
    }
    // What an engine tells is looked at somewhere.
    for name in served {
        let is_part = name.ends_with("_sum") || name.ends_with("_count");
        assert!(is_part || all.contains(&name), "{name} is shown nowhere");
    }
}

#[test]
fn recorded_metrics_are_used_by_name() {
    let recorded: BTreeSet<String> = rules()
        .iter()
        .filter_map(|rule| Some(rule["record"].as_str()?.to_owned()))
        .collect();
    for rule in rules() {
        let expr = rule["expr"].as_str().unwrap().to_owned();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        for word in expr.split(|c: char| !is_name(c)) {
            let is_known = !word.starts_with("retail:") || recorded.contains(word);
            assert!(is_known, "{word} is recorded nowhere");
        }
    }
}

fn seconds(text: &str) -> u64 {
    let (count, unit) = text.split_at(text.len() - 1);
    let count: u64 = count.parse().unwrap();
    match unit {
        "s" => count,
        "m" => count * 60,
        _ => panic!("{text}"),
    }
}

#[test]
fn the_rules_are_those_of_the_engine_itself() {
    let at = Settings::in_dir("").alerts;
    let own: Vec<Rule> = engine_rules(&Thresholds {
        lag_lines: at.lag_lines,
        lag_age: at.lag_age,
        write_errors_per_sec: at.write_errors_per_sec,
        hint_window: at.hint_window_share,
        reject_share: at.reject_share,
        disk_used: at.disk_share,
    });
    let deployed = rules();
    for rule in own {
        let found = deployed
            .iter()
            .find(|other| other["alert"].as_str() == Some(&rule.name))
            .unwrap_or_else(|| panic!("{} is not among the rules", rule.name));
        let expr = found["expr"].as_str().unwrap();
        let threshold: f64 = expr.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(
            (threshold - rule.threshold).abs() < 1e-9,
            "{}: {expr}",
            rule.name
        );
        let lasts = found["for"].as_str().unwrap();
        assert_eq!(seconds(lasts), rule.lasts.as_secs(), "{}", rule.name);
        let severity = found["labels"]["severity"].as_str().unwrap();
        let level = format!("{:?}", rule.level).to_lowercase();
        assert_eq!(severity, level, "{}", rule.name);
    }
    for rule in deployed.iter().filter(|rule| rule["alert"].is_string()) {
        for told in ["summary", "remedy"] {
            assert!(
                rule["annotations"][told].is_string(),
                "{rule:?} has no {told}"
            );
        }
    }
}
