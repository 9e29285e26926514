//! Opening a file: from its head to a plan and a splitter that stands on the first data row.

use memchr::memchr;

use crate::clean::{DateOrder, DateProblem, DecimalMark, parse_date, parse_price, trim};

use super::encoding::{byte_order_mark, detect, foreign_kind};
use super::error::IntakeError;
use super::header::{self, ColumnPlaces};
use super::options::{Column, Delimiter, ReadOptions, TextEncoding};
use super::plan::{Basis, Decision, ReadPlan, WarningCode};
use super::source::Source;
use super::split::{Format, Shape, Splitter};
use super::text::TextStream;

/// Dates of one order more than of the other after which the order is settled: enough that a
/// slip of the pen near the top does not turn the whole file round.
const DATES_TO_SETTLE: u64 = 64;

/// The same for prices of one decimal mark.
const PRICES_TO_SETTLE: u64 = 64;

/// A file opened: what `LineReader` is made of.
pub(super) struct Opened {
    pub(super) splitter: Splitter,
    pub(super) plan: ReadPlan,
    pub(super) places: ColumnPlaces,
}

pub(super) fn open(mut source: Source, options: &ReadOptions) -> Result<Opened, IntakeError> {
    let head = read_head(&mut source, options.limits.head_bytes)?;
    if head.is_empty() {
        return Err(IntakeError::Empty);
    }
    if let Some(kind) = foreign_kind(&head) {
        return Err(IntakeError::NotCsv { kind });
    }
    let packing = source.packing();
    let short = head.len() < options.limits.head_bytes;
    let (encoding, mark_bytes, strays) = decide_encoding(&head, options);
    let mut stream = TextStream::new(source, encoding.value);
    let text = stream.text_of_head(head, mark_bytes);
    if let Some(kind) = foreign_kind(&text) {
        return Err(IntakeError::NotCsv { kind });
    }
    let terminator = terminator_of(&text);
    let preamble = preamble(&text, terminator);
    let (delimiter, known) = decide_delimiter(&text, preamble.sep, terminator, options);
    let format = Format {
        delimiter: delimiter.value.byte(),
        terminator,
        encoding: encoding.value,
        width: 0,
    };
    let mut splitter = Splitter::new(stream, text, format, options.limits, mark_bytes as u64);
    if short {
        splitter.look_ahead()?;
    }
    for _line in 0..preamble.lines {
        splitter.advance()?;
    }
    let header_line = splitter.lines() + 1;
    let names = header_names(&mut splitter, header_line, known, options)?;
    splitter.set_width(names.len());
    let (header, places) = header::map(names, options)?;
    let (date_order, mixed) = decide_dates(&mut splitter, &places, options)?;
    let decimal = decide_decimal(&mut splitter, &places, options)?;
    let mut plan = ReadPlan {
        packing,
        encoding,
        delimiter,
        date_order,
        decimal,
        header,
        header_line,
        warnings: Vec::new(),
    };
    warn_of_decisions(&mut plan, strays, mixed);
    Ok(Opened {
        splitter,
        plan,
        places,
    })
}

fn read_head(source: &mut Source, limit: usize) -> Result<Vec<u8>, IntakeError> {
    // Grows with the file, so that a small file does not take a large buffer.
    let mut head = vec![0; limit.clamp(1, 64 << 10)];
    let mut len = 0;
    loop {
        if len == head.len() {
            if len >= limit {
                break;
            }
            head.resize((len * 4).min(limit), 0);
        }
        let read = source.read(head.get_mut(len..).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        len += read;
    }
    head.truncate(len);
    Ok(head)
}

fn decide_encoding(head: &[u8], options: &ReadOptions) -> (Decision<TextEncoding>, usize, u64) {
    let Some(value) = options.encoding else {
        let found = detect(head);
        let decision = Decision {
            value: found.encoding,
            basis: Basis::Detected,
            evidence: found.evidence,
        };
        return (decision, found.mark_bytes, found.strays);
    };
    let mark = byte_order_mark(head).filter(|(encoding, _)| *encoding == value);
    let decision = Decision {
        value,
        basis: Basis::Given,
        evidence: "chosen".to_owned(),
    };
    (decision, mark.map_or(0, |(_, bytes)| bytes), 0)
}

/// `\n`, unless the file has `\r` only, as old Macs write.
fn terminator_of(text: &[u8]) -> u8 {
    if memchr(b'\n', text).is_none() && memchr(b'\r', text).is_some() {
        b'\r'
    } else {
        b'\n'
    }
}

/// What stands before the header.
struct Preamble {
    /// Lines to pass over: empty ones and `sep=`.
    lines: u64,
    sep: Option<u8>,
}

fn preamble(text: &[u8], terminator: u8) -> Preamble {
    let mut found = Preamble {
        lines: 0,
        sep: None,
    };
    for line in text.split(|byte| *byte == terminator) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [] => {}
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', sep] if found.sep.is_none() => {
                found.sep = Some(*sep);
            }
            _ => break,
        }
        found.lines += 1;
    }
    found
}

