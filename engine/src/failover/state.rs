//! The words of the failover machine: what it hears, what it says, what state a region is in.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::policy::WriteMode;
use crate::model::{Dc, Region};
use crate::ports::StoreError;

/// The moment of an input, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the engine started; never goes back. Decisions rest on this one.
    pub since_start: Duration,
    /// For records and people; may jump.
    pub wall: DateTime<Utc>,
}

/// Where a region's reads and writes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RouteState {
    /// Through its home, and all is well.
    Home,
    /// Still through its home, whose last requests failed.
    Suspect,
    /// Through another data centre.
    FailedOver {
        /// Which one.
        dc: Dc,
    },
    /// Home answers again. Requests still go through the other one, until the hold-down is over
    /// and the replicas are equal.
    FailingBack {
        /// The one that serves meanwhile.
        from: Dc,
    },
}

impl RouteState {
    /// The data centre that serves a region in this state.
    pub const fn serving(self, region: Region) -> Dc {
        match self {
            Self::Home | Self::Suspect => region.home(),
            Self::FailedOver { dc } | Self::FailingBack { from: dc } => dc,
        }
    }
}

impl fmt::Display for RouteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("home"),
            Self::Suspect => f.write_str("suspect"),
            Self::FailedOver { dc } => write!(f, "failed over to {dc}"),
            Self::FailingBack { from } => write!(f, "failing back from {from}"),
        }
    }
}

/// How a request failed, as far as a failover is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "error")]
pub enum ErrorKind {
    /// The data centre said no at once.
    Refused,
    /// It did not answer in time.
    TimedOut {
        /// How long the request waited.
        after: Duration,
    },
    /// It answered, or took the write itself, but too few other replicas did. Another coordinator
    /// may see more of them.
    Unavailable,
    /// Its disk takes no more, or its database failed.
    Broken,
}

impl ErrorKind {
    /// What a store's error says about the data centre it went through; `None` for errors that
    /// another data centre would answer with too.
    pub const fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::CoordinatorDown { .. } | StoreError::Unreachable { .. } => {
                Some(Self::Refused)
            }
            StoreError::Unavailable { .. } => Some(Self::Unavailable),
            StoreError::WriteTimeout { acked, via, .. } if acked.contains(*via) => {
                Some(Self::Unavailable)
            }
            StoreError::WriteTimeout { after, .. } | StoreError::ReadTimeout { after, .. } => {
                Some(Self::TimedOut { after: *after })
            }
            StoreError::DiskFull { .. } | StoreError::Replica { .. } => Some(Self::Broken),
            StoreError::InUse { .. }
            | StoreError::Damaged { .. }
            | StoreError::NewerFormat { .. }
            | StoreError::Refused { .. }
            | StoreError::Unreadable { .. }
            | StoreError::Closed => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::TimedOut { after } => write!(f, "no answer in {} ms", after.as_millis()),
            Self::Unavailable => f.write_str("too few replicas"),
            Self::Broken => f.write_str("disk or database failed"),
        }
    }
}

/// How one of a region's own requests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Well.
    Ok {
        /// From sending to the answer.
        latency: Duration,
    },
    /// Not.
    Error(ErrorKind),
}

/// What a probe of a data centre found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It answered.
    Answered,
    /// It did not.
    Failed,
}

/// How a replica stands against the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its digests equal those of the others: its hints have arrived.
    Equal,
    /// They differ.
    Unequal,
    /// Hints were dropped: only a repair makes it whole.
    RepairNeeded,
    /// Not compared since it was last away.
    Unknown,
}

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manual {
    /// Serve the region through this data centre, until it is told to go home.
    FailOver(Dc),
    /// Go home without waiting for the hold-down, as soon as the replicas are equal.
    FailBack,
    /// Go home although the replicas are not known to be equal. The person typed its name.
    ForceFailBack,
}

/// What the machine hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// One of a region's own requests ended.
    Request {
        /// The region.
        region: Region,
        /// The data centre that it went through.
        via: Dc,
        /// How it ended.
        outcome: RequestOutcome,
    },
    /// A data centre was probed by this process.
    Probe {
        /// The data centre.
        dc: Dc,
        /// What came of it.
        outcome: ProbeOutcome,
    },
    /// The replicas were compared, or a drop of hints was noticed.
    Compared {
        /// The data centre.
        dc: Dc,
        /// How it stands.
        standing: Standing,
    },
    /// A person acts.
    Command {
        /// On which region.
        region: Region,
        /// What.
        manual: Manual,
    },
    /// Time passed.
    Tick,
}

