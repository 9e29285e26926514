//! A heat map: cells whose strength is their shade and whose text is black or white, whichever
//! contrasts more; what is not complete is hatched.

use eframe::egui::{
    Align2, CursorIcon, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use super::button::focus_inside;
use super::paint::hatch;
use crate::theme::{self, Palette, Type, Weight};

/// Height of the names of the columns.
const HEAD: f32 = 16.0;
/// Between two cells.
const GAP: f32 = 2.0;

/// One cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatCell {
    /// In it, where there is room.
    pub text: String,
    /// 0 for nothing, 1 for the most.
    pub strength: f32,
    /// Exactly, under the pointer and for those who cannot see it.
    pub tip: String,
    /// Not complete: hatched instead of shaded.
    pub partial: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatRow {
    /// Its name.
    pub label: String,
    /// A number after the name.
    pub note: String,
    /// Exactly, where the row can be clicked.
    pub tip: String,
    /// Its cells; `None` where there is none.
    pub cells: Vec<Option<HeatCell>>,
}

/// Where the names of the columns stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Above the cells.
    Above,
    /// Below them.
    Below,
}

/// What of it can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicks {
    /// Nothing.
    Nothing,
    /// Its cells.
    Cells,
    /// Its cells, and the names of its rows.
    CellsAndRows,
}

/// What was clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicked {
    /// The name of a row.
    Row(usize),
    /// A cell: its row and its column.
    Cell(usize, usize),
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct HeatMap<'a> {
    /// Its name for those who cannot see it.
    pub name: &'a str,
    /// Names of the columns.
    pub columns: &'a [String],
    /// What the columns are, before their names.
    pub corner: &'a str,
    /// Where those stand.
    pub names: Names,
    /// The rows.
    pub rows: &'a [HeatRow],
    /// Room of the names of the rows, with their numbers.
    pub side: f32,
    /// What can be clicked.
    pub clicks: Clicks,
}

/// Draws it; what was clicked.
pub fn heat_map(ui: &mut Ui, map: &HeatMap<'_>, size: Vec2) -> Option<Clicked> {
    let (room, whole) = ui.allocate_exact_size(size, Sense::hover());
    let colors = theme::colors(ui);
    let top = match map.names {
        Names::Above => room.top() + HEAD,
        Names::Below => room.top(),
    };
    let cell = vec2(
        (room.width() - map.side) / map.columns.len().max(1) as f32,
        (room.height() - HEAD) / map.rows.len().max(1) as f32,
    );
    names(ui.painter(), map, room, cell, colors);
    let mut clicked = None;
    for (line, row) in map.rows.iter().enumerate() {
        let y = top + cell.y * line as f32;
        let head = Rect::from_min_size(
            pos2(room.left(), y),
            vec2(map.side - 4.0, cell.y - GAP.min(cell.y * 0.3)),
        );
        if map.clicks == Clicks::CellsAndRows && row_head_ui(ui, &whole, row, head, line) {
            clicked = Some(Clicked::Row(line));
        }
        row_names(
            ui.painter(),
            row,
            room.left(),
            map.side,
            y + cell.y / 2.0,
            colors,
        );
        for (place, one) in row.cells.iter().enumerate() {
            let Some(one) = one else { continue };
            let x = room.left() + map.side + cell.x * place as f32;
            let rect = Rect::from_min_size(pos2(x, y), cell - vec2(GAP, GAP).min(cell * 0.3));
            let response = cell_ui(ui, &whole, map, rect, (line, place), one);
            if response.clicked() && map.clicks != Clicks::Nothing {
                clicked = Some(Clicked::Cell(line, place));
            }
        }
    }
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, map.name));
    clicked
}

fn names(painter: &Painter, map: &HeatMap<'_>, room: Rect, cell: Vec2, colors: &Palette) {
    let font = || theme::font(Type::Caption, Weight::Regular);
    let y = match map.names {
        Names::Above => room.top() + HEAD / 2.0 - 1.0,
        Names::Below => room.bottom() - HEAD / 2.0 + 1.0,
    };
    let at = pos2(room.left(), y);
    painter.text(at, Align2::LEFT_CENTER, map.corner, font(), colors.muted);
    let widest = map
        .columns
        .iter()
        .map(|name| {
            painter
                .layout_no_wrap(name.clone(), font(), colors.muted)
                .size()
                .x
        })
        .fold(1.0, f32::max);
    let every = if widest + 4.0 > cell.x { 2 } else { 1 };
    for (place, name) in map.columns.iter().enumerate().step_by(every) {
        let x = room.left() + map.side + cell.x * (place as f32 + 0.5) - GAP / 2.0;
        painter.text(
            pos2(x, y),
            Align2::CENTER_CENTER,
            name,
            font(),
            colors.muted,
        );
    }
}

/// The name of a row as something to click, below what is written on it.
fn row_head_ui(ui: &Ui, whole: &Response, row: &HeatRow, rect: Rect, line: usize) -> bool {
    let response = ui.interact(rect, whole.id.with(("row", line)), Sense::click());
    let colors = theme::colors(ui);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 2.0, colors.raised);
    }
    focus_inside(ui, &response, rect, 2);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &row.tip));
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    response.on_hover_text(&row.tip).clicked()
}

fn row_names(painter: &Painter, row: &HeatRow, left: f32, side: f32, y: f32, colors: &Palette) {
    let font = || theme::font(Type::Caption, Weight::Regular);
    painter.text(
        pos2(left, y),
        Align2::LEFT_CENTER,
        &row.label,
        font(),
        colors.muted,
    );
    let at = pos2(left + side - 8.0, y);
    painter.text(at, Align2::RIGHT_CENTER, &row.note, font(), colors.text);
}

fn cell_ui(
    ui: &Ui,
    whole: &Response,
    map: &HeatMap<'_>,
    rect: Rect,
    at: (usize, usize),
    cell: &HeatCell,
) -> Response {
    let sense = match map.clicks {
        Clicks::Nothing => Sense::hover(),
        Clicks::Cells | Clicks::CellsAndRows => Sense::click(),
    };
    let response = ui.interact(rect, whole.id.with(at), sense);
    let colors = theme::colors(ui);
    let (fill, text) = colors.heat(cell.strength);
    let painter = ui.painter();
    let text = if cell.partial {
        hatch(painter, rect, 5.0, colors.line);
        let border = Stroke::new(1.0, colors.bar_dim);
        painter.rect_stroke(rect, 1.0, border, StrokeKind::Inside);
        colors.text
    } else {
        painter.rect_filled(rect, 1.0, fill);
        text
    };
    let font = theme::font(Type::Caption, Weight::Medium);
    let galley = painter.layout_no_wrap(cell.text.clone(), font, text);
    if galley.size().x < rect.width() && galley.size().y < rect.height() + 4.0 {
        painter.galley(rect.center() - galley.size() / 2.0, galley, text);
    }
    if response.hovered() || response.has_focus() {
        let border = Stroke::new(2.0, colors.focus);
        painter.rect_stroke(rect, 1.0, border, StrokeKind::Inside);
    }
    let (role, cursor) = match map.clicks {
        Clicks::Nothing => (Role::Image, CursorIcon::Default),
        Clicks::Cells | Clicks::CellsAndRows => (Role::Button, CursorIcon::PointingHand),
    };
    response.widget_info(|| WidgetInfo::labeled(role, true, &cell.tip));
    response.on_hover_text(&cell.tip).on_hover_cursor(cursor)
}