fn decide_delimiter(
    text: &[u8],
    sep: Option<u8>,
    terminator: u8,
    options: &ReadOptions,
) -> (Decision<Delimiter>, usize) {
    let limit = options.limits.record_bytes;
    let header = text
        .get(..limit)
        .unwrap_or(text)
        .split(|byte| *byte == terminator)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .find(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with(b"sep="))
        .unwrap_or_default();
    let found = header::delimiter_of(&String::from_utf8_lossy(header));
    let known = found.map_or(0, |(_, known)| known);
    let named = sep.and_then(|sep| Delimiter::ALL.into_iter().find(|d| d.byte() == sep));
    let (value, basis, evidence) = if let Some(value) = options.delimiter {
        (value, Basis::Given, "chosen".to_owned())
    } else if let Some(value) = named {
        (
            value,
            Basis::Detected,
            "the first line says so (sep=)".to_owned(),
        )
    } else if let Some((value, known)) = found {
        let evidence = format!("it divides the header into {known} names that are known");
        (value, Basis::Detected, evidence)
    } else {
        let evidence = "no name in the first line is known".to_owned();
        (Delimiter::Comma, Basis::Assumed, evidence)
    };
    let decision = Decision {
        value,
        basis,
        evidence,
    };
    (decision, known)
}

fn header_names(
    splitter: &mut Splitter,
    line: u64,
    known: usize,
    options: &ReadOptions,
) -> Result<Vec<String>, IntakeError> {
    let Some(piece) = splitter.advance()? else {
        return Err(IntakeError::Empty);
    };
    let bad = |detail: &str| IntakeError::BadHeader {
        line,
        detail: detail.to_owned(),
    };
    match piece.shape {
        Shape::Fields(count) if count > options.limits.columns => {
            let limit = options.limits.columns;
            return Err(bad(&format!("it has {count} columns, more than {limit}")));
        }
        Shape::Fields(_) => {}
        Shape::Blank | Shape::TrailingNuls => return Err(IntakeError::Empty),
        Shape::UnclosedQuote => return Err(bad("a quote is not closed")),
        Shape::FieldTooLong | Shape::RecordTooLong => {
            return Err(IntakeError::HeaderTooLong {
                limit: options.limits.record_bytes,
            });
        }
    }
    let text = str::from_utf8(splitter.bytes(&piece))
        .map_err(|_invalid| bad("it is not text in the file's encoding"))?;
    if text.trim().is_empty() {
        return Err(IntakeError::Empty);
    }
    let names = splitter
        .fields()
        .iter()
        .map(|(from, to)| text.get(*from as usize..*to as usize).unwrap_or_default())
        .map(|name| name.trim().to_owned())
        .collect();
    // A header of known names with nothing below it; an unknown one has a better error.
    if known > 0 && splitter.rest_is_blank()? {
        return Err(IntakeError::NoDataRows);
    }
    Ok(names)
}

/// Counts which order the dates of the head prove. The second value is a description of the
/// contradiction, if there is one.
fn decide_dates(
    splitter: &mut Splitter,
    places: &ColumnPlaces,
    options: &ReadOptions,
) -> Result<(Decision<DateOrder>, Option<String>), IntakeError> {
    if let Some(value) = options.date_order {
        let evidence = "chosen".to_owned();
        let decision = Decision {
            value,
            basis: Basis::Given,
            evidence,
        };
        return Ok((decision, None));
    }
    let start = splitter.mark();
    let (mut month, mut day, mut either) = (0_u64, 0_u64, 0_u64);
    let mut first_proof = 0;
    while let Some(piece) = splitter.advance_in_head()? {
        let Some(reading) = date_of(splitter, &piece, places) else {
            continue;
        };
        match reading {
            Some(DateOrder::MonthFirst) => month += 1,
            Some(DateOrder::DayFirst) => day += 1,
            None => either += 1,
        }
        if month + day == 1 && reading.is_some() {
            first_proof = piece.line;
        }
        if month.abs_diff(day) >= DATES_TO_SETTLE {
            break;
        }
    }
    splitter.reset(start);
    let (value, count) = if day > month {
        (DateOrder::DayFirst, day)
    } else {
        (DateOrder::MonthFirst, month)
    };
    if count == 0 {
        let evidence = format!("all {either} dates looked at fit both orders, or need none");
        let basis = if either == 0 {
            Basis::Detected
        } else {
            Basis::Assumed
        };
        let decision = Decision {
            value,
            basis,
            evidence,
        };
        return Ok((decision, None));
    }
    let other = month.min(day);
    let evidence =
        format!("line {first_proof} is the first of {count} dates or more that fit one order only");
    let mixed = (other > 0).then(|| {
        format!(
            "{month} dates at the head fit only month first and {day} only day first; the fewer are set aside"
        )
    });
    let decision = Decision {
        value,
        basis: Basis::Detected,
        evidence,
    };
    Ok((decision, mixed))
}

