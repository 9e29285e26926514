//! The panels of the page: title, note, controls, drawing, table. What draws a panel on the screen
//! draws its picture too.

use std::sync::Arc;

use eframe::egui::{Rect, Ui, Vec2, vec2};
use retail_engine::analytics::{
    CustomerPick, NonProducts, Panel as Figure, ProductFigures, Table, panel_table, products_table,
    together_table,
};
use retail_engine::model::{Day, Region};

use super::figures::{Marks, Pairs};
use super::{goods, people, sales, twin};
use crate::theme::Icon;
use crate::views::analytics::Shown;
use crate::views::analytics::choices::{Choices, Division, Grain, Segments};
use crate::views::format;
use crate::widgets::chart::is_meant;
use crate::widgets::{Btn, Look, Panel, Take, context_menu, export_menu, segmented, without_menus};

/// As what a panel is taken out.
pub(super) const FORMS: [Take; 4] = [Take::Copy, Take::Csv, Take::Json, Take::Png];

/// What a panel draws from.
#[derive(Clone)]
pub(super) struct View {
    /// The figures.
    pub shown: Arc<Shown>,
    /// How they are looked at.
    pub choices: Choices,
    /// Products that rest on one line that was cancelled.
    pub marks: Arc<Marks>,
    /// Products bought together.
    pub pairs: Pairs,
    /// How much recency, orders and sales count in the value score.
    pub weights: [f64; 3],
}

impl View {
    /// The products that are listed.
    pub(super) fn listed(&self) -> impl Iterator<Item = &ProductFigures> {
        let all = self.choices.charges == NonProducts::Show;
        self.shown
            .products
            .iter()
            .filter(move |p| all || p.is_product)
    }
}

/// What a person did in a panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// Show these days only, or all again.
    Days(Day, Day),
    /// Show this region only, or all again.
    Region(Region),
    /// Show this country only, or all again.
    Country(String),
    /// Show a product.
    Product(String),
    /// Show customers; what they are called.
    Customers(CustomerPick, String),
    /// Show a customer.
    Customer(String),
    /// Show postage and charges in lists of products, or hide them.
    Charges(NonProducts),
    /// Length of the periods.
    Grain(Grain),
    /// As one or by region.
    Division(Division),
    /// As a line or as columns.
    Line(bool),
    /// How segments are shown.
    Segments(Segments),
    /// Change the limits of the grid.
    Breaks,
    /// Change the weights of the value score.
    Weights,
    /// Count the products bought together.
    Pairs,
    /// Go to a panel.
    See(PanelId),
    /// Take the panel out.
    Take(Take),
    /// Show the panel as a table, or as a drawing again.
    Twin,
}

/// The panels, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PanelId {
    /// Headline figures.
    Kpis,
    /// Sales over time.
    Revenue,
    /// Regions and countries.
    Places,
    /// Top products.
    Products,
    /// Customer segments.
    Segments,
    /// Retention.
    Cohorts,
    /// Hours of the week.
    Hours,
    /// Month over month.
    Growth,
    /// Cancelled lines.
    Returns,
    /// Shares of the few.
    Few,
    /// Countries compared.
    Markets,
    /// Sentences.
    Insights,
    /// Products bought together.
    Together,
}

impl PanelId {
    /// All that have a place of their own.
    pub(super) const ALL: [Self; 13] = [
        Self::Kpis,
        Self::Revenue,
        Self::Places,
        Self::Products,
        Self::Segments,
        Self::Cohorts,
        Self::Hours,
        Self::Growth,
        Self::Returns,
        Self::Few,
        Self::Markets,
        Self::Insights,
        Self::Together,
    ];

    /// Its title.
    pub(super) fn title(self, choices: &Choices) -> String {
        match self {
            Self::Kpis => "Headline figures".to_owned(),
            Self::Revenue => format!("Revenue by {}", choices.grain.word()),
            Self::Places => "Regions and countries".to_owned(),
            Self::Products => "Top products".to_owned(),
            Self::Segments => "Customer segments".to_owned(),
            Self::Cohorts => "Customers who came back".to_owned(),
            Self::Hours => "Hours of the week".to_owned(),
            Self::Growth => "Month over month".to_owned(),
            Self::Returns => "Returns".to_owned(),
            Self::Few => "Concentration".to_owned(),
            Self::Markets => "Market categories".to_owned(),
            Self::Insights => "What stands out".to_owned(),
            Self::Together => "Bought together".to_owned(),
        }
    }

