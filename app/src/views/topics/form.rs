//! What a person types into the forms of replays and of the message browser, as requests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use retail_engine::flow::{BrowseField, BrowseFilter, BrowseFrom, BrowseRequest, ReplayRequest};
use retail_engine::model::{LoadId, Offset, Partition, Topic, TopicPartition};
use retail_engine::replay::plan::Strategy;

use crate::views::format;

/// Messages of a page of the browser.
pub const PAGE: usize = 500;

/// How a time is written here.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// A time as the forms show it: here, to the second.
pub fn time_text(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format(TIME).to_string()
}

/// The time of a text: date and time here, a time of `today`, or with its own zone.
pub fn time_of(text: &str, today: NaiveDate) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(zoned) = text.parse::<DateTime<Utc>>() {
        return Some(zoned);
    }
    let whole = NaiveDateTime::parse_from_str(text, TIME)
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M"))
        .ok();
    let of_day = || {
        let time = NaiveTime::parse_from_str(text, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
        time.ok().map(|time| today.and_time(time))
    };
    let here = whole.or_else(of_day)?;
    // An hour that a change of the clocks repeats is its first, one that it skips is none.
    let at = Local.from_local_datetime(&here).earliest()?;
    Some(at.with_timezone(&Utc))
}

/// Where a replay goes, as it is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Target {
    /// The oldest line.
    #[default]
    Beginning,
    /// The end.
    Latest,
    /// A time.
    Time,
    /// An offset for each partition.
    Offsets,
    /// Back by lines.
    Back,
    /// Where a load began.
    Load,
    /// Offsets from a file.
    File,
}

impl Target {
    /// In the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Beginning,
        Self::Time,
        Self::Offsets,
        Self::Back,
        Self::Load,
        Self::File,
        Self::Latest,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Beginning => "To the beginning",
            Self::Latest => "To the end, skipping lines",
            Self::Time => "To a time",
            Self::Offsets => "To an offset per partition",
            Self::Back => "Back by a number of lines",
            Self::Load => "To where a load began",
            Self::File => "To offsets from a file",
        }
    }
}

/// What was entered for a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayForm {
    /// The topic whose group moves.
    pub topic: Topic,
    /// One partition only.
    pub partition: Option<Partition>,
    /// Where to.
    pub target: Target,
    /// The time, as typed.
    pub time: String,
    /// The offset of each partition, as typed; an empty one stays.
    pub offsets: BTreeMap<Partition, String>,
    /// Lines back, as typed.
    pub back: String,
    /// The load.
    pub load: Option<LoadId>,
    /// The file, and what it says.
    pub file: Option<(PathBuf, BTreeMap<TopicPartition, Offset>)>,
}

impl ReplayForm {
    /// An empty form.
    pub fn new(topic: Topic) -> Self {
        Self {
            topic,
            partition: None,
            target: Target::Beginning,
            time: String::new(),
            offsets: BTreeMap::new(),
            back: "1000".to_owned(),
            load: None,
            file: None,
        }
    }

    /// The request, or what is missing.
    pub fn request(&self, today: NaiveDate) -> Result<ReplayRequest, String> {
        let strategy = match self.target {
            Target::Beginning => Strategy::Earliest,
            Target::Latest => Strategy::Latest,
            Target::Time => {
                let wanted = "a time such as 14:04:24 or 2026-01-31 08:00:00";
                let at = time_of(&self.time, today).ok_or_else(|| wanted.to_owned())?;
                Strategy::Time(at)
            }
            Target::Offsets => Strategy::Absolute(self.typed_offsets()?),
            Target::Back => {
                let lines = number(&self.back, "a number of lines")?;
                Strategy::Back(lines)
            }
            Target::Load => {
                let load = self.load.ok_or_else(|| "choose a load".to_owned())?;
                Strategy::LoadStart(load)
            }
            Target::File => {
                let (_, offsets) = self
                    .file
                    .as_ref()
                    .ok_or_else(|| "choose a file of topic,partition,offset".to_owned())?;
                Strategy::Absolute(offsets.clone())
            }
        };
        Ok(ReplayRequest {
            topic: self.topic,
            partition: self.partition,
            strategy,
        })
    }

    fn typed_offsets(&self) -> Result<BTreeMap<TopicPartition, Offset>, String> {
        let mut offsets = BTreeMap::new();
        for (partition, text) in &self.offsets {
            if text.trim().is_empty() || self.partition.is_some_and(|only| only != *partition) {
                continue;
            }
            let what = format!("an offset for partition {}", partition.0);
            let offset = number(text, &what)?;
            offsets.insert(TopicPartition::new(self.topic, partition.0), Offset(offset));
        }
        if offsets.is_empty() {
            return Err("an offset for at least one partition".to_owned());
        }
        Ok(offsets)
    }

