//! Which line is which: identity from content, so that the same data loaded again, in another
//! order or in parts, names the same rows.

use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::fmt;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64, xxh3_64_with_seed};

use super::line::LineRef;

/// Hash over every column of a line. Identical lines share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub u64);

impl ContentHash {
    /// Hashes the columns, each ended so that text cannot move from one into the next.
    pub fn of(line: &LineRef<'_>) -> Self {
        // Most lines fit the stack buffer; hashing one slice is several times faster than a
        // streaming hasher.
        let mut buffer = [0_u8; 256];
        let numbers = numbers(line);
        let customer = line.customer.unwrap_or_default();
        let texts = [
            line.invoice_no,
            line.stock_code,
            line.description,
            customer,
            line.country,
        ];
        let len = numbers.len() + texts.iter().map(|t| t.len() + 1).sum::<usize>();
        if len <= buffer.len() {
            let mut at = 0;
            let mut put = |bytes: &[u8]| {
                if let Some(target) = buffer.get_mut(at..at + bytes.len()) {
                    target.copy_from_slice(bytes);
                }
                at += bytes.len();
            };
            put(&numbers);
            for text in texts {
                put(text.as_bytes());
                put(&[END]);
            }
            return Self(xxh3_64(buffer.get(..len).unwrap_or_default()));
        }
        let mut hasher = Xxh3Default::new();
        hasher.update(&numbers);
        for text in texts {
            hasher.update(text.as_bytes());
            hasher.update(&[END]);
        }
        Self(hasher.digest())
    }

    /// The identity of the `occurrence`-th of the lines with this content, from 0.
    pub fn line_id(self, occurrence: u32) -> LineId {
        LineId(xxh3_64_with_seed(
            &self.0.to_le_bytes(),
            u64::from(occurrence),
        ))
    }
}

/// Not a byte of any UTF-8 text, so it ends a column unmistakably.
const END: u8 = 0xff;

fn numbers(line: &LineRef<'_>) -> [u8; 29] {
    let price = line.unit_price.normalize();
    let mut out = [0; 29];
    let (time, rest) = out.split_at_mut(8);
    time.copy_from_slice(&line.invoice_time.0.to_le_bytes());
    let (quantity, rest) = rest.split_at_mut(4);
    quantity.copy_from_slice(&line.quantity.to_le_bytes());
    let (mantissa, rest) = rest.split_at_mut(16);
    mantissa.copy_from_slice(&price.mantissa().to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "a scale is at most 28")]
    rest.fill(price.scale() as u8);
    out
}

/// The identity of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub u64);

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Counts identical lines within each invoice, over the invoices seen most recently.
///
/// Two scans of the same article at the till are two lines; the same export loaded twice is not.
/// The n-th identical line of an invoice is the same line in every file that has n of them. The
/// window is bounded by lines held: a file may be in any order as long as it has fewer lines than
/// that, and beyond it an invoice's identical lines must lie within the window.
#[derive(Debug)]
pub struct OccurrenceWindow {
    invoices: FxHashMap<u64, InvoiceLines>,
    /// Invoices in the order in which they were first seen.
    order: VecDeque<u64>,
    current: Option<(u64, InvoiceLines)>,
    held: usize,
    capacity: usize,
}

/// Lines of one invoice: their content hashes, and how often each was seen.
type InvoiceLines = FxHashMap<ContentHash, u32>;

impl OccurrenceWindow {
    /// Distinct lines held by default, some 24 bytes each.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A window over at least `capacity` distinct lines.
    pub fn new(capacity: usize) -> Self {
        Self {
            invoices: FxHashMap::default(),
            order: VecDeque::new(),
            current: None,
            held: 0,
            capacity,
        }
    }

    /// Which of the identical lines of its invoice this one is, from 0.
    pub fn next(&mut self, invoice_no: &str, content: ContentHash) -> u32 {
        let invoice = xxh3_64(invoice_no.as_bytes());
        if self.current.as_ref().is_none_or(|(key, _)| *key != invoice) {
            self.switch_to(invoice);
        }
        let Some((_, lines)) = &mut self.current else {
            return 0;
        };
        let count = lines.entry(content).or_insert(0);
        let occurrence = *count;
        *count += 1;
        if occurrence == 0 {
            self.held += 1;
        }
        occurrence
    }

    fn switch_to(&mut self, invoice: u64) {
        if let Some((key, lines)) = self.current.take() {
            self.invoices.insert(key, lines);
        }
        while self.held > self.capacity {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(lines) = self.invoices.remove(&oldest) {
                self.held -= lines.len();
            }
        }
        let lines = self.invoices.remove(&invoice).unwrap_or_else(|| {
            self.order.push_back(invoice);
            InvoiceLines::default()
        });
        self.current = Some((invoice, lines));
    }
}
