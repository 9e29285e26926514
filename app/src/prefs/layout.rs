//! How the pages were left: what they show, by which filter, in which order. One of each profile.

use retail_engine::analytics::{CustomerSort, Direction};
use retail_engine::model::{LoadId, Reason};
use retail_engine::telemetry::EventLevel;
use serde::{Deserialize, Serialize};

use crate::pages::Page;
use crate::pages::setup::Tab;
use crate::views::analytics::choices::Choices;

/// What the overview shows of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowView {
    /// Charts over time.
    #[default]
    Chart,
    /// The pipeline as a map.
    Map,
    /// A table of seconds.
    Table,
}

/// Which hops the throughput chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HopsShown {
    /// The first and the last.
    #[default]
    Ends,
    /// All five.
    All,
}

/// What stands below the tree of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BelowTopics {
    /// The lag over time.
    #[default]
    Lag,
    /// Messages of a partition.
    Messages,
}

/// How the page of the topics was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicsLayout {
    /// Text that the names of topics or groups hold.
    pub filter: String,
    /// Topics whose partitions are shown, in the order of all topics.
    pub open: [bool; 4],
    /// What stands below the tree.
    pub below: BelowTopics,
}

impl Default for TopicsLayout {
    fn default() -> Self {
        Self {
            filter: String::new(),
            open: [true, true, true, false],
            below: BelowTopics::Lag,
        }
    }
}

/// Which loads the rows that were set aside are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Of the newest load that read a file of a person.
    #[default]
    Newest,
    /// Of all loads but those of mended rows.
    All,
    /// Of one load.
    Load(LoadId),
}

/// Which of the rows that were set aside are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowFilter {
    /// Set aside for this reason.
    pub reason: Option<Reason>,
    /// The column at fault says this.
    pub value: Option<String>,
    /// Of this month, as `2011-12`.
    pub month: Option<String>,
    /// The raw text holds this.
    pub text: String,
}

/// How the page of the rows that were set aside was left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QualityLayout {
    /// Which loads.
    pub scope: Scope,
    /// Which rows.
    pub rows: RowFilter,
}

/// The order of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerOrder {
    /// What they are sorted by.
    pub sort: CustomerSort,
    /// Which way.
    pub direction: Direction,
}

/// What the drawer of events lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawerTab {
    /// What happened.
    #[default]
    Events,
    /// What a person did.
    Done,
}

/// Whether a drawer stands open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drawer {
    /// It does not.
    #[default]
    Closed,
    /// It does.
    Open,
}

/// How the drawer of events was left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventsLayout {
    /// Open or not.
    pub drawer: Drawer,
    /// What it lists.
    pub tab: DrawerTab,
    /// Text that events hold.
    pub search: String,
    /// The least that is listed; all where there is none.
    pub level: Option<EventLevel>,
}

impl EventsLayout {
    /// Brings what needs somebody into view: the alerts, above events of that kind.
    pub fn show_alerts(&mut self) {
        self.drawer = Drawer::Open;
        self.tab = DrawerTab::Events;
        self.level = Some(EventLevel::Warn);
    }
}

/// How the pages were left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Page shown last.
    pub page: Page,
    /// Tab of the setup page shown last.
    pub setup: Tab,
    /// Seconds that the charts show.
    pub range_secs: u32,
    /// What the overview shows of the flow.
    pub flow: FlowView,
    /// Which hops its chart shows.
    pub hops: HopsShown,
    /// What is looked at on the page of the sales.
    pub analytics: Choices,
    /// The order of customers there.
    pub customers: CustomerOrder,
    /// The page of the rows that were set aside.
    pub quality: QualityLayout,
    /// The page of the topics.
    pub topics: TopicsLayout,
    /// The drawer of events.
    pub events: EventsLayout,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            page: Page::Overview,
            setup: Tab::default(),
            range_secs: 300,
            flow: FlowView::default(),
            hops: HopsShown::default(),
            analytics: Choices::default(),
            customers: CustomerOrder::default(),
            quality: QualityLayout::default(),
            topics: TopicsLayout::default(),
            events: EventsLayout::default(),
        }
    }
}
