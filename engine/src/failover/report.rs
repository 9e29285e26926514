//! The result of a drill as JSON, as CSV and as one HTML page that needs nothing else.
//!
//! No script, font or picture is fetched; every text from outside is escaped; a figure that was
//! not measured is named as such.

mod csv;

use std::fmt::Write as _;

use serde::Serialize;

use super::drill::{DrillResult, DrillStep};
use super::predict::{Access, CellVerdict};
use crate::model::{ConsistencyLevel, Region};

/// Where the data centres of a drill were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Within one process.
    Simulated,
    /// A real cluster.
    Live,
}

/// A measured course, drawn under the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// Unit of its values.
    pub unit: String,
    /// Milliseconds after the fault started (before it: negative), and the value; `None` is a gap.
    pub points: Vec<(i64, Option<f64>)>,
}

/// All that a report shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Simulated or live.
    pub setting: Setting,
    /// What was measured.
    pub result: DrillResult,
    /// Courses such as throughput and lag; may be empty.
    pub series: Vec<Series>,
}

impl Report {
    /// The report as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The report as a page.
    pub fn to_html(&self) -> String {
        let title = escape(self.result.scenario.title);
        let badge = match self.setting {
            Setting::Simulated => "<p class=badge>Simulated: embedded data centres</p>",
            Setting::Live => "",
        };
        let parts = [
            cards(&self.result),
            lost(&self.result),
            chart(self),
            steps(&self.result),
            writes(&self.result),
            predicted(&self.result),
        ]
        .concat();
        let expect = escape(self.result.scenario.expect);
        let cancelled = self.result.cancelled_after_ms.map(time);
        let cancelled = cancelled.map_or_else(String::new, |after| {
            format!("<p class=badge>Cancelled {after} after the fault</p>")
        });
        format!(
            "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <title>Drill: {title}</title><style>{STYLE}</style></head><body><main>\
             <header><div><p class=over>Failover drill</p><h1>{title}</h1>\
             <p class=muted>Expected: {expect}</p></div>{badge}{cancelled}</header>{parts}</main></body></html>\n"
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--line:#dfe3e8;--text:#17202b;--muted:#566372;\
--ok:#17703f;--bad:#b3261e;--warn:#8a5a00;--band:#b3261e22;--ink:#2358b8}\
@media(prefers-color-scheme:dark){:root{--bg:#10151b;--card:#182029;--line:#2b3642;--text:#e6ebf0;\
--muted:#9aa8b6;--ok:#5bd08d;--bad:#ff8a80;--warn:#f2bd5a;--band:#ff8a8026;--ink:#8ab4ff}}\
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);\
font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}\
main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}\
header{display:flex;justify-content:space-between;align-items:flex-start;gap:24px;flex-wrap:wrap}\
h1{font-size:30px;line-height:1.2;margin:2px 0 6px}h2{font-size:16px;margin:0 0 14px}p{margin:0}\
.over{text-transform:uppercase;letter-spacing:.09em;font-size:12px;color:var(--muted)}\
.muted{color:var(--muted)}.badge{border:1px dashed var(--warn);color:var(--warn);border-radius:6px;\
padding:4px 10px;font-size:13px;font-weight:600}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:28px 0 16px}\
.card,section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px}\
section{margin-top:16px;overflow-x:auto}.card b{display:block;font-size:24px;line-height:1.3}\
.card span{color:var(--muted);font-size:13px}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line)}\
th{font-size:12px;color:var(--muted);font-weight:600}tr:last-child td{border-bottom:0}\
.n{text-align:right}.ok{color:var(--ok)}.bad{color:var(--bad)}.none{color:var(--muted);font-style:italic}\
svg{display:block;width:100%;height:auto}svg text{fill:var(--muted);font:11px system-ui,sans-serif}\
@media print{body{background:#fff}section,.card{break-inside:avoid}}";

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Writing to a `String` cannot fail; this is where that is said once.
fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    if html.write_fmt(text).is_err() {
        html.push_str("<!-- cut -->");
    }
}

fn time(ms: u64) -> String {
    if ms < 1_000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    }
}

