//! How a file is read: each setting with its evidence, and what keeps it from being loaded.

use retail_engine::clean::{DateOrder, DecimalMark};
use retail_engine::intake::{Basis, CheckReport, Column, Decision, ReadPlan, TextEncoding};

use crate::views::format;

/// A setting as it stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// `None` where nothing settles it: a person must choose.
    pub value: Option<T>,
    /// The evidence.
    pub evidence: String,
}

/// All settings of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What the bytes mean.
    pub encoding: Setting<TextEncoding>,
    /// What lies between fields.
    pub delimiter: Setting<retail_engine::intake::Delimiter>,
    /// Which number is the month.
    pub dates: Setting<DateOrder>,
    /// What stands before the decimals of a price.
    pub decimal: Setting<DecimalMark>,
    /// How many settings a person chose.
    pub chosen: usize,
    /// The columns of the file with the columns of a line that they are.
    pub columns: Vec<(String, Option<Column>)>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Reading {
    /// Of a plan; the check of the whole file knows more of the dates.
    pub fn of(plan: &ReadPlan, report: Option<&CheckReport>) -> Self {
        let dates = dates(&plan.date_order, report);
        let given = [
            plan.encoding.basis,
            plan.delimiter.basis,
            plan.date_order.basis,
            plan.decimal.basis,
        ];
        let settled = dates.value.is_some();
        Self {
            encoding: setting(&plan.encoding),
            delimiter: setting(&plan.delimiter),
            dates,
            decimal: setting(&plan.decimal),
            chosen: given.iter().filter(|basis| **basis == Basis::Given).count(),
            columns: plan
                .header
                .iter()
                .map(|cell| (cell.name.clone(), cell.column))
                .collect(),
            warnings: plan
                .warnings
                .iter()
                .filter(|warning| !(settled && is_of_dates(warning.code)))
                .map(|warning| warning.message.clone())
                .collect(),
        }
    }

    /// Columns that were found.
    pub fn matched(&self) -> usize {
        self.columns.iter().filter(|(_, of)| of.is_some()).count()
    }
}

const fn is_of_dates(code: retail_engine::intake::WarningCode) -> bool {
    matches!(code, retail_engine::intake::WarningCode::DateOrderAssumed)
}

fn setting<T: Copy>(decision: &Decision<T>) -> Setting<T> {
    Setting {
        value: Some(decision.value),
        evidence: decision.evidence.clone(),
    }
}

/// The order of the dates. Of the head alone it may be open; what the whole file says settles it.
fn dates(decision: &Decision<DateOrder>, report: Option<&CheckReport>) -> Setting<DateOrder> {
    let seen = report.map(|report| report.dates);
    if decision.basis != Basis::Assumed {
        let evidence = match seen {
            Some(seen) if seen.rows_against > 0 => format!(
                "{} rows fit this order only, {} the other one only and are set aside",
                format::count(seen.rows_for),
                format::count(seen.rows_against)
            ),
            Some(seen) => match seen.first_for {
                Some(line) => format!(
                    "line {} settles it; {} rows fit this order only",
                    format::count(line),
                    format::count(seen.rows_for)
                ),
                None => decision.evidence.clone(),
            },
            None => decision.evidence.clone(),
        };
        return Setting {
            value: Some(decision.value),
            evidence,
        };
    }
    match seen {
        Some(seen) if seen.rows_for > 0 && seen.rows_against == 0 => Setting {
            value: Some(seen.order),
            evidence: format!(
                "line {} settles it",
                format::count(seen.first_for.unwrap_or_default())
            ),
        },
        Some(seen) if seen.rows_against > 0 && seen.rows_for == 0 => Setting {
            value: Some(seen.order.other()),
            evidence: format!(
                "line {} settles it",
                format::count(seen.first_against.unwrap_or_default())
            ),
        },
        Some(_) => Setting {
            value: None,
            evidence: "every date of the file fits both orders; choose one".to_owned(),
        },
        None => Setting {
            value: None,
            evidence: decision.evidence.clone(),
        },
    }
}

/// Everything that decides whether a load can begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness<'a> {
    /// The file could be opened and read; `None` while that is not known.
    pub readable: Option<bool>,
    /// The order of dates, if it is known.
    pub dates: Option<DateOrder>,
    /// The load that runs.
    pub running: Option<&'a str>,
    /// What was typed is no limit.
    pub bad_limit: bool,
    /// What was typed is no rate.
    pub bad_rate: bool,
}

/// Why a load cannot begin, in words; `None` if it can.
pub fn blocked(state: Readiness<'_>) -> Option<String> {
    match state {
        Readiness { readable: None, .. } => Some("the file is being read".to_owned()),
        Readiness {
            readable: Some(false),
            ..
        } => Some("the file cannot be read".to_owned()),
        Readiness { dates: None, .. } => Some("choose the date order".to_owned()),
        Readiness {
            running: Some(load),
            ..
        } => Some(format!("{load} is running")),
        Readiness {
            bad_limit: true, ..
        } => Some("mend the limit of rejected rows".to_owned()),
        Readiness { bad_rate: true, .. } => Some("mend the limit of lines per second".to_owned()),
        Readiness { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_waits_for_the_date_order_and_says_so() {
        let ready = Readiness {
            readable: Some(true),
            dates: Some(DateOrder::MonthFirst),
            ..Readiness::default()
        };
        assert_eq!(blocked(ready), None);
        let open = Readiness {
            dates: None,
            ..ready
        };
        assert_eq!(blocked(open).unwrap(), "choose the date order");
        let busy = Readiness {
            running: Some("L-0003"),
            ..ready
        };
        assert_eq!(blocked(busy).unwrap(), "L-0003 is running");
        assert!(blocked(Readiness::default()).is_some());
    }

    #[test]
    fn dates_that_nothing_settles_are_open() {
        let decision = Decision {
            value: DateOrder::MonthFirst,
            basis: Basis::Assumed,
            evidence: "all fit".to_owned(),
        };
        assert_eq!(dates(&decision, None).value, None);
        let chosen = Decision {
            basis: Basis::Given,
            ..decision
        };
        assert_eq!(dates(&chosen, None).value, Some(DateOrder::MonthFirst));
    }
}
