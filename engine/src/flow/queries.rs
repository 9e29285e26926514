//! Questions to the store that any program may ask: through a data centre that answers, at the
//! strongest level that the reachable ones can meet.

use crossbeam_channel::Sender;

use super::runtime::Runtime;
use crate::model::{BucketKey, StoredLine};
use crate::ports::{BucketScope, DerivedRows, RejectQuery, RejectRow, StoreError};

impl Runtime {
    /// A derived table.
    pub(crate) fn table(&self, table: &str) -> Result<DerivedRows, StoreError> {
        self.store.read_derived(table, self.routes.read_anywhere())
    }

    /// Sends the lines in scope, bucket by bucket.
    pub(crate) fn lines(
        &self,
        scope: &BucketScope,
        buckets: &Sender<(BucketKey, Vec<StoredLine>)>,
    ) -> Result<(), StoreError> {
        let from = self.routes.read_anywhere();
        let mut wanted = true;
        self.store.scan_rows(scope, from, &mut |key, lines| {
            wanted = wanted && buckets.send((key, lines)).is_ok();
        })
    }

    /// Rows that were set aside.
    pub(crate) fn rejects(&self, query: &RejectQuery) -> Result<Vec<RejectRow>, StoreError> {
        self.store.rejects(query, self.routes.read_anywhere())
    }
}