    /// What follows the title.
    pub(super) fn note(self, view: &View) -> String {
        let report = &view.shown.report;
        match self {
            Self::Revenue if view.choices.division == Division::Regions => {
                "each on a scale of its own".to_owned()
            }
            Self::Revenue => view
                .shown
                .periods
                .total
                .of(view.choices.grain)
                .unit
                .to_owned(),
            Self::Places => format!("{} countries", report.countries.len()),
            Self::Products => {
                let charges = format::count(view.shown.lines_of_charges());
                match view.choices.charges {
                    NonProducts::Hide => format!("{charges} charge lines hidden"),
                    NonProducts::Show => format!("{charges} charge lines shown"),
                }
            }
            Self::Cohorts => "% of first month".to_owned(),
            Self::Hours => "\u{a3} thousand".to_owned(),
            Self::Growth => "complete months only".to_owned(),
            Self::Returns => "cancelled lines".to_owned(),
            Self::Few => "share of sales".to_owned(),
            Self::Markets => "by share, order value and units".to_owned(),
            Self::Together => match &view.pairs {
                Pairs::Unasked => String::new(),
                Pairs::Counting => "reading every line\u{2026}".to_owned(),
                Pairs::Known(pairs) => format!(
                    "{} pairs of {} products, each in {} or more of {} invoices",
                    format::count(pairs.pairs_found),
                    format::count(pairs.products),
                    format::count(pairs.floor_invoices),
                    format::count(pairs.invoices)
                ),
            },
            Self::Kpis | Self::Segments | Self::Insights => String::new(),
        }
    }

    /// Which table of the engine it is; products have one of their own.
    fn figure(self, choices: &Choices) -> Option<Figure> {
        Some(match (self, choices.division, choices.grain) {
            (Self::Revenue, Division::Total, Grain::Month) | (Self::Growth, ..) => Figure::Months,
            (Self::Revenue, Division::Total, Grain::Week) => Figure::Weeks,
            (Self::Revenue, Division::Total, Grain::Day) => Figure::Days,
            (Self::Revenue, Division::Regions, Grain::Month) => Figure::RegionMonths,
            (Self::Revenue, Division::Regions, Grain::Week) => Figure::RegionWeeks,
            (Self::Revenue, Division::Regions, Grain::Day) => Figure::RegionDays,
            (Self::Kpis | Self::Returns, ..) => Figure::Kpis,
            (Self::Places, ..) => Figure::Countries,
            (Self::Products | Self::Together, ..) => return None,
            (Self::Segments, ..) => match choices.segments {
                Segments::Grid => Figure::OrderGrid,
                Segments::Scores => Figure::RfmGrid,
                Segments::List => Figure::Segments,
            },
            (Self::Cohorts, ..) => Figure::Cohorts,
            (Self::Hours, ..) => Figure::Hours,
            (Self::Few, ..) => Figure::Concentration,
            (Self::Markets, ..) => Figure::Markets,
            (Self::Insights, ..) => Figure::Insights,
        })
    }

