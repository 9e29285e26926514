//! How the file is read: each setting with its evidence, and the columns; what to do with a file
//! that cannot be read.

use eframe::egui::{Id, Popup, Rect, ScrollArea, Ui, vec2};
use retail_engine::clean::{DateOrder, DecimalMark};
use retail_engine::intake::{Column, Delimiter, TextEncoding};

use super::check::{Check, Head, Refused};
use crate::pages::Cx;
use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::widgets::{self, Btn, Line, Look, Panel, Status, select};

/// Width of the names of the settings.
const NAMES: f32 = 78.0;

/// What a person changed.
enum Change {
    Encoding(TextEncoding),
    Delimiter(Delimiter),
    Dates(DateOrder),
    Decimal(DecimalMark),
    Column(Column, String),
    Forget,
}

/// The panel of a file that can be read.
pub(super) fn reading_ui(ui: &mut Ui, rect: Rect, check: &mut Check, cx: &mut Cx<'_>) {
    let mut change = None;
    let mut forgets = false;
    let note = match &check.head {
        Some(Ok(head)) if head.reading.chosen == 0 => "all detected".to_owned(),
        Some(Ok(head)) => format!("{} chosen", head.reading.chosen),
        _ => "reading the head\u{2026}".to_owned(),
    };
    let chosen = matches!(&check.head, Some(Ok(head)) if head.reading.chosen > 0)
        || !check.options.columns.is_empty();
    Panel::titled("How the file is read").show_with(
        ui,
        rect,
        |ui| {
            if chosen {
                let detect = Btn::new("Detect").look(Look::Quiet).small();
                let hint = "Forget what was chosen and detect everything again";
                if detect.label("Detect everything again").hint(hint).clicked(ui) {
                    forgets = true;
                }
            } else {
                let muted = theme::colors(ui).muted;
                Line::caption(&note).color(muted).show(ui);
            }
        },
        |ui| {
            let Some(Ok(head)) = &check.head else {
                widgets::empty_state(ui, "Reading the beginning of the file\u{2026}", None);
                return;
            };
            ScrollArea::vertical().id_salt("reading").show(ui, |ui| {
                settings_ui(ui, head, &mut change);
                ui.add_space(6.0);
                columns_ui(ui, head, &mut change);
                ui.add_space(8.0);
                for warning in &head.reading.warnings {
                    ui.horizontal_top(|ui| {
                        widgets::status_icon(ui, Status::Warn);
                        Line::caption(warning).wrapped().show(ui);
                    });
                }
                let muted = theme::colors(ui).muted;
                let note = "A change reads the preview and the whole file again. The load uses the same reader and the same rules.";
                Line::caption(note).color(muted).wrapped().show(ui);
            });
        },
    );
    if forgets {
        change = Some(Change::Forget);
    }
    if let Some(change) = change {
        apply(change, check, cx);
    }
}

fn apply(change: Change, check: &mut Check, cx: &Cx<'_>) {
    let options = &mut check.options;
    match change {
        Change::Encoding(encoding) => options.encoding = Some(encoding),
        Change::Delimiter(delimiter) => options.delimiter = Some(delimiter),
        Change::Dates(order) => options.date_order = Some(order),
        Change::Decimal(mark) => options.decimal = Some(mark),
        Change::Column(column, name) => {
            options.columns.insert(column, name);
        }
        Change::Forget => *options = retail_engine::intake::ReadOptions::default(),
    }
    check.focused = false;
    check.read_again(cx);
}

fn settings_ui(ui: &mut Ui, head: &Head, change: &mut Option<Change>) {
    let reading = &head.reading;
    let encodings = [
        TextEncoding::Utf8,
        TextEncoding::Windows1252,
        TextEncoding::Utf16Le,
        TextEncoding::Utf16Be,
    ]
    .map(|encoding| (encoding, encoding.name().to_owned()));
    let picked = setting_ui(
        ui,
        "Encoding",
        &encodings,
        reading.encoding.value,
        &reading.encoding.evidence,
    );
    *change = picked.map(Change::Encoding).or(change.take());
    let delimiters = Delimiter::ALL.map(|delimiter| {
        let sign = match delimiter {
            Delimiter::Tab => "\\t".to_owned(),
            other => char::from(other.byte()).to_string(),
        };
        (delimiter, format!("{} {sign}", capital(delimiter.name())))
    });
    let picked = setting_ui(
        ui,
        "Delimiter",
        &delimiters,
        reading.delimiter.value,
        &reading.delimiter.evidence,
    );
    *change = picked.map(Change::Delimiter).or(change.take());
    fixed_ui(
        ui,
        "Quote",
        "Double \"",
        "the only quote that is read; doubled inside a field",
    );
    let orders = [DateOrder::MonthFirst, DateOrder::DayFirst]
        .map(|order| (order, date_order(order).to_owned()));
    let picked = setting_ui(
        ui,
        "Dates",
        &orders,
        reading.dates.value,
        &reading.dates.evidence,
    );
    *change = picked.map(Change::Dates).or(change.take());
    let marks = DecimalMark::ALL.map(|mark| {
        let (name, sign) = (capital(mark.name()), char::from(mark.byte()));
        (mark, format!("{name} {sign}"))
    });
    let picked = setting_ui(
        ui,
        "Decimal",
        &marks,
        reading.decimal.value,
        &reading.decimal.evidence,
    );
    *change = picked.map(Change::Decimal).or(change.take());
    fixed_ui(ui, "Zone", "As written", "the shop's clock; never shifted");
}

