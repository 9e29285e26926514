//! Programs of other people: found, run to their end, and quoted when they fail.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::LabError;

/// As much of a log as is worth quoting.
const TAIL_LINES: usize = 25;
/// A line of a log is seldom longer than a fortieth of this.
const TAIL_BYTES: u64 = 16 * 1024;
/// The Java that both servers run on.
const JAVA_VERSION: u32 = 17;

/// A program that comes with Java: that of `JAVA_HOME`, or of the path.
pub(super) fn java_tool(name: &str) -> PathBuf {
    std::env::var_os("JAVA_HOME")
        .filter(|home| !home.is_empty())
        .map_or_else(
            || PathBuf::from(name),
            |home| Path::new(&home).join("bin").join(name),
        )
}

/// Between two looks at a program that can be given up.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The programs of other people that a lab runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// `java`, of version 17.
    pub java: PathBuf,
    /// `mvn`, which fetches the servers the first time.
    pub maven: PathBuf,
}

impl Default for Programs {
    /// The `java` of `JAVA_HOME` or of the path, and the `mvn` of the path.
    fn default() -> Self {
        Self {
            java: java_tool("java"),
            maven: PathBuf::from("mvn"),
        }
    }
}

/// Refuses a machine without the Java that the servers need; its version.
pub(super) fn check_java(java: &Path) -> Result<String, LabError> {
    let mut command = Command::new(java);
    command.arg("-version");
    let output = run(&mut command, "java", "openjdk-17-jre-headless")?;
    let found = java_version(&output.text).unwrap_or("unknown").to_owned();
    let major = found.split('.').next().and_then(|major| major.parse().ok());
    // Cassandra 5.0 does not start on later ones: they have no security manager.
    if major == Some(JAVA_VERSION) {
        return Ok(found);
    }
    Err(LabError::Java { found })
}

/// Refuses a machine without Maven; what it says of itself.
pub(super) fn check_maven(maven: &Path) -> Result<String, LabError> {
    let mut command = Command::new(maven);
    command.arg("--version");
    let output = run(&mut command, "mvn", "maven")?;
    let said = output.text.lines().next().unwrap_or_default();
    Ok(said.to_owned())
}

/// The version in what `java -version` prints: `openjdk version "17.0.12" 2024-07-16`.
fn java_version(text: &str) -> Option<&str> {
    text.lines()
        .find(|line| line.contains(" version "))?
        .split('"')
        .nth(1)
}

/// What a program said and how it ended.
pub(super) struct Ran {
    /// Whether it ended with 0.
    pub(super) succeeded: bool,
    /// Its standard output and error.
    pub(super) text: String,
}

impl Ran {
    /// The end of what it said.
    pub(super) fn tail(&self) -> String {
        last_lines(&self.text, TAIL_LINES)
    }
}

/// Runs a program to its end. Its input is empty.
pub(super) fn run(
    command: &mut Command,
    program: &'static str,
    package: &'static str,
) -> Result<Ran, LabError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| not_run(source, program, package))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Ran {
        succeeded: output.status.success(),
        text,
    })
}

/// Runs a program to its end, or until it is given up: then it is killed. What it says is kept in
/// `said` meanwhile, so that no pipe fills while nobody reads it.
pub(super) fn run_until(
    command: &mut Command,
    program: &'static str,
    package: &'static str,
    said: &Path,
    given_up: &AtomicBool,
) -> Result<Ran, LabError> {
    let failed = |source| LabError::Run { program, source };
    let out = File::create(said).map_err(failed)?;
    let err = out.try_clone().map_err(failed)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|source| not_run(source, program, package))?;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Ran {
                succeeded: status.success(),
                text: tail_of_file(said, TAIL_LINES),
            });
        }
        if given_up.load(Ordering::Relaxed) {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            return Err(LabError::GivenUp);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Why a program did not begin.
pub(super) fn not_run(source: io::Error, program: &'static str, package: &'static str) -> LabError {
    if source.kind() == io::ErrorKind::NotFound {
        LabError::Missing { program, package }
    } else {
        LabError::Run { program, source }
    }
}

/// `-cp` for a folder of jars with what comes before it.
pub(super) fn class_path(before: Option<&Path>, jars: &Path) -> String {
    let jars = format!("{}/*", jars.display());
    before.map_or_else(
        || jars.clone(),
        |before| format!("{}:{jars}", before.display()),
    )
}

/// An argument file of `java`.
pub(super) fn argument_file(path: &Path) -> String {
    format!("@{}", path.display())
}

/// A system property.
pub(super) fn property(name: &str, value: impl AsRef<OsStr>) -> String {
    format!("-D{name}={}", value.as_ref().to_string_lossy())
}

/// The last lines of a log; what cannot be read is said in its place.
pub(super) fn tail_of_file(path: &Path, lines: usize) -> String {
    match read_end(path) {
        Ok(text) if text.trim().is_empty() => "(it is empty)".to_owned(),
        Ok(text) => last_lines(&text, lines),
        Err(error) => format!("(it cannot be read: {error})"),
    }
}

/// As many lines of a log as an error quotes.
pub(super) fn quoted_tail(path: &Path) -> String {
    tail_of_file(path, TAIL_LINES)
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_java_is_read_from_its_own_words() {
        let text =
            "Picked up _JAVA_OPTIONS: -Xmx1g\nopenjdk version \"17.0.12\" 2024-07-16\nOpenJDK\n";
        assert_eq!(java_version(text), Some("17.0.12"));
        assert_eq!(java_version("java: not found"), None);
    }

    #[test]
    fn the_end_of_a_log_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        assert!(tail_of_file(&path, 2).contains("cannot be read"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(tail_of_file(&path, 2), "(it is empty)");
        std::fs::write(&path, "one\ntwo\nthree\n".repeat(3_000)).unwrap();
        assert_eq!(tail_of_file(&path, 2), "two\nthree");
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        let mut command = Command::new("no-such-program-of-this-name");
        let error = run(&mut command, "mvn", "maven").err().unwrap();
        assert_eq!(error.to_string(), "mvn is not there");
        assert!(error.remedy().contains("apt-get install maven"));
    }
}
