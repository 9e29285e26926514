//! The message browser: says what it would read, reads when told, follows the end; commits nothing.

use chrono::{DateTime, Local, Utc};
use eframe::egui::{Align, Layout, Rect, Ui};
use retail_engine::flow::{
    BrowseCost, BrowseError, BrowseFrom, BrowseRequest, Message, MessagePage,
};
use retail_engine::handle::Command;
use retail_engine::model::{Offset, Topic, TopicPartition};

use super::{TIME_FIELD, below_ui};
use crate::link::Pending;
use crate::pages::Cx;
use crate::theme::{self, Icon, size};
use crate::views::topics::form::{BrowseForm, From, PAGE, cost_words, fields, time_text};
use crate::views::topics::messages;
use crate::views::{format, stamp};
use crate::widgets::{
    self, Align as Side, Btn, ColumnSpec, Line, Panel, Status, Take, TextField, context_menu,
    export_menu, segmented, select, table, text_cell, without_menus,
};

/// Messages that are kept; the oldest go first.
const KEPT: usize = 20_000;

/// Following the end of a partition.
struct Tail {
    next: Offset,
    paused: bool,
}

/// What was read.
#[derive(Default)]
struct Read {
    messages: Vec<Message>,
    cells: Vec<Vec<String>>,
    scanned: u64,
    bytes: u64,
    /// Whether the newest are shown first.
    newest_first: bool,
    /// What was read, and where it goes on; none where nothing is left of it.
    more: Option<BrowseRequest>,
}

/// What the browser remembers.
pub(super) struct State {
    form: BrowseForm,
    cost_of: Option<BrowseRequest>,
    cost_asked: Pending<Result<BrowseCost, BrowseError>>,
    cost: Option<Result<BrowseCost, (String, String)>>,
    missing: Option<String>,
    running: Pending<Result<MessagePage, BrowseError>>,
    asked: Option<BrowseRequest>,
    read: Option<Read>,
    error: Option<(String, String)>,
    tail: Option<Tail>,
    chosen: Option<usize>,
}

fn now() -> DateTime<Utc> {
    Local::now().to_utc()
}

fn told(error: &BrowseError) -> (String, String) {
    let remedy = match error {
        BrowseError::Log(error) => error.remedy(),
        BrowseError::Batch { .. } => "browse from a later offset, and check the disk of the log",
    };
    (error.to_string(), remedy.to_owned())
}

impl State {
    pub(super) fn new(partition: TopicPartition) -> Self {
        Self {
            form: BrowseForm::new(partition),
            cost_of: None,
            cost_asked: Pending::Idle,
            cost: None,
            missing: None,
            running: Pending::Idle,
            asked: None,
            read: None,
            error: None,
            tail: None,
            chosen: None,
        }
    }

    pub(super) const fn topic(&self) -> Topic {
        self.form.partition.topic
    }

    /// Looks at another partition; what was read of the one before goes.
    pub(super) fn look_at(&mut self, partition: TopicPartition) {
        if self.form.partition != partition {
            self.form.look_at(partition);
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.running = Pending::Idle;
        self.asked = None;
        self.read = None;
        self.error = None;
        self.tail = None;
        self.chosen = None;
    }

    /// Takes answers that have come; asks what reading would cost, while it is `shown`.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, shown: bool) {
        self.running.poll(cx.ctx);
        if let Some(page) = self.running.take() {
            self.take(page);
        }
        self.follow(cx);
        if !shown {
            return;
        }
        self.cost_asked.poll(cx.ctx);
        if let Some(cost) = self.cost_asked.take() {
            self.cost = Some(cost.map_err(|error| told(&error)));
        }
        if self.cost_asked.waiting().is_some() {
            return;
        }
        match self.form.request(now()) {
            Ok(request) => {
                self.missing = None;
                if self.cost_of.as_ref() != Some(&request) {
                    let ask = request.clone();
                    self.cost = None;
                    self.cost_asked = cx
                        .link
                        .ask(|reply| Command::BrowseCost(Box::new(ask), reply));
                    self.cost_of = Some(request);
                    self.cost_asked.poll(cx.ctx);
                }
            }
            Err(missing) => {
                self.missing = Some(missing);
                self.cost = None;
                self.cost_of = None;
            }
        }
    }