fn cards(result: &DrillResult) -> String {
    let figure = |value: Option<String>| {
        value.unwrap_or_else(|| "<i class=none>not measured</i>".to_owned())
    };
    let lines = |n: u64| {
        let class = if n == 0 { "ok" } else { "bad" };
        format!("<i class={class} style=font-style:normal>{n} lines</i>")
    };
    let equal = |equal: bool| {
        if equal {
            "<i class=ok style=font-style:normal>equal</i>".to_owned()
        } else {
            "<i class=bad style=font-style:normal>not equal</i>".to_owned()
        }
    };
    let cards = [
        ("Time to detect", figure(result.detected_ms.map(time))),
        ("Time to recover (RTO)", figure(result.rto_ms.map(time))),
        ("Lines lost (RPO)", figure(result.rpo_lines.map(lines))),
        ("Longest stall", figure(result.longest_stall_ms.map(time))),
        (
            "Most hints waiting",
            figure(result.hints_peak.map(|n| n.to_string())),
        ),
        ("Replicas at the end", figure(result.converged.map(equal))),
    ];
    let mut html = "<div class=cards>".to_owned();
    for (name, value) in cards {
        put(
            &mut html,
            format_args!("<div class=card><b>{value}</b><span>{name}</span></div>"),
        );
    }
    html + "</div>"
}

