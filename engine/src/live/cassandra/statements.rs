//! The statements of the store, prepared once. Values are bound, always.

use scylla::statement::prepared::PreparedStatement;

use super::config::Keyspace;
use super::convert::table_name;
use super::session::{Link, SCAN_TIMEOUT};
use crate::model::LineTable;
use crate::ports::StoreError;

/// Rows of a page of lines, some 500 KiB.
const LINES_PER_PAGE: i32 = 5_000;
/// Summaries of a page: some KiB each.
const SUMMARIES_PER_PAGE: i32 = 200;
/// Keys of a page.
const KEYS_PER_PAGE: i32 = 5_000;
/// Rejects, notes and derived rows of a page: up to some KiB each.
const ROWS_PER_PAGE: i32 = 1_000;

/// Statements on the lines of one kind.
pub(super) struct LineStatements {
    pub(super) insert: PreparedStatement,
    /// One bucket.
    pub(super) of_bucket: PreparedStatement,
    /// A range of tokens, each bucket in one piece.
    pub(super) of_range: PreparedStatement,
}

/// Statements on summaries.
pub(super) struct SummaryStatements {
    pub(super) insert: PreparedStatement,
    /// Of one bucket.
    pub(super) of_bucket: PreparedStatement,
    /// The partitions that there are.
    pub(super) partitions: PreparedStatement,
    /// Of one partition, within days.
    pub(super) of_month: PreparedStatement,
    /// The same without the summaries.
    pub(super) keys_of_month: PreparedStatement,
}

/// All statements.
pub(super) struct Statements {
    transactions: LineStatements,
    returns: LineStatements,
    pub(super) summaries: SummaryStatements,
    pub(super) insert_reject: PreparedStatement,
    pub(super) reject_chunks: PreparedStatement,
    pub(super) rejects_of_chunk: PreparedStatement,
    pub(super) insert_note: PreparedStatement,
    pub(super) note: PreparedStatement,
    pub(super) notes_from: PreparedStatement,
    pub(super) insert_probe: PreparedStatement,
    pub(super) probe: PreparedStatement,
    pub(super) insert_head: PreparedStatement,
    pub(super) head: PreparedStatement,
    pub(super) heads: PreparedStatement,
}

const LINE_COLUMNS: &str = "invoice_date, invoice_no, stock_code, line_id, description, quantity, \
                            unit_price, customer_id, occurrence";

