//! The words of the platform as types. Everything else imports from here; this imports nothing
//! of ours.

pub mod recompute;

mod bucket;
mod catalog;
mod consistency;
mod digest;
mod identity;
mod line;
mod load;
pub(crate) mod money;
mod offset;
mod reading;
mod region;
mod reject;
mod summary;
mod time;

pub use bucket::{BucketKey, LineTable, SHARDS, Shard};
pub use catalog::{Catalog, CatalogEntry, CountryId, CustomerId, ProductId, ProductName, StockId};
pub use consistency::ConsistencyLevel;
pub use digest::RowsDigest;
pub use identity::{ContentHash, LineId, OccurrenceWindow};
pub use line::{Line, LineRef, StoredLine};
pub use load::{LoadId, RowNo};
pub use offset::{CommittedOffset, EndOffset, Offset, Partition, TopicPartition};
pub use reading::Reading;
pub use region::{Dc, DcSet, PerDc, PerRegion, Region, Topic};
pub use reject::{Reason, ReasonCounts, Reject};
pub use summary::{CustomerPart, HourPart, ProductPart, Summary, Tally};
pub use time::{Day, InvoiceTime};
