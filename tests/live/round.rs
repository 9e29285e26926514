//! A round on the servers of the lab: keyspace, topics and data directories of its own.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use retail_engine::lab::Lab;
use retail_tests::program;
use serde_json::Value;
use tempfile::TempDir;

/// Keyspace, topics and data directories of one round.
pub(crate) struct Round {
    dir: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Round {
    /// A round of this name, which no other of this process has.
    pub(crate) fn on(lab: &Lab, name: &str, settings: &[(&'static str, &str)]) -> Self {
        let mut environment = lab.environment();
        let unique = format!("{name}_{}", std::process::id());
        environment.push(("RETAIL_CASSANDRA_KEYSPACE", unique.clone()));
        environment.push(("RETAIL_KAFKA_TOPIC_PREFIX", unique.replace('_', "-") + "-"));
        // As the profile of the lab: longer than servers wait for each other.
        environment.push(("RETAIL_REQUEST_TIMEOUT_MS", "2500".to_owned()));
        let settings = settings.iter();
        environment.extend(settings.map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            dir: tempfile::tempdir().unwrap(),
            environment,
        }
    }

    /// A path in the round's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command line of the program, with the data directory of a host of this name.
    pub(crate) fn command(&self, host: &str, args: &[&str]) -> Command {
        let mut command = program::command(&self.path(host), args).unwrap();
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Runs a verb to its end; its exit code and its object.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, Value) {
        let mut all = args.to_vec();
        all.push("--json");
        answer(args, &self.command("data", &all).output().unwrap())
    }

    /// The object of a verb that has to end well.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let (code, value) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {value}");
        value
    }
}

/// Exit code and object of a process that ended.
pub(crate) fn answer(args: &[&str], output: &Output) -> (i32, Value) {
    let code = output.status.code().unwrap_or(-1);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{args:?} ended with {code} and no JSON ({error}): {said}")
    });
    (code, value)
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A counter of the engine that serves its metrics at a port; 0 while it does not answer.
pub(crate) fn counter(port: u16, series: &str) -> f64 {
    let read = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(series));
    value.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
