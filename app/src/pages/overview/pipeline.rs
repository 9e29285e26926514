//! The map of the pipeline: each place can be reached by the keyboard and leads to what
//! it holds; the
//! width of a way is its rate.

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, epaint::CubicBezierShape, pos2, vec2,
};
use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, Region};

use super::act_of_load;
use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme::{self, Palette, Type, Weight, size};
use crate::views::format;
use crate::views::pipeline::{self, Edge, Node, Passage, Pipeline, Place};
use crate::widgets;

/// Columns of the map - file, rules, topics, consumers, data centres: begin and width as shares.
const COLUMNS: [(f32, f32); 5] = [
    (0.0, 0.15),
    (0.15, 0.155),
    (0.305, 0.265),
    (0.57, 0.215),
    (0.785, 0.215),
];
/// Between two columns.
const GAP: f32 = 24.0;
/// Rows: three regions, and what was set aside.
const ROWS: f32 = 4.0;

/// Draws the map over the room that is left.
pub(super) fn pipeline_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let map = pipeline::of(cx.snapshot);
    let room = ui.available_rect_before_wrap().shrink2(vec2(0.0, 4.0));
    let foot = 20.0;
    let field = Rect::from_min_max(room.min, pos2(room.right(), room.bottom() - foot));
    edges_ui(ui, field, &map);
    for node in &map.nodes {
        if node_ui(ui, rect_of(field, node.place), node) {
            cx.acts.push(act_of(node.place, cx.snapshot));
        }
    }
    let colors = theme::colors(ui);
    ui.painter().text(
        pos2(room.left(), room.bottom()),
        Align2::LEFT_BOTTOM,
        "Width: lines per second, a step wider for each tenfold. Dashed: cut, or not known.",
        theme::font(Type::Caption, Weight::Regular),
        colors.muted,
    );
    ui.allocate_rect(room, Sense::hover());
}

/// Where a click leads.
fn act_of(place: Place, snapshot: &Snapshot) -> Action {
    match place {
        Place::File | Place::Clean => act_of_load(snapshot),
        Place::Quarantine => Action::Go(Page::Quality),
        Place::Topic(region) | Place::Consumer(region) => Action::ShowRegion(region),
        Place::Dc(_) => Action::Go(Page::Failover),
    }
}

/// The box of a place.
fn rect_of(field: Rect, place: Place) -> Rect {
    let row_of = |dc: Dc| match dc {
        Dc::Europe => 0.0,
        Dc::Americas => 1.0,
        Dc::AsiaPacific => 2.0,
    };
    let (column, row) = match place {
        Place::File => (0, 1.0),
        Place::Clean => (1, 1.0),
        Place::Topic(region) => (2, row_of(region.home())),
        Place::Quarantine => (2, 3.0),
        Place::Consumer(region) => (3, row_of(region.home())),
        Place::Dc(dc) => (4, row_of(dc)),
    };
    let (begin, share) = COLUMNS[column];
    let whole = field.width() + GAP;
    let cell = field.height() / ROWS;
    let height = (cell - 14.0).clamp(34.0, 58.0);
    let x = field.left() + whole * begin;
    let y = field.top() + cell * row + (cell - height) / 2.0;
    let width = whole * share - GAP;
    Rect::from_min_size(pos2(x, y), vec2(width, height))
}

fn region_of(place: Place) -> Option<Region> {
    match place {
        Place::Topic(region) | Place::Consumer(region) => Some(region),
        Place::Dc(dc) => Some(dc.region()),
        Place::File | Place::Clean | Place::Quarantine => None,
    }
}

