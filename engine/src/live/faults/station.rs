//! One server, the condition that it should be in, and the thread that brings it there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::lab::Server;

use super::runner::{Act, Runner};

/// Between two attempts to mend a server.
const MEND_EVERY: Duration = Duration::from_secs(2);
/// Attempts when the program ends: then a person must do it, and is told.
const MENDS_AT_THE_END: u32 = 3;

/// The condition of a server, the hardest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Nothing was done to it, or it was mended.
    Well,
    /// It was stopped where it stands.
    Paused,
    /// It was ended.
    Down,
}

impl Condition {
    const fn slug(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Paused => "paused",
            Self::Down => "down",
        }
    }

    /// The first step from this condition to another one.
    const fn step_to(self, wanted: Self) -> Option<(Act, Self)> {
        match (self, wanted) {
            (Self::Well, Self::Well) | (Self::Paused, Self::Paused) | (Self::Down, Self::Down) => {
                None
            }
            (Self::Well, Self::Down) => Some((Act::Kill, Self::Down)),
            (Self::Well, Self::Paused) => Some((Act::Pause, Self::Paused)),
            // By way of being well: not everything that runs servers can end a paused one.
            (Self::Paused, Self::Well | Self::Down) => Some((Act::Resume, Self::Well)),
            (Self::Down, Self::Well | Self::Paused) => Some((Act::Start, Self::Well)),
        }
    }
}

/// How a server is, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// Which.
    pub server: Server,
    /// The condition that the faults in force want.
    pub wanted: Condition,
    /// The condition that it was brought to.
    pub now: Condition,
    /// Why it is not as wanted, if something failed.
    pub trouble: Option<String>,
}

/// Shared by the thread of a server and those who wish.
#[derive(Debug)]
pub(super) struct Station {
    server: Server,
    runner: Arc<dyn Runner>,
    /// Holds what the server was brought to, while that is not well.
    note: PathBuf,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    wanted: Condition,
    now: Condition,
    trouble: Option<String>,
    /// The wish that failed: it is not tried again before there is another one.
    given_up: Option<Condition>,
    is_closing: bool,
}

/// Holds the thread of a server; mends it and ends the thread when dropped.
#[derive(Debug)]
pub(super) struct StationHandle {
    station: Arc<Station>,
    thread: Option<JoinHandle<()>>,
}

impl Station {
    /// Starts the thread of a server. What a note says was left broken is mended at once.
    pub(super) fn start(server: Server, runner: Arc<dyn Runner>, note: PathBuf) -> StationHandle {
        let now = read_note(&note);
        if now != Condition::Well {
            tracing::warn!(%server, was = now.slug(), "an earlier run left a server broken");
        }
        let station = Arc::new(Self {
            server,
            runner,
            note,
            inner: Mutex::new(Inner {
                wanted: Condition::Well,
                now,
                trouble: None,
                given_up: None,
                is_closing: false,
            }),
            changed: Condvar::new(),
        });
        let for_thread = Arc::clone(&station);
        let spawned = std::thread::Builder::new()
            .name(format!("faults-{}", server.slug()))
            .spawn(move || for_thread.run());
        let thread = match spawned {
            Ok(thread) => Some(thread),
            Err(error) => {
                let trouble = format!("a thread could not be started: {error}");
                tracing::error!(%server, trouble, "faults cannot act on a server");
                station.inner.lock().trouble = Some(trouble);
                None
            }
        };
        StationHandle { station, thread }
    }

    fn run(&self) {
        let mut mends_left = MENDS_AT_THE_END;
        let mut inner = self.inner.lock();
        loop {
            let step = inner.now.step_to(inner.wanted);
            let step = step.filter(|_| inner.given_up != Some(inner.wanted));
            let Some((act, then)) = step else {
                if inner.is_closing {
                    return;
                }
                self.changed.wait(&mut inner);
                continue;
            };
            let wanted = inner.wanted;
            drop(inner);
            let done = self.act(act, then);
            inner = self.inner.lock();
            match done {
                Ok(()) => {
                    inner.now = then;
                    inner.trouble = None;
                    tracing::warn!(server = %self.server, now = then.slug(), "a server was changed");
                }
                Err(trouble) => {
                    tracing::error!(
                        server = %self.server,
                        wanted = wanted.slug(),
                        trouble,
                        "a server does not follow"
                    );
                    inner.trouble = Some(trouble);
                    if then != Condition::Well {
                        inner.given_up = Some(wanted);
                    } else if inner.is_closing {
                        mends_left = mends_left.saturating_sub(1);
                        if mends_left == 0 {
                            return;
                        }
                    }
                    if then == Condition::Well {
                        self.changed.wait_for(&mut inner, MEND_EVERY);
                    }
                }
            }
        }
    }

    /// Does one step. Breaking is written down before, mending after: between the two a killed
    /// program leaves a note about a server that is well, and mending that changes nothing.
    fn act(&self, act: Act, then: Condition) -> Result<(), String> {
        if then != Condition::Well {
            write_note(&self.note, then).map_err(|error| {
                format!("it is not broken, because that cannot be written down: {error}")
            })?;
        }
        // A command that fails may have broken the server all the same; its note stays then.
        self.runner.run(act, self.server)?;
        if then == Condition::Well
            && let Err(error) = remove_note(&self.note)
        {
            tracing::warn!(server = %self.server, %error, "the note of a mended server stays");
        }
        Ok(())
    }
}

impl StationHandle {
    pub(super) fn server(&self) -> Server {
        self.station.server
    }

    /// Wishes for a condition; the last wish counts.
    pub(super) fn wish(&self, wanted: Condition) {
        let mut inner = self.station.inner.lock();
        if inner.wanted != wanted {
            inner.wanted = wanted;
            inner.given_up = None;
            self.station.changed.notify_all();
        }
    }

    pub(super) fn report(&self) -> ServerReport {
        let inner = self.station.inner.lock();
        ServerReport {
            server: self.station.server,
            wanted: inner.wanted,
            now: inner.now,
            trouble: inner.trouble.clone(),
        }
    }
}

impl Drop for StationHandle {
    fn drop(&mut self) {
        {
            let mut inner = self.station.inner.lock();
            inner.is_closing = true;
            inner.wanted = Condition::Well;
            inner.given_up = None;
            self.station.changed.notify_all();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(server = %self.station.server, "the thread of its faults panicked");
        }
    }
}

fn read_note(path: &Path) -> Condition {
    match fs::read_to_string(path) {
        Ok(text) if text.trim() == Condition::Paused.slug() => Condition::Paused,
        // A note that says nothing was being written: starting a server that runs does no harm.
        Ok(_) => Condition::Down,
        Err(_absent) => Condition::Well,
    }
}

fn write_note(path: &Path, condition: Condition) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, condition.slug())
}

fn remove_note(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
