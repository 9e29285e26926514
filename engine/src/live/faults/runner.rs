//! What is done to a server, and the two ways of doing it: the native lab, and commands.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::LabSettings;
use crate::lab::{Lab, LabError, ProcessState, Server};

/// `docker compose start` has been seen to take 20 s on a busy laptop; past this it hangs.
const COMMAND_WITHIN: Duration = Duration::from_mins(1);
/// Between two looks at a command.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// As much of what a command says as is worth telling.
const SAID_MAX: usize = 400;

/// One step from a condition of a server to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// End it at once.
    Kill,
    /// Start it again.
    Start,
    /// Stop it where it stands.
    Pause,
    /// Let it go on.
    Resume,
}

/// Does things to servers. What is asked for may be so already; then it has succeeded.
pub(super) trait Runner: Send + Sync + std::fmt::Debug {
    /// Does it, or says why not in a sentence.
    fn run(&self, act: Act, server: Server) -> Result<(), String>;
}

/// The servers of `retail-engine lab`.
#[derive(Debug)]
pub(super) struct Native {
    home: PathBuf,
}

impl Native {
    pub(super) const fn at(home: PathBuf) -> Self {
        Self { home }
    }
}

impl Runner for Native {
    fn run(&self, act: Act, server: Server) -> Result<(), String> {
        let done = || -> Result<(), LabError> {
            let lab = Lab::open(&self.home)?;
            let state = lab.state(server)?;
            match act {
                Act::Kill if state == ProcessState::Down => Ok(()),
                Act::Kill => lab.kill(server),
                // That it serves again is for the engine's own probes to see.
                Act::Start => lab.begin(server),
                Act::Pause => lab.pause(server),
                Act::Resume => lab.resume(server),
            }
        };
        done().map_err(|error| format!("{error}; {}", error.remedy()))
    }
}

/// Commands of the profile, such as Docker's.
#[derive(Debug)]
pub(super) struct Commands {
    settings: LabSettings,
}

impl Commands {
    pub(super) fn of(settings: &LabSettings) -> Self {
        Self {
            settings: settings.clone(),
        }
    }

    /// The setting that holds a command, and the command.
    fn template(&self, act: Act, server: Server) -> (&'static str, &str) {
        let lab = &self.settings;
        match (act, server) {
            (Act::Kill, Server::Node(_)) => ("lab.dc_down", &lab.dc_down),
            (Act::Start, Server::Node(_)) => ("lab.dc_up", &lab.dc_up),
            (Act::Pause, Server::Node(_)) => ("lab.dc_pause", &lab.dc_pause),
            (Act::Resume, Server::Node(_)) => ("lab.dc_resume", &lab.dc_resume),
            (Act::Kill | Act::Pause, Server::Kafka) => ("lab.broker_down", &lab.broker_down),
            (Act::Start | Act::Resume, Server::Kafka) => ("lab.broker_up", &lab.broker_up),
        }
    }
}

/// The words of a command for a server. Split at spaces before the names are put in, and run
/// without a shell, so that nothing in a setting is read as anything but a word.
pub(super) fn words(template: &str, server: Server) -> Vec<String> {
    let (dc, node) = match server {
        Server::Kafka => ("kafka", String::new()),
        Server::Node(dc) => (dc.name(), (dc.index() + 1).to_string()),
    };
    template
        .split_whitespace()
        .map(|word| {
            word.replace("{dc}", dc)
                .replace("{region}", server.slug())
                .replace("{node}", &node)
        })
        .collect()
}

impl Runner for Commands {
    fn run(&self, act: Act, server: Server) -> Result<(), String> {
        let done = self.command(act, server);
        match (act, server) {
            // Docker does not resume what is not paused, and does not start what is: to start
            // succeeds where the server runs already, and brings back one that has ended since.
            (Act::Resume, Server::Node(_)) => done.or_else(|trouble| {
                self.command(Act::Start, server)
                    .map_err(|also| format!("{trouble}; and {also}"))
            }),
            _ => done,
        }
    }
}

impl Commands {
    /// Runs the command of a step to its end.
    fn command(&self, act: Act, server: Server) -> Result<(), String> {
        let (setting, template) = self.template(act, server);
        let words = words(template, server);
        let Some((program, args)) = words.split_first() else {
            return Err(format!("the setting {setting} is empty"));
        };
        let line = words.join(" ");
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{line}` ({setting}) could not be run: {error}"))?;
        match ended(&mut child, COMMAND_WITHIN) {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(format!("`{line}` ({setting}) failed: {}", said(&mut child))),
            Ok(None) => Err(format!(
                "`{line}` ({setting}) did not end within {} s, and was ended",
                COMMAND_WITHIN.as_secs()
            )),
            Err(error) => Err(format!("`{line}` ({setting}) was lost: {error}")),
        }
    }
}

/// Whether a command succeeded; `None` for one that had to be ended.
fn ended(child: &mut Child, within: Duration) -> io::Result<Option<bool>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if begun.elapsed() > within {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What a command that has ended said on its standard error, on one line.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        let limit = u64::try_from(SAID_MAX).unwrap_or(u64::MAX);
        // What is no text, or cannot be read, is not worth more than that it failed.
        if stderr.take(limit).read_to_string(&mut text).is_err() {
            text.push_str("it said nothing that can be read");
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "it said nothing".to_owned()
    } else {
        text
    }
}
