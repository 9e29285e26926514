//! The passport of a row in words: a hop for each place that it passed.

use retail_engine::flow::{
    Judged, Passport, Presence, RejectKey, RejectStatus, Stored, StoredPlace,
};
use retail_engine::model::{Dc, LineTable, Reading};

use super::{format, quality};
use crate::widgets::Status;

/// One place that a row passed, or has yet to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// How it stands there.
    pub status: Status,
    /// The place.
    pub name: &'static str,
    /// What is known, in few words.
    pub short: String,
    /// All that is known.
    pub detail: String,
}

/// The hops of a row, in the order of the flow.
pub fn hops(passport: &Passport) -> Vec<Hop> {
    let mut hops = vec![
        read(passport),
        judged(passport),
        log(passport),
        commit(passport),
    ];
    for stored in &passport.stored {
        hops.push(visible(stored));
    }
    hops.extend(mended(passport));
    hops
}

/// How a row is called.
pub fn row_name(key: RejectKey) -> String {
    format!("{} row {}", key.load, format::count(key.row.0))
}

fn read(passport: &Passport) -> Hop {
    let file = passport.file.display();
    let row = format::count(passport.row.0);
    let (status, short) = match &passport.place {
        Reading::Known(place) | Reading::Stale { value: place, .. } => (
            Status::Ok,
            format!(
                "line {}, byte {}",
                format::count(place.line),
                format::count(place.byte)
            ),
        ),
        Reading::Unknown(why) => (Status::Unknown, format!("row {row}; place Unknown: {why}")),
    };
    Hop {
        status,
        name: "Read",
        detail: format!("{short}: data row {row} of {file}, in {}", passport.load),
        short,
    }
}

fn judged(passport: &Passport) -> Hop {
    let (status, short, detail) = match &passport.judged {
        Judged::Clean {
            region, occurrence, ..
        } => {
            let copy = match occurrence {
                0 => String::new(),
                copies => format!("; copy {} of an identical line", copies + 1),
            };
            let short = format!("clean, to {}", region.name());
            (Status::Ok, short.clone(), format!("{short}{copy}"))
        }
        Judged::SetAside {
            reason, message, ..
        } => {
            let status = if reason.is_rejection() {
                Status::Warn
            } else {
                Status::Neutral
            };
            let name = quality::reason_name(*reason);
            (
                status,
                format!("stopped: {name}"),
                format!("{name}: {message}"),
            )
        }
    };
    Hop {
        status,
        name: "Cleaned",
        short,
        detail,
    }
}

fn log(passport: &Passport) -> Hop {
    let place = &passport.log;
    let offset = format::count(place.offset.0);
    Hop {
        status: Status::Ok,
        name: "Log",
        short: format!("{}, offset {offset}", place.partition),
        detail: format!(
            "partition {}, offset {offset}, {}, appended {}",
            place.partition,
            format::bytes(place.bytes),
            place.appended_at.format("%Y-%m-%d %H:%M:%S%.3f UTC"),
        ),
    }
}

fn commit(passport: &Passport) -> Hop {
    let (status, short, detail) = match &passport.commit {
        Reading::Known(commit) | Reading::Stale { value: commit, .. } => match commit.committed {
            None => (
                Status::Stale,
                "the group never committed".to_owned(),
                "the group has not committed in this partition yet".to_owned(),
            ),
            Some(at) if commit.is_past => (
                Status::Ok,
                format!("committed to {}", format::count(at.0)),
                format!(
                    "the group will read offset {} next: this row is durable in two data centres",
                    format::count(at.0)
                ),
            ),
            Some(at) => {
                let left = passport.log.offset.0.saturating_sub(at.0) + 1;
                (
                    Status::Stale,
                    format!("{} before it are not done", format::count(left)),
                    format!("the group will read offset {} next", format::count(at.0)),
                )
            }
        },
        Reading::Unknown(why) => (
            Status::Unknown,
            "Unknown".to_owned(),
            format!("Unknown: {why}"),
        ),
    };
    Hop {
        status,
        name: "Committed",
        short,
        detail,
    }
}