    fn take(&mut self, page: Result<MessagePage, BrowseError>) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        match page {
            Ok(page) => {
                if let Some(tail) = &mut self.tail {
                    tail.next = page.next;
                }
                let read = self.read.get_or_insert_default();
                read.scanned += page.scanned;
                read.bytes += page.bytes;
                let left = asked.scan.saturating_sub(page.scanned);
                let is_more = left > 0 && page.next.0 < page.offsets.end.0;
                read.more = is_more.then_some(BrowseRequest {
                    from: BrowseFrom::Offset(page.next),
                    scan: left,
                    ..asked
                });
                read.cells.extend(page.messages.iter().map(messages::cells));
                read.messages.extend(page.messages);
                let surplus = read.messages.len().saturating_sub(KEPT);
                if surplus > 0 {
                    self.chosen = None;
                }
                read.messages.drain(..surplus);
                read.cells.drain(..surplus);
            }
            Err(error) => {
                self.tail = None;
                self.error = Some(told(&error));
            }
        }
    }

    fn browse(&mut self, request: BrowseRequest, cx: &Cx<'_>) {
        let ask = request.clone();
        self.asked = Some(request);
        self.running = cx.link.ask(|reply| Command::Browse(Box::new(ask), reply));
    }

    /// Reads what came since, while the end is followed.
    fn follow(&mut self, cx: &Cx<'_>) {
        let Some(tail) = &self.tail else {
            return;
        };
        if tail.paused || self.asked.is_some() || self.arrived(cx) == 0 {
            return;
        }
        let request = BrowseRequest {
            partition: self.form.partition,
            from: BrowseFrom::Offset(tail.next),
            scan: PAGE as u64,
            limit: PAGE,
            filter: self.form.filter(),
        };
        self.browse(request, cx);
    }

    /// Messages that came after the last one that was read.
    fn arrived(&self, cx: &Cx<'_>) -> u64 {
        let Some(tail) = &self.tail else {
            return 0;
        };
        end_of(cx, self.form.partition).map_or(0, |end| end.saturating_sub(tail.next.0))
    }

    fn run(&mut self, cx: &Cx<'_>) {
        self.forget();
        let Ok(mut request) = self.form.request(now()) else {
            return;
        };
        if request.filter.is_none() {
            request.limit = request.limit.min(KEPT);
        }
        self.read = Some(Read {
            newest_first: self.form.from == From::Newest,
            ..Read::default()
        });
        self.browse(request, cx);
    }

    fn start_tail(&mut self, cx: &Cx<'_>) {
        self.forget();
        let Some(end) = end_of(cx, self.form.partition) else {
            return;
        };
        self.tail = Some(Tail {
            next: Offset(end),
            paused: false,
        });
        self.read = Some(Read {
            newest_first: true,
            ..Read::default()
        });
    }
}

fn end_of(cx: &Cx<'_>, partition: TopicPartition) -> Option<u64> {
    // The newest, so that a frozen view does not hold what comes.
    let snapshot = cx.link.snapshot()?;
    let view = snapshot
        .partitions
        .iter()
        .find(|view| view.partition == partition)?;
    view.end.map(|end| end.0)
}

/// The forms in which messages are taken out.
const TAKES: [Take; 2] = [Take::Copy, Take::Csv];

/// Draws the browser.
pub(super) fn browser_ui(ui: &mut Ui, rect: Rect, page: &mut super::State, cx: &mut Cx<'_>) {
    let partition = page.browser.form.partition;
    let title = format!("Messages of {} {}", partition.topic, partition.partition.0);
    let note = page.browser.read.as_ref().map(|read| {
        format!(
            "{} of {} read, {}",
            format::count(read.messages.len() as u64),
            format::count(read.scanned),
            format::bytes(read.bytes)
        )
    });
    let mut panel = Panel::titled(&title);
    if let Some(note) = &note {
        panel = panel.note(note);
    }
    let mut takes = None;
    surface_and(ui, rect, panel, |ui, place| match place {
        Place::Side => {
            takes = export_menu(ui, "messages", &TAKES);
            below_ui(ui, page, &mut cx.prefs.layout.topics.below);
        }
        Place::Body => {
            let state = &mut page.browser;
            form_ui(ui, state, cx);
            let room = ui.available_rect_before_wrap();
            without_menus(|| read_ui(ui, state));
            takes = takes.or_else(|| context_menu(ui, room, "messages", &TAKES));
        }
    });
    if let Some(take) = takes {
        take_out(&page.browser, take, cx);
    }
}

