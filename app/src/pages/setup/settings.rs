//! How the console looks and works, and every setting of the engine with its source.

use eframe::egui::{Rect, Ui};

use super::field_ui;
use crate::actions::Action;
use crate::link::Pace;
use crate::pages::Cx;
use crate::prefs::ThemeChoice;
use crate::start::Access;
use crate::theme::{self, Contrast, Icon, size};
use crate::views::format::{ByteUnits, Rates, Thousands, TimeStyle};
use crate::views::setup::settings::{self, SettingRow};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Panel, Split, Status, TextField, segmented, split_columns, switch,
    table,
};

/// Width of the labels.
const LABEL: f32 = 104.0;
/// Sizes of text that are offered, in percent.
const SCALES: [(u16, &str); 7] = [
    (80, "80"),
    (90, "90"),
    (100, "100"),
    (125, "125"),
    (150, "150"),
    (175, "175"),
    (200, "200"),
];

/// What the tab remembers.
#[derive(Default)]
pub(super) struct State {
    search: String,
    rows: Vec<SettingRow>,
}

impl State {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.rows.is_empty() {
            self.rows = settings::rows(cx.settings, cx.start);
        }
        let room = ui.available_rect_before_wrap();
        let [left, right] = split_columns(room, [Split::Points(428.0), Split::Share(1.0)]);
        console_ui(ui, left, cx);
        self.engine_ui(ui, right, cx);
    }

    fn engine_ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
        let mut typed = self.search.clone();
        let search = &self.search;
        let all = &self.rows;
        let mut copied = false;
        Panel::titled("Engine")
            .note("read when it starts")
            .show_with(
                ui,
                rect,
                |ui| {
                    copied = Btn::new("Copy template")
                        .icon(Icon::Copy)
                        .small()
                        .clicked(ui);
                    TextField::new("Find a setting")
                        .finds()
                        .hint("find a setting")
                        .width(170.0)
                        .show(ui, &mut typed);
                },
                |ui| {
                    let rows = settings::matching(all, search);
                    if rows.is_empty() {
                        widgets::empty_state(ui, "No setting has these words.", None);
                        return;
                    }
                    let columns = [
                        ColumnSpec::text("Setting", 214.0),
                        ColumnSpec::text("Value", 190.0),
                        ColumnSpec::text("From", 150.0),
                        ColumnSpec::rest("Must be"),
                    ];
                    table(
                        ui,
                        "settings",
                        &columns,
                        rows.len(),
                        size::ROW_DENSE,
                        None,
                        |ui, row, column| {
                            if let Some(row) = rows.get(row) {
                                cell_ui(ui, row, column);
                            }
                        },
                    );
                },
            );
        self.search = typed;
        if copied {
            cx.ctx.copy_text(retail_engine::config::template());
            cx.notices
                .done("A settings file with every default is on the clipboard".to_owned());
        }
    }
}

fn cell_ui(ui: &mut Ui, row: &SettingRow, column: usize) {
    let colors = theme::colors(ui);
    match column {
        0 => {
            let shown = Line::table(row.key).mono().show(ui);
            shown.on_hover_text(format!("{}\n{}", row.help, row.env));
        }
        1 => {
            let text = Line::table(&row.value);
            let text = if row.is_set { text.medium() } else { text };
            text.show(ui).on_hover_text(&row.value);
        }
        2 if row.is_set => {
            Line::table(&row.source).show(ui).on_hover_text(&row.source);
        }
        2 => {
            Line::table(&row.source).color(colors.faint).show(ui);
        }
        _ => {
            let shown = Line::table(&row.range).color(colors.muted).show(ui);
            shown.on_hover_text(&row.range);
        }
    }
}

