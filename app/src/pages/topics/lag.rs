//! The lag of a topic over time, its partitions each a line.

use eframe::egui::{Rect, Ui};
use retail_engine::model::Topic;

use super::{Chosen, Cx, State, below_ui};
use crate::theme;
use crate::views::{charts, format};
use crate::widgets::Panel;
use crate::widgets::chart::{Mark, TimeChart, time_chart};

/// Draws it.
pub(super) fn lag_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let colors = theme::colors(ui);
    let topic = state.chosen.topic();
    let rows = state.tree.iter().find(|rows| rows.topic == topic);
    let slowest = rows.and_then(|rows| {
        let lags = rows.partitions.iter();
        lags.filter_map(|(at, row)| Some((row.lag.known().filter(|lines| *lines > 0)?, *at)))
            .max()
            .map(|(_, at)| at)
    });
    let shown = match state.chosen {
        Chosen::Partition(partition) => Some(partition),
        Chosen::Topic(_) => slowest,
    };
    let note = match (state.chosen, slowest) {
        (Chosen::Partition(at), _) => {
            format!("lines of partition {}, the others grey", at.partition.0)
        }
        (Chosen::Topic(_), Some(at)) => {
            format!("lines by partition; {} is the slowest", at.partition.0)
        }
        (Chosen::Topic(_), None) => "lines by partition".to_owned(),
    };
    let name = match topic {
        Topic::Lines(region) => region.name(),
        Topic::Quarantine => "Quarantine",
    };
    let title = format!("{name} lag");
    let window = cx.window();
    let history = cx.history();
    let color = match topic {
        Topic::Lines(region) => colors.region(region),
        Topic::Quarantine => colors.text,
    };
    let partitions = cx.snapshot.partitions.iter().map(|view| view.partition);
    let series = charts::partition_lag(&history, window, partitions, topic, |at| {
        if shown == Some(at) {
            color
        } else {
            colors.bar_dim
        }
    });
    let mut marks = charts::marks(cx.link.events(), window, colors);
    if let Some(at) = state.replay.planned_time() {
        marks.push(Mark {
            at: charts::seconds(at),
            flag: "R".to_owned(),
            text: format!("replay would start here, {}", format::clock(at)),
            name: Some("replay would start here".to_owned()),
            color: colors.text,
        });
    }
    let spans = charts::bands(cx.link.events(), cx.snapshot, window);
    Panel::titled(&title).note(&note).show_with(
        ui,
        rect,
        |ui| {
            cx.range_ui(ui);
            below_ui(ui, state, &mut cx.prefs.layout.topics.below);
        },
        |ui| {
            let chart = TimeChart {
                name: &title,
                group: "topics",
                range: window.seconds(),
                series,
                bands: spans,
                marks,
                time_axis: true,
                value: format::whole,
            };
            let height = ui.available_height();
            time_chart(ui, &chart, height);
        },
    );
}
