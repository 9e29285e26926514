//! Faults of live mode: what breaks and mends real servers.
//!
//! A real server is broken from outside and not by its client: by a signal, or by a command of
//! whatever runs it. That is done only where the profile says so (`lab.faults`), because it is
//! done to everybody who uses the servers. Which faults are to be in force is a wish, set at once;
//! a thread for each server makes it so. A server that cannot be broken is told and left alone; one
//! that cannot be mended is tried again, for a fault must end. What is broken is written down
//! before it is done, so that a program that was killed meanwhile mends it at its next start.

mod runner;
mod station;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{FaultsBy, Settings};
use crate::lab::{Lab, Server};
use crate::ports::Fault;

use runner::{Commands, Native, Runner};
use station::{Station, StationHandle};

pub use station::{Condition, ServerReport};

/// Folder in the data directory with a note for each broken server.
const NOTES: &str = "broken";
/// Its lock. Several processes may share a data directory; one of them has the servers in hand.
const LOCK: &str = ".lock";

/// Breaks and mends the servers of a profile that allows it. The default allows nothing.
#[derive(Debug, Default)]
pub struct FaultControl(Option<Allowed>);

/// A profile that allows it.
#[derive(Debug)]
struct Allowed {
    runner: Arc<dyn Runner>,
    notes: PathBuf,
    /// Taken with the first fault, and kept: until then another process may take them.
    in_hand: Mutex<Option<InHand>>,
}

/// The servers are ours to break. Dropped in this order: mended first, then let go.
#[derive(Debug)]
struct InHand {
    stations: Vec<StationHandle>,
    _lock: File,
}

impl FaultControl {
    /// What the settings allow. Mends what a process that has ended left broken.
    pub fn of(settings: &Settings) -> Self {
        let lab = &settings.lab;
        let runner: Arc<dyn Runner> = match lab.faults {
            FaultsBy::None => return Self::default(),
            FaultsBy::Native => {
                let named = Some(lab.home.clone()).filter(|home| home != Path::new(""));
                match named.or_else(Lab::default_home) {
                    Some(home) => Arc::new(Native::at(home)),
                    None => return Self::default(),
                }
            }
            FaultsBy::Commands => Arc::new(Commands::of(lab)),
        };
        Self::with(runner, settings.data_dir.join(NOTES))
    }

    fn with(runner: Arc<dyn Runner>, notes: PathBuf) -> Self {
        let has_notes = Server::ALL.iter().any(|s| notes.join(s.slug()).exists());
        let allowed = Allowed {
            runner,
            notes,
            in_hand: Mutex::default(),
        };
        // Notes of a process that still runs are its own business.
        if has_notes && let Err(why) = allowed.take() {
            tracing::info!(why, "servers that are broken are left as they are");
        }
        Self(Some(allowed))
    }

    /// Why a fault cannot be started; `None` when it can.
    pub fn refusal(&self, fault: &Fault) -> Option<String> {
        let Some(allowed) = &self.0 else {
            return Some(
                "faults break real servers, and this profile does not allow them: they are for a \
                 lab, with lab.faults = \"native\" or \"commands\""
                    .to_owned(),
            );
        };
        unsupported(fault).or_else(|| allowed.take().err())
    }

    /// Replaces the faults in force. Returns at once; the servers follow in their own time.
    pub fn set(&self, faults: &[Fault]) {
        for fault in faults {
            if let Some(why) = self.refusal(fault) {
                tracing::warn!(%fault, why, "a fault is not started");
            }
        }
        // Without a fault that was started there is nothing to end.
        if let Some(allowed) = &self.0
            && let Some(in_hand) = &*allowed.in_hand.lock()
        {
            for station in &in_hand.stations {
                station.wish(wanted(station.server(), faults));
            }
        }
    }

    /// How each server is that this process has broken or mended; empty when it did neither.
    pub fn servers(&self) -> Vec<ServerReport> {
        let in_hand = self.0.as_ref().map(|allowed| allowed.in_hand.lock());
        let stations = in_hand.as_ref().and_then(|in_hand| in_hand.as_ref());
        stations
            .iter()
            .flat_map(|in_hand| in_hand.stations.iter().map(StationHandle::report))
            .collect()
    }
}

impl Allowed {
    /// Takes the servers in hand, if no other process has them.
    fn take(&self) -> Result<(), String> {
        let mut in_hand = self.in_hand.lock();
        if in_hand.is_some() {
            return Ok(());
        }
        let path = self.notes.join(LOCK);
        let failed =
            |error: io::Error| format!("the servers cannot be locked: {error}: {}", path.display());
        fs::create_dir_all(&self.notes).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(
                    "another process on this data directory has broken servers, and is the one \
                     to mend them"
                        .to_owned(),
                );
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let start = |server: Server| {
            let note = self.notes.join(server.slug());
            Station::start(server, Arc::clone(&self.runner), note)
        };
        *in_hand = Some(InHand {
            stations: Server::ALL.map(start).into(),
            _lock: lock,
        });
        Ok(())
    }
}

/// Why real servers cannot have a fault.
fn unsupported(fault: &Fault) -> Option<String> {
    let what = match fault {
        Fault::DcDown { .. } | Fault::DcPaused { .. } | Fault::LogDown => return None,
        Fault::DcSlow { .. } => "a slow data centre",
        Fault::LinkCut { .. } => "a cut link",
        Fault::DiskFull { .. } => "a full disk",
    };
    Some(format!(
        "{what} is simulated in embedded mode only: real servers can be ended and paused"
    ))
}

/// What some faults want of a server. Of two, the harder one counts.
fn wanted(server: Server, faults: &[Fault]) -> Condition {
    let of = |fault: &Fault| match (fault, server) {
        (Fault::DcDown { dc }, Server::Node(node)) if *dc == node => Condition::Down,
        (Fault::DcPaused { dc }, Server::Node(node)) if *dc == node => Condition::Paused,
        (Fault::LogDown, Server::Kafka) => Condition::Down,
        _ => Condition::Well,
    };
    faults.iter().map(of).max().unwrap_or(Condition::Well)
}

#[cfg(test)]
mod tests;
