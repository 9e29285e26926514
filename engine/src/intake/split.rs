//! Text to rows and fields, each physical line accounted for.
//!
//! RFC 4180 with two differences, both so that no defect costs more than its own row:
//!
//! - A quote inside a field that did not begin with one is a character of it (`12" RULER`).
//! - A quoted field may span lines only if the whole row then closes with exactly the fields of
//!   the header, within the limits, and none of the lines it swallows would be a row by itself.
//!   Otherwise the quote was never meant to span lines: its own line is set aside as one row,
//!   and reading goes on at the next line. (Other readers lose all rows up to the next quote.)
//!
//! Rows without a quote, nearly all of them, are cut in place. Only rows with one are copied.

use memchr::{memchr, memchr_iter};

use super::encoding::encoded_len;
use super::error::IntakeError;
use super::options::{Limits, TextEncoding};
use super::quoted::{Cut, Cutter, Row};
use super::scan::each_place;
use super::text::TextStream;

pub(super) const QUOTE: u8 = b'"';

/// Bytes kept of a row that is too long to be kept.
const KEPT_OF_LONG: usize = 8 << 10;

/// How a file is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) delimiter: u8,
    /// The last byte of a line end: `\n`, or `\r` for files of old Macs.
    pub(super) terminator: u8,
    pub(super) encoding: TextEncoding,
    /// Fields of a row; 0 while the header is not read.
    pub(super) width: usize,
}

/// What a piece of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A row of so many fields.
    Fields(usize),
    /// An empty line.
    Blank,
    /// One line with a quote that does not close.
    UnclosedQuote,
    /// A row too long, because of one field.
    FieldTooLong,
    /// A row too long.
    RecordTooLong,
    /// The rest of a file that was cut off while written.
    TrailingNuls,
}

/// One row, and where it stands. Its bytes are asked for from the [`Splitter`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) shape: Shape,
    pub(super) line: u64,
    pub(super) byte: u64,
    pub(super) place: Place,
    start: usize,
    len: usize,
}

/// Where the bytes of a row's fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the buffer, as in the file.
    Buffer,
    /// Copied without their quotes.
    Copied,
    /// The row is too long: only its beginning was kept.
    Kept,
}

/// A field: from and to.
pub(super) type Span = (u32, u32);

/// The fields of a row, as far as the limit on columns goes.
pub(super) struct Fields {
    /// Of the length of the limit.
    spans: Box<[Span]>,
    len: usize,
}

impl Fields {
    fn new(limit: usize) -> Self {
        Self {
            spans: vec![(0, 0); limit].into(),
            len: 0,
        }
    }

    const fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, span: Span) {
        if let Some(slot) = self.spans.get_mut(self.len) {
            *slot = span;
            self.len += 1;
        }
    }

    fn as_slice(&self) -> &[Span] {
        self.spans.get(..self.len).unwrap_or_default()
    }
}

/// Where a splitter stood; valid until it reads on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pos: usize,
    line: u64,
    byte: u64,
}

pub(super) struct Splitter {
    stream: TextStream,
    format: Format,
    limits: Limits,
    buf: Vec<u8>,
    pos: usize,
    end: usize,
    at_end: bool,
    read_on: bool,
    /// No quote lies between `pos` and here.
    next_quote: usize,
    line: u64,
    byte: u64,
    fields: Fields,
    copied: Vec<u8>,
    bare_quotes: u64,
    terminated: bool,
}

/// A physical line from `pos` on.
#[derive(Debug, Clone, Copy)]
struct LineEnd {
    /// Bytes without the line end.
    len: usize,
    /// Bytes with it.
    full: usize,
}

impl Splitter {
    /// `byte` is where the text begins in the file.
    pub(super) fn new(
        stream: TextStream,
        head: Vec<u8>,
        format: Format,
        limits: Limits,
        byte: u64,
    ) -> Self {
        Self {
            stream,
            format,
            limits,
            end: head.len(),
            buf: head,
            pos: 0,
            at_end: false,
            read_on: false,
            next_quote: 0,
            line: 1,
            byte,
            fields: Fields::new(limits.columns),
            copied: Vec::new(),
            bare_quotes: 0,
            terminated: true,
        }
    }

    pub(super) const fn stream(&self) -> &TextStream {
        &self.stream
    }

    pub(super) const fn set_width(&mut self, width: usize) {
        self.format.width = width;
    }

