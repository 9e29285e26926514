//! The failover machine: `(state, input, now) -> (state, actions)`.
//!
//! One machine for all three regions: what one region's requests find out about a data centre
//! holds for the others too, and how strongly writes can be acknowledged is a property of the
//! whole. What is per region is the route, its errors and its hold-down.
//!
//! Rules:
//! * A region leaves a data centre because its own requests fail, or because this process knows
//!   from other requests and probes that it is down. Leaving never waits for a hold-down.
//! * It goes home by itself only when home has been reachable, and the region away, for the
//!   hold-down, and a comparison no older than [`Policy::equal_valid`] found the replicas equal.
//! * What a person moved stays until a person moves it back, or the place fails.
//! * A data centre whose hints were dropped is repaired before its region goes home, and as soon as
//!   it answers where its region never left.
//! * It is never routed to a data centre known to be down while another one is not.

use std::time::Duration;

use super::policy::{Policy, WriteMode};
use super::state::{
    Action, Cause, ErrorKind, Input, Manual, Now, ProbeOutcome, Refusal, RequestOutcome,
    RouteState, Standing, TransitionEvent,
};
use crate::model::{Dc, DcSet, PerDc, PerRegion, Region};

/// Whether this process can reach a data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Nothing was asked of it yet; it may be used.
    #[default]
    Unknown,
    /// Its last answer was one.
    Up,
    /// Requests or probes spent their budget on it.
    Down,
}

/// What is known of a data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Evidence {
    reach: Reach,
    /// When `reach` became what it is.
    since: Duration,
    failed_probes: u32,
    standing: Standing,
    standing_at: Duration,
    compare_asked: Option<Duration>,
    repair_asked: Option<Duration>,
}

/// Failed requests in a row of one region at the data centre that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Strikes {
    refusals: u32,
    /// Refusals and time-outs: the data centre itself does not do its work.
    hard: u32,
    /// It answers, but cannot do what was asked.
    soft: u32,
    /// When the first of them was sent.
    first: Option<Duration>,
}

/// What strikes amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spent {
    /// The data centre is down.
    Dead,
    /// It is there and does not help; another coordinator may.
    Useless,
}

/// Whether the hold-down applies to the next return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Applies,
    Waived,
}

/// Who decided where a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Automatically,
    ByHand,
}

/// One region's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Route {
    state: RouteState,
    strikes: Strikes,
    placed: Placed,
    hold: Hold,
    /// When it last left home.
    away_since: Duration,
    /// When it last changed data centres.
    moved_at: Option<Duration>,
    returned_at: Option<Duration>,
    flaps: u32,
}

/// The state of all routes. A value: `step` makes the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    routes: PerRegion<Route>,
    evidence: PerDc<Evidence>,
    write_mode: WriteMode,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            routes: PerRegion::from_fn(|_| Route {
                state: RouteState::Home,
                strikes: Strikes::default(),
                placed: Placed::Automatically,
                hold: Hold::Applies,
                away_since: Duration::ZERO,
                moved_at: None,
                returned_at: None,
                flaps: 0,
            }),
            evidence: PerDc::from_fn(|_| Evidence {
                reach: Reach::Unknown,
                since: Duration::ZERO,
                failed_probes: 0,
                standing: Standing::Unknown,
                standing_at: Duration::ZERO,
                compare_asked: None,
                repair_asked: None,
            }),
            write_mode: WriteMode::Full,
        }
    }
}

impl Machine {
    /// The state of a region.
    pub fn state(&self, region: Region) -> RouteState {
        self.routes[region].state
    }

    /// The data centre that serves a region.
    pub fn serving(&self, region: Region) -> Dc {
        self.routes[region].state.serving(region)
    }

    /// What this process knows of reaching a data centre.
    pub fn reach(&self, dc: Dc) -> Reach {
        self.evidence[dc].reach
    }

    /// How a replica stood when last compared.
    pub fn standing(&self, dc: Dc) -> Standing {
        self.evidence[dc].standing
    }

    /// Data centres not known to be down.
    pub fn reachable(&self) -> DcSet {
        self.evidence
            .iter()
            .filter(|(_, e)| e.reach != Reach::Down)
            .map(|(dc, _)| dc)
            .collect()
    }

    /// How writes are done.
    pub const fn write_mode(&self) -> WriteMode {
        self.write_mode
    }