/// What a person chooses for this console; all of it is remembered beside the data.
fn console_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    Panel::titled("Console").note("remembered beside the data").show(ui, rect, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        field_ui(ui, "Theme", LABEL, |ui| {
            let choices = [
                (ThemeChoice::Dark, "Dark"),
                (ThemeChoice::Light, "Light"),
                (ThemeChoice::System, "As the system"),
            ];
            if let Some(theme) = segmented(ui, "Theme", &choices, cx.prefs.theme) {
                cx.acts.push(Action::Theme(theme));
            }
        });
        field_ui(ui, "Contrast", LABEL, |ui| {
            let choices = [(Contrast::Normal, "Normal"), (Contrast::High, "High")];
            if let Some(contrast) = segmented(ui, "Contrast", &choices, cx.prefs.contrast) {
                cx.acts.push(Action::Contrast(contrast));
            }
        });
        field_ui(ui, "Text size, %", LABEL, |ui| {
            if let Some(scale) = segmented(ui, "Text size", &SCALES, cx.prefs.text_scale) {
                cx.acts.push(Action::TextScale(scale));
            }
        });
        field_ui(ui, "Times", LABEL, |ui| {
            let choices = [
                (TimeStyle::Local, "Local"),
                (TimeStyle::Utc, "UTC"),
                (TimeStyle::Ago, "How long ago"),
            ];
            if let Some(style) = segmented(ui, "Times", &choices, cx.prefs.times) {
                cx.acts.push(Action::Times(style));
            }
        });
        units_ui(ui, cx);
        field_ui(ui, "Chart range", LABEL, |ui| cx.range_ui(ui));
        field_ui(ui, "New figures", LABEL, |ui| {
            let choices = [
                (Pace::AsMeasured, "As measured"),
                (Pace::Second, "1 s"),
                (Pace::TwoSeconds, "2 s"),
                (Pace::FiveSeconds, "5 s"),
            ];
            if let Some(pace) = segmented(ui, "New figures", &choices, cx.prefs.pace) {
                cx.prefs.pace = pace;
            }
        });
        access_ui(ui, cx);
        ui.add_space(8.0);
        let muted = theme::colors(ui).muted;
        for note in [
            "Colours of data centres are told apart in every kind of colour blindness, and each has a shape, a line style and a name.",
            "Counts and money are exact to the last digit, whatever is chosen here.",
            "The engine measures four times a second and keeps a point of each second; a missed second is a gap in the charts.",
        ] {
            Line::caption(note).color(muted).wrapped().show(ui);
        }
    });
}

/// How numbers are written.
fn units_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let units = &mut cx.prefs.units;
    field_ui(ui, "Thousands", LABEL, |ui| {
        let choices = [
            (Thousands::Thin, "12\u{2009}345"),
            (Thousands::Nothing, "12345"),
        ];
        if let Some(thousands) = segmented(ui, "Thousands", &choices, units.thousands) {
            units.thousands = thousands;
        }
    });
    field_ui(ui, "Rates, axes", LABEL, |ui| {
        let choices = [(Rates::Full, "In full"), (Rates::Short, "12.3 k, 1.50 M")];
        if let Some(rates) = segmented(ui, "Rates and axes", &choices, units.rates) {
            units.rates = rates;
        }
    });
    field_ui(ui, "Bytes", LABEL, |ui| {
        let choices = [
            (ByteUnits::Binary, "KiB, of 1024"),
            (ByteUnits::Decimal, "kB, of 1000"),
        ];
        if let Some(bytes) = segmented(ui, "Bytes", &choices, units.bytes) {
            units.bytes = bytes;
        }
    });
}

/// The switch that keeps hands off, or why it cannot be moved.
fn access_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let only = cx.link.access() == Access::ReadOnly;
    let locked = cx.start.access == Access::ReadOnly;
    field_ui(ui, "Read only", LABEL, |ui| {
        let muted = theme::colors(ui).muted;
        if locked {
            widgets::status_icon(ui, Status::Ok);
            Line::table("on, by --read-only: it consumes nothing and sends no probes").show(ui);
            return;
        }
        if switch(ui, "Read only", only).clicked() {
            cx.acts.push(Action::Access(if only {
                Access::ReadWrite
            } else {
                Access::ReadOnly
            }));
        }
        let note = if only {
            "nothing can be changed; faults can be ended"
        } else {
            "off; --read-only starts with it, for good"
        };
        Line::table(note).color(muted).show(ui);
    });
}
