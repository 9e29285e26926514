//! What came of ending all faults, as words: how many, whether any is left, and how the data
//! centres stand without them.

use retail_engine::handle::Snapshot;

/// Whether a fault is in force after all were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// None.
    None,
    /// At least one.
    Some,
}

/// After `faults` faults were ended, as a snapshot that was taken later has it.
pub fn ended(faults: usize, after: &Snapshot) -> (Left, String) {
    let how_many = match faults {
        1 => "1 fault was ended".to_owned(),
        many => format!("{many} faults were ended"),
    };
    let names: Vec<String> = after
        .faults
        .iter()
        .map(|lease| lease.fault.to_string())
        .collect();
    let (left, rest) = if names.is_empty() {
        (Left::None, "none is left".to_owned())
    } else {
        let rest = format!("{} in force still: {}", names.len(), names.join(", "));
        (Left::Some, rest)
    };
    let stand: Vec<String> = after
        .dcs
        .iter()
        .map(|(dc, view)| format!("{}: {}", dc.name(), view.verdict.name()))
        .collect();
    (left, format!("{how_many}, {rest}. {}.", stand.join("; ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use retail_engine::config::Mode;
    use retail_engine::failover::lease::FaultBoard;
    use retail_engine::model::Dc;
    use retail_engine::ports::Fault;
    use retail_engine::watch::health::DcVerdict;

    use super::*;

    #[test]
    fn what_is_left_and_how_the_data_centres_stand_is_said() {
        let now = DateTime::UNIX_EPOCH;
        let mut after = Snapshot::starting(Mode::Embedded, now);
        after.dcs[Dc::Europe].verdict = DcVerdict::Down;
        after.dcs[Dc::Americas].verdict = DcVerdict::Up;
        let (left, text) = ended(5, &after);
        assert_eq!(left, Left::None);
        assert_eq!(
            text,
            "5 faults were ended, none is left. Europe_DC: Down; Americas_DC: Up; \
             AsiaPacific_DC: Unknown."
        );
        let mut board = FaultBoard::default();
        let dc = Dc::Europe;
        board.start(Fault::DcDown { dc }, now, Duration::from_secs(9), "test");
        after.faults = board.active().cloned().collect();
        let (left, text) = ended(1, &after);
        assert_eq!(left, Left::Some);
        assert!(
            text.starts_with("1 fault was ended, 1 in force still: Europe_DC down. "),
            "{text}"
        );
    }
}
