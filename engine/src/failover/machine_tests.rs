use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const OK: RequestOutcome = RequestOutcome::Ok {
    latency: Duration::from_millis(2),
};
const REFUSED: RequestOutcome = RequestOutcome::Error(ErrorKind::Refused);
const TIMED_OUT: RequestOutcome = RequestOutcome::Error(ErrorKind::TimedOut {
    after: Duration::from_secs(1),
});

/// A machine with a clock, and everything it said.
struct Bench {
    machine: Machine,
    policy: Policy,
    at: Duration,
    said: Vec<Action>,
}

impl Bench {
    fn new() -> Self {
        Self {
            machine: Machine::default(),
            policy: Policy::default(),
            at: Duration::ZERO,
            said: Vec::new(),
        }
    }

    fn hear(&mut self, input: Input) -> Vec<Action> {
        let now = Now {
            since_start: self.at,
            wall: DateTime::UNIX_EPOCH + self.at,
        };
        let (machine, actions) = self.machine.step(input, now, &self.policy);
        self.machine = machine;
        self.said.extend(&actions);
        actions
    }

    fn pass(&mut self, millis: u64) -> Vec<Action> {
        self.at += Duration::from_millis(millis);
        self.hear(Input::Tick)
    }

    fn request(&mut self, region: Region, outcome: RequestOutcome) -> Vec<Action> {
        let via = self.machine.serving(region);
        self.hear(Input::Request {
            region,
            via,
            outcome,
        })
    }

    fn probe(&mut self, dc: Dc, outcome: ProbeOutcome) -> Vec<Action> {
        self.hear(Input::Probe { dc, outcome })
    }

    fn command(&mut self, manual: Manual) -> Vec<Action> {
        let region = Region::Europe;
        self.hear(Input::Command { region, manual })
    }

    fn compared(&mut self, dc: Dc, standing: Standing) -> Vec<Action> {
        self.hear(Input::Compared { dc, standing })
    }

    fn lose_europe(&mut self) {
        self.request(Region::Europe, REFUSED);
        self.request(Region::Europe, REFUSED);
        assert_eq!(self.state(), RouteState::FailedOver { dc: Dc::Americas });
    }

    fn state(&self) -> RouteState {
        self.machine.state(Region::Europe)
    }
}

#[test]
fn a_data_centre_whose_hints_were_dropped_is_repaired_when_it_is_back_though_nobody_left_it() {
    let mut bench = Bench::new();
    let repair = Action::AskRepair { dc: Dc::Americas };
    bench.probe(Dc::Americas, ProbeOutcome::Failed);
    let mut said = bench.compared(Dc::Americas, Standing::RepairNeeded);
    said.extend(bench.pass(60_000));
    assert!(!said.contains(&repair), "it has not answered yet: {said:?}");
    said = bench.probe(Dc::Americas, ProbeOutcome::Answered);
    assert!(said.contains(&repair), "{said:?}");
    // Asked once, not at each step, and not again once it is equal.
    assert!(!bench.pass(1).contains(&repair));
    bench.compared(Dc::Americas, Standing::Equal);
    assert!(!bench.pass(60_000).contains(&repair));
}

#[test]
fn one_failed_request_is_a_suspicion_and_a_success_ends_it() {
    let mut bench = Bench::new();
    bench.request(Region::Europe, TIMED_OUT);
    assert_eq!(bench.state(), RouteState::Suspect);
    bench.pass(60_000);
    assert_eq!(
        bench.state(),
        RouteState::Suspect,
        "one error is not enough"
    );
    bench.request(Region::Europe, OK);
    assert_eq!(bench.state(), RouteState::Home);
}

#[test]
fn two_refusals_move_a_region_at_once() {
    let mut bench = Bench::new();
    bench.lose_europe();
    assert!(bench.said.contains(&Action::RouteVia {
        region: Region::Europe,
        dc: Dc::Americas
    }));
    assert_eq!(bench.machine.reach(Dc::Europe), Reach::Down);
    for other in [Region::Americas, Region::AsiaPacific] {
        assert_eq!(bench.machine.state(other), RouteState::Home);
    }
}

