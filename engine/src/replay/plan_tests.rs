use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;

use super::{Strategy, *};
use crate::model::{EndOffset, Region, Topic};

const TOPIC: Topic = Topic::Lines(Region::Europe);
const COST: Cost = Cost {
    bytes_per_line: 100,
    lines_per_sec: Some(10.0),
};

/// A log as the reference model has it: every readable line of a partition, with the second of
/// its append and its load, from offset `begin` on.
#[derive(Debug, Clone)]
struct Model {
    begin: u64,
    lines: Vec<(i64, u64)>,
    committed: Option<u64>,
}

impl Model {
    fn end(&self) -> u64 {
        self.begin + self.lines.len() as u64
    }

    fn offsets_where(&self, holds: impl Fn(&(i64, u64)) -> bool) -> Option<u64> {
        (self.begin..)
            .zip(&self.lines)
            .find(|(_, l)| holds(l))
            .map(|(o, _)| o)
    }

    /// Offsets that a group standing at `at` would still read.
    fn unread(&self, at: u64) -> Vec<u64> {
        (self.begin..self.end()).filter(|o| *o >= at).collect()
    }
}

struct Models(Vec<Model>);

impl Lookup for Models {
    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Option<Offset> {
        let model = &self.0[usize::from(partition.partition.0)];
        let found = model.offsets_where(|(second, _)| *second >= at.timestamp());
        Some(Offset(found.unwrap_or(model.end())))
    }

    fn load_start(&self, partition: TopicPartition, load: LoadId) -> Option<Offset> {
        let model = &self.0[usize::from(partition.partition.0)];
        model.offsets_where(|(_, l)| *l == load.0).map(Offset)
    }
}

impl Models {
    fn group(&self) -> GroupNow {
        (0_u16..)
            .zip(&self.0)
            .map(|(n, model)| {
                let now = PartitionNow {
                    offsets: PartitionOffsets {
                        begin: Offset(model.begin),
                        end: EndOffset(model.end()),
                    },
                    committed: model.committed.map(CommittedOffset),
                };
                (TopicPartition::new(TOPIC, n), now)
            })
            .collect()
    }
}

fn model() -> impl Generator<Value = Model> {
    (
        0_u64..20,
        prop::collection::vec((0_i64..4, 0_u64..2), 0..30),
        prop::option::of(0_u64..60),
    )
        .prop_map(|(begin, steps, committed)| {
            let mut second = 0;
            let mut load = 0;
            let lines = steps
                .into_iter()
                .map(|(seconds, loads)| {
                    second += seconds;
                    load += loads;
                    (second, load)
                })
                .collect::<Vec<_>>();
            let end = begin + lines.len() as u64;
            Model {
                begin,
                committed: committed.map(|at| at.min(end)),
                lines,
            }
        })
}

fn strategy() -> impl Generator<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Earliest),
        Just(Strategy::Latest),
        (0_i64..80).prop_map(|s| Strategy::Time(DateTime::from_timestamp(s, 0).unwrap())),
        (0_u64..70).prop_map(Strategy::Back),
        (0_u64..70).prop_map(Strategy::Forward),
        Just(Strategy::Back(u64::MAX)),
        Just(Strategy::Forward(u64::MAX)),
        prop::collection::btree_map(0_u16..3, 0_u64..80, 0..3).prop_map(|offsets| {
            Strategy::Absolute(
                offsets
                    .into_iter()
                    .map(|(p, o)| (TopicPartition::new(TOPIC, p), Offset(o)))
                    .collect(),
            )
        }),
        (0_u64..30).prop_map(|l| Strategy::LoadStart(LoadId(l))),
    ]
}

/// Where the reference model says that a group would stand; `None` where it stays.
fn expect(strategy: &Strategy, n: u16, model: &Model) -> Option<u64> {
    let at = model.committed.unwrap_or(model.begin);
    let wanted = match strategy {
        Strategy::Earliest => 0,
        Strategy::Latest => u64::MAX,
        Strategy::Time(time) => model
            .offsets_where(|(s, _)| *s >= time.timestamp())
            .unwrap_or(u64::MAX),
        Strategy::Back(lines) => at.saturating_sub(*lines),
        Strategy::Forward(lines) => at.saturating_add(*lines),
        Strategy::Absolute(offsets) => offsets.get(&TopicPartition::new(TOPIC, n))?.0,
        Strategy::LoadStart(load) => model.offsets_where(|(_, l)| *l == load.0)?,
    };
    Some(wanted.max(model.begin).min(model.end()))
}