    /// Physical lines consumed.
    pub(super) const fn lines(&self) -> u64 {
        self.line - 1
    }

    /// Rows with a quote inside a field that does not begin with one.
    pub(super) const fn bare_quotes(&self) -> u64 {
        self.bare_quotes
    }

    /// Whether the last line had a line end.
    pub(super) const fn terminated(&self) -> bool {
        self.terminated
    }

    /// Whether the next row begins within the head, before anything else was read.
    pub(super) const fn in_head(&self) -> bool {
        !self.read_on && self.pos < self.end
    }

    /// Whether the buffer holds all that is left of the file.
    pub(super) const fn at_end(&self) -> bool {
        self.at_end
    }

    /// Where the next row begins.
    pub(super) const fn mark(&self) -> Mark {
        Mark {
            pos: self.pos,
            line: self.line,
            byte: self.byte,
        }
    }

    /// Back to `mark`, over rows that [`Splitter::advance_in_head`] gave. Once the splitter has
    /// read on the bytes are gone, so it must not have passed over any row then.
    pub(super) const fn reset(&mut self, mark: Mark) {
        if self.read_on {
            assert!(
                self.line == mark.line,
                "rows that were looked at ahead cannot be read again"
            );
            return;
        }
        self.pos = mark.pos;
        self.line = mark.line;
        self.byte = mark.byte;
        self.next_quote = mark.pos;
        self.bare_quotes = 0;
    }

    /// The next row if it can be had without reading on, and so without losing the way back.
    pub(super) fn advance_in_head(&mut self) -> Result<Option<Piece>, IntakeError> {
        if !self.in_head() {
            return Ok(None);
        }
        // A row that spans lines may look as far as the limit on rows ahead, and a line that does
        // not end within the head is read to its end, wherever that is.
        let rest = self.window(usize::MAX);
        let sure = rest.len() > 2 * self.limits.record_bytes
            && memchr(self.format.terminator, rest).is_some();
        if sure || self.at_end {
            return self.advance();
        }
        Ok(None)
    }

    /// Whether only empty lines follow. Does not consume anything.
    pub(super) fn rest_is_blank(&mut self) -> Result<bool, IntakeError> {
        if !self.window(usize::MAX).trim_ascii().is_empty() {
            return Ok(false);
        }
        self.look_ahead()?;
        let blank = self.window(usize::MAX).trim_ascii().is_empty();
        Ok(blank && self.at_end)
    }

    /// Finds out whether the head is the whole file, by reading on behind it if it is short.
    pub(super) fn look_ahead(&mut self) -> Result<(), IntakeError> {
        if !self.at_end && !self.read_on {
            let chunk = self.limits.chunk_bytes.max(1);
            let end = self.stream.read(&mut self.buf, self.end, chunk)?;
            self.at_end = end == self.end;
            self.end = end;
        }
        Ok(())
    }

    /// The row as it stands in the file, without its line end.
    pub(super) fn raw(&self, piece: &Piece) -> &[u8] {
        let bytes = match piece.place {
            Place::Buffer | Place::Copied => self.buf.get(piece.start..piece.start + piece.len),
            Place::Kept => self.copied.get(..piece.len),
        };
        bytes.unwrap_or_default()
    }

    /// The bytes that [`Splitter::fields`] point into.
    pub(super) fn bytes(&self, piece: &Piece) -> &[u8] {
        match piece.place {
            Place::Buffer => self.raw(piece),
            Place::Copied | Place::Kept => &self.copied,
        }
    }

    /// The fields of the last row, as far as the limit on columns goes.
    pub(super) fn fields(&self) -> &[Span] {
        self.fields.as_slice()
    }

    /// The next row; `None` at the end of the file.
    pub(super) fn advance(&mut self) -> Result<Option<Piece>, IntakeError> {
        self.fields.clear();
        let Some(end) = self.line_end()? else {
            return Ok(None);
        };
        let Some(end) = end else {
            return self.skip_long().map(Some);
        };
        let shape = if end.len == 0 {
            Shape::Blank
        } else if end.len == end.full && self.window(end.full).last() == Some(&0) {
            Shape::TrailingNuls
        } else if end.len > self.limits.record_bytes {
            self.too_long(end.len)
        } else if self.quote_within(end.len) {
            return self.quoted(end).map(Some);
        } else {
            self.plain(end.len)
        };
        Ok(Some(self.take(shape, end, 1, Place::Buffer)))
    }

