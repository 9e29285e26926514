//! The limits of the grid of days and orders, changed by a person.

use eframe::egui::{Context, Id, Modal};
use retail_engine::analytics::GridBreaks;

use crate::theme;
use crate::views::analytics::choices::{Choices, numbers, written};
use crate::widgets::{Btn, Line, TextField};

/// What is being typed.
#[derive(Debug)]
pub(super) struct State {
    days: String,
    orders: String,
}

impl State {
    /// Begins with the limits in force.
    pub(super) fn of(choices: &Choices) -> Self {
        let own = choices.breaks().and_then(Result::ok).unwrap_or_default();
        Self::from(&own)
    }
}

impl From<&GridBreaks> for State {
    fn from(breaks: &GridBreaks) -> Self {
        let days = breaks.days().into_iter().map(|range| *range.end());
        let orders = breaks.orders().into_iter().map(|range| *range.end());
        Self {
            days: written(days.filter(|end| *end < u32::MAX)),
            orders: written(orders.filter(|end| *end < u64::MAX)),
        }
    }
}

/// Draws the dialog; whether it stays open.
pub(super) fn limits_ui(ctx: &Context, state: &mut State, choices: &mut Choices) -> bool {
    let mut open = true;
    let modal = Modal::new(Id::unique("limits")).show(ctx, |ui| {
        ui.set_width(400.0);
        let colors = theme::colors(ui);
        Line::new("Limits of days and orders", theme::Type::Section).semibold().show(ui);
        ui.add_space(4.0);
        let words = "A row ends with each number of days, a column with each number of orders; a value equal to a limit belongs below it.";
        Line::table(words).color(colors.muted).wrapped().show(ui);
        ui.add_space(8.0);
        for (label, text) in [("Days since the last purchase", &mut state.days), ("Orders", &mut state.orders)] {
            Line::table(label).color(colors.muted).show(ui);
            TextField::new(label).width(280.0).show(ui, text);
        }
        let typed = numbers::<u32>(&state.days).zip(numbers::<u64>(&state.orders));
        let checked = typed.map(|(days, orders)| {
            GridBreaks::new(days.clone(), orders.clone()).map(|_| (days, orders))
        });
        let why = match &checked {
            None => Some("write whole numbers with commas between".to_owned()),
            Some(Err(error)) => Some(format!("{error}: {}", error.remedy())),
            Some(Ok(_)) => None,
        };
        ui.add_space(6.0);
        if let Some(why) = &why {
            Line::caption(why).color(colors.critical).wrapped().show(ui);
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if Btn::primary("Use these").blocked(why.as_deref()).clicked(ui)
                && let Some(Ok((days, orders))) = checked
            {
                (choices.days, choices.orders) = (Some(days), Some(orders));
                open = false;
            }
            if Btn::new("Standard limits").clicked(ui) {
                (choices.days, choices.orders) = (None, None);
                open = false;
            }
            if Btn::new("Cancel").clicked(ui) {
                open = false;
            }
        });
    });
    open && !modal.should_close()
}
