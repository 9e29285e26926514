//! Rows with quotes, the few: their fields are copied while quotes are taken off.

use memchr::{memchr, memchr_iter, memchr2};

use super::split::{Fields, Format, QUOTE, narrow};

/// What became of an attempt to cut a row with quotes.
pub(super) enum Cut {
    Row(Row),
    /// A quote is open at the end of the text.
    Open,
    /// Something follows a closing quote that is not a delimiter.
    Broken,
}

/// A row with quotes that was cut.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    pub(super) count: usize,
    /// Bytes up to the line end or the end of the text.
    pub(super) used: usize,
    pub(super) lines: u64,
    pub(super) terminated: bool,
    pub(super) bare: bool,
    /// The last field with a line end in it.
    pub(super) spanning_field: usize,
}

/// Cuts one row with quotes, copying its fields.
pub(super) struct Cutter<'a> {
    text: &'a [u8],
    at: usize,
    format: Format,
    fields: &'a mut Fields,
    copied: &'a mut Vec<u8>,
    row: Row,
}

enum FieldEnd {
    Field,
    Row,
    Open,
    Broken,
}

impl<'a> Cutter<'a> {
    /// Of one row, which begins with `text`; its fields are spans of `copied`.
    pub(super) fn new(
        text: &'a [u8],
        format: Format,
        fields: &'a mut Fields,
        copied: &'a mut Vec<u8>,
    ) -> Self {
        Self {
            text,
            at: 0,
            format,
            fields,
            copied,
            row: Row::default(),
        }
    }

    /// Cuts the row.
    pub(super) fn run(mut self) -> Cut {
        self.row.lines = 1;
        loop {
            let start = self.copied.len();
            let end = if self.text.get(self.at) == Some(&QUOTE) {
                self.quoted_field()
            } else {
                self.plain_field()
            };
            self.fields.push((narrow(start), narrow(self.copied.len())));
            self.row.count += 1;
            match end {
                FieldEnd::Field => {}
                FieldEnd::Row => return Cut::Row(self.row),
                FieldEnd::Open => return Cut::Open,
                FieldEnd::Broken => return Cut::Broken,
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn quoted_field(&mut self) -> FieldEnd {
        self.at += 1;
        loop {
            let Some(len) = memchr(QUOTE, self.rest()) else {
                return FieldEnd::Open;
            };
            let part = self.text.get(self.at..self.at + len).unwrap_or_default();
            let lines = memchr_iter(self.format.terminator, part).count() as u64;
            if lines > 0 {
                self.row.lines += lines;
                self.row.spanning_field = self.row.count;
            }
            self.copied.extend_from_slice(part);
            self.at += len + 1;
            if self.text.get(self.at) != Some(&QUOTE) {
                return self.after_quote();
            }
            self.copied.push(QUOTE);
            self.at += 1;
        }
    }

    /// What follows a closing quote: spaces, then the end of the field.
    fn after_quote(&mut self) -> FieldEnd {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match self.rest() {
            [byte, ..] if *byte == self.format.delimiter => {
                self.at += 1;
                FieldEnd::Field
            }
            [b'\r', b'\n', ..] if self.format.terminator == b'\n' => {
                self.at += 1;
                self.end_row()
            }
            [] => self.end_row(),
            [byte, ..] if *byte == self.format.terminator => self.end_row(),
            _ => FieldEnd::Broken,
        }
    }

    fn plain_field(&mut self) -> FieldEnd {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = memchr2(self.format.delimiter, self.format.terminator, rest);
        let mut part = rest.get(..len.unwrap_or(rest.len())).unwrap_or_default();
        self.at += part.len();
        let ends_row = self.text.get(self.at) != Some(&self.format.delimiter);
        if let (true, b'\n', Some(_), [text @ .., b'\r']) =
            (ends_row, self.format.terminator, len, part)
        {
            part = text;
        }
        self.row.bare |= memchr(QUOTE, part).is_some();
        self.copied.extend_from_slice(part);
        if ends_row {
            return self.end_row();
        }
        self.at += 1;
        FieldEnd::Field
    }

    fn end_row(&mut self) -> FieldEnd {
        self.row.used = self.at;
        self.row.terminated = self.at < self.text.len();
        FieldEnd::Row
    }
}
