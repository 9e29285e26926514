//! The progress line of a load, on stderr: redrawn on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Time between two drawings on a terminal: fluent to the eye.
const REDRAW_EVERY: Duration = Duration::from_millis(100);
/// Time between two lines in a file or pipe.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Before so much of the file is read, how many rows it has is a guess that jumps about.
const SHARE_TO_GUESS_FROM: f64 = 0.01;

/// Names of the hops, in the order of the flow.
const HOPS: [&str; 6] = [
    "read", "clean", "produced", "consumed", "written", "visible",
];

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// Rows that passed each hop, in the order of [`HOPS`]. What is visible counts each line
    /// once, those from before this load not; `None` while a data centre does not say.
    pub(crate) passed: [Option<u64>; HOPS.len()],
    /// Rows that were set aside.
    pub(crate) set_aside: u64,
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
    /// Where the load was when it was first seen: one that goes on does not begin at 0.
    first: Option<(Place, Duration)>,
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
            first: None,
        }
    }

    /// Draws, if it is time to.
    pub(crate) fn draw(&mut self, place: Place, now: Duration) -> io::Result<()> {
        let (first, since) = *self.first.get_or_insert((place, now));
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
        let text = line(&first, &place, now.saturating_sub(since));
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

fn line(first: &Place, now: &Place, elapsed: Duration) -> String {
    let secs = elapsed.as_secs_f64();
    let hops = HOPS.iter().zip(first.passed).zip(now.passed);
    let mut parts: Vec<_> = hops
        .clone()
        .map(
            |((name, before), now)| match (now, rate(before, now, secs)) {
                (Some(now), Some(rate)) => format!("{name} {now} ({rate:.0}/s)"),
                (Some(now), None) => format!("{name} {now}"),
                (None, _) => format!("{name} unknown"),
            },
        )
        .collect();
    if now.bytes_total > 0 {
        let share = (now.bytes as f64 / now.bytes_total as f64).min(1.0);
        parts.push(format!("{:.0} %", share * 100.0));
        let rates = hops.map(|((_, before), now)| (now, rate(before, now, secs)));
        if let Some(left) = left(now, share, &rates.collect::<Vec<_>>()) {
            parts.push(format!("{left:.0} s left"));
        }
    }
    parts.join(", ")
}

fn rate(before: Option<u64>, now: Option<u64>, secs: f64) -> Option<f64> {
    let rows = now?.checked_sub(before?)?;
    (secs > 0.0).then(|| rows as f64 / secs)
}

/// Seconds until the slowest hop has passed everything, as far as the rows of the file can be
/// guessed from the part that is read. What is visible is left out: lines that were stored before
/// are not counted there, so it may never get to the end.
fn left(now: &Place, share: f64, hops: &[(Option<u64>, Option<f64>)]) -> Option<f64> {
    let read = now.passed.first().copied().flatten()?;
    if share < SHARE_TO_GUESS_FROM || read == 0 {
        return None;
    }
    let rows = read as f64 / share;
    let clean = rows * (1.0 - now.set_aside as f64 / read as f64);
    let mut slowest = 0.0_f64;
    for (place, (passed, rate)) in hops.iter().take(HOPS.len() - 1).enumerate() {
        let all = if place == 0 { rows } else { clean };
        let left = (all - (*passed)? as f64).max(0.0);
        let rate = (*rate)?;
        if left >= 1.0 {
            // One that stands still gets nowhere.
            slowest = slowest.max((rate > 0.0).then(|| left / rate)?);
        }
    }
    Some(slowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Place = Place {
        passed: [Some(0); 6],
        set_aside: 0,
        bytes: 0,
        bytes_total: 100,
    };
    const PLACE: Place = Place {
        passed: [
            Some(1_000),
            Some(900),
            Some(900),
            Some(800),
            Some(450),
            Some(440),
        ],
        set_aside: 100,
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
    fn every_hop_has_its_rate_and_the_slowest_says_how_long() {
        // 3,600 clean lines in all, 450 of them written at 225 a second: 14 s. Reading takes 6.
        assert_eq!(
            line(&FIRST, &PLACE, Duration::from_secs(2)),
            "read 1000 (500/s), clean 900 (450/s), produced 900 (450/s), consumed 800 (400/s), \
             written 450 (225/s), visible 440 (220/s), 25 %, 14 s left"
        );
    }

    #[test]
    fn a_load_that_goes_on_is_not_faster_for_what_was_there() {
        let mut later = PLACE;
        later.passed = later.passed.map(|n| n.map(|n| n + 100));
        let text = line(&PLACE, &later, Duration::from_secs(1));
        assert!(text.starts_with("read 1100 (100/s)"), "{text}");
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let mut place = PLACE;
        place.passed[5] = None;
        let text = line(&FIRST, &place, Duration::from_secs(2));
        assert!(text.contains("visible unknown"), "{text}");
        place.passed[4] = Some(0);
        let standing = line(&FIRST, &place, Duration::from_secs(2));
        assert!(standing.ends_with("25 %"), "{standing}");
        let start = line(&Place::default(), &Place::default(), Duration::ZERO);
        assert!(!start.contains('%') && !start.contains("/s"), "{start}");
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