enum Place {
    Side,
    Body,
}

/// A panel whose side and body are drawn by the same hands, one after the other.
fn surface_and(ui: &mut Ui, rect: Rect, panel: Panel<'_>, draw: impl FnMut(&mut Ui, Place)) {
    let draw = std::cell::RefCell::new(draw);
    panel.show_with(
        ui,
        rect,
        |ui| (draw.borrow_mut())(ui, Place::Side),
        |ui| (draw.borrow_mut())(ui, Place::Body),
    );
}

fn take_out(state: &State, take: Take, cx: &mut Cx<'_>) {
    let Some(read) = &state.read else {
        cx.notices.push(
            "no message was read yet".to_owned(),
            Some("press Run first".to_owned()),
        );
        return;
    };
    let columns = messages::columns(state.topic());
    let text = messages::csv(columns, &read.messages);
    if take == Take::Copy {
        cx.ctx.copy_text(text);
    } else {
        let partition = state.form.partition;
        let name = format!("messages-{partition}.csv");
        let head = format!("Messages of {partition}");
        let head = stamp::head(&head, cx.snapshot.mode, cx.snapshot.at);
        let stamped = move || Ok((head + &text).into_bytes());
        cx.files.save(cx.ctx, &name, stamped);
    }
}

fn form_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    ui.horizontal_wrapped(|ui| {
        let partitions: Vec<(TopicPartition, String)> = cx
            .snapshot
            .partitions
            .iter()
            .map(|view| (view.partition, view.partition.to_string()))
            .collect();
        let chosen = Some(state.form.partition);
        if let Some(partition) = select(ui, "Partition", &partitions, chosen, 176.0) {
            state.look_at(partition);
        }
        if let Some(from) = segmented(ui, "From", &From::CHOICES, state.form.from) {
            state.form.from = from;
            if state.form.time.is_empty() {
                state.form.time = time_text(cx.snapshot.at);
            }
        }
        let form = &mut state.form;
        match form.from {
            From::Oldest | From::Newest => {}
            From::Offset => {
                TextField::new("Offset")
                    .width(80.0)
                    .show(ui, &mut form.offset);
            }
            From::Time => {
                TextField::new("Time")
                    .width(TIME_FIELD)
                    .show(ui, &mut form.time);
            }
            From::Last => {
                TextField::new("Last messages")
                    .width(70.0)
                    .show(ui, &mut form.last);
            }
        }
        if form.from != From::Last {
            let scans = [100, 1_000, 10_000, 100_000, 1_000_000]
                .map(|scan: u64| (scan, format!("{} at most", format::count(scan))));
            if let Some(scan) = select(ui, "Read at most", &scans, Some(form.scan), 128.0) {
                form.scan = scan;
            }
        }
        let choices = fields(form.partition.topic);
        if let Some(field) = select(ui, "Field", &choices, Some(form.field), 104.0) {
            form.field = field;
        }
        TextField::new("Contains")
            .hint("Contains")
            .width(130.0)
            .show(ui, &mut form.contains);
    });
    ui.add_space(2.0);
    let row = eframe::egui::vec2(ui.available_width(), size::CONTROL);
    ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
        buttons_ui(ui, state, cx);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            state_ui(ui, state, cx);
        });
    });
}

/// What can be done, drawn from the right.
fn buttons_ui(ui: &mut Ui, state: &mut State, cx: &Cx<'_>) {
    let mut tail = false;
    let mut on = false;
    let running = state.asked.is_some() && state.tail.is_none();
    let blocked = if running {
        Some("it is reading")
    } else {
        state.missing.as_deref()
    };
    let run = Btn::primary("Run")
        .label("Run")
        .blocked(blocked)
        .clicked(ui);
    if state.tail.is_none() && state.read.as_ref().is_some_and(|read| read.more.is_some()) {
        on = Btn::new("Read on")
            .hint("Reads what was asked for beyond what is shown")
            .clicked(ui);
    }
    match &mut state.tail {
        None => {
            tail = Btn::new("Follow")
                .icon(Icon::Play)
                .hint("Shows what comes from now on")
                .clicked(ui);
        }
        Some(follows) if follows.paused => {
            if Btn::new("Go on").icon(Icon::Play).clicked(ui) {
                follows.paused = false;
            }
        }
        Some(follows) => {
            if Btn::new("Pause").icon(Icon::Pause).clicked(ui) {
                follows.paused = true;
            }
        }
    }
    if run {
        state.run(cx);
    }
    if on && let Some(request) = state.read.as_mut().and_then(|read| read.more.take()) {
        state.browse(request, cx);
    }
    if tail {
        state.start_tail(cx);
    }
}