    /// The arguments of the program that do the same; several commands where each partition has
    /// its own place.
    pub fn commands(&self, request: &ReplayRequest) -> Vec<Vec<String>> {
        let command = |partition: Option<Partition>, to: String| {
            let mut args = vec!["replay".to_owned(), "--topic".to_owned()];
            args.push(self.topic.name().to_owned());
            if let Some(partition) = partition {
                args.push("--partition".to_owned());
                args.push(partition.0.to_string());
            }
            args.extend(["--to".to_owned(), to, "--yes".to_owned()]);
            args
        };
        let to = match (&request.strategy, &self.file) {
            (Strategy::Absolute(_), Some((path, _))) if self.target == Target::File => {
                format!("file:{}", path.display())
            }
            (Strategy::Absolute(offsets), _) => {
                return offsets
                    .iter()
                    .map(|(at, offset)| command(Some(at.partition), offset.0.to_string()))
                    .collect();
            }
            (Strategy::Earliest, _) => "earliest".to_owned(),
            (Strategy::Latest, _) => "latest".to_owned(),
            (Strategy::Time(at), _) => at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            (Strategy::Back(lines), _) => format!("-{lines}"),
            (Strategy::Forward(lines), _) => format!("+{lines}"),
            (Strategy::LoadStart(load), _) => format!("load:{load}"),
        };
        vec![command(self.partition, to)]
    }
}

fn number(text: &str, what: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.parse().map_err(|_not_a_number| what.to_owned())
}

/// Where browsing begins, as it is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum From {
    /// The oldest message.
    #[default]
    Oldest,
    /// The newest, shown first.
    Newest,
    /// An offset.
    Offset,
    /// A time.
    Time,
    /// So many before the end.
    Last,
}

impl From {
    /// All, with their words.
    pub const CHOICES: [(Self, &'static str); 5] = [
        (Self::Oldest, "Oldest"),
        (Self::Newest, "Newest"),
        (Self::Offset, "Offset"),
        (Self::Time, "Time"),
        (Self::Last, "Last n"),
    ];
}

/// What was entered for browsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowseForm {
    /// The partition.
    pub partition: TopicPartition,
    /// Where to begin.
    pub from: From,
    /// The offset, as typed.
    pub offset: String,
    /// The time, as typed.
    pub time: String,
    /// How many of the last, as typed.
    pub last: String,
    /// Messages read at most.
    pub scan: u64,
    /// The field that must hold the text.
    pub field: BrowseField,
    /// Text that the field must hold; empty for all messages.
    pub contains: String,
}

/// The fields by which the messages of a topic can be filtered, with their words.
pub fn fields(topic: Topic) -> Vec<(BrowseField, String)> {
    let fields = BrowseField::of(topic).iter().copied();
    std::iter::once(BrowseField::Any)
        .chain(fields)
        .map(|field| (field, field_words(field).to_owned()))
        .collect()
}

/// As the columns of the messages are called, where they have one.
const fn field_words(field: BrowseField) -> &'static str {
    match field {
        BrowseField::Any => "Any field",
        BrowseField::Invoice => "Invoice",
        BrowseField::StockCode => "Stock code",
        BrowseField::Description => "Description",
        BrowseField::Quantity => "Quantity",
        BrowseField::InvoiceTime => "Invoice time",
        BrowseField::UnitPrice => "Price",
        BrowseField::Customer => "Customer",
        BrowseField::Country => "Country",
        BrowseField::Reason => "Reason",
        BrowseField::Column => "Column",
        BrowseField::RawText => "Raw text",
    }
}

impl BrowseForm {
    /// From the oldest message on.
    pub fn new(partition: TopicPartition) -> Self {
        Self {
            partition,
            from: From::Oldest,
            offset: "0".to_owned(),
            time: String::new(),
            last: "100".to_owned(),
            scan: 1_000,
            field: BrowseField::Any,
            contains: String::new(),
        }
    }

    /// Looks at another partition. A field that its messages do not have would match none of
    /// them, so that any field is meant then.
    pub fn look_at(&mut self, partition: TopicPartition) {
        self.partition = partition;
        if !BrowseField::of(partition.topic).contains(&self.field) {
            self.field = BrowseField::Any;
        }
    }

    /// Which messages match; none where all do.
    pub fn filter(&self) -> Option<BrowseFilter> {
        let contains = self.contains.trim();
        (!contains.is_empty()).then(|| BrowseFilter {
            field: self.field,
            contains: contains.to_owned(),
        })
    }

    /// The request, or what is missing.
    pub fn request(&self, today: NaiveDate) -> Result<BrowseRequest, String> {
        let from = match self.from {
            From::Oldest => BrowseFrom::Oldest,
            From::Newest => BrowseFrom::Last(self.scan),
            From::Offset => BrowseFrom::Offset(Offset(number(&self.offset, "an offset")?)),
            From::Time => {
                let wanted = "a time such as 14:04:24 or 2026-01-31 08:00:00";
                let at = time_of(&self.time, today).ok_or_else(|| wanted.to_owned())?;
                BrowseFrom::Time(at)
            }
            From::Last => BrowseFrom::Last(number(&self.last, "a number of messages")?),
        };
        let scan = match from {
            BrowseFrom::Last(count) => count,
            BrowseFrom::Oldest | BrowseFrom::Offset(_) | BrowseFrom::Time(_) => self.scan,
        };
        Ok(BrowseRequest {
            partition: self.partition,
            from,
            scan,
            limit: usize::try_from(scan).unwrap_or(usize::MAX),
            filter: self.filter(),
        })
    }
}

