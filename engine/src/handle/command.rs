//! What a program can ask of the engine.

use std::time::Duration;

use crossbeam_channel::Sender;

use crate::analytics::{
    CustomerList, CustomerPage, CustomerQuery, Filter, GridBreaks, OrderGrid, ProductFigures,
    ProductPage, Report, Together, TogetherQuery, Weights,
};
use crate::clean::Rules;
use crate::failover::lease::{FaultLease, LeaseId};
use crate::failover::predict::Prediction;
use crate::failover::{Manual, Refusal};
use crate::flow::{
    AnalyseError, BrowseCost, BrowseError, BrowseRequest, CheckError, CheckRequest, DrillError,
    DrillOutcome, DrillRecord, DrillRequest, FaultError, Fix, FixEffect, FixId, FixRule,
    JournalError, Lens, LensQuery, LoadEnd, LoadError, LoadRequest, MessagePage, Passport,
    PassportError, PassportQuery, PlanSample, QuarantineError, RebuildError, ReingestPlan,
    Reingested, RejectFilter, RejectPage, ReplayError, ReplayRequest, RouteChange, RouteError,
    RoutingView, SampleError,
};
use crate::intake::{CheckReport, IntakeError, Preview};
use crate::ledger::Ledger;
use crate::model::{BucketKey, LoadId, Region, StoredLine};
use crate::ports::{
    BucketScope, Comparison, DerivedRows, Fault, RejectQuery, RejectRow, RepairReport, StoreError,
};
use crate::replay::plan::Plan;
use crate::route::RoutingMap;
use crate::watch::alert_state::AlertId;

use super::Reply;

