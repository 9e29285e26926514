//! Carries out what a right click chose: a table or chart as text, CSV or JSON, a chart as a
//! picture, each stamped with the mode and the time.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use eframe::egui::{Vec2, vec2};
use retail_engine::analytics::neutral;
use retail_engine::config::Mode;
use serde_json::{Map, Value, json};

use crate::pages::Cx;
use crate::picture::{self, Sheet};
use crate::runbook::Outcome;
use crate::views::stamp;
use crate::widgets::{Take, TakenOut};

/// Room of the picture of a chart.
const PICTURE: Vec2 = vec2(880.0, 300.0);

/// When and where what is taken out was shown.
struct Stamp {
    mode: Mode,
    at: DateTime<Utc>,
}

/// Takes something out.
pub(crate) fn take(cx: &mut Cx<'_>, taken: TakenOut) {
    let stamp = Stamp {
        mode: cx.snapshot.mode,
        at: cx.snapshot.at,
    };
    let title = sentence(&taken.title);
    let file = format!("{}.{}", slug(&taken.title), taken.take.extension());
    let verb = taken.take.name().trim_end_matches('\u{2026}');
    let what = format!("{verb}: {title}");
    let act = cx.runbook.begin(cx.snapshot.at, what, None);
    match (taken.take, &taken.picture) {
        (Take::Copy, _) => {
            cx.ctx.copy_text(tabbed(&taken));
            cx.notices.done(format!("{title} is on the clipboard"));
            let done = Outcome::Done("on the clipboard".to_owned());
            cx.runbook.end(act, done);
        }
        (Take::Png, Some(drawing)) => {
            let drawing = drawing.clone();
            let sheet = Sheet {
                title,
                stamp: vec![stamp::mode(stamp.mode), stamp::time(stamp.at)],
                size: PICTURE,
                theme: cx.ctx.theme(),
            };
            cx.files.save_as_act(cx.ctx, &file, act, move || {
                picture::png(&picture::panel(&sheet, |ui| drawing.draw(ui)))
            });
        }
        (Take::Csv, _) | (Take::Png, None) => {
            cx.files
                .save_as_act(cx.ctx, &file, act, move || csv(&taken, &stamp));
        }
        (Take::Json, _) => {
            let text = serde_json::to_vec_pretty(&json(&taken, &stamp));
            cx.files.save_as_act(cx.ctx, &file, act, move || {
                text.map_err(|error| format!("the table cannot be written: {error}"))
            });
        }
    }
}

/// As a spreadsheet takes it from the clipboard.
fn tabbed(taken: &TakenOut) -> String {
    let mut text = String::new();
    for row in std::iter::once(&taken.columns).chain(&taken.rows) {
        let cells: Vec<String> = row.iter().map(|cell| one_line(cell)).collect();
        let _infallible = writeln!(text, "{}", cells.join("\t"));
    }
    text
}

fn one_line(text: &str) -> String {
    neutral(&text.replace(['\t', '\n', '\r'], " "))
}

/// Stamp, header, rows. A cell that is empty was not measured.
fn csv(taken: &TakenOut, stamp: &Stamp) -> Result<Vec<u8>, String> {
    let title = sentence(&taken.title).replace(['\n', '\r'], " ");
    let head = stamp::head(&title, stamp.mode, stamp.at);
    let mut writer = csv::Writer::from_writer(head.into_bytes());
    let failed = |error: String| format!("the table cannot be written: {error}");
    for row in std::iter::once(&taken.columns).chain(&taken.rows) {
        writer
            .write_record(row.iter().map(|cell| neutral(cell)))
            .map_err(|error| failed(error.to_string()))?;
    }
    writer
        .into_inner()
        .map_err(|error| failed(error.to_string()))
}

fn json(taken: &TakenOut, stamp: &Stamp) -> Value {
    let object = |row: &Vec<String>| {
        let cells = row.iter().map(|cell| match cell.as_str() {
            "" => Value::Null,
            text => Value::from(neutral(text)),
        });
        Value::Object(
            taken
                .columns
                .iter()
                .cloned()
                .zip(cells)
                .collect::<Map<_, _>>(),
        )
    };
    json!({
        "title": sentence(&taken.title),
        "mode": stamp.mode.slug(),
        "simulated": stamp.mode == Mode::Embedded,
        "at": stamp::time(stamp.at),
        "columns": taken.columns,
        "rows": taken.rows.iter().map(object).collect::<Vec<_>>(),
    })
}

/// With a capital letter at its beginning.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// As the name of a file.
fn slug(title: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = title.chars().map(plain).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_says_where_it_is_from_and_runs_nowhere() {
        let taken = TakenOut {
            take: Take::Csv,
            title: "lag, in lines".into(),
            columns: vec!["Name".into(), "Rows".into()],
            rows: vec![vec!["=1+1".into(), String::new()]],
            picture: None,
        };
        let stamp = Stamp {
            mode: Mode::Embedded,
            at: DateTime::UNIX_EPOCH,
        };
        let text = String::from_utf8(csv(&taken, &stamp).unwrap()).unwrap();
        let expect = "# table: Lag, in lines\n# Mode: embedded; Simulated data centres\n\
                      # at: 1970-01-01T00:00:00Z\nName,Rows\n'=1+1,\n";
        assert_eq!(text, expect);
        let value = json(&taken, &stamp);
        assert_eq!(value["rows"][0], json!({ "Name": "'=1+1", "Rows": null }));
        assert_eq!(slug(&taken.title), "lag-in-lines");
    }
}
