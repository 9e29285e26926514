//! Recency, frequency and monetary value of each customer: scores, value segment, named segment,
//! status.
//!
//! Rank share = mean rank / n. Score = ceil(5 x rank share), recency turned round, so that 5 is
//! best. Value score = weighted rank shares (recency as 1 - share); its quartiles are the value
//! segments, a value equal to a cut belonging below it.

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rank::{Ranks, quarter, quartile_cuts};
use super::settings::Settings;
use super::state::Analytics;
use super::status::Status;
use crate::model::{CustomerId, Day, InvoiceTime};

/// With fewer distinct values a dimension does not tell customers apart.
const DISTINCT_MIN: usize = 3;

/// How much each dimension counts in the value score. They sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawWeights")]
pub struct Weights {
    recency: f64,
    frequency: f64,
    monetary: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeights {
    recency: f64,
    frequency: f64,
    monetary: f64,
}

impl TryFrom<RawWeights> for Weights {
    type Error = RfmError;
    fn try_from(raw: RawWeights) -> Result<Self, RfmError> {
        Self::new(raw.recency, raw.frequency, raw.monetary)
    }
}

impl Weights {
    /// Weights of 0 or more that sum to 1, up to a millionth.
    pub fn new(recency: f64, frequency: f64, monetary: f64) -> Result<Self, RfmError> {
        let all = [recency, frequency, monetary];
        let sum: f64 = all.iter().sum();
        if all.iter().any(|w| !w.is_finite() || *w < 0.0) || (sum - 1.0).abs() > 1e-6 {
            return Err(RfmError::Weights {
                recency,
                frequency,
                monetary,
            });
        }
        Ok(Self {
            recency,
            frequency,
            monetary,
        })
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            recency: 0.35,
            frequency: 0.35,
            monetary: 0.30,
        }
    }
}

/// Where one score ends and the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Breaks {
    /// Fifths of the ranks.
    #[default]
    Quintiles,
    /// Four ascending limits per dimension; a value equal to a limit belongs below it.
    Own {
        /// Days since the last purchase; up to the first is best.
        recency_days: [u32; 4],
        /// Distinct invoices.
        invoices: [u64; 4],
        /// Sales, GBP.
        amount: [Decimal; 4],
    },
}

impl Breaks {
    /// Checks that own limits ascend.
    pub fn check(&self) -> Result<(), RfmError> {
        let Self::Own {
            recency_days,
            invoices,
            amount,
        } = self
        else {
            return Ok(());
        };
        for (name, ascends) in [
            ("recency_days", recency_days.is_sorted_by(|a, b| a < b)),
            ("invoices", invoices.is_sorted_by(|a, b| a < b)),
            ("amount", amount.is_sorted_by(|a, b| a < b)),
        ] {
            if !ascends {
                return Err(RfmError::Breaks { dimension: name });
            }
        }
        Ok(())
    }
}

/// Why settings of the scores are refused.
#[derive(Debug, Error, PartialEq)]
pub enum RfmError {
    /// Negative, or of another sum than 1.
    #[error(
        "the weights {recency}, {frequency} and {monetary} do not sum to 1, or one is negative"
    )]
    Weights {
        /// Weight of recency.
        recency: f64,
        /// Weight of frequency.
        frequency: f64,
        /// Weight of sales.
        monetary: f64,
    },
    /// Limits that do not ascend, or too many of them.
    #[error("the limits of {dimension} do not ascend, or are too many")]
    Breaks {
        /// Which dimension.
        dimension: &'static str,
    },
}

impl RfmError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Weights { .. } => "give three weights from 0 to 1 whose sum is 1",
            Self::Breaks { .. } => {
                "write the limits (four for scores, nine at most for the grid) from the smallest to the largest"
            }
        }
    }
}

/// A quarter of the customers by value score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueSegment {
    /// The lowest quarter.
    AtRisk,
    /// The second.
    LowValue,
    /// The third.
    MidValue,
    /// The highest.
    HighValue,
}

impl ValueSegment {
    /// All, from the lowest.
    pub const ALL: [Self; 4] = [
        Self::AtRisk,
        Self::LowValue,
        Self::MidValue,
        Self::HighValue,
    ];

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtRisk => "At Risk",
            Self::LowValue => "Low Value",
            Self::MidValue => "Mid Value",
            Self::HighValue => "High Value",
        }
    }
}

/// Scores of one customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerScore {
    /// Who.
    pub id: CustomerId,
    /// His number.
    pub customer: CompactString,
    /// First purchase.
    pub first: InvoiceTime,
    /// Last purchase.
    pub last: InvoiceTime,
    /// Days from the last purchase to the reference date.
    pub recency_days: u32,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Scores of recency, frequency and sales, 1 to 5, 5 is best.
    pub scores: [u8; 3],
    /// Weighted rank shares, 0 to 1.
    pub value_score: f64,
    /// Quarter by value score.
    pub value: ValueSegment,
    /// Place in the grid's list of named segments.
    pub named: usize,
    /// How he stands.
    pub status: Status,
}

/// Scores of all customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rfm {
    /// Recency counts from this day; `None` without data.
    pub reference: Option<Day>,
    /// Customers by id.
    pub customers: Vec<CustomerScore>,
    /// Sentences about dimensions that hardly tell customers apart.
    pub warnings: Vec<String>,
}

