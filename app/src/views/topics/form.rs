//! What a person types into the forms of replays and of the message browser, as requests.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::{
    DateTime, DurationRound as _, FixedOffset, Local, NaiveDateTime, NaiveTime, Offset as _,
    TimeDelta, TimeZone, Utc,
};
use retail_engine::flow::{BrowseField, BrowseFilter, BrowseFrom, BrowseRequest, ReplayRequest};
use retail_engine::model::{LoadId, Offset, Partition, Topic, TopicPartition};
use retail_engine::replay::plan::Strategy;

use crate::views::format::{self, TimeStyle};

/// Messages of a page of the browser.
pub const PAGE: usize = 500;

/// How a time is written here, with the zone behind it.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// An instant as the forms show it: to the second, with its zone. How long ago is no time to go to,
/// so that whoever sees times that way gets those of the clock here.
pub fn time_text(at: DateTime<Utc>) -> String {
    match format::time_style() {
        TimeStyle::Utc => format!("{}Z", at.format(TIME)),
        TimeStyle::Local | TimeStyle::Ago => with_offset(&at.with_timezone(&Local)),
    }
}

fn with_offset<Z: TimeZone<Offset: fmt::Display>>(at: &DateTime<Z>) -> String {
    at.format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The instant that a text says: a date and a time, or a time of the day that it is `now`. It may
/// end in `Z` or in an offset; without, it is read in the zone in which times are shown.
pub fn time_of(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match format::time_style() {
        TimeStyle::Utc => time_in(text, now, &Utc),
        TimeStyle::Local | TimeStyle::Ago => time_in(text, now, &Local),
    }
}

/// As [`time_of`], a text without a zone being of `zone`.
fn time_in<Z: TimeZone>(text: &str, now: DateTime<Utc>, zone: &Z) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<DateTime<Utc>>() {
        return Some(whole);
    }
    let (text, offset) = offset_of(text);
    match offset {
        Some(offset) => clock_in(text, now, &offset),
        None => clock_in(text, now, zone),
    }
}

/// A text without the zone at its end, and that zone.
fn offset_of(text: &str) -> (&str, Option<FixedOffset>) {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return (rest.trim_end(), Some(Utc.fix()));
    }
    let sign = text.rfind(['+', '-']);
    let parts = sign.and_then(|sign| text.split_at_checked(sign));
    match parts.map(|(rest, offset)| (rest, offset.parse::<FixedOffset>())) {
        Some((rest, Ok(offset))) => (rest.trim_end(), Some(offset)),
        Some((_, Err(_))) | None => (text, None),
    }
}

