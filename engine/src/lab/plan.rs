//! What setting a lab up would do, said before it is done: what is fetched, who listens where, what
//! it needs of the machine, and what of that is there. Looking changes nothing.

use std::net::{SocketAddrV4, TcpListener};
use std::path::PathBuf;

use super::cluster::Lab;
use super::error::LabError;
use super::fetch;
use super::place::Server;
use super::process::ProcessState;
use super::program;

/// Bytes that are fetched the first time, both servers together, as measured.
const FETCH_BYTES: u64 = 121_000_000;
/// Memory that the four processes took under a load of the full file, as measured.
const MEMORY_BYTES: u64 = 2_800_000_000;

/// An address that a server listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// Which server.
    pub server: Server,
    /// Where.
    pub address: SocketAddrV4,
    /// Whether it can.
    pub state: ListenerState,
}

/// Whether a server can listen at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerState {
    /// Nobody listens there.
    Free,
    /// The server does, already.
    Own,
    /// Somebody else does.
    Taken,
}

/// What setting a lab up would do.
#[derive(Debug)]
pub struct LabPlan {
    /// The folder of everything: jars, configuration, data, logs.
    pub home: PathBuf,
    /// The servers whose jars have to be fetched; one node stands for all.
    pub fetches: Vec<Server>,
    /// Bytes that are fetched, about; 0 when nothing is.
    pub fetch_bytes_about: u64,
    /// Memory of all processes, about.
    pub memory_bytes_about: u64,
    /// The version of Java that is there, or what is wrong with it.
    pub java: Result<String, LabError>,
    /// What Maven says of itself, or what is wrong with it. Needed where something is fetched.
    pub maven: Result<String, LabError>,
    /// Every address.
    pub listeners: Vec<Listener>,
    /// The servers that run already.
    pub running: Vec<Server>,
}

impl LabPlan {
    /// The first thing that keeps it from being set up.
    pub fn obstacle(&self) -> Option<&LabError> {
        let maven = self.maven.as_ref().err();
        let java = self.java.as_ref().err();
        java.or(maven.filter(|_| !self.fetches.is_empty()))
    }

    /// The addresses where somebody else listens.
    pub fn taken(&self) -> impl Iterator<Item = &Listener> {
        let taken = |listener: &&Listener| listener.state == ListenerState::Taken;
        self.listeners.iter().filter(taken)
    }
}

impl Lab {
    /// What setting it up would do; runs `java -version` and `mvn --version`.
    pub fn plan(&self) -> Result<LabPlan, LabError> {
        let fetches = fetch::missing(self.place());
        let mut listeners = Vec::new();
        let mut running = Vec::new();
        for server in Server::ALL {
            let is_down = self.state(server)? == ProcessState::Down;
            if !is_down {
                running.push(server);
            }
            for (address, _) in self.options().listeners(server) {
                let state = if !is_down {
                    ListenerState::Own
                } else if TcpListener::bind(address).is_ok() {
                    ListenerState::Free
                } else {
                    ListenerState::Taken
                };
                listeners.push(Listener {
                    server,
                    address,
                    state,
                });
            }
        }
        Ok(LabPlan {
            home: self.home().to_path_buf(),
            fetch_bytes_about: if fetches.is_empty() { 0 } else { FETCH_BYTES },
            fetches,
            memory_bytes_about: MEMORY_BYTES,
            java: program::check_java(&self.programs().java),
            maven: program::check_maven(&self.programs().maven),
            listeners,
            running,
        })
    }
}
