//! The processes of a lab: remembered in a file, recognised in `/proc`, signalled by descriptor.
//!
//! A process number is used again after its process has ended, so a number alone is never
//! signalled. A process is ours while its start time is the one that was written down and its
//! command line names the server's own folder of configuration; that is looked at while a
//! descriptor of the process is held, which cannot come to mean another one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::place::{Home, Server};
use super::program::not_run;

/// A new process has its command line at once; past this something else is wrong.
const NAMED_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// It runs.
    Running,
    /// It is stopped by a signal, and goes on after another one.
    Paused,
    /// It is not there.
    Down,
}

impl ProcessState {
    /// The name on screen and in JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Down => "down",
        }
    }
}

/// What is done to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// End at once, as when the power fails.
    Kill,
    /// End in order.
    Terminate,
    /// Stop where it stands.
    Pause,
    /// Go on.
    Resume,
}

/// A process as written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    pid: i32,
    /// When it began, in clock ticks since the machine did.
    started: u64,
}

/// A process as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    state: ProcessState,
    started: u64,
}

/// The processes of one home.
#[derive(Debug, Clone)]
pub(super) struct Processes {
    home: Home,
}

impl Processes {
    pub(super) const fn of(home: Home) -> Self {
        Self { home }
    }

    /// Number and state of a server's process.
    pub(super) fn state(&self, server: Server) -> Result<(ProcessState, Option<i32>), LabError> {
        let Some(known) = self.read()?.get(server.slug()).copied() else {
            return Ok((ProcessState::Down, None));
        };
        Ok(match self.recognise(server, known) {
            Some(state) => (state, Some(known.pid)),
            None => (ProcessState::Down, None),
        })
    }

    /// Starts a server's process, in a process group of its own so that Ctrl+C does not end it.
    pub(super) fn start(&self, server: Server, mut command: Command) -> Result<(), LabError> {
        let _one_at_a_time = self.lock()?;
        let output = self.home.output(server);
        let failed = |what, path: &Path| {
            let path = path.to_path_buf();
            move |source| LabError::Home { what, source, path }
        };
        let open = || OpenOptions::new().create(true).append(true).open(&output);
        command
            .current_dir(self.home.root())
            .stdin(Stdio::null())
            .stdout(open().map_err(failed("has a log that cannot be written", &output))?)
            .stderr(open().map_err(failed("has a log that cannot be written", &output))?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .map_err(|source| not_run(source, "java", "openjdk-17-jre-headless"))?;
        let pid = i32::try_from(child.id()).unwrap_or(0);
        let found = look(pid);
        // An ended child is a process until somebody waits for it, and would look alive.
        std::thread::Builder::new()
            .name(format!("lab-{}", server.slug()))
            .spawn(move || match child.wait() {
                Ok(status) => tracing::info!(%status, server = server.slug(), "a server ended"),
                Err(error) => tracing::warn!(%error, server = server.slug(), "not waited for"),
            })
            .map_err(|source| LabError::Run {
                program: "java",
                source,
            })?;
        // One that has ended already is not written down; whoever waits for it finds it down.
        if let Some(found) = found {
            let mut all = self.read()?;
            let started = found.started;
            let known = Known { pid, started };
            all.insert(server.slug().to_owned(), known);
            self.write(&all)?;
            self.wait_recognised(server, known);
        }
        Ok(())
    }

    /// Signals a server's process, if it is there and ours.
    pub(super) fn signal(&self, server: Server, signal: Signal) -> Result<(), LabError> {
        let known = self.read()?.get(server.slug()).copied();
        let known = known.ok_or(LabError::NotRunning { server })?;
        match send(known.pid, signal, || {
            self.recognise(server, known).is_some()
        }) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LabError::NotRunning { server }),
            Err(source) => Err(LabError::Signal { server, source }),
        }
    }

    /// Waits until the process has its command line: the system lets a parent go on a moment
    /// before that, and until then nobody would know it again.
    fn wait_recognised(&self, server: Server, known: Known) {
        let begun = Instant::now();
        while self.recognise(server, known).is_none() {
            let is_there = look(known.pid).is_some_and(|found| found.started == known.started);
            if !is_there || begun.elapsed() > NAMED_WITHIN {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// State of the process that was written down, if it still is that one.
    fn recognise(&self, server: Server, known: Known) -> Option<ProcessState> {
        let found = look(known.pid).filter(|found| found.started == known.started)?;
        let command = fs::read(format!("/proc/{}/cmdline", known.pid)).ok()?;
        let ours = self.home.conf(server);
        let ours = ours.as_os_str().as_encoded_bytes();
        command
            .windows(ours.len())
            .any(|part| part == ours)
            .then_some(found.state)
    }

    fn path(&self) -> PathBuf {
        self.home.processes()
    }

    fn read(&self) -> Result<BTreeMap<String, Known>, LabError> {
        let path = self.path();
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| LabError::Damaged {
                what: error.to_string(),
                path,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(source) => Err(LabError::Home {
                what: "cannot be read",
                source,
                path,
            }),
        }
    }

    /// Writes the file anew beside the old one and puts it in its place, so that it is whole
    /// whenever it is read.
    fn write(&self, all: &BTreeMap<String, Known>) -> Result<(), LabError> {
        let path = self.path();
        let new = path.with_extension("new");
        let written = serde_json::to_vec_pretty(all)
            .map_err(io::Error::other)
            .and_then(|bytes| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, &path));
        written.map_err(|source| LabError::Home {
            what: "cannot be written",
            source,
            path,
        })
    }

    /// Keeps two commands from starting servers at the same time.
    fn lock(&self) -> Result<File, LabError> {
        let path = self.home.lock();
        let taken = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file));
        taken.map_err(|source| LabError::Home {
            what: "cannot be locked",
            source,
            path,
        })
    }
}

