//! Lost power, killed processes, full and failing disks, against a model that is a list.

use proptest::prelude::*;

use super::*;

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// Appends one batch to each of some partitions, in one append.
    Append(Vec<(bool, u32)>),
    /// Commits a share of what there is, in percent.
    Commit(bool, u64),
    /// Trouble after some more operations of the disk.
    Trouble(u64, u8),
    Heal,
    Crash(u64),
    Kill,
    Close,
    Retain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec((any::<bool>(), 1..6_u32), 1..4).prop_map(Step::Append),
        3 => (any::<bool>(), 0..=100_u64).prop_map(|(q, share)| Step::Commit(q, share)),
        2 => (0..6_u64, 0..3_u8).prop_map(|(after, kind)| Step::Trouble(after, kind)),
        2 => Just(Step::Heal),
        2 => any::<u64>().prop_map(Step::Crash),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        1 => Just(Step::Retain),
    ]
}

/// What the log must have.
#[derive(Default)]
struct Model {
    /// Batches of P and Q: tag and records.
    batches: [Vec<(u8, u32)>; 2],
    /// Appends of unknown outcome since the last that went well: while the disk does not even let
    /// itself be cut, one of them may turn up after the next opening, as a whole.
    unknown: Vec<Vec<(usize, (u8, u32))>>,
    committed: [Option<u64>; 2],
}

const BOTH: [TopicPartition; 2] = [P, Q];

impl Model {
    fn end(&self, p: usize) -> u64 {
        self.batches[p].iter().map(|(_, n)| u64::from(*n)).sum()
    }

    /// Compares, after the log was opened again.
    fn check_opened(&mut self, log: &EmbeddedLog) {
        let ends = BOTH.map(|p| log.offsets(p).unwrap().end.0);
        if ends != [self.end(0), self.end(1)] {
            let before = [self.end(0), self.end(1)];
            let found = BOTH.map(|p| tags(log, p).unwrap());
            let explained = self.unknown.drain(..).find(|added| {
                (0..2).all(|p| {
                    let added = added.iter().filter(|(q, _)| *q == p);
                    let (tags_added, counts): (Vec<u8>, Vec<u32>) =
                        added.map(|(_, batch)| *batch).unzip();
                    let sum: u64 = counts.into_iter().map(u64::from).sum();
                    ends[p] == before[p] + sum && found[p].ends_with(&tags_added)
                })
            });
            let explained = explained.expect("neither what was appended nor one append more");
            for (p, batch) in explained {
                self.batches[p].push(batch);
            }
        }
        self.unknown.clear();
        for (p, partition) in BOTH.into_iter().enumerate() {
            let found = log.committed(partition).unwrap().map(|c| c.0);
            assert!(found <= self.committed[p], "{found:?} is newer");
            self.committed[p] = found;
        }
        self.check(log);
    }

    fn check(&self, log: &EmbeddedLog) {
        for (p, partition) in BOTH.into_iter().enumerate() {
            let offsets = log.offsets(partition).unwrap();
            assert_eq!(offsets.end.0, self.end(p));
            let mut next = 0;
            let mut kept = Vec::new();
            for (tag, records) in &self.batches[p] {
                if next >= offsets.begin.0 {
                    kept.push(*tag);
                }
                next += u64::from(*records);
            }
            assert_eq!(tags(log, partition).unwrap(), kept);
        }
    }
}

