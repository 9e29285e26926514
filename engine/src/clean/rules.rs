//! The rules that set a well-formed line aside, as data.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{LineRef, Reason};

/// The rules that are built in, as a file.
pub const DEFAULT_RULES: &str = include_str!("../../../assets/rules.toml");

/// Whether a rule is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Rows that match are set aside.
    On,
    /// Rows that match flow like others.
    Off,
}

/// A rule that can be switched. In the order in which they apply: a row has one reason, the
/// first that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The invoice number starts with `C`.
    Cancellation,
    /// The quantity is zero or less.
    NonpositiveQuantity,
    /// The unit price is zero or less.
    NonpositivePrice,
    /// There is no customer number.
    NoCustomer,
    /// An exact copy of an earlier line of its invoice.
    Duplicate,
}

impl Rule {
    /// All rules, in order.
    pub const ALL: [Self; 5] = [
        Self::Cancellation,
        Self::NonpositiveQuantity,
        Self::NonpositivePrice,
        Self::NoCustomer,
        Self::Duplicate,
    ];

    /// The reason that its rows carry.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Cancellation => Reason::Cancellation,
            Self::NonpositiveQuantity => Reason::NonpositiveQuantity,
            Self::NonpositivePrice => Reason::NonpositivePrice,
            Self::NoCustomer => Reason::NoCustomer,
            Self::Duplicate => Reason::Duplicate,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of rules: those that a line matches, or those in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuleSet(u8);

impl RuleSet {
    /// The rules that a line matches, in force or not.
    pub fn matching(line: &LineRef<'_>, occurrence: u32) -> Self {
        let flag = |matches: bool, rule: Rule| if matches { rule.bit() } else { 0 };
        let price = line.unit_price;
        Self(
            flag(line.invoice_no.starts_with('C'), Rule::Cancellation)
                | flag(line.quantity <= 0, Rule::NonpositiveQuantity)
                | flag(
                    price.is_zero() || price.is_sign_negative(),
                    Rule::NonpositivePrice,
                )
                | flag(line.customer.is_none(), Rule::NoCustomer)
                | flag(occurrence > 0, Rule::Duplicate),
        )
    }

    /// The rules that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set with `rule` put in or taken out.
    #[must_use]
    pub const fn with(self, rule: Rule, switch: Switch) -> Self {
        match switch {
            Switch::On => Self(self.0 | rule.bit()),
            Switch::Off => Self(self.0 & !rule.bit()),
        }
    }

    /// Whether `rule` is in the set.
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// How many sets there are.
    pub(crate) const SETS: usize = 1 << Rule::ALL.len();

    /// Every set, in the order of [`RuleSet::index`].
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(Self::SETS).map(Self)
    }

    /// The place of the set among all sets.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether no rule is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first rule of the set: the one that names the reason.
    pub fn first(self) -> Option<Rule> {
        if self.is_empty() {
            return None;
        }
        Rule::ALL.into_iter().find(|rule| self.contains(*rule))
    }
}

/// Which rules are in force. What cannot be switched off is not here: a row that cannot be read,
/// and a country of no region, which has nowhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    version: u64,
    in_force: RuleSet,
}

impl Rules {
    /// The rules that are built in.
    pub fn builtin() -> Result<Self, RulesError> {
        Self::from_toml(DEFAULT_RULES)
    }

    /// Number of this set of rules; every change raises it by one.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The rules in force.
    pub const fn in_force(&self) -> RuleSet {
        self.in_force
    }

    /// The rules with one of them switched, one version on.
    #[must_use]
    pub const fn with(self, rule: Rule, switch: Switch) -> Self {
        Self {
            version: self.version + 1,
            in_force: self.in_force.with(rule, switch),
        }
    }