/// The process of a number; one that has ended and waits for its parent is not there.
fn look(pid: i32) -> Option<Found> {
    stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// State and start time in `/proc/PID/stat`. The second field is a name that may hold anything,
/// so that fields are counted from its closing parenthesis.
///
/// A process whose first thread has ended is there while others have not: until the last of them
/// ends, its ports are taken.
fn stat(text: &str) -> Option<Found> {
    /// Fields from the state, the 3rd of the file, to the count of threads, the 20th.
    const THREADS_AFTER_STATE: usize = 16;
    /// And from there to the start time, the 22nd.
    const START_AFTER_THREADS: usize = 1;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let threads: u32 = fields.nth(THREADS_AFTER_STATE)?.parse().ok()?;
    let started = fields.nth(START_AFTER_THREADS)?.parse().ok()?;
    let state = match state {
        "Z" | "X" if threads <= 1 => return None,
        "T" => ProcessState::Paused,
        _ => ProcessState::Running,
    };
    Some(Found { state, started })
}

/// Signals a process if it is ours while its descriptor is held; `false` when it is not.
#[cfg(target_os = "linux")]
fn send(pid: i32, signal: Signal, is_ours: impl FnOnce() -> bool) -> io::Result<bool> {
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal as System, pidfd_open, pidfd_send_signal};

    let Some(pid) = Pid::from_raw(pid) else {
        return Ok(false);
    };
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !is_ours() {
        return Ok(false);
    }
    let signal = match signal {
        Signal::Kill => System::KILL,
        Signal::Terminate => System::TERM,
        Signal::Pause => System::STOP,
        Signal::Resume => System::CONT,
    };
    match pidfd_send_signal(&process, signal) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(_: i32, _: Signal, _: impl FnOnce() -> bool) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::model::Dc;

    const EUROPE: Server = Server::Node(Dc::Europe);

    fn processes(dir: &Path) -> Processes {
        let home = Home::at(dir).unwrap();
        fs::create_dir_all(home.logs()).unwrap();
        Processes::of(home)
    }

    /// A process whose command line is that of a server as far as the lab looks at it.
    fn sleeper(processes: &Processes, server: Server) -> Command {
        let mut command = Command::new("tail");
        command
            .args(["-f", "/dev/null"])
            .arg(processes.home.conf(server));
        command
    }

    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "never {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_process_is_paused_resumed_and_killed() {
        let dir = tempfile::tempdir().unwrap();
        let processes = processes(dir.path());
        let state = |server| processes.state(server).unwrap().0;
        assert_eq!(state(EUROPE), ProcessState::Down);
        processes
            .start(EUROPE, sleeper(&processes, EUROPE))
            .unwrap();
        assert_eq!(state(EUROPE), ProcessState::Running);
        assert_eq!(state(Server::Kafka), ProcessState::Down);
        processes.signal(EUROPE, Signal::Pause).unwrap();
        until("paused", || state(EUROPE) == ProcessState::Paused);
        processes.signal(EUROPE, Signal::Resume).unwrap();
        until("resumed", || state(EUROPE) == ProcessState::Running);
        processes.signal(EUROPE, Signal::Kill).unwrap();
        until("down", || state(EUROPE) == ProcessState::Down);
        let error = processes.signal(EUROPE, Signal::Kill).unwrap_err();
        assert!(matches!(error, LabError::NotRunning { server } if server == EUROPE));
    }

    #[test]
    fn a_process_that_is_not_ours_is_never_signalled() {
        let dir = tempfile::tempdir().unwrap();
        let processes = processes(dir.path());
        // Ours is Europe's; it is written down as America's, whose folder it does not name.
        processes
            .start(EUROPE, sleeper(&processes, EUROPE))
            .unwrap();
        let mut all = processes.read().unwrap();
        let europe = all["europe"];
        all.insert("americas".to_owned(), europe);
        // And as the broker, with the right folder and a number that was used again.
        all.insert(
            "kafka".to_owned(),
            Known {
                started: europe.started + 1,
                ..europe
            },
        );
        processes.write(&all).unwrap();
        for server in [Server::Node(Dc::Americas), Server::Kafka] {
            let error = processes.signal(server, Signal::Kill).unwrap_err();
            assert!(matches!(error, LabError::NotRunning { .. }), "{error}");
        }
        assert_eq!(processes.state(EUROPE).unwrap().0, ProcessState::Running);
        processes.signal(EUROPE, Signal::Kill).unwrap();
    }

    #[test]
    fn a_name_with_a_parenthesis_does_not_move_the_fields() {
        let line = |state, threads| {
            format!("77 (a) b) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 {threads} 0 4711 0")
        };
        let found = stat(&line("S", 1)).unwrap();
        assert_eq!(found.started, 4711);
        assert_eq!(found.state, ProcessState::Running);
        assert_eq!(stat(&line("T", 30)).unwrap().state, ProcessState::Paused);
        assert_eq!(stat(&line("Z", 1)), None);
        assert_eq!(stat(&line("Z", 30)).unwrap().state, ProcessState::Running);
        assert_eq!(stat(""), None);
    }

    #[test]
    fn a_damaged_file_of_processes_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let processes = processes(dir.path());
        fs::write(processes.path(), "{").unwrap();
        let error = processes.state(EUROPE).unwrap_err();
        assert!(error.to_string().contains("processes.json"), "{error}");
    }
}
