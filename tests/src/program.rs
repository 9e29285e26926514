//! The headless program as a process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The program, built in the profile of the caller.
pub fn path() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

/// Makes cargo build it as `cargo test --workspace` or `cargo build --release --workspace` does: with
/// all members selected, dependencies have the features of those commands, and nothing is compiled
/// twice. The test named here is one that needs the program.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let args: &[&str] = if cfg!(debug_assertions) {
        &[
            "test",
            "--quiet",
            "--workspace",
            "--test",
            "program",
            "--no-run",
        ]
    } else {
        &[
            "build",
            "--quiet",
            "--release",
            "--workspace",
            "--bin",
            "retail-engine",
        ]
    };
    cargo.current_dir(crate::root()).args(args);
    ensure!(cargo.status()?.success(), "building retail-engine failed");
    // This program lies in the same folder, or in `deps` below it.
    let here = std::env::current_exe()?;
    here.ancestors()
        .map(|folder| folder.join("retail-engine"))
        .find(|candidate| candidate.is_file())
        .context("retail-engine is not beside this program")
}

/// A command line of the program over a data directory, without the monitoring port.
pub fn command(data_dir: &Path, args: &[&str]) -> Result<Command> {
    let mut command = Command::new(path()?);
    command
        .args(args)
        .arg("--data-dir")
        .arg(data_dir)
        .env("MONITORING_PORT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// Runs the program to its end.
pub fn run(data_dir: &Path, args: &[&str]) -> Result<Output> {
    Ok(command(data_dir, args)?.output()?)
}

/// Starts the program.
pub fn start(data_dir: &Path, args: &[&str]) -> Result<Child> {
    Ok(command(data_dir, args)?.spawn()?)
}

/// Runs the program with `--json`, expects exit code 0, and reads the object that it ends with.
pub fn json(data_dir: &Path, args: &[&str]) -> Result<Value> {
    let (code, value) = json_and_code(data_dir, args)?;
    ensure!(code == 0, "{args:?} ended with {code}: {value}");
    Ok(value)
}

/// Runs the program with `--json`; its exit code and the object that it ends with.
pub fn json_and_code(data_dir: &Path, args: &[&str]) -> Result<(i32, Value)> {
    let mut all = args.to_vec();
    all.push("--json");
    let output = run(data_dir, &all)?;
    let code = output.status.code().context("the program was killed")?;
    match serde_json::from_slice(&output.stdout) {
        Ok(value) => Ok((code, value)),
        Err(error) => bail!(
            "{args:?} ended with {code} and no JSON ({error}): {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        ),
    }
}
