//! Which parts of an engine run: a verb that only reads starts fewer than a console.

use crate::model::Topic;

/// Which parts of the engine run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Topics whose lines are consumed.
    pub consume: Vec<Topic>,
    /// Whether faults can be noticed and moved away from: probes, comparisons, failover.
    pub watch: Watch,
    /// Whether consumers read at once.
    pub begin: Begin,
    /// Whether the tables for other programs are written where processes share a log.
    pub tables: Tables,
}

/// Who writes the tables for other programs, of processes that share a log. One that consumes all
/// topics writes them in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// This process.
    Written,
    /// Another one.
    LeftToOthers,
}

/// When consumers begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// When the engine is open.
    AtOnce,
    /// After [`Command::ResumeConsumers`](crate::handle::Command::ResumeConsumers): for moving a
    /// group that nothing else moves meanwhile.
    Held,
}

/// Whether data centres are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Yes.
    On,
    /// No: for verbs that read once and end.
    Off,
}

impl Roles {
    /// Everything.
    pub fn all() -> Self {
        Self {
            consume: Topic::ALL.to_vec(),
            watch: Watch::On,
            begin: Begin::AtOnce,
            tables: Tables::Written,
        }
    }

    /// Nothing but what is asked for.
    pub const fn none() -> Self {
        Self {
            consume: Vec::new(),
            watch: Watch::Off,
            begin: Begin::AtOnce,
            tables: Tables::LeftToOthers,
        }
    }
}