/// What was lost, by name, where something was.
fn lost(result: &DrillResult) -> String {
    let Some(lines) = result.rpo_lines.filter(|lines| *lines > 0) else {
        return String::new();
    };
    let mut html = "<section><h2>Lost</h2><table>".to_owned();
    for one in &result.lost {
        let one = escape(&one.to_string());
        put(&mut html, format_args!("<tr><td class=bad>{one}"));
    }
    let more = lines.saturating_sub(result.lost.len() as u64);
    if more > 0 {
        put(&mut html, format_args!("<tr><td>and {more} more"));
    }
    html + "</table></section>"
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 10.0;
/// One lane for each step's name, so that steps close together stay readable.
const LANE: f64 = 16.0;
const TRACK: f64 = 70.0;

/// Milliseconds to a place on the drawing.
struct Scale {
    from: f64,
    span: f64,
}

impl Scale {
    fn over(report: &Report) -> Self {
        let steps = report.result.steps.iter().filter_map(|s| s.after_fault_ms);
        let mut ends: Vec<f64> = steps.map(|ms| ms as f64).collect();
        let points = report.series.iter().flat_map(|s| &s.points);
        ends.extend(points.map(|(ms, _)| *ms as f64));
        let from = ends.iter().copied().fold(0.0, f64::min);
        let to = ends.iter().copied().fold(1.0, f64::max);
        Self {
            from,
            span: to - from,
        }
    }

    fn x(&self, ms: f64) -> f64 {
        LEFT + (ms - self.from) / self.span * (WIDTH - 2.0 * LEFT)
    }
}

fn chart(report: &Report) -> String {
    let scale = Scale::over(report);
    let reached: Vec<_> = report
        .result
        .steps
        .iter()
        .filter_map(|s| Some((s.step, s.after_fault_ms?)))
        .collect();
    let lanes = reached.len() as f64 * LANE + 12.0;
    let height = lanes + report.series.len() as f64 * TRACK + 22.0;
    let mut svg = format!(
        "<section><h2>Timeline</h2><svg viewBox=\"0 0 {WIDTH} {height}\" role=img \
         aria-label=\"Timeline of the drill, the fault shaded\">"
    );
    put_band(&mut svg, &reached, &scale, height - 18.0);
    for (lane, (step, ms)) in reached.iter().enumerate() {
        let (x, y) = (scale.x(*ms as f64), lane as f64 * LANE + 12.0);
        let right = x > WIDTH * 0.7;
        let (dx, anchor) = if right { (-7.0, "end") } else { (7.0, "start") };
        put(
            &mut svg,
            format_args!(
                "<line x1={x:.1} x2={x:.1} y1={y:.1} y2=\"{:.1}\" stroke=\"var(--line)\"/>\
                 <circle cx={x:.1} cy={y:.1} r=\"4\" fill=\"var(--ink)\"/>\
                 <text x={:.1} y={:.1} text-anchor={anchor}>{} {}</text>",
                height - 18.0,
                x + dx,
                y + 4.0,
                step.name(),
                time(*ms),
            ),
        );
    }
    for (track, series) in report.series.iter().enumerate() {
        put_series(&mut svg, series, &scale, lanes + track as f64 * TRACK);
    }
    put(
        &mut svg,
        format_args!(
            "<text x={LEFT} y={:.1}>fault at 0 s</text></svg></section>",
            height - 4.0
        ),
    );
    svg
}

fn put_band(svg: &mut String, reached: &[(DrillStep, u64)], scale: &Scale, height: f64) {
    let at = |wanted| {
        reached
            .iter()
            .find(|(step, _)| *step == wanted)
            .map(|(_, ms)| *ms as f64)
    };
    let Some(start) = at(DrillStep::FaultStarted) else {
        return;
    };
    // A fault whose end was not seen is shaded to the edge.
    let end = at(DrillStep::FaultEnded).unwrap_or(scale.from + scale.span);
    let (x, width) = (scale.x(start), scale.x(end) - scale.x(start));
    put(
        svg,
        format_args!(
            "<rect class=fault x={x:.1} y=0 width={width:.1} height=\"{height:.1}\" fill=\"var(--band)\"/>"
        ),
    );
}

fn put_series(svg: &mut String, series: &Series, scale: &Scale, top: f64) {
    let most = series
        .points
        .iter()
        .filter_map(|(_, value)| *value)
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let (base, tall) = (top + TRACK - 6.0, TRACK - 24.0);
    let mut path = String::new();
    let mut pen = 'M';
    for (ms, value) in &series.points {
        let Some(value) = value.filter(|v| v.is_finite()) else {
            pen = 'M';
            continue;
        };
        let y = base - value / most.max(f64::MIN_POSITIVE) * tall;
        put(
            &mut path,
            format_args!("{pen}{:.1} {y:.1}", scale.x(*ms as f64)),
        );
        pen = 'L';
    }
    put(
        svg,
        format_args!(
            "<text x={LEFT} y=\"{:.1}\">{}, up to {most:.0} {}</text>\
             <line x1={LEFT} x2=\"{:.1}\" y1=\"{base:.1}\" y2=\"{base:.1}\" stroke=\"var(--line)\"/>\
             <path d=\"{path}\" fill=none stroke=\"var(--ink)\" stroke-width=\"1.6\"/>",
            top + 12.0,
            escape(&series.name),
            escape(&series.unit),
            WIDTH - LEFT,
        ),
    );
}

fn steps(result: &DrillResult) -> String {
    let mut html =
        "<section><h2>Steps</h2><table><tr><th>Step<th>At (UTC)<th class=n>After the fault"
            .to_owned();
    for step in &result.steps {
        let name = step.step.name();
        match (step.at, &step.missing) {
            (Some(at), _) => {
                let after = step.after_fault_ms.map_or_else(String::new, time);
                let at = at.format("%Y-%m-%d %H:%M:%S%.3f");
                put(
                    &mut html,
                    format_args!("<tr><td>{name}<td>{at}<td class=n>{after}"),
                );
            }
            (None, why) => {
                let why = escape(why.as_deref().unwrap_or("not seen"));
                put(
                    &mut html,
                    format_args!("<tr><td>{name}<td colspan=2 class=none>{why}"),
                );
            }
        }
    }
    html + "</table></section>"
}

fn writes(result: &DrillResult) -> String {
    let mut html = "<section><h2>Writes per level</h2>".to_owned();
    if result.writes.is_empty() {
        return html + "<p class=none>no writes were counted</p></section>";
    }
    html.push_str("<table><tr><th>Level<th class=n>Acknowledged<th class=n>Failed");
    for row in &result.writes {
        let class = if row.failed == 0 { "ok" } else { "bad" };
        put(
            &mut html,
            format_args!(
                "<tr><td>{}<td class=n>{}<td class=\"n {class}\">{}",
                row.level, row.ok, row.failed
            ),
        );
    }
    html + "</table></section>"
}

fn predicted(result: &DrillResult) -> String {
    let share = result.score.share.map_or_else(
        || "nothing was tested".to_owned(),
        |share| {
            format!(
                "{:.0} % of what was tested came as predicted",
                share * 100.0
            )
        },
    );
    let mut html = format!(
        "<section><h2>Predicted, then observed</h2><p class=muted>{share}</p><table><tr><th>Region<th>Access"
    );
    for level in ConsistencyLevel::ALL {
        put(&mut html, format_args!("<th>{level}"));
    }
    for region in Region::ALL {
        for access in Access::ALL {
            let name = match access {
                Access::Write => "write",
                Access::Read => "read",
            };
            put(&mut html, format_args!("<tr><td>{region}<td>{name}"));
            let cells = result.prediction.cells.iter().zip(&result.score.cells);
            for (cell, (_, verdict)) in
                cells.filter(|(c, _)| c.key.region == region && c.key.access == access)
            {
                let (class, word) = match verdict {
                    CellVerdict::AsPredicted => ("ok", "as predicted"),
                    CellVerdict::Differs => ("bad", "differs"),
                    CellVerdict::NotTested => ("none", "not tested"),
                };
                put(
                    &mut html,
                    format_args!(
                        "<td>{}<br><small class={class}>{word}</small>",
                        cell.fate.name()
                    ),
                );
            }
        }
    }
    html + "</table></section>"
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::drill::tests::{at, timeline};
    use super::super::drill::{DrillEvent, Lost};
    use super::*;

    pub(super) fn report(setting: Setting) -> Report {
        let mut timeline = timeline("europe-down");
        for (n, step) in (0..).zip(DrillStep::ALL.into_iter().take(5)) {
            timeline.record(DrillEvent::Reached(step), at(2_000 + n * 1_500));
        }
        let why = "<b>cut & \"gone\"</b>".to_owned();
        timeline.record(DrillEvent::WillNotCome(DrillStep::Home, why), at(9_000));
        Report {
            setting,
            result: timeline.result(),
            series: vec![Series {
                name: "<script>Throughput".to_owned(),
                unit: "lines/s".to_owned(),
                points: vec![
                    (-500, Some(10.0)),
                    (0, None),
                    (500, Some(f64::NAN)),
                    (900, Some(4.0)),
                ],
            }],
        }
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        let html = report(Setting::Simulated).to_html();
        for fetch in [
            "http:", "https:", "src=", "url(", "@import", "<script", "<link",
        ] {
            assert!(!html.contains(fetch), "{fetch}");
        }
        assert!(html.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let html = report(Setting::Live).to_html();
        assert!(html.contains("&lt;b&gt;cut &amp; &quot;gone&quot;&lt;/b&gt;"));
        assert!(html.contains("&lt;script&gt;Throughput"));
    }

    #[test]
    fn a_simulated_report_says_so_and_a_live_one_does_not() {
        let mark = "Simulated: embedded data centres";
        assert!(report(Setting::Simulated).to_html().contains(mark));
        assert!(!report(Setting::Live).to_html().contains(mark));
        assert!(
            report(Setting::Simulated)
                .to_json()
                .unwrap()
                .contains("simulated")
        );
    }

    #[test]
    fn a_figure_that_was_not_measured_is_named_and_a_gap_is_drawn_as_one() {
        let html = report(Setting::Live).to_html();
        assert!(html.contains("not measured</i></b><span>Lines lost (RPO)"));
        assert!(!html.contains("NaN"));
        let path = html.split("<path d=\"").nth(1).unwrap();
        assert_eq!(path.split('"').next().unwrap().matches('M').count(), 2);
    }

    #[test]
    fn what_was_lost_is_named_and_the_rest_counted() {
        let mut report = report(Setting::Live);
        assert!(!report.to_html().contains("<h2>Lost</h2>"));
        report.result.rpo_lines = Some(3);
        let name = "drill/1/europe/QUORUM/7".to_owned();
        report.result.lost = vec![Lost::Probe { name }];
        let html = report.to_html();
        assert!(html.contains("probe drill/1/europe/QUORUM/7<tr><td>and 2 more"));
        let csv = report.to_csv().unwrap();
        assert!(
            csv.contains("lost,probe drill/1/europe/QUORUM/7,,,"),
            "{csv}"
        );
    }

    #[test]
    fn the_fault_is_shaded_from_its_start_to_its_end() {
        let report = report(Setting::Live);
        let scale = Scale::over(&report);
        let (x, width) = (scale.x(0.0), scale.x(6_000.0) - scale.x(0.0));
        let band = format!("<rect class=fault x={x:.1} y=0 width={width:.1}");
        assert!(report.to_html().contains(&band), "{band}");
    }
}
