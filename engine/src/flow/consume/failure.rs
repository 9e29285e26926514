//! What can go wrong for a consumer.

use thiserror::Error;

use crate::codec::varint::DecodeError;
use crate::model::{Dc, Topic, TopicPartition};
use crate::ports::{LogError, StoreError};

/// Why a consumer stopped for good.
#[derive(Debug, Error)]
pub(crate) enum ConsumeError {
    /// The log failed.
    #[error("the consumer of {topic} stopped: {source}")]
    Log {
        /// Its topic.
        topic: Topic,
        /// Why.
        source: LogError,
    },
    /// The store failed.
    #[error("the consumer of {topic} stopped: {source}")]
    Store {
        /// Its topic.
        topic: Topic,
        /// Why.
        source: StoreError,
    },
    /// A record cannot be read.
    #[error("the consumer of {} stopped: {source}, after offset {offset} of {partition}", .partition.topic)]
    Record {
        /// Where it was read.
        partition: TopicPartition,
        /// Base offset of its batch.
        offset: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// A failed request of either port.
pub(super) enum Failure {
    Log(LogError),
    /// With the data centre that was asked.
    Store(Dc, StoreError),
}