fn run(steps: &[Step], options: LogOptions) {
    let mut disk = MemDisk::default();
    let mut log = Some(open(&disk, options));
    let mut model = Model::default();
    let mut tag = 0_u8;
    for step in steps {
        let current = log.as_ref().unwrap();
        match step {
            Step::Append(parts) => {
                let mut append = Append::default();
                let mut added = Vec::new();
                for (is_q, records) in parts {
                    tag = tag.wrapping_add(1);
                    let p = usize::from(*is_q);
                    append.batches.push((BOTH[p], batch(tag, *records)));
                    added.push((p, (tag, *records)));
                }
                match current.append(append) {
                    Ok(receipt) => {
                        for ((p, added), base) in added.into_iter().zip(receipt.base_offsets) {
                            assert_eq!(base.0, model.end(p));
                            model.batches[p].push(added);
                        }
                        // What was cut away for a later append never comes back.
                        model.unknown.clear();
                    }
                    Err(LogError::Io { .. }) => {
                        model.unknown.push(added);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Commit(is_q, share) => {
                let p = usize::from(*is_q);
                let begin = current.offsets(BOTH[p]).unwrap().begin.0;
                let position = begin.max(model.end(p) * share / 100);
                match current.commit(&[(BOTH[p], CommittedOffset(position))]) {
                    Ok(()) => model.committed[p] = Some(position),
                    // Unknown: the higher of both may be found.
                    Err(_io) => model.committed[p] = model.committed[p].max(Some(position)),
                }
            }
            Step::Trouble(after, kind) => {
                let kinds = [Trouble::Full, Trouble::SyncFails, Trouble::Dead];
                disk.set_trouble_in(*after, kinds[usize::from(*kind)]);
            }
            Step::Heal => disk.set_trouble(None),
            Step::Retain => match current.drop_before(DateTime::<Utc>::MAX_UTC) {
                Ok(_) | Err(LogError::Io { .. }) => {}
                Err(error) => panic!("{error}"),
            },
            Step::Crash(seed) => {
                let random = crate::ports::SystemEntropy::seeded(*seed);
                disk = disk.crash(|n| {
                    let drawn = crate::ports::Entropy::next_u64(&random) % n as u64;
                    usize::try_from(drawn).unwrap()
                });
                log = None;
            }
            Step::Kill => {
                disk = disk.kill();
                log = None;
            }
            Step::Close => {
                disk.set_trouble(None);
                // What the log says itself, as a commit may have had an unknown outcome.
                let committed = BOTH.map(|p| current.committed(p).unwrap().map(|c| c.0));
                current.close().unwrap();
                log = Some(reopened(&disk, options, &mut model, log.take()));
                assert_eq!(model.committed, committed, "a clean close keeps commits");
            }
        }
        if log.is_none() {
            log = Some(reopened(&disk, options, &mut model, None));
        }
        model.check(log.as_ref().unwrap());
    }
}

fn reopened(
    disk: &MemDisk,
    options: LogOptions,
    model: &mut Model,
    before: Option<EmbeddedLog>,
) -> EmbeddedLog {
    drop(before);
    let log = open(disk, options);
    model.check_opened(&log);
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_acknowledged_is_lost_whatever_happens(
        steps in prop::collection::vec(step(), 1..40),
        segment_bytes in prop_oneof![Just(1_u64), Just(400), Just(1 << 20)],
        tail_bytes in prop_oneof![Just(0_usize), Just(300), Just(1 << 20)],
    ) {
        run(&steps, options(segment_bytes, tail_bytes));
    }
}

#[test]
fn a_full_disk_refuses_appends_and_takes_them_again_when_there_is_room() {
    let disk = MemDisk::default();
    let log = open(&disk, LogOptions::default());
    log.append(append_of(P, batch(1, 2))).unwrap();
    let size = disk.files();
    disk.set_trouble(Some(Trouble::Full));
    for _ in 0..3 {
        let error = log.append(append_of(P, batch(2, 2))).unwrap_err();
        assert!(
            error.to_string().contains("cannot write to the log"),
            "{error}"
        );
    }
    assert_eq!(disk.files(), size, "the space is given back");
    assert_eq!(tags(&log, P).unwrap(), [1]);
    disk.set_trouble(None);
    let receipt = log.append(append_of(P, batch(3, 2))).unwrap();
    assert_eq!(receipt.base_offsets, [Offset(2)]);
    assert_eq!(tags(&log, P).unwrap(), [1, 3]);
}

#[test]
fn after_a_failed_sync_nothing_relies_on_the_pages_it_was_about() {
    let disk = MemDisk::default();
    let log = open(&disk, options(1 << 20, 0));
    log.append(append_of(P, batch(1, 2))).unwrap();
    disk.set_trouble(Some(Trouble::SyncFails));
    log.append(append_of(P, batch(2, 2))).unwrap_err();
    disk.set_trouble(None);
    log.append(append_of(P, batch(3, 2))).unwrap();
    assert_eq!(log.stats().segments, 2, "writing goes on in a new segment");
    let disk = disk.crash(|_| 0);
    drop(log);
    let log = open(&disk, options(1 << 20, 0));
    assert_eq!(tags(&log, P).unwrap(), [1, 3]);
}

#[test]
fn a_commit_back_is_durable_at_once() {
    let disk = MemDisk::default();
    let log = open(&disk, LogOptions::default());
    log.append(append_of(P, batch(1, 9))).unwrap();
    log.commit(&[(P, CommittedOffset(9))]).unwrap();
    log.append(append_of(P, batch(2, 1))).unwrap();
    log.commit(&[(P, CommittedOffset(3))]).unwrap();
    let disk = disk.crash(|_| 0);
    drop(log);
    let log = open(&disk, LogOptions::default());
    assert_eq!(log.committed(P).unwrap(), Some(CommittedOffset(3)));
}