/// The cost of browsing, in words, before anything is read.
pub fn cost_words(cost: &retail_engine::flow::BrowseCost) -> String {
    if cost.records == 0 {
        let end = format::count(cost.offsets.end.0);
        return format!("Reads nothing: there is no message from here to the end at {end}");
    }
    let (records, from) = (format::count(cost.records), format::count(cost.from.0));
    let bytes = format::bytes(cost.bytes_about);
    format!("Reads {records} messages from offset {from}, about {bytes}; commits nothing")
}

#[cfg(test)]
mod tests {
    use retail_engine::model::Region;

    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()
    }

    #[test]
    fn a_time_is_of_today_of_a_date_or_of_its_own_zone() {
        let full = time_of("2026-01-31 08:00:05", today()).unwrap();
        assert_eq!(time_of("08:00:05", today()), Some(full));
        assert_eq!(time_of(&time_text(full), today()), Some(full));
        let zoned = time_of("2026-01-31T08:00:00Z", today()).unwrap();
        assert_eq!(zoned.to_rfc3339(), "2026-01-31T08:00:00+00:00");
        for wrong in ["", "yesterday", "25:00", "2026-02-30 08:00"] {
            assert_eq!(time_of(wrong, today()), None, "{wrong}");
        }
    }

    #[test]
    fn each_target_is_a_command_of_the_program() {
        let topic = Topic::Lines(Region::Europe);
        let mut form = ReplayForm::new(topic);
        form.load = Some(LoadId(3));
        form.time = "2026-01-31T08:00:00Z".to_owned();
        form.back = "1 500".to_owned();
        form.offsets = BTreeMap::from([
            (Partition(0), "12".to_owned()),
            (Partition(1), String::new()),
            (Partition(2), "0".to_owned()),
        ]);
        form.file = Some(("/tmp/a b.csv".into(), BTreeMap::new()));
        let cases = [
            (Target::Beginning, vec!["--to earliest"]),
            (Target::Latest, vec!["--to latest"]),
            (Target::Time, vec!["--to 2026-01-31T08:00:00.000Z"]),
            (Target::Back, vec!["--to -1500"]),
            (Target::Load, vec!["--to load:L-0003"]),
            (Target::File, vec!["--to file:/tmp/a b.csv"]),
            (
                Target::Offsets,
                vec!["--partition 0 --to 12", "--partition 2 --to 0"],
            ),
        ];
        for (target, expect) in cases {
            form.target = target;
            let request = form.request(today()).unwrap();
            let found: Vec<String> = form
                .commands(&request)
                .iter()
                .map(|args| args.join(" "))
                .collect();
            let expect: Vec<String> = expect
                .iter()
                .map(|to| format!("replay --topic europe-transactions {to} --yes"))
                .collect();
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn messages_are_filtered_by_a_field_that_they_have() {
        let lines = TopicPartition::new(Topic::Lines(Region::Europe), 1);
        let mut form = BrowseForm::new(lines);
        assert_eq!(form.request(today()).unwrap().filter, None);
        form.contains = " white ".to_owned();
        for topic in Topic::ALL {
            let choices = fields(topic);
            let words: Vec<&str> = choices.iter().map(|(_, words)| words.as_str()).collect();
            assert_eq!(words[0], "Any field");
            assert_eq!(
                (words.contains(&"Invoice"), words.contains(&"Reason")),
                (topic != Topic::Quarantine, topic == Topic::Quarantine)
            );
            for (field, _) in choices {
                form.look_at(TopicPartition::new(topic, 0));
                form.field = field;
                let filter = form.request(today()).unwrap().filter.unwrap();
                assert_eq!((filter.field, filter.contains.as_str()), (field, "white"));
            }
        }
        form.field = BrowseField::Reason;
        form.look_at(TopicPartition::new(Topic::Quarantine, 0));
        assert_eq!(form.field, BrowseField::Reason);
        form.look_at(lines);
        assert_eq!(form.field, BrowseField::Any);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut form = ReplayForm::new(Topic::Quarantine);
        for (target, missing) in [
            (Target::Time, "a time"),
            (Target::Offsets, "an offset for at least one"),
            (Target::Load, "choose a load"),
            (Target::File, "choose a file"),
        ] {
            form.target = target;
            let why = form.request(today()).unwrap_err();
            assert!(why.starts_with(missing), "{why}");
        }
        form.target = Target::Back;
        form.back = "-1".to_owned();
        assert_eq!(form.request(today()).unwrap_err(), "a number of lines");
    }
}
