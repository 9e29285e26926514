//! The clocks of the nodes against this machine's.
//!
//! Rows and summaries have their timestamps from the log, so that a wrong clock covers none of
//! them. What a wrong clock does: the age of hints is told wrong, so that a data centre whose hints
//! have run out is compared too late, and rows that other programs write are ordered by it.

use scylla::client::session::Session;

use super::views::NodeView;
use crate::ports::Clock;

/// From here on a difference is told as one. Machines that ask a time server differ by far less.
const WORTH_TELLING_MS: i64 = 500;

/// How a node's clock stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClockReading {
    /// The node's address.
    node: String,
    /// How far it is ahead of this machine's, milliseconds; behind, where it is negative. Right
    /// to half of the time that the answer took.
    ahead_ms: i64,
}

/// Asks every node that answers.
pub(super) async fn read(session: &Session, clock: &dyn Clock) -> Vec<ClockReading> {
    let mut readings = Vec::new();
    for node in session.get_cluster_state().get_nodes_info() {
        let view = NodeView::new(session, node);
        let before = clock.now().timestamp_millis();
        let Ok(there) = view.clock_ms().await else {
            continue;
        };
        let after = clock.now().timestamp_millis();
        readings.push(ClockReading {
            node: node.address.to_string(),
            ahead_ms: ahead(before, there, after),
        });
    }
    readings
}

/// How far a clock is ahead that said `there` between two moments of ours. What lies between them
/// is no difference.
const fn ahead(before: i64, there: i64, after: i64) -> i64 {
    if there < before {
        there - before
    } else if there > after {
        there - after
    } else {
        0
    }
}

/// What there is to say of all clocks.
pub(super) fn told(readings: &[ClockReading]) -> String {
    let farthest = readings.iter().max_by_key(|reading| reading.ahead_ms.abs());
    match farthest {
        None => "no node told its time".to_owned(),
        Some(ClockReading { node, ahead_ms }) if ahead_ms.abs() >= WORTH_TELLING_MS => {
            let seconds = ahead_ms.abs() as f64 / 1_000.0;
            let side = if *ahead_ms > 0 { "ahead of" } else { "behind" };
            format!(
                "the clock of {node} is {seconds:.1} s {side} this machine's: let both ask a time \
                 server"
            )
        }
        Some(ClockReading { ahead_ms, .. }) => {
            format!("clocks agree to {} ms", ahead_ms.abs().max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(node: &str, ahead_ms: i64) -> ClockReading {
        ClockReading {
            node: node.to_owned(),
            ahead_ms,
        }
    }

    #[test]
    fn the_time_that_an_answer_took_is_no_difference() {
        assert_eq!(ahead(1_000, 1_003, 1_009), 0);
        assert_eq!(ahead(1_000, 990, 1_009), -10);
        assert_eq!(ahead(1_000, 4_009, 1_009), 3_000);
    }

    #[test]
    fn the_clock_that_is_farthest_off_is_named() {
        let near = [reading("10.0.1.1:9042", 3), reading("10.0.1.2:9042", -7)];
        assert_eq!(told(&near), "clocks agree to 7 ms");
        let [first, second] = near;
        let off = reading("10.0.1.3:9042", -2_500);
        let told_of = told(&[first, off, second]);
        assert!(
            told_of.starts_with("the clock of 10.0.1.3:9042 is 2.5 s behind this machine's"),
            "{told_of}"
        );
        assert!(told(&[reading("a", 500)]).contains("0.5 s ahead of"));
        assert_eq!(told(&[]), "no node told its time");
    }
}
