//! The adapter on real brokers. `LAB_SERVERS` says where they are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::config::{KafkaSecurity, SaslMechanism, Secret, Settings};
use crate::lab::{Lab, Server};
use crate::model::Region;
use crate::ports::log_contract::{self, append_of, batch};
use crate::ports::{Outcome, SystemClock};

const EUROPE: Topic = Topic::Lines(Region::Europe);
const A: TopicPartition = TopicPartition::new(EUROPE, 0);

/// Longer than a group of the lab takes for anything.
const DEADLINE: Duration = Duration::from_mins(1);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Brokers of the lab, from `kafka=127.0.0.1:9092;...`.
fn brokers() -> String {
    let lab = std::env::var("LAB_SERVERS").expect("LAB_SERVERS names a running lab");
    let part = lab.split(';').find_map(|part| part.strip_prefix("kafka="));
    part.expect("LAB_SERVERS has kafka=host:port").to_owned()
}

/// Settings for the lab, with sessions as short as brokers allow.
fn settings() -> Settings {
    let mut settings = Settings::in_dir("unused");
    settings.live.kafka_bootstrap_servers = vec![brokers()];
    settings.live.kafka_session_timeout = Duration::from_secs(6);
    settings
}

/// Settings with topics of their own, which are deleted at the end.
pub(crate) struct TestTopics {
    pub(crate) settings: Settings,
}

impl TestTopics {
    pub(crate) fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut settings = settings();
        settings.live.kafka_topic_prefix = format!("test-{}-{number}-", std::process::id());
        setup(&settings).unwrap();
        Self { settings }
    }

    fn open(&self) -> KafkaLog {
        let clock = Arc::new(SystemClock::default());
        KafkaLog::connect(&self.settings, clock, Arc::default()).unwrap()
    }

    fn config(&self) -> (KafkaConfig, Arc<Link>) {
        let config = KafkaConfig::of(&self.settings).unwrap();
        let link = Arc::new(Link::new(config.brokers.clone()));
        (config, link)
    }

    fn names(&self) -> Vec<String> {
        let (config, _) = self.config();
        let mut names: Vec<_> = Topic::ALL.map(|t| config.names.topic(t).to_owned()).into();
        names.push(config.names.marks.clone());
        names.push(config.names.probes.clone());
        names
    }

    /// Lets the brokers take no batch of a topic above so many bytes.
    pub(crate) fn limit_batches(&self, topic: Topic, bytes_max: u32) {
        let (config, link) = self.config();
        let name = config.names.topic(topic).to_owned();
        let setting = ("max.message.bytes", bytes_max.to_string());
        topics::configure(&config, &link, &name, (setting.0, &setting.1));
    }

    fn delete(&self, names: &[&str]) {
        let (config, link) = self.config();
        topics::delete(&config, &link, names);
    }
}

