//! What went wrong, until a person closes it. The same thing twice is counted, not stacked.

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Object and cause.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
    /// How often it happened, from 1.
    pub repeats: u64,
}

/// All that is not closed yet, oldest first.
#[derive(Debug, Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Adds one, or counts it.
    pub fn push(&mut self, message: String, remedy: Option<String>) {
        if let Some(known) = self.0.iter_mut().find(|known| known.message == message) {
            known.repeats += 1;
            known.remedy = remedy;
            return;
        }
        self.0.push(Notice {
            message,
            remedy,
            repeats: 1,
        });
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
        notices.close(0);
        assert_eq!(notices.all()[0].message, "b");
        notices.close(9);
        assert_eq!(notices.all().len(), 1);
    }
}
