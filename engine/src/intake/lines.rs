//! Rows to lines: the reader that preview, check and load share.

use std::path::Path;
use std::sync::Arc;

use crate::clean::{
    CODE_LIMITS, DateOrder, DateProblem, DecimalMark, NumberProblem, RuleSet, Rules,
    parse_customer, parse_date, parse_price, parse_quantity, trim,
};
use crate::codec::record::LineRecord;
use crate::model::{InvoiceTime, LineRef, OccurrenceWindow, Reason, Region, Reject, RowNo, Shard};
use crate::route::RoutingMap;

use super::error::IntakeError;
use super::header::{ColumnPlaces, folded};
use super::open::{self, Opened};
use super::options::{Column, ReadOptions, TextEncoding};
use super::plan::{ReadPlan, WarningCode};
use super::reject::{Defect, RAW_BYTES_MAX, message, text_of};
use super::scan::has_byte_below_space;
use super::source::Source;
use super::split::{Piece, Place, Shape, Span, Splitter};

/// A line that flows, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanLine<'a> {
    /// The line with its identity.
    pub record: LineRecord<'a>,
    /// The region of its country.
    pub region: Region,
    /// The shard of its invoice.
    pub shard: Shard,
}

/// A row that does not flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside<'a> {
    /// Where it is, why, and what it says.
    pub reject: Reject,
    /// The line, if the row is one: it was set aside by a rule or for its country.
    pub line: Option<LineRecord<'a>>,
    /// The region of its country, if both are known.
    pub region: Option<Region>,
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadRow<'a> {
    /// It flows.
    Clean(CleanLine<'a>),
    /// It does not. Boxed: it is rare and large.
    SetAside(Box<SetAside<'a>>),
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadProgress {
    /// Bytes of the file, as packed, read so far; up to a head ahead of the rows.
    pub bytes: u64,
    /// All bytes of the file, as packed.
    pub total_bytes: u64,
    /// Data rows delivered, clean or set aside.
    pub rows: u64,
    /// Physical lines passed, the header included.
    pub lines: u64,
}

/// Reads a file row by row, in constant memory.
pub struct LineReader {
    splitter: Splitter,
    plan: ReadPlan,
    typer: Typer,
    in_force: RuleSet,
    window: OccurrenceWindow,
    rows: u64,
    /// The last row.
    last: Option<Piece>,
    /// Rules that the last row matches, in force or not.
    matched: RuleSet,
}

impl LineReader {
    /// Opens a file and decides how it is read.
    pub fn open(
        path: &Path,
        options: &ReadOptions,
        rules: &Rules,
        routing: &Arc<RoutingMap>,
    ) -> Result<Self, IntakeError> {
        Self::over(Source::open(path)?, options, rules, routing)
    }

    /// Reads bytes as if they were a file: for rows mended by hand.
    pub fn of_bytes(
        bytes: Vec<u8>,
        options: &ReadOptions,
        rules: &Rules,
        routing: &Arc<RoutingMap>,
    ) -> Result<Self, IntakeError> {
        Self::over(Source::of_bytes(bytes)?, options, rules, routing)
    }

    fn over(
        source: Source,
        options: &ReadOptions,
        rules: &Rules,
        routing: &Arc<RoutingMap>,
    ) -> Result<Self, IntakeError> {
        let Opened {
            splitter,
            plan,
            places,
        } = open::open(source, options)?;
        Ok(Self {
            typer: Typer {
                places,
                width: plan.header.len(),
                order: plan.date_order.value,
                decimal: plan.decimal.value,
                encoding: plan.encoding.value,
                routing: Arc::clone(routing),
                memo: Memo::default(),
            },
            splitter,
            plan,
            in_force: rules.in_force(),
            window: OccurrenceWindow::new(OccurrenceWindow::DEFAULT_CAPACITY),
            rows: 0,
            last: None,
            matched: RuleSet::default(),
        })
    }

    /// How the file is read. Warnings that only its end shows are added at its end.
    pub const fn plan(&self) -> &ReadPlan {
        &self.plan
    }

    /// How far the reader is.
    pub fn progress(&self) -> ReadProgress {
        let (bytes, total_bytes) = self.splitter.stream().source().progress();
        ReadProgress {
            bytes,
            total_bytes,
            rows: self.rows,
            lines: self.splitter.lines(),
        }
    }

    /// To be asked after the last row: whether the file is still the one that was opened.
    pub fn finish_check(&self) -> Result<(), IntakeError> {
        self.splitter.stream().source().check_unchanged()
    }

    /// Whether the next row lies in the head, which is read already.
    pub(super) const fn in_head(&self) -> bool {
        self.splitter.in_head()
    }

    /// Whether nothing is left to read.
    pub(super) const fn at_end(&self) -> bool {
        self.splitter.at_end()
    }

    /// The rules that the last row matches, in force or not.
    pub(super) const fn matched(&self) -> RuleSet {
        self.matched
    }

    /// Physical line and text of the last row, as a rejection has them.
    pub(super) fn last_raw(&self) -> (u64, String) {
        self.last.as_ref().map_or_else(Default::default, |piece| {
            let raw = self.splitter.raw(piece);
            (piece.line, text_of(raw, RAW_BYTES_MAX))
        })
    }

    /// The text of the last date that could be read.
    pub(super) fn last_date(&self) -> &[u8] {
        &self.typer.memo.date
    }

    /// The next row; `None` at the end of the file.
    #[expect(
        clippy::should_implement_trait,
        reason = "the row borrows from the reader, which an Iterator cannot express"
    )]
    pub fn next(&mut self) -> Result<Option<ReadRow<'_>>, IntakeError> {
        let Some(piece) = self.splitter.advance()? else {
            self.warn_of_end();
            return Ok(None);
        };
        if piece.shape == Shape::TrailingNuls {
            let message = "the file ends in zero bytes: it was cut off while written".to_owned();
            self.plan.warn(WarningCode::FileTrailingNuls, message);
        }
        self.rows += 1;
        self.last = Some(piece);
        self.matched = RuleSet::default();
        let Self {
            splitter,
            typer,
            window,
            ..
        } = self;
        let row = RowNo(self.rows);
        let typed = match typer.type_row(splitter, &piece) {
            Ok(typed) => typed,
            Err(defect) => {
                let aside = typer.set_aside(splitter, &piece, row, defect);
                return Ok(Some(ReadRow::SetAside(Box::new(SetAside {
                    reject: aside,
                    line: None,
                    region: None,
                }))));
            }
        };
        let (line, shard, region) = typer.line_of(&typed);
        let content = line.content_hash();
        let occurrence = window.next(line.invoice_no, content);
        let record = LineRecord {
            line,
            occurrence,
            line_id: content.line_id(occurrence),
            row,
        };
        self.matched = RuleSet::matching(&line, occurrence);
        let rule = self.matched.and(self.in_force).first();
        if let (Some(region), None) = (region, rule) {
            return Ok(Some(ReadRow::Clean(CleanLine {
                record,
                region,
                shard,
            })));
        }
        let defect = if region.is_none() {
            Defect::of_field(Reason::UnroutableCountry, Column::Country)
        } else {
            let reason = rule.map_or(Reason::UnroutableCountry, crate::clean::Rule::reason);
            rule_defect(reason)
        };
        let reject = typer.set_aside(splitter, &piece, row, defect);
        Ok(Some(ReadRow::SetAside(Box::new(SetAside {
            reject,
            line: Some(record),
            region,
        }))))
    }

    fn warn_of_end(&mut self) {
        if !self.splitter.terminated() && !self.plan.has_warning(WarningCode::FileTrailingNuls) {
            let message =
                "the last line has no line end; the file may have been cut off".to_owned();
            self.plan.warn(WarningCode::FileNoFinalNewline, message);
        }
        let bare = self.splitter.bare_quotes();
        if bare > 0 {
            let message = format!(
                "{bare} rows have a quote inside a field that is not quoted; it is kept as text"
            );
            self.plan.warn(WarningCode::BareQuote, message);
        }
    }
}

