//! Rules over the source tree that neither the compiler nor a lint can check: which part may
//! name which, how long a file may be, what must not be written anywhere.
//!
//! Each rule is a function from a file to its faults, so that a test can show it a bad file.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file reads in one sitting; past this it tells more than one story.
const LINES_MAX: usize = 700;

/// Entries of the top folder, besides dotfiles.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "app",
    "assets",
    "deny.toml",
    "docker",
    "engine",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
];

/// What each part of the engine may import from the others. A part that is not here may import
/// anything below it; these are the ones whose purity the design rests on.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("route", &["model"]),
    ("clean", &["model", "route"]),
    ("intake", &["model", "codec", "route", "clean"]),
    // These use the words of the ports - timestamps, rows, outcomes, states, faults - and call
    // none of them.
    ("codec", &["model", "ports"]),
    ("analytics", &["model", "route", "ports"]),
    ("failover", &["model", "ports"]),
    ("watch", &["model", "ports", "failover"]),
    ("replay", &["model", "ports"]),
    ("ports", &["model", "codec"]),
    ("embedded", &["model", "codec", "ports"]),
    // Its faults act through the lab, and its probes report to the connection test.
    (
        "live",
        &["model", "codec", "ports", "config", "lab", "connect"],
    ),
    ("connect", &["model", "config", "live", "ports"]),
    ("config", &["model"]),
    // It runs servers and knows nothing of what is stored in them.
    ("lab", &["model"]),
    ("telemetry", &["model", "ports", "config", "watch"]),
];

/// A file of the tree.
struct File {
    /// Path from the top, with `/`.
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }

    /// The part of the engine it belongs to: the folder or file under `engine/src`.
    fn part(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("engine/src/")?;
        let part = rest.split('/').next()?;
        Some(part.strip_suffix(".rs").unwrap_or(part))
    }

    /// Its lines with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
    }

    /// The lines above the first test module: tests may import what they need.
    fn code_without_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test_file = self.path.ends_with("tests.rs")
            || self.path.ends_with("contract.rs")
            || self.path.contains("/tests/");
        self.code()
            .take_while(move |(_, line)| !is_test_file && line.trim() != "#[cfg(test)]")
    }

    fn fault(&self, line: usize, rule: &str) -> String {
        format!("{}:{line}: {rule}", self.path)
    }
}

/// The parts of the engine that a line of code names.
fn parts_named(line: &str) -> impl Iterator<Item = &str> {
    ["crate::", "retail_engine::"]
        .into_iter()
        .flat_map(move |root| line.split(root).skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        })
        .filter(|part| !part.is_empty())
}

fn arrows(file: &File) -> Vec<String> {
    let Some(part) = file.part().filter(|_| file.is_rust()) else {
        return Vec::new();
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == part) else {
        return Vec::new();
    };
    file.code_without_tests()
        .flat_map(|(at, line)| parts_named(line).map(move |named| (at, named)))
        .filter(|(_, named)| *named != part && !allowed.contains(named))
        .map(|(at, named)| {
            let allowed = if allowed.is_empty() {
                "nothing of ours".to_owned()
            } else {
                allowed.join(", ")
            };
            file.fault(
                at,
                &format!("`{part}` may import {allowed}, and this names `{named}`"),
            )
        })
        .collect()
}

fn no_window_in_the_engine(file: &File) -> Vec<String> {
    // In two pieces, so that this file does not name it either.
    let window = concat!("eg", "ui");
    if !file.path.starts_with("engine/") || file.extension() == Some("md") {
        return Vec::new();
    }
    file.code()
        .filter(|(_, line)| line.contains(window))
        .map(|(at, _)| file.fault(at, "the engine never names the window's library"))
        .collect()
}

fn length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= LINES_MAX {
        return Vec::new();
    }
    let rule = format!("{lines} lines; over {LINES_MAX} a file is split by idea");
    vec![file.fault(lines, &rule)]
}

fn begins_with_docs(file: &File) -> Vec<String> {
    let is_test_file = file.path.ends_with("tests.rs");
    if !file.is_rust() || is_test_file || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![file.fault(
        1,
        "a module begins with `//!`: what it is, and what it is not",
    )]
}

fn words(file: &File) -> Vec<String> {
    // In pieces, so that this file passes its own rule.
    let unfinished = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let machines = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let registries = [
        concat!("crates", ".io/api"),
        concat!("static.", "crates"),
        concat!("index.", "crates"),
        concat!("py", "pi.org"),
        concat!("maven", ".org"),
        concat!("deb.", "debian"),
        concat!("registry.", "npmjs"),
        concat!("proxy.", "golang"),
    ];
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        if unfinished.iter().any(|word| line.contains(word)) {
            faults.push(file.fault(at + 1, "what is unfinished is finished or left out"));
        }
        if machines.iter().any(|path| names_path(line, path)) {
            faults.push(file.fault(at + 1, "an absolute path belongs to one machine"));
        }
        if registries.iter().any(|host| line.contains(host)) {
            faults.push(file.fault(at + 1, "registries are the business of each machine"));
        }
    }
    faults
}