fn clock_in<Z: TimeZone>(text: &str, now: DateTime<Utc>, zone: &Z) -> Option<DateTime<Utc>> {
    let whole = NaiveDateTime::parse_from_str(text, TIME)
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M"))
        .ok();
    let of_day = || {
        let time = NaiveTime::parse_from_str(text, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
        let today = now.with_timezone(zone).date_naive();
        time.ok().map(|time| today.and_time(time))
    };
    let there = whole.or_else(of_day)?;
    // An hour that a change of the clocks repeats is its first, one that it skips is none.
    let at = zone.from_local_datetime(&there).earliest()?;
    Some(at.with_timezone(&Utc))
}

/// The time that was typed, or what is missing.
fn typed_time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    time_of(text, now).ok_or_else(|| {
        let zone = match format::time_style() {
            TimeStyle::Utc => "UTC",
            TimeStyle::Local | TimeStyle::Ago => "local",
        };
        // Of this minute, so that it does not tick while it is read.
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        format!("a time such as 14:04:24 ({zone}) or {}", time_text(minute))
    })
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

    /// The request, or what is missing; a time of day is one of the day that it is `now`.
    pub fn request(&self, now: DateTime<Utc>) -> Result<ReplayRequest, String> {
        let strategy = match self.target {
            Target::Beginning => Strategy::Earliest,
            Target::Latest => Strategy::Latest,
            Target::Time => Strategy::Time(typed_time(&self.time, now)?),
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

    /// The request, or what is missing; a time of day is one of the day that it is `now`.
    pub fn request(&self, now: DateTime<Utc>) -> Result<BrowseRequest, String> {
        let from = match self.from {
            From::Oldest => BrowseFrom::Oldest,
            From::Newest => BrowseFrom::Last(self.scan),
            From::Offset => BrowseFrom::Offset(Offset(number(&self.offset, "an offset")?)),
            From::Time => BrowseFrom::Time(typed_time(&self.time, now)?),
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

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn now() -> DateTime<Utc> {
        utc("2026-01-31T23:30:00Z")
    }

    #[test]
    fn a_time_is_of_its_own_zone_or_of_the_one_that_is_shown() {
        let east = FixedOffset::east_opt(3_600).unwrap();
        let check = |text: &str, in_utc: Option<&str>, in_the_east: Option<&str>| {
            assert_eq!(time_in(text, now(), &Utc), in_utc.map(utc), "{text}");
            assert_eq!(time_in(text, now(), &east), in_the_east.map(utc), "{text}");
        };
        let eight = Some("2026-01-31T08:00:05Z");
        for zoned in [
            "2026-01-31 08:00:05Z",
            "2026-01-31 09:00:05 +01:00",
            " 2026-01-31 03:00:05 -05:00 ",
            "2026-01-31T08:00:05Z",
            "2026-01-31T09:00:05+01:00",
        ] {
            check(zoned, eight, eight);
        }
        check("2026-01-31 08:00:05", eight, Some("2026-01-31T07:00:05Z"));
        let minute = Some("2026-01-31T08:00:00Z");
        check("2026-01-31 09:00 +01:00", minute, minute);
        check("2026-01-31 08:00", minute, Some("2026-01-31T07:00:00Z"));
        // It is the first of February already in the east.
        check("08:00:05", eight, Some("2026-02-01T07:00:05Z"));
        check("08:00", minute, Some("2026-02-01T07:00:00Z"));
        check("08:00:05Z", eight, eight);
        let next = Some("2026-02-01T08:00:05Z");
        check("09:00:05 +01:00", next, next);
        for wrong in [
            "",
            "Z",
            "yesterday",
            "25:00",
            "2026-01-31",
            "2026-02-30 08:00",
            "2026-01-31 08:00:05 CET",
        ] {
            check(wrong, None, None);
        }
    }

    #[test]
    fn a_time_that_the_forms_show_has_its_zone_and_is_read_back() {
        let at = utc("2026-01-31T08:00:05.250Z");
        let second = utc("2026-01-31T08:00:05Z");
        let east = at.with_timezone(&FixedOffset::east_opt(3_600).unwrap());
        assert_eq!(with_offset(&east), "2026-01-31 09:00:05 +01:00");
        for style in [TimeStyle::Local, TimeStyle::Ago, TimeStyle::Utc] {
            format::set_times(style, now());
            let text = time_text(at);
            match style {
                TimeStyle::Utc => assert_eq!(text, "2026-01-31 08:00:05Z"),
                TimeStyle::Local | TimeStyle::Ago => {
                    assert_eq!(text, with_offset(&at.with_timezone(&Local)));
                }
            }
            // Whatever is chosen later, the same is meant.
            for later in [TimeStyle::Local, TimeStyle::Ago, TimeStyle::Utc] {
                format::set_times(later, now());
                assert_eq!(time_of(&text, now()), Some(second), "{text}");
            }
        }
    }

    #[test]
    fn the_example_of_a_time_says_the_zone() {
        let mut form = ReplayForm::new(Topic::Quarantine);
        form.target = Target::Time;
        let missing = |style| {
            format::set_times(style, now());
            form.request(now() + TimeDelta::seconds(59)).unwrap_err()
        };
        let utc = "a time such as 14:04:24 (UTC) or 2026-01-31 23:30:00Z";
        assert_eq!(missing(TimeStyle::Utc), utc);
        let local = missing(TimeStyle::Local);
        assert!(
            local.starts_with("a time such as 14:04:24 (local) or 2026-"),
            "{local}"
        );
        assert!(local.ends_with(&time_text(now())), "{local}");
        assert_eq!(missing(TimeStyle::Ago), local);
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
            let request = form.request(now()).unwrap();
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
        assert_eq!(form.request(now()).unwrap().filter, None);
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
                let filter = form.request(now()).unwrap().filter.unwrap();
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
            let why = form.request(now()).unwrap_err();
            assert!(why.starts_with(missing), "{why}");
        }
        form.target = Target::Back;
        form.back = "-1".to_owned();
        assert_eq!(form.request(now()).unwrap_err(), "a number of lines");
    }
}