/// Why a region's state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum Cause {
    /// A request to home failed.
    RequestFailed {
        /// How.
        kind: ErrorKind,
    },
    /// A request to home succeeded again in time.
    Answered,
    /// Requests failed for as long as the policy allows.
    BudgetSpent {
        /// The data centre left.
        left: Dc,
        /// Requests that failed in a row.
        errors: u32,
        /// Since the first of them was sent, milliseconds.
        over_ms: u64,
    },
    /// Another region's requests, or probes, found the data centre down.
    KnownDown {
        /// The data centre left.
        left: Dc,
    },
    /// Home answers again.
    HomeReachable,
    /// Home went away again before the region was back.
    HomeLost,
    /// The hold-down is over and the replicas are equal.
    HomeEqual,
    /// Home is the only data centre left that answers.
    OnlyHomeLeft,
    /// A person asked for it.
    ByHand,
    /// A person asked for it although the replicas were not known to be equal.
    Forced,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestFailed { kind } => write!(f, "a request failed: {kind}"),
            Self::Answered => f.write_str("requests succeed again"),
            Self::BudgetSpent {
                left,
                errors,
                over_ms,
            } => write!(f, "{left}: {errors} requests failed in {over_ms} ms"),
            Self::KnownDown { left } => write!(f, "{left} is known to be down"),
            Self::HomeReachable => f.write_str("home answers again"),
            Self::HomeLost => f.write_str("home went away again"),
            Self::HomeEqual => f.write_str("hold-down over, replicas equal"),
            Self::OnlyHomeLeft => f.write_str("no other data centre answers"),
            Self::ByHand => f.write_str("by hand"),
            Self::Forced => f.write_str("forced by hand, replicas not known to be equal"),
        }
    }
}

/// A change of a region's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TransitionEvent {
    /// The region.
    pub region: Region,
    /// Before.
    pub from: RouteState,
    /// After. The next event of this region begins with it.
    pub to: RouteState,
    /// When, by the wall clock.
    pub at: DateTime<Utc>,
    /// When, since the engine started.
    pub since_start: Duration,
    /// Why.
    pub reason: Cause,
}

/// Why a person's command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "refusal")]
pub enum Refusal {
    /// The target is known to be down.
    TargetDown {
        /// The target.
        dc: Dc,
    },
    /// The region is served from there already.
    AlreadyThere {
        /// The target.
        dc: Dc,
    },
    /// The target is the region's home: that is a failback, which compares first.
    TargetIsHome,
    /// The home replica is known to differ.
    NotEqual {
        /// Home.
        dc: Dc,
        /// How it stands.
        standing: Standing,
    },
}

impl Refusal {
    /// What a person can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::TargetDown { .. } => "choose a data centre that answers, or bring this one back",
            Self::AlreadyThere { .. } => "nothing to do",
            Self::TargetIsHome => "use fail back, which waits until the replicas are equal",
            Self::NotEqual { .. } => "repair first, or force it by typing the name of the region",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetDown { dc } => write!(f, "{dc} is down"),
            Self::AlreadyThere { dc } => write!(f, "already served from {dc}"),
            Self::TargetIsHome => f.write_str("the target is the region's home"),
            Self::NotEqual { dc, standing } => match standing {
                Standing::RepairNeeded => write!(f, "{dc} needs a repair"),
                Standing::Unequal | Standing::Unknown | Standing::Equal => {
                    write!(f, "{dc} does not hold the same rows as the others")
                }
            },
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the region's requests through this data centre from now on.
    RouteVia {
        /// The region.
        region: Region,
        /// The data centre.
        dc: Dc,
    },
    /// All regions write in this way from now on.
    Write(WriteMode),
    /// Record a change of state.
    Event(TransitionEvent),
    /// Compare this replica with the others and report [`Input::Compared`].
    AskCompare {
        /// The data centre.
        dc: Dc,
    },
    /// Repair this replica, then compare.
    AskRepair {
        /// The data centre.
        dc: Dc,
    },
    /// Tell the person that the command was not carried out.
    Refuse {
        /// The region it was for.
        region: Region,
        /// Why.
        why: Refusal,
    },
}
