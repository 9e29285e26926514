//! From what was seen to the events of a timeline: pure, so that it can be checked with made-up
//! requests.

use std::collections::BTreeMap;
use std::time::Duration;

use super::traffic::{End, Request, Weight};
use crate::failover::drill::Phase;
use crate::failover::predict::{Access, CellKey};
use crate::failover::{RouteState, TransitionEvent};
use crate::model::{PerRegion, Region};

/// The time in which the faults were in force, by the engine's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// When the first was put in force.
    pub(super) from: Duration,
    /// When the last was removed.
    pub(super) to: Duration,
}

/// How one region left its home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    /// The first time.
    pub(super) detected: TransitionEvent,
    /// The last time: it may find that its next place is down too.
    pub(super) settled: TransitionEvent,
}

/// How each region moved during the faults.
pub(super) fn moves(transitions: &[TransitionEvent], window: Window) -> PerRegion<Option<Move>> {
    PerRegion::from_fn(|region| {
        let mut away = transitions.iter().filter(|event| {
            event.region == region
                && matches!(event.to, RouteState::FailedOver { .. })
                && (window.from..=window.to).contains(&event.since_start)
        });
        let detected = *away.next()?;
        Some(Move {
            detected,
            settled: away.next_back().copied().unwrap_or(detected),
        })
    })
}

/// Requests that were made during the faults: those that ended well and those that failed, per
/// cell and phase.
pub(super) fn counts(
    requests: &[Request],
    window: Window,
    moves: &PerRegion<Option<Move>>,
) -> BTreeMap<(CellKey, bool), (u64, u64)> {
    let mut counts = BTreeMap::new();
    let inside = |r: &&Request| (window.from..window.to).contains(&r.began);
    for request in requests.iter().filter(inside) {
        let end = match (request.end, request.ended <= window.to) {
            (End::Ok, true) => End::Ok,
            // It was not acknowledged while the fault lasted, but perhaps it had no chance.
            (End::Ok, false) if request.failed_attempts == 0 => continue,
            (End::Ok, false) | (End::Failed, _) => End::Failed,
        };
        let after = moves[request.key.region]
            .is_some_and(|moved| request.began >= moved.settled.since_start);
        let (ok, failed) = counts.entry((request.key, after)).or_insert((0, 0));
        match end {
            End::Ok => *ok += 1,
            End::Failed => *failed += 1,
        }
    }
    counts
}

/// The phase of a key of [`counts`].
pub(super) const fn phase(is_after: bool) -> Phase {
    if is_after {
        Phase::AfterSwitch
    } else {
        Phase::BeforeSwitch
    }
}

/// When writes of a region that the product waits for were acknowledged, in order.
fn acknowledged(requests: &[Request], region: Region) -> impl Iterator<Item = &Request> {
    requests.iter().filter(move |request| {
        request.key.region == region
            && request.key.access == Access::Write
            && request.weight == Weight::Route
            && request.end == End::Ok
    })
}

/// The first acknowledgement of a write that was sent at `since` or later.
pub(super) fn first_success(
    requests: &[Request],
    region: Region,
    since: Duration,
) -> Option<Duration> {
    acknowledged(requests, region)
        .filter(|request| request.sent >= since)
        .map(|request| request.ended)
        .min()
}

/// The longest time without an acknowledgement in a region that overlaps the faults.
pub(super) fn longest_stall(
    requests: &[Request],
    region: Region,
    window: Window,
    end: Duration,
) -> Option<Duration> {
    let mut times: Vec<_> = acknowledged(requests, region).map(|r| r.ended).collect();
    if times.is_empty() {
        return None;
    }
    times.push(end.max(window.to));
    times.sort_unstable();
    times
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] if *b >= window.from && *a <= window.to => b.checked_sub(*a),
            _ => None,
        })
        .max()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::failover::state::Cause;
    use crate::model::{ConsistencyLevel, Dc};

    const WINDOW: Window = Window {
        from: Duration::from_secs(10),
        to: Duration::from_secs(14),
    };

    fn request(began: u64, ended: u64, failed_attempts: u32, end: End) -> Request {
        Request {
            key: CellKey {
                region: Region::Europe,
                access: Access::Write,
                level: ConsistencyLevel::Quorum,
            },
            began: Duration::from_millis(began),
            sent: Duration::from_millis(began),
            ended: Duration::from_millis(ended),
            failed_attempts,
            end,
            weight: Weight::Route,
        }
    }

    fn moved(millis: u64, to: RouteState) -> TransitionEvent {
        TransitionEvent {
            region: Region::Europe,
            from: RouteState::Home,
            to,
            at: DateTime::UNIX_EPOCH,
            since_start: Duration::from_millis(millis),
            reason: Cause::ByHand,
        }
    }

    #[test]
    fn only_requests_of_the_fault_count_and_each_in_its_phase() {
        let away = RouteState::FailedOver { dc: Dc::Americas };
        let moves = moves(&[moved(9_000, away), moved(11_000, away)], WINDOW);
        assert_eq!(moves[Region::Europe].unwrap().detected, moved(11_000, away));
        assert_eq!(moves[Region::Americas], None);
        let requests = [
            request(9_990, 10_010, 0, End::Ok),
            request(10_100, 11_100, 3, End::Ok),
            request(10_200, 13_200, 9, End::Failed),
            request(11_000, 11_010, 0, End::Ok),
            request(13_000, 14_100, 2, End::Ok),
            request(13_990, 14_010, 0, End::Ok),
            request(14_000, 14_010, 0, End::Ok),
        ];
        let counts = counts(&requests, WINDOW, &moves);
        let found: Vec<_> = counts.iter().map(|((_, after), n)| (*after, *n)).collect();
        assert_eq!(found, [(false, (1, 1)), (true, (1, 1))]);
    }

    #[test]
    fn a_second_move_is_where_the_region_settles() {
        let first = RouteState::FailedOver { dc: Dc::Americas };
        let then = RouteState::FailedOver {
            dc: Dc::AsiaPacific,
        };
        let back = RouteState::FailingBack { from: Dc::Americas };
        let events = [
            moved(10_100, first),
            moved(10_300, then),
            moved(13_000, back),
        ];
        let found = moves(&events, WINDOW)[Region::Europe].unwrap();
        assert_eq!(found.detected, events[0]);
        assert_eq!(found.settled, events[1]);
    }

    #[test]
    fn a_stall_is_a_gap_between_acknowledgements_that_touches_the_fault() {
        let acks =
            [1_000, 9_900, 10_400, 13_900, 14_100, 20_000].map(|at| request(at, at, 0, End::Ok));
        let stall = |acks: &[Request], end| {
            longest_stall(acks, Region::Europe, WINDOW, Duration::from_millis(end))
        };
        assert_eq!(stall(&acks, 20_000), Some(Duration::from_millis(3_500)));
        assert_eq!(stall(&acks[..2], 19_900), Some(Duration::from_secs(10)));
        assert_eq!(stall(&[], 20_000), None);
    }

    #[test]
    fn the_first_success_was_sent_after_the_switch() {
        let requests = [
            request(10_000, 11_500, 0, End::Ok),
            request(11_200, 11_300, 0, End::Failed),
            request(11_400, 11_450, 0, End::Ok),
        ];
        let since = Duration::from_secs(11);
        assert_eq!(
            first_success(&requests, Region::Europe, since),
            Some(Duration::from_millis(11_450))
        );
    }
}
