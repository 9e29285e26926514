//! What can go wrong with a lab: what it was, what the server's own log says, how to mend it.

use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::place::Server;

/// Why a lab did not do what it was told.
#[derive(Debug, Error)]
pub enum LabError {
    /// Processes of other systems cannot be told apart safely.
    #[error("the lab runs on Linux only")]
    Platform,
    /// It was told to stop.
    #[error("it was given up")]
    GivenUp,
    /// A program that the lab needs.
    #[error("{program} is not there")]
    Missing {
        /// Its name.
        program: &'static str,
        /// The package that has it, in Debian's words.
        package: &'static str,
    },
    /// A program could not be run.
    #[error("{program} could not be run: {source}")]
    Run {
        /// Its name.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A Java that the servers do not run on.
    #[error("java is of version {found}, and the servers need 17")]
    Java {
        /// What it says of itself.
        found: String,
    },
    /// A file of the home.
    #[error("the lab's home {what}: {source}: {path:?}")]
    Home {
        /// What went wrong, as the predicate of a sentence.
        what: &'static str,
        /// Why.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A path that a class path cannot hold.
    #[error("the lab's home must have no space, colon, quote or backslash in its path: {path:?}")]
    HomeName {
        /// The home.
        path: PathBuf,
    },
    /// A file of the home does not say what it should.
    #[error("a file of the lab cannot be read: {what}: {path:?}")]
    Damaged {
        /// What the parser says.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// Options that are not possible.
    #[error("{what}: {value}")]
    Options {
        /// The rule.
        what: &'static str,
        /// What was asked for.
        value: String,
    },
    /// Options that differ from those that the data was made with.
    #[error("the lab has data of other addresses or ports: {path:?}")]
    OtherOptions {
        /// The options of the data.
        path: PathBuf,
    },
    /// No lab was set up here.
    #[error("there is no lab: {path:?}")]
    Absent {
        /// The home.
        path: PathBuf,
    },
    /// The jars are not there.
    #[error("the jars of {server} are not there: {path:?}")]
    NotFetched {
        /// Whose.
        server: Server,
        /// Where they should be.
        path: PathBuf,
    },
    /// Maven did not fetch.
    #[error("the jars of {server} could not be fetched:\n{output}")]
    Fetch {
        /// Whose.
        server: Server,
        /// The end of what Maven said.
        output: String,
    },
    /// Something else listens where a server should.
    #[error("{address} is in use, and {server} should listen there")]
    PortTaken {
        /// Who should.
        server: Server,
        /// Where.
        address: SocketAddrV4,
        /// The option that moves it.
        option: &'static str,
    },
    /// A server ended while it was waited for.
    #[error("{server} ended while starting; the end of its log:\n{tail}\n{path:?}")]
    Ended {
        /// Which.
        server: Server,
        /// The end of its log.
        tail: String,
        /// Its log.
        path: PathBuf,
    },
    /// A server is not ready in time.
    #[error(
        "{server} was not ready within {} s ({last}); the end of its log:\n{tail}\n{path:?}",
        waited.as_secs()
    )]
    NotReady {
        /// Which.
        server: Server,
        /// How long it was waited for.
        waited: Duration,
        /// What it answered last.
        last: String,
        /// The end of its log.
        tail: String,
        /// Its log.
        path: PathBuf,
    },
    /// A server that should be there is not.
    #[error("{server} does not run")]
    NotRunning {
        /// Which.
        server: Server,
    },
    /// A signal did not do what it does.
    #[error("{server} could not be signalled: {source}")]
    Signal {
        /// Which.
        server: Server,
        /// Why.
        source: io::Error,
    },
    /// A server did not follow a signal in time.
    #[error("{server} did not {what} within {} s", waited.as_secs())]
    DidNotFollow {
        /// Which.
        server: Server,
        /// What it should have done.
        what: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A tool of Kafka or Cassandra failed.
    #[error("{tool} failed:\n{output}")]
    Tool {
        /// Which, with its arguments.
        tool: String,
        /// The end of what it said.
        output: String,
    },
}

impl LabError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Platform => {
                "use the containers (docker/README.md), or a Linux machine".to_owned()
            }
            Self::GivenUp => "start it again whenever you like".to_owned(),
            Self::Missing { package, .. } => {
                format!("install it; on Debian: apt-get install {package}")
            }
            Self::Run { .. } => "check that the program may be run".to_owned(),
            Self::Java { .. } => {
                "install Java 17 (on Debian: apt-get install openjdk-17-jre-headless), and name its \
                 folder in JAVA_HOME if there are several"
                    .to_owned()
            }
            Self::Home { .. } => "check its permissions, or choose another --home".to_owned(),
            Self::HomeName { .. } => "choose another --home".to_owned(),
            Self::Damaged { .. } => {
                "end the servers by hand if any runs, and remove that file".to_owned()
            }
            Self::Options { .. } => "change that option of `lab up`".to_owned(),
            Self::OtherOptions { .. } => {
                "leave the options out to start the lab as it was, or remove its data with \
                 `lab wipe`"
                    .to_owned()
            }
            Self::Absent { .. } => "set one up with `lab up`, or name its --home".to_owned(),
            Self::NotFetched { .. } => "run `lab fetch`".to_owned(),
            Self::Fetch { .. } => {
                "look whether Maven reaches its repository, and run `lab fetch` again".to_owned()
            }
            Self::PortTaken { option, .. } => {
                format!("end what listens there, or choose another one with {option}")
            }
            Self::Ended { .. } | Self::NotReady { .. } => {
                "see its log; `lab wipe` and `lab up` begin anew".to_owned()
            }
            Self::NotRunning { server } => format!("`lab start {}` starts it", server.slug()),
            Self::Signal { .. } => {
                "run this as the account that started the lab".to_owned()
            }
            Self::DidNotFollow { server, .. } => {
                format!("see `lab logs {0}`; `lab kill {0}` ends it at once", server.slug())
            }
            Self::Tool { .. } => "see what it said".to_owned(),
        }
    }
}