/// The column that a rule looks at.
const fn rule_defect(reason: Reason) -> Defect {
    match reason {
        Reason::Cancellation => Defect::of_field(reason, Column::InvoiceNo),
        Reason::NonpositiveQuantity => Defect::of_field(reason, Column::Quantity),
        Reason::NonpositivePrice => Defect::of_field(reason, Column::UnitPrice),
        Reason::NoCustomer => Defect::of_field(reason, Column::CustomerId),
        _ => Defect::of_row(reason),
    }
}

/// Turns fields into a line.
struct Typer {
    places: ColumnPlaces,
    width: usize,
    order: DateOrder,
    decimal: DecimalMark,
    encoding: TextEncoding,
    routing: Arc<RoutingMap>,
    memo: Memo,
}

/// What the row before said: most rows repeat its invoice, time and country.
#[derive(Default)]
struct Memo {
    date: Vec<u8>,
    time: Option<InvoiceTime>,
    country: Vec<u8>,
    route: Option<usize>,
    invoice: Vec<u8>,
    shard: Option<Shard>,
}

/// A row whose fields are all well formed.
struct Typed<'a> {
    invoice_no: &'a str,
    stock_code: &'a str,
    description: &'a str,
    country: &'a str,
    customer: Option<&'a str>,
    quantity: i32,
    invoice_time: InvoiceTime,
    unit_price: rust_decimal::Decimal,
    shard: Shard,
    route: Option<usize>,
}

