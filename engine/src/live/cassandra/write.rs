//! Writing a flush: rows in batches of one bucket, then the summaries that count them.
//!
//! Each request writes one partition, so a replica applies it as a whole. Summaries go when all
//! rows of the flush are acknowledged: a summary never counts a row that is not there. All of it
//! is upserts under timestamps of its own, so that any part may be sent again.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlDate, MaybeUnset};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use super::convert::{Unscaled, day_to_cql, month_of, shard_to_cql, table_name, time_to_cql};
use super::core::Core;
use super::notes::NoteValues;
use super::rejects::{RejectValues, chunk_of};
use super::session::Target;
use super::summary::{self, Round};
use crate::model::{
    BucketKey, Catalog, ConsistencyLevel, Dc, DcSet, LineTable, ProductName, StoredLine,
};
use crate::ports::{BucketWrite, Flush, PendingWrite, StoreError, WriteReceipt, WriteTimestamp};

/// Rows of a batch. More would hold other requests up at the replicas, and cost more to repeat.
const BATCH_ROWS: usize = 64;
/// Bytes of a row beside its texts: numbers, dates, and the length of each column.
const FIXED_BYTES: usize = 96;
/// Bytes of a batch, about: below the 50 KiB that Cassandra refuses by
/// default.
const BATCH_BYTES: usize = 32 << 10;

/// A batch on its way to be sent.
enum Job {
    Lines {
        table: LineTable,
        timestamp: i64,
        rows: Vec<LineValues>,
    },
    Rejects(Vec<RejectValues>),
    Summaries(Vec<SummaryValues>),
    Note(NoteValues),
}

/// What a flush sends: each stage when the one before it is acknowledged.
#[derive(Default)]
struct Plan {
    stages: [Vec<Job>; 3],
}

/// A row of lines, as it is bound.
pub(super) struct LineValues {
    country: CompactString,
    day: CqlDate,
    shard: i8,
    line: StoredLine,
    product: Option<Arc<ProductName>>,
    customer: Option<CompactString>,
}

impl LineValues {
    pub(super) fn new(
        key: BucketKey,
        country: &CompactString,
        line: StoredLine,
        catalog: &Catalog,
    ) -> Self {
        Self {
            country: country.clone(),
            day: day_to_cql(key.day),
            shard: shard_to_cql(key.shard),
            product: catalog.product_name(line.product),
            customer: line.customer.and_then(|id| catalog.customer_name(id)),
            line,
        }
    }

    /// Bytes that it takes in a batch, about: its texts, and what is of one size.
    fn len(&self) -> usize {
        let product = self.product.as_ref();
        let product = product.map_or(0, |name| name.stock_code.len() + name.description.len());
        let customer = self.customer.as_ref().map_or(0, CompactString::len);
        FIXED_BYTES + self.country.len() + self.line.invoice_no.len() + product + customer
    }
}

