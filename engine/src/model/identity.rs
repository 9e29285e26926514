//! Which line is which: identity from content, so that the same data loaded again, in another
//! order or in parts, names the same rows.

use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::fmt;

use rust_decimal::Decimal;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64, xxh3_64_with_seed};

use super::line::LineRef;

/// Hash over every column of a line. Identical lines share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub u64);

impl ContentHash {
    /// Hashes the columns, each ended so that text cannot move from one into the next.
    pub fn of(line: &LineRef<'_>) -> Self {
        // Most lines fit the stack buffer; hashing one slice is several times faster than a
        // streaming hasher. It is all ends, and texts are put between them.
        let mut buffer = [END; 256];
        let numbers = numbers(line);
        let texts = texts(line);
        let len = numbers.len() + texts.iter().map(|t| t.len() + 1).sum::<usize>();
        if len > buffer.len() {
            return Self::streamed(line);
        }
        let (head, mut rest) = buffer.split_at_mut(numbers.len());
        head.copy_from_slice(&numbers);
        for text in texts {
            let Some((place, behind)) = rest.split_at_mut_checked(text.len()) else {
                break;
            };
            copy_short(place, text.as_bytes());
            rest = behind.get_mut(1..).unwrap_or_default();
        }
        Self(xxh3_64(buffer.get(..len).unwrap_or_default()))
    }