#[test]
fn timeouts_move_a_region_when_the_detection_time_is_over_and_not_before() {
    let mut bench = Bench::new();
    bench.at = Duration::from_secs(1);
    // Both were sent at 0 s and waited for 1 s.
    bench.request(Region::Europe, TIMED_OUT);
    bench.request(Region::Europe, TIMED_OUT);
    assert_eq!(bench.state(), RouteState::Suspect);
    bench.pass(499);
    assert_eq!(bench.state(), RouteState::Suspect);
    bench.pass(1);
    assert_eq!(bench.state(), RouteState::FailedOver { dc: Dc::Americas });
}

#[test]
fn a_region_moves_on_when_its_second_place_dies_too() {
    let mut bench = Bench::new();
    bench.lose_europe();
    bench.request(Region::Europe, REFUSED);
    bench.request(Region::Europe, REFUSED);
    let left = RouteState::FailedOver {
        dc: Dc::AsiaPacific,
    };
    assert_eq!(bench.state(), left);
    assert_eq!(
        bench.machine.state(Region::Americas),
        left,
        "what one region found out holds for the others"
    );
    let only = Dc::AsiaPacific;
    assert_eq!(bench.machine.write_mode(), WriteMode::Degraded { only });
    bench.probe(Dc::Americas, ProbeOutcome::Answered);
    assert_eq!(bench.machine.write_mode(), WriteMode::Full);
}

#[test]
fn too_few_replicas_do_not_make_the_only_coordinator_down() {
    let mut bench = Bench::new();
    for dc in [Dc::Americas, Dc::AsiaPacific] {
        bench.probe(dc, ProbeOutcome::Failed);
        bench.probe(dc, ProbeOutcome::Failed);
    }
    for _ in 0..10 {
        bench.pass(1_000);
        bench.request(
            Region::Europe,
            RequestOutcome::Error(ErrorKind::Unavailable),
        );
    }
    assert_eq!(bench.machine.serving(Region::Europe), Dc::Europe);
    assert_eq!(
        bench.machine.write_mode(),
        WriteMode::Degraded { only: Dc::Europe }
    );
}

#[test]
fn it_goes_home_when_the_hold_down_is_over_and_the_replicas_are_equal() {
    let mut bench = Bench::new();
    bench.lose_europe();
    bench.at = Duration::from_secs(20);
    bench.probe(Dc::Europe, ProbeOutcome::Answered);
    let waiting = RouteState::FailingBack { from: Dc::Americas };
    assert_eq!(bench.state(), waiting);
    bench.compared(Dc::Europe, Standing::Equal);
    bench.pass(4_999);
    assert_eq!(bench.state(), waiting, "the hold-down is 5 s");
    bench.pass(1);
    assert_eq!(bench.state(), RouteState::Home);
}

#[test]
fn it_does_not_go_home_to_an_unequal_replica_and_asks_for_a_repair() {
    let mut bench = Bench::new();
    bench.lose_europe();
    bench.probe(Dc::Europe, ProbeOutcome::Answered);
    assert!(
        bench
            .pass(5_000)
            .contains(&Action::AskCompare { dc: Dc::Europe })
    );
    bench.compared(Dc::Europe, Standing::Unequal);
    assert!(
        bench
            .pass(7_000)
            .contains(&Action::AskRepair { dc: Dc::Europe })
    );
    for _ in 0..100 {
        bench.pass(1_000);
        bench.compared(Dc::Europe, Standing::Unequal);
        assert_eq!(bench.machine.serving(Region::Europe), Dc::Americas);
    }
    bench.compared(Dc::Europe, Standing::Equal);
    assert_eq!(bench.state(), RouteState::Home);
}

