//! The filters that act on everything on the page.

use chrono::NaiveDate;
use eframe::egui::{ScrollArea, Ui};
use retail_engine::analytics::Basis;
use retail_engine::model::{Day, Region};

use crate::theme::{self, Icon};
use crate::views::analytics::Shown;
use crate::views::analytics::choices::Choices;
use crate::widgets::{Btn, Line, Look, TextField, drop_down, segmented};

/// Months offered at most.
const MONTHS: usize = 24;

/// What is being typed.
#[derive(Debug, Default)]
pub(super) struct State {
    from: String,
    to: String,
    /// The choices that the fields were filled from.
    filled: Option<(Option<NaiveDate>, Option<NaiveDate>)>,
    find: String,
}

/// Draws the filters; changes `choices`.
pub(super) fn filters_ui(
    ui: &mut Ui,
    state: &mut State,
    choices: &mut Choices,
    shown: Option<&Shown>,
    countries: impl FnOnce() -> Vec<String>,
) {
    let days = shown.and_then(|shown| shown.report.data_days);
    let dates = choices.dates(days);
    drop_down(ui, "Dates", &dates, |ui| dates_ui(ui, state, choices, days));
    let region = choices.region_words();
    drop_down(ui, "Region", region, |ui| {
        ui.set_min_width(150.0);
        if ui
            .selectable_label(choices.region.is_none(), "All regions")
            .clicked()
        {
            choices.region = None;
            ui.close();
        }
        for region in Region::ALL {
            let on = choices.region == Some(region);
            if ui.selectable_label(on, region.name()).clicked() {
                choices.region = Some(region);
                ui.close();
            }
        }
    });
    let words = choices.country_words();
    drop_down(ui, "Country", &words, |ui| {
        countries_ui(ui, &mut state.find, choices, &countries());
    });
    let bases = [
        (Basis::Gross, "Gross"),
        (Basis::Net, "Net of cancellations"),
    ];
    if let Some(basis) = segmented(ui, "Sales", &bases, choices.basis) {
        choices.basis = basis;
    }
    if choices.is_narrowed()
        && Btn::new("Clear")
            .icon(Icon::X)
            .label("Clear filters")
            .look(Look::Quiet)
            .small()
            .clicked(ui)
    {
        choices.clear();
    }
}

fn dates_ui(ui: &mut Ui, state: &mut State, choices: &mut Choices, days: Option<(Day, Day)>) {
    let chosen = (choices.from, choices.to);
    if state.filled != Some(chosen) {
        let text = |date: Option<NaiveDate>| date.map_or(String::new(), |date| date.to_string());
        (state.from, state.to) = (text(choices.from), text(choices.to));
        state.filled = Some(chosen);
    }
    ui.set_min_width(250.0);
    let muted = theme::colors(ui).muted;
    let first = days.map_or(String::new(), |(first, _)| first.to_string());
    let last = days.map_or(String::new(), |(_, last)| last.to_string());
    let mut typed = [None, None];
    for (place, (label, text, hint)) in [
        ("First day", &mut state.from, &first),
        ("Last day", &mut state.to, &last),
    ]
    .into_iter()
    .enumerate()
    {
        ui.horizontal(|ui| {
            ui.set_height(28.0);
            Line::table(label).color(muted).show(ui);
            TextField::new(label).hint(hint).width(110.0).show(ui, text);
            let empty = text.trim().is_empty();
            let date: Option<NaiveDate> = text.trim().parse().ok();
            if date.is_none() && !empty {
                let critical = theme::colors(ui).critical;
                Line::caption("not a date").color(critical).show(ui);
            }
            typed[place] = (empty || date.is_some()).then_some(date);
        });
    }
    if let [Some(from), Some(to)] = typed {
        let falls = from.zip(to).is_some_and(|(from, to)| from > to);
        if falls {
            let critical = theme::colors(ui).critical;
            Line::caption("the last day is before the first")
                .color(critical)
                .show(ui);
        } else if (from, to) != chosen {
            (choices.from, choices.to) = (from, to);
            state.filled = Some((from, to));
        }
    }
    ui.add_space(4.0);
    if ui
        .selectable_label(chosen == (None, None), "All days")
        .clicked()
    {
        (choices.from, choices.to) = (None, None);
        ui.close();
    }
    months_ui(ui, choices, days);
}

fn months_ui(ui: &mut Ui, choices: &mut Choices, days: Option<(Day, Day)>) {
    use retail_engine::analytics::Month;
    let Some((first, last)) = days else { return };
    let months = std::iter::successors(Some(Month::of(first)), |month| Some(month.next()));
    let months: Vec<Month> = months.take_while(|m| *m <= Month::of(last)).collect();
    let late = months.len().saturating_sub(MONTHS);
    eframe::egui::Grid::new("months")
        .num_columns(4)
        .show(ui, |ui| {
            for (place, month) in months.into_iter().skip(late).enumerate() {
                let name = month.first_day().date().format("%b %Y").to_string();
                let ends = (
                    Some(month.first_day().date()),
                    Some(month.last_day().date()),
                );
                let on = (choices.from, choices.to) == ends;
                if ui.selectable_label(on, name).clicked() {
                    choices.toggle_days(month.first_day(), month.last_day());
                    ui.close();
                }
                if place % 4 == 3 {
                    ui.end_row();
                }
            }
        });
}

fn countries_ui(ui: &mut Ui, find: &mut String, choices: &mut Choices, countries: &[String]) {
    ui.set_min_width(210.0);
    TextField::new("Find a country")
        .hint("find")
        .width(190.0)
        .show(ui, find);
    if ui
        .selectable_label(choices.countries.is_empty(), "All countries")
        .clicked()
    {
        choices.countries.clear();
        find.clear();
        ui.close();
    }
    let wanted = find.trim().to_lowercase();
    ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        for country in countries {
            if !country.to_lowercase().contains(&wanted) {
                continue;
            }
            let on = choices.countries.iter().any(|known| known == country);
            if ui.selectable_label(on, country).clicked() {
                choices.toggle_country(country);
            }
        }
    });
}
