//! What leaves the page: a panel's table as text, CSV or JSON, its drawing as a picture, each with
//! the stamp of the engine.

use eframe::egui::{Theme, Ui, Vec2};
use retail_engine::analytics::{Filter, Origin, Stamp, Table};
use retail_engine::config::Mode;
use retail_engine::model::Day;

use crate::pages::Cx;
use crate::picture::{self, Sheet};
use crate::runbook::Outcome;
use crate::widgets::Take;

/// What is taken out, whatever its form.
pub(super) struct Out {
    /// Its name for people.
    pub title: String,
    /// Its name in the file.
    pub name: String,
    /// Which lines its figures are about.
    pub filter: Filter,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
    /// Room for its drawing.
    pub size: Vec2,
    /// The table of the headless program that is the same, with the options of the filter.
    pub args: Option<Vec<String>>,
}

/// The stamp of what is exported now.
pub(super) fn stamp(cx: &Cx<'_>, filter: Filter, reference_date: Option<Day>) -> Stamp {
    Stamp {
        mode: cx.snapshot.mode.slug().to_owned(),
        origin: match cx.snapshot.mode {
            Mode::Embedded => Origin::Simulated,
            Mode::Live => Origin::Cluster,
        },
        filter,
        reference_date,
    }
}

/// Takes `out` out as `take`.
pub(super) fn take(
    cx: &mut Cx<'_>,
    take: Take,
    out: Out,
    tables: Vec<Table>,
    draw: impl FnMut(&mut Ui) + Send + 'static,
) {
    let stamp = stamp(cx, out.filter, out.reference_date);
    let name = format!("{}.{}", out.name, take.extension());
    let mut args = out.args.filter(|_| matches!(take, Take::Csv | Take::Json));
    if let Some(args) = &mut args {
        let form = ["--format", take.extension(), "--out", &name];
        args.extend(form.map(str::to_owned));
    }
    let what = format!(
        "{}: {}",
        take.name().trim_end_matches('\u{2026}'),
        out.title
    );
    let act = cx.runbook.begin(cx.snapshot.at, what, args);
    match take {
        Take::Copy => {
            cx.ctx.copy_text(tables.iter().map(tabbed).collect());
            cx.notices
                .done(format!("{} is on the clipboard", out.title));
            let done = Outcome::Done("on the clipboard".to_owned());
            cx.runbook.end(act, done);
        }
        Take::Csv => {
            cx.files
                .save_as_act(cx.ctx, &name, act, move || csv(&tables, &stamp));
        }
        Take::Json => {
            cx.files
                .save_as_act(cx.ctx, &name, act, move || json(&tables, &stamp));
        }
        Take::Png => {
            let sheet = Sheet {
                title: out.title,
                stamp: lines(&stamp),
                size: out.size,
                theme: theme(cx),
            };
            cx.files.save_as_act(cx.ctx, &name, act, move || {
                picture::png(&picture::panel(&sheet, draw))
            });
        }
    }
}

fn theme(cx: &Cx<'_>) -> Theme {
    cx.ctx.theme()
}

/// The stamp as it stands on a picture.
fn lines(stamp: &Stamp) -> Vec<String> {
    let simulated = match stamp.origin {
        Origin::Simulated => "; Simulated data centres",
        Origin::Cluster => "",
    };
    let mut lines = vec![
        format!("Mode: {}{simulated}", stamp.mode),
        format!("Filter: {}", stamp.filter.words()),
    ];
    if let Some(day) = stamp.reference_date {
        lines.push(format!("Recency counts from {day}"));
    }
    lines
}

fn csv(tables: &[Table], stamp: &Stamp) -> Result<Vec<u8>, String> {
    let tables: Result<Vec<String>, _> = tables.iter().map(|t| t.to_csv(stamp)).collect();
    let tables = tables.map_err(|error| format!("the table cannot be written: {error}"))?;
    Ok(tables.join("\n").into_bytes())
}

fn json(tables: &[Table], stamp: &Stamp) -> Result<Vec<u8>, String> {
    let written = match tables {
        [one] => serde_json::to_vec_pretty(&one.to_json(stamp)),
        many => {
            let all: Vec<_> = many.iter().map(|table| table.to_json(stamp)).collect();
            serde_json::to_vec_pretty(&all)
        }
    };
    written.map_err(|error| format!("the table cannot be written: {error}"))
}

/// A table as a spreadsheet takes it from the clipboard.
fn tabbed(table: &Table) -> String {
    let header: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let mut text = header.join("\t");
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| one_line(&cell.text())).collect();
        text.push('\n');
        text.push_str(&cells.join("\t"));
    }
    text.push('\n');
    text
}

fn one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
