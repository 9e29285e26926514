//! The next best action: a table from status and named segment to an action and its reason in
//! words. Data, in `assets/actions.toml`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::segments::SegmentGrid;
use super::status::Status;

const STANDARD: &str = include_str!("../../../assets/actions.toml");

/// What a reason may mention.
const PLACEHOLDERS: [&str; 3] = ["{invoices}", "{days}", "{amount}"];

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRule {
    /// The status it is for; `None` for any.
    pub status: Option<Status>,
    /// The named segment it is for; `None` for any.
    pub segment: Option<String>,
    /// What to do.
    pub action: String,
    /// Why, with placeholders for the customer's numbers.
    pub reason: String,
}

/// What to do about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextAction {
    /// What to do.
    pub action: String,
    /// Why, with the numbers it rests on.
    pub reason: String,
}

/// A checked table: there is an action for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionTable {
    rules: Vec<ActionRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    action: Vec<ActionRule>,
}

impl ActionTable {
    /// The table that comes with the program, for a grid of segments.
    pub fn standard(grid: &SegmentGrid) -> Result<Self, ActionTableError> {
        Self::parse(STANDARD, grid)
    }

    /// A table from TOML, for a grid of segments.
    pub fn parse(text: &str, grid: &SegmentGrid) -> Result<Self, ActionTableError> {
        let file: File = toml::from_str(text)?;
        for rule in &file.action {
            if let Some(name) = &rule.segment
                && !grid.segments().iter().any(|s| s.name == *name)
            {
                return Err(ActionTableError::UnknownSegment { name: name.clone() });
            }
            let mut rest = rule.reason.clone();
            for placeholder in PLACEHOLDERS {
                rest = rest.replace(placeholder, "");
            }
            if rest.contains(['{', '}']) || rest == rule.reason {
                let reason = rule.reason.clone();
                return Err(ActionTableError::Reason { reason });
            }
        }
        let last = file.action.last();
        if last.is_none_or(|rule| rule.status.is_some() || rule.segment.is_some()) {
            return Err(ActionTableError::NotForEverybody);
        }
        Ok(Self { rules: file.action })
    }

    /// The entries, in the order in which they are tried.
    pub fn rules(&self) -> &[ActionRule] {
        &self.rules
    }

    /// The entry for a customer: the first that fits.
    pub fn rule(&self, status: Status, segment: &str) -> Option<&ActionRule> {
        self.rules.iter().find(|rule| {
            rule.status.is_none_or(|s| s == status)
                && rule.segment.as_deref().is_none_or(|s| s == segment)
        })
    }
}

impl ActionRule {
    /// The action with the customer's numbers in its reason.
    pub fn fill(&self, invoices: u64, days: u32, amount: Decimal) -> NextAction {
        let reason = (self.reason)
            .replace("{invoices}", &invoices.to_string())
            .replace("{days}", &days.to_string())
            .replace("{amount}", &super::kpis::pounds(amount).to_string());
        NextAction {
            action: self.action.clone(),
            reason,
        }
    }
}

/// Why a table of actions is not usable.
#[derive(Debug, Error)]
pub enum ActionTableError {
    /// Not TOML, or other fields than those known.
    #[error("the table of actions cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A segment that the grid does not have.
    #[error("no segment is called {name:?}")]
    UnknownSegment {
        /// The name.
        name: String,
    },
    /// A reason without a number, or with an unknown placeholder.
    #[error("a reason rests on no number, or names an unknown one: {reason:?}")]
    Reason {
        /// The reason.
        reason: String,
    },
    /// Some customers would have no action.
    #[error("the last action is not for everybody")]
    NotForEverybody,
}

impl ActionTableError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Toml(_) => {
                "write [[action]] with action, reason and, where wanted, status and segment"
            }
            Self::UnknownSegment { .. } => "use a name from the table of segments",
            Self::Reason { .. } => "use {invoices}, {days} or {amount} in the reason, and no other",
            Self::NotForEverybody => "end the table with an entry without status and segment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_fits_applies_and_gives_its_numbers() {
        let grid = SegmentGrid::standard().unwrap();
        let table = ActionTable::standard(&grid).unwrap();
        let rule = table.rule(Status::VipAtRisk, "Champions").unwrap();
        let next = rule.fill(12, 15, Decimal::new(12_345, 1));
        assert_eq!(next.action, "Call in person");
        assert_eq!(
            next.reason,
            "bought 12 times for £1234.50, but not for 15 days"
        );
        let rule = table.rule(Status::Active, "Promising").unwrap();
        assert_eq!(rule.action, "Keep in the newsletter");
    }

    #[test]
    fn a_table_that_leaves_somebody_out_is_refused() {
        let grid = SegmentGrid::standard().unwrap();
        let check = |text: &str, expect: &str| {
            let error = ActionTable::parse(text, &grid).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        let rule = |extra: &str, reason: &str| {
            format!("[[action]]\n{extra}\naction = \"a\"\nreason = \"{reason}\"\n")
        };
        check("action = []", "not for everybody");
        check(&rule("status = \"vip\"", "{days}"), "not for everybody");
        check(&rule("segment = \"Nobody\"", "{days}"), "\"Nobody\"");
        check(&rule("", "because"), "rests on no number");
        check(&rule("", "{days} {age}"), "unknown one");
        check(&rule("colour = 1", "{days}"), "cannot be read");
    }
}
