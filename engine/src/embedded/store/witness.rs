//! Who sees whom: what each data centre concludes from the answers to its own requests.

use std::time::Duration;

use parking_lot::Mutex;

use crate::model::{Dc, PerDc};
use crate::ports::{DcState, WitnessView};

/// What one observer knows of one subject.
#[derive(Debug, Clone, Copy)]
struct Sight {
    state: DcState,
    /// The first request that was not answered since the last answer.
    waiting_since: Option<Duration>,
    /// Down because it refuses, not because it is silent.
    refuses: bool,
    /// A heartbeat is on its way.
    asked: bool,
}

/// The matrix of sights.
#[derive(Debug)]
pub(super) struct Witnesses {
    sights: Mutex<PerDc<PerDc<Sight>>>,
    suspect_after: Duration,
    down_after: Duration,
}

impl Witnesses {
    /// Nobody has asked yet. Silence makes a suspect, and longer silence a data centre down.
    pub(super) fn new(suspect_after: Duration, down_after: Duration) -> Self {
        let sight = Sight {
            state: DcState::Unknown,
            waiting_since: None,
            refuses: false,
            asked: false,
        };
        Self {
            sights: Mutex::new(PerDc([PerDc([sight; 3]); 3])),
            suspect_after,
            down_after,
        }
    }

    /// A heartbeat leaves at `now`; whether there is none on its way already.
    pub(super) fn ask(&self, observer: Dc, subject: Dc, now: Duration) -> bool {
        let sight = &mut self.sights.lock()[observer][subject];
        sight.waiting_since.get_or_insert(now);
        !std::mem::replace(&mut sight.asked, true)
    }

    /// The heartbeat did not leave, or nobody will answer it.
    pub(super) fn not_asked(&self, observer: Dc, subject: Dc) {
        self.sights.lock()[observer][subject].asked = false;
    }

    /// An answer came.
    pub(super) fn answered(&self, observer: Dc, subject: Dc) {
        let sight = &mut self.sights.lock()[observer][subject];
        *sight = Sight {
            state: DcState::Up,
            waiting_since: None,
            refuses: false,
            asked: sight.asked,
        };
    }

    /// The other side refuses.
    pub(super) fn refused(&self, observer: Dc, subject: Dc) {
        let sight = &mut self.sights.lock()[observer][subject];
        *sight = Sight {
            state: DcState::Down,
            waiting_since: None,
            refuses: true,
            asked: sight.asked,
        };
    }

    /// The observer itself does not work: it says nothing.
    pub(super) fn blind(&self, observer: Dc) {
        for (_, sight) in self.sights.lock()[observer].iter_mut() {
            sight.state = DcState::Unknown;
            sight.waiting_since = None;
            sight.refuses = false;
        }
    }

    /// Draws conclusions from silence.
    pub(super) fn conclude(&self, now: Duration) {
        let mut sights = self.sights.lock();
        for (_, row) in sights.iter_mut() {
            for (_, sight) in row.iter_mut() {
                let Some(since) = sight.waiting_since else {
                    continue;
                };
                let silent = now.saturating_sub(since);
                if silent >= self.down_after {
                    sight.state = DcState::Down;
                } else if silent >= self.suspect_after && sight.state != DcState::Down {
                    sight.state = DcState::Suspect;
                }
            }
        }
    }

    /// Whether the observer gave a subject up because of its silence. One that refused is worth
    /// another try: a refusal costs nothing.
    pub(super) fn gave_up(&self, observer: Dc, subject: Dc) -> bool {
        let sight = self.sights.lock()[observer][subject];
        sight.state == DcState::Down && !sight.refuses
    }

    /// The matrix as it stands.
    pub(super) fn view(&self) -> WitnessView {
        WitnessView {
            views: self.sights.lock().map(|row| row.map(|sight| sight.state)),
        }
    }
}
