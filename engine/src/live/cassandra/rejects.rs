//! Rows set aside: one row each, in partitions of so many rows of one load.

use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::value::MaybeUnset;

use super::core::Core;
use super::read::More;
use super::session::unreadable;
use crate::model::{LoadId, Reason, Reject, RowNo};
use crate::ports::{ReadSource, RejectQuery, RejectRow, StoreError};

/// Data rows of a load whose rejects lie together: if all of them were set aside with the longest
/// text that is kept, a partition would still be below 50 MiB.
const ROWS_PER_CHUNK: u64 = 10_000;

/// The chunk of a row.
pub(super) fn chunk_of(row: RowNo) -> i32 {
    i32::try_from(row.0 / ROWS_PER_CHUNK).unwrap_or(i32::MAX)
}

/// A reject, as it is bound.
pub(super) struct RejectValues {
    pub(super) load: LoadId,
    pub(super) row: RowNo,
    reject: Reject,
}

impl RejectValues {
    pub(super) fn new(row: &RejectRow) -> Self {
        Self {
            load: row.load,
            row: row.reject.row,
            reject: row.reject.clone(),
        }
    }

    /// Bytes, about.
    pub(super) fn len(&self) -> usize {
        64 + self.reject.message.len() + self.reject.raw.len()
    }
}

impl SerializeRow for RejectValues {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let reject = &self.reject;
        let column = reject
            .column
            .as_deref()
            .map_or(MaybeUnset::Unset, MaybeUnset::Set);
        let values = (
            self.load.0.cast_signed(),
            chunk_of(self.row),
            self.row.0.cast_signed(),
            reject.line.cast_signed(),
            reject.byte.cast_signed(),
            column,
            reject.reason.slug(),
            &reject.message,
            &reject.raw,
        );
        values.serialize(ctx, writer)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

type Row<'a> = (
    i64,
    i64,
    i64,
    Option<&'a str>,
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
);

fn reject_of(row: &Row<'_>) -> Option<Reject> {
    let (row_no, line, byte, column, reason, message, raw) = row;
    Some(Reject {
        row: RowNo(row_no.cast_unsigned()),
        line: line.cast_unsigned(),
        byte: byte.cast_unsigned(),
        column: column.map(ToOwned::to_owned),
        reason: Reason::parse(reason)?,
        message: message.unwrap_or_default().to_owned(),
        raw: raw.unwrap_or_default().to_owned(),
    })
}

impl Core {
    /// See [`crate::ports::Store::rejects`].
    pub(super) async fn rejects(
        &self,
        query: &RejectQuery,
        from: ReadSource,
    ) -> Result<Vec<RejectRow>, StoreError> {
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.rejects_of_chunk, target);
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut skip = query.skip;
        let mut found = Vec::new();
        for (load, chunk) in self.chunks(query, from).await? {
            if found.len() >= limit {
                break;
            }
            let first = query.row.map_or(0, |row| row.0.cast_signed());
            let values = (load.0.cast_signed(), chunk, first);
            self.pages(&statement, values, target, |page| {
                let rows = page.rows::<Row<'_>>();
                for row in rows.map_err(|error| unreadable(target.via, &error))? {
                    let row = row.map_err(|error| unreadable(target.via, &error))?;
                    let Some(reject) = reject_of(&row) else {
                        let what = format!("{:?} is no reason to set a row aside", row.4);
                        return Err(unreadable(target.via, &what));
                    };
                    if query.row.is_some_and(|wanted| wanted != reject.row) {
                        return Ok(More::No);
                    }
                    if query.reason.is_some_and(|wanted| wanted != reject.reason) {
                        continue;
                    }
                    if skip > 0 {
                        skip -= 1;
                    } else if found.len() < limit {
                        found.push(RejectRow { load, reject });
                    } else {
                        return Ok(More::No);
                    }
                }
                Ok(More::Yes)
            })
            .await?;
        }
        Ok(found)
    }

    /// Reads all of them and keeps none: at a level of several replicas that repairs them.
    pub(super) async fn touch_rejects(&self, from: ReadSource) -> Result<(), StoreError> {
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.rejects_of_chunk, target);
        for (load, chunk) in self.chunks(&RejectQuery::default(), from).await? {
            let values = (load.0.cast_signed(), chunk, 0_i64);
            self.pages(&statement, values, target, |_page| Ok(More::Yes))
                .await?;
        }
        Ok(())
    }

    /// The partitions that may hold what is asked for, in order.
    async fn chunks(
        &self,
        query: &RejectQuery,
        from: ReadSource,
    ) -> Result<Vec<(LoadId, i32)>, StoreError> {
        let wanted_chunk = query.row.map(chunk_of);
        if let (Some(load), Some(chunk)) = (query.load, wanted_chunk) {
            return Ok(vec![(load, chunk)]);
        }
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.reject_chunks, target);
        let mut chunks = Vec::new();
        self.pages(&statement, (), target, |page| {
            let rows = page.rows::<(i64, i32)>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let (load, chunk) = row.map_err(|error| unreadable(target.via, &error))?;
                let load = LoadId(load.cast_unsigned());
                if query.load.is_none_or(|wanted| wanted == load)
                    && wanted_chunk.is_none_or(|wanted| wanted == chunk)
                {
                    chunks.push((load, chunk));
                }
            }
            Ok(More::Yes)
        })
        .await?;
        chunks.sort_unstable();
        Ok(chunks)
    }
}