impl SerializeRow for LineValues {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let line = &self.line;
        let price = Unscaled::of(line.unit_price);
        let (code, description) = self.product.as_ref().map_or(("", ""), |name| {
            (name.stock_code.as_str(), name.description.as_str())
        });
        // A cell that is not there costs nothing; a NULL would be a tombstone.
        let customer = self
            .customer
            .as_deref()
            .map_or(MaybeUnset::Unset, MaybeUnset::Set);
        let occurrence = match i32::try_from(line.occurrence) {
            Ok(0) => MaybeUnset::Unset,
            Ok(occurrence) => MaybeUnset::Set(occurrence),
            Err(_large) => MaybeUnset::Set(i32::MAX),
        };
        let values = (
            self.country.as_str(),
            self.day,
            self.shard,
            time_to_cql(line.invoice_time),
            line.invoice_no.as_str(),
            code,
            line.line_id.0.cast_signed(),
            description,
            line.quantity,
            price.as_cql(),
            customer,
            occurrence,
        );
        values.serialize(ctx, writer)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

/// A row of summaries, as it is bound.
pub(super) struct SummaryValues {
    key: BucketKey,
    country: CompactString,
    bytes: Vec<u8>,
    timestamp: WriteTimestamp,
}

impl SummaryValues {
    pub(super) fn new(
        bucket: &BucketWrite,
        round: Round,
        country: CompactString,
        catalog: &Catalog,
    ) -> Self {
        Self {
            key: bucket.key,
            country,
            bytes: summary::put(&bucket.summary, bucket.timestamp, round, catalog),
            timestamp: bucket.timestamp,
        }
    }
}

impl SerializeRow for SummaryValues {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let values = (
            table_name(self.key.table),
            self.country.as_str(),
            month_of(self.key.day),
            day_to_cql(self.key.day),
            shard_to_cql(self.key.shard),
            &self.bytes,
            stamp(self.timestamp),
        );
        values.serialize(ctx, writer)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

/// A timestamp as Cassandra has it.
pub(super) fn stamp(timestamp: WriteTimestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

impl Plan {
    fn of(flush: &Flush, core: &Core) -> Self {
        let catalog = &core.catalog;
        let mut first = Vec::new();
        let mut summaries = Vec::with_capacity(flush.buckets.len());
        for bucket in &flush.buckets {
            let key = bucket.key;
            let country = catalog.country_name(key.country).unwrap_or_default();
            first.extend(line_jobs(bucket, &country, catalog));
            summaries.push(SummaryValues::new(
                bucket,
                Round::default(),
                country,
                catalog,
            ));
        }
        let rejects = flush.rejects.iter().map(RejectValues::new);
        first.extend(
            grouped(
                rejects,
                |row| (row.load, chunk_of(row.row)),
                RejectValues::len,
            )
            .into_iter()
            .map(Job::Rejects),
        );
        let notes = flush.notes.iter();
        Self {
            stages: [
                first,
                summary_jobs(summaries),
                notes
                    .map(|note| Job::Note(NoteValues::new(note, core.next_stamp())))
                    .collect(),
            ],
        }
    }
}

/// The lines of a bucket in batches of no more rows and bytes than one may have.
fn line_jobs(
    bucket: &BucketWrite,
    country: &CompactString,
    catalog: &Catalog,
) -> impl Iterator<Item = Job> {
    let lines = bucket.lines.iter().cloned();
    let rows = lines.map(|line| LineValues::new(bucket.key, country, line, catalog));
    let mut place = 0;
    let part = move |_row: &LineValues| {
        place += 1;
        (place - 1) / BATCH_ROWS
    };
    grouped(rows, part, LineValues::len)
        .into_iter()
        .map(|rows| Job::Lines {
            table: bucket.key.table,
            timestamp: stamp(bucket.timestamp),
            rows,
        })
}

fn summary_jobs(summaries: Vec<SummaryValues>) -> Vec<Job> {
    let partition = |row: &SummaryValues| (row.key.table, row.key.country, month_of(row.key.day));
    grouped(summaries, partition, |row| row.bytes.len())
        .into_iter()
        .map(Job::Summaries)
        .collect()
}

/// Rows that follow each other in one partition, up to a number of bytes.
fn grouped<T, K: PartialEq>(
    rows: impl IntoIterator<Item = T>,
    mut partition: impl FnMut(&T) -> K,
    len: impl Fn(&T) -> usize,
) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let (mut bytes, mut last) = (0, None);
    for row in rows {
        let (key, more) = (partition(&row), len(&row));
        match groups.last_mut() {
            Some(group) if last.as_ref() == Some(&key) && bytes + more <= BATCH_BYTES => {
                bytes += more;
                group.push(row);
            }
            _ => {
                bytes = more;
                groups.push(vec![row]);
            }
        }
        last = Some(key);
    }
    groups
}

impl Core {
    async fn send(&self, job: Job, target: Target) -> Result<(), StoreError> {
        match job {
            Job::Lines {
                table,
                timestamp,
                rows,
            } => {
                let insert = &self.statements.of(table).insert;
                let mut batch = self.batch(insert, rows.len(), target);
                batch.set_timestamp(Some(timestamp));
                self.link.write_batch(&batch, &rows, target).await
            }
            Job::Rejects(rows) => {
                let batch = self.batch(&self.statements.insert_reject, rows.len(), target);
                self.link.write_batch(&batch, &rows, target).await
            }
            Job::Summaries(rows) => {
                let batch = self.batch(&self.statements.summaries.insert, rows.len(), target);
                self.link.write_batch(&batch, &rows, target).await
            }
            Job::Note(note) => {
                let insert = &self.statements.insert_note;
                self.link.write(insert, note, target).await
            }
        }
    }

    /// A batch of `rows` times the same statement. It is not logged: it writes one partition.
    pub(super) fn batch(
        &self,
        statement: &PreparedStatement,
        rows: usize,
        target: Target,
    ) -> Batch {
        let statements = vec![BatchStatement::from(statement.clone()); rows];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        self.link.aim_batch(&mut batch, target);
        batch
    }

    /// Sends jobs, as many at a time as requests may be in flight, until one fails.
    async fn send_all(self: &Arc<Self>, jobs: Vec<Job>, target: Target) -> Result<(), StoreError> {
        let mut running = JoinSet::new();
        for job in jobs {
            let permit = self.requests.leave().await?;
            let core = Arc::clone(self);
            running.spawn(async move {
                let done = core.send(job, target).await;
                drop(permit);
                done
            });
            while let Some(done) = running.try_join_next() {
                done.map_err(|error| ended(target.via, &error))??;
            }
        }
        while let Some(done) = running.join_next().await {
            done.map_err(|error| ended(target.via, &error))??;
        }
        Ok(())
    }

