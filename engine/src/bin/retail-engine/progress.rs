//! The progress line of a load, on stderr: redrawn on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Time between two drawings on a terminal: fluent to the eye.
const REDRAW_EVERY: Duration = Duration::from_millis(100);
/// Time between two lines in a file or pipe.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// Rows read.
    pub(crate) read: u64,
    /// Lines durable at QUORUM.
    pub(crate) written: u64,
    /// Bytes of the file that were read.
    pub(crate) bytes: u64,
    /// Bytes of the whole file.
    pub(crate) bytes_total: u64,
}

/// Draws the line. Time is passed in, from the same clock throughout.
#[derive(Debug)]
pub(crate) struct Progress<W: Write> {
    out: W,
    redraws: bool,
    start: Duration,
    drawn: Option<Duration>,
}

impl Progress<io::Stderr> {
    /// Progress on stderr, from `now` on.
    pub(crate) fn on_stderr(now: Duration) -> Self {
        let out = io::stderr();
        let redraws = out.is_terminal();
        Self::new(out, redraws, now)
    }
}

impl<W: Write> Progress<W> {
    const fn new(out: W, redraws: bool, now: Duration) -> Self {
        Self {
            out,
            redraws,
            start: now,
            drawn: None,
        }
    }

    /// Draws, if it is time to.
    pub(crate) fn draw(&mut self, place: Place, now: Duration) -> io::Result<()> {
        let every = if self.redraws {
            REDRAW_EVERY
        } else {
            LINE_EVERY
        };
        let last = self.drawn.unwrap_or(self.start);
        if now.saturating_sub(last) < every {
            return Ok(());
        }
        self.drawn = Some(now);
        let text = line(place, now.saturating_sub(self.start));
        if self.redraws {
            // Back to the start, and clear what a longer line left.
            write!(self.out, "\r{text}\x1b[K")?;
        } else {
            writeln!(self.out, "{text}")?;
        }
        self.out.flush()
    }

    /// Takes the line away, so that the result stands alone.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.redraws && self.drawn.is_some() {
            write!(self.out, "\r\x1b[K")?;
        }
        self.out.flush()
    }
}

fn line(place: Place, elapsed: Duration) -> String {
    let secs = elapsed.as_secs_f64().max(0.001);
    let rate = |lines: u64| format!("{:.0}/s", lines as f64 / secs);
    let counts = format!(
        "read {} ({}), written {} ({})",
        place.read,
        rate(place.read),
        place.written,
        rate(place.written),
    );
    if place.bytes_total == 0 {
        return counts;
    }
    let share = (place.bytes as f64 / place.bytes_total as f64).min(1.0);
    let percent = share * 100.0;
    // Too early the guess jumps about.
    if percent < 1.0 {
        return format!("{counts}, {percent:.0} %");
    }
    let left = secs * (1.0 - share) / share;
    format!("{counts}, {percent:.0} %, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        read: 1_000,
        written: 500,
        bytes: 25,
        bytes_total: 100,
    };

    fn drawn(redraws: bool, at_ms: &[u64]) -> String {
        let mut progress = Progress::new(Vec::new(), redraws, Duration::ZERO);
        for ms in at_ms {
            progress.draw(PLACE, Duration::from_millis(*ms)).unwrap();
        }
        progress.clear().unwrap();
        String::from_utf8(progress.out).unwrap()
    }

    #[test]
    fn a_line_tells_rates_share_and_the_rest() {
        assert_eq!(
            line(PLACE, Duration::from_secs(2)),
            "read 1000 (500/s), written 500 (250/s), 25 %, 6 s left"
        );
        assert_eq!(
            line(Place::default(), Duration::ZERO),
            "read 0 (0/s), written 0 (0/s)"
        );
    }

    #[test]
    fn a_terminal_is_redrawn_and_cleared_and_a_file_gets_few_lines() {
        let terminal = drawn(true, &[50, 100, 150, 200]);
        assert_eq!(terminal.matches("read").count(), 2);
        assert!(terminal.ends_with("\r\x1b[K"));
        let file = drawn(false, &[100, 4_999, 5_000, 9_999, 10_000]);
        assert_eq!(file.lines().count(), 2);
        assert!(!file.contains('\r'));
    }
}
