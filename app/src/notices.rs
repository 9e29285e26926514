//! What went wrong, until a person closes it, and what was done, for a while. The same thing twice
//! is counted, not stacked.

use std::time::{Duration, Instant};

/// How long a notice of something done stays.
const DONE_STAYS: Duration = Duration::from_secs(8);

/// What a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Went wrong; stays until closed.
    Error,
    /// Was done; goes by itself.
    Done,
}

/// One thing that went wrong, or was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which of the two.
    pub kind: Kind,
    /// Object and cause.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
    /// How often it happened, from 1.
    pub repeats: u64,
    since: Instant,
}

/// All that is not closed yet, oldest first.
#[derive(Debug, Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Adds an error, or counts it.
    pub fn push(&mut self, message: String, remedy: Option<String>) {
        self.add(Kind::Error, message, remedy);
    }

    /// Says that something was done.
    pub fn done(&mut self, message: String) {
        self.add(Kind::Done, message, None);
    }

    fn add(&mut self, kind: Kind, message: String, remedy: Option<String>) {
        let since = Instant::now();
        if let Some(known) = self.0.iter_mut().find(|known| known.message == message) {
            known.repeats += 1;
            known.remedy = remedy;
            known.since = since;
            return;
        }
        self.0.push(Notice {
            kind,
            message,
            remedy,
            repeats: 1,
            since,
        });
    }

    /// Takes away what has stayed long enough; how long until the next goes.
    pub fn tidy(&mut self) -> Option<Duration> {
        let goes = |notice: &Notice| notice.kind == Kind::Done;
        self.0
            .retain(|notice| !goes(notice) || notice.since.elapsed() < DONE_STAYS);
        let done = self.0.iter().filter(|notice| goes(notice));
        done.map(|notice| DONE_STAYS.saturating_sub(notice.since.elapsed()))
            .min()
    }

    /// All.
    pub fn all(&self) -> &[Notice] {
        &self.0
    }

    /// Closes one.
    pub fn close(&mut self, place: usize) {
        if place < self.0.len() {
            self.0.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_error_is_counted_until_it_is_closed() {
        let mut notices = Notices::default();
        notices.push("a".into(), None);
        notices.push("b".into(), None);
        notices.push("a".into(), Some("do".into()));
        assert_eq!(notices.all().len(), 2);
        assert_eq!(notices.all()[0].repeats, 2);
        assert_eq!(notices.all()[0].remedy.as_deref(), Some("do"));
        assert_eq!(notices.tidy(), None);
        notices.close(0);
        assert_eq!(notices.all()[0].message, "b");
        notices.close(9);
        assert_eq!(notices.all().len(), 1);
        notices.done("c".into());
        assert!(notices.tidy().is_some());
    }
}
