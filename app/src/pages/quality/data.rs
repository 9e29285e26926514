//! What the page knows of the rows: totals, and the pages of rows that were looked at.

use std::collections::{BTreeMap, VecDeque};

use eframe::egui::Context;
use retail_engine::flow::{QuarantineError, RejectFilter, RejectPage, RejectView, ValueCount};
use retail_engine::handle::{Command, EngineGone, Snapshot};
use retail_engine::model::{LoadId, Topic};

use crate::link::{Link, Pending};
use crate::prefs::layout::RowFilter;
use crate::views::quality::{self, ReasonTable, Summary};

/// Rows asked for at a time: more than any window shows.
const PAGE_ROWS: usize = 200;
/// Pages kept, some 200 kB each.
const PAGES_KEPT: usize = 24;

/// What the rows depend on: when it changes, they are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) load: Option<LoadId>,
    /// Rows set aside, by the ledger.
    set_aside: u64,
    /// Rows of the quarantine that are stored.
    stored: u64,
    /// Fixes that were added, taken back or produced here.
    edits: u64,
}

impl Version {
    pub(super) fn of(
        snapshot: &Snapshot,
        load: Option<LoadId>,
        summary: &Summary,
        edits: u64,
    ) -> Self {
        let quarantine = snapshot.partitions.iter();
        let stored = quarantine
            .filter(|view| view.partition.topic == Topic::Quarantine)
            .filter_map(|view| view.committed)
            .map(|committed| committed.0)
            .sum();
        Self {
            load,
            set_aside: summary.set_aside,
            stored,
            edits,
        }
    }
}

/// One page of the rows that a filter lets through.
fn query(filter: &RowFilter, load: Option<LoadId>, page: usize) -> RejectFilter {
    let text = filter.text.trim();
    RejectFilter {
        load,
        reason: filter.reason,
        value: filter.value.clone(),
        month: filter.month.clone(),
        text: (!text.is_empty()).then(|| text.to_owned()),
        skip: page * PAGE_ROWS,
        limit: PAGE_ROWS,
    }
}

/// What went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) remedy: Option<String>,
}

impl From<&QuarantineError> for Trouble {
    fn from(error: &QuarantineError) -> Self {
        Self {
            message: error.to_string(),
            remedy: Some(error.remedy()),
        }
    }
}

impl From<&EngineGone> for Trouble {
    fn from(gone: &EngineGone) -> Self {
        Self {
            message: gone.to_string(),
            remedy: None,
        }
    }
}

type Answer = Result<RejectPage, QuarantineError>;

/// The totals by reason.
#[derive(Default)]
pub(super) struct Totals {
    asked: Option<Version>,
    pending: Pending<Answer>,
    /// The version that `table` is of.
    pub(super) version: Option<Version>,
    pub(super) table: ReasonTable,
    pub(super) trouble: Option<Trouble>,
}

impl Totals {
    /// Takes the answer, if it has come; `read` are the rows that shares are of.
    pub(super) fn refresh(&mut self, ctx: &Context, read: u64) {
        self.pending.poll(ctx);
        if let Pending::Gone(gone) = &self.pending {
            self.trouble = Some(gone.into());
        }
        match self.pending.take() {
            None => {}
            Some(Ok(page)) => {
                self.table = quality::reasons(&page.reasons, read);
                self.version = self.asked;
                self.trouble = None;
            }
            Some(Err(error)) => self.trouble = Some((&error).into()),
        }
    }

    /// Asks again when what they depend on has changed.
    pub(super) fn ask(&mut self, link: &Link, version: Version) {
        let is_busy = self.pending.waiting().is_some();
        if self.asked == Some(version) || is_busy {
            return;
        }
        if self.asked.map(|asked| asked.load) != Some(version.load) {
            // Another load: what is shown is not about it.
            self.version = None;
            self.table = ReasonTable::default();
        }
        let filter = RejectFilter {
            load: version.load,
            limit: 0,
            ..RejectFilter::default()
        };
        self.pending = link.ask(|reply| Command::RejectPage(Box::new(filter), reply));
        self.asked = Some(version);
    }