    /// The same of a line of any length.
    fn streamed(line: &LineRef<'_>) -> Self {
        let mut hasher = Xxh3Default::new();
        hasher.update(&numbers(line));
        for text in texts(line) {
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

/// Lines of an invoice for which room is kept; few have more.
const INVOICE_LINES: usize = 1_024;

/// Not a byte of any UTF-8 text, so it ends a column unmistakably.
const END: u8 = 0xff;

fn texts<'a>(line: &LineRef<'a>) -> [&'a str; 5] {
    [
        line.invoice_no,
        line.stock_code,
        line.description,
        line.customer.unwrap_or_default(),
        line.country,
    ]
}

/// Copies a text between slices of its length. Nearly all are of a few bytes, for which a call
/// of `memcpy` costs more than the copying: their two ends are copied, which may overlap.
fn copy_short(to: &mut [u8], from: &[u8]) {
    match from.len() {
        4..8 => copy_ends::<4>(to, from),
        8..16 => copy_ends::<8>(to, from),
        16..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

/// The price without trailing zeros, so that 2.5 and 2.50 are one price.
fn normalized(price: Decimal) -> Decimal {
    // As the reader makes them; `normalize` divides 96 bits to find that out.
    let is_normal = |mantissa: i64| price.scale() == 0 || mantissa % 10 != 0;
    if i64::try_from(price.mantissa()).is_ok_and(is_normal) {
        return price;
    }
    price.normalize()
}

fn numbers(line: &LineRef<'_>) -> [u8; 29] {
    let price = normalized(line.unit_price);
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
    /// Invoices that were left: the content hashes of their lines, one per line.
    left: FxHashMap<u64, Box<[ContentHash]>>,
    /// Invoices that were left, in the order in which they were left first.
    order: VecDeque<u64>,
    /// The invoice that is being read. Nearly all are read in one go.
    current: Option<u64>,
    /// Its lines, as they came.
    lines: Vec<ContentHash>,
    /// How often each content is among them.
    counts: FxHashMap<ContentHash, u32>,
    /// Lines of the invoices that were left.
    held: usize,
    capacity: usize,
}

impl OccurrenceWindow {
    /// Lines held by default, eight bytes each.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A window over the invoice that is being read and the last `capacity` lines of others.
    pub fn new(capacity: usize) -> Self {
        Self {
            left: FxHashMap::default(),
            order: VecDeque::new(),
            current: None,
            lines: Vec::new(),
            counts: FxHashMap::default(),
            held: 0,
            capacity,
        }
    }

    /// Which of the identical lines of its invoice this one is, from 0.
    pub fn next(&mut self, invoice_no: &str, content: ContentHash) -> u32 {
        let invoice = xxh3_64(invoice_no.as_bytes());
        if self.current != Some(invoice) {
            self.leave();
            self.enter(invoice);
        }
        self.lines.push(content);
        let count = self.counts.entry(content).or_insert(0);
        let occurrence = *count;
        *count += 1;
        occurrence
    }

    /// Puts the invoice that was being read away.
    fn leave(&mut self) {
        let Some(invoice) = self.current.take() else {
            return;
        };
        self.held += self.lines.len();
        if self
            .left
            .insert(invoice, self.lines.as_slice().into())
            .is_none()
        {
            self.order.push_back(invoice);
        }
        self.lines.clear();
        self.counts.clear();
        // One huge invoice must not make each one after it expensive to clear.
        self.lines.shrink_to(INVOICE_LINES);
        self.counts.shrink_to(INVOICE_LINES);
        while self.held > self.capacity {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(lines) = self.left.remove(&oldest) {
                self.held -= lines.len();
            }
        }
    }

    /// Takes an invoice up again, or begins it.
    fn enter(&mut self, invoice: u64) {
        self.current = Some(invoice);
        // Its place in the order stays; leaving it again does not make it newer.
        if let Some(lines) = self.left.get_mut(&invoice) {
            let lines = std::mem::take(lines);
            self.held -= lines.len();
            self.lines.extend_from_slice(&lines);
            for content in lines {
                *self.counts.entry(content).or_insert(0) += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::InvoiceTime;

    proptest! {
        /// The short way and the way of lines of any length are one function.
        #[test]
        fn a_hash_does_not_depend_on_how_it_was_made(
            texts in proptest::collection::vec("[ -~é]{0,60}", 5),
            quantity: i32,
            mantissa in -10_000_i64..10_000,
            scale in 0_u32..7,
            known: bool,
        ) {
            let [invoice_no, stock_code, description, customer, country] = [0, 1, 2, 3, 4].map(|n| &*texts[n]);
            let line = |unit_price| LineRef {
                invoice_no,
                stock_code,
                description,
                quantity,
                invoice_time: InvoiceTime(i64::from(quantity)),
                unit_price,
                customer: known.then_some(customer),
                country,
            };
            let price = Decimal::new(mantissa, scale);
            let hash = ContentHash::of(&line(price));
            prop_assert_eq!(hash, ContentHash::streamed(&line(price)));
            prop_assert_eq!(hash, ContentHash::of(&line(price.normalize())));
            let mut longer = price;
            longer.rescale(scale + 3);
            prop_assert_eq!(hash, ContentHash::of(&line(longer)));
        }

        /// Within its capacity a window counts like a map of everything.
        #[test]
        fn a_window_counts_the_lines_of_each_invoice(
            lines in proptest::collection::vec((0_u8..6, 0_u64..4), 0..200),
        ) {
            let mut window = OccurrenceWindow::new(1_000);
            let mut all = std::collections::HashMap::new();
            for (invoice, content) in lines {
                let count = all.entry((invoice, content)).or_insert(0_u32);
                let occurrence = window.next(&invoice.to_string(), ContentHash(content));
                prop_assert_eq!(occurrence, *count);
                *count += 1;
            }
        }
    }

    #[test]
    fn a_window_is_bounded_and_forgets_the_oldest_invoice_first() {
        let mut window = OccurrenceWindow::new(10);
        for invoice in 0..100 {
            for _ in 0..3 {
                window.next(&invoice.to_string(), ContentHash(7));
            }
        }
        assert!(window.held <= 10, "{}", window.held);
        assert_eq!(window.next("99", ContentHash(7)), 3);
        assert_eq!(window.next("98", ContentHash(7)), 3);
        assert_eq!(window.next("0", ContentHash(7)), 0, "long forgotten");
    }
}
