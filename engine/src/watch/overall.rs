//! The health of the whole, as the top bar shows it: as good as its worst part.

use serde::Serialize;

use super::health::DcVerdict;
use super::verdict::Verdict;
use crate::model::{PerDc, PerRegion};

/// Health of the whole, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Everything that was measured is well, and everything was measured.
    Healthy,
    /// Nothing bad is known, and something is not known.
    Unknown,
    /// Somebody should look.
    Attention,
    /// Witnesses of a data centre differ.
    Disputed,
    /// Lines may be lost or wrong, or something stands still.
    Critical,
}

impl Health {
    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Unknown => "Unknown",
            Self::Attention => "Attention",
            Self::Disputed => "Disputed",
            Self::Critical => "Critical",
        }
    }
}

/// What the health of the whole rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// What the witnesses say of each data centre.
    pub dcs: PerDc<DcVerdict>,
    /// How each region's consumer does.
    pub regions: PerRegion<Verdict>,
    /// Lines that the ledger of the newest ended load misses; `None` while it cannot be said.
    pub ledger_gap: Option<u64>,
    /// ERROR events within the window.
    pub errors: u64,
}

/// The worst of the parts.
pub fn overall(parts: &Parts) -> Health {
    let dcs = parts.dcs.iter().map(|(_, verdict)| of_dc(*verdict));
    let regions = parts.regions.iter().map(|(_, verdict)| of_region(*verdict));
    let ledger = match parts.ledger_gap {
        // While lines are on their way a ledger is open, which is no trouble.
        None | Some(0) => Health::Healthy,
        Some(_) => Health::Critical,
    };
    let errors = match parts.errors {
        0 => Health::Healthy,
        _ => Health::Attention,
    };
    dcs.chain(regions)
        .chain([ledger, errors])
        .max()
        .unwrap_or(Health::Unknown)
}

const fn of_dc(verdict: DcVerdict) -> Health {
    match verdict {
        DcVerdict::Up => Health::Healthy,
        DcVerdict::Unknown => Health::Unknown,
        DcVerdict::UpWithErrors | DcVerdict::Suspect => Health::Attention,
        DcVerdict::Disputed => Health::Disputed,
        DcVerdict::Down => Health::Critical,
    }
}

const fn of_region(verdict: Verdict) -> Health {
    match verdict {
        // A group that was moved back is reading again because somebody wanted it to.
        Verdict::Ok | Verdict::Rewound => Health::Healthy,
        Verdict::Unknown => Health::Unknown,
        Verdict::Growing => Health::Attention,
        Verdict::Stalled | Verdict::Stopped => Health::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dc, Region};

    type Plant = fn(&mut Parts);

    #[test]
    fn the_whole_is_as_good_as_its_worst_part() {
        let well = Parts {
            dcs: PerDc([DcVerdict::Up; 3]),
            regions: PerRegion([Verdict::Ok; 3]),
            ledger_gap: Some(0),
            errors: 0,
        };
        assert_eq!(overall(&well), Health::Healthy);
        let plants: [(Health, Plant); 8] = [
            (Health::Healthy, |p| p.ledger_gap = None),
            (Health::Unknown, |p| {
                p.dcs[Dc::Americas] = DcVerdict::Unknown;
            }),
            (Health::Unknown, |p| {
                p.regions[Region::Europe] = Verdict::Unknown;
            }),
            (Health::Attention, |p| p.errors = 1),
            (Health::Attention, |p| {
                p.regions[Region::Europe] = Verdict::Growing;
            }),
            (Health::Disputed, |p| {
                p.dcs[Dc::Americas] = DcVerdict::Disputed;
            }),
            (Health::Critical, |p| p.ledger_gap = Some(1)),
            (Health::Critical, |p| p.dcs[Dc::Americas] = DcVerdict::Down),
        ];
        let mut all = well.clone();
        for (expect, plant) in plants {
            let mut parts = well.clone();
            plant(&mut parts);
            assert_eq!(overall(&parts), expect, "{parts:?}");
            // Planted one upon the other, from good to bad, the last one shows.
            plant(&mut all);
            assert_eq!(overall(&all), expect, "{all:?}");
        }
    }
}