    /// How long the first answer is waited for.
    pub(super) fn waiting(&self) -> Option<std::time::Duration> {
        self.pending.waiting()
    }
}

/// Rows under a filter, read page by page where they are seen.
#[derive(Default)]
pub(super) struct Rows {
    filter: RowFilter,
    version: Option<Version>,
    /// The rows are of an older version and are shown until newer ones have come.
    is_old: bool,
    pages: BTreeMap<usize, Vec<RejectView>>,
    /// Pages as they came, oldest first.
    order: VecDeque<usize>,
    wanted: Option<usize>,
    asked: usize,
    pending: Pending<Answer>,
    /// Rows that the filter lets through; `None` before the first answer.
    pub(super) total: Option<usize>,
    pub(super) values: Vec<ValueCount>,
    pub(super) other_values: u64,
    pub(super) trouble: Option<Trouble>,
}

impl Rows {
    /// The filter in force.
    pub(super) const fn filter(&self) -> &RowFilter {
        &self.filter
    }

    /// Shows other rows.
    pub(super) fn set_filter(&mut self, filter: RowFilter) {
        if filter != self.filter {
            let keeps_values = filter.reason == self.filter.reason;
            self.filter = filter;
            self.forget();
            if !keeps_values {
                self.values.clear();
                self.other_values = 0;
            }
        }
    }

    fn forget(&mut self) {
        self.pages.clear();
        self.order.clear();
        self.pending = Pending::Idle;
        self.total = None;
        self.wanted = Some(0);
        self.trouble = None;
    }

    /// The row at a place, if it was read; otherwise it will be.
    pub(super) fn row(&mut self, place: usize) -> Option<&RejectView> {
        let page = place / PAGE_ROWS;
        if !self.pages.contains_key(&page) {
            self.wanted = Some(page);
        }
        self.pages.get(&page)?.get(place % PAGE_ROWS)
    }

    /// Takes an answer that has come; whether rows were replaced.
    pub(super) fn refresh(&mut self, ctx: &Context) -> bool {
        self.pending.poll(ctx);
        if let Pending::Gone(gone) = &self.pending {
            self.trouble = Some(gone.into());
        }
        match self.pending.take() {
            None => false,
            Some(Ok(page)) => {
                if std::mem::take(&mut self.is_old) {
                    self.pages.clear();
                    self.order.clear();
                }
                self.total = usize::try_from(page.total).ok();
                self.values = page.values;
                self.other_values = page.rows_of_other_values;
                self.pages.insert(self.asked, page.rows);
                self.order.push_back(self.asked);
                if self.order.len() > PAGES_KEPT
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.pages.remove(&oldest);
                }
                self.trouble = None;
                true
            }
            Some(Err(error)) => {
                self.trouble = Some((&error).into());
                false
            }
        }
    }

    /// Asks for what is wanted.
    pub(super) fn ask(&mut self, link: &Link, version: Version) {
        if self.version != Some(version) {
            if self.version.map(|known| known.load) == Some(version.load) {
                self.is_old = !self.pages.is_empty();
                // What is on its way is old too.
                self.pending = Pending::Idle;
                self.wanted = self.order.back().copied().or(Some(0));
            } else {
                self.forget();
            }
            self.version = Some(version);
        }
        if self.pending.waiting().is_some() || self.trouble.is_some() {
            return;
        }
        if let Some(page) = self.wanted.take() {
            let filter = query(&self.filter, version.load, page);
            self.pending = link.ask(|reply| Command::RejectPage(Box::new(filter), reply));
            self.asked = page;
        }
    }

    /// How long an answer is waited for.
    pub(super) fn waiting(&self) -> Option<std::time::Duration> {
        self.pending.waiting()
    }
}