/// In how many data centres a row is, each read on its own.
fn visible(stored: &Stored) -> Hop {
    let count = |wanted: Presence| {
        let all = stored.dcs.iter();
        all.filter(|(_, presence)| presence.known() == Some(&wanted))
            .count()
    };
    let (there, absent) = (count(Presence::There), count(Presence::Absent));
    let known = there + absent;
    let (status, short) = match (there, known) {
        (3, _) => (Status::Ok, "in all 3 data centres".to_owned()),
        (_, 3) if there == 0 => (Status::Stale, "in none of 3 data centres".to_owned()),
        (_, 3) => (Status::Warn, format!("in {there} of 3 data centres")),
        _ => (Status::Unknown, format!("in {there}, {known} of 3 known")),
    };
    let name = match &stored.place {
        StoredPlace::Quarantine => "Quarantine",
        StoredPlace::Bucket {
            table: LineTable::Transactions,
            ..
        } => "Stored",
        StoredPlace::Bucket {
            table: LineTable::Returns,
            ..
        } => "Return",
    };
    Hop {
        status,
        name,
        detail: format!("{}: {short}", place_words(&stored.place)),
        short,
    }
}

/// Where a row is stored, in words.
pub fn place_words(place: &StoredPlace) -> String {
    match place {
        StoredPlace::Quarantine => "kept with its raw text, by load and row".to_owned(),
        StoredPlace::Bucket {
            table,
            country,
            day,
            shard,
            line_id,
        } => {
            let table = match table {
                LineTable::Transactions => "transactions",
                LineTable::Returns => "returns",
            };
            format!(
                "{table}, bucket {country}, {day}, shard {}, id {line_id}",
                shard.0
            )
        }
    }
}

/// What one data centre has, as status and words.
pub fn presence(reading: &Reading<Presence>) -> (Status, String) {
    match reading {
        Reading::Known(Presence::There) => (Status::Ok, "has it".to_owned()),
        Reading::Known(Presence::Absent) => (Status::Warn, "does not have it".to_owned()),
        Reading::Stale { value, age } => {
            let word = match value {
                Presence::There => "had it",
                Presence::Absent => "did not have it",
            };
            (Status::Stale, format!("{word} {} ago", format::age(*age)))
        }
        Reading::Unknown(why) => (Status::Unknown, format!("Unknown: {why}")),
    }
}

fn mended(passport: &Passport) -> Option<Hop> {
    let (status, _) = passport.mended.as_ref()?;
    let (status, short) = match (status, passport.sent_as) {
        (RejectStatus::Open, None) => (Status::Stale, "waits for a fix".to_owned()),
        (RejectStatus::Open, Some(sent)) => (
            Status::Warn,
            format!("sent as {}, set aside again", row_name(sent)),
        ),
        (RejectStatus::FixPending { fixes }, _) => {
            let fixes = match fixes.len() {
                1 => "1 fix".to_owned(),
                fixes => format!("{fixes} fixes"),
            };
            (Status::Stale, format!("{fixes}, not produced yet"))
        }
        (RejectStatus::Reingested { load }, sent) => (
            Status::Ok,
            sent.map_or_else(
                || format!("flowed in {load}"),
                |sent| format!("flowed as {}", row_name(sent)),
            ),
        ),
        (RejectStatus::Parked { attempts }, _) => (
            Status::Critical,
            format!("parked after {attempts} attempts"),
        ),
    };
    Some(Hop {
        status,
        name: "Region topic",
        detail: short.clone(),
        short,
    })
}

/// The columns of a clean line, by name.
pub fn fields(passport: &Passport) -> Vec<(&'static str, String)> {
    let Judged::Clean { line, .. } = &passport.judged else {
        return Vec::new();
    };
    vec![
        ("InvoiceNo", line.invoice_no.to_string()),
        ("StockCode", line.stock_code.to_string()),
        ("Description", line.description.to_string()),
        ("Quantity", format::signed(i64::from(line.quantity))),
        ("InvoiceDate", line.invoice_time.to_string()),
        ("UnitPrice", format::money(line.unit_price)),
        (
            "CustomerID",
            line.customer
                .as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string),
        ),
        ("Country", line.country.to_string()),
    ]
}

