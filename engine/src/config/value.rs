//! One value as written: parsed by the kind of its setting, and checked against its range.

use std::net::IpAddr;

use rust_decimal::Decimal;
use toml::Value;

use super::settings::ErrorLimit;
use super::table::Kind;

/// A value before it is checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// From the environment or a flag: text whatever the kind.
    Text(String),
    /// From the settings file: typed by TOML.
    Toml(Value),
}

impl Raw {
    /// The value as a person wrote it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Toml(value) => value.to_string(),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Toml(value) => value.as_str(),
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            // 25_000 is what TOML allows, so the environment may say it too.
            Self::Text(text) => text.trim().replace('_', "").parse().ok(),
            Self::Toml(value) => value.as_integer(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Toml(value) => value
                .as_float()
                .or_else(|| value.as_integer().map(|whole| whole as f64)),
        }
    }

    fn switch(&self) -> Option<bool> {
        match self {
            Self::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            Self::Toml(value) => value.as_bool(),
        }
    }

    fn list(&self) -> Option<Vec<String>> {
        let items: Vec<String> = match self {
            Self::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            Self::Toml(value) => value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        items.iter().all(|item| !item.is_empty()).then_some(items)
    }
}

impl Kind {
    /// What a value must be, in words.
    pub fn expected(&self) -> String {
        match self {
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Integer { min, max, unit } => format!("a whole number, {min} to {max} {unit}"),
            Self::Number { min, max } => format!("a number, {min} to {max}"),
            Self::Money => "an amount in GBP, 0 or more, in quotes".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Address => "an IP address".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::List => "a list of texts (in the environment: separated by commas)".to_owned(),
            Self::ErrorLimit => "a count of rows, a share up to 100%, or none".to_owned(),
            Self::Secret => "a password, from the environment or a file of mode 600".to_owned(),
        }
    }

    /// The value as TOML has it, or `None` when it is of another kind or out of range.
    pub(super) fn check(&self, raw: &Raw) -> Option<Value> {
        match self {
            Self::Choice(words) => {
                let word = raw.text()?.trim().to_ascii_lowercase();
                words
                    .contains(&word.as_str())
                    .then_some(Value::String(word))
            }
            Self::Integer { min, max, .. } => raw
                .integer()
                .filter(|value| (*min..=*max).contains(value))
                .map(Value::Integer),
            Self::Number { min, max } => raw
                .number()
                .filter(|value| (*min..=*max).contains(value))
                .map(Value::Float),
            Self::Money => {
                let amount: Decimal = raw.text()?.trim().parse().ok()?;
                (!amount.is_sign_negative()).then(|| Value::String(amount.to_string()))
            }
            Self::Switch => raw.switch().map(Value::Boolean),
            Self::Address => {
                let address: IpAddr = raw.text()?.trim().parse().ok()?;
                Some(Value::String(address.to_string()))
            }
            Self::Text | Self::Path | Self::Secret => {
                raw.text().map(|text| Value::String(text.to_owned()))
            }
            Self::List => raw
                .list()
                .map(|items| Value::Array(items.into_iter().map(Value::String).collect())),
            Self::ErrorLimit => {
                let limit = match raw {
                    Raw::Toml(Value::Integer(rows)) => ErrorLimit::parse(&rows.to_string()),
                    other => ErrorLimit::parse(other.text()?),
                };
                limit.map(|limit| Value::String(limit.to_string()))
            }
        }
    }
}