/// One place; whether it was clicked.
fn node_ui(ui: &mut Ui, rect: Rect, node: &Node) -> bool {
    let colors = theme::colors(ui);
    let id = ui.scope_id().with(("pipeline", &node.title));
    let response = ui
        .interact(rect, id, Sense::click())
        .on_hover_cursor(CursorIcon::PointingHand);
    let fill = if response.hovered() {
        colors.raised
    } else {
        colors.bg
    };
    let radius = CornerRadius::same(size::RADIUS);
    let (stroke, inside) = if response.has_focus() {
        (Stroke::new(2.0, colors.focus), StrokeKind::Outside)
    } else {
        (Stroke::new(1.0, colors.line_strong), StrokeKind::Inside)
    };
    ui.painter().rect(rect, radius, fill, stroke, inside);
    let painter = ui.painter().with_clip_rect(rect.shrink(2.0));
    let mut x = rect.left() + 10.0;
    let upper = rect.center().y - 9.0;
    if let Some(region) = region_of(node.place) {
        let dc = region.home();
        widgets::marker(&painter, pos2(x + 5.0, upper), dc, colors.dc(dc));
        x += 16.0;
    }
    painter.text(
        pos2(x, upper),
        Align2::LEFT_CENTER,
        &node.title,
        theme::font(Type::Table, Weight::Medium),
        colors.text,
    );
    let color = match node.status {
        widgets::Status::Ok | widgets::Status::Neutral => colors.muted,
        status => status.color(colors),
    };
    let lower = rect.center().y + 9.0;
    painter.text(
        pos2(rect.left() + 16.0, lower),
        Align2::CENTER_CENTER,
        char::from(node.status.icon()),
        theme::icon_font(12.0),
        node.status.color(colors),
    );
    painter.text(
        pos2(rect.left() + 27.0, lower),
        Align2::LEFT_CENTER,
        &node.value,
        theme::font(Type::Caption, Weight::Regular),
        color,
    );
    let label = node.label();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    response.on_hover_text(&label).clicked()
}

fn edges_ui(ui: &Ui, field: Rect, map: &Pipeline) {
    let colors = theme::colors(ui);
    for edge in &map.edges {
        let (from, to) = (rect_of(field, edge.from), rect_of(field, edge.to));
        let (begin, end) = (from.right_center(), to.left_center());
        edge_ui(ui, edge, begin, end, colors);
    }
    // A rate stands where its way begins to be alone.
    for edge in &map.edges {
        let Some(rate) = edge.rate.filter(|rate| *rate >= 1.0) else {
            continue;
        };
        if matches!(edge.to, Place::Dc(_)) {
            continue;
        }
        let to = rect_of(field, edge.to);
        ui.painter().text(
            pos2(to.left() - 4.0, to.top() - 1.0),
            Align2::RIGHT_BOTTOM,
            format::rate(rate, ""),
            theme::font(Type::Caption, Weight::Medium),
            colors.text,
        );
    }
}

fn edge_ui(ui: &Ui, edge: &Edge, begin: Pos2, end: Pos2, colors: &Palette) {
    let color = color_of(edge, colors);
    let stroke = Stroke::new(edge.width(), color);
    match edge.passage {
        Passage::Open => {
            let bend = vec2((end.x - begin.x) * 0.5, 0.0);
            let curve = CubicBezierShape::from_points_stroke(
                [begin, begin + bend, end - bend, end],
                false,
                Color32::TRANSPARENT,
                stroke,
            );
            ui.painter().add(Shape::CubicBezier(curve));
        }
        Passage::Cut | Passage::Unknown => {
            let dashes = Shape::dashed_line(&[begin, end], stroke, 4.0, 4.0);
            ui.painter().extend(dashes);
        }
    }
    if edge.passage == Passage::Cut {
        let middle = begin + (end - begin) * 0.72;
        let arm = 4.0;
        let stroke = Stroke::new(1.5, colors.critical);
        for side in [1.0, -1.0] {
            let across = vec2(arm, arm * side);
            ui.painter()
                .line_segment([middle - across, middle + across], stroke);
        }
    }
}

const fn color_of(edge: &Edge, colors: &Palette) -> Color32 {
    match (edge.passage, edge.rate) {
        (Passage::Cut, _) => colors.critical,
        (Passage::Unknown, _) => colors.unknown,
        (Passage::Open, Some(rate)) if rate >= 1.0 => match edge.from {
            Place::Topic(region) | Place::Consumer(region) => colors.region(region),
            Place::File | Place::Clean | Place::Quarantine | Place::Dc(_) => colors.text,
        },
        (Passage::Open, _) => colors.line_strong,
    }
}