    /// Its name in files and commands.
    pub(super) fn name(self, choices: &Choices) -> &'static str {
        match self {
            Self::Together => "together",
            _ => self.figure(choices).map_or("products", Figure::name),
        }
    }

    /// Whether it has figures to be taken out.
    pub(super) const fn is_known(self, view: &View) -> bool {
        !matches!(self, Self::Together) || matches!(view.pairs, Pairs::Known(_))
    }

    /// Its table.
    pub(super) fn table(self, view: &View) -> Table {
        if let (Self::Together, Pairs::Known(pairs)) = (self, &view.pairs) {
            return together_table(pairs);
        }
        if let Some(figure) = self.figure(&view.choices) {
            return panel_table(&view.shown.report, figure);
        }
        let listed: Vec<ProductFigures> = view.listed().cloned().collect();
        products_table(&listed)
    }

    /// Room of its picture.
    pub(super) const fn picture(self) -> Vec2 {
        match self {
            Self::Kpis => vec2(1180.0, 84.0),
            Self::Revenue => vec2(880.0, 360.0),
            Self::Places => vec2(420.0, 900.0),
            Self::Products => vec2(640.0, 620.0),
            Self::Segments => vec2(480.0, 460.0),
            Self::Cohorts => vec2(560.0, 320.0),
            Self::Hours => vec2(720.0, 260.0),
            Self::Growth => vec2(420.0, 360.0),
            Self::Returns => vec2(420.0, 140.0),
            Self::Few => vec2(420.0, 90.0),
            Self::Markets => vec2(560.0, 900.0),
            Self::Insights => vec2(720.0, 320.0),
            Self::Together => vec2(900.0, 620.0),
        }
    }

    /// Draws what is in it.
    pub(super) fn draw(self, ui: &mut Ui, view: &View) -> Option<Act> {
        match self {
            Self::Kpis => {
                let room = ui.available_rect_before_wrap();
                let pick = sales::tiles_ui(ui, room, &view.shown.tiles)?;
                Some(Act::Customers(pick, "all".to_owned()))
            }
            Self::Revenue => sales::revenue_ui(ui, view),
            Self::Places => sales::places_ui(ui, view),
            Self::Products => goods::products_ui(ui, view),
            Self::Segments => people::segments_ui(ui, view),
            Self::Cohorts => people::cohorts_ui(ui, view),
            Self::Hours => sales::hours_ui(ui, view),
            Self::Growth => sales::growth_ui(ui, view),
            Self::Returns => goods::returns_ui(ui, view),
            Self::Few => goods::few_ui(ui, view),
            Self::Markets => goods::markets_ui(ui, view),
            Self::Insights => goods::insights_ui(ui, view),
            Self::Together => goods::together_ui(ui, view),
        }
    }

    /// Its own controls, drawn from the right.
    fn controls(self, ui: &mut Ui, choices: &Choices) -> Option<Act> {
        match self {
            Self::Revenue => {
                let looks = [(false, "Bars"), (true, "Line")];
                let line = segmented(ui, "Drawn as", &looks, choices.line).map(Act::Line);
                let divisions = [(Division::Total, "Total"), (Division::Regions, "By region")];
                let division = segmented(ui, "Divided", &divisions, choices.division);
                let grains = [
                    (Grain::Month, "Month"),
                    (Grain::Week, "Week"),
                    (Grain::Day, "Day"),
                ];
                let grain = segmented(ui, "Periods", &grains, choices.grain);
                line.or(division.map(Act::Division))
                    .or(grain.map(Act::Grain))
            }
            Self::Products => {
                let (text, other) = match choices.charges {
                    NonProducts::Hide => ("Show", NonProducts::Show),
                    NonProducts::Show => ("Hide", NonProducts::Hide),
                };
                let label = format!("{text} postage and charges");
                let link = crate::widgets::link(ui, text, &label);
                let clicked = link.on_hover_text(label).clicked();
                clicked.then_some(Act::Charges(other))
            }
            Self::Segments => {
                let kinds = [
                    (Segments::Grid, "Grid"),
                    (Segments::Scores, "Scores"),
                    (Segments::List, "List"),
                ];
                let kind = segmented(ui, "Segments", &kinds, choices.segments);
                kind.map(Act::Segments)
            }
            _ => None,
        }
    }
}

/// How a panel is shown now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    /// Its table, if that is shown instead of the drawing.
    pub twin: Option<&'a Table>,
    /// The key of the twin was pressed.
    pub twin_key: bool,
}

/// Draws a panel with its head.
pub(super) fn panel_ui(
    ui: &mut Ui,
    rect: Rect,
    id: PanelId,
    view: &View,
    frame: Frame<'_>,
) -> Option<Act> {
    let title = id.title(&view.choices);
    let note = id.note(view);
    let mut act = None;
    let drawn = Panel::titled(&title).note(&note).show_with(
        ui,
        rect,
        |ui| act = head_ui(ui, id, &title, view, frame),
        |ui| {
            without_menus(|| match frame.twin {
                Some(table) => {
                    twin::twin_ui(ui, &title, table);
                    None
                }
                None => id.draw(ui, view),
            })
        },
    );
    let known = id.is_known(view);
    let taken = known
        .then(|| context_menu(ui, rect, &title, &FORMS))
        .flatten();
    let mine = frame.twin_key && is_meant(ui, rect);
    act.or(drawn)
        .or(taken.map(Act::Take))
        .or(mine.then_some(Act::Twin))
}

fn head_ui(ui: &mut Ui, id: PanelId, title: &str, view: &View, frame: Frame<'_>) -> Option<Act> {
    if !id.is_known(view) {
        return None;
    }
    ui.spacing_mut().item_spacing.x = 4.0;
    let taken = export_menu(ui, title, &FORMS).map(Act::Take);
    let (icon, label) = match frame.twin {
        Some(_) => (Icon::ChartColumn, format!("Drawing of {title}")),
        None => (Icon::Table2, format!("Table of {title}")),
    };
    let hint = "The same as a table, or drawn again (T)";
    let twin = Btn::new("")
        .icon(icon)
        .label(&label)
        .look(Look::Quiet)
        .small()
        .hint(hint)
        .clicked(ui);
    ui.spacing_mut().item_spacing.x = 8.0;
    let own = id.controls(ui, &view.choices);
    taken.or(twin.then_some(Act::Twin)).or(own)
}
