//! Derived tables, for programs that know nothing of us: typed columns, and the row as it was.
//!
//! What is written is compared with what is there, so that a table of thousands of rows of which
//! some changed costs some rows. Rows lie in a few partitions by a hash of their key, so that they
//! travel in batches; a reader who knows a key but not its part asks all parts at once
//! (`part IN (0, ..., 15)`).

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use rust_decimal::Decimal;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;
use serde_json::Value;
use tokio::task::JoinSet;
use xxhash_rust::xxh3::xxh3_64;

use super::config::Keyspace;
use super::convert::{day_to_cql, decimal_to_cql};
use super::core::Core;
use super::read::More;
use super::schema::PARTS;
use super::session::{Link, Target, unreadable};
use super::statements::paged;
use crate::model::{ConsistencyLevel, Day, Dc};
use crate::ports::{DerivedRows, ReadSource, StoreError, WriteReceipt};

/// Rows of a batch: some 20 KiB.
const BATCH_ROWS: usize = 40;
/// Rows of a page.
const ROWS_PER_PAGE: i32 = 1_000;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Bigint,
    Int,
    Double,
    Decimal,
    Date,
    Flag,
}

/// A table whose columns are known.
struct Shape {
    name: &'static str,
    key: &'static str,
    columns: &'static [(&'static str, Kind)],
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "customer_analytics",
        key: "customer_id",
        columns: &[
            ("region", Kind::Text),
            ("last_purchase_date", Kind::Date),
            ("total_purchases", Kind::Bigint),
            ("total_amount", Kind::Decimal),
            ("country", Kind::Text),
            ("first_purchase_date", Kind::Date),
            ("items", Kind::Bigint),
            ("lines", Kind::Bigint),
            ("recency_days", Kind::Int),
            ("recency_score", Kind::Int),
            ("frequency_score", Kind::Int),
            ("monetary_score", Kind::Int),
            ("value_score", Kind::Double),
            ("segment", Kind::Text),
            ("value_segment", Kind::Text),
            ("status", Kind::Text),
            ("next_action", Kind::Text),
            ("next_action_reason", Kind::Text),
        ],
    },
    Shape {
        name: "product_analytics",
        key: "stock_code",
        columns: &[
            ("description", Kind::Text),
            ("is_product", Kind::Flag),
            ("lines", Kind::Bigint),
            ("total_purchases", Kind::Bigint),
            ("items", Kind::Bigint),
            ("total_amount", Kind::Decimal),
            ("share", Kind::Double),
        ],
    },
    Shape {
        name: "country_metrics",
        key: "country",
        columns: &[
            ("region", Kind::Text),
            ("lines", Kind::Bigint),
            ("total_purchases", Kind::Bigint),
            ("items", Kind::Bigint),
            ("total_amount", Kind::Decimal),
            ("customers", Kind::Bigint),
            ("share", Kind::Double),
            ("average_order_value", Kind::Decimal),
            ("growth", Kind::Double),
            ("market_category", Kind::Text),
        ],
    },
];

/// The statements of a table.
struct Prepared {
    columns: &'static [(&'static str, Kind)],
    insert: PreparedStatement,
    delete: PreparedStatement,
    of_part: PreparedStatement,
}

/// What is known to be in a table: when it was written last, and a hash of each row.
struct Written {
    stamp: i64,
    rows: BTreeMap<String, u64>,
}

/// All derived tables.
pub(super) struct DerivedTables {
    known: BTreeMap<&'static str, Prepared>,
    /// For tables without columns of their own.
    other: Prepared,
    /// What this process wrote, by table; one writer at a time.
    written: tokio::sync::Mutex<BTreeMap<String, Written>>,
}

