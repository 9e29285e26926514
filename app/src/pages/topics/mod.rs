//! How far is each consumer, and what would a replay do?

mod browser;
mod lag;
mod offsets;
mod plan;
mod replay;
mod tree;

use std::sync::Arc;

use eframe::egui::Ui;
use retail_engine::handle::Snapshot;
use retail_engine::model::{Region, Topic, TopicPartition};

use super::{Cx, Page, title_ui};
use crate::actions::Action;
use crate::prefs::layout::BelowTopics;
use crate::theme::{Icon, size};
use crate::views::topics::tree::{self as rows, TopicRows};
use crate::widgets::{self, Btn, Split, TextField, split_columns, split_rows};

/// Width of the panel of a replay.
const PANEL: f32 = 376.0;
/// Width of a field of a time: a date, a time and an offset stand in it whole.
const TIME_FIELD: f32 = 200.0;

/// What was chosen in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Topic(Topic),
    Partition(TopicPartition),
}

impl Chosen {
    const fn topic(self) -> Topic {
        match self {
            Self::Topic(topic) => topic,
            Self::Partition(partition) => partition.topic,
        }
    }
}

/// What the page remembers.
pub struct State {
    chosen: Chosen,
    tree: Vec<TopicRows>,
    tree_of: Option<Arc<Snapshot>>,
    browser: browser::State,
    replay: replay::State,
}

impl Default for State {
    fn default() -> Self {
        let europe = Topic::Lines(Region::Europe);
        Self {
            chosen: Chosen::Topic(europe),
            tree: Vec::new(),
            tree_of: None,
            browser: browser::State::new(TopicPartition::new(europe, 0)),
            replay: replay::State::default(),
        }
    }
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.browser
            .refresh(cx, cx.prefs.layout.topics.below == BelowTopics::Messages);
        self.replay.refresh(cx);
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::PlanReplay(region) => self.plan_replay(Topic::Lines(*region), cx),
            Action::Replay => self.plan_replay(self.chosen.topic(), cx),
            Action::ShowRegion(region) => self.choose(Chosen::Topic(Topic::Lines(*region))),
            Action::Undo => self.replay.plan_undo(cx),
            Action::Export => {
                let snapshot = Arc::clone(cx.snapshot);
                let csv = move || Ok(rows::csv(&snapshot).into_bytes());
                cx.files.save(cx.ctx, "topics.csv", csv);
            }
            _ => {}
        }
    }

    fn plan_replay(&mut self, topic: Topic, cx: &mut Cx<'_>) {
        self.chosen = Chosen::Topic(topic);
        self.replay.open(topic, cx);
    }

    fn choose(&mut self, chosen: Chosen) {
        self.chosen = chosen;
        if let Chosen::Partition(partition) = chosen {
            self.browser.look_at(partition);
        }
    }

    /// The tree of what is shown, made anew when that is new.
    fn tree(&mut self, snapshot: &Arc<Snapshot>) {
        let is_known = self
            .tree_of
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, snapshot));
        if !is_known {
            self.tree = rows::tree(snapshot);
            self.tree_of = Some(Arc::clone(snapshot));
        }
    }
}

/// Draws the page.
pub fn topics_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    title_ui(
        ui,
        Page::Topics.title(),
        "How far is each consumer, and what would a replay do?",
        |ui| {
            let csv = Btn::new("CSV")
                .icon(Icon::Download)
                .label("Save topics as CSV\u{2026}");
            if csv.clicked(ui) {
                cx.acts.push(Action::Export);
            }
            let undo = Btn::new("Undo replay\u{2026}")
                .icon(Icon::Undo2)
                .key("Ctrl Z");
            if undo.clicked(ui) {
                cx.acts.push(Action::Undo);
            }
            TextField::new("Filter topics and groups")
                .finds()
                .hint("Filter topics, groups")
                .width(150.0)
                .show(ui, &mut cx.prefs.layout.topics.filter);
        },
    );
    state.tree(cx.snapshot);
    let mut room = ui.available_rect_before_wrap();
    if state.replay.is_open() {
        let [rest, side] = split_columns(room, [Split::Share(1.0), Split::Points(PANEL)]);
        replay::replay_ui(ui, side, &mut state.replay, cx);
        room = rest;
        if !state.replay.confirms() && widgets::escaped(ui.ctx()) {
            state.replay.close(cx);
        }
    }
    let height = tree::height(state, &cx.prefs.layout.topics).min(room.height() * 0.62);
    let [upper, lower] = split_rows(room, [Split::Points(height), Split::Share(1.0)]);
    tree::tree_ui(ui, upper, state, cx);
    match cx.prefs.layout.topics.below {
        BelowTopics::Lag => lag::lag_ui(ui, lower, state, cx),
        BelowTopics::Messages => browser::browser_ui(ui, lower, state, cx),
    }
}

/// The choice of what stands below the tree.
fn below_ui(ui: &mut Ui, state: &mut State, below: &mut BelowTopics) {
    let choices = [
        (BelowTopics::Lag, "Lag"),
        (BelowTopics::Messages, "Messages"),
    ];
    if let Some(chosen) = widgets::segmented(ui, "Below", &choices, *below) {
        *below = chosen;
        if let Chosen::Topic(topic) = state.chosen
            && state.browser.topic() != topic
        {
            state.browser.look_at(TopicPartition::new(topic, 0));
        }
    }
}

/// Height of the rows of the tree.
const ROW: f32 = size::ROW_DENSE + 2.0;

#[cfg(test)]
mod tests {
    use eframe::egui::{Color32, Context, RawInput};

    use super::*;
    use crate::theme::{self, Type, Weight};

    #[test]
    fn a_time_with_its_zone_stands_whole_in_the_field_of_topics() {
        let ctx = Context::default();
        theme::install(&ctx);
        let mut needed = 0.0;
        let mut drawn = ctx.run_ui(RawInput::default(), |ui| {
            let font = theme::font(Type::Table, Weight::Regular);
            let text = "2048-08-28 08:48:48 +08:00".to_owned();
            let galley = ui
                .painter()
                .layout_no_wrap(text, font, Color32::PLACEHOLDER);
            // The text, what is left and right of it, and the caret.
            needed = galley.size().x + 2.0 * ui.spacing().button_padding.x.max(10.0) + 2.0;
        });
        drawn.textures_delta.clear();
        assert!(needed > 100.0 && needed <= TIME_FIELD, "{needed}");
    }
}
