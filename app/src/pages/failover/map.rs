//! Who serves what, drawn: the traffic of the regions above, the data centres below, the links
//! between them.

use eframe::egui::{
    Align2, Color32, CornerRadius, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};
use retail_engine::model::{Dc, PerDc, Region};

use crate::theme::{self, Icon, Palette, Type, Weight};
use crate::views::failover::map::{Link, LinkState, Map, Place, Traffic};
use crate::widgets::{Line, Panel, Status, dashed_rect, marker};

/// Data centres from left to right.
const ORDER: [Dc; 3] = [Dc::Americas, Dc::Europe, Dc::AsiaPacific];
const TRAFFIC: f32 = 40.0;
const PLACE: f32 = 66.0;

/// Draws the map in a panel.
pub(super) fn map_ui(ui: &mut Ui, rect: Rect, map: &Map) {
    Panel::titled("Who serves what, now").show_with(
        ui,
        rect,
        |ui| {
            let colors = theme::colors(ui);
            Line::caption("no path").color(colors.critical).show(ui);
            crate::widgets::icon(ui, Icon::X, colors.critical);
            ui.add_space(6.0);
            Line::caption("replication").color(colors.muted).show(ui);
            Line::caption("- -").color(colors.muted).show(ui);
            ui.add_space(6.0);
            Line::caption("traffic, wider is more")
                .color(colors.muted)
                .show(ui);
            Line::caption("\u{2014}").color(colors.muted).show(ui);
        },
        |ui| draw_ui(ui, map),
    );
}

