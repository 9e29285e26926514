//! Messages of the log as the cells of a table.

use std::borrow::Cow;

use retail_engine::analytics::neutral;
use retail_engine::flow::{Message, MessageContent};
use retail_engine::model::Topic;

use crate::views::format;

/// A column of the table of messages.
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// Its width; `None` for a share of what is left.
    pub width: Option<f32>,
    /// Whether it holds numbers.
    pub number: bool,
}

const fn text(title: &'static str, width: f32) -> Column {
    Column {
        title,
        width: Some(width),
        number: false,
    }
}

const fn number(title: &'static str, width: f32) -> Column {
    Column {
        title,
        width: Some(width),
        number: true,
    }
}

const fn rest(title: &'static str) -> Column {
    Column {
        title,
        width: None,
        number: false,
    }
}

/// The column of times.
const APPENDED: &str = "Appended";
/// Its place, in the messages of every topic.
const APPENDED_PLACE: usize = 1;

const LINES: [Column; 11] = [
    number("Offset", 62.0),
    text(APPENDED, 80.0),
    text("Load", 48.0),
    number("Row", 56.0),
    text("Invoice", 60.0),
    text("Stock code", 66.0),
    rest("Description"),
    number("Quantity", 58.0),
    number("Price", 62.0),
    text("Customer", 60.0),
    text("Country", 100.0),
];
const REJECTS: [Column; 7] = [
    number("Offset", 62.0),
    text(APPENDED, 80.0),
    text("Load", 48.0),
    number("Row", 56.0),
    text("Reason", 150.0),
    text("Column", 90.0),
    rest("Raw text"),
];

/// The columns of the messages of a topic.
pub const fn columns(topic: Topic) -> &'static [Column] {
    match topic {
        Topic::Lines(_) => &LINES,
        Topic::Quarantine => &REJECTS,
    }
}

/// The cells of a message, one for each of [`columns`].
pub fn cells(message: &Message) -> Vec<String> {
    let mut cells = vec![
        format::count(message.offset.0),
        format::clock(message.appended_at),
        message.load.to_string(),
    ];
    match &message.content {
        MessageContent::Line { line, row, .. } => cells.extend([
            format::count(row.0),
            line.invoice_no.to_string(),
            line.stock_code.to_string(),
            line.description.to_string(),
            format::signed(line.quantity.into()),
            format::decimal(line.unit_price),
            line.customer.as_deref().unwrap_or_default().to_owned(),
            line.country.to_string(),
        ]),
        MessageContent::Reject(reject) => cells.extend([
            format::count(reject.row.0),
            reject.reason.slug().replace('_', " "),
            reject.column.clone().unwrap_or_default(),
            reject.raw.clone(),
        ]),
        MessageContent::Unreadable { why } => {
            cells.extend([String::new(), format!("Unreadable: {why}")]);
        }
    }
    cells
}

/// The cell of a column as it is drawn; `cells` are those of the message, which were made when it
/// was read. How long ago that is changes while it is shown, as may the way to show times.
pub fn shown<'c>(message: &Message, cells: &'c [String], column: usize) -> Option<Cow<'c, str>> {
    if column == APPENDED_PLACE {
        return Some(format::clock(message.appended_at).into());
    }
    cells.get(column).map(|cell| cell.as_str().into())
}