    /// Rows and summary of one bucket, for repairs.
    pub(super) async fn write_bucket(
        self: &Arc<Self>,
        bucket: &BucketWrite,
        round: Round,
        target: Target,
    ) -> Result<(), StoreError> {
        let catalog = &self.catalog;
        let key = bucket.key;
        let country = catalog.country_name(key.country).unwrap_or_default();
        let lines = line_jobs(bucket, &country, catalog).collect();
        self.send_all(lines, target).await?;
        let summary = SummaryValues::new(bucket, round, country, catalog);
        self.send_all(vec![Job::Summaries(vec![summary])], target)
            .await
    }
}

/// A task that ended without a result: the store was closed, or it broke.
fn ended(via: Dc, error: &tokio::task::JoinError) -> StoreError {
    if error.is_cancelled() {
        return StoreError::Closed;
    }
    StoreError::Replica {
        dc: via,
        what: format!("a request ended without a result: {error}"),
    }
}

/// A flush on its way.
struct Pending {
    runtime: Handle,
    via: Dc,
    task: JoinHandle<Result<WriteReceipt, StoreError>>,
}

impl PendingWrite for Pending {
    fn wait(self: Box<Self>) -> Result<WriteReceipt, StoreError> {
        let Self { runtime, via, task } = *self;
        match runtime.block_on(task) {
            Ok(done) => done,
            Err(error) => Err(ended(via, &error)),
        }
    }

    fn is_done(&self) -> bool {
        self.task.is_finished()
    }
}

/// See [`crate::ports::Store::submit`].
pub(super) fn submit(
    core: &Arc<Core>,
    runtime: &Handle,
    flush: &Flush,
    via: Dc,
    level: ConsistencyLevel,
) -> Result<Box<dyn PendingWrite>, StoreError> {
    core.check_open()?;
    let begun = core.clock.monotonic();
    let target = Target::at(via, level);
    let permit = runtime
        .block_on(Arc::clone(&core.flushes).acquire_owned())
        .map_err(|_closed| StoreError::Closed)?;
    let plan = Plan::of(flush, core);
    let core = Arc::clone(core);
    let task = runtime.spawn(async move {
        for stage in plan.stages {
            core.send_all(stage, target).await?;
        }
        drop(permit);
        Ok(WriteReceipt {
            acked: fewest(level, via, core.link.connected()),
            latency: core.clock.monotonic().saturating_sub(begun),
        })
    });
    Ok(Box::new(Pending {
        runtime: runtime.clone(),
        via,
        task,
    }))
}

/// The fewest data centres that meet a level, those first that answer us.
pub(super) fn fewest(level: ConsistencyLevel, via: Dc, connected: DcSet) -> DcSet {
    let mut likely: Vec<Dc> = via.others().collect();
    likely.sort_by_key(|dc| !connected.contains(*dc));
    let mut acked = DcSet::NONE.with(via);
    for dc in likely {
        if level.satisfied_by(acked, via) {
            break;
        }
        acked = acked.with(dc);
    }
    acked
}

/// How long it took, for those who measure writes of their own.
pub(super) fn receipt(core: &Core, target: Target, begun: Duration) -> WriteReceipt {
    WriteReceipt {
        acked: fewest(target.level, target.via, core.link.connected()),
        latency: core.clock.monotonic().saturating_sub(begun),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_no_more_than_the_level_says() {
        let connected = DcSet::NONE.with(Dc::AsiaPacific).with(Dc::Europe);
        let acked = |level| fewest(level, Dc::Europe, connected);
        assert_eq!(acked(ConsistencyLevel::One), DcSet::NONE.with(Dc::Europe));
        assert_eq!(acked(ConsistencyLevel::Quorum), connected);
        assert_eq!(acked(ConsistencyLevel::All), DcSet::ALL);
    }

    #[test]
    fn a_batch_of_lines_has_no_more_rows_and_bytes_than_cassandra_takes() {
        let catalog = Catalog::default();
        let line = |n: u64, description: &str| StoredLine {
            invoice_no: "536365".into(),
            product: catalog.product("85123A", description),
            customer: None,
            quantity: 6,
            invoice_time: crate::model::InvoiceTime(0),
            unit_price: rust_decimal::Decimal::ONE,
            occurrence: 0,
            line_id: crate::model::LineId(n),
        };
        let long = "x".repeat(20 << 10);
        let bucket = BucketWrite {
            key: BucketKey {
                table: LineTable::Transactions,
                country: catalog.country("France"),
                day: crate::model::Day(0),
                shard: crate::model::Shard(0),
            },
            lines: (0..200)
                .map(|n| line(n, if n % 50 == 7 { &long } else { "HEART" }))
                .collect(),
            summary: Arc::default(),
            timestamp: WriteTimestamp(1),
        };
        let mut sent = Vec::new();
        for job in line_jobs(&bucket, &"France".into(), &catalog) {
            let Job::Lines { rows, .. } = job else {
                panic!("not lines")
            };
            let bytes: usize = rows.iter().map(LineValues::len).sum();
            assert!(rows.len() <= BATCH_ROWS && bytes <= BATCH_BYTES, "{bytes}");
            sent.extend(rows.into_iter().map(|row| row.line.line_id.0));
        }
        assert!(sent.iter().copied().eq(0..200));
    }

    #[test]
    fn rows_are_grouped_by_partition_and_size() {
        let rows = [(1, 10), (1, 20_000), (1, 20_000), (2, 1), (1, 1)];
        let groups = grouped(rows, |row| row.0, |row| row.1);
        assert_eq!(
            groups,
            [
                vec![(1, 10), (1, 20_000)],
                vec![(1, 20_000)],
                vec![(2, 1)],
                vec![(1, 1)]
            ]
        );
    }
}