/// Draws the map over the room that is left.
pub(super) fn draw_ui(ui: &mut Ui, map: &Map) {
    let colors = theme::colors(ui);
    let (room, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let painter = ui.painter().with_clip_rect(room.expand(2.0));
    let third = room.width() / 3.0;
    let width = (third - 78.0).clamp(120.0, 230.0);
    let center = |dc: Dc| {
        let place = ORDER.iter().position(|known| *known == dc).unwrap_or(0);
        room.left() + third * (place as f32 + 0.5)
    };
    let bottom = room.bottom() - 24.0;
    let places = PerDc::from_fn(|dc| {
        Rect::from_min_size(
            pos2(center(dc) - width / 2.0, bottom - PLACE),
            vec2(width, PLACE),
        )
    });
    for link in &map.links {
        link_ui(&painter, link, &places, room.bottom() - 9.0, colors);
    }
    for (region, traffic) in map.traffic.iter() {
        let at = Rect::from_min_size(
            pos2(center(region.home()) - width / 2.0, room.top() + 2.0),
            vec2(width, TRAFFIC),
        );
        arrows_ui(&painter, traffic, at, &places, colors);
        traffic_ui(&painter, traffic, at, colors);
    }
    for (dc, place) in map.places.iter() {
        place_ui(&painter, place, places[dc], colors);
    }
    let said = said(map);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
}

/// The map in words.
fn said(map: &Map) -> String {
    let traffic = map.traffic.iter().map(|(region, traffic)| {
        format!(
            "{} traffic, {}, to {}, {}",
            region.name(),
            traffic.rate,
            traffic.serving.name(),
            traffic.note
        )
    });
    let places = map
        .places
        .iter()
        .map(|(dc, place)| format!("{} {}", dc.name(), place.state));
    let parts: Vec<String> = traffic.chain(places).collect();
    format!("Who serves what: {}", parts.join("; "))
}

fn text(painter: &Painter, at: Pos2, align: Align2, words: &str, step: Type, color: Color32) {
    let weight = if step == Type::Table {
        Weight::SemiBold
    } else {
        Weight::Regular
    };
    painter.text(at, align, words, theme::font(step, weight), color);
}

fn traffic_ui(painter: &Painter, traffic: &Traffic, rect: Rect, colors: &Palette) {
    let color = colors.region(traffic.region);
    painter.rect(
        rect,
        CornerRadius::same(4),
        colors.panel,
        Stroke::new(1.5, color),
        StrokeKind::Inside,
    );
    let name = format!("{} traffic", traffic.region.name());
    let at = rect.center() - vec2(0.0, 8.0);
    text(
        painter,
        at,
        Align2::CENTER_CENTER,
        &name,
        Type::Table,
        colors.text,
    );
    let at = rect.center() + vec2(0.0, 8.0);
    text(
        painter,
        at,
        Align2::CENTER_CENTER,
        &traffic.rate,
        Type::Caption,
        colors.muted,
    );
}

fn place_ui(painter: &Painter, place: &Place, rect: Rect, colors: &Palette) {
    let bad = place.status == Status::Critical;
    let fill = if bad {
        colors.critical_tint
    } else {
        colors.raised
    };
    painter.rect_filled(rect, CornerRadius::same(4), fill);
    if bad {
        dashed_rect(painter, rect.shrink(0.5), colors.critical);
    } else {
        let stroke = Stroke::new(1.0, colors.line_strong);
        painter.rect_stroke(rect, CornerRadius::same(4), stroke, StrokeKind::Inside);
    }
    let painter = painter.with_clip_rect(rect.shrink(2.0));
    let x = rect.left() + 12.0;
    marker(
        &painter,
        pos2(x + 5.0, rect.top() + 14.0),
        place.dc,
        colors.dc(place.dc),
    );
    let name = pos2(x + 16.0, rect.top() + 14.0);
    text(
        &painter,
        name,
        Align2::LEFT_CENTER,
        place.dc.name(),
        Type::Table,
        colors.text,
    );
    let color = match place.status {
        Status::Ok | Status::Neutral => colors.muted,
        status => status.color(colors),
    };
    let state = match place.status {
        // With a fault in force there is more to say of it than how fast it writes.
        Status::Ok if !place.is_hit => {
            format!("{} \u{b7} {}", place.latency, place.state.to_lowercase())
        }
        _ => place.state.clone(),
    };
    for (line, (words, color)) in [(&state, color), (&place.note, colors.muted)]
        .into_iter()
        .enumerate()
    {
        let at = pos2(x, rect.top() + 33.0 + 17.0 * line as f32);
        text(
            &painter,
            at,
            Align2::LEFT_CENTER,
            words,
            Type::Caption,
            color,
        );
    }
}

fn arrows_ui(
    painter: &Painter,
    traffic: &Traffic,
    from: Rect,
    places: &PerDc<Rect>,
    colors: &Palette,
) {
    let color = colors.region(traffic.region);
    let home = places[traffic.region.home()];
    let begin = from.center_bottom();
    if !traffic.is_home {
        let (top, end) = (begin + vec2(0.0, 2.0), home.center_top() - vec2(0.0, 2.0));
        painter.extend(Shape::dotted_line(&[top, end], color, 5.0, 1.0));
        cross(painter, top.lerp(end, 0.5), colors.critical);
    }
    let target = places[traffic.serving];
    let shift = shift(traffic.region, traffic.serving) * 26.0;
    let start = begin + vec2(if traffic.is_home { 0.0 } else { -shift }, 0.0);
    let end = target.center_top() + vec2(shift, 0.0);
    arrow(painter, start, end, traffic.width, color);
    let at = start.lerp(end, 0.46);
    let (side, align) = if end.x < start.x {
        (-10.0, Align2::RIGHT_CENTER)
    } else {
        (10.0, Align2::LEFT_CENTER)
    };
    label(painter, at + vec2(side, 0.0), align, &traffic.note, colors);
}

/// From which side an arrow comes: -1 left, 0 above, 1 right.
fn shift(region: Region, serving: Dc) -> f32 {
    let place = |dc: Dc| ORDER.iter().position(|known| *known == dc).unwrap_or(0);
    match place(region.home()).cmp(&place(serving)) {
        std::cmp::Ordering::Less => -1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => 1.0,
    }
}

fn arrow(painter: &Painter, from: Pos2, to: Pos2, width: f32, color: Color32) {
    let along = (to - from).normalized();
    let across = along.rot90();
    let head = 6.0 + width;
    let neck = to - along * head;
    painter.line_segment([from, neck], Stroke::new(width, color));
    painter.add(Shape::convex_polygon(
        vec![
            to,
            neck + across * (head * 0.6),
            neck - across * (head * 0.6),
        ],
        color,
        Stroke::NONE,
    ));
}

fn cross(painter: &Painter, at: Pos2, color: Color32) {
    let stroke = Stroke::new(2.0, color);
    let arm = 5.0;
    painter.line_segment([at - vec2(arm, arm), at + vec2(arm, arm)], stroke);
    painter.line_segment([at - vec2(arm, -arm), at + vec2(arm, -arm)], stroke);
}

fn label(painter: &Painter, at: Pos2, align: Align2, words: &str, colors: &Palette) {
    let font = theme::font(Type::Caption, Weight::Regular);
    let galley = painter.layout_no_wrap(words.to_owned(), font, colors.muted);
    let rect = align.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 0.0, colors.panel);
    painter.galley(rect.min, galley, colors.muted);
}

fn link_ui(painter: &Painter, link: &Link, places: &PerDc<Rect>, below: f32, colors: &Palette) {
    let color = match link.state {
        LinkState::Up => colors.muted,
        LinkState::Cut => colors.critical,
        LinkState::Disputed => colors.warn,
        LinkState::Unknown => colors.unknown,
    };
    let (a, b) = (places[link.a], places[link.b]);
    let is_neighbour = link.a == Dc::Europe || link.b == Dc::Europe;
    let path = if is_neighbour {
        vec![a.right_center(), b.left_center()]
    } else {
        vec![
            a.center_bottom(),
            pos2(a.center().x, below),
            pos2(b.center().x, below),
            b.center_bottom(),
        ]
    };
    painter.extend(Shape::dashed_line(&path, Stroke::new(1.0, color), 5.0, 4.0));
    let middle = if is_neighbour {
        a.right_center().lerp(b.left_center(), 0.5)
    } else {
        pos2(f32::midpoint(a.center().x, b.center().x), below)
    };
    match link.state {
        LinkState::Cut => cross(painter, middle, color),
        LinkState::Up | LinkState::Disputed | LinkState::Unknown => {
            let lift = if is_neighbour { -9.0 } else { 0.0 };
            label(
                painter,
                middle + vec2(0.0, lift),
                Align2::CENTER_CENTER,
                &link.text,
                colors,
            );
        }
    }
}
