//! Passports of a whole engine's rows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{
    FixRule, Judged, LoadRequest, Passport, PassportError, PassportQuery, Presence, RejectKey,
    RejectStatus, Resume, Roles, StoredPlace, Until,
};
use retail_engine::handle::{Answer, Command, Engine};
use retail_engine::intake::{Column, ReadOptions};
use retail_engine::model::{
    BucketKey, Day, LineId, LineTable, LoadId, Reading, Reason, RowNo, Shard, Topic,
};
use retail_tests::sample_file;

const DEADLINE: Duration = Duration::from_mins(1);
const ROWS: u64 = 10_000;

fn answer<T>(answer: &Answer<T>) -> T {
    answer.wait_for(DEADLINE).unwrap().unwrap()
}

fn loaded(dir: &Path, file: PathBuf) -> Engine {
    let mut settings = Settings::in_dir(dir.join("data"));
    settings.monitoring.port = 0;
    let engine = Engine::open(settings, Roles::all()).unwrap();
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let end = answer(&engine.ask(|reply| Command::Load(Box::new(request), reply))).unwrap();
    assert!(end.ledger.is_closed());
    engine
}

fn ask(engine: &Engine, query: PassportQuery) -> Result<Box<Passport>, PassportError> {
    answer(&engine.ask(|reply| Command::Passport(query, reply)))
}

fn of_row(row: u64) -> PassportQuery {
    PassportQuery::Row {
        load: LoadId(1),
        row: RowNo(row),
    }
}

/// Numbers that are the same in each run, 1 to `most`.
fn numbers(most: u64) -> impl Iterator<Item = u64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state % most + 1)
    })
}

#[test]
fn every_hop_of_a_thousand_rows_is_filled_and_leads_back() {
    let dir = tempfile::tempdir().unwrap();
    let engine = loaded(dir.path(), sample_file());
    let text = std::fs::read_to_string(sample_file()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (mut clean, mut aside) = (0, 0);
    for (place, row) in numbers(ROWS).take(1_000).enumerate() {
        let passport = ask(&engine, of_row(row)).unwrap();
        let at = passport.place.known().unwrap();
        // The file has no quoted line ends: row n stands on line n + 1.
        assert_eq!(at.line, row + 1, "row {row}");
        assert_eq!(at.raw, lines[usize::try_from(row).unwrap()], "row {row}");
        let from = usize::try_from(at.byte).unwrap();
        assert!(text.get(from..).unwrap().starts_with(&at.raw));
        let commit = passport.commit.known().unwrap();
        assert!(commit.is_past, "row {row}: {commit:?}");
        for stored in &passport.stored {
            for (dc, presence) in stored.dcs.iter() {
                assert_eq!(
                    presence,
                    &Reading::Known(Presence::There),
                    "row {row} in {dc}, {:?}",
                    stored.place
                );
            }
        }
        match &passport.judged {
            Judged::Clean { region, line, .. } => {
                clean += 1;
                assert_eq!(passport.log.partition.topic, Topic::Lines(*region));
                assert!(at.raw.starts_with(line.invoice_no.as_str()));
                assert_eq!(passport.stored.len(), 1);
            }
            Judged::SetAside { reason, .. } => {
                aside += 1;
                assert_eq!(passport.log.partition.topic, Topic::Quarantine);
                let places = 1 + usize::from(*reason == Reason::Cancellation);
                assert_eq!(passport.stored.len(), places);
                assert_eq!(passport.mended, Some((RejectStatus::Open, 0)));
            }
        }
        // And back, from the message and, now and then, from the stored line.
        let message = PassportQuery::Message {
            partition: passport.log.partition,
            offset: passport.log.offset,
        };
        assert_eq!(ask(&engine, message).unwrap(), passport);
        let bucket = passport
            .stored
            .iter()
            .find_map(|stored| match &stored.place {
                StoredPlace::Bucket {
                    table,
                    country,
                    day,
                    shard,
                    line_id,
                } => Some((*table, country, day, *shard, line_id)),
                StoredPlace::Quarantine => None,
            });
        if let (Some((table, country, day, shard, line_id)), 0) = (bucket, place % 20) {
            let key = BucketKey {
                table,
                country: engine.catalog().find_country(country).unwrap(),
                day: Day::from_date(day.parse().unwrap()),
                shard,
            };
            let line = LineId(u64::from_str_radix(line_id, 16).unwrap());
            assert_eq!(
                ask(&engine, PassportQuery::Line { key, line }).unwrap(),
                passport
            );
        }
    }
    assert!(clean > 900 && aside > 5, "{clean} clean, {aside} set aside");
    assert!(matches!(
        ask(&engine, of_row(ROWS + 1)),
        Err(PassportError::NotInLog)
    ));
    let nobody = PassportQuery::Row {
        load: LoadId(9),
        row: RowNo(1),
    };
    assert!(matches!(
        ask(&engine, nobody),
        Err(PassportError::NoLoad(LoadId(9)))
    ));
}

#[test]
fn a_row_of_a_changed_file_says_so_and_a_line_that_is_not_stored_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csv");
    let header =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    let rows = "1,A,one,1,12/1/2010 8:26,1.5,17850,France\n5,A,five,5,1/13/2011 8:30,2.5,,Narnia\n";
    std::fs::write(&file, format!("{header}{rows}")).unwrap();
    let engine = loaded(dir.path(), file.clone());
    std::fs::write(&file, header).unwrap();
    let clean = ask(&engine, of_row(1)).unwrap();
    assert!(matches!(&clean.place, Reading::Unknown(why) if why.contains("has changed")));
    let aside = ask(&engine, of_row(2)).unwrap();
    assert_eq!(aside.place.known().unwrap().line, 3, "kept with the row");
    let key = BucketKey {
        table: LineTable::Transactions,
        country: engine.catalog().find_country("France").unwrap(),
        day: Day(0),
        shard: Shard(0),
    };
    let line = LineId(7);
    assert!(matches!(
        ask(&engine, PassportQuery::Line { key, line }),
        Err(PassportError::NotInLog)
    ));
}

#[test]
fn a_mended_row_leads_to_what_it_became_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csv");
    let header =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    let rows = "1,A,one,1,12/1/2010 8:26,1.5,17850,France\n5,A,five,5,1/13/2011 8:30,2.5,,Narnia\n";
    std::fs::write(&file, format!("{header}{rows}")).unwrap();
    let engine = loaded(dir.path(), file);
    let rules = Rules::builtin().unwrap();
    let key = RejectKey {
        load: LoadId(1),
        row: RowNo(2),
    };
    let rule = FixRule::Field {
        row: key,
        column: Column::Country,
        to: "Spain".into(),
    };
    answer(&engine.ask(|reply| Command::AddFix(Box::new(rule), reply))).unwrap();
    let plan = answer(&engine.ask(|reply| Command::PlanReingest(rules, reply))).unwrap();
    answer(&engine.ask(|reply| Command::Reingest(Box::new(plan), reply))).unwrap();
    let was = ask(&engine, of_row(2)).unwrap();
    let sent = was.sent_as.unwrap();
    assert_eq!(
        was.mended,
        Some((RejectStatus::Reingested { load: sent.load }, 0))
    );
    let query = PassportQuery::Row {
        load: sent.load,
        row: sent.row,
    };
    let became = ask(&engine, query).unwrap();
    assert_eq!(became.made_of, Some(key));
    assert!(matches!(&became.judged, Judged::Clean { line, .. } if line.country == "Spain"));
}
