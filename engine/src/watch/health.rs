//! Health of the data centres from what their witnesses say.

use serde::Serialize;

use crate::model::{Dc, PerDc};
use crate::ports::{DcState, StoreHealth, WitnessView};

/// What the witnesses together say of a data centre, healthiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DcVerdict {
    /// Every witness that could say calls it up.
    Up,
    /// Up by all witnesses, but it reported an error within the window.
    UpWithErrors,
    /// Nobody could say.
    Unknown,
    /// A witness calls it suspect, none down.
    Suspect,
    /// One calls it down, another up: never shown green.
    Disputed,
    /// Every witness that could say calls it down, or some do and the others suspect.
    Down,
}

impl DcVerdict {
    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "Up",
            Self::UpWithErrors => "Up, with errors",
            Self::Unknown => "Unknown",
            Self::Suspect => "Suspect",
            Self::Disputed => "Disputed",
            Self::Down => "Down",
        }
    }
}

/// ERROR events of a data centre within the window.
pub type ErrorCounts = PerDc<u64>;

/// Judges one data centre.
pub fn judge(witnesses: &WitnessView, subject: Dc, errors: u64) -> DcVerdict {
    let (mut up, mut suspect, mut down) = (0, 0, 0);
    for (_, views) in witnesses.views.iter() {
        match views[subject] {
            DcState::Up => up += 1,
            DcState::Suspect => suspect += 1,
            DcState::Down => down += 1,
            DcState::Unknown => {}
        }
    }
    match (up, suspect, down) {
        (0, 0, 0) => DcVerdict::Unknown,
        (1.., _, 1..) => DcVerdict::Disputed,
        (0, _, 1..) => DcVerdict::Down,
        (_, 1.., _) => DcVerdict::Suspect,
        _ if errors > 0 => DcVerdict::UpWithErrors,
        _ => DcVerdict::Up,
    }
}

/// Judges all three.
pub fn judge_all(health: &StoreHealth, errors: &ErrorCounts) -> PerDc<DcVerdict> {
    PerDc::from_fn(|dc| judge(&health.witnesses, dc, errors[dc]))
}

/// The whole is as healthy as its worst part.
pub fn worst(verdicts: &PerDc<DcVerdict>) -> DcVerdict {
    let [a, b, c] = verdicts.0;
    a.max(b).max(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DcState::{Down, Suspect, Unknown, Up};

    fn view(of_europe: [DcState; 3]) -> WitnessView {
        let mut views = PerDc([PerDc([Up; 3]); 3]);
        for (observer, state) in Dc::ALL.into_iter().zip(of_europe) {
            views[observer][Dc::Europe] = state;
        }
        WitnessView { views }
    }

    #[test]
    fn witnesses_are_weighed_and_disagreement_is_never_green() {
        let cases = [
            ([Up, Up, Up], DcVerdict::Up),
            ([Up, Unknown, Unknown], DcVerdict::Up),
            ([Unknown, Unknown, Unknown], DcVerdict::Unknown),
            ([Up, Suspect, Up], DcVerdict::Suspect),
            ([Up, Down, Up], DcVerdict::Disputed),
            ([Up, Down, Down], DcVerdict::Disputed),
            ([Unknown, Down, Down], DcVerdict::Down),
            ([Unknown, Down, Suspect], DcVerdict::Down),
        ];
        for (states, expect) in cases {
            assert_eq!(judge(&view(states), Dc::Europe, 0), expect, "{states:?}");
        }
    }

    #[test]
    fn a_cut_link_makes_the_matrix_asymmetric_and_both_ends_disputed() {
        let (a, b) = (Dc::Europe, Dc::Americas);
        let mut witnesses = view([Up; 3]);
        witnesses.views[a][b] = Down;
        witnesses.views[b][a] = Down;
        let verdicts = PerDc::from_fn(|dc| judge(&witnesses, dc, 0));
        assert_eq!(
            verdicts.0,
            [DcVerdict::Disputed, DcVerdict::Disputed, DcVerdict::Up]
        );
        assert_eq!(worst(&verdicts), DcVerdict::Disputed);
    }

    #[test]
    fn an_error_lowers_a_green_tile_and_raises_no_other() {
        assert_eq!(
            judge(&view([Up; 3]), Dc::Europe, 1),
            DcVerdict::UpWithErrors
        );
        assert_eq!(judge(&view([Down; 3]), Dc::Europe, 1), DcVerdict::Down);
    }
}
