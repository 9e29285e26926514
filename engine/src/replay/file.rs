//! Offsets as a file: `topic,partition,offset`, as Kafka's own tools write them.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::model::{Offset, Topic, TopicPartition};

/// Why a file of offsets was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OffsetFileError {
    /// A line that is not three fields.
    #[error("line {line}: {text:?} is not topic,partition,offset")]
    Shape {
        /// From 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A topic that this platform does not have.
    #[error("line {line}: there is no topic {topic:?}")]
    Topic {
        /// From 1.
        line: usize,
        /// The name.
        topic: String,
    },
    /// A field that is not a whole number in range.
    #[error("line {line}: {text:?} is not {what}")]
    Number {
        /// From 1.
        line: usize,
        /// What it should be.
        what: &'static str,
        /// The field.
        text: String,
    },
    /// A partition that occurs twice.
    #[error("line {line}: {partition} occurs a second time")]
    Twice {
        /// From 1.
        line: usize,
        /// The partition.
        partition: TopicPartition,
    },
}

impl OffsetFileError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Shape { .. } | Self::Number { .. } => {
                "write one partition per line, such as europe-transactions,0,1200"
            }
            Self::Topic { .. } => {
                "use europe-transactions, americas-transactions, asiapacific-transactions or quarantine"
            }
            Self::Twice { .. } => "keep one of the two lines",
        }
    }
}

/// Reads offsets. Blank lines and a header line are passed over.
pub fn parse(text: &str) -> Result<BTreeMap<TopicPartition, Offset>, OffsetFileError> {
    let mut offsets = BTreeMap::new();
    let text = text.trim_start_matches('\u{feff}');
    for (index, row) in text.lines().enumerate() {
        let row = row.trim();
        if row.is_empty() || (index == 0 && row.eq_ignore_ascii_case("topic,partition,offset")) {
            continue;
        }
        let line = index + 1;
        let (partition, offset) = parse_row(row, line)?;
        if offsets.insert(partition, offset).is_some() {
            return Err(OffsetFileError::Twice { line, partition });
        }
    }
    Ok(offsets)
}

fn parse_row(row: &str, line: usize) -> Result<(TopicPartition, Offset), OffsetFileError> {
    let fields: Vec<&str> = row.split(',').map(str::trim).collect();
    let [topic, partition, offset] = fields[..] else {
        return Err(OffsetFileError::Shape {
            line,
            text: row.to_owned(),
        });
    };
    let number = |what, text: &str| OffsetFileError::Number {
        line,
        what,
        text: text.to_owned(),
    };
    let topic = Topic::parse(topic).ok_or_else(|| OffsetFileError::Topic {
        line,
        topic: topic.to_owned(),
    })?;
    let Ok(partition) = partition.parse() else {
        return Err(number("a partition", partition));
    };
    let Ok(offset) = offset.parse() else {
        return Err(number("an offset", offset));
    };
    Ok((TopicPartition::new(topic, partition), Offset(offset)))
}

/// Writes offsets so that [`parse`] reads the same.
pub fn write(offsets: &BTreeMap<TopicPartition, Offset>) -> String {
    let rows = offsets
        .iter()
        .map(|(at, offset)| format!("{},{},{}\n", at.topic, at.partition.0, offset.0));
    std::iter::once("topic,partition,offset\n".to_owned())
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Region;

    #[test]
    fn what_is_written_is_read_back() {
        let topic = Topic::Lines(Region::Europe);
        let offsets = BTreeMap::from([
            (TopicPartition::new(topic, 0), Offset(0)),
            (TopicPartition::new(topic, 2), Offset(u64::MAX)),
            (TopicPartition::new(Topic::Quarantine, 0), Offset(7)),
        ]);
        let text = write(&offsets);
        assert_eq!(parse(&text).unwrap(), offsets);
        assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap(), offsets);
    }

    #[test]
    fn each_defect_is_named_with_its_line() {
        let cases = [
            (
                "europe-transactions,0",
                "line 1: \"europe-transactions,0\" is not topic",
            ),
            ("\nmars,0,1", "line 2: there is no topic \"mars\""),
            ("quarantine,x,1", "line 1: \"x\" is not a partition"),
            ("quarantine,0,-1", "line 1: \"-1\" is not an offset"),
            (
                "quarantine,0,1\nquarantine,0,2",
                "line 2: quarantine-0 occurs",
            ),
        ];
        for (text, expect) in cases {
            let error = parse(text).unwrap_err();
            let found = error.to_string();
            assert!(found.starts_with(expect), "{found}");
            assert!(!error.remedy().is_empty());
        }
    }
}
