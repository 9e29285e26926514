//! Notes and probes: small named values.

use bytes::Bytes;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

use super::core::Core;
use super::session::{Target, unreadable};
use crate::model::{ConsistencyLevel, Dc};
use crate::ports::{Note, ReadSource, StoreError};

/// All notes are of one kind, and lie in one partition: there are few, and they are read sorted.
const KIND: &str = "note";

/// A note, as it is bound.
pub(super) struct NoteValues {
    name: String,
    value: Bytes,
    stamp: i64,
}

impl NoteValues {
    pub(super) fn new(note: &Note, stamp: i64) -> Self {
        Self {
            name: note.name.clone(),
            value: note.value.clone(),
            stamp,
        }
    }
}

impl SerializeRow for NoteValues {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        (KIND, &self.name, &self.value, self.stamp).serialize(ctx, writer)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

impl Core {
    /// See [`crate::ports::Store::note`].
    pub(super) async fn note(
        &self,
        name: &str,
        from: ReadSource,
    ) -> Result<Option<Bytes>, StoreError> {
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.note, target);
        let row: Option<(Vec<u8>, i64)> = self.first(&statement, (KIND, name), target).await?;
        Ok(row.map(|(value, stamp)| {
            self.heard(stamp);
            value.into()
        }))
    }

    /// See [`crate::ports::Store::notes`].
    pub(super) async fn notes(
        &self,
        prefix: &str,
        from: ReadSource,
    ) -> Result<Vec<Note>, StoreError> {
        let target = self.link.target(from);
        let statement = self.link.aimed(&self.statements.notes_from, target);
        let mut notes = Vec::new();
        self.pages(&statement, (KIND, prefix), target, |page| {
            let rows = page.rows::<(&str, &[u8])>();
            for row in rows.map_err(|error| unreadable(target.via, &error))? {
                let (name, value) = row.map_err(|error| unreadable(target.via, &error))?;
                // Names are sorted: the first without the prefix ends them.
                if !name.starts_with(prefix) {
                    return Ok(super::read::More::No);
                }
                notes.push(Note {
                    name: name.to_owned(),
                    value: Bytes::copy_from_slice(value),
                });
            }
            Ok(super::read::More::Yes)
        })
        .await?;
        Ok(notes)
    }

    /// See [`crate::ports::Store::write_probe`].
    pub(super) async fn write_probe(&self, via: Dc, id: u64) -> Result<(), StoreError> {
        let target = Target::at(via, ConsistencyLevel::One);
        let values = (via.name(), id.cast_signed(), self.next_stamp());
        let insert = &self.statements.insert_probe;
        self.link.write(insert, values, target).await
    }

    /// See [`crate::ports::Store::read_probe`].
    pub(super) async fn read_probe(&self, via: Dc, at: Dc) -> Result<Option<u64>, StoreError> {
        let target = self.link.target(ReadSource::Alone(at));
        let statement = self.link.aimed(&self.statements.probe, target);
        let row: Option<(i64,)> = self.first(&statement, (via.name(),), target).await?;
        Ok(row.map(|(id,)| id.cast_unsigned()))
    }
}
