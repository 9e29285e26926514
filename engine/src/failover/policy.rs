//! The numbers of the failover, and the level that writes ask for.

use std::time::Duration;

use serde::Serialize;

use crate::model::{ConsistencyLevel, Dc, DcSet, PerRegion, Region};

/// When a region leaves its data centre, where it goes, and when it may come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Refused requests in a row after which a data centre counts as down, at once: a refusal is
    /// an answer, there is nothing to wait for.
    pub refusals: u32,
    /// Other failed requests in a row that are needed before `detect_after` counts.
    pub errors: u32,
    /// How long requests must have failed without one success; counted from the *sending* of the
    /// first that failed. Cassandra's gossip needs some 14 s to notice the same.
    pub detect_after: Duration,
    /// Failed probes in a row after which a data centre that no request goes to counts as down.
    pub probe_failures: u32,
    /// How long home must have been reachable, and the region away, before it goes back.
    pub hold_down: Duration,
    /// The hold-down doubles with each failover that follows a return too soon, up to this.
    pub hold_down_max: Duration,
    /// A failover this soon after a return is a flap.
    pub flap_window: Duration,
    /// How often the replicas are compared while a region waits to go home.
    pub compare_every: Duration,
    /// How old a comparison may be that a return home rests on.
    pub equal_valid: Duration,
    /// How long a returned replica may stay unequal before a repair is asked for. Hints are
    /// handed over up to 10 s after a return, and until then inequality is to be expected.
    pub repair_after: Duration,
    /// Where a region goes, best first.
    pub preference: PerRegion<[Dc; 2]>,
    /// Whether writes go on when only one data centre is left.
    pub single_dc: SingleDc,
}

/// What happens to writes when one data centre is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleDc {
    /// They go on at `LOCAL_QUORUM`, and committed offsets are held back.
    Degrade,
    /// They wait for a second data centre.
    Stop,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refusals: 2,
            errors: 2,
            detect_after: Duration::from_millis(1_500),
            probe_failures: 2,
            hold_down: Duration::from_secs(5),
            hold_down_max: Duration::from_mins(2),
            flap_window: Duration::from_mins(1),
            compare_every: Duration::from_secs(2),
            equal_valid: Duration::from_secs(10),
            repair_after: Duration::from_secs(12),
            preference: PerRegion::from_fn(preferred),
            single_dc: SingleDc::Degrade,
        }
    }
}

/// The nearest data centre first.
const fn preferred(region: Region) -> [Dc; 2] {
    match region {
        Region::Europe => [Dc::Americas, Dc::AsiaPacific],
        Region::Americas => [Dc::Europe, Dc::AsiaPacific],
        Region::AsiaPacific => [Dc::Europe, Dc::Americas],
    }
}

impl Policy {
    /// The hold-down after `flaps` flaps in a row.
    pub fn hold_down_after(&self, flaps: u32) -> Duration {
        let factor = 2_u32.saturating_pow(flaps.min(16));
        self.hold_down
            .saturating_mul(factor)
            .min(self.hold_down_max.max(self.hold_down))
    }
}

/// How lines are written just now, by all regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "mode")]
pub enum WriteMode {
    /// At `QUORUM`; offsets are committed.
    Full,
    /// One data centre is left: `LOCAL_QUORUM`, and the committed offsets stay where they are, so
    /// that everything written now is read and written again when a second one is back.
    Degraded {
        /// The one that is left.
        only: Dc,
    },
    /// No data centre can be written to, or one is not enough by policy. Lines wait in the log.
    Stopped,
}

/// Whether a consumer may commit what it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Commits {
    /// As soon as the write is acknowledged.
    Allowed,
    /// Not until the quorum is back.
    HeldBack,
}

impl WriteMode {
    /// The mode for the data centres that can be reached.
    pub fn for_reachable(reachable: DcSet, single: SingleDc) -> Self {
        match (reachable.len(), single, reachable.iter().next()) {
            (0, _, _) | (_, _, None) | (1, SingleDc::Stop, _) => Self::Stopped,
            (1, SingleDc::Degrade, Some(only)) => Self::Degraded { only },
            (_, SingleDc::Degrade | SingleDc::Stop, Some(_)) => Self::Full,
        }
    }

    /// The level to write at; `None` while writes wait.
    pub const fn level(self) -> Option<ConsistencyLevel> {
        match self {
            Self::Full => Some(ConsistencyLevel::Quorum),
            Self::Degraded { .. } => Some(ConsistencyLevel::LocalQuorum),
            Self::Stopped => None,
        }
    }

    /// Whether offsets may be committed.
    pub const fn commits(self) -> Commits {
        match self {
            Self::Full => Commits::Allowed,
            Self::Degraded { .. } | Self::Stopped => Commits::HeldBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_strongest_that_the_reachable_data_centres_can_meet() {
        for reachable in DcSet::subsets() {
            let mode = WriteMode::for_reachable(reachable, SingleDc::Degrade);
            let expect = match reachable.len() {
                0 => None,
                1 => Some(ConsistencyLevel::LocalQuorum),
                _ => Some(ConsistencyLevel::Quorum),
            };
            assert_eq!(mode.level(), expect, "{reachable:?}");
            assert_eq!(
                mode.commits() == Commits::Allowed,
                reachable.len() >= 2,
                "{reachable:?}"
            );
            if let Some(level) = mode.level() {
                assert!(
                    reachable
                        .iter()
                        .all(|via| level.satisfied_by(reachable, via))
                );
            }
        }
        let one = DcSet::NONE.with(Dc::Americas);
        assert_eq!(
            WriteMode::for_reachable(one, SingleDc::Stop),
            WriteMode::Stopped
        );
    }

    #[test]
    fn the_hold_down_doubles_up_to_its_limit() {
        let policy = Policy::default();
        let secs: Vec<u64> = (0..7)
            .map(|n| policy.hold_down_after(n).as_secs())
            .collect();
        assert_eq!(secs, [5, 10, 20, 40, 80, 120, 120]);
        assert_eq!(policy.hold_down_after(u32::MAX), policy.hold_down_max);
    }

    #[test]
    fn no_region_prefers_its_own_home() {
        let policy = Policy::default();
        for (region, list) in policy.preference.iter() {
            assert!(!list.contains(&region.home()), "{region}");
            assert_ne!(list[0], list[1], "{region}");
        }
    }
}
