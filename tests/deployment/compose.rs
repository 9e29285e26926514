//! The compose file and what goes with it: nothing open, nothing floating, nothing secret.
//!
//! Each rule is a function from a file to its faults, so that a test can show it a bad file.

use std::collections::BTreeSet;

use retail_engine::config::{Settings, Sources};
use retail_engine::model::{Dc, Region};
use serde_yaml_ng::{Mapping, Value};

use crate::{text, yaml};

/// What a laptop of 16 GiB can give away while a browser and a compiler run.
const MEMORY_MAX_MIB: u64 = 10 * 1024;

type Rule = fn(&str, &Mapping) -> Vec<String>;

const RULES: &[Rule] = &[
    ports_are_of_this_machine,
    images_do_not_float,
    secrets_are_not_written_down,
    health_is_checked,
    limits_are_set,
    privileges_are_dropped,
    waits_for_health,
];

fn services(compose: &Value) -> Vec<(String, Mapping)> {
    let services = compose["services"].as_mapping().unwrap();
    services
        .iter()
        .map(|(name, service)| {
            let name = name.as_str().unwrap().to_owned();
            (name, service.as_mapping().unwrap().clone())
        })
        .collect()
}

fn faults(compose: &Value) -> Vec<String> {
    services(compose)
        .iter()
        .flat_map(|(name, service)| {
            let told = RULES.iter().flat_map(|rule| rule(name, service));
            told.map(|fault| format!("{name}: {fault}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn texts(service: &Mapping, key: &str) -> Vec<String> {
    let items = service.get(key).and_then(Value::as_sequence);
    items
        .into_iter()
        .flatten()
        .map(|item| serde_yaml_ng::to_string(item).unwrap().trim().to_owned())
        .map(|item| item.trim_matches(['\'', '"']).to_owned())
        .collect()
}

fn ports_are_of_this_machine(_: &str, service: &Mapping) -> Vec<String> {
    let mut faults: Vec<_> = texts(service, "ports")
        .into_iter()
        .filter(|port| !port.starts_with("127.0.0.1:"))
        .map(|port| format!("port {port} is open to other machines"))
        .collect();
    if service.get("network_mode").and_then(Value::as_str) == Some("host") {
        faults.push("it has the network of the machine".to_owned());
    }
    faults
}

/// Whether an image is of one version for ever, as far as a tag can say so.
fn is_fixed(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    let Some((_, tag)) = name.split_once(':') else {
        return false;
    };
    // A full version, or the date of a distribution's image.
    let version = tag.trim_start_matches('v').split('-').next().unwrap();
    let is_version = version.split('.').count() == 3
        && version.split('.').all(|part| part.parse::<u32>().is_ok());
    let is_date = tag
        .split('-')
        .any(|part| part.len() == 8 && part.starts_with("20") && part.parse::<u32>().is_ok());
    is_version || is_date
}

fn images_do_not_float(_: &str, service: &Mapping) -> Vec<String> {
    match service.get("image").and_then(Value::as_str) {
        Some(image) if is_fixed(image) => Vec::new(),
        Some(image) => vec![format!("image {image} is of no fixed version")],
        None => vec!["it names no image".to_owned()],
    }
}

fn is_secret(name: &str) -> bool {
    // Whole words: a number of tokens is none.
    let words = ["PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIALS"];
    let name = name.to_ascii_uppercase();
    name.split('_').any(|word| words.contains(&word))
}

/// Whether a value is taken from elsewhere and must be there.
fn is_required_variable(value: &str) -> bool {
    value.starts_with("${") && value.contains(":?") && value.ends_with('}')
}

fn secrets_are_not_written_down(_: &str, service: &Mapping) -> Vec<String> {
    let Some(environment) = service.get("environment") else {
        return Vec::new();
    };
    let pairs: Vec<(String, String)> = match environment {
        Value::Mapping(map) => map
            .iter()
            .map(|(name, value)| {
                let value = serde_yaml_ng::to_string(value).unwrap();
                let value = value.trim().trim_matches(['\'', '"']).to_owned();
                (name.as_str().unwrap().to_owned(), value)
            })
            .collect(),
        Value::Sequence(items) => items
            .iter()
            .filter_map(|item| item.as_str()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        other => panic!("an environment of another shape: {other:?}"),
    };
    pairs
        .into_iter()
        .filter(|(name, value)| is_secret(name) && !is_required_variable(value))
        .map(|(name, _)| format!("{name} is a secret and is not a required variable"))
        .collect()
}

/// What ends by itself has no health: its exit code says it.
fn ends_by_itself(service: &Mapping) -> bool {
    service.get("restart").and_then(Value::as_str) == Some("no")
}

fn health_is_checked(_: &str, service: &Mapping) -> Vec<String> {
    if ends_by_itself(service) {
        return Vec::new();
    }
    let check = service.get("healthcheck").and_then(Value::as_mapping);
    let is_complete = check.is_some_and(|check| {
        ["test", "interval", "timeout", "retries"]
            .iter()
            .all(|key| check.contains_key(*key))
    });
    if is_complete {
        return Vec::new();
    }
    vec!["its health is not checked".to_owned()]
}

fn limits_are_set(_: &str, service: &Mapping) -> Vec<String> {
    ["mem_limit", "cpus", "pids_limit"]
        .into_iter()
        .filter(|limit| !service.contains_key(*limit))
        .map(|limit| format!("it has no {limit}"))
        .collect()
}

fn privileges_are_dropped(_: &str, service: &Mapping) -> Vec<String> {
    let mut faults = Vec::new();
    if texts(service, "cap_drop") != ["ALL"] || service.contains_key("cap_add") {
        faults.push("it keeps capabilities".to_owned());
    }
    if !texts(service, "security_opt").contains(&"no-new-privileges:true".to_owned()) {
        faults.push("it can gain privileges".to_owned());
    }
    if service.get("privileged").is_some() {
        faults.push("it is privileged".to_owned());
    }
    let mounts = texts(service, "volumes");
    if mounts.iter().any(|mount| mount.contains("docker.sock")) {
        faults.push("it holds Docker itself".to_owned());
    }
    faults
}

fn waits_for_health(_: &str, service: &Mapping) -> Vec<String> {
    let Some(before) = service.get("depends_on") else {
        return Vec::new();
    };
    let Some(before) = before.as_mapping() else {
        return vec!["it waits for containers and not for their health".to_owned()];
    };
    before
        .iter()
        .filter(|(_, wait)| {
            let condition = wait["condition"].as_str();
            condition != Some("service_healthy")
                && condition != Some("service_completed_successfully")
        })
        .map(|(name, _)| format!("it does not wait for the health of {name:?}"))
        .collect()
}

#[test]
fn the_compose_file_keeps_every_rule() {
    let compose = yaml("compose.yml");
    let faults = faults(&compose);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn each_rule_is_seen_to_fail() {
    const GOOD: &str = "
image: a/b:1.2.3
ports: ['127.0.0.1:80:80']
environment: {A_PASSWORD: '${A_PASSWORD:?set it}'}
healthcheck: {test: [CMD, a], interval: 1s, timeout: 1s, retries: 3}
mem_limit: 1g
cpus: 1
pids_limit: 10
cap_drop: [ALL]
security_opt: ['no-new-privileges:true']
depends_on: {b: {condition: service_healthy}}
";
    let faults_of = |text: &str| {
        let service: Mapping = serde_yaml_ng::from_str(text).unwrap();
        let told = RULES.iter().flat_map(|rule| rule("a", &service));
        told.collect::<Vec<_>>()
    };
    assert_eq!(faults_of(GOOD), Vec::<String>::new());
    for (good, bad, told) in [
        ("127.0.0.1:80:80", "80:80", "port 80:80 is open"),
        ("127.0.0.1:80:80", "0.0.0.0:80:80", "is open"),
        ("b:1.2.3", "b:latest", "no fixed version"),
        ("b:1.2.3", "b:1", "no fixed version"),
        ("b:1.2.3", "b", "no fixed version"),
        ("${A_PASSWORD:?set it}", "admin", "A_PASSWORD is a secret"),
        (
            "${A_PASSWORD:?set it}",
            "${A_PASSWORD:-admin}",
            "A_PASSWORD is a secret",
        ),
        ("retries: 3", "start_period: 3s", "health is not checked"),
        ("mem_limit: 1g", "restart: always", "no mem_limit"),
        ("cpus: 1", "restart: always", "no cpus"),
        (
            "cap_drop: [ALL]",
            "cap_drop: [NET_RAW]",
            "keeps capabilities",
        ),
        (
            "cap_drop: [ALL]",
            "cap_drop: [ALL]\nprivileged: true",
            "is privileged",
        ),
        (
            "no-new-privileges:true",
            "label:disable",
            "can gain privileges",
        ),
        (
            "cpus: 1",
            "cpus: 1\nvolumes: ['/var/run/docker.sock:/s']",
            "holds Docker",
        ),
        ("service_healthy", "service_started", "does not wait"),
    ] {
        let faults = faults_of(&GOOD.replace(good, bad));
        assert_eq!(faults.len(), 1, "{bad}: {faults:?}");
        assert!(faults[0].contains(told), "{}", faults[0]);
    }
}

#[test]
fn the_ports_are_those_that_newcomers_know() {
    let compose = yaml("compose.yml");
    let mut ports = BTreeSet::new();
    for (name, service) in services(&compose) {
        for port in texts(&service, "ports") {
            let host: u16 = port.split(':').nth(1).unwrap().parse().unwrap();
            assert!(ports.insert(host), "{name}: {host} is published twice");
        }
    }
    let expected = [3000, 8080, 9042, 9043, 9044, 9090, 9092, 9093];
    assert_eq!(ports, BTreeSet::from(expected));
}

#[test]
fn what_starts_by_itself_fits_into_a_laptop() {
    let compose = yaml("compose.yml");
    let mebibytes = |limit: &str| -> u64 {
        match limit.split_at(limit.len() - 1) {
            (count, "g") => count.parse::<u64>().unwrap() * 1024,
            (count, "m") => count.parse().unwrap(),
            _ => panic!("a limit in another unit: {limit}"),
        }
    };
    let sum: u64 = services(&compose)
        .iter()
        .filter(|(name, _)| name != "setup" && name != "produce")
        .map(|(_, service)| mebibytes(service["mem_limit"].as_str().unwrap()))
        .sum();
    assert!(sum <= MEMORY_MAX_MIB, "{sum} MiB");
}

#[test]
fn the_images_of_the_build_do_not_float_and_have_the_toolchain() {
    let file = text("Dockerfile");
    let images: Vec<_> = file
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
        .map(|rest| rest.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(images.len(), 2, "{images:?}");
    assert!(images.iter().all(|image| is_fixed(image)), "{images:?}");
    let toolchain = std::fs::read_to_string(retail_tests::root().join("rust-toolchain.toml"));
    let toolchain = toolchain.unwrap();
    let version = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    assert!(
        images[0].starts_with(&format!("rust:{version}-")),
        "{images:?}"
    );
    assert!(file.contains("\nUSER 65532:65532\n"), "it runs as root");
    let ours = format!("retail-engine:{}", env!("CARGO_PKG_VERSION"));
    assert!(text("compose.yml").contains(&format!("image: {ours}\n")));
}

#[test]
fn the_example_of_variables_has_no_secret_in_it() {
    for line in text(".env.example").lines() {
        let Some((name, value)) = line.trim_start_matches("# ").split_once('=') else {
            continue;
        };
        if is_secret(name) {
            assert!(value.is_empty(), "{name} has a value");
        }
    }
    let ignored = std::fs::read_to_string(retail_tests::root().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == ".env"));
}

/// The settings of a profile, with nothing else around it.
fn profile(name: &str) -> Settings {
    let dir = tempfile::tempdir().unwrap();
    let sources = Sources {
        profile: Some(name.to_owned()),
        working_dir: dir.path().to_path_buf(),
        env: [("RETAIL_DATA_DIR", dir.path().to_str().unwrap())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Sources::default()
    };
    sources.load().unwrap().settings
}

#[test]
fn profile_docker_and_the_compose_file_agree() {
    let compose = yaml("compose.yml");
    let services = services(&compose);
    let of = |name: &str| {
        let found = services.iter().find(|(known, _)| known == name);
        found.map(|(_, service)| service.clone())
    };
    let published = |service: &Mapping| {
        let port = texts(service, "ports")[0].clone();
        port.rsplit_once(':').unwrap().0.to_owned()
    };
    let settings = profile("docker");
    let brokers = [published(&of("kafka").unwrap())];
    assert_eq!(settings.live.kafka_bootstrap_servers, brokers);
    let nodes: Vec<_> = Dc::ALL
        .map(|dc| {
            let name = format!("cassandra-{}", dc.region().slug());
            let service = of(&name).unwrap();
            assert_eq!(service["environment"]["CASSANDRA_DC"], dc.name());
            published(&service)
        })
        .into();
    assert_eq!(settings.live.cassandra_contact_points, nodes);
    let addresses: Vec<_> = Dc::ALL
        .map(|dc| {
            let name = format!("cassandra-{}", dc.region().slug());
            let service = of(&name).unwrap();
            let inside = service["networks"]["retail"]["ipv4_address"].as_str();
            format!("{}:9042={}", inside.unwrap(), published(&service))
        })
        .into();
    assert_eq!(settings.live.cassandra_addresses, addresses);
    let lab = &settings.lab;
    for command in [&lab.dc_down, &lab.dc_up, &lab.dc_pause, &lab.dc_resume] {
        for region in Region::ALL {
            let command = command.replace("{region}", region.slug());
            let name = command.rsplit(' ').next().unwrap();
            assert!(of(name).is_some(), "{command}");
            assert!(command.starts_with("docker compose -f docker/compose.yml "));
        }
    }
    for command in [&lab.broker_down, &lab.broker_up] {
        assert!(command.ends_with(" kafka"), "{command}");
    }
}

#[test]
fn engines_in_containers_are_given_settings_that_there_are() {
    let compose = yaml("compose.yml");
    let mut seen = 0;
    for (name, service) in services(&compose) {
        let image = service["image"].as_str().unwrap();
        if !image.starts_with("retail-engine:") {
            continue;
        }
        let environment = service["environment"].as_mapping().unwrap();
        let env = environment.iter().map(|(name, value)| {
            let value = serde_yaml_ng::to_string(value).unwrap();
            let value = value.trim().trim_matches(['\'', '"']).to_owned();
            (name.as_str().unwrap().to_owned(), value)
        });
        let sources = Sources {
            env: env.collect(),
            working_dir: crate::docker().join("no-such-folder"),
            ..Sources::default()
        };
        let settings = sources
            .load()
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .settings;
        assert!(settings.monitoring.address.is_unspecified(), "{name}");
        assert_eq!(settings.live.cassandra_contact_points.len(), 3, "{name}");
        // Only where things are found and kept, and what is told, differs inside.
        let outside = profile("docker");
        assert_eq!(settings.mode, outside.mode, "{name}");
        assert_eq!(settings.log, outside.log, "{name}");
        assert_eq!(settings.flow, outside.flow, "{name}");
        assert_eq!(settings.store, outside.store, "{name}");
        assert_eq!(settings.failover, outside.failover, "{name}");
        assert_eq!(settings.analytics, outside.analytics, "{name}");
        assert_eq!(settings.alerts, outside.alerts, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn every_engine_that_serves_metrics_is_scraped() {
    let compose = yaml("compose.yml");
    let serving: BTreeSet<_> = services(&compose)
        .into_iter()
        .filter(|(_, service)| {
            let port = service
                .get("environment")
                .and_then(|environment| environment.get("MONITORING_PORT")?.as_str());
            port.is_some_and(|port| port != "0")
        })
        .map(|(name, _)| name)
        .collect();
    let prometheus = yaml("prometheus/prometheus.yml");
    let jobs = prometheus["scrape_configs"].as_sequence().unwrap();
    let found: BTreeSet<_> = jobs
        .iter()
        .filter_map(|job| job.get("dns_sd_configs")?.as_sequence())
        .flatten()
        .flat_map(|config| config["names"].as_sequence().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(serving, found);
    // A container of `compose run` has no name that resolves unless it is asked for.
    for line in ["README.md", "compose.yml"].map(text).join("\n").lines() {
        let runs = line.contains("compose.yml run ");
        assert!(!runs || line.contains(" --use-aliases "), "{line}");
    }
}

#[test]
fn every_topic_is_consumed_until_its_container_is_ended() {
    let compose = yaml("compose.yml");
    let mut consumed = BTreeSet::new();
    for (name, service) in services(&compose) {
        let command = texts(&service, "command");
        if !["consume", "analytics"].contains(&command.first().map_or("", String::as_str)) {
            continue;
        }
        assert!(command.contains(&"--follow".to_owned()), "{name}");
        consumed.insert(command[1..command.len() - 1].join(" "));
    }
    let regions = Region::ALL.map(|region| format!("--region {}", region.slug()));
    // Without an option of its own: the analytics.
    let others = ["--quarantine", ""].map(ToOwned::to_owned);
    assert_eq!(consumed, regions.into_iter().chain(others).collect());
}
