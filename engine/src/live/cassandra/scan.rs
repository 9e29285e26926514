//! Scans in the order of bucket keys.
//!
//! The partitions of summaries - kind, country, month - are listed, sorted, and read a few ahead,
//! so that memory holds some months of one country and not the table. A bucket is listed by its
//! summary: rows whose summary was never written are those of a flush that was not acknowledged
//! and will be sent again. Comparing and repairing see those, too.

use std::collections::VecDeque;
use std::sync::Arc;

use scylla::value::CqlDate;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::convert::{day_from_cql, day_to_cql, month_of, shard_from_cql, table_name};
use super::core::Core;
use super::read::More;
use super::session::{Target, unreadable};
use super::summary;
use crate::model::{BucketKey, CountryId, Day, LineTable, StoredLine, Summary};
use crate::ports::{BucketScope, ReadSource, StoreError};

/// Months of a country that are read ahead.
const MONTHS_AHEAD: usize = 6;
/// Buckets that are read ahead.
const BUCKETS_AHEAD: usize = 24;

/// A partition of summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    country: CountryId,
    month: i32,
}

impl Core {
    /// The partitions of summaries in a scope, in the order of the keys in them.
    pub(super) async fn months(
        &self,
        scope: &BucketScope,
        target: Target,
    ) -> Result<Vec<Month>, StoreError> {
        let statement = self
            .link
            .aimed(&self.statements.summaries.partitions, target);
        let mut months = Vec::new();
        self.pages(&statement, (), target, |page| {
            let rows = page.rows::<(&str, &str, i32)>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let (table, country, month) =
                    row.map_err(|error| unreadable(target.via, &error))?;
                let in_time = scope.from.is_none_or(|from| month_of(from) <= month)
                    && scope.to.is_none_or(|to| month <= month_of(to));
                let in_place =
                    scope.countries.is_empty() || scope.countries.iter().any(|c| c == country);
                if table == table_name(scope.table) && in_time && in_place {
                    let country = self.catalog.country(country);
                    months.push(Month { country, month });
                }
            }
            Ok(More::Yes)
        })
        .await?;
        months.sort_unstable();
        Ok(months)
    }

    /// Summaries of a month, in order.
    pub(super) async fn summaries_of(
        &self,
        scope: &BucketScope,
        at: Month,
        target: Target,
    ) -> Result<Vec<(BucketKey, Vec<u8>)>, StoreError> {
        let mut found = Vec::new();
        let statement = &self.statements.summaries.of_month;
        self.of_month(statement, scope, at, target, |page| {
            let rows = page.rows::<(CqlDate, i8, &[u8])>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let (day, shard, bytes) = row.map_err(|error| unreadable(target.via, &error))?;
                let key = key_of(scope.table, at.country, day, shard);
                let key = key.ok_or_else(|| no_shard(target, shard))?;
                found.push((key, bytes.to_vec()));
            }
            Ok(More::Yes)
        })
        .await?;
        Ok(found)
    }

    /// Buckets of a month, in order.
    async fn buckets_of(
        &self,
        scope: &BucketScope,
        at: Month,
        target: Target,
    ) -> Result<Vec<BucketKey>, StoreError> {
        let mut found = Vec::new();
        let statement = &self.statements.summaries.keys_of_month;
        self.of_month(statement, scope, at, target, |page| {
            let rows = page.rows::<(CqlDate, i8)>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let (day, shard) = row.map_err(|error| unreadable(target.via, &error))?;
                let key = key_of(scope.table, at.country, day, shard);
                found.push(key.ok_or_else(|| no_shard(target, shard))?);
            }
            Ok(More::Yes)
        })
        .await?;
        Ok(found)
    }

    async fn of_month(
        &self,
        statement: &scylla::statement::prepared::PreparedStatement,
        scope: &BucketScope,
        at: Month,
        target: Target,
        read: impl FnMut(&scylla::response::query_result::QueryRowsResult) -> Result<More, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(country) = self.catalog.country_name(at.country) else {
            return Ok(());
        };
        let statement = self.link.aimed(statement, target);
        let values = (
            table_name(scope.table),
            country.as_str(),
            at.month,
            day_to_cql(scope.from.unwrap_or(Day(i32::MIN))),
            day_to_cql(scope.to.unwrap_or(Day(i32::MAX))),
        );
        self.pages(&statement, values, target, read).await
    }
}

