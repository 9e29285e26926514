//! Faults that a drill can start, and what the failure of a request means for its caller.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Dc;

/// One fault, in force until it is taken out of the set that an adapter was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fault {
    /// The data centre refuses every request, as after `kill -9`.
    DcDown {
        /// The data centre.
        dc: Dc,
    },
    /// The data centre takes requests and does not answer until the fault ends, as when stopped.
    DcPaused {
        /// The data centre.
        dc: Dc,
    },
    /// Every request to the data centre takes longer.
    DcSlow {
        /// The data centre.
        dc: Dc,
        /// Added to each request, milliseconds.
        delay_ms: u64,
    },
    /// Nothing passes between two data centres, in either direction.
    LinkCut {
        /// One side.
        a: Dc,
        /// The other side.
        b: Dc,
    },
    /// The disk of the data centre takes no more writes; reads work.
    DiskFull {
        /// The data centre.
        dc: Dc,
    },
    /// The log refuses appends and fetches.
    LogDown,
}

impl Fault {
    /// Added delay of a [`Fault::DcSlow`].
    pub const fn delay(&self) -> Option<Duration> {
        match self {
            Self::DcSlow { delay_ms, .. } => Some(Duration::from_millis(*delay_ms)),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DcDown { dc } => write!(f, "{dc} down"),
            Self::DcPaused { dc } => write!(f, "{dc} paused"),
            Self::DcSlow { dc, delay_ms } => write!(f, "{dc} slow by {delay_ms} ms"),
            Self::LinkCut { a, b } => write!(f, "link {a} - {b} cut"),
            Self::DiskFull { dc } => write!(f, "disk of {dc} full"),
            Self::LogDown => f.write_str("log down"),
        }
    }
}

/// What a failed request means: what its caller may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was done; the same request may succeed later.
    Retry,
    /// It may or may not have been done; repeating it is safe because every write is idempotent.
    Unknown,
    /// It will never succeed; a person must act.
    Fatal,
}