    /// The rules of a file's text.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let file: RulesFile = toml::from_str(text).map_err(|error| RulesError::Syntax {
            detail: error.to_string(),
        })?;
        let set = file.rules;
        let in_force = RuleSet::default()
            .with(Rule::Cancellation, set.cancellation)
            .with(Rule::NonpositiveQuantity, set.nonpositive_quantity)
            .with(Rule::NonpositivePrice, set.nonpositive_price)
            .with(Rule::NoCustomer, set.no_customer)
            .with(Rule::Duplicate, set.duplicate);
        Ok(Self {
            version: file.version,
            in_force,
        })
    }

    /// The text of a file that [`Rules::from_toml`] reads back.
    pub fn to_toml(&self) -> Result<String, RulesError> {
        let switch = |rule| {
            if self.in_force.contains(rule) {
                Switch::On
            } else {
                Switch::Off
            }
        };
        toml::to_string_pretty(&RulesFile {
            version: self.version,
            rules: Switches {
                cancellation: switch(Rule::Cancellation),
                nonpositive_quantity: switch(Rule::NonpositiveQuantity),
                nonpositive_price: switch(Rule::NonpositivePrice),
                no_customer: switch(Rule::NoCustomer),
                duplicate: switch(Rule::Duplicate),
            },
        })
        .map_err(|error| RulesError::Syntax {
            detail: error.to_string(),
        })
    }

    /// Reads the rules from a file.
    pub fn load(path: &Path) -> Result<Self, RulesError> {
        let text = fs::read_to_string(path).map_err(|source| RulesError::File {
            act: "read",
            path: path.display().to_string(),
            source,
        })?;
        Self::from_toml(&text)
    }

    /// Writes the rules to a file: whole beside it first, then renamed.
    pub fn save(&self, path: &Path) -> Result<(), RulesError> {
        let text = self.to_toml()?;
        let part = path.with_extension("toml.part");
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, path))
            .map_err(|source| RulesError::File {
                act: "written",
                path: path.display().to_string(),
                source,
            })
    }
}

/// The file as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    version: u64,
    rules: Switches,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    cancellation: Switch,
    nonpositive_quantity: Switch,
    nonpositive_price: Switch,
    no_customer: Switch,
    duplicate: Switch,
}

/// Why rules cannot be used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// The file cannot be read or written.
    #[error("the rules cannot be {act}: {source}, in {path}")]
    File {
        /// `read` or `written`.
        act: &'static str,
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not a set of rules.
    #[error("the rules cannot be understood: {detail}")]
    Syntax {
        /// The parser's words, with the place.
        detail: String,
    },
}

impl RulesError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "Check that the file exists and may be read and written.",
            Self::Syntax { .. } => {
                "Correct the file: `version`, and in [rules] each of cancellation, nonpositive_quantity, nonpositive_price, no_customer and duplicate, \"on\" or \"off\"."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_in_force_names_the_reason() {
        let rules = Rules::builtin().unwrap();
        let all = Rule::ALL
            .into_iter()
            .fold(RuleSet::default(), |set, rule| set.with(rule, Switch::On));
        assert_eq!(all.and(rules.in_force()).first(), Some(Rule::Cancellation));
        let off = rules.with(Rule::Cancellation, Switch::Off);
        assert_eq!(
            all.and(off.in_force()).first(),
            Some(Rule::NonpositiveQuantity)
        );
        let copies = RuleSet::default().with(Rule::Duplicate, Switch::On);
        assert_eq!(copies.and(rules.in_force()).first(), None, "off by default");
    }

    #[test]
    fn rules_survive_their_file_and_unknown_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules.toml");
        let rules = Rules::builtin().unwrap().with(Rule::Duplicate, Switch::On);
        rules.save(&path).unwrap();
        assert_eq!(Rules::load(&path).unwrap(), rules);
        let text = DEFAULT_RULES.replace("duplicate", "duplicates");
        assert!(matches!(
            Rules::from_toml(&text),
            Err(RulesError::Syntax { .. })
        ));
    }
}