impl DerivedTables {
    pub(super) async fn prepare(link: &Link, keyspace: &Keyspace) -> Result<Self, StoreError> {
        let ks = keyspace.as_str();
        let mut known = BTreeMap::new();
        for shape in SHAPES {
            known.insert(shape.name, prepare_known(link, ks, &shape).await?);
        }
        let rows = format!("{ks}.derived_rows");
        let other = Prepared {
            columns: &[],
            insert: link
                .prepare(format!(
                    "INSERT INTO {rows} (table_name, part, row_key, row_json) \
                     VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
                ))
                .await?,
            delete: link
                .prepare(format!(
                    "DELETE FROM {rows} USING TIMESTAMP ? \
                     WHERE table_name = ? AND part = ? AND row_key = ?"
                ))
                .await?,
            of_part: paged(
                link,
                format!("SELECT row_key, row_json FROM {rows} WHERE table_name = ? AND part = ?"),
                ROWS_PER_PAGE,
            )
            .await?,
        };
        Ok(Self {
            known,
            other,
            written: tokio::sync::Mutex::default(),
        })
    }

    fn of(&self, table: &str) -> &Prepared {
        self.known.get(table).unwrap_or(&self.other)
    }

    /// The value of the partition key's first column, where tables share one table.
    fn shared_name(&self, table: &str) -> Option<CqlValue> {
        (!self.known.contains_key(table)).then(|| CqlValue::Text(table.to_owned()))
    }
}

async fn prepare_known(link: &Link, ks: &str, shape: &Shape) -> Result<Prepared, StoreError> {
    let Shape { name, key, columns } = *shape;
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let marks = vec!["?"; columns.len() + 3].join(", ");
    Ok(Prepared {
        columns,
        insert: link
            .prepare(format!(
                "INSERT INTO {ks}.{name} (part, {key}, row_json, {}) VALUES ({marks}) \
                 USING TIMESTAMP ?",
                names.join(", ")
            ))
            .await?,
        delete: link
            .prepare(format!(
                "DELETE FROM {ks}.{name} USING TIMESTAMP ? WHERE part = ? AND {key} = ?"
            ))
            .await?,
        of_part: paged(
            link,
            format!("SELECT {key}, row_json FROM {ks}.{name} WHERE part = ?"),
            ROWS_PER_PAGE,
        )
        .await?,
    })
}

/// The part that a key lies in.
fn part_of(key: &str) -> i8 {
    i8::try_from(xxh3_64(key.as_bytes()) % PARTS).unwrap_or(0)
}

/// A field of a row as its column takes it. Text that is missing is empty, other values are NULL.
fn cell(value: Option<&Value>, kind: Kind) -> Option<CqlValue> {
    let text = || value.and_then(Value::as_str);
    match kind {
        Kind::Text => Some(CqlValue::Text(text().unwrap_or_default().to_owned())),
        Kind::Bigint => value?.as_i64().map(CqlValue::BigInt),
        Kind::Int => i32::try_from(value?.as_i64()?).ok().map(CqlValue::Int),
        Kind::Double => value?.as_f64().map(CqlValue::Double),
        Kind::Decimal => Decimal::from_str(text()?)
            .ok()
            .map(|value| CqlValue::Decimal(decimal_to_cql(value))),
        Kind::Date => text()?
            .parse()
            .ok()
            .map(|date| CqlValue::Date(day_to_cql(Day::from_date(date)))),
        Kind::Flag => value?.as_bool().map(CqlValue::Boolean),
    }
}

/// What changes in one table.
struct Change {
    part: i8,
    key: String,
    /// The row; `None` for one that is gone.
    row: Option<String>,
}

/// Changes that make `now` of what was there, by part.
fn changes(there: &BTreeMap<String, u64>, now: &DerivedRows) -> Vec<Change> {
    let put = now.rows.iter().filter(|(key, row)| {
        let hash = xxh3_64(row.as_bytes());
        there.get(*key) != Some(&hash)
    });
    let put = put.map(|(key, row)| (key, Some(row.clone())));
    let gone = there.keys().filter(|key| !now.rows.contains_key(*key));
    let mut all: Vec<Change> = put
        .chain(gone.map(|key| (key, None)))
        .map(|(key, row)| Change {
            part: part_of(key),
            key: key.clone(),
            row,
        })
        .collect();
    // Stable: within a part they stay in the order of their keys.
    all.sort_by_key(|change| (change.part, change.row.is_none()));
    all
}

