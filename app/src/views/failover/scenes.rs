//! The scenes of the presenter: what is said, and what is done when a scene begins.

/// A scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// Before anything.
    Ready,
    /// The file flows at a rate that can be followed.
    Load,
    /// As fast as it goes.
    Surge,
    /// Europe is lost.
    LoseEurope,
    /// Europe's traffic goes elsewhere.
    FailOver,
    /// Europe comes back.
    Heal,
    /// All rows are read and compared.
    Prove,
}

/// What is done when a scene begins, as soon as it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cue {
    /// Load the sample at a rate that can be followed.
    Load,
    /// Let it flow as fast as it goes.
    Surge,
    /// Start the drill.
    Lose,
    /// End its fault.
    Heal,
    /// Read and compare all replicas.
    Prove,
}

impl Scene {
    /// In the order of the show.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Load,
        Self::Surge,
        Self::LoseEurope,
        Self::FailOver,
        Self::Heal,
        Self::Prove,
    ];

    /// Its place in the show, from 0.
    pub fn number(self) -> usize {
        Self::ALL
            .iter()
            .position(|known| *known == self)
            .unwrap_or(0)
    }

    /// The one after it.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self.number() + 1).copied()
    }

    /// The one before it.
    pub fn before(self) -> Option<Self> {
        self.number()
            .checked_sub(1)
            .and_then(|place| Self::ALL.get(place).copied())
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ready => "Three regions, three data centres",
            Self::Load => "Load",
            Self::Surge => "Surge",
            Self::LoseEurope => "Lose Europe",
            Self::FailOver => "Fail over",
            Self::Heal => "Heal",
            Self::Prove => "Prove",
        }
    }

    /// What is said.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Ready => {
                "Every region writes to its home, and every line is kept in all three data centres"
            }
            Self::Load => {
                "A year of invoices flows: read, cleaned, routed by country, stored three times"
            }
            Self::Surge => "The limit goes: what this machine can do",
            Self::LoseEurope => {
                "Europe_DC refuses everything from now on, while lines keep coming in"
            }
            Self::FailOver => {
                "Europe's own requests fail, so its traffic moves; two of three data centres acknowledge"
            }
            Self::Heal => {
                "Europe_DC comes back: what it missed is handed over, then its region goes home"
            }
            Self::Prove => "Every row of every data centre is read on its own and compared",
        }
    }

    /// What is done when it begins.
    pub const fn cue(self) -> Option<Cue> {
        match self {
            Self::Ready | Self::FailOver => None,
            Self::Load => Some(Cue::Load),
            Self::Surge => Some(Cue::Surge),
            Self::LoseEurope => Some(Cue::Lose),
            Self::Heal => Some(Cue::Heal),
            Self::Prove => Some(Cue::Prove),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_show_goes_from_the_first_scene_to_the_last_and_back() {
        let mut scene = Scene::Ready;
        let mut seen = vec![scene];
        while let Some(next) = scene.next() {
            assert_eq!(next.before(), Some(scene));
            scene = next;
            seen.push(scene);
        }
        assert_eq!(seen, Scene::ALL);
        assert_eq!(Scene::Ready.before(), None);
        let cues = Scene::ALL.into_iter().filter_map(Scene::cue).count();
        assert_eq!(cues, 5);
    }
}