impl Drop for TestTopics {
    fn drop(&mut self) {
        let names = self.names();
        if !std::thread::panicking() {
            self.delete(&names.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

fn owned(log: &KafkaLog) -> BTreeSet<u16> {
    log.assignment(EUROPE)
        .unwrap()
        .partitions
        .into_keys()
        .collect()
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn the_contract_holds() {
    let places = std::cell::RefCell::new(Vec::new());
    log_contract::check(
        || {
            let place = TestTopics::new();
            let log = place.open();
            places.borrow_mut().push(place);
            log
        },
        |log| {
            log.close().unwrap();
            places.borrow().last().unwrap().open()
        },
    );
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn setup_makes_what_is_missing_and_can_be_done_again() {
    let place = TestTopics::new();
    let again = setup(&place.settings).unwrap();
    assert_eq!(again.len(), 6);
    assert!(again.iter().all(|topic| topic.made == Made::Before));
    let mut other = place.settings.clone();
    other.log.partitions = 5;
    let error = setup(&other).unwrap_err();
    assert!(error.to_string().contains("3 partitions"), "{error}");
    other.live.kafka_topic_prefix = "not-there-".into();
    let clock = Arc::new(SystemClock::default());
    let error = KafkaLog::connect(&other, clock, Arc::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("no topic not-there-"), "{error}");
    assert!(error.remedy().contains("setup"));
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn members_share_partitions_and_give_them_back_when_they_are_flushed() {
    let place = TestTopics::new();
    let first = place.open();
    for partition in 0..3 {
        let to = TopicPartition::new(EUROPE, partition);
        first.append(append_of(to, batch(1, 10))).unwrap();
    }
    first.join(EUROPE).unwrap();
    wait_until("the first has all", || owned(&first).len() == 3);
    let all = first.assignment(EUROPE).unwrap();
    first.released(EUROPE, all.epoch);
    let second = place.open();
    second.join(EUROPE).unwrap();
    wait_until("partitions are asked back", || owned(&first).len() < 3);
    let kept = owned(&first);
    let asked = (0..3).find(|n| !kept.contains(n)).unwrap();
    let asked = TopicPartition::new(EUROPE, asked);
    // What is asked back may still be committed, until it is released.
    first.commit(&[(asked, CommittedOffset(7))]).unwrap();
    assert_eq!(owned(&second).len(), 0, "nobody has two owners");
    first.released(EUROPE, first.assignment_epoch(EUROPE));
    wait_until("the second has it", || {
        first.released(EUROPE, first.assignment_epoch(EUROPE));
        owned(&first).len() + owned(&second).len() == 3 && !owned(&second).is_empty()
    });
    assert_eq!(second.committed(asked).unwrap(), Some(CommittedOffset(7)));
    let error = first.commit(&[(asked, CommittedOffset(9))]).unwrap_err();
    assert!(
        matches!(error, LogError::NotOwned(p) if p == asked),
        "{error}"
    );
    assert_eq!(first.members(EUROPE).unwrap(), 2);
    // Whoever goes leaves its partitions to the others.
    second.close().unwrap();
    wait_until("the first has all again", || owned(&first).len() == 3);
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn one_that_leaves_holds_up_nobody_and_may_come_back() {
    let place = TestTopics::new();
    let first = place.open();
    first.join(EUROPE).unwrap();
    wait_until("the first has all", || owned(&first).len() == 3);
    first.released(EUROPE, first.assignment_epoch(EUROPE));
    let began = Instant::now();
    // It releases nothing any more.
    first.leave(EUROPE);
    wait_until("it has none", || owned(&first).is_empty());
    let second = place.open();
    second.join(EUROPE).unwrap();
    wait_until("the second has all", || owned(&second).len() == 3);
    assert!(began.elapsed() < group::RELEASE_WITHIN);
    second.close().unwrap();
    // What is idle again may be set from outside.
    first.append(append_of(A, batch(1, 10))).unwrap();
    wait_until("the group is idle", || {
        first.commit(&[(A, CommittedOffset(4))]).is_ok()
    });
    assert_eq!(first.committed(A).unwrap(), Some(CommittedOffset(4)));
    first.join(EUROPE).unwrap();
    wait_until("the first has some again", || !owned(&first).is_empty());
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn the_offsets_of_a_group_with_members_cannot_be_set_from_outside() {
    let place = TestTopics::new();
    let member = place.open();
    member.append(append_of(A, batch(1, 10))).unwrap();
    let outside = place.open();
    outside.commit(&[(A, CommittedOffset(3))]).unwrap();
    member.join(EUROPE).unwrap();
    wait_until("it has all", || owned(&member).len() == 3);
    assert_eq!(member.committed(A).unwrap(), Some(CommittedOffset(3)));
    let error = outside.commit(&[(A, CommittedOffset(1))]).unwrap_err();
    assert!(error.to_string().contains("other processes"), "{error}");
    member.commit(&[(A, CommittedOffset(10))]).unwrap();
    assert_eq!(outside.committed(A).unwrap(), Some(CommittedOffset(10)));
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_topic_that_was_made_again_is_noticed() {
    let place = TestTopics::new();
    let log = place.open();
    log.append(append_of(A, batch(1, 10))).unwrap();
    log.commit(&[(A, CommittedOffset(5))]).unwrap();
    log.close().unwrap();
    place.delete(&[&place.names()[0]]);
    wait_until("it is made again", || setup(&place.settings).is_ok());
    let log = place.open();
    // Longer than the old one: the offset alone would fit.
    log.append(append_of(A, batch(2, 20))).unwrap();
    // Brokers forget the offsets with the topic, unless they were away at that moment.
    assert_eq!(log.committed(A).unwrap(), None);
    let old = [(A, CommittedOffset(5), "1764000000000".to_owned())];
    log.open().unwrap().groups.of(EUROPE).commit(&old).unwrap();
    log.join(EUROPE).unwrap();
    wait_until("it has all", || owned(&log).len() == 3);
    let error = log.committed(A).unwrap_err();
    assert!(matches!(error, LogError::MadeAgain { .. }), "{error}");
}

/// Prefix of the topics of a process that the test below starts and stops.
const ZOMBIE_PREFIX: &str = "RETAIL_TEST_ZOMBIE_PREFIX";

/// Not a test of its own: the process of the test below, which is stopped past its session.
#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn zombie() {
    let Ok(prefix) = std::env::var(ZOMBIE_PREFIX) else {
        return;
    };
    let mut settings = settings();
    settings.live.kafka_topic_prefix = prefix;
    let clock = Arc::new(SystemClock::default());
    let log = KafkaLog::connect(&settings, clock, Arc::default()).unwrap();
    log.join(EUROPE).unwrap();
    wait_until("it has all", || owned(&log).len() == 3);
    log.commit(&[(A, CommittedOffset(1))]).unwrap();
    println!("owns all");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    match log.commit(&[(A, CommittedOffset(5))]) {
        Err(LogError::NotOwned(_)) => println!("refused"),
        other => println!("{other:?}"),
    }
}

#[test]
#[cfg(unix)]
#[ignore = "needs a lab: LAB_SERVERS"]
fn one_that_was_stopped_past_its_session_commits_nothing() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    let place = TestTopics::new();
    let log = place.open();
    log.append(append_of(A, batch(1, 10))).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "live::kafka::tests::zombie",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(ZOMBIE_PREFIX, &place.settings.live.kafka_topic_prefix)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = told.map(Result::unwrap);
    assert!(told.any(|line| line.contains("owns all")));
    let signal = |name: &str| {
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    log.join(EUROPE).unwrap();
    wait_until("its session is over", || owned(&log).len() == 3);
    assert_eq!(log.committed(A).unwrap(), Some(CommittedOffset(1)));
    log.commit(&[(A, CommittedOffset(9))]).unwrap();
    signal("-CONT");
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "go on").unwrap();
    let answer = told.find(|line| !line.is_empty());
    assert_eq!(answer.as_deref(), Some("refused"));
    assert!(child.wait().unwrap().success());
    let outside = place.open();
    assert_eq!(outside.committed(A).unwrap(), Some(CommittedOffset(9)));
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_batch_that_the_brokers_find_too_large_is_refused_with_what_to_do_and_fits_afterwards() {
    const SMALL: u32 = 1_000;
    const USUAL: u32 = 1_048_588;
    let place = TestTopics::new();
    let log = place.open();
    log.append(append_of(A, batch(1, 5))).unwrap();
    place.limit_batches(EUROPE, SMALL);
    let too_large = append_of(A, batch(2, 2_000));
    let mut error = None;
    wait_until("the limit holds", || {
        error = log.append(too_large.clone()).err();
        error.is_some()
    });
    let error = error.unwrap();
    assert_eq!(error.outcome(), Outcome::Fatal, "{error}");
    assert!(
        error.remedy().contains("max.message.bytes"),
        "{error}: {}",
        error.remedy()
    );
    let end = log.offsets(A).unwrap().end.0;
    place.limit_batches(EUROPE, USUAL);
    wait_until("it fits", || log.append(too_large.clone()).is_ok());
    assert_eq!(log.offsets(A).unwrap().end.0, end + 2_000);
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS, LAB_CONTROL"]
fn appends_wait_for_a_broker_that_is_away_and_are_there_once() {
    let command = std::env::var("LAB_CONTROL").expect("LAB_CONTROL is a command");
    let control = |act: &str| {
        let mut words = command.split_whitespace();
        let status = std::process::Command::new(words.next().expect("a command"))
            .args(words)
            .args([act, "kafka"])
            .status();
        assert!(status.unwrap().success(), "{act} kafka");
    };
    let place = TestTopics::new();
    let log = place.open();
    let appends = 300;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..appends {
                let append = append_of(A, batch(u8::try_from(n % 250).unwrap(), 100));
                // As the pipeline does: the same again until it is there.
                while let Err(error) = log.append(append.clone()) {
                    assert_eq!(error.outcome(), Outcome::Retry, "{error}");
                    assert!(error.to_string().contains("Kafka at"), "{error}");
                }
            }
        });
        wait_until("some are there", || log.offsets(A).unwrap().end.0 > 3_000);
        control("pause");
        // Twice as long as a caller waits for one append.
        std::thread::sleep(2 * producer::DELIVERY_WAIT);
        control("resume");
    });
    let mut next = 0;
    let mut seen = Vec::new();
    while next < appends * 100 {
        // Leaders are elected anew when the broker is back: that passes.
        let mut read = log.fetch(A, Offset(next), 1 << 20);
        wait_until("it can be read", || {
            let passes = |error: &LogError| error.outcome() == Outcome::Retry;
            if read.as_ref().is_err_and(passes) {
                read = log.fetch(A, Offset(next), 1 << 20);
            }
            read.is_ok()
        });
        for fetched in read.unwrap() {
            next += u64::from(fetched.batch.records);
            seen.push((fetched.batch.load.0, fetched.batch.records));
        }
    }
    let mut end = None;
    wait_until("the end is told", || {
        end = log.offsets(A).ok().map(|offsets| offsets.end.0);
        end.is_some()
    });
    assert_eq!(end, Some(appends * 100), "each once");
    seen.chunk_by(|a, b| a.0 == b.0)
        .enumerate()
        .for_each(|(n, group)| {
            assert_eq!(group[0].0, n as u64 % 250, "in order");
            assert_eq!(group.iter().map(|(_, records)| records).sum::<u32>(), 100);
        });
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn old_lines_are_deleted_up_to_where_the_group_stands() {
    let place = TestTopics::new();
    let log = place.open();
    log.append(append_of(A, batch(1, 10))).unwrap();
    log.commit(&[(A, CommittedOffset(4))]).unwrap();
    let tomorrow = SystemClock::default().now() + chrono::TimeDelta::days(1);
    log.drop_before(tomorrow).unwrap();
    assert_eq!(log.offsets(A).unwrap().begin, Offset(4));
    let error = log.fetch(A, Offset(3), 1).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { .. }), "{error}");
    assert_eq!(
        log.fetch(A, Offset(4), usize::MAX).unwrap()[0].base_offset,
        Offset(4)
    );
}

/// Home of a lab that was set up with `--secured`: its broker wants a login.
const SECURED: &str = "LAB_SECURED";

#[test]
#[ignore = "needs a secured lab: LAB_SECURED"]
fn a_login_is_tested_and_what_is_wrong_with_it_is_named() {
    let home = std::env::var_os(SECURED).expect("the home of a secured lab");
    let lab = Lab::open(std::path::Path::new(&home)).unwrap();
    let address = lab.options().client(Server::Kafka);
    let at = &format!("{}:{}", address.ip(), lab.options().sasl_port());
    let account = lab.account().unwrap().expect("the lab is a secured one");
    let mut settings = Settings::in_dir("unused");
    settings.live.kafka_bootstrap_servers = vec![at.clone()];
    let open = |settings: &Settings| {
        let clock = Arc::new(SystemClock::default());
        KafkaLog::connect(settings, clock, Arc::default())
    };
    // Without a login the broker hangs up in the middle of a sentence.
    let (what, cause, _) = probe::connect(&settings.live).err().unwrap();
    assert!(
        what.contains(at.as_str()) && cause.contains("may want TLS"),
        "{what}: {cause}"
    );
    settings.live.kafka_security = KafkaSecurity::SaslPlaintext;
    settings.live.kafka_sasl_mechanism = SaslMechanism::Plain;
    settings.live.kafka_username.clone_from(&account.name);
    settings.live.kafka_password = Secret::new("wrong");
    let (probe, _) = probe::connect(&settings.live).unwrap();
    let (what, _, remedy) = probe.login().unwrap_err();
    assert!(what.contains("refuses the login"), "{what}");
    assert!(remedy.contains("RETAIL_KAFKA_PASSWORD"), "{remedy}");
    let error = open(&settings).err().unwrap();
    assert_eq!(error.outcome(), Outcome::Fatal, "{error}");
    assert!(error.to_string().contains("refuses the login"), "{error}");
    settings.live.kafka_password = Secret::new(&account.password);
    let (probe, _) = probe::connect(&settings.live).unwrap();
    assert_eq!(probe.login().unwrap().1, format!("as {}", account.name));
    assert!(probe.rights().unwrap().1.contains("setup makes the others"));
    settings.live.kafka_topic_prefix = format!("test-{}-sasl-", std::process::id());
    setup(&settings).unwrap();
    let place = TestTopics { settings };
    let log = place.open();
    log.append(append_of(A, batch(1, 3))).unwrap();
    assert_eq!(
        log.fetch(A, Offset(0), usize::MAX).unwrap()[0].batch,
        batch(1, 3)
    );
    let (probe, _) = probe::connect(&place.settings.live).unwrap();
    assert_eq!(probe.rights().unwrap().1, "5 topics");
    assert!(probe.round_trip(7).unwrap().is_some());
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_record_of_a_connection_test_comes_back_and_no_topic_of_lines_grows() {
    let place = TestTopics::new();
    let (probe, _) = probe::connect(&place.settings.live).unwrap();
    assert!(probe.round_trip(u64::MAX).unwrap().is_some());
    assert!(probe.round_trip(8).unwrap().is_some());
    let log = place.open();
    for topic in Topic::ALL {
        for number in 0..log.partitions(topic) {
            let partition = TopicPartition::new(topic, number);
            assert_eq!(log.offsets(partition).unwrap().end.0, 0, "{partition}");
        }
    }
    // Topics that an older setup has made serve lines all the same, and there is nothing to try.
    place.delete(&[&place.config().0.names.probes]);
    wait_until("it is gone", || {
        probe.round_trip(9).is_ok_and(|found| found.is_none())
    });
    drop(log);
    place.open();
    setup(&place.settings).unwrap();
}

#[test]
fn brokers_that_are_not_there_are_named_within_the_time_out() {
    // Bound and dropped: nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = closed.local_addr().unwrap().to_string();
    drop(closed);
    let mut settings = Settings::in_dir("unused");
    settings.live.kafka_bootstrap_servers = vec![at.clone()];
    let began = Instant::now();
    let clock = Arc::new(SystemClock::default());
    let error = KafkaLog::connect(&settings, clock, Arc::default())
        .err()
        .unwrap();
    assert_eq!(error.outcome(), Outcome::Retry);
    assert!(error.to_string().contains(&at), "{error}");
    assert!(began.elapsed() < 2 * config::REQUEST_TIMEOUT);
}