    /// How long until the hold-down of a region that is away is over; `None` when it is not away
    /// or home does not answer.
    pub fn hold_down_left(
        &self,
        region: Region,
        now: Duration,
        policy: &Policy,
    ) -> Option<Duration> {
        let route = &self.routes[region];
        match route.state {
            RouteState::FailingBack { .. } => Some(self.hold_left(region, now, policy)),
            RouteState::Home | RouteState::Suspect | RouteState::FailedOver { .. } => None,
        }
    }

    /// The state after an input, and what is to be done.
    #[must_use]
    pub fn step(&self, input: Input, now: Now, policy: &Policy) -> (Self, Vec<Action>) {
        let mut step = Step {
            machine: self.clone(),
            actions: Vec::new(),
            now,
            policy,
        };
        step.hear(input);
        for region in Region::ALL {
            step.judge_strikes(region);
        }
        for region in Region::ALL {
            step.leave_if_down(region);
            step.go_home_if_ready(region);
        }
        for region in Region::ALL {
            step.mend_at_home(region);
        }
        step.choose_write_mode();
        (step.machine, step.actions)
    }

    fn is_down(&self, dc: Dc) -> bool {
        self.evidence[dc].reach == Reach::Down
    }

    fn hold_left(&self, region: Region, now: Duration, policy: &Policy) -> Duration {
        let route = &self.routes[region];
        match route.hold {
            Hold::Waived => Duration::ZERO,
            Hold::Applies => {
                let from = self.evidence[region.home()].since.max(route.away_since);
                policy
                    .hold_down_after(route.flaps)
                    .saturating_sub(now.saturating_sub(from))
            }
        }
    }

    /// The best place for a region other than where it is, among those not known to be down.
    fn next_place(&self, region: Region, policy: &Policy) -> Option<Dc> {
        let serving = self.serving(region);
        let [first, second] = policy.preference[region];
        [first, second, region.home()]
            .into_iter()
            .find(|dc| *dc != serving && !self.is_down(*dc))
    }
}

impl Strikes {
    fn add(&mut self, kind: ErrorKind, now: Duration) {
        let sent = match kind {
            ErrorKind::TimedOut { after } => {
                self.hard += 1;
                now.saturating_sub(after)
            }
            ErrorKind::Refused => {
                self.refusals += 1;
                self.hard += 1;
                now
            }
            ErrorKind::Unavailable | ErrorKind::Broken => {
                self.soft += 1;
                now
            }
        };
        self.first = Some(self.first.map_or(sent, |first| first.min(sent)));
    }

    fn over(&self, now: Duration) -> Duration {
        self.first
            .map_or(Duration::ZERO, |first| now.saturating_sub(first))
    }

    fn spent(&self, now: Duration, policy: &Policy) -> Option<Spent> {
        let long_enough = self.over(now) >= policy.detect_after;
        if self.refusals >= policy.refusals || (self.hard >= policy.errors && long_enough) {
            Some(Spent::Dead)
        } else if self.hard + self.soft >= policy.errors && long_enough {
            Some(Spent::Useless)
        } else {
            None
        }
    }
}

/// One step being made.
struct Step<'a> {
    machine: Machine,
    actions: Vec<Action>,
    now: Now,
    policy: &'a Policy,
}

