//! The title with the four steps, the acts of each step, and the bar of the file that is checked.

use eframe::egui::{
    Align, Align2, Key, KeyboardShortcut, Layout, Modifiers, Rect, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::State;
use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme::{self, Icon, Type, Weight, size};
use crate::views::format;
use crate::widgets::{self, Btn, Line, Look, Status, rect_ui};

/// A step of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Step {
    /// Choose a file; past loads.
    #[default]
    Open,
    /// What is in it, and what would become of it.
    Check,
    /// How far the load is.
    Load,
    /// How it ended.
    Ledger,
}

impl Step {
    const ALL: [Self; 4] = [Self::Open, Self::Check, Self::Load, Self::Ledger];

    const fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Check => "Check",
            Self::Load => "Load",
            Self::Ledger => "Ledger",
        }
    }
}

/// The title, the steps, and what can be done in this one.
pub(super) fn head_ui(ui: &mut Ui, state: &mut State, step: Step, cx: &mut Cx<'_>) {
    let room = vec2(ui.available_width(), size::TITLE_ROW);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size::TITLE_ROW);
        match step {
            Step::Open => open_acts_ui(ui, cx),
            Step::Check => check_acts_ui(ui, state, cx),
            Step::Load => super::run::acts_ui(ui, state, cx),
            Step::Ledger => super::ledger::acts_ui(ui, state, cx),
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::new("Load", Type::Title).semibold().show(ui);
            ui.add_space(6.0);
            steps_ui(ui, state, step, cx);
        });
    });
}

fn steps_ui(ui: &mut Ui, state: &mut State, shown: Step, cx: &Cx<'_>) {
    let running = cx.snapshot.load.is_some();
    for (place, step) in Step::ALL.into_iter().enumerate() {
        if place > 0 {
            let (rect, _) = ui.allocate_exact_size(vec2(18.0, 14.0), Sense::hover());
            let stroke = Stroke::new(1.0, theme::colors(ui).line_strong);
            ui.painter().hline(rect.x_range(), rect.center().y, stroke);
        }
        let open = match step {
            Step::Open => true,
            Step::Check => state.check.is_some(),
            Step::Load => running || state.run.has_failed(),
            Step::Ledger => !cx.snapshot.loads.is_empty(),
        };
        if step_ui(ui, place + 1, step, shown, open) {
            state.step = step;
            if step == Step::Ledger && !state.ledgers.is_chosen() {
                let newest = cx.snapshot.loads.last().map(|load| load.id);
                state.ledgers.show(newest);
            }
        }
    }
}

fn step_ui(ui: &mut Ui, number: usize, step: Step, shown: Step, open: bool) -> bool {
    let colors = theme::colors(ui);
    let current = step == shown;
    let weight = if current {
        Weight::SemiBold
    } else {
        Weight::Regular
    };
    let color = match (current, open) {
        (true, _) => colors.text,
        (false, true) => colors.muted,
        (false, false) => colors.faint,
    };
    let font = theme::font(Type::Body, weight);
    let name = ui
        .painter()
        .layout_no_wrap(step.name().to_owned(), font, color);
    let sense = if open && !current {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(vec2(26.0 + name.size().x, 24.0), sense);
    let center = pos2(rect.left() + 9.0, rect.center().y);
    let painter = ui.painter();
    if current {
        painter.circle_filled(center, 9.0, colors.accent);
    } else {
        painter.circle_stroke(center, 8.5, Stroke::new(1.0, colors.line_strong));
    }
    let (text, font) = if step < shown {
        (char::from(Icon::Check).to_string(), theme::icon_font(11.0))
    } else {
        (
            number.to_string(),
            theme::font(Type::Caption, Weight::SemiBold),
        )
    };
    let ink = if current { colors.on_accent } else { color };
    painter.text(center, Align2::CENTER_CENTER, text, font, ink);
    let at = pos2(rect.left() + 24.0, rect.center().y - name.size().y / 2.0);
    painter.galley(at, name, color);
    widgets::focus_inside(ui, &response, rect.expand(4.0), size::RADIUS);
    let label = format!("Step {number}: {}", step.name());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, open, current, &label));
    response.clicked()
}

fn open_acts_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    if Btn::primary("Open CSV\u{2026}").key("Ctrl O").clicked(ui) {
        cx.acts.push(Action::OpenDialog);
    }
}