impl Typer {
    fn type_row<'a>(&mut self, splitter: &'a Splitter, piece: &Piece) -> Result<Typed<'a>, Defect> {
        let text = self.checked_text(splitter, piece)?;
        let spans = splitter.fields();
        let fields = self.places.map(|place| trimmed(text, spans, place));
        let [
            invoice_no,
            stock_code,
            description,
            quantity,
            date,
            price,
            customer,
            country,
        ] = fields;
        self.required(text, spans, &fields)?;
        let quantity = match parse_quantity(quantity.as_bytes(), self.decimal) {
            Ok(quantity) => quantity,
            Err(problem) => return Err(self.bad_quantity(text, spans, problem)),
        };
        let unit_price = parse_price(price.as_bytes(), self.decimal).map_err(|problem| {
            let reason = match problem {
                NumberProblem::NotANumber => Reason::BadPrice,
                NumberProblem::OutOfRange => Reason::PriceOutOfRange,
            };
            Defect::of_field(reason, Column::UnitPrice)
        })?;
        let invoice_time = self.memo.time_of(date.as_bytes(), self.order)?;
        let customer = parse_customer(customer)
            .map_err(|_not| Defect::of_field(Reason::BadCustomer, Column::CustomerId))?;
        lengths(&fields, customer)?;
        let shard = self.memo.shard_of(invoice_no);
        let route = self.memo.route_of(country, &self.routing);
        Ok(Typed {
            invoice_no,
            stock_code,
            description,
            country,
            customer,
            quantity,
            invoice_time,
            unit_price,
            shard,
            route,
        })
    }

    /// The line of a row, its country spelled as on the map.
    fn line_of<'a>(&'a self, typed: &Typed<'a>) -> (LineRef<'a>, Shard, Option<Region>) {
        let route = typed.route.and_then(|place| self.routing.route_at(place));
        let line = LineRef {
            invoice_no: typed.invoice_no,
            stock_code: typed.stock_code,
            description: typed.description,
            quantity: typed.quantity,
            invoice_time: typed.invoice_time,
            unit_price: typed.unit_price,
            customer: typed.customer,
            country: route.map_or(typed.country, |route| route.country),
        };
        (line, typed.shard, route.map(|route| route.region))
    }

    /// The text of a row that has the fields of the header.
    fn checked_text<'a>(&self, splitter: &'a Splitter, piece: &Piece) -> Result<&'a str, Defect> {
        if piece.place == Place::Kept || piece.shape == Shape::TrailingNuls {
            // Too long to be looked at as a whole, or zeros.
            return Err(Defect::of_row(reason_of(piece.shape)));
        }
        let raw = splitter.raw(piece);
        let not_text = |_invalid| Defect::of_row(Reason::BadEncoding);
        let mut text = str::from_utf8(raw).map_err(not_text)?;
        if matches!(self.encoding, TextEncoding::Utf16Le | TextEncoding::Utf16Be)
            && text.contains('\u{fffd}')
        {
            return Err(Defect::of_row(Reason::BadEncoding));
        }
        let copied = piece.place == Place::Copied;
        if has_control(raw, copied) {
            return Err(Defect::of_row(Reason::ControlChar));
        }
        match piece.shape {
            Shape::Fields(count) if count == self.width => {}
            Shape::Fields(count) => {
                return Err(Defect {
                    fields: count,
                    ..Defect::of_row(Reason::Ragged)
                });
            }
            shape => return Err(Defect::of_row(reason_of(shape))),
        }
        if copied {
            text = str::from_utf8(splitter.bytes(piece)).map_err(not_text)?;
        }
        Ok(text)
    }

    /// Checks that nothing is empty that a line cannot do without.
    fn required(&self, text: &str, spans: &[Span], fields: &[&str; 8]) -> Result<(), Defect> {
        let empty = |column: &Column| {
            fields[*column as usize].is_empty()
                && !matches!(column, Column::Description | Column::CustomerId)
        };
        let Some(column) = Column::ALL.iter().find(|column| empty(column)) else {
            return Ok(());
        };
        let blank = (0..spans.len()).all(|place| trimmed(text, spans, place).is_empty());
        Err(if blank {
            Defect::of_row(Reason::Blank)
        } else if self.is_header(text, spans) {
            Defect::of_row(Reason::HeaderRepeat)
        } else {
            Defect::of_field(Reason::MissingField, *column)
        })
    }

    #[cold]
    fn bad_quantity(&self, text: &str, spans: &[Span], problem: NumberProblem) -> Defect {
        if self.is_header(text, spans) {
            return Defect::of_row(Reason::HeaderRepeat);
        }
        let reason = match problem {
            NumberProblem::NotANumber => Reason::BadQuantity,
            NumberProblem::OutOfRange => Reason::QuantityOutOfRange,
        };
        Defect::of_field(reason, Column::Quantity)
    }

    /// Whether each column of a line holds one of its own names.
    fn is_header(&self, text: &str, spans: &[Span]) -> bool {
        Column::ALL.into_iter().all(|column| {
            let name = folded(trimmed(text, spans, self.places[column as usize]));
            column.synonyms().contains(&name.as_str())
        })
    }

    #[cold]
    fn set_aside(&self, splitter: &Splitter, piece: &Piece, row: RowNo, defect: Defect) -> Reject {
        let field = defect.column.and_then(|column| {
            let (from, to) = *splitter.fields().get(self.places[column as usize])?;
            let field = splitter.bytes(piece).get(from as usize..to as usize)?;
            Some(trim(field))
        });
        Reject {
            row,
            line: piece.line,
            byte: piece.byte,
            column: defect.column.map(|column| column.name().to_owned()),
            reason: defect.reason,
            message: message(defect, field.unwrap_or_default(), self.width, self.order),
            raw: text_of(splitter.raw(piece), RAW_BYTES_MAX),
        }
    }
}

