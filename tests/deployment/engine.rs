//! A running engine that serves its metrics.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{LoadRequest, Resume, Roles, Until};
use retail_engine::handle::{Command, Engine, Snapshot};
use retail_engine::intake::ReadOptions;
use retail_tests::sample_file;
use tempfile::TempDir;

/// Far longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The engine, and where it keeps its data.
pub(crate) struct Served {
    engine: Engine,
    _dir: TempDir,
}

impl Served {
    /// Opens an engine on a port that is free.
    pub(crate) fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::in_dir(dir.path().join("data"));
        settings.monitoring.port = free_port();
        let engine = Engine::open(settings, Roles::all()).unwrap();
        Self { engine, _dir: dir }
    }

    /// Loads the sample.
    pub(crate) fn load(&self) {
        let request = LoadRequest {
            file: sample_file(),
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
            limit: ErrorLimit::None,
            until: Until::Closed,
            resume: Resume::WhereItStood,
        };
        let answer = self
            .engine
            .ask(|reply| Command::Load(Box::new(request), reply));
        answer.wait().unwrap().unwrap();
    }

    /// Waits until everything is measured: a load has ended, its ledger is told, and a sample was
    /// taken after that.
    pub(crate) fn wait_measured(&self) {
        let rest = self.wait_for("rest", |snapshot| snapshot.load.is_none());
        self.wait_for("the next sample", |snapshot| snapshot.at > rest.at);
    }

    fn wait_for(&self, what: &str, fits: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let (told, wakes) = std::sync::mpsc::sync_channel(1);
        self.engine.on_snapshot(move || {
            told.try_send(()).ok();
        });
        let begun = Instant::now();
        loop {
            let snapshot = self.engine.snapshot();
            if fits(&snapshot) {
                return snapshot;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come");
            wakes.recv_timeout(PATIENCE).unwrap();
        }
    }

    /// The port of its metrics.
    pub(crate) fn port(&self) -> u16 {
        let at = |snapshot: &Snapshot| snapshot.monitoring_port.is_some();
        self.wait_for("a port", at).monitoring_port.unwrap()
    }

    /// Its metrics, as a scraper gets them.
    pub(crate) fn metrics(&self) -> String {
        get(self.port(), "/metrics")
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The body of an answer of this machine.
pub(crate) fn get(port: u16, path: &str) -> String {
    try_get(port, path).unwrap_or_else(|error| panic!("{path} at {port}: {error}"))
}

/// See [`get`].
pub(crate) fn try_get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP 1.0: the answer ends with the connection and comes in one piece.
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    body.map(str::to_owned)
        .ok_or_else(|| std::io::Error::other(answer))
}