impl Step<'_> {
    fn hear(&mut self, input: Input) {
        match input {
            Input::Request {
                region,
                via,
                outcome,
            } => self.hear_request(region, via, outcome),
            Input::Probe { dc, outcome } => match outcome {
                ProbeOutcome::Answered => self.mark_up(dc),
                ProbeOutcome::Failed => {
                    let evidence = &mut self.machine.evidence[dc];
                    evidence.failed_probes += 1;
                    if evidence.failed_probes >= self.policy.probe_failures {
                        self.mark_down(dc);
                    }
                }
            },
            Input::Compared { dc, standing } => {
                let evidence = &mut self.machine.evidence[dc];
                evidence.standing = standing;
                evidence.standing_at = self.now.since_start;
            }
            Input::Command { region, manual } => self.obey(region, manual),
            Input::Tick => {}
        }
    }

    fn hear_request(&mut self, region: Region, via: Dc, outcome: RequestOutcome) {
        let serving = self.machine.serving(region) == via;
        let state = self.machine.state(region);
        match outcome {
            RequestOutcome::Ok { latency: _ } => {
                self.mark_up(via);
                if serving {
                    self.machine.routes[region].strikes = Strikes::default();
                    if state == RouteState::Suspect {
                        self.enter(region, RouteState::Home, Cause::Answered);
                    }
                }
            }
            // An answer from a place that the region has left says nothing about the present one.
            RequestOutcome::Error(_) if !serving => {}
            RequestOutcome::Error(kind) => {
                self.machine.routes[region]
                    .strikes
                    .add(kind, self.now.since_start);
                if state == RouteState::Home {
                    self.enter(region, RouteState::Suspect, Cause::RequestFailed { kind });
                }
            }
        }
    }

    fn mark_up(&mut self, dc: Dc) {
        let evidence = &mut self.machine.evidence[dc];
        evidence.failed_probes = 0;
        if evidence.reach != Reach::Up {
            evidence.reach = Reach::Up;
            evidence.since = self.now.since_start;
            Self::forget_comparison(evidence);
        }
    }

    fn mark_down(&mut self, dc: Dc) {
        let evidence = &mut self.machine.evidence[dc];
        if evidence.reach != Reach::Down {
            evidence.reach = Reach::Down;
            evidence.since = self.now.since_start;
            Self::forget_comparison(evidence);
        }
    }

    /// What was found before an absence says nothing after it, except that hints were dropped.
    fn forget_comparison(evidence: &mut Evidence) {
        evidence.compare_asked = None;
        evidence.repair_asked = None;
        if evidence.standing != Standing::RepairNeeded {
            evidence.standing = Standing::Unknown;
        }
    }

    /// Calls a data centre down, or leaves it, when a region's requests have failed long enough.
    fn judge_strikes(&mut self, region: Region) {
        let now = self.now.since_start;
        let route = self.machine.routes[region];
        let left = self.machine.serving(region);
        let cause = Cause::BudgetSpent {
            left,
            errors: route.strikes.hard + route.strikes.soft,
            over_ms: millis(route.strikes.over(now)),
        };
        match route.strikes.spent(now, self.policy) {
            None => {}
            Some(Spent::Dead) => {
                self.mark_down(left);
                self.leave(region, cause);
            }
            Some(Spent::Useless) => {
                // Where every coordinator sees too few replicas, moving about helps nobody.
                let hold = self.policy.hold_down_after(route.flaps);
                let settled = route
                    .moved_at
                    .is_none_or(|at| now.saturating_sub(at) >= hold);
                if settled {
                    self.leave(region, cause);
                }
            }
        }
    }

    fn leave_if_down(&mut self, region: Region) {
        let left = self.machine.serving(region);
        if self.machine.is_down(left) {
            self.leave(region, Cause::KnownDown { left });
        }
    }

    /// Moves to the next place, if there is one.
    fn leave(&mut self, region: Region, cause: Cause) {
        let Some(dc) = self.machine.next_place(region, self.policy) else {
            return;
        };
        self.machine.routes[region].placed = Placed::Automatically;
        self.machine.routes[region].hold = Hold::Applies;
        if dc == region.home() {
            self.enter(region, RouteState::Home, Cause::OnlyHomeLeft);
        } else {
            self.enter(region, RouteState::FailedOver { dc }, cause);
        }
    }

    fn go_home_if_ready(&mut self, region: Region) {
        let home = region.home();
        let route = self.machine.routes[region];
        if let RouteState::FailedOver { dc } = route.state
            && route.placed == Placed::Automatically
            && self.machine.reach(home) == Reach::Up
        {
            let waiting = RouteState::FailingBack { from: dc };
            self.enter(region, waiting, Cause::HomeReachable);
        }
        let RouteState::FailingBack { from } = self.machine.state(region) else {
            return;
        };
        if self.machine.is_down(home) {
            let lost = RouteState::FailedOver { dc: from };
            self.enter(region, lost, Cause::HomeLost);
            return;
        }
        let now = self.now.since_start;
        if self.machine.hold_left(region, now, self.policy) > Duration::ZERO {
            return;
        }
        let evidence = self.machine.evidence[home];
        let fresh = now.saturating_sub(evidence.standing_at) <= self.policy.equal_valid;
        match evidence.standing {
            Standing::Equal if fresh => self.enter(region, RouteState::Home, Cause::HomeEqual),
            Standing::RepairNeeded => self.ask_repair(home),
            Standing::Unequal if now.saturating_sub(evidence.since) >= self.policy.repair_after => {
                self.ask_repair(home);
            }
            Standing::Equal | Standing::Unequal | Standing::Unknown => self.ask_compare(home),
        }
    }

    /// A region that never left, because the absence was short or it had nothing to send, has no
    /// return before which its data centre would be repaired: it is repaired once it answers.
    fn mend_at_home(&mut self, region: Region) {
        let home = region.home();
        let at_home = matches!(
            self.machine.state(region),
            RouteState::Home | RouteState::Suspect
        );
        let needs_repair = self.machine.evidence[home].standing == Standing::RepairNeeded;
        if at_home && needs_repair && self.machine.reach(home) == Reach::Up {
            self.ask_repair(home);
        }
    }

    fn ask_compare(&mut self, dc: Dc) {
        let now = self.now.since_start;
        let asked = &mut self.machine.evidence[dc].compare_asked;
        if asked.is_none_or(|at| now.saturating_sub(at) >= self.policy.compare_every) {
            *asked = Some(now);
            self.actions.push(Action::AskCompare { dc });
        }
    }

    fn ask_repair(&mut self, dc: Dc) {
        let now = self.now.since_start;
        let asked = &mut self.machine.evidence[dc].repair_asked;
        if asked.is_none_or(|at| now.saturating_sub(at) >= self.policy.repair_after) {
            *asked = Some(now);
            self.actions.push(Action::AskRepair { dc });
        } else {
            self.ask_compare(dc);
        }
    }

    fn obey(&mut self, region: Region, manual: Manual) {
        let refusal = match manual {
            Manual::FailOver(dc) => self.fail_over_by_hand(region, dc),
            Manual::FailBack => self.fail_back_by_hand(region),
            Manual::ForceFailBack => self.force_home(region),
        };
        if let Err(why) = refusal {
            self.actions.push(Action::Refuse { region, why });
        }
    }

    fn fail_over_by_hand(&mut self, region: Region, dc: Dc) -> Result<(), Refusal> {
        if dc == region.home() {
            return Err(Refusal::TargetIsHome);
        }
        let target = RouteState::FailedOver { dc };
        if self.machine.state(region) == target {
            self.machine.routes[region].placed = Placed::ByHand;
            return Err(Refusal::AlreadyThere { dc });
        }
        if self.machine.is_down(dc) {
            return Err(Refusal::TargetDown { dc });
        }
        self.machine.routes[region].placed = Placed::ByHand;
        self.machine.routes[region].hold = Hold::Applies;
        self.enter(region, target, Cause::ByHand);
        Ok(())
    }

    fn fail_back_by_hand(&mut self, region: Region) -> Result<(), Refusal> {
        let dc = region.home();
        let from = self.away_from(region)?;
        let standing = self.machine.standing(dc);
        match standing {
            Standing::Unequal | Standing::RepairNeeded => {
                return Err(Refusal::NotEqual { dc, standing });
            }
            Standing::Equal | Standing::Unknown => {}
        }
        self.machine.routes[region].placed = Placed::Automatically;
        self.machine.routes[region].hold = Hold::Waived;
        let waiting = RouteState::FailingBack { from };
        if self.machine.state(region) != waiting {
            self.enter(region, waiting, Cause::ByHand);
        }
        Ok(())
    }

    fn force_home(&mut self, region: Region) -> Result<(), Refusal> {
        self.away_from(region)?;
        self.machine.routes[region].placed = Placed::Automatically;
        self.enter(region, RouteState::Home, Cause::Forced);
        Ok(())
    }

    /// The place that serves a region which is not at home, and whose home may be used.
    fn away_from(&self, region: Region) -> Result<Dc, Refusal> {
        let dc = region.home();
        let from = self.machine.serving(region);
        if from == dc {
            Err(Refusal::AlreadyThere { dc })
        } else if self.machine.is_down(dc) {
            Err(Refusal::TargetDown { dc })
        } else {
            Ok(from)
        }
    }

    /// The one place where a state changes: records it, and routes when the place changes.
    fn enter(&mut self, region: Region, to: RouteState, reason: Cause) {
        let now = self.now.since_start;
        let route = &mut self.machine.routes[region];
        let from = route.state;
        let (old, new) = (from.serving(region), to.serving(region));
        route.state = to;
        if old != new {
            route.strikes = Strikes::default();
            route.moved_at = Some(now);
            if new == region.home() {
                route.returned_at = Some(now);
                route.hold = Hold::Applies;
            } else if old == region.home() {
                route.away_since = now;
                let flapped = route
                    .returned_at
                    .is_some_and(|at| now.saturating_sub(at) < self.policy.flap_window);
                route.flaps = if flapped { route.flaps + 1 } else { 0 };
            }
            self.actions.push(Action::RouteVia { region, dc: new });
        }
        self.actions.push(Action::Event(TransitionEvent {
            region,
            from,
            to,
            at: self.now.wall,
            since_start: now,
            reason,
        }));
    }

    fn choose_write_mode(&mut self) {
        let mode = WriteMode::for_reachable(self.machine.reachable(), self.policy.single_dc);
        if mode != self.machine.write_mode {
            self.machine.write_mode = mode;
            self.actions.push(Action::Write(mode));
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
