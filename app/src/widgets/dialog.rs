//! What is asked before an act that cannot be taken lightly: plain numbers, what can be undone, and
//! for the worst of them a name that is typed.

use eframe::egui::{Align, Context, Id, Layout, Modal, ScrollArea, Ui};

use super::access::{guard, read_only};
use super::button::{Btn, Look};
use super::input::TextField;
use super::text::Line;
use crate::theme;

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Not yet.
    Open,
    /// Do it.
    Act,
    /// Leave it.
    Cancel,
}

/// What a confirmation says. Its state is the name typed so far, kept by who asks.
#[derive(Debug, Clone, Copy)]
pub struct Confirm<'a> {
    /// The question.
    pub title: &'a str,
    /// Count, target, time, what can be undone: a line each.
    pub lines: &'a [String],
    /// The button that does it; says the number.
    pub act: &'a str,
    /// The name that must be typed first, where nothing takes the act back.
    pub name: Option<&'a str>,
    /// Why it cannot be done now.
    pub blocked: Option<&'a str>,
}

impl Confirm<'_> {
    /// Draws it over everything. Esc and a click beside it cancel. The keyboard begins at Cancel.
    pub fn show(self, ctx: &Context, typed: &mut String) -> Decision {
        self.over(ctx, Some(typed))
    }

    /// The same for an act that destroys nothing and must always be possible, such as closing the
    /// window: no name is typed, and it is done while the console only reads, too.
    pub fn show_unguarded(self, ctx: &Context) -> Decision {
        self.over(ctx, None)
    }

    /// Draws it; without a place for what is typed, nothing is asked for.
    fn over(self, ctx: &Context, typed: Option<&mut String>) -> Decision {
        let mut decision = Decision::Open;
        let modal = Modal::new(Id::unique(("confirm", self.title))).show(ctx, |ui| {
            ui.set_width(440.0);
            decision = self.inside(ui, typed);
        });
        if decision == Decision::Open && modal.should_close() {
            return Decision::Cancel;
        }
        decision
    }

    fn inside(self, ui: &mut Ui, typed: Option<&mut String>) -> Decision {
        let muted = theme::colors(ui).muted;
        Line::new(self.title, theme::Type::Section)
            .semibold()
            .wrapped()
            .show(ui);
        ui.add_space(6.0);
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for line in self.lines {
                Line::body(line).color(muted).wrapped().show(ui);
            }
        });
        let (mut missing, name) = match &typed {
            // What is confirmed changes something; on servers that are no lab, every act asks for
            // a name.
            Some(_) => (
                read_only(ui.ctx()).or(self.blocked),
                self.name.map(str::to_owned).or_else(|| guard(ui.ctx())),
            ),
            None => (self.blocked, None),
        };
        let needed = name.as_ref().map(|name| format!("type {name} first"));
        if let (Some(name), Some(typed)) = (&name, typed) {
            ui.add_space(8.0);
            Line::table(format!("Type {name} to go on")).show(ui);
            TextField::new("Name to confirm")
                .width(240.0)
                .show(ui, typed);
            if typed.trim() != *name {
                missing = missing.or(needed.as_deref());
            }
        }
        ui.add_space(12.0);
        let mut decision = Decision::Open;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let look = if name.is_some() {
                Look::Danger
            } else {
                Look::Primary
            };
            let act = Btn::new(self.act).look(look).blocked(missing);
            if act.clicked(ui) {
                decision = Decision::Act;
            }
            let cancel = Btn::new("Cancel").show(ui);
            let opened = Id::unique(("confirm opened", self.title));
            let pass = ui.ctx().cumulative_pass_nr();
            let before: Option<u64> = ui.data(|data| data.get_temp(opened));
            // Shown in the frame before this one? Then the keyboard is where a person put it.
            if before.is_none_or(|before| before + 2 < pass) && name.is_none() {
                cancel.request_focus();
            }
            ui.data_mut(|data| data.insert_temp(opened, pass));
            if cancel.clicked() {
                decision = Decision::Cancel;
            }
            if let Some(why) = missing {
                Line::caption(why).color(muted).show(ui);
            }
        });
        decision
    }
}