fn key_of(table: LineTable, country: CountryId, day: CqlDate, shard: i8) -> Option<BucketKey> {
    Some(BucketKey {
        table,
        country,
        day: day_from_cql(day),
        shard: shard_from_cql(shard)?,
    })
}

fn no_shard(target: Target, shard: i8) -> StoreError {
    unreadable(target.via, &format!("there is no shard {shard}"))
}

/// Results that are fetched ahead and taken in order.
struct Ahead<T> {
    running: VecDeque<JoinHandle<Result<T, StoreError>>>,
    most: usize,
}

impl<T: Send + 'static> Ahead<T> {
    const fn new(most: usize) -> Self {
        Self {
            running: VecDeque::new(),
            most,
        }
    }

    fn is_full(&self) -> bool {
        self.running.len() >= self.most
    }

    /// The next result; `None` when nothing is on its way.
    fn take(&mut self, runtime: &Handle, target: Target) -> Option<Result<T, StoreError>> {
        let task = self.running.pop_front()?;
        let done = runtime.block_on(task);
        Some(done.unwrap_or_else(|error| {
            Err(StoreError::Replica {
                dc: target.via,
                what: format!("a scan ended without a result: {error}"),
            })
        }))
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        for task in &self.running {
            task.abort();
        }
    }
}

/// See [`crate::ports::Store::scan_summaries`].
pub(super) fn summaries(
    core: &Arc<Core>,
    runtime: &Handle,
    scope: &BucketScope,
    from: ReadSource,
    visit: &mut dyn FnMut(BucketKey, Summary),
) -> Result<(), StoreError> {
    core.check_open()?;
    let target = core.link.target(from);
    let mut months = runtime.block_on(core.months(scope, target))?.into_iter();
    let mut ahead = Ahead::new(MONTHS_AHEAD);
    loop {
        while !ahead.is_full()
            && let Some(month) = months.next()
        {
            let (core, scope) = (Arc::clone(core), scope.clone());
            ahead.running.push_back(
                runtime.spawn(async move { core.summaries_of(&scope, month, target).await }),
            );
        }
        let Some(found) = ahead.take(runtime, target) else {
            return Ok(());
        };
        for (key, bytes) in found? {
            let stored = summary::read(&bytes, &core.catalog)
                .map_err(|error| unreadable(target.via, &format!("{error}, in {key}")))?;
            visit(key, stored.summary);
        }
    }
}

/// See [`crate::ports::Store::scan_rows`].
pub(super) fn rows(
    core: &Arc<Core>,
    runtime: &Handle,
    scope: &BucketScope,
    from: ReadSource,
    visit: &mut dyn FnMut(BucketKey, Vec<StoredLine>),
) -> Result<(), StoreError> {
    core.check_open()?;
    let target = core.link.target(from);
    let months = runtime.block_on(core.months(scope, target))?;
    let mut ahead = Ahead::new(BUCKETS_AHEAD);
    let mut hand = |found: (BucketKey, Vec<StoredLine>)| {
        if !found.1.is_empty() {
            visit(found.0, found.1);
        }
    };
    for month in months {
        for key in runtime.block_on(core.buckets_of(scope, month, target))? {
            if ahead.is_full()
                && let Some(found) = ahead.take(runtime, target)
            {
                hand(found?);
            }
            let core = Arc::clone(core);
            ahead.running.push_back(runtime.spawn(async move {
                let lines = core.lines_of(key, target).await?;
                Ok((key, lines))
            }));
        }
    }
    while let Some(found) = ahead.take(runtime, target) {
        hand(found?);
    }
    Ok(())
}