/// Messages as CSV: numbers as they are, times with their date and zone, text as no spreadsheet
/// takes for a formula.
pub fn csv(columns: &[Column], messages: &[Message]) -> String {
    let titles: Vec<String> = columns.iter().map(|column| quoted(column.title)).collect();
    let mut text = titles.join(",");
    text.push('\n');
    for message in messages {
        let plain = |(column, cell): (&Column, String)| match column {
            Column { number: true, .. } => cell.replace('\u{2009}', "").replace('\u{2212}', "-"),
            Column {
                title: APPENDED, ..
            } => message.appended_at.to_rfc3339(),
            Column { .. } => quoted(&neutral(&cell)),
        };
        let cells: Vec<String> = columns.iter().zip(cells(message)).map(plain).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// All that a message says, a field on each line.
pub fn details(message: &Message) -> String {
    let mut said = vec![
        format!("offset {}", message.offset.0),
        format!("appended {}", message.appended_at.to_rfc3339()),
        format!("load {}", message.load),
        format!("{} bytes", message.bytes),
    ];
    match &message.content {
        MessageContent::Line {
            line,
            occurrence,
            line_id,
            row,
        } => said.extend([
            format!("row {} of its file", row.0),
            format!("line id {line_id}"),
            format!("occurrence {occurrence}"),
            format!("invoice {} of {}", line.invoice_no, line.invoice_time),
            format!("{} {}", line.stock_code, line.description),
            format!("{} \u{d7} \u{a3}{}", line.quantity, line.unit_price),
            line.customer
                .as_deref()
                .map_or_else(|| "no customer".to_owned(), |who| format!("customer {who}")),
            line.country.to_string(),
        ]),
        MessageContent::Reject(reject) => said.extend([
            format!("row {}, line {} of its file", reject.row.0, reject.line),
            reject.message.clone(),
            reject.raw.clone(),
        ]),
        MessageContent::Unreadable { why } => said.push(why.clone()),
    }
    said.join(" \u{b7} ")
}

#[cfg(test)]
mod tests {
    use retail_engine::model::{Reason, Region, Reject, RowNo};

    use super::*;
    use crate::views::format::TimeStyle;

    #[test]
    fn a_message_that_cannot_be_read_says_so() {
        let message = Message {
            offset: retail_engine::model::Offset(7),
            appended_at: chrono::DateTime::UNIX_EPOCH,
            load: retail_engine::model::LoadId(1),
            bytes: 3,
            content: MessageContent::Unreadable { why: "torn".into() },
        };
        let cells = cells(&message);
        assert!(cells.len() <= columns(Topic::Lines(Region::Europe)).len());
        assert_eq!(cells.last().unwrap(), "Unreadable: torn");
        assert!(details(&message).ends_with("torn"));
    }

    #[test]
    fn the_time_of_a_message_is_written_as_it_is_now() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let message = Message {
            offset: retail_engine::model::Offset(7),
            appended_at: at,
            load: retail_engine::model::LoadId(1),
            bytes: 3,
            content: MessageContent::Unreadable { why: "torn".into() },
        };
        let after = |seconds| at + chrono::TimeDelta::seconds(seconds);
        format::set_times(TimeStyle::Ago, after(3));
        let made = cells(&message);
        let shown = || shown(&message, &made, APPENDED_PLACE).unwrap().into_owned();
        assert_eq!(shown(), "3.0 s ago");
        format::set_times(TimeStyle::Ago, after(60));
        assert_eq!(shown(), "1 m 0 s ago");
        format::set_times(TimeStyle::Utc, after(60));
        assert_eq!(shown(), "00:00:00Z");
        format::set_times(TimeStyle::Local, after(60));
        assert_eq!(shown(), format::clock(at));
        for topic in Topic::ALL {
            assert_eq!(columns(topic)[APPENDED_PLACE].title, APPENDED);
        }
        let others = (0..made.len()).filter(|column| *column != APPENDED_PLACE);
        for column in others {
            assert_eq!(super::shown(&message, &made, column).unwrap(), made[column]);
        }
    }

    #[test]
    fn a_file_of_messages_has_whole_times_and_no_formula() {
        let message = Message {
            offset: retail_engine::model::Offset(7_000),
            appended_at: chrono::DateTime::UNIX_EPOCH,
            load: retail_engine::model::LoadId(1),
            bytes: 3,
            content: MessageContent::Reject(Reject {
                row: RowNo(1_234),
                line: 1_235,
                byte: 9,
                column: Some("Quantity".into()),
                reason: Reason::Cancellation,
                message: String::new(),
                raw: "=1+1,\"b\"".into(),
            }),
        };
        let text = csv(columns(Topic::Quarantine), &[message]);
        let expected = "7000,1970-01-01T00:00:00+00:00,L-0001,1234,cancellation,Quantity,\
                        \"'=1+1,\"\"b\"\"\"";
        assert_eq!(text.lines().nth(1), Some(expected));
    }
}