/// Whether a line holds `path` where a path begins, and not inside a longer one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"_.-$}~".contains(c))
    })
}

fn in_a_known_place(file: &File) -> Vec<String> {
    let top = file.path.split('/').next().unwrap_or_default();
    if top.starts_with('.') || TOP.contains(&top) {
        return Vec::new();
    }
    let rule = format!("the top folder holds {} and dotfiles only", TOP.join(", "));
    vec![file.fault(1, &rule)]
}

const RULES: &[fn(&File) -> Vec<String>] = &[
    arrows,
    no_window_in_the_engine,
    length,
    begins_with_docs,
    words,
    in_a_known_place,
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text files of the tree: those that git keeps or would keep.
fn tree() -> Vec<File> {
    let listed = Command::new("git")
        .args([
            // The tree may belong to another account than the one that tests it.
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(top())
        .output()
        .expect("git lists the tree");
    assert!(listed.status.success(), "git lists the tree");
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed
        .split('\0')
        .filter(|path| !path.is_empty() && *path != "Cargo.lock" && is_text(path))
        .filter_map(|path| {
            // A file that was removed and not committed yet is listed and not there.
            let text = fs::read_to_string(top().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
}

fn is_text(path: &str) -> bool {
    let data = ["csv", "gz", "png", "ttf", "svg", "snap"];
    Path::new(path)
        .extension()
        .and_then(|e| e.to_str())
        .is_none_or(|extension| !data.contains(&extension))
}

#[test]
fn the_tree_keeps_every_rule() {
    let files = tree();
    assert!(files.len() > 40, "only {} files were found", files.len());
    let faults: Vec<String> = files
        .iter()
        .flat_map(|file| RULES.iter().flat_map(move |rule| rule(file)))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_part_of_the_engine_with_a_rule_is_there() {
    let src = top().join("engine/src");
    for (part, allowed) in ARROWS {
        // A part of one file, or one that comes with a later module, is checked when it is there.
        if *part == "replay" {
            continue;
        }
        let file = src.join(format!("{part}.rs"));
        let is_there = src.join(part).is_dir() || file.is_file();
        assert!(is_there, "no part is called {part}");
        for name in *allowed {
            assert!(
                ARROWS.iter().any(|(known, _)| known == name),
                "{part} imports {name}"
            );
        }
    }
}

#[test]
fn each_rule_is_seen_to_fail() {
    let long = "//! x\n".repeat(LINES_MAX + 1);
    let window = format!("//! x\nuse {}ui::Ui;\n", "eg");
    let unfinished = format!("//! x\n// {}DO later\n", "TO");
    let machine = format!("open(\"/{}/x\")", "home");
    let registry = format!("https://{}.org/x", "pypi");
    for (rule, path, text, expect) in [
        (
            arrows as fn(&File) -> Vec<String>,
            "engine/src/model/a.rs",
            "//! x\nuse crate::ports::Log;\n",
            "engine/src/model/a.rs:2: `model` may import nothing of ours, and this names `ports`",
        ),
        (
            arrows,
            "engine/src/embedded/log/a.rs",
            "use crate::flow::Load;",
            "`embedded` may import model, codec, ports, and this names `flow`",
        ),
        (
            no_window_in_the_engine,
            "engine/src/flow/a.rs",
            &window,
            ":2: the engine never",
        ),
        (length, "engine/src/flow/a.rs", &long, "701 lines"),
        (
            begins_with_docs,
            "tests/src/a.rs",
            "fn f() {}",
            ":1: a module begins",
        ),
        (words, "README.md", &unfinished, ":2: what is unfinished"),
        (words, "app/a.rs", &machine, ":1: an absolute path"),
        (words, ".ci/run", &registry, ":1: registries"),
        (in_a_known_place, "notes.txt", "", "the top folder holds"),
    ] {
        let faults = rule(&File::new(path, text));
        assert_eq!(faults.len(), 1, "{path}: {faults:?}");
        assert!(faults[0].contains(expect), "{}", faults[0]);
    }
}

#[test]
fn what_keeps_the_rules_is_not_blamed() {
    for (path, text) in [
        (
            "engine/src/model/a.rs",
            "//! See crate::flow.\nuse crate::model::Line;\n#[cfg(test)]\nmod tests { use crate::flow::X; }\n",
        ),
        ("engine/src/flow/a.rs", "//! x\nuse crate::embedded::Log;\n"),
        (
            "docker/a.yml",
            "path: $HOME/work/x and ../home/x and ./root/y\n",
        ),
        (".gitignore", "/target\n"),
    ] {
        let file = File::new(path, text);
        let faults: Vec<_> = RULES.iter().flat_map(|rule| rule(&file)).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}
