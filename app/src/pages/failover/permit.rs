//! What may be broken from this page: data centres inside this process at once, those of a lab
//! once its name is typed, and others never.

use crate::pages::Cx;
use crate::start::ProfileKind;

/// Why nothing is broken on servers that are no lab.
const NO_LAB: &str = "these servers are not marked LAB: faults and drills run on a lab only";
/// The name of a lab whose profile has none.
const LAB: &str = "lab";

/// Whether faults may be started, and what is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit<'a> {
    /// After a confirmation.
    Given,
    /// After this name was typed.
    Named(&'a str),
    /// Never, for this reason.
    Never(&'static str),
}

impl<'a> Permit<'a> {
    /// Of the servers that are used now.
    pub(super) fn of(cx: &'a Cx<'_>) -> Self {
        match ProfileKind::of(cx.settings) {
            ProfileKind::Embedded => Self::Given,
            ProfileKind::Lab => Self::Named(cx.start.profile.as_deref().unwrap_or(LAB)),
            ProfileKind::Prod => Self::Never(NO_LAB),
        }
    }

    /// The name that is typed first.
    pub(super) const fn name(self) -> Option<&'a str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Given | Self::Never(_) => None,
        }
    }

    /// Why nothing may be broken.
    pub(super) const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Never(why) => Some(why),
            Self::Given | Self::Named(_) => None,
        }
    }
}