impl Memo {
    fn time_of(&mut self, field: &[u8], order: DateOrder) -> Result<InvoiceTime, Defect> {
        if let (Some(time), true) = (self.time, self.date == field) {
            return Ok(time);
        }
        let time = match parse_date(field, order) {
            Ok(reading) => reading.time,
            Err(problem) => {
                let reason = match problem {
                    DateProblem::NotADate => Reason::BadDate,
                    DateProblem::OtherOrder(_) => Reason::AmbiguousDate,
                };
                return Err(Defect::of_field(reason, Column::InvoiceDate));
            }
        };
        remember(&mut self.date, field);
        self.time = Some(time);
        Ok(time)
    }

    fn route_of(&mut self, country: &str, routing: &RoutingMap) -> Option<usize> {
        if self.country != country.as_bytes() {
            remember(&mut self.country, country.as_bytes());
            self.route = routing.place_of(country);
        }
        self.route
    }

    fn shard_of(&mut self, invoice_no: &str) -> Shard {
        if let (Some(shard), true) = (self.shard, self.invoice == invoice_no.as_bytes()) {
            return shard;
        }
        remember(&mut self.invoice, invoice_no.as_bytes());
        let shard = Shard::of_invoice(invoice_no);
        self.shard = Some(shard);
        shard
    }
}

fn remember(memo: &mut Vec<u8>, field: &[u8]) {
    memo.clear();
    memo.extend_from_slice(field);
}

fn lengths(fields: &[&str; 8], customer: Option<&str>) -> Result<(), Defect> {
    let limits = [
        (Column::InvoiceNo, CODE_LIMITS.invoice_no),
        (Column::StockCode, CODE_LIMITS.stock_code),
        (Column::Description, CODE_LIMITS.description),
        (Column::Country, CODE_LIMITS.country),
    ];
    for (column, limit) in limits {
        if fields[column as usize].len() > limit {
            return Err(Defect::of_field(Reason::FieldTooLong, column));
        }
    }
    if customer.is_some_and(|customer| customer.len() > CODE_LIMITS.customer) {
        return Err(Defect::of_field(Reason::FieldTooLong, Column::CustomerId));
    }
    Ok(())
}

const fn reason_of(shape: Shape) -> Reason {
    match shape {
        Shape::Fields(_) => Reason::Ragged,
        Shape::Blank => Reason::Blank,
        Shape::UnclosedQuote => Reason::UnclosedQuote,
        Shape::FieldTooLong => Reason::FieldTooLong,
        Shape::RecordTooLong => Reason::RecordTooLong,
        Shape::TrailingNuls => Reason::TrailingNuls,
    }
}

/// Whether a control character is in the row: any below space except the tab, and except line
/// ends where a quoted field may hold them.
fn has_control(raw: &[u8], quoted: bool) -> bool {
    // Nearly no row has one, so that is found out first.
    has_byte_below_space(raw)
        && raw.iter().any(|byte| match byte {
            b'\t' => false,
            b'\n' | b'\r' => !quoted,
            byte => *byte < b' ',
        })
}

/// A field without the spaces and tabs around it.
#[inline]
fn trimmed<'a>(text: &'a str, spans: &[Span], place: usize) -> &'a str {
    let (from, to) = spans.get(place).copied().unwrap_or_default();
    let field = text.get(from as usize..to as usize).unwrap_or_default();
    // Nearly no field has one; what else lies there is left alone by the trimming itself.
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte <= b' ');
    let bytes = field.as_bytes();
    if edge(bytes.first()) || edge(bytes.last()) {
        return field.trim_matches([' ', '\t']);
    }
    field
}
