//! Predicted, then observed: a few rows that sum the kinds of requests up.

use retail_engine::failover::predict::{Access, Fate, Flow};
use retail_engine::model::{ConsistencyLevel, Dc};

use super::card::{Cell, Row, Rpo, Source, Stage, Verdict, time};
use crate::views::format;

/// How many cells came as predicted, in words.
pub(super) fn score(cells: &[Cell]) -> String {
    let count = |verdict| cells.iter().filter(|cell| cell.verdict == verdict).count();
    let (good, bad) = (count(Verdict::AsPredicted), count(Verdict::Differs));
    let open = count(Verdict::Pending) + count(Verdict::NotTested);
    let mut text = format!("{good} of {} as predicted", cells.len());
    if bad > 0 {
        text = format!("{text}, {bad} differ");
    }
    if open > 0 {
        text = format!("{text}, {open} open");
    }
    text
}

/// The rows of the table.
pub(super) fn rows(source: &Source<'_>, detected_ms: Option<u64>) -> Vec<Row> {
    let of = |access, level| {
        let cells: Vec<&Cell> = source
            .cells
            .iter()
            .filter(|cell| cell.key.access == access && cell.key.level == level)
            .collect();
        cells
    };
    let requests = |what: &str, access, level: ConsistencyLevel| {
        let cells = of(access, level);
        let (ok, failed) = cells
            .iter()
            .fold((0, 0), |sum, cell| (sum.0 + cell.ok, sum.1 + cell.failed));
        Row {
            what: format!("{what} at {level}"),
            predicted: predicted(&cells),
            observed: format!("{} ok, {} failed", format::count(ok), format::count(failed)),
            verdict: worst(&cells),
        }
    };
    let mut rows = vec![
        moved(source, detected_ms),
        requests("Writes", Access::Write, ConsistencyLevel::Quorum),
        requests("Writes", Access::Write, ConsistencyLevel::EachQuorum),
        requests("Reads", Access::Read, ConsistencyLevel::Quorum),
    ];
    rows.push(lost(source));
    rows
}

fn lost(source: &Source<'_>) -> Row {
    let (observed, verdict) = match &source.rpo {
        Rpo::SoFar { missing, .. } => (
            format!("{} so far", format::count(*missing)),
            Verdict::Pending,
        ),
        Rpo::Proven(0) => ("0, proven".to_owned(), Verdict::AsPredicted),
        Rpo::Proven(lines) => (format::count(*lines), Verdict::Differs),
        Rpo::Unknown(_) => ("Unknown".to_owned(), Verdict::NotTested),
    };
    Row {
        what: "Lines lost".to_owned(),
        predicted: match source.prediction.flow {
            Flow::GoesOn => "0".to_owned(),
            Flow::Waits => "0; reading waits".to_owned(),
        },
        observed,
        verdict,
    }
}

fn moved(source: &Source<'_>, detected_ms: Option<u64>) -> Row {
    let gone: Vec<_> = source
        .prediction
        .routes
        .iter()
        .filter(|route| route.taken_over_by.is_some())
        .collect();
    let is_over = source.stage > Stage::Fault;
    if gone.is_empty() {
        let (observed, verdict) = match (detected_ms, is_over) {
            (Some(_), _) => ("a region moved".to_owned(), Verdict::Differs),
            (None, true) => ("none moved".to_owned(), Verdict::AsPredicted),
            (None, false) => ("none so far".to_owned(), Verdict::Pending),
        };
        return Row {
            what: "Regions that move".to_owned(),
            predicted: "none".to_owned(),
            observed,
            verdict,
        };
    }
    let names: Vec<&str> = gone.iter().map(|route| route.region.name()).collect();
    let within = gone
        .iter()
        .filter_map(|route| route.detect_within_ms)
        .max()
        .unwrap_or_default();
    let mut to: Vec<&str> = gone
        .iter()
        .filter_map(|route| route.taken_over_by.map(Dc::name))
        .collect();
    to.dedup();
    let (observed, verdict) = match (detected_ms, is_over) {
        (Some(ms), _) if ms <= within => (format!("in {}", time(ms)), Verdict::AsPredicted),
        (Some(ms), _) => (format!("in {}", time(ms)), Verdict::Differs),
        (None, false) => ("not yet".to_owned(), Verdict::Pending),
        (None, true) => ("stayed at home".to_owned(), Verdict::Differs),
    };
    Row {
        what: match names.as_slice() {
            [one] => format!("{one} moves"),
            more => format!("{} move", more.join(", ")),
        },
        predicted: format!("to {} in {}", to.join(", "), time(within)),
        observed,
        verdict,
    }
}

fn predicted(cells: &[&Cell]) -> String {
    let all = |fate| cells.iter().all(|cell| cell.fate == fate);
    let any = |fate| cells.iter().any(|cell| cell.fate == fate);
    let text = if all(Fate::Works) {
        "none fails"
    } else if all(Fate::Fails) {
        "all fail"
    } else if any(Fate::Fails) {
        "some fail until the end"
    } else {
        "go on after the failover"
    };
    text.to_owned()
}

/// The worst verdict: one that differs counts more than all that came.
fn worst(cells: &[&Cell]) -> Verdict {
    cells
        .iter()
        .map(|cell| cell.verdict)
        .max()
        .unwrap_or(Verdict::NotTested)
}

#[cfg(test)]
mod tests {
    use retail_engine::failover::predict::CellKey;
    use retail_engine::model::Region;

    use super::*;

    fn cell(fate: Fate, verdict: Verdict) -> Cell {
        Cell {
            key: CellKey {
                region: Region::Europe,
                access: Access::Write,
                level: ConsistencyLevel::Quorum,
            },
            fate,
            ok: 1,
            failed: 0,
            verdict,
        }
    }

    #[test]
    fn a_row_is_as_good_as_its_worst_cell() {
        let good = cell(Fate::Works, Verdict::AsPredicted);
        let open = cell(Fate::Works, Verdict::Pending);
        let bad = cell(Fate::WorksAfterFailover, Verdict::Differs);
        assert_eq!(worst(&[&good, &good]), Verdict::AsPredicted);
        assert_eq!(worst(&[&good, &open]), Verdict::Pending);
        assert_eq!(worst(&[&open, &bad, &good]), Verdict::Differs);
        assert_eq!(predicted(&[&good]), "none fails");
        assert_eq!(predicted(&[&good, &bad]), "go on after the failover");
        assert_eq!(
            score(&[good, open, bad]),
            "1 of 3 as predicted, 1 differ, 1 open"
        );
    }
}
