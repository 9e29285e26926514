//! Reading: page by page, and one bucket.

use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::ColumnSpec;
use scylla::response::PagingState;
use scylla::response::query_result::QueryRowsResult;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlDate, CqlDecimalBorrowed, CqlTimestamp};

use super::convert::{
    day_to_cql, decimal_from_cql, month_of, shard_to_cql, table_name, time_from_cql,
};
use super::core::Core;
use super::session::{Target, unreadable};
use super::summary::{self, Stored};
use crate::model::{BucketKey, Catalog, LineRef, StoredLine};
use crate::ports::{BucketRows, ReadSource, StoreError};

/// Whether a reader wants another page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

/// The columns of a line that are not in its bucket's key, in the order of the statements.
pub(super) type LineRow<'a> = (
    CqlTimestamp,
    &'a str,
    &'a str,
    i64,
    Option<&'a str>,
    i32,
    CqlDecimalBorrowed<'a>,
    Option<&'a str>,
    Option<i32>,
);

/// The columns of a bucket's key.
type KeyRow<'a> = (&'a str, CqlDate, i8);

/// How many these are.
const KEY_COLUMNS: usize = 3;

/// A row of any bucket: the columns of its key, then those of its line.
pub(super) struct KeyedRow<'a> {
    pub(super) country: &'a str,
    pub(super) day: CqlDate,
    pub(super) shard: i8,
    pub(super) line: LineRow<'a>,
}

impl<'f, 'm> DeserializeRow<'f, 'm> for KeyedRow<'f> {
    fn type_check(specs: &[ColumnSpec<'_>]) -> Result<(), TypeCheckError> {
        let (key, line) = specs.split_at_checked(KEY_COLUMNS).unwrap_or((specs, &[]));
        <KeyRow<'_> as DeserializeRow<'_, '_>>::type_check(key)?;
        <LineRow<'_> as DeserializeRow<'_, '_>>::type_check(line)
    }

    fn deserialize(mut row: ColumnIterator<'f, 'm>) -> Result<Self, DeserializationError> {
        Ok(Self {
            country: next(&mut row)?,
            day: next(&mut row)?,
            shard: next(&mut row)?,
            line: <LineRow<'f> as DeserializeRow<'f, 'm>>::deserialize(row)?,
        })
    }
}

/// The next value of a row.
fn next<'f, 'm, T: DeserializeValue<'f, 'm>>(
    row: &mut ColumnIterator<'f, 'm>,
) -> Result<T, DeserializationError> {
    let ended = || DeserializationError::new(std::io::Error::other("a row ends in its key"));
    let column = row.next().ok_or_else(ended)??;
    T::deserialize(column.spec.typ(), column.slice)
}

/// The line of a row. Its identity is computed from its content and not taken from the key: a row
/// that somebody changed by hand is another line, and comparing shows it.
pub(super) fn line_of(
    row: &LineRow<'_>,
    country: &str,
    catalog: &Catalog,
) -> Result<StoredLine, &'static str> {
    let (time, invoice_no, stock_code, _id, description, quantity, price, customer, occurrence) =
        row;
    let unit_price = decimal_from_cql(price).ok_or("a price has more than 28 digits")?;
    let occurrence = occurrence.unwrap_or(0);
    let occurrence = u32::try_from(occurrence).map_err(|_negative| "an occurrence is negative")?;
    let line = LineRef {
        invoice_no,
        stock_code,
        description: description.unwrap_or_default(),
        quantity: *quantity,
        invoice_time: time_from_cql(*time),
        unit_price,
        customer: *customer,
        country,
    };
    Ok(StoredLine {
        invoice_no: line.invoice_no.into(),
        product: catalog.product(line.stock_code, line.description),
        customer: line.customer.map(|name| catalog.customer(name)),
        quantity: line.quantity,
        invoice_time: line.invoice_time,
        unit_price,
        occurrence,
        line_id: line.content_hash().line_id(occurrence),
    })
}

/// Lines by identity, each once.
pub(super) fn sort_lines(lines: &mut Vec<StoredLine>) {
    lines.sort_unstable_by_key(|line| line.line_id);
    lines.dedup_by_key(|line| line.line_id);
}

impl Core {
    /// The first row of a result that has one at most.
    pub(super) async fn first<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
        target: Target,
    ) -> Result<Option<R>, StoreError>
    where
        R: for<'a> DeserializeRow<'a, 'a>,
    {
        let start = PagingState::start();
        let (page, _next) = self.link.page(statement, values, start, target).await?;
        page.maybe_first_row::<R>()
            .map_err(|error| unreadable(target.via, &error))
    }

    /// All pages of a result, one after the other, until `read` has enough.
    pub(super) async fn pages(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
        target: Target,
        mut read: impl FnMut(&QueryRowsResult) -> Result<More, StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = PagingState::start();
        loop {
            let (page, next) = self.link.page(statement, &values, state, target).await?;
            if read(&page)? == More::No {
                return Ok(());
            }
            match next {
                Some(next) => state = next,
                None => return Ok(()),
            }
        }
    }

    /// The lines of one bucket, by identity.
    pub(super) async fn lines_of(
        &self,
        key: BucketKey,
        target: Target,
    ) -> Result<Vec<StoredLine>, StoreError> {
        let Some(country) = self.catalog.country_name(key.country) else {
            return Ok(Vec::new());
        };
        let statement = self
            .link
            .aimed(&self.statements.of(key.table).of_bucket, target);
        let values = (
            country.as_str(),
            day_to_cql(key.day),
            shard_to_cql(key.shard),
        );
        let mut lines = Vec::new();
        self.pages(&statement, values, target, |page| {
            let rows = page.rows::<LineRow<'_>>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let row = row.map_err(|error| unreadable(target.via, &error))?;
                let line = line_of(&row, &country, &self.catalog);
                let what = |what: &str| unreadable(target.via, &format!("{what}, in {key}"));
                lines.push(line.map_err(what)?);
            }
            Ok(More::Yes)
        })
        .await?;
        sort_lines(&mut lines);
        Ok(lines)
    }

    /// The summary of one bucket.
    pub(super) async fn summary_of(
        &self,
        key: BucketKey,
        target: Target,
    ) -> Result<Option<Stored>, StoreError> {
        let Some(country) = self.catalog.country_name(key.country) else {
            return Ok(None);
        };
        let statement = self
            .link
            .aimed(&self.statements.summaries.of_bucket, target);
        let values = (
            table_name(key.table),
            country.as_str(),
            month_of(key.day),
            day_to_cql(key.day),
            shard_to_cql(key.shard),
        );
        let row: Option<(Vec<u8>,)> = self.first(&statement, values, target).await?;
        let Some((bytes,)) = row else {
            return Ok(None);
        };
        let stored = summary::read(&bytes, &self.catalog);
        stored
            .map(Some)
            .map_err(|error| unreadable(target.via, &format!("{error}, in {key}")))
    }

    /// See [`crate::ports::Store::read_bucket`].
    pub(super) async fn read_bucket(
        &self,
        key: BucketKey,
        from: ReadSource,
    ) -> Result<BucketRows, StoreError> {
        let target = self.link.target(from);
        // The summary first: between the two a flush may add rows, and a summary that lags behind
        // its rows is one that gets written again.
        let stored = self.summary_of(key, target).await?;
        let lines = self.lines_of(key, target).await?;
        let (summary, timestamp) = match stored {
            Some(stored) => (Some(stored.summary), stored.timestamp),
            None => (None, crate::ports::WriteTimestamp::default()),
        };
        Ok(BucketRows {
            lines,
            summary,
            timestamp,
        })
    }
}