/// What a program can ask of the engine.
#[derive(Debug)]
pub enum Command {
    /// Load a file; answered when the load has ended.
    Load(Box<LoadRequest>, Reply<Result<LoadEnd, LoadError>>),
    /// Hold the running load.
    PauseLoad,
    /// Let the running load go on.
    ResumeLoad,
    /// End the running load; loading the file again goes on where it stood.
    CancelLoad,
    /// Limit the lines per second of loads; `None` for no limit.
    SetRate(Option<u64>),
    /// The balance sheet of a load, running or over; `None` for one that is not known. That of an
    /// older load ends where the next one began, and says nothing of what is visible.
    Ledger(LoadId, Reply<Option<Box<Ledger>>>),
    /// Hold the consumers; they finish what is in flight.
    PauseConsumers,
    /// Let the consumers go on.
    ResumeConsumers,
    /// Answered when all that is in the log is written, as far as consumers run here.
    Drain(Reply<Result<(), LoadError>>),
    /// Read every data centre on its own and compare.
    Verify(Reply<Result<Comparison, StoreError>>),
    /// Ask each data centre alone the same question, and put the answers side by side.
    Lens(Box<LensQuery>, Reply<Lens>),
    /// Write every summary anew from the log; answers how many lines were read again.
    Rebuild(Reply<Result<u64, RebuildError>>),
    /// Make the data centres equal.
    Repair(Reply<Result<RepairReport, StoreError>>),
    /// The figures under a filter.
    Report(Box<Filter>, Reply<Result<Report, AnalyseError>>),
    /// Weigh recency, orders and sales so in the value score, in every answer from now on and in
    /// the derived tables; until the engine is closed.
    SetWeights(Weights, Reply<Result<(), AnalyseError>>),
    /// Write the derived tables now.
    Materialise(Reply<Result<(), AnalyseError>>),
    /// A derived table.
    Table(String, Reply<Result<DerivedRows, StoreError>>),
    /// The lines in scope, bucket by bucket, sorted by bucket. A receiver that is dropped ends the
    /// sending, not the scan.
    Lines {
        /// Which.
        scope: BucketScope,
        /// Where they go; waits while it is full.
        buckets: Sender<(BucketKey, Vec<StoredLine>)>,
        /// Answered when all were sent.
        reply: Reply<Result<(), StoreError>>,
    },
    /// Rows that were set aside.
    Rejects(RejectQuery, Reply<Result<Vec<RejectRow>, StoreError>>),
    /// Start a fault that ends by itself.
    StartFault {
        /// Which.
        fault: Fault,
        /// For how long at most.
        lasts: Duration,
        /// Who starts it, for the journal.
        by: String,
        /// The lease.
        reply: Reply<Result<FaultLease, FaultError>>,
    },
    /// End one fault; answers whether it was in force.
    EndFault(LeaseId, Reply<bool>),
    /// End every fault; answers how many there were.
    EndAllFaults(Reply<usize>),
    /// Move a region by hand.
    Move {
        /// The region.
        region: Region,
        /// Where to.
        manual: Manual,
        /// Whether it was done.
        reply: Reply<Result<(), Refusal>>,
    },
    /// Say that an alert is seen to; answers whether it was still on. It is new when it comes back.
    AcknowledgeAlert(AlertId, Reply<bool>),
    /// Do not tell of an alert for a time, on or not; none ends a mute.
    MuteAlert(AlertId, Duration),
    /// Run a drill; answered when it is over.
    Drill(Box<DrillRequest>, Reply<Result<DrillOutcome, DrillError>>),
    /// Plan a replay; moves nothing.
    PlanReplay(Box<ReplayRequest>, Reply<Result<Plan, ReplayError>>),
    /// Look at a few of the lines that a plan moves over, and at what is stored of them.
    SamplePlan(Box<Plan>, Reply<Result<PlanSample, SampleError>>),
    /// Carry a reviewed plan out, exactly, or refuse because the group has moved since. Answered
    /// when the group stands where the plan says; reading again goes on after that.
    ApplyReplay(Box<Plan>, Reply<Result<(), ReplayError>>),
    /// Plan to set the group back to where it stood before the last replay; moves nothing.
    PlanUndo(Reply<Result<Plan, ReplayError>>),
    /// Set the group back to where it stood before the last replay; answers the plan applied.
    UndoReplay(Reply<Result<Plan, ReplayError>>),
    /// Show the first rows of a file, with the routing map in force; reads its head only.
    Preview(
        Box<CheckRequest>,
        usize,
        Reply<Result<Preview, IntakeError>>,
    ),
    /// Read a whole file and count, with the routing map in force. One check runs at a time: a
    /// new one ends the one before. Its progress is [`Snapshot::check`].
    Check(
        Box<CheckRequest>,
        Reply<Result<Box<CheckReport>, CheckError>>,
    ),
    /// End the running check.
    CancelCheck,
    /// The routing map in force and its changes.
    Routing(Reply<RoutingView>),
    /// Put a country in a region, for loads that begin after this.
    AssignCountry {
        /// The country, on the map or not.
        country: String,
        /// The region.
        region: Region,
        /// The change.
        reply: Reply<Result<RouteChange, RouteError>>,
    },
    /// Take back the last change of the routing map.
    UndoRouting(Reply<Result<RouteChange, RouteError>>),
    /// Put another routing map in force, for loads that begin after this. It has to be newer, and
    /// to leave countries with lines where they are.
    SetRouting(Box<RoutingMap>, Reply<Result<(), RouteError>>),
    /// A page of rows that were set aside, with totals.
    RejectPage(
        Box<RejectFilter>,
        Reply<Result<RejectPage, QuarantineError>>,
    ),
    /// The fixes that are not produced, oldest first.
    Fixes(Reply<Vec<Fix>>),
    /// The loads that were made of mended rows, oldest first.
    Reingested(Reply<Vec<Reingested>>),
    /// What a fix alone would do; changes nothing.
    FixEffect(
        Box<FixRule>,
        Rules,
        Reply<Result<FixEffect, QuarantineError>>,
    ),
    /// Put a fix on record, to be produced with [`Command::Reingest`].
    AddFix(Box<FixRule>, Reply<Result<Fix, QuarantineError>>),
    /// Take a fix back that is not produced.
    UndoFix(FixId, Reply<Result<Fix, QuarantineError>>),
    /// Plan to send the mended rows again; changes nothing.
    PlanReingest(Rules, Reply<Result<ReingestPlan, QuarantineError>>),
    /// Carry a reviewed plan out, exactly, as a load of its own; answered when it has ended.
    Reingest(Box<ReingestPlan>, Reply<Result<LoadEnd, QuarantineError>>),
    /// What browsing would read; reads one batch at most.
    BrowseCost(Box<BrowseRequest>, Reply<Result<BrowseCost, BrowseError>>),
    /// Messages of a partition. Commits nothing.
    Browse(Box<BrowseRequest>, Reply<Result<MessagePage, BrowseError>>),
    /// Every hop of a row, from its place in the file to each data centre. Dropping the answer
    /// ends the looking.
    Passport(PassportQuery, Reply<Result<Box<Passport>, PassportError>>),
    /// What faults will break here, said before they are started; starts nothing.
    Predict(Vec<Fault>, Reply<Prediction>),
    /// End the faults of the running drill, or its waiting for the return; answers whether one
    /// runs. What was measured is compared and reported as always. Its progress is
    /// [`Snapshot::drill`].
    CancelDrill(Reply<bool>),
    /// The drills that are over, oldest first, with the files of their reports.
    DrillRecords(Reply<Result<Vec<DrillRecord>, JournalError>>),
    /// Customers of a segment, of a cell of a grid, or all.
    Customers(
        Box<CustomerQuery>,
        Reply<Result<CustomerList, AnalyseError>>,
    ),
    /// Customers by days since the last purchase and by orders, between other limits than those
    /// of the report.
    OrderGrid(
        Box<Filter>,
        GridBreaks,
        Reply<Result<OrderGrid, AnalyseError>>,
    ),
    /// All product codes under a filter, largest first.
    Products(
        Box<Filter>,
        Reply<Result<Vec<ProductFigures>, AnalyseError>>,
    ),
    /// Products bought together: reads every line of the filter. Dropping the answer ends it
    /// within a month of lines.
    Together(Box<TogetherQuery>, Reply<Result<Together, AnalyseError>>),
    /// The page of a customer, by number; `None` for one without a purchase. Reads the buckets
    /// that have lines of the customer.
    CustomerPage(
        String,
        Reply<Result<Option<Box<CustomerPage>>, AnalyseError>>,
    ),
    /// The page of a product, by code; `None` for one without sales. Reads the buckets that have
    /// lines of the product.
    ProductPage(
        String,
        Reply<Result<Option<Box<ProductPage>>, AnalyseError>>,
    ),
}