impl Statements {
    /// Prepares all of them.
    pub(super) async fn prepare(link: &Link, keyspace: &Keyspace) -> Result<Self, StoreError> {
        let ks = keyspace.as_str();
        Ok(Self {
            transactions: lines(link, ks, LineTable::Transactions).await?,
            returns: lines(link, ks, LineTable::Returns).await?,
            summaries: summaries(link, ks).await?,
            insert_reject: link
                .prepare(format!(
                    "INSERT INTO {ks}.rejects (load_id, chunk, row_no, line, byte_offset, \
                     column_name, reason, message, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                ))
                .await?,
            reject_chunks: scan(
                link,
                format!("SELECT DISTINCT load_id, chunk FROM {ks}.rejects"),
                KEYS_PER_PAGE,
            )
            .await?,
            rejects_of_chunk: scan(
                link,
                format!(
                    "SELECT row_no, line, byte_offset, column_name, reason, message, raw \
                     FROM {ks}.rejects WHERE load_id = ? AND chunk = ? AND row_no >= ?"
                ),
                ROWS_PER_PAGE,
            )
            .await?,
            insert_note: link
                .prepare(format!(
                    "INSERT INTO {ks}.notes (kind, name, value) VALUES (?, ?, ?) USING TIMESTAMP ?"
                ))
                .await?,
            note: link
                .prepare(format!(
                    "SELECT value, WRITETIME(value) FROM {ks}.notes WHERE kind = ? AND name = ?"
                ))
                .await?,
            notes_from: scan(
                link,
                format!("SELECT name, value FROM {ks}.notes WHERE kind = ? AND name >= ?"),
                ROWS_PER_PAGE,
            )
            .await?,
            insert_probe: link
                .prepare(format!(
                    "INSERT INTO {ks}.probes (dc, id) VALUES (?, ?) USING TIMESTAMP ?"
                ))
                .await?,
            probe: link
                .prepare(format!("SELECT id FROM {ks}.probes WHERE dc = ?"))
                .await?,
            insert_head: link
                .prepare(format!(
                    "INSERT INTO {ks}.derived_heads (table_name, stamp) VALUES (?, ?) \
                     USING TIMESTAMP ?"
                ))
                .await?,
            head: link
                .prepare(format!(
                    "SELECT stamp FROM {ks}.derived_heads WHERE table_name = ?"
                ))
                .await?,
            heads: scan(
                link,
                format!("SELECT table_name FROM {ks}.derived_heads"),
                KEYS_PER_PAGE,
            )
            .await?,
        })
    }

    /// The statements on the lines of a kind.
    pub(super) const fn of(&self, table: LineTable) -> &LineStatements {
        match table {
            LineTable::Transactions => &self.transactions,
            LineTable::Returns => &self.returns,
        }
    }
}

async fn summaries(link: &Link, ks: &str) -> Result<SummaryStatements, StoreError> {
    let summaries = format!("{ks}.bucket_summaries");
    let month = "line_table = ? AND country = ? AND month = ? AND day >= ? AND day <= ?";
    Ok(SummaryStatements {
        insert: link
            .prepare(format!(
                "INSERT INTO {summaries} (line_table, country, month, day, shard, summary) \
                 VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
            ))
            .await?,
        of_bucket: link
            .prepare(format!(
                "SELECT summary FROM {summaries} WHERE line_table = ? AND country = ? \
                 AND month = ? AND day = ? AND shard = ?"
            ))
            .await?,
        partitions: scan(
            link,
            format!("SELECT DISTINCT line_table, country, month FROM {summaries}"),
            KEYS_PER_PAGE,
        )
        .await?,
        of_month: scan(
            link,
            format!("SELECT day, shard, summary FROM {summaries} WHERE {month}"),
            SUMMARIES_PER_PAGE,
        )
        .await?,
        keys_of_month: scan(
            link,
            format!("SELECT day, shard FROM {summaries} WHERE {month}"),
            KEYS_PER_PAGE,
        )
        .await?,
    })
}

async fn lines(link: &Link, ks: &str, table: LineTable) -> Result<LineStatements, StoreError> {
    let table = table_name(table);
    Ok(LineStatements {
        // The timestamp is that of the batch: one for all rows of it.
        insert: link
            .prepare(format!(
                "INSERT INTO {ks}.{table} (country, day, shard, invoice_date, invoice_no, \
                 stock_code, line_id, description, quantity, unit_price, customer_id, occurrence) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            ))
            .await?,
        of_bucket: paged(
            link,
            format!(
                "SELECT {LINE_COLUMNS} FROM {ks}.{table} \
                 WHERE country = ? AND day = ? AND shard = ?"
            ),
            LINES_PER_PAGE,
        )
        .await?,
        of_range: scan(
            link,
            format!(
                "SELECT country, day, shard, {LINE_COLUMNS} FROM {ks}.{table} \
                 WHERE token(country, day, shard) >= ? AND token(country, day, shard) <= ?"
            ),
            LINES_PER_PAGE,
        )
        .await?,
    })
}

/// A statement that is read page by page.
pub(super) async fn paged(
    link: &Link,
    text: String,
    page_size: i32,
) -> Result<PreparedStatement, StoreError> {
    let mut statement = link.prepare(text).await?;
    statement.set_page_size(page_size);
    Ok(statement)
}

/// One that may read a good part of a table: it may take longer than a request of the hot path.
pub(super) async fn scan(
    link: &Link,
    text: String,
    page_size: i32,
) -> Result<PreparedStatement, StoreError> {
    let mut statement = paged(link, text, page_size).await?;
    statement.set_request_timeout(Some(SCAN_TIMEOUT));
    Ok(statement)
}
