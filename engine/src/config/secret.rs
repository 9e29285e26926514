//! A value that is used and never shown.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A password. Neither `Debug` nor serialising gives it away; only [`Secret::reveal`] does.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// What stands in its place wherever settings are shown.
    pub const MASK: &'static str = "(set, not shown)";

    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether one was given.
    pub const fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    /// The password itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() {
            Self::MASK
        } else {
            "(not set)"
        })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_set() { Self::MASK } else { "" })
    }
}