proptest! {
    #[test]
    fn every_strategy_agrees_with_the_reference_model(
        models in prop::collection::vec(model(), 3), strategy in strategy()
    ) {
        let models = Models(models);
        let group = models.group();
        let plan = Plan::make(&strategy, &group, &models, COST);
        for ((n, model), row) in (0..).zip(&models.0).zip(&plan.rows) {
            let wanted = expect(&strategy, n, model);
            prop_assert_eq!(row.after.map(|a| a.0), wanted.or(model.committed));
            let Some(after) = wanted else {
                prop_assert_eq!((row.read_again, row.skipped), (0, 0));
                continue;
            };
            // Counted line by line.
            let before = model.unread(model.committed.unwrap_or(model.begin));
            let later = model.unread(after);
            let again = later.iter().filter(|o| !before.contains(o)).count() as u64;
            let skipped = before.iter().filter(|o| !later.contains(o)).count() as u64;
            prop_assert_eq!((row.read_again, row.skipped), (again, skipped));
        }
        prop_assert_eq!(plan.read_again, plan.rows.iter().map(|r| r.read_again).sum::<u64>());
        prop_assert_eq!(plan.confirmation() == Confirmation::TypedName, plan.skipped > 0);
        prop_assert_eq!(plan.check_unchanged(&group), Ok(()));
    }

    #[test]
    fn undo_puts_every_partition_that_had_a_commit_back(
        models in prop::collection::vec(model(), 3), strategy in strategy()
    ) {
        let mut models = Models(models);
        // A commit before the oldest line cannot be restored: that line is gone.
        for model in &mut models.0 {
            model.committed = model.committed.map(|at| at.max(model.begin));
        }
        let before = models.group();
        let plan = Plan::make(&strategy, &before, &models, COST);
        for (partition, at) in plan.commits() {
            models.0[usize::from(partition.partition.0)].committed = Some(at.0);
        }
        let undo = Plan::undo(&plan, &models.group(), COST);
        for (partition, at) in undo.commits() {
            models.0[usize::from(partition.partition.0)].committed = Some(at.0);
        }
        for (partition, now) in models.group() {
            let was = before[&partition].committed;
            prop_assert!(was.is_none() || now.committed == was);
        }
    }
}

fn one(begin: u64, end: u64, committed: Option<u64>) -> (Models, GroupNow) {
    let models = Models(vec![Model {
        begin,
        lines: (begin..end).map(|_| (0, 0)).collect(),
        committed,
    }]);
    let group = models.group();
    (models, group)
}

#[test]
fn a_group_that_moved_is_refused_and_new_lines_are_not_a_move() {
    let (models, group) = one(0, 10, Some(8));
    let plan = Plan::make(&Strategy::Back(5), &group, &models, COST);
    assert_eq!(plan.commits()[0].1, CommittedOffset(3));
    assert_eq!(plan.check_unchanged(&one(0, 99, Some(8)).1), Ok(()));
    let moved = plan.check_unchanged(&one(0, 10, Some(9)).1).unwrap_err();
    assert!(matches!(moved, PlanChanged::Moved { .. }), "{moved}");
    let cut = plan.check_unchanged(&one(4, 10, Some(8)).1).unwrap_err();
    assert!(matches!(cut, PlanChanged::OutOfRange { .. }), "{cut}");
    let gone = plan.check_unchanged(&GroupNow::new()).unwrap_err();
    assert!(matches!(gone, PlanChanged::Gone { .. }), "{gone}");
}

#[test]
fn an_empty_partition_and_offset_zero_have_nothing_to_do() {
    for strategy in [Strategy::Earliest, Strategy::Latest, Strategy::Back(1)] {
        let (models, group) = one(0, 0, Some(0));
        let plan = Plan::make(&strategy, &group, &models, COST);
        assert_eq!(plan.confirmation(), Confirmation::NothingToDo);
        assert_eq!(plan.commits(), []);
    }
}

#[test]
fn what_was_clamped_lost_or_never_committed_is_noted() {
    let notes = |begin, end, committed, strategy: &Strategy| {
        let (models, group) = one(begin, end, committed);
        Plan::make(strategy, &group, &models, COST).rows[0]
            .notes
            .clone()
    };
    assert_eq!(
        notes(5, 9, Some(7), &Strategy::Back(3)),
        [PlanNote::ClampedToBegin]
    );
    assert_eq!(
        notes(5, 9, Some(7), &Strategy::Forward(3)),
        [PlanNote::ClampedToEnd]
    );
    assert_eq!(
        notes(5, 9, Some(2), &Strategy::Latest),
        [PlanNote::LostToRetention]
    );
    assert_eq!(
        notes(5, 9, None, &Strategy::Earliest),
        [PlanNote::NeverCommitted]
    );
}

#[test]
fn the_estimate_follows_the_rate_and_is_absent_without_one() {
    let (models, group) = one(0, 100, Some(100));
    let plan = Plan::make(&Strategy::Earliest, &group, &models, COST);
    assert_eq!(plan.bytes, 10_000);
    assert_eq!(plan.takes, Some(Duration::from_secs(10)));
    for lines_per_sec in [None, Some(0.0)] {
        let cost = Cost {
            lines_per_sec,
            ..COST
        };
        let plan = Plan::make(&Strategy::Earliest, &group, &models, cost);
        assert_eq!(plan.takes, None);
    }
}