/// What a data centre has: itself, how it stands, in words.
pub type DcPresence = (Dc, Status, String);

/// What the data centres have, by place.
pub fn presences(passport: &Passport) -> Vec<(String, Vec<DcPresence>)> {
    passport
        .stored
        .iter()
        .map(|stored| {
            let dcs = stored.dcs.iter().map(|(dc, reading)| {
                let (status, words) = presence(reading);
                (dc, status, words)
            });
            (place_words(&stored.place), dcs.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use retail_engine::flow::{CommitPlace, FilePlace, LogPlace};
    use retail_engine::model::{
        CommittedOffset, LoadId, Offset, PerDc, Reason, RowNo, Topic, TopicPartition,
    };

    use super::*;

    fn passport() -> Passport {
        Passport {
            load: LoadId(7),
            file: "Online_Retail.csv".into(),
            row: RowNo(152_713),
            place: Reading::Known(FilePlace {
                line: 152_714,
                byte: 12_775_672,
                raw: "549687,20685".into(),
            }),
            judged: Judged::SetAside {
                reason: Reason::UnroutableCountry,
                column: Some("Country".into()),
                message: "\"Unspecified\" is on no region; assign it".into(),
            },
            log: LogPlace {
                partition: TopicPartition::new(Topic::Quarantine, 0),
                offset: Offset(9),
                appended_at: DateTime::UNIX_EPOCH,
                bytes: 120,
            },
            commit: Reading::Known(CommitPlace {
                committed: Some(CommittedOffset(12)),
                is_past: true,
            }),
            stored: vec![Stored {
                place: StoredPlace::Quarantine,
                dcs: PerDc([const { Reading::Known(Presence::There) }; 3]),
            }],
            mended: Some((RejectStatus::Open, 0)),
            made_of: None,
            sent_as: None,
        }
    }

    fn shorts(passport: &Passport) -> Vec<String> {
        let hops = hops(passport).into_iter();
        hops.map(|hop| format!("{}: {}", hop.name, hop.short))
            .collect()
    }

    #[test]
    fn every_hop_of_a_row_set_aside_is_named() {
        assert_eq!(
            shorts(&passport()),
            [
                "Read: line 152\u{2009}714, byte 12\u{2009}775\u{2009}672",
                "Cleaned: stopped: Unknown country",
                "Log: quarantine-0, offset 9",
                "Committed: committed to 12",
                "Quarantine: in all 3 data centres",
                "Region topic: waits for a fix",
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_never_called_absent() {
        let mut row = passport();
        row.stored[0].dcs.0[1] = Reading::Unknown("down".into());
        row.stored[0].dcs.0[2] = Reading::Known(Presence::Absent);
        row.place = Reading::Unknown("the file has changed".into());
        row.commit = Reading::Unknown("the log is down".into());
        let hops = hops(&row);
        assert_eq!(hops[0].status, Status::Unknown);
        assert_eq!(hops[3].status, Status::Unknown);
        assert_eq!(hops[4].short, "in 1, 2 of 3 known");
        let words: Vec<_> = presences(&row)[0]
            .1
            .iter()
            .map(|(_, _, words)| words.clone())
            .collect();
        assert_eq!(words, ["has it", "Unknown: down", "does not have it"]);
    }

    #[test]
    fn a_mended_row_says_what_it_became() {
        let mut row = passport();
        row.mended = Some((RejectStatus::Reingested { load: LoadId(8) }, 0));
        row.sent_as = Some(RejectKey {
            load: LoadId(8),
            row: RowNo(3),
        });
        assert_eq!(shorts(&row)[5], "Region topic: flowed as L-0008 row 3");
        row.mended = None;
        assert_eq!(hops(&row).len(), 5);
    }
}