impl Core {
    /// See [`crate::ports::Store::write_derived`].
    pub(super) async fn write_derived(
        self: &Arc<Self>,
        tables: &[DerivedRows],
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<WriteReceipt, StoreError> {
        self.check_open()?;
        let begun = self.clock.monotonic();
        let target = Target::at(via, level);
        let mut written = self.derived.written.lock().await;
        for table in tables {
            // What is there is known again only when all of this has been acknowledged.
            let before = written.remove(&table.table);
            let before = self.known_or_read(table, before, target).await?;
            let stamp = self.next_stamp();
            self.change(table, &before, stamp, target).await?;
            let insert = &self.statements.insert_head;
            self.link
                .write(insert, (table.table.as_str(), stamp, stamp), target)
                .await?;
            let rows = table.rows.iter();
            let rows = rows.map(|(key, row)| (key.clone(), xxh3_64(row.as_bytes())));
            let now = Written {
                stamp,
                rows: rows.collect(),
            };
            written.insert(table.table.clone(), now);
        }
        Ok(super::write::receipt(self, target, begun))
    }

    /// The rows that are there: those that we wrote, unless somebody wrote after us.
    async fn known_or_read(
        &self,
        table: &DerivedRows,
        before: Option<Written>,
        target: Target,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let from = ReadSource::Level {
            via: target.via,
            level: target.level,
        };
        let head = self.head(&table.table, from).await?;
        if let Some(before) = before
            && head == Some(before.stamp)
        {
            return Ok(before.rows);
        }
        let there = self.read_derived(&table.table, from).await?;
        let hashed = there.rows.into_iter();
        Ok(hashed
            .map(|(key, row)| (key, xxh3_64(row.as_bytes())))
            .collect())
    }

    async fn head(&self, table: &str, from: ReadSource) -> Result<Option<i64>, StoreError> {
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.head, target);
        let row: Option<(i64,)> = self.first(&statement, (table,), target).await?;
        if let Some((stamp,)) = row {
            self.heard(stamp);
        }
        Ok(row.map(|(stamp,)| stamp))
    }

    async fn change(
        self: &Arc<Self>,
        table: &DerivedRows,
        there: &BTreeMap<String, u64>,
        stamp: i64,
        target: Target,
    ) -> Result<(), StoreError> {
        let prepared = self.derived.of(&table.table);
        let changes = changes(there, table);
        let mut running = JoinSet::new();
        for same in changes.chunk_by(|a, b| a.part == b.part && a.row.is_some() == b.row.is_some())
        {
            for rows in same.chunks(BATCH_ROWS) {
                let is_put = rows.first().is_some_and(|change| change.row.is_some());
                let statement = if is_put {
                    &prepared.insert
                } else {
                    &prepared.delete
                };
                let values: Vec<Vec<Option<CqlValue>>> = rows
                    .iter()
                    .map(|change| self.bound(&table.table, change, stamp))
                    .collect();
                let batch = self.batch(statement, values.len(), target);
                let permit = self.requests.leave().await?;
                let core = Arc::clone(self);
                running.spawn(async move {
                    let done = core.link.write_batch(&batch, &values, target).await;
                    drop(permit);
                    done
                });
            }
        }
        while let Some(done) = running.join_next().await {
            done.map_err(|error| StoreError::Replica {
                dc: target.via,
                what: format!("a request ended without a result: {error}"),
            })??;
        }
        Ok(())
    }

    /// The values of a change, in the order of its statement.
    fn bound(&self, table: &str, change: &Change, stamp: i64) -> Vec<Option<CqlValue>> {
        let stamp = Some(CqlValue::BigInt(stamp));
        let shared = self.derived.shared_name(table);
        let part = Some(CqlValue::TinyInt(change.part));
        let key = Some(CqlValue::Text(change.key.clone()));
        let mut values = Vec::new();
        let Some(row) = &change.row else {
            values.push(stamp);
            values.extend(shared.map(Some));
            values.extend([part, key]);
            return values;
        };
        values.extend(shared.map(Some));
        values.extend([part, key, Some(CqlValue::Text(row.clone()))]);
        // A row is JSON of our own making; one that is not has no columns.
        let fields: Value = serde_json::from_str(row).unwrap_or_default();
        let columns = self.derived.of(table).columns.iter();
        values.extend(columns.map(|(name, kind)| cell(fields.get(name), *kind)));
        values.push(stamp);
        values
    }