#[test]
fn an_old_comparison_is_made_again_before_going_home() {
    let mut bench = Bench::new();
    bench.policy.hold_down = Duration::from_secs(30);
    bench.lose_europe();
    bench.probe(Dc::Europe, ProbeOutcome::Answered);
    bench.compared(Dc::Europe, Standing::Equal);
    let asked = bench.pass(30_000);
    assert!(asked.contains(&Action::AskCompare { dc: Dc::Europe }));
    assert_eq!(bench.machine.serving(Region::Europe), Dc::Americas);
}

#[test]
fn losing_home_again_soon_doubles_the_hold_down() {
    let mut bench = Bench::new();
    for round in 0..3 {
        bench.lose_europe();
        bench.probe(Dc::Europe, ProbeOutcome::Answered);
        let left = bench
            .machine
            .hold_down_left(Region::Europe, bench.at, &bench.policy);
        assert_eq!(left, Some(Duration::from_secs(5 << round)));
        bench.at += Duration::from_secs(5 << round);
        bench.compared(Dc::Europe, Standing::Equal);
        assert_eq!(bench.state(), RouteState::Home);
    }
}

#[test]
fn what_a_person_moved_stays_until_a_person_moves_it_back() {
    let mut bench = Bench::new();
    bench.command(Manual::FailOver(Dc::AsiaPacific));
    let there = RouteState::FailedOver {
        dc: Dc::AsiaPacific,
    };
    for _ in 0..50 {
        bench.pass(1_000);
        bench.probe(Dc::Europe, ProbeOutcome::Answered);
        bench.compared(Dc::Europe, Standing::Equal);
        assert_eq!(bench.state(), there);
    }
    bench.command(Manual::FailBack);
    assert_eq!(bench.state(), RouteState::Home);
}

#[test]
fn commands_that_make_no_sense_are_refused_with_the_reason() {
    let refused = |actions: Vec<Action>| {
        actions.into_iter().find_map(|action| match action {
            Action::Refuse { why, .. } => Some(why),
            Action::RouteVia { .. }
            | Action::Write(_)
            | Action::Event(_)
            | Action::AskCompare { .. }
            | Action::AskRepair { .. } => None,
        })
    };
    let mut bench = Bench::new();
    let home = Dc::Europe;
    assert_eq!(
        refused(bench.command(Manual::FailOver(home))),
        Some(Refusal::TargetIsHome)
    );
    assert_eq!(
        refused(bench.command(Manual::FailBack)),
        Some(Refusal::AlreadyThere { dc: home })
    );
    bench.lose_europe();
    assert_eq!(
        refused(bench.command(Manual::ForceFailBack)),
        Some(Refusal::TargetDown { dc: home })
    );
    bench.probe(home, ProbeOutcome::Answered);
    let standing = Standing::RepairNeeded;
    bench.compared(home, standing);
    assert_eq!(
        refused(bench.command(Manual::FailBack)),
        Some(Refusal::NotEqual { dc: home, standing })
    );
    assert_eq!(refused(bench.command(Manual::ForceFailBack)), None);
    assert_eq!(bench.state(), RouteState::Home);
}

fn dc() -> impl Strategy<Value = Dc> {
    prop::sample::select(Dc::ALL.to_vec())
}

fn region() -> impl Strategy<Value = Region> {
    prop::sample::select(Region::ALL.to_vec())
}

fn outcome() -> impl Strategy<Value = RequestOutcome> {
    prop_oneof![
        2 => Just(OK),
        2 => Just(REFUSED),
        2 => Just(TIMED_OUT),
        1 => Just(RequestOutcome::Error(ErrorKind::Unavailable)),
        1 => Just(RequestOutcome::Error(ErrorKind::Broken)),
    ]
}

