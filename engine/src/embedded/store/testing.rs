//! A small shop for tests: lines, buckets and flushes by number.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::block::sort_lines;
use crate::model::recompute::summarise;
use crate::model::{
    BucketKey, Catalog, Day, InvoiceTime, LineRef, LineTable, Partition, Region, Shard, StoredLine,
    Topic, TopicPartition,
};
use crate::ports::{BucketWrite, Flush, FlushSpan, WriteTimestamp};

/// A line by small numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) invoice: u8,
    pub(crate) product: u8,
    pub(crate) customer: Option<u8>,
    pub(crate) quantity: i32,
    pub(crate) mills: u16,
    pub(crate) occurrence: u8,
}

/// Any lines, some of them alike.
pub(crate) fn any_lines(
    count: std::ops::Range<usize>,
) -> impl proptest::strategy::Strategy<Value = Vec<Spec>> {
    use proptest::prelude::*;
    let spec = (
        0..5_u8,
        0..6_u8,
        proptest::option::of(0..4_u8),
        any::<i32>(),
        any::<u16>(),
        0..2_u8,
    );
    let spec = spec.prop_map(
        |(invoice, product, customer, quantity, mills, occurrence)| Spec {
            invoice,
            product,
            customer,
            quantity,
            mills,
            occurrence,
        },
    );
    proptest::collection::vec(spec, count)
}

/// Names for lines.
pub(crate) struct Shop {
    pub(crate) catalog: Arc<Catalog>,
}

impl Default for Shop {
    fn default() -> Self {
        Self::over(Arc::default())
    }
}

impl Shop {
    pub(crate) fn over(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }

    /// Bucket `n`: a day of its own.
    pub(crate) fn bucket(&self, n: i32) -> BucketKey {
        BucketKey {
            table: LineTable::Transactions,
            country: self.catalog.country("EIRE"),
            day: Day(15_000 + n),
            shard: Shard(3),
        }
    }

    pub(crate) fn lines(&self, bucket: BucketKey, specs: &[Spec]) -> Vec<StoredLine> {
        specs.iter().map(|spec| self.line(bucket, *spec)).collect()
    }

    fn line(&self, bucket: BucketKey, spec: Spec) -> StoredLine {
        let invoice_no = format!("5363{}", spec.invoice);
        let stock_code = format!("850{}", spec.product / 2);
        let description = format!("HEART {}", spec.product % 2);
        let customer = spec.customer.map(|n| format!("1785{n}"));
        let line = LineRef {
            invoice_no: &invoice_no,
            stock_code: &stock_code,
            description: &description,
            quantity: spec.quantity,
            invoice_time: InvoiceTime(
                i64::from(bucket.day.0) * 86_400 + 3_600 * i64::from(spec.invoice),
            ),
            unit_price: Decimal::new(spec.mills.into(), 3),
            customer: customer.as_deref(),
            country: "EIRE",
        };
        StoredLine {
            invoice_no: invoice_no.as_str().into(),
            product: self.catalog.product(&stock_code, &description),
            customer: customer.as_ref().map(|name| self.catalog.customer(name)),
            quantity: line.quantity,
            invoice_time: line.invoice_time,
            unit_price: line.unit_price,
            occurrence: spec.occurrence.into(),
            line_id: line.content_hash().line_id(spec.occurrence.into()),
        }
    }

    /// A flush that adds `new` to buckets that hold `all` with it.
    pub(crate) fn bucket_write(
        &self,
        key: BucketKey,
        new: &[Spec],
        all: &[Spec],
        timestamp: u64,
    ) -> BucketWrite {
        let mut lines = self.lines(key, all);
        sort_lines(&mut lines);
        BucketWrite {
            key,
            lines: self.lines(key, new),
            summary: Arc::new(summarise(&lines, &self.catalog)),
            timestamp: WriteTimestamp(timestamp),
        }
    }

    /// Flush `n`: one new line in bucket 0, which has those of flushes `0..n` already, at
    /// offset `n`.
    pub(crate) fn flush(&self, n: u8) -> Flush {
        let all: Vec<Spec> = (0..=n).map(numbered).collect();
        Flush {
            spans: vec![span(n.into(), u64::from(n) + 1)],
            buckets: vec![self.bucket_write(
                self.bucket(0),
                &[numbered(n)],
                &all,
                u64::from(n) + 1,
            )],
            ..Flush::default()
        }
    }
}

/// Offsets of the first European partition.
pub(crate) fn span(from: u64, to: u64) -> FlushSpan {
    FlushSpan {
        partition: TopicPartition {
            topic: Topic::Lines(Region::Europe),
            partition: Partition(0),
        },
        from,
        to,
    }
}

/// The line of a number, unlike all others.
pub(crate) fn numbered(n: u8) -> Spec {
    Spec {
        invoice: n % 5,
        product: n % 6,
        customer: (!n.is_multiple_of(3)).then_some(n % 4),
        quantity: i32::from(n) + 1,
        mills: 1_250,
        occurrence: 0,
    }
}
