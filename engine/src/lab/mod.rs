//! A lab: one real Kafka broker and three real Cassandra nodes, each a data centre of its own, as
//! plain processes of this machine, without Docker.
//!
//! For tests, for drills, and for whoever wants to see live mode before there is a cluster. The
//! servers are the released jars; nothing of them is simulated. Everything listens on loopback
//! only, takes no password unless it is set up as a secured one, and keeps its data in the lab's home. It is no deployment: one replica
//! per data centre, one broker, small heaps.
//!
//! A lab is its home. The options are written there when it is set up, the processes when they are
//! started; whoever opens the same home controls the same servers. Only processes that it started
//! are ever signalled: see [`process`].

mod accounts;
mod cluster;
mod conf;
mod error;
mod fetch;
mod options;
mod place;
mod plan;
mod probe;
mod process;
mod program;
mod secrets;
mod told;

pub use cluster::{Lab, Readiness, ServerStatus};
pub use error::LabError;
pub use options::{CommitlogSync, LabOptions, Security};
pub use place::Server;
pub use plan::{LabPlan, Listener, ListenerState};
pub use process::ProcessState;
pub use program::Programs;
pub use secrets::Account;
pub use told::LabTold;
