//! A measured value that may be old or missing, as a type: never 0 in place of "not known".

use std::time::Duration;

use serde::Serialize;

/// A value with its standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading<T> {
    /// Measured within the sample interval.
    Known(T),
    /// The last value, and how old it is.
    Stale {
        /// The last value measured.
        value: T,
        /// Time since then.
        age: Duration,
    },
    /// Not known, and why, in words for people.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, if it is known and not stale.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Stale { .. } | Self::Unknown(_) => None,
        }
    }

    /// The newest value there is, and how old it is: no age at all where it is known.
    pub const fn newest(&self) -> Option<(&T, Duration)> {
        match self {
            Self::Known(value) => Some((value, Duration::ZERO)),
            Self::Stale { value, age } => Some((value, *age)),
            Self::Unknown(_) => None,
        }
    }

    /// The same standing with the value passed through `f`.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Known(value) => Reading::Known(f(value)),
            Self::Stale { value, age } => Reading::Stale {
                value: f(value),
                age,
            },
            Self::Unknown(reason) => Reading::Unknown(reason),
        }
    }
}
