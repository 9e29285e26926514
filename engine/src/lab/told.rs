//! What a lab tells while it is set up and ended.

use std::fmt;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::place::Server;

/// Something that happened on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabTold {
    /// The jars of a server are being fetched; those of one node are those of all.
    Fetching(Server),
    /// A server was started, and does not answer yet.
    Started(Server),
    /// A server answers.
    Ready {
        /// Which.
        server: Server,
        /// Where.
        address: SocketAddrV4,
        /// How long it was waited for.
        after: Duration,
    },
    /// A server did not end when it was told to, and is killed.
    Killed(Server),
}

impl fmt::Display for LabTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetching(Server::Kafka) => f.write_str("fetching the jars of Kafka"),
            Self::Fetching(Server::Node(_)) => f.write_str("fetching the jars of Cassandra"),
            Self::Started(server) => write!(f, "{server} is starting"),
            Self::Ready {
                server,
                address,
                after,
            } => write!(
                f,
                "{server} is ready at {address} after {:.1} s",
                after.as_secs_f64()
            ),
            Self::Killed(server) => write!(f, "{server} did not end in order, and is killed"),
        }
    }
}
