//! The weights of the value score: recency, orders, sales. Those of the settings, until a person
//! chooses others; they are remembered, and every figure is made anew with them.

use eframe::egui::{Context, Id, Modal};
use retail_engine::analytics::Weights;
use retail_engine::flow::AnalyseError;
use retail_engine::handle::Command;

use crate::link::Pending;
use crate::pages::Cx;
use crate::start::Access;
use crate::theme;
use crate::views::analytics::choices::Choices;
use crate::widgets::{Btn, Line, TextField};

/// What the engine weighs with.
#[derive(Default)]
pub(super) struct InForce {
    /// What was told to the engine; nothing, while those of the settings are in force.
    told: Option<[u8; 3]>,
    telling: Pending<Result<(), AnalyseError>>,
    asked_for: Option<[u8; 3]>,
}

impl InForce {
    /// Tells the engine what was chosen; whether the figures have to be made anew.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>) -> bool {
        self.telling.poll(cx.ctx);
        let over = self.telling.take();
        let anew = matches!(over, Some(Ok(())));
        if anew {
            self.told = self.asked_for;
        }
        let chosen = cx.prefs.layout.analytics.weights;
        // What only reads shows what is in force.
        let may = cx.link.access() == Access::ReadWrite;
        if may && chosen != self.told && self.telling.waiting().is_none() {
            let [recency, frequency, monetary] = shares(chosen, cx);
            if let Ok(weights) = Weights::new(recency, frequency, monetary) {
                self.asked_for = chosen;
                self.telling = cx.link.ask(|reply| Command::SetWeights(weights, reply));
            }
        }
        anew
    }

    /// The weights in force, as shares of 1.
    pub(super) fn now(&self, cx: &Cx<'_>) -> [f64; 3] {
        shares(self.told, cx)
    }
}

/// Weights as shares of 1: those that were chosen, or those of the settings.
fn shares(chosen: Option<[u8; 3]>, cx: &Cx<'_>) -> [f64; 3] {
    let set = &cx.settings.analytics;
    chosen.map_or(
        [
            set.weight_recency,
            set.weight_frequency,
            set.weight_monetary,
        ],
        |percent| percent.map(|weight| f64::from(weight) / 100.0),
    )
}

/// What is being typed, in percent.
#[derive(Debug)]
pub(super) struct Typed([String; 3]);

impl Typed {
    /// Begins with the weights in force.
    pub(super) fn of(weights: [f64; 3]) -> Self {
        Self(weights.map(|weight| format!("{:.0}", weight * 100.0)))
    }

    /// The weights, or why they are none.
    fn checked(&self) -> Result<[u8; 3], &'static str> {
        let mut weights = [0; 3];
        for (weight, text) in weights.iter_mut().zip(&self.0) {
            let read = text.trim().parse().map_err(|_not_a_number| ());
            *weight = read.map_err(|()| "write whole percents")?;
        }
        let sum: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
        if sum == 100 {
            Ok(weights)
        } else {
            Err("the three must sum to 100 %")
        }
    }
}

/// Draws the dialog; whether it stays open.
pub(super) fn weights_ui(ctx: &Context, typed: &mut Typed, choices: &mut Choices) -> bool {
    let mut open = true;
    let modal = Modal::new(Id::unique("weights")).show(ctx, |ui| {
        ui.set_width(400.0);
        let colors = theme::colors(ui);
        Line::new("Weights of the value score", theme::Type::Section)
            .semibold()
            .show(ui);
        ui.add_space(4.0);
        let words = "How much the rank of a customer in each counts, in percent. Quarters by value are made of the sum.";
        Line::table(words).color(colors.muted).wrapped().show(ui);
        ui.add_space(8.0);
        let labels = [
            "Days since the last purchase, %",
            "Number of orders, %",
            "Sales to the customer, %",
        ];
        for (label, text) in labels.into_iter().zip(&mut typed.0) {
            Line::table(label).color(colors.muted).show(ui);
            TextField::new(label).width(120.0).show(ui, text);
        }
        let checked = typed.checked();
        ui.add_space(6.0);
        if let Err(why) = checked {
            Line::caption(why).color(colors.critical).show(ui);
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let why = checked.err();
            if Btn::primary("Use these").changes().blocked(why).clicked(ui)
                && let Ok(weights) = checked
            {
                choices.weights = Some(weights);
                open = false;
            }
            if Btn::new("Those of the settings").changes().clicked(ui) {
                choices.weights = None;
                open = false;
            }
            if Btn::new("Cancel").clicked(ui) {
                open = false;
            }
        });
    });
    open && !modal.should_close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_whole_percents_that_sum_to_a_hundred() {
        let typed = |texts: [&str; 3]| Typed(texts.map(str::to_owned)).checked();
        assert_eq!(typed(["35", " 35", "30"]), Ok([35, 35, 30]));
        assert_eq!(
            typed(["35", "35", "31"]),
            Err("the three must sum to 100 %")
        );
        assert_eq!(typed(["a", "35", "30"]), Err("write whole percents"));
        assert_eq!(typed(["-5", "75", "30"]), Err("write whole percents"));
        let begun = Typed::of([0.35, 0.35, 0.3]);
        assert_eq!(begun.checked(), Ok([35, 35, 30]));
    }
}