    fn window(&self, len: usize) -> &[u8] {
        let end = self.end.min(self.pos.saturating_add(len));
        self.buf.get(self.pos..end).unwrap_or_default()
    }

    /// Consumes a row.
    fn take(&mut self, shape: Shape, end: LineEnd, lines: u64, place: Place) -> Piece {
        let piece = Piece {
            shape,
            line: self.line,
            byte: self.byte,
            place,
            start: self.pos,
            len: end.len,
        };
        self.terminated = end.full > end.len;
        self.line += lines;
        self.consume(end.full);
        piece
    }

    fn consume(&mut self, len: usize) {
        self.byte += encoded_len(self.window(len), self.format.encoding);
        self.pos += len;
    }

    /// The end of the line at `pos`. `None` at the end of the file, `Some(None)` for a line
    /// whose end is not within the limit on rows.
    #[expect(
        clippy::option_option,
        reason = "the end of the file and the lack of a line end are different answers"
    )]
    fn line_end(&mut self) -> Result<Option<Option<LineEnd>>, IntakeError> {
        let mut scanned = 0;
        loop {
            let rest = self
                .buf
                .get(self.pos + scanned..self.end)
                .unwrap_or_default();
            if let Some(found) = memchr(self.format.terminator, rest) {
                return Ok(Some(Some(self.line_of(scanned + found))));
            }
            scanned = self.end - self.pos;
            if self.at_end {
                let len = scanned;
                return Ok((len > 0).then_some(Some(LineEnd { len, full: len })));
            }
            if scanned > self.limits.record_bytes {
                return Ok(Some(None));
            }
            self.fill()?;
        }
    }

    /// The line whose terminator is `at` bytes on.
    fn line_of(&self, at: usize) -> LineEnd {
        let carriage = self.format.terminator == b'\n' && self.window(at).last() == Some(&b'\r');
        LineEnd {
            len: at - usize::from(carriage),
            full: at + 1,
        }
    }

    /// Reads on, keeping what is not consumed.
    fn fill(&mut self) -> Result<(), IntakeError> {
        let chunk = self.limits.chunk_bytes.max(1);
        let left = self.end - self.pos;
        if self.read_on {
            self.buf.copy_within(self.pos..self.end, 0);
        } else {
            // The head is large; what comes after it needs a small buffer only.
            let mut small = Vec::with_capacity(left + chunk);
            small.extend_from_slice(self.window(left));
            self.buf = small;
            self.read_on = true;
        }
        self.next_quote = self.next_quote.saturating_sub(self.pos);
        self.pos = 0;
        self.end = self.stream.read(&mut self.buf, left, chunk)?;
        self.at_end = self.end == left;
        Ok(())
    }

    fn quote_within(&mut self, len: usize) -> bool {
        let line_end = self.pos + len;
        let known = self.next_quote >= self.pos
            && (self.next_quote >= line_end || self.buf.get(self.next_quote) == Some(&QUOTE));
        if !known {
            let from = self.next_quote.max(self.pos);
            let rest = self.buf.get(from..self.end).unwrap_or_default();
            self.next_quote = from + memchr(QUOTE, rest).unwrap_or(rest.len());
        }
        self.next_quote < line_end
    }

    /// Cuts a line without quotes.
    fn plain(&mut self, len: usize) -> Shape {
        let end = self.end.min(self.pos + len);
        let line = self.buf.get(self.pos..end).unwrap_or_default();
        let (slots, limit) = (&mut *self.fields.spans, self.limits.columns);
        let (mut count, mut start) = (0, 0);
        let mut field = |end| {
            let end = narrow(end);
            if let Some(slot) = slots.get_mut(count) {
                *slot = (start, end);
            }
            start = end + 1;
            count += 1;
        };
        each_place(self.format.delimiter, line, &mut field);
        field(line.len());
        self.fields.len = count.min(limit);
        if line.len() <= self.limits.field_bytes {
            return Shape::Fields(count);
        }
        self.checked(count)
    }

    /// A row of `count` fields, unless one of those kept is too long.
    fn checked(&self, count: usize) -> Shape {
        let limit = self.limits.field_bytes;
        let long = |(from, to): &Span| (to - from) as usize > limit;
        if self.fields().iter().any(long) {
            Shape::FieldTooLong
        } else {
            Shape::Fields(count)
        }
    }

    /// Cuts a line with quotes, or the rows that it begins.
    fn quoted(&mut self, end: LineEnd) -> Result<Piece, IntakeError> {
        let cut = self.cut(end.len);
        if let Cut::Row(row) = cut {
            self.bare_quotes += u64::from(row.bare);
            let shape = self.checked(row.count);
            return Ok(self.take(shape, end, 1, Place::Copied));
        }
        if matches!(cut, Cut::Open)
            && self.format.width > 0
            && let Some((row, end)) = self.spanning()?
        {
            self.bare_quotes += u64::from(row.bare);
            let shape = self.checked(row.count);
            return Ok(self.take(shape, end, row.lines, Place::Copied));
        }
        self.fields.clear();
        Ok(self.take(Shape::UnclosedQuote, end, 1, Place::Buffer))
    }

    /// Tries to read a row whose quoted field spans lines.
    fn spanning(&mut self) -> Result<Option<(Row, LineEnd)>, IntakeError> {
        while !self.at_end && self.end - self.pos <= self.limits.record_bytes {
            self.fill()?;
        }
        let window = self.limits.record_bytes.min(self.end - self.pos);
        let Cut::Row(row) = self.cut(window) else {
            return Ok(None);
        };
        let reaches_end = self.at_end && self.pos + window == self.end;
        if row.count != self.format.width
            || row.lines > self.limits.record_lines
            || !(row.terminated || reaches_end)
            || self.swallows_a_row(&row)
        {
            return Ok(None);
        }
        let end = if row.terminated {
            self.line_of(row.used)
        } else {
            LineEnd {
                len: row.used,
                full: row.used,
            }
        };
        Ok(Some((row, end)))
    }

    /// Whether a line after the first of a row would be a row by itself. If the spanning field
    /// is the first one, its last line has as many fields as a row by rights.
    fn swallows_a_row(&self, row: &Row) -> bool {
        let raw = self.window(row.used);
        let last = row.lines - 1;
        raw.split(|byte| *byte == self.format.terminator)
            .zip(0_u64..)
            .skip(1)
            .filter(|(_, place)| *place < last || row.spanning_field > 0)
            .any(|(line, _)| {
                memchr_iter(self.format.delimiter, line).count() + 1 == self.format.width
            })
    }

    fn cut(&mut self, len: usize) -> Cut {
        self.fields.clear();
        self.copied.clear();
        let end = self.end.min(self.pos + len);
        let text = self.buf.get(self.pos..end).unwrap_or_default();
        Cutter::new(text, self.format, &mut self.fields, &mut self.copied).run()
    }

    /// Why a line of more than the limit is too long.
    fn too_long(&self, len: usize) -> Shape {
        let limit = self.limits.field_bytes;
        let long_field = self
            .window(len.min(self.limits.record_bytes + 1))
            .split(|byte| *byte == self.format.delimiter)
            .any(|field| field.len() > limit);
        if long_field {
            Shape::FieldTooLong
        } else {
            Shape::RecordTooLong
        }
    }

    /// Passes over a line whose end is out of sight, keeping its beginning only.
    fn skip_long(&mut self) -> Result<Piece, IntakeError> {
        let verdict = self.too_long(usize::MAX);
        let (line, byte) = (self.line, self.byte);
        let kept = self.window(KEPT_OF_LONG).to_vec();
        let mut last = 0;
        let terminated = loop {
            let rest = self.window(usize::MAX);
            let found = memchr(self.format.terminator, rest);
            let len = found.unwrap_or(rest.len());
            if let Some(byte) = rest.get(..len).and_then(<[u8]>::last) {
                last = *byte;
            }
            self.consume(len + usize::from(found.is_some()));
            if found.is_some() || self.at_end {
                break found.is_some();
            }
            self.fill()?;
        };
        self.line += 1;
        self.terminated = terminated;
        self.copied = kept;
        Ok(Piece {
            shape: if !terminated && last == 0 {
                Shape::TrailingNuls
            } else {
                verdict
            },
            line,
            byte,
            place: Place::Kept,
            start: 0,
            len: self.copied.len(),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a row has at most 64 KiB, and a place in one lies within it"
)]
pub(super) const fn narrow(at: usize) -> u32 {
    at as u32
}