fn automatic_input() -> impl Strategy<Value = Input> {
    let standing = prop::sample::select(vec![
        Standing::Equal,
        Standing::Equal,
        Standing::Unequal,
        Standing::RepairNeeded,
        Standing::Unknown,
    ]);
    let probe = prop::sample::select(vec![ProbeOutcome::Answered, ProbeOutcome::Failed]);
    prop_oneof![
        4 => (region(), dc(), outcome())
            .prop_map(|(region, via, outcome)| Input::Request { region, via, outcome }),
        3 => (dc(), probe).prop_map(|(dc, outcome)| Input::Probe { dc, outcome }),
        2 => (dc(), standing).prop_map(|(dc, standing)| Input::Compared { dc, standing }),
        2 => Just(Input::Tick),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    let manual = prop_oneof![
        dc().prop_map(Manual::FailOver),
        Just(Manual::FailBack),
        Just(Manual::ForceFailBack),
    ];
    prop_oneof![
        10 => automatic_input(),
        1 => (region(), manual).prop_map(|(region, manual)| Input::Command { region, manual }),
    ]
}

fn run(inputs: &[(u64, Input)], mut check: impl FnMut(&Bench)) -> Bench {
    let mut bench = Bench::new();
    for (millis, input) in inputs {
        bench.at += Duration::from_millis(*millis);
        bench.hear(*input);
        check(&bench);
    }
    bench
}

fn events(bench: &Bench, region: Region) -> Vec<TransitionEvent> {
    bench
        .said
        .iter()
        .filter_map(|action| match action {
            Action::Event(event) => Some(*event),
            Action::RouteVia { .. }
            | Action::Write(_)
            | Action::AskCompare { .. }
            | Action::AskRepair { .. }
            | Action::Refuse { .. } => None,
        })
        .filter(|event| event.region == region)
        .collect()
}

proptest! {
    #[test]
    fn no_region_is_routed_to_a_dead_data_centre_while_another_lives(
        inputs in prop::collection::vec((0_u64..3_000, any_input()), 1..200)
    ) {
        run(&inputs, |bench| {
            for region in Region::ALL {
                let serving = bench.machine.serving(region);
                let reachable = bench.machine.reachable();
                assert!(
                    reachable.contains(serving) || reachable.is_empty(),
                    "{region} through {serving}, reachable {reachable:?}"
                );
            }
        });
    }

    #[test]
    fn events_form_a_chain_and_agree_with_the_state(
        inputs in prop::collection::vec((0_u64..3_000, any_input()), 1..200)
    ) {
        let bench = run(&inputs, |_| {});
        for region in Region::ALL {
            let mut state = RouteState::Home;
            for event in events(&bench, region) {
                prop_assert_eq!(event.from, state);
                prop_assert_ne!(event.from, event.to);
                state = event.to;
            }
            prop_assert_eq!(state, bench.machine.state(region));
        }
    }

    #[test]
    fn returns_home_are_at_least_a_hold_down_after_leaving(
        inputs in prop::collection::vec((0_u64..2_000, automatic_input()), 1..300)
    ) {
        let bench = run(&inputs, |_| {});
        for region in Region::ALL {
            let mut left = Duration::ZERO;
            for event in events(&bench, region) {
                let home = region.home();
                let (old, new) = (event.from.serving(region), event.to.serving(region));
                if old == home && new != home {
                    left = event.since_start;
                }
                if event.reason == Cause::HomeEqual {
                    prop_assert!(event.since_start.saturating_sub(left) >= bench.policy.hold_down);
                }
            }
        }
    }

    #[test]
    fn it_returns_home_when_home_stays_healthy_and_equal(
        inputs in prop::collection::vec((0_u64..2_000, automatic_input()), 0..200)
    ) {
        let mut bench = run(&inputs, |_| {});
        // Longer than the longest hold-down.
        for _ in 0..200 {
            bench.at += Duration::from_secs(1);
            for region in Region::ALL {
                bench.request(region, OK);
            }
            for dc in Dc::ALL {
                bench.probe(dc, ProbeOutcome::Answered);
                let asked = bench.pass(0);
                for action in asked {
                    if let Action::AskCompare { dc } | Action::AskRepair { dc } = action {
                        bench.compared(dc, Standing::Equal);
                    }
                }
                bench.compared(dc, Standing::Equal);
            }
        }
        for region in Region::ALL {
            prop_assert_eq!(bench.machine.state(region), RouteState::Home);
        }
        prop_assert_eq!(bench.machine.write_mode(), WriteMode::Full);
    }
}
