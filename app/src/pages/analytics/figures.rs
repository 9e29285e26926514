//! The figures of the page: asked as long as it is shown, made into rows when they have come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use retail_engine::analytics::{
    Filter, GridBreaks, LargestCancelled, OrderGrid, ProductFigures, ProductPage, Report, Together,
    TogetherQuery,
};
use retail_engine::flow::AnalyseError;
use retail_engine::handle::Command;
use rust_decimal::Decimal;

use super::asked::{Asked, Failure};
use crate::link::Pending;
use crate::pages::Cx;
use crate::views::analytics::Shown;

/// Products at the top of the list that are looked into for sales that came to nothing.
const LOOKED_INTO: usize = 30;
/// A product is looked into when so much of its sales was cancelled: one in so many.
const CANCELLED_ONE_IN: Decimal = Decimal::TWO;

/// Products that rest on one line that was cancelled, by code.
pub(super) type Marks = BTreeMap<String, LargestCancelled>;

/// Products bought together, which are counted when a person asks for it.
#[derive(Debug, Clone)]
pub(super) enum Pairs {
    /// Nobody asked.
    Unasked,
    /// Every line is being read.
    Counting,
    /// These.
    Known(Arc<Together>),
}

/// Questions and answers.
#[derive(Default)]
pub(super) struct Figures {
    report: Asked<Filter, Report>,
    products: Asked<Filter, Vec<ProductFigures>>,
    grid: Asked<(Filter, GridBreaks), OrderGrid>,
    built: (u64, u64, u64),
    shown: Option<Arc<Shown>>,
    marks: Arc<Marks>,
    looked: BTreeSet<String>,
    looking: Pending<Result<Option<Box<ProductPage>>, AnalyseError>>,
    looked_at: u64,
    /// Lines that the figures should have; they stay as they are while the view is frozen.
    lines: u64,
    pairs: Asked<Filter, Together>,
    /// The filter that a person wants the pairs of.
    pairs_of: Option<Filter>,
}

impl Figures {
    /// Asks and takes; once per frame while the page is shown.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        if !cx.held {
            self.lines = cx.snapshot.lines;
        }
        let (ctx, link, lines) = (cx.ctx, cx.link, self.lines);
        self.report.poll(ctx);
        self.products.poll(ctx);
        self.grid.poll(ctx);
        let filter = cx.prefs.layout.analytics.filter();
        self.report.want(&filter, lines, ctx, |filter| {
            link.ask(|reply| Command::Report(Box::new(filter), reply))
        });
        self.products.want(&filter, lines, ctx, |filter| {
            link.ask(|reply| Command::Products(Box::new(filter), reply))
        });
        let breaks = cx.prefs.layout.analytics.breaks().and_then(Result::ok);
        if let Some(breaks) = &breaks {
            let key = (filter.clone(), breaks.clone());
            self.grid.want(&key, lines, ctx, |(filter, breaks)| {
                link.ask(|reply| Command::OrderGrid(Box::new(filter), breaks, reply))
            });
        }
        self.pairs.poll(ctx);
        if self.pairs_of.as_ref() == Some(&filter) {
            // Every line is read for them: once for each time that they are asked for.
            self.pairs.want(&filter, 0, ctx, |filter| {
                let query = TogetherQuery {
                    filter,
                    ..TogetherQuery::default()
                };
                link.ask(|reply| Command::Together(Box::new(query), reply))
            });
        }
        self.build(&filter, breaks);
        self.look(cx);
    }

    fn build(&mut self, filter: &Filter, breaks: Option<GridBreaks>) {
        let answers = (
            self.report.answers(),
            self.products.answers(),
            self.grid.answers(),
        );
        let own = breaks.map(|breaks| self.grid.about(&(filter.clone(), breaks)));
        let (Some(report), Some(products)) =
            (self.report.about(filter), self.products.about(filter))
        else {
            return;
        };
        let grid = match own {
            // The own limits are on their way.
            Some(None) => return,
            Some(Some(grid)) => Some(OrderGrid::clone(grid)),
            None => None,
        };
        let limits = grid
            .as_ref()
            .map(|grid| grid.breaks.clone())
            .unwrap_or_default();
        let same = self.shown.as_ref().is_some_and(|shown| {
            shown.report.order_grid.breaks == limits && shown.report.filter == *filter
        });
        if same && self.built == answers {
            return;
        }
        self.built = answers;
        let shown = Shown::of(Report::clone(report), products.to_vec(), grid);
        self.shown = Some(Arc::new(shown));
    }

    /// Looks into the products of which much was cancelled, one after the other, while no load
    /// runs.
    fn look(&mut self, cx: &Cx<'_>) {
        if self.looked_at != cx.snapshot.lines {
            self.looked_at = cx.snapshot.lines;
            self.looked.clear();
        }
        self.looking.poll(cx.ctx);
        if let Some(Ok(Some(page))) = self.looking.take() {
            let code = page.figures.stock_code.to_string();
            let mut marks = Marks::clone(&self.marks);
            match page.largest_cancelled {
                Some(line) if line.share * 2.0 >= 1.0 => marks.insert(code, line),
                _ => marks.remove(&code),
            };
            self.marks = Arc::new(marks);
        }
        let busy = self.looking.waiting().is_some() || cx.snapshot.load.is_some();
        let Some(shown) = self.shown.as_ref().filter(|_| !busy) else {
            return;
        };
        let listed = shown.products.iter().filter(|p| p.is_product);
        let next = listed.take(LOOKED_INTO).find(|p| {
            p.cancelled * CANCELLED_ONE_IN >= p.amount && !self.looked.contains(&*p.stock_code)
        });
        if let Some(next) = next {
            let code = next.stock_code.to_string();
            self.looked.insert(code.clone());
            self.looking = cx.link.ask(|reply| Command::ProductPage(code, reply));
        }
    }

    /// What is shown; of the filter before, until the figures of the new one have come.
    pub(super) const fn shown(&self) -> Option<&Arc<Shown>> {
        self.shown.as_ref()
    }

    /// Products that rest on one line that was cancelled.
    pub(super) const fn marks(&self) -> &Arc<Marks> {
        &self.marks
    }

    /// How long the figures of another filter are waited for.
    pub(super) fn waiting(&self, filter: &Filter) -> Option<std::time::Duration> {
        let known = self.report.about(filter).is_some() && self.products.about(filter).is_some();
        if known { None } else { self.report.waiting() }
    }

    /// Counts the pairs of a filter, anew if they were counted before.
    pub(super) fn count_pairs(&mut self, filter: Filter) {
        self.pairs.forget();
        self.pairs_of = Some(filter);
    }

    /// Products bought together under a filter.
    pub(super) fn pairs(&self, filter: &Filter) -> Pairs {
        match (self.pairs.waiting(), self.pairs.about(filter)) {
            (Some(_), _) if self.pairs_of.as_ref() == Some(filter) => Pairs::Counting,
            (_, Some(pairs)) => Pairs::Known(Arc::clone(pairs)),
            _ => Pairs::Unasked,
        }
    }

    /// Why there are no figures.
    pub(super) fn failure(&self) -> Option<&Failure> {
        let failures = [
            self.report.failure(),
            self.products.failure(),
            self.grid.failure(),
            self.pairs.failure(),
        ];
        failures.into_iter().flatten().next()
    }

    /// Asks everything anew.
    pub(super) fn retry(&mut self) {
        self.report.forget();
        self.products.forget();
        self.grid.forget();
        self.pairs.forget();
    }
}