    /// See [`crate::ports::Store::read_derived`].
    pub(super) async fn read_derived(
        &self,
        table: &str,
        from: ReadSource,
    ) -> Result<DerivedRows, StoreError> {
        let target = self.link.target(from);
        let prepared = self.derived.of(table);
        let statement = self.link.aimed(&prepared.of_part, target);
        let mut rows = BTreeMap::new();
        for part in 0..PARTS {
            let mut values: Vec<Option<CqlValue>> = Vec::new();
            values.extend(self.derived.shared_name(table).map(Some));
            let part = i8::try_from(part).unwrap_or(0);
            values.push(Some(CqlValue::TinyInt(part)));
            self.pages(&statement, &values, target, |page| {
                let found = page.rows::<(&str, &str)>();
                for row in found.map_err(|error| unreadable(target.via, &error))? {
                    let (key, row) = row.map_err(|error| unreadable(target.via, &error))?;
                    rows.insert(key.to_owned(), row.to_owned());
                }
                Ok(More::Yes)
            })
            .await?;
        }
        Ok(DerivedRows {
            table: table.to_owned(),
            rows,
        })
    }

    /// Names of the derived tables that were ever written.
    pub(super) async fn derived_names(&self, target: Target) -> Result<Vec<String>, StoreError> {
        let statement = self.link.aimed(&self.statements.heads, target);
        let mut names = Vec::new();
        self.pages(&statement, (), target, |page| {
            let rows = page.rows::<(String,)>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                names.push(row.map_err(|error| unreadable(target.via, &error))?.0);
            }
            Ok(More::Yes)
        })
        .await?;
        names.sort_unstable();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> DerivedRows {
        DerivedRows {
            table: "t".into(),
            rows: rows
                .iter()
                .map(|(key, row)| ((*key).to_owned(), (*row).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_what_changed_is_written_and_what_is_gone_is_deleted() {
        let hash = |row: &str| xxh3_64(row.as_bytes());
        let there = [("a", "1"), ("b", "2"), ("c", "3")];
        let there = there.map(|(key, row)| (key.to_owned(), hash(row))).into();
        let changes = changes(&there, &rows(&[("a", "1"), ("b", "9"), ("d", "4")]));
        let mut found: Vec<_> = changes
            .iter()
            .map(|change| (change.key.as_str(), change.row.as_deref()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [("b", Some("9")), ("c", None), ("d", Some("4"))]);
        assert!(changes.is_sorted_by_key(|change| change.part));
    }

    #[test]
    fn fields_become_columns_of_their_kind() {
        let row: Value = serde_json::from_str(
            r#"{"text":"a","none":null,"count":7,"share":0.5,"amount":"12.340","day":"2011-12-09"}"#,
        )
        .unwrap();
        let cell = |name: &str, kind| cell(row.get(name), kind);
        assert_eq!(cell("text", Kind::Text), Some(CqlValue::Text("a".into())));
        assert_eq!(
            cell("none", Kind::Text),
            Some(CqlValue::Text(String::new()))
        );
        assert_eq!(cell("none", Kind::Decimal), None);
        assert_eq!(cell("count", Kind::Bigint), Some(CqlValue::BigInt(7)));
        assert_eq!(cell("count", Kind::Int), Some(CqlValue::Int(7)));
        assert_eq!(cell("share", Kind::Double), Some(CqlValue::Double(0.5)));
        let amount = decimal_to_cql(Decimal::new(12_340, 3));
        assert_eq!(
            cell("amount", Kind::Decimal),
            Some(CqlValue::Decimal(amount))
        );
        let day = chrono::NaiveDate::from_ymd_opt(2011, 12, 9).unwrap();
        let day = CqlValue::Date(day_to_cql(Day::from_date(day)));
        assert_eq!(cell("day", Kind::Date), Some(day));
    }
}
