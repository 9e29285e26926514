//! What a right click takes out: any table as it stands on the screen, any chart with its samples
//! and as a picture. The widgets say what was chosen; the window carries it out.
//!
//! A panel that has an export of its own hides the menus of what is in it, so that a right click
//! always opens one menu.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::{
    Align, Context, Id, Key, Layout, Memory, Modifiers, Popup, PopupKind, Pos2, Rect,
    SetOpenCommand, Ui, UiBuilder, containers::menu::menu_style, vec2,
};

use super::cells::ColumnSpec;
use super::chart::Picture;
use super::export_menu::{Take, choices_ui};

thread_local! {
    /// The texts of the cell that is read, while a table is read instead of drawn. Every label
    /// asks for it, on the one thread that draws the window.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    /// Whether what is drawn now belongs to a panel with a menu of its own.
    static HIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// What a person chose to take out.
#[derive(Debug, Clone)]
pub struct TakenOut {
    /// As what.
    pub take: Take,
    /// What it is called.
    pub title: String,
    /// Titles of the columns.
    pub columns: Vec<String>,
    /// The rows, a text for each column.
    pub rows: Vec<Vec<String>>,
    /// How it is drawn, where it is a chart.
    pub picture: Option<Picture>,
}

type Waiting = Arc<Mutex<Vec<TakenOut>>>;

fn waiting(ctx: &Context) -> Waiting {
    ctx.data_mut(|data| {
        data.get_temp_mut_or_default::<Waiting>(Id::unique("taken out"))
            .clone()
    })
}

/// Hands what was chosen to the window.
pub(super) fn hand_over(ctx: &Context, taken: TakenOut) {
    let waiting = waiting(ctx);
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.push(taken);
    ctx.request_repaint();
}

/// What was chosen since the last time.
pub fn taken_out(ctx: &Context) -> Vec<TakenOut> {
    let waiting = waiting(ctx);
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *waiting)
}

/// Draws something whose menu somebody else shows.
pub fn without_menus<R>(draw: impl FnOnce() -> R) -> R {
    let before = HIDDEN.replace(true);
    let drawn = draw();
    HIDDEN.set(before);
    drawn
}

/// Whether what is drawn now shows a menu of its own.
pub(super) fn has_menu() -> bool {
    !HIDDEN.get()
}

/// The menu over `room`, by a right click or by Shift+F10 while the keyboard is in it; what was
/// chosen. `what` names the thing.
pub fn context_menu(ui: &Ui, room: Rect, what: &str, takes: &[Take]) -> Option<Take> {
    let id = Id::unique(("menu of", what));
    let at = asked(ui, room);
    if let Some(at) = at {
        ui.data_mut(|data| data.insert_temp(id, at));
    }
    if at.is_none() && !Popup::is_id_open(ui.ctx(), id) {
        return None;
    }
    let opened = at.map(|_| SetOpenCommand::Bool(true));
    let at: Pos2 = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let mut chosen = None;
    Popup::new(id, ui.ctx().clone(), at, ui.layer_id())
        .kind(PopupKind::Menu)
        .layout(Layout::top_down_justified(Align::Min))
        .style(menu_style)
        .width(150.0)
        .accessible_name(format!("Menu of {what}"))
        .open_memory(opened)
        .show(|ui| chosen = choices_ui(ui, takes));
    chosen
}

/// Where a menu was asked for in `room`, in this frame.
fn asked(ui: &Ui, room: Rect) -> Option<Pos2> {
    if ui.input(|input| input.pointer.secondary_clicked()) && ui.rect_contains_pointer(room) {
        return ui.input(|input| input.pointer.interact_pos());
    }
    let focused = ui.memory(Memory::focused)?;
    let at = ui.ctx().read_response(focused)?.rect.center();
    let pressed = |ui: &Ui| ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F10));
    (room.contains(at) && ui.is_enabled() && pressed(ui)).then_some(at)
}

/// Whether a table is read instead of drawn; then the text is heard. What paints its own text asks
/// this first.
pub fn hear(text: &str) -> bool {
    HEARD.with_borrow_mut(|heard| match heard {
        Some(heard) => {
            heard.push(text.to_owned());
            true
        }
        None => false,
    })
}

/// The texts of a table: what its cells would say if all were drawn. Columns without a title hold
/// buttons, and are left out.
pub(super) fn read_table(
    ui: &mut Ui,
    columns: &[ColumnSpec<'_>],
    rows: usize,
    mut cell: impl FnMut(&mut Ui, usize, usize),
) -> (Vec<String>, Vec<Vec<String>>) {
    let room = Rect::from_min_size(ui.max_rect().min, vec2(400.0, 40.0));
    let mut nowhere = ui.new_child(UiBuilder::new().id_salt("read").max_rect(room).invisible());
    let named = || {
        columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !c.title.is_empty())
    };
    let mut read = |row: usize, place: usize| {
        HEARD.set(Some(Vec::new()));
        cell(&mut nowhere, row, place);
        plain(&HEARD.take().unwrap_or_default().join(" "))
    };
    let rows = (0..rows)
        .map(|row| named().map(|(place, _)| read(row, place)).collect())
        .collect();
    let titles = named().map(|(_, column)| column.title.to_owned()).collect();
    (titles, rows)
}

/// Without the thin spaces that group digits for the eye.
fn plain(text: &str) -> String {
    text.replace('\u{2009}', "")
}

#[cfg(test)]
mod tests {
    use eframe::egui::RawInput;

    use super::*;
    use crate::widgets::{Line, Status, badge, link};

    #[test]
    fn a_table_is_read_as_it_is_drawn_without_its_buttons() {
        let ctx = Context::default();
        crate::theme::install(&ctx);
        let columns = [
            ColumnSpec::text("Name", 10.0),
            ColumnSpec::number("Rows", 10.0),
            ColumnSpec::number("", 10.0),
        ];
        let mut read = None;
        let mut drawn = ctx.run_ui(RawInput::default(), |ui| {
            read = Some(read_table(
                ui,
                &columns,
                2,
                |ui, row, column| match column {
                    0 => {
                        badge(ui, Status::Ok, "good");
                        link(ui, &format!("row {row}"), "");
                    }
                    1 => {
                        Line::table("1\u{2009}234").show(ui);
                    }
                    _ => {
                        Line::table("End").show(ui);
                    }
                },
            ));
        });
        drawn.textures_delta.clear();
        let (titles, rows) = read.unwrap();
        assert_eq!(titles, ["Name", "Rows"]);
        assert_eq!(rows, [["good row 0", "1234"], ["good row 1", "1234"]]);
        assert!(!hear("after it, labels are drawn again"));
    }
}
