//! The five hops of a line, their rates over one window, and whether they conserve lines.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A place where lines are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// Rows read from the file.
    Read,
    /// Rows that the rules let pass.
    Clean,
    /// Lines durable in the log.
    Produce,
    /// Lines fetched by consumers.
    Consume,
    /// Lines acknowledged by the store.
    Write,
}

impl Hop {
    /// All hops, in the order of the flow.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Clean,
        Self::Produce,
        Self::Consume,
        Self::Write,
    ];

    /// In JSON and metric labels.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Clean => "clean",
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// Counters of all hops at one moment, since the load began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct HopCounters {
    /// Lines that passed each hop, in the order of [`Hop::ALL`].
    pub passed: [u64; 5],
    /// Lines waiting between each hop and the next.
    pub queued: [u64; 4],
    /// Rows that the rules set aside; they leave the flow after [`Hop::Read`].
    pub set_aside: u64,
}

/// Lines per second at each hop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HopRates {
    /// In the order of [`Hop::ALL`]; `None` where a counter went back (the load was begun again).
    pub per_sec: [Option<f64>; 5],
}

impl HopRates {
    /// Rates between two moments; `None` for an empty window.
    pub fn between(before: &HopCounters, after: &HopCounters, window: Duration) -> Option<Self> {
        let seconds = window.as_secs_f64();
        let rate = |hop: Hop| {
            let lines = after.passed(hop).checked_sub(before.passed(hop))?;
            Some(lines as f64 / seconds)
        };
        (seconds > 0.0).then(|| Self {
            per_sec: Hop::ALL.map(rate),
        })
    }
}

/// Lines that are on neither side of a hop, or on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Imbalance {
    /// The hop that they came from.
    pub after: Hop,
    /// In less out, queued and set aside: positive for lines lost, negative for lines made up.
    pub lines: i128,
}

impl HopCounters {
    /// Lines that passed a hop.
    pub const fn passed(&self, hop: Hop) -> u64 {
        self.passed[hop as usize]
    }

    /// Where `in = out + queued + set aside` does not hold; empty when lines are conserved.
    ///
    /// The counters must be of one moment: taken while lines move, a line may be between two.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        let pairs = Hop::ALL.into_iter().zip(self.queued);
        let outs = self.passed.iter().skip(1);
        pairs
            .zip(outs)
            .filter_map(|((after, queued), out)| {
                let aside = match after {
                    Hop::Read => self.set_aside,
                    Hop::Clean | Hop::Produce | Hop::Consume | Hop::Write => 0,
                };
                let left = i128::from(*out) + i128::from(queued) + i128::from(aside);
                let lines = i128::from(self.passed(after)) - left;
                (lines != 0).then_some(Imbalance { after, lines })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: HopCounters = HopCounters {
        passed: [1_000, 890, 800, 700, 650],
        queued: [10, 90, 100, 50],
        set_aside: 100,
    };

    proptest! {
        #[test]
        fn lines_are_conserved_when_every_line_is_somewhere(
            written: u32, queued in prop::array::uniform4(0_u64..1_000_000), set_aside in 0_u64..1_000_000
        ) {
            let write = u64::from(written);
            let consume = write + queued[3];
            let produce = consume + queued[2];
            let clean = produce + queued[1];
            let read = clean + queued[0] + set_aside;
            let mut counters = HopCounters {
                passed: [read, clean, produce, consume, write],
                queued,
                set_aside,
            };
            prop_assert_eq!(counters.imbalances(), []);
            counters.set_aside += 1;
            let made_up = Imbalance { after: Hop::Read, lines: -1 };
            prop_assert_eq!(counters.imbalances(), [made_up]);
        }
    }

    #[test]
    fn a_lost_line_is_found_at_its_hop() {
        assert_eq!(GOOD.imbalances(), []);
        for (place, hop) in Hop::ALL.into_iter().enumerate().take(4) {
            let mut lost = GOOD;
            lost.queued[place] -= 3;
            let found = Imbalance {
                after: hop,
                lines: 3,
            };
            assert_eq!(lost.imbalances(), [found]);
        }
    }

    #[test]
    fn all_hops_are_measured_over_one_window() {
        let mut after = GOOD;
        after.passed = [1_200, 990, 800, 690, 651];
        let rates = HopRates::between(&GOOD, &after, Duration::from_secs(2)).unwrap();
        let expect = [Some(100.0), Some(50.0), Some(0.0), None, Some(0.5)];
        assert_eq!(
            rates.per_sec, expect,
            "a counter that went back has no rate"
        );
        assert_eq!(HopRates::between(&GOOD, &after, Duration::ZERO), None);
    }
}