/// What reading would cost, or what is being followed.
fn state_ui(ui: &mut Ui, state: &State, cx: &Cx<'_>) {
    let colors = theme::colors(ui);
    if let Some(tail) = &state.tail {
        let arrived = state.arrived(cx);
        let (status, words) = if tail.paused {
            let came = format::count(arrived);
            (Status::Warn, format!("Paused; {came} came meanwhile"))
        } else {
            let next = format::count(tail.next.0);
            (
                Status::Ok,
                format!("Following from offset {next}; commits nothing"),
            )
        };
        widgets::status_icon(ui, status);
        Line::table(words).show(ui);
        return;
    }
    let words = match (&state.missing, &state.cost) {
        (Some(missing), _) => format!("Needed: {missing}"),
        (None, Some(Ok(cost))) => cost_words(cost),
        (None, Some(Err((message, remedy)))) => format!("Cost unknown: {message}; {remedy}"),
        (None, None) => "Looking what it would read\u{2026}".to_owned(),
    };
    Line::table(words).color(colors.muted).show(ui);
}

fn read_ui(ui: &mut Ui, state: &mut State) {
    if let Some((message, remedy)) = &state.error {
        widgets::error_state(ui, message, Some(remedy));
        return;
    }
    let Some(read) = &state.read else {
        widgets::empty_state(
            ui,
            "Nothing was read yet. Run reads what stands above.",
            None,
        );
        return;
    };
    if read.messages.is_empty() {
        let why = match (&state.tail, &state.asked) {
            (Some(_), _) => "Nothing came yet.",
            (None, Some(_)) => "Reading\u{2026}",
            (None, None) => "No message matches.",
        };
        widgets::empty_state(ui, why, None);
        return;
    }
    let detail = state.chosen.and_then(|chosen| read.messages.get(chosen));
    let foot = if detail.is_some() { 40.0 } else { 0.0 };
    let room = ui.available_rect_before_wrap();
    let upper = Rect::from_min_max(room.min, room.max - eframe::egui::vec2(0.0, foot));
    let columns: Vec<ColumnSpec<'_>> = messages::columns(state.form.partition.topic)
        .iter()
        .map(|column| ColumnSpec {
            title: column.title,
            width: column.width,
            align: if column.number {
                Side::Right
            } else {
                Side::Left
            },
        })
        .collect();
    let count = read.messages.len();
    let place = |row: usize| {
        if read.newest_first {
            count.saturating_sub(row + 1)
        } else {
            row
        }
    };
    let mut clicked = None;
    widgets::rect_ui(ui, upper, |ui| {
        ui.spacing_mut().item_spacing = eframe::egui::vec2(10.0, 0.0);
        let raised = theme::colors(ui).raised;
        ui.visuals_mut().selection.bg_fill = raised;
        let selected = state.chosen.map(place);
        let shown = table(
            ui,
            "messages",
            &columns,
            count,
            size::ROW_DENSE,
            selected,
            |ui, row, column| {
                let at = place(row);
                if let (Some(message), Some(cells)) = (read.messages.get(at), read.cells.get(at))
                    && let Some(cell) = messages::shown(message, cells, column)
                {
                    text_cell(ui, cell);
                }
            },
        );
        clicked = shown.map(place);
    });
    if let Some(message) = detail {
        let said = messages::details(message);
        let at = Rect::from_min_max(eframe::egui::pos2(room.left(), upper.bottom()), room.max);
        widgets::rect_ui(ui, at, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = Btn::new("Copy")
                    .icon(Icon::Copy)
                    .label("Copy message")
                    .small();
                if copy.clicked(ui) {
                    ui.ctx().copy_text(said.clone());
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    let muted = theme::colors(ui).muted;
                    Line::caption(&said).color(muted).wrapped().show(ui);
                });
            });
        });
    }
    if clicked.is_some() {
        state.chosen = clicked;
    }
}
