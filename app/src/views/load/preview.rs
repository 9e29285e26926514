//! The first rows of a file, as a table.

use retail_engine::intake::{Preview, PreviewOutcome, PreviewRow, RowLayout, RowParts};
use retail_engine::model::{Line, Reason, Region, Reject};

use super::reasons;
use crate::views::format;

/// Rows that are asked for.
pub const ROWS: usize = 1_000;

/// Which rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// All of them.
    #[default]
    All,
    /// Those that flow.
    Cleaned,
    /// Those that do not.
    SetAside,
    /// All, as they stand in the file.
    Raw,
}

/// Where a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// To a region.
    To(Region),
    /// Nowhere.
    Aside(Reason),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Physical line.
    pub line: String,
    /// Invoice, code, description, quantity, price, customer.
    pub cells: [String; 6],
    /// Where it goes.
    pub goes: Goes,
    /// As it stands in the file.
    pub raw: String,
    /// What there is to say of it.
    pub detail: String,
}

/// The rows and which of them each tab shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreviewView {
    /// The rows.
    pub rows: Vec<Row>,
    /// Places of those that flow.
    pub cleaned: Vec<usize>,
    /// Places of those that do not.
    pub aside: Vec<usize>,
    /// Whether these are all rows of the file.
    pub whole: bool,
    /// How many were set aside, and why.
    pub summary: String,
}

impl PreviewView {
    /// Of a preview.
    pub fn of(preview: &Preview) -> Self {
        let layout = RowLayout::of(&preview.plan);
        let rows: Vec<Row> = preview
            .rows
            .iter()
            .map(|row| row_of(row, &layout))
            .collect();
        let places = |aside: bool| {
            let is_aside = |row: &Row| matches!(row.goes, Goes::Aside(_));
            let of_kind = rows.iter().enumerate();
            of_kind
                .filter(|(_, row)| is_aside(row) == aside)
                .map(|(place, _)| place)
                .collect()
        };
        Self {
            cleaned: places(false),
            aside: places(true),
            whole: preview.whole_file && preview.head_rows == rows.len() as u64,
            summary: summary(&rows),
            rows,
        }
    }

    /// How many rows a tab shows.
    pub fn len(&self, tab: Tab) -> usize {
        match tab {
            Tab::All | Tab::Raw => self.rows.len(),
            Tab::Cleaned => self.cleaned.len(),
            Tab::SetAside => self.aside.len(),
        }
    }

    /// The place among all rows of a row of a tab.
    pub fn place(&self, tab: Tab, row: usize) -> Option<usize> {
        match tab {
            Tab::All | Tab::Raw => (row < self.rows.len()).then_some(row),
            Tab::Cleaned => self.cleaned.get(row).copied(),
            Tab::SetAside => self.aside.get(row).copied(),
        }
    }

    /// The row of a tab that is the next set aside after `row`, from the top again at the end.
    pub fn next_aside(&self, tab: Tab, row: Option<usize>) -> Option<usize> {
        let rows = self.len(tab);
        let is_aside = |at: &usize| {
            self.place(tab, *at)
                .and_then(|place| self.rows.get(place))
                .is_some_and(|row| matches!(row.goes, Goes::Aside(_)))
        };
        let from = row.map_or(0, |row| row + 1);
        (from..rows).chain(0..from.min(rows)).find(is_aside)
    }
}

fn summary(rows: &[Row]) -> String {
    let mut counts: Vec<(Reason, u64)> = Vec::new();
    for row in rows {
        let Goes::Aside(reason) = row.goes else {
            continue;
        };
        match counts.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return "none of these rows is set aside".to_owned();
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{} {}", format::count(*count), reasons::reason(*reason)))
        .collect();
    format!("{} set aside: {}", format::count(total), parts.join(", "))
}

fn row_of(row: &PreviewRow, layout: &RowLayout) -> Row {
    let line = format::count(row.line);
    let raw = row.raw.trim_end_matches(['\r', '\n']).to_owned();
    match &row.outcome {
        PreviewOutcome::Clean {
            line: clean,
            region,
        } => Row {
            line,
            cells: cells(clean),
            goes: Goes::To(*region),
            detail: format!(
                "Line {}: {}, {}, {}",
                row.line,
                clean.invoice_time,
                clean.country,
                format::money(clean.as_ref().amount())
            ),
            raw,
        },
        PreviewOutcome::SetAside(reject) => Row {
            line,
            cells: raw_cells(reject, layout),
            goes: Goes::Aside(reject.reason),
            detail: format!("Line {}: {}", reject.line, reject.message),
            raw,
        },
    }
}

fn cells(line: &Line) -> [String; 6] {
    [
        line.invoice_no.to_string(),
        line.stock_code.to_string(),
        line.description.to_string(),
        format::signed(line.quantity.into()),
        format::decimal(line.unit_price),
        line.customer.as_deref().unwrap_or_default().to_owned(),
    ]
}

/// The fields as they stand; the whole row as a description where it cannot be cut.
fn raw_cells(reject: &Reject, layout: &RowLayout) -> [String; 6] {
    let blank = String::new;
    match RowParts::of(reject, layout).fields {
        Some([invoice, code, description, quantity, _, price, customer, _]) => {
            [invoice, code, description, quantity, price, customer]
        }
        None => [
            blank(),
            blank(),
            reject.raw.trim().to_owned(),
            blank(),
            blank(),
            blank(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goes: Goes) -> Row {
        Row {
            line: "1".into(),
            cells: std::array::from_fn(|_| String::new()),
            goes,
            raw: String::new(),
            detail: String::new(),
        }
    }

    #[test]
    fn the_next_row_set_aside_is_found_and_wraps_round() {
        let to = Goes::To(Region::Europe);
        let aside = Goes::Aside(Reason::Cancellation);
        let view = PreviewView {
            rows: [to, aside, to, aside].map(row).to_vec(),
            cleaned: vec![0, 2],
            aside: vec![1, 3],
            ..PreviewView::default()
        };
        assert_eq!(view.next_aside(Tab::All, None), Some(1));
        assert_eq!(view.next_aside(Tab::All, Some(1)), Some(3));
        assert_eq!(view.next_aside(Tab::All, Some(3)), Some(1));
        assert_eq!(view.next_aside(Tab::SetAside, Some(0)), Some(1));
        assert_eq!(view.next_aside(Tab::Cleaned, None), None);
        assert_eq!(summary(&view.rows), "2 set aside: 2 cancellation");
    }
}