/// Counts which mark the prices of the head have.
fn decide_decimal(
    splitter: &mut Splitter,
    places: &ColumnPlaces,
    options: &ReadOptions,
) -> Result<Decision<DecimalMark>, IntakeError> {
    if let Some(value) = options.decimal {
        return Ok(Decision {
            value,
            basis: Basis::Given,
            evidence: "chosen".to_owned(),
        });
    }
    let start = splitter.mark();
    let (mut points, mut commas, mut first_comma) = (0_u64, 0_u64, 0);
    while let Some(piece) = splitter.advance_in_head()? {
        match mark_of(splitter, &piece, places) {
            Some(DecimalMark::Point) => points += 1,
            Some(DecimalMark::Comma) => {
                if commas == 0 {
                    first_comma = piece.line;
                }
                commas += 1;
            }
            None => {}
        }
        if points.abs_diff(commas) >= PRICES_TO_SETTLE {
            break;
        }
    }
    splitter.reset(start);
    let (value, evidence) = match (points, commas) {
        (0, 0) => (
            DecimalMark::Point,
            "no price looked at has decimals".to_owned(),
        ),
        (_, 0) => (
            DecimalMark::Point,
            format!("{points} prices looked at have a point, none a comma"),
        ),
        _ if commas > points => (
            DecimalMark::Comma,
            format!(
                "line {first_comma} is the first of {commas} prices with a comma; {points} have a point"
            ),
        ),
        _ => (
            DecimalMark::Point,
            format!("{points} prices looked at have a point, {commas} a comma and are set aside"),
        ),
    };
    Ok(Decision {
        value,
        basis: Basis::Detected,
        evidence,
    })
}

/// The mark of the price of a row; `None` for one without decimals, or that is no price.
fn mark_of(
    splitter: &Splitter,
    piece: &super::split::Piece,
    places: &ColumnPlaces,
) -> Option<DecimalMark> {
    let (from, to) = *splitter.fields().get(places[Column::UnitPrice as usize])?;
    let field = trim(splitter.bytes(piece).get(from as usize..to as usize)?);
    let mark = DecimalMark::ALL
        .into_iter()
        .find(|mark| field.contains(&mark.byte()))?;
    parse_price(field, mark).ok()?;
    // What is written 1,200 may be twelve hundred or one and a fifth: it proves nothing.
    let decimals = field.rsplit(|byte| *byte == mark.byte()).next()?.len();
    (mark == DecimalMark::Point || decimals != 3).then_some(mark)
}

/// What the date of a row proves; `None` for a row without a date whose order matters.
#[expect(
    clippy::option_option,
    reason = "no date and a date that proves nothing are different answers"
)]
fn date_of(
    splitter: &Splitter,
    piece: &super::split::Piece,
    places: &ColumnPlaces,
) -> Option<Option<DateOrder>> {
    let (from, to) = *splitter
        .fields()
        .get(places[Column::InvoiceDate as usize])?;
    let field = splitter.bytes(piece).get(from as usize..to as usize)?;
    let field = trim(field);
    // A year first has its order in itself.
    let year_first = field.get(..4)?.iter().all(u8::is_ascii_digit);
    match parse_date(field, DateOrder::MonthFirst) {
        Ok(_) if year_first => None,
        Ok(reading) => Some(reading.only),
        Err(DateProblem::OtherOrder(_)) => Some(Some(DateOrder::DayFirst)),
        Err(DateProblem::NotADate) => None,
    }
}

fn warn_of_decisions(plan: &mut ReadPlan, strays: u64, mixed_dates: Option<String>) {
    if plan.encoding.value != TextEncoding::Utf8 || strays > 0 {
        let name = plan.encoding.value.name();
        let message = format!("read as {name}: {}", plan.encoding.evidence);
        plan.warn(WarningCode::EncodingNotUtf8, message);
    }
    if plan.delimiter.value != Delimiter::Comma {
        let name = plan.delimiter.value.name();
        let message = format!(
            "fields are divided by a {name}: {}",
            plan.delimiter.evidence
        );
        plan.warn(WarningCode::DelimiterNotComma, message);
    }
    if plan.date_order.basis == Basis::Assumed {
        let name = plan.date_order.value.name();
        let message = format!(
            "dates are read {name}, but {}; choose the order if it is the other one",
            plan.date_order.evidence
        );
        plan.warn(WarningCode::DateOrderAssumed, message);
    }
    if plan.decimal.value != DecimalMark::Point {
        let message = format!(
            "prices are read with a decimal {}: {}",
            plan.decimal.value.name(),
            plan.decimal.evidence
        );
        plan.warn(WarningCode::DecimalNotPoint, message);
    }
    if let Some(message) = mixed_dates {
        plan.warn(WarningCode::DateOrderMixed, message);
    }
    let unused: Vec<&str> = plan
        .header
        .iter()
        .filter(|cell| cell.column.is_none())
        .map(|cell| cell.name.as_str())
        .collect();
    if !unused.is_empty() {
        let message = format!("columns that are not used: {}", unused.join(", "));
        plan.warn(WarningCode::ColumnsUnused, message);
    }
}
