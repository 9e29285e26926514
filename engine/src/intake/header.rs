//! The header: which column of the file is which column of a line.

use super::error::IntakeError;
use super::options::{Column, Delimiter, ReadOptions};
use super::plan::HeaderCell;

/// Where the eight columns are, by [`Column`] as a number.
pub(super) type ColumnPlaces = [usize; Column::ALL.len()];

/// A name without what people and programs vary: case, spaces, `_`, `-`.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn recognised(name: &str) -> Option<Column> {
    let name = folded(name);
    Column::ALL
        .into_iter()
        .find(|column| column.synonyms().contains(&name.as_str()))
}

/// The delimiter under which most names of the line are known; the first of equals.
pub(super) fn delimiter_of(header: &str) -> Option<(Delimiter, usize)> {
    let mut best: Option<(Delimiter, usize)> = None;
    for delimiter in Delimiter::ALL {
        let known = header
            .split(char::from(delimiter.byte()))
            .filter(|name| recognised(name).is_some())
            .count();
        if best.is_none_or(|(_, most)| known > most) {
            best = Some((delimiter, known));
        }
    }
    best.filter(|(_, known)| *known > 0)
}

/// The cells of a header, and where the columns are among them.
pub(super) fn map(
    names: Vec<String>,
    options: &ReadOptions,
) -> Result<(Vec<HeaderCell>, ColumnPlaces), IntakeError> {
    let mut places: [Option<usize>; Column::ALL.len()] = [None; 8];
    let mut cells: Vec<HeaderCell> = Vec::with_capacity(names.len());
    for name in names {
        let given = options
            .columns
            .iter()
            .find(|(_, given)| folded(given) == folded(&name))
            .map(|(column, _)| *column);
        let column = given.or_else(|| {
            // A column that was given another name is not looked for under its usual ones.
            recognised(&name).filter(|column| !options.columns.contains_key(column))
        });
        if let Some(column) = column {
            let place = &mut places[column as usize];
            if let Some(first) = place.and_then(|first| cells.get(first)) {
                return Err(IntakeError::DuplicateColumn {
                    column: column.name().to_owned(),
                    names: (first.name.clone(), name),
                });
            }
            *place = Some(cells.len());
        }
        cells.push(HeaderCell { name, column });
    }
    let missing: Vec<Column> = Column::ALL
        .into_iter()
        .filter(|column| places[*column as usize].is_none())
        .collect();
    if missing.is_empty() {
        return Ok((cells, places.map(Option::unwrap_or_default)));
    }
    Err(IntakeError::MissingColumns {
        hint: close_names(&cells, &missing),
        unused: cells
            .iter()
            .filter(|cell| cell.column.is_none())
            .map(|cell| cell.name.clone())
            .collect(),
        missing: missing.iter().map(|c| c.name().to_owned()).collect(),
    })
}

/// Unused names of the file that share their beginning or a word with a missing column.
fn close_names(cells: &[HeaderCell], missing: &[Column]) -> Vec<String> {
    let close = |name: &str| {
        let name = folded(name);
        missing.iter().flat_map(|c| c.synonyms()).any(|synonym| {
            let shorter = name.len().min(synonym.len());
            shorter >= 3
                && (name.contains(synonym)
                    || synonym.contains(name.as_str())
                    || name
                        .bytes()
                        .zip(synonym.bytes())
                        .take_while(|(a, b)| a == b)
                        .count()
                        >= 4)
        })
    };
    cells
        .iter()
        .filter(|cell| cell.column.is_none() && close(&cell.name))
        .map(|cell| cell.name.clone())
        .collect()
}