impl Rfm {
    /// Scores the customers, in time n log n.
    pub fn of(analytics: &Analytics, settings: &Settings) -> Self {
        let reference = analytics.reference_date();
        let base = Dimensions::of(analytics, reference);
        let ranks = base.ranks();
        let values: Vec<f64> = (0..base.customers.len())
            .map(|i| value_score(settings.weights, &ranks, i))
            .collect();
        let cuts = quartile_cuts(&values).unwrap_or_default();
        let names = analytics.catalog().customers();
        let customers = base.customers.iter().enumerate().map(|(i, customer)| {
            let (days, amount) = (base.days[i], base.amounts[i]);
            let scores = base.scores(&settings.breaks, &ranks, i);
            CustomerScore {
                id: customer.id,
                customer: names
                    .get(customer.id.0 as usize)
                    .cloned()
                    .unwrap_or_default(),
                first: customer.totals.first,
                last: customer.totals.last,
                recency_days: days,
                invoices: customer.invoices,
                items: customer.totals.tally.items,
                amount: super::kpis::tidy(amount),
                scores,
                value_score: values[i],
                value: ValueSegment::ALL[quarter(values[i], &cuts)],
                named: settings.grid.index(scores[0], scores[1]),
                status: Status::of(&settings.status, days, customer.invoices, amount),
            }
        });
        Self {
            reference,
            customers: customers.collect(),
            warnings: base.warnings(),
        }
    }
}

/// The three dimensions, column by column.
struct Dimensions<'a> {
    customers: Vec<super::state::Customer<'a>>,
    days: Vec<u32>,
    invoices: Vec<u64>,
    amounts: Vec<Decimal>,
}

impl<'a> Dimensions<'a> {
    fn of(analytics: &'a Analytics, reference: Option<Day>) -> Self {
        let customers: Vec<_> = analytics.customers().collect();
        let reference = reference.map_or(0, |day| day.0);
        let days = |last: InvoiceTime| u32::try_from(reference - last.day().0).unwrap_or(0);
        Self {
            days: customers.iter().map(|c| days(c.totals.last)).collect(),
            invoices: customers.iter().map(|c| c.invoices).collect(),
            amounts: customers.iter().map(|c| c.totals.tally.amount).collect(),
            customers,
        }
    }

    fn ranks(&self) -> [Ranks; 3] {
        [
            Ranks::of(&self.days),
            Ranks::of(&self.invoices),
            Ranks::of(&self.amounts),
        ]
    }

    fn scores(&self, breaks: &Breaks, ranks: &[Ranks; 3], i: usize) -> [u8; 3] {
        match breaks {
            Breaks::Quintiles => [6 - ranks[0].fifth(i), ranks[1].fifth(i), ranks[2].fifth(i)],
            Breaks::Own {
                recency_days,
                invoices,
                amount,
            } => [
                6 - level(&self.days[i], recency_days),
                level(&self.invoices[i], invoices),
                level(&self.amounts[i], amount),
            ],
        }
    }

    fn warnings(&self) -> Vec<String> {
        let counts = [
            ("Recency", distinct(&self.days)),
            ("Frequency", distinct(&self.invoices)),
            ("Sales", distinct(&self.amounts)),
        ];
        counts
            .into_iter()
            .filter(|(_, count)| *count < DISTINCT_MIN && !self.days.is_empty())
            .map(|(name, count)| {
                format!("{name} has {count} distinct values, too few to tell customers apart")
            })
            .collect()
    }
}

fn value_score(weights: Weights, ranks: &[Ranks; 3], i: usize) -> f64 {
    weights.recency * (1.0 - ranks[0].share(i))
        + weights.frequency * ranks[1].share(i)
        + weights.monetary * ranks[2].share(i)
}

/// 1 and one more for each limit that the value is above.
fn level<T: PartialOrd>(value: &T, limits: &[T; 4]) -> u8 {
    limits
        .iter()
        .fold(1, |level, limit| level + u8::from(value > limit))
}

fn distinct<T: Ord + Clone>(values: &[T]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_must_sum_to_one() {
        assert!(Weights::new(0.2, 0.2, 0.6).is_ok());
        assert!(Weights::new(0.5, 0.5, 0.5).is_err());
        assert!(Weights::new(1.5, -0.5, 0.0).is_err());
        assert!(Weights::new(f64::NAN, 0.5, 0.5).is_err());
        let text = r#"{"recency":0.5,"frequency":0.5,"monetary":0.1}"#;
        assert!(serde_json::from_str::<Weights>(text).is_err());
    }

    #[test]
    fn own_limits_must_ascend_and_a_value_on_a_limit_belongs_below() {
        assert_eq!(
            [0, 1, 2, 4, 9].map(|v| level(&v, &[1, 2, 3, 4])),
            [1, 1, 2, 4, 5]
        );
        let breaks = Breaks::Own {
            recency_days: [7, 30, 30, 365],
            invoices: [1, 2, 3, 4],
            amount: [1, 2, 3, 4].map(Decimal::from),
        };
        let error = breaks.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the limits of recency_days do not ascend, or are too many"
        );
    }
}