fn check_acts_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let Some(check) = &mut state.check else {
        return;
    };
    let blocked = check.blocked(cx);
    let text = match &check.happen {
        Some(happen) if happen.clean == 1 => "Load 1 line".to_owned(),
        Some(happen) => format!("Load {} lines", format::count(happen.clean)),
        None => "Load".to_owned(),
    };
    let button = Btn::primary(&text)
        .icon(Icon::Play)
        .key("Ctrl Enter")
        .label("Load the file")
        .changes()
        .blocked(blocked.as_deref())
        .show(ui);
    let enter = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);
    let mut begin = button.clicked();
    match &blocked {
        None => {
            // Once, when it becomes possible: after that the keyboard is where a person put it.
            if !check.focused {
                check.focused = true;
                button.request_focus();
            }
            begin |= !widgets::is_covered(ui.ctx())
                && ui.input_mut(|input| input.consume_shortcut(&enter));
        }
        Some(why) => {
            let warn = theme::colors(ui).warn;
            let waits = check.head.is_none();
            let color = if waits { theme::colors(ui).muted } else { warn };
            Line::table(why).color(color).show(ui);
            if !waits {
                widgets::status_icon(ui, Status::Warn);
            }
        }
    }
    if state.waiting.len() > 0 {
        let all = format!("Load all {} files", state.waiting.len() + 1);
        let hint = "One load after the other, each with these rules; stops where one needs you";
        if Btn::new(&all)
            .blocked(blocked.as_deref())
            .hint(hint)
            .clicked(ui)
        {
            state.waiting.load_all();
            begin = true;
        }
    }
    if Btn::new("Close")
        .look(Look::Quiet)
        .label("Close the file")
        .clicked(ui)
    {
        cx.link.send(retail_engine::handle::Command::CancelCheck);
        state.check = None;
        match state.waiting.next() {
            Some(next) => state.begin(next, cx),
            None => state.step = Step::Open,
        }
        return;
    }
    if begin {
        state.load(cx);
    }
}

/// The file, how far the whole of it is checked, and whether it can be read.
pub(super) fn file_bar_ui(ui: &mut Ui, rect: Rect, state: &State, cx: &mut Cx<'_>) {
    widgets::surface(ui, rect);
    let Some(check) = &state.check else { return };
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 0.0)), |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            standing_ui(ui, state, cx);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let colors = theme::colors(ui);
                widgets::icon(ui, Icon::FileText, colors.text);
                let name = Line::body(check.name()).semibold().show(ui);
                name.on_hover_text(check.file.display().to_string());
                if let Some(bytes) = check.bytes {
                    Line::body(format::bytes(bytes))
                        .color(colors.muted)
                        .show(ui);
                }
                if state.waiting.len() > 0 {
                    let more = format!(
                        "{} more wait: {}",
                        format::count(state.waiting.len() as u64),
                        state.waiting.names()
                    );
                    Line::table(more).color(colors.muted).show(ui);
                }
                before_ui(ui, check, cx);
            });
        });
    });
}

/// What is known of this file from before.
fn before_ui(ui: &mut Ui, check: &super::Check, cx: &mut Cx<'_>) {
    let mut loads = cx.snapshot.loads.iter().rev();
    let Some(before) = loads.find(|load| load.file == check.file) else {
        return;
    };
    let muted = theme::colors(ui).muted;
    let (id, rows) = (before.id, format::count(before.intake.read));
    let text = if before.is_unfinished() {
        format!("{id} of this file ended after {rows} rows; loading goes on there")
    } else {
        format!("loaded before as {id}; nothing doubles")
    };
    Line::table(text).color(muted).show(ui);
}

fn standing_ui(ui: &mut Ui, state: &State, cx: &Cx<'_>) {
    let Some(check) = &state.check else { return };
    let colors = theme::colors(ui);
    match &check.head {
        Some(Err(_)) => {
            widgets::badge(ui, Status::Critical, "refused");
            return;
        }
        Some(Ok(_)) if check.uncounted.is_some() => {
            widgets::badge(ui, Status::Critical, "not readable to its end");
        }
        Some(Ok(_)) => {
            widgets::badge(ui, Status::Ok, "readable");
        }
        None => {}
    }
    let track = |ui: &mut Ui, share: f32| {
        let width = if ui.available_width() > 420.0 {
            180.0
        } else {
            60.0
        };
        let (at, response) = ui.allocate_exact_size(vec2(width, 6.0), Sense::hover());
        widgets::bar(ui.painter(), at, share, colors.text, colors.grid);
        response.widget_info(|| {
            let label = format!("Check of the whole file: {}", format::percent(share.into()));
            WidgetInfo::labeled(Role::ProgressIndicator, true, label)
        });
    };
    if let Some((message, remedy)) = &check.uncounted {
        Line::table(message)
            .color(colors.critical)
            .show(ui)
            .on_hover_text(remedy);
    } else if let Some(report) = &check.counted {
        let rows = format!("{} rows", format::count(report.rows));
        Line::body(rows).medium().show(ui);
        track(ui, 1.0);
        Line::body("Whole file checked")
            .color(colors.muted)
            .show(ui);
    } else if let Some(view) = cx.snapshot.check.as_ref().filter(|v| v.file == check.file) {
        let read = view.read;
        Line::body(format!("{} rows", format::count(read.rows))).show(ui);
        #[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
        let share = format::share(read.bytes, read.total_bytes).unwrap_or(0.0) as f32;
        track(ui, share);
        let left = view.left.map_or_else(String::new, |left| {
            format!(", {} left", format::duration(left))
        });
        let text = format!("Checking the whole file{left}");
        Line::body(text).color(colors.muted).show(ui);
    } else if check.was_ended {
        let text = "The check of the whole file was ended";
        Line::body(text).color(colors.muted).show(ui);
    } else if check.is_counting() || check.is_reading() {
        Line::body("Checking the whole file\u{2026}")
            .color(colors.muted)
            .show(ui);
    }
}

/// Where the page leads to when everything is done.
pub(super) const ANALYTICS: Action = Action::Go(Page::Analytics);