const fn date_order(order: DateOrder) -> &'static str {
    match order {
        DateOrder::MonthFirst => "month/day/year",
        DateOrder::DayFirst => "day/month/year",
    }
}

fn capital(text: &str) -> String {
    crate::views::load::reasons::capital(text)
}

fn setting_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    choices: &[(T, String)],
    chosen: Option<T>,
    evidence: &str,
) -> Option<T> {
    let mut picked = None;
    row_ui(ui, name, |ui, width| {
        picked = select(ui, name, choices, chosen, width);
        evidence_ui(ui, evidence, chosen.is_none());
    });
    picked
}

fn fixed_ui(ui: &mut Ui, name: &str, value: &str, evidence: &str) {
    row_ui(ui, name, |ui, _width| {
        ui.add_space(5.0);
        Line::table(value).show(ui);
        evidence_ui(ui, evidence, false);
    });
}

fn row_ui(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui, f32)) {
    let width = ui.available_width() - NAMES;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let muted = theme::colors(ui).muted;
        ui.allocate_ui(vec2(NAMES, size::CONTROL), |ui| {
            ui.set_width(NAMES);
            ui.add_space(6.0);
            Line::table(name).color(muted).show(ui);
        });
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 3.0;
            add(ui, width);
        });
    });
    ui.add_space(4.0);
}

fn evidence_ui(ui: &mut Ui, evidence: &str, open: bool) {
    let colors = theme::colors(ui);
    if open {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            widgets::status_icon(ui, Status::Warn);
            Line::caption(evidence)
                .color(colors.warn)
                .wrapped()
                .show(ui);
        });
    } else {
        Line::caption(evidence)
            .color(colors.muted)
            .wrapped()
            .show(ui);
    }
}

/// A chip for each column of a line, with the name that it has in the file.
fn columns_ui(ui: &mut Ui, head: &Head, change: &mut Option<Change>) {
    let columns = &head.reading.columns;
    ui.horizontal(|ui| {
        Line::table("Columns").semibold().show(ui);
        let muted = theme::colors(ui).muted;
        let note = format!(
            "{} of {} matched",
            head.reading.matched(),
            Column::ALL.len()
        );
        Line::caption(note).color(muted).show(ui);
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 5.0);
        for column in Column::ALL {
            let name = columns
                .iter()
                .find(|(_, of)| *of == Some(column))
                .map_or("", |(name, _)| name.as_str());
            let text = if name == column.name() {
                name.to_owned()
            } else {
                format!("{} \u{2190} {name}", column.name())
            };
            let label = format!("Column {}: {name}", column.name());
            let chip = Btn::new(&text)
                .icon(Icon::Check)
                .small()
                .label(&label)
                .hint("Say which column of the file it is")
                .show(ui);
            Popup::menu(&chip)
                .id(Id::unique(("column", column.name())))
                .width(180.0)
                .show(|ui| {
                    for (other, of) in columns {
                        let note = match of {
                            Some(of) if *of != column => format!("{other}  ({})", of.name()),
                            _ => other.clone(),
                        };
                        if ui.selectable_label(*of == Some(column), note).clicked() {
                            *change = Some(Change::Column(column, other.clone()));
                            ui.close();
                        }
                    }
                });
        }
    });
}

/// Instead of the panels: why the file is refused, and what to do.
pub(super) fn refused_ui(
    ui: &mut Ui,
    rect: Rect,
    check: &mut Check,
    refused: &Refused,
    cx: &mut Cx<'_>,
) {
    let mut change = None;
    Panel::titled("This file cannot be loaded").show(ui, rect, |ui| {
        ui.add_space(4.0);
        ui.set_max_width(720.0);
        widgets::error_state(ui, &refused.message, Some(&refused.remedy));
        ui.add_space(12.0);
        let choices: Vec<(usize, String)> = refused.unused.iter().cloned().enumerate().collect();
        if !choices.is_empty() {
            Line::body("Say which columns of the file they are")
                .semibold()
                .show(ui);
            ui.add_space(4.0);
            for name in &refused.missing {
                let Some(column) = Column::of_name(name) else {
                    continue;
                };
                ui.horizontal(|ui| {
                    ui.allocate_ui(vec2(110.0, size::CONTROL), |ui| {
                        ui.set_width(110.0);
                        Line::table(name).show(ui);
                    });
                    let given = check.options.columns.get(&column);
                    let at = given
                        .and_then(|given| refused.unused.iter().position(|unused| unused == given));
                    if let Some(place) = select(ui, name, &choices, at, 220.0)
                        && let Some(unused) = refused.unused.get(place)
                    {
                        change = Some(Change::Column(column, unused.clone()));
                    }
                });
            }
            ui.add_space(12.0);
        }
        ui.horizontal(|ui| {
            if Btn::new("Read it again").icon(Icon::RotateCcw).clicked(ui) {
                check.head = None;
                check.read_again(cx);
            }
            if Btn::new("Open another file\u{2026}").clicked(ui) {
                cx.acts.push(crate::actions::Action::OpenDialog);
            }
            if !check.options.columns.is_empty()
                || check.options.encoding.is_some()
                || check.options.delimiter.is_some()
            {
                let forget = Btn::new("Detect everything again");
                if forget.clicked(ui) {
                    change = Some(Change::Forget);
                }
            }
        });
        let muted = theme::colors(ui).muted;
        ui.add_space(8.0);
        let place = check.file.display().to_string();
        Line::caption(place).color(muted).wrapped().show(ui);
        if let Some(bytes) = check.bytes {
            Line::caption(format::bytes(bytes)).color(muted).show(ui);
        }
    });
    if let Some(change) = change {
        apply(change, check, cx);
    }
}
