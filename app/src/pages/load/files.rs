//! Files of the page: those that wait for their turn, and the rules that are kept.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use retail_engine::clean::Rules;

use crate::pages::Cx;

/// Files that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    files: VecDeque<PathBuf>,
    onward: Onward,
    pass: Option<u64>,
}

/// What happens with those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Onward {
    /// A person looks at each.
    #[default]
    Ask,
    /// Each is loaded when the one before is closed.
    Load,
}

impl Waiting {
    /// Whether a file was opened in this frame before; remembers that one was now.
    pub(super) fn came_with(&mut self, pass: u64) -> bool {
        self.pass.replace(pass) == Some(pass)
    }

    pub(super) fn push(&mut self, file: PathBuf) {
        if !self.files.contains(&file) {
            self.files.push_back(file);
        }
    }

    pub(super) fn next(&mut self) -> Option<PathBuf> {
        self.files.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Names of those that wait, without their folders.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self
            .files
            .iter()
            .map(|file| file.file_name().unwrap_or_default().to_string_lossy())
            .collect();
        names.join(", ")
    }

    pub(super) fn load_all(&mut self) {
        self.onward = Onward::Load;
    }

    pub(super) fn ask_again(&mut self) {
        self.onward = Onward::Ask;
    }

    pub(super) fn loads_all(&self) -> bool {
        self.onward == Onward::Load
    }
}

fn rules_file(data_dir: &Path) -> PathBuf {
    data_dir.join("rules.toml")
}

/// The rules of the data directory, or those built in.
pub(super) fn rules(cx: &mut Cx<'_>) -> Rules {
    let path = rules_file(&cx.settings.data_dir);
    let read = if path.exists() {
        Rules::load(&path)
    } else {
        Rules::builtin()
    };
    read.unwrap_or_else(|error| {
        cx.notices
            .push(error.to_string(), Some(error.remedy().to_owned()));
        builtin()
    })
}

/// The rules that are built in.
pub(super) fn builtin() -> Rules {
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program, and a test reads it"
    )]
    Rules::builtin().expect("the built-in rules can be read")
}

/// Keeps the rules for the files that follow.
pub(super) fn keep_rules(rules: &Rules, cx: &mut Cx<'_>) {
    save(rules, &rules_file(&cx.settings.data_dir), cx);
}

/// The rules of a load under a name that stays, for a script; `None` for those built in.
pub(super) fn rules_of_load(rules: &Rules, cx: &mut Cx<'_>) -> Option<PathBuf> {
    if rules.in_force() == builtin().in_force() {
        return None;
    }
    let name = format!("rules-v{}.toml", rules.version());
    let path = cx.settings.data_dir.join(name);
    save(rules, &path, cx);
    Some(path)
}

fn save(rules: &Rules, path: &Path, cx: &mut Cx<'_>) {
    if let Err(error) = rules.save(path) {
        cx.notices
            .push(error.to_string(), Some(error.remedy().to_owned()));
    }
}
