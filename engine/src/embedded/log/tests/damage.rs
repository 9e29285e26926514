//! Files cut at every byte and with bytes flipped: a whole beginning of the log, or damage by
//! name; never a panic, never other bytes than were written.

use std::collections::BTreeMap;

use super::*;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A log of three segments, closed: its files, with and without the checkpoint.
fn written() -> (Files, Files) {
    let disk = MemDisk::default();
    let log = open(&disk, options(300, 0));
    for tag in 0..8 {
        let partition = if tag % 3 == 2 { Q } else { P };
        log.append(append_of(partition, batch(tag, 4))).unwrap();
    }
    log.close().unwrap();
    let with = disk.files();
    let mut without = with.clone();
    without
        .remove(&PathBuf::from(DIR).join(checkpoint::FILE))
        .unwrap();
    assert!(without.len() >= 3, "{:?}", without.keys());
    (with, without)
}

/// What was appended, by partition.
const WHOLE: [(TopicPartition, &[u8]); 2] = [(P, &[0, 1, 3, 4, 6, 7]), (Q, &[2, 5])];

/// Opens and reads; how many batches there were when all was well.
fn check(files: &Files, what: &str) -> Option<usize> {
    let read = |partition| {
        let disk = MemDisk::with_files(files);
        let log = try_open(&disk, options(300, 0))?;
        tags(&log, partition)
    };
    let mut count = 0;
    for (partition, whole) in WHOLE {
        match read(partition) {
            Ok(tags) => {
                assert!(whole.starts_with(&tags), "{what}: {tags:?}");
                count += tags.len();
            }
            Err(LogError::Damaged { .. }) => return None,
            Err(error) => panic!("{what}: {error}"),
        }
    }
    Some(count)
}

fn last(files: &Files) -> PathBuf {
    let logs = files.keys().filter(|path| path.extension().is_some());
    logs.max().unwrap().clone()
}

#[test]
fn a_file_cut_at_any_byte_keeps_whole_groups_or_is_damaged() {
    let (with, without) = written();
    for (name, bytes) in &without {
        for len in 0..bytes.len() {
            let what = format!("{name:?} cut to {len}");
            let mut files = without.clone();
            files.insert(name.clone(), bytes[..len].to_vec());
            let found = check(&files, &what);
            if *name == last(&without) {
                // A crash may tear the end: it is never refused.
                assert!(found.is_some_and(|count| count < 8), "{what}: {found:?}");
            } else {
                assert_eq!(found, None, "{what}");
            }
            let mut files = with.clone();
            files.insert(name.clone(), bytes[..len].to_vec());
            assert_eq!(
                check(&files, &what),
                None,
                "{what}: the checkpoint knows better"
            );
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_is_never_read_as_data() {
    let (with, without) = written();
    for (whole, checkpoint) in [(&with, true), (&without, false)] {
        for (name, bytes) in whole {
            for at in 0..bytes.len() {
                let what = format!("{name:?} flipped at {at}, checkpoint {checkpoint}");
                let mut files = whole.clone();
                files.get_mut(name).unwrap()[at] ^= 0x10;
                let found = check(&files, &what);
                if *name == PathBuf::from(DIR).join(checkpoint::FILE) {
                    assert_eq!(found, Some(8), "{what}: the segments say all");
                } else if *name != last(whole) {
                    // Nothing but a preamble that the checkpoint stands for may go unseen.
                    assert!(
                        found.is_none() || (checkpoint && found == Some(8)),
                        "{what}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_bad_group_before_a_good_one_is_damage_and_not_a_torn_end() {
    let disk = MemDisk::default();
    let log = open(&disk, options(1 << 20, 0));
    let mut ends = Vec::new();
    for tag in 0..3 {
        log.append(append_of(P, batch(tag, 4))).unwrap();
        ends.push(usize::try_from(log.stats().bytes_on_disk).unwrap());
    }
    log.close().unwrap();
    let mut files = disk.files();
    files.remove(&PathBuf::from(DIR).join(checkpoint::FILE));
    let name = last(&files);
    for (at, expected) in [(ends[1] - 1, None), (ends[2] - 1, Some(vec![0, 1]))] {
        let mut files = files.clone();
        files.get_mut(&name).unwrap()[at] ^= 1;
        let disk = MemDisk::with_files(&files);
        match (try_open(&disk, LogOptions::default()), expected) {
            (Ok(log), Some(expected)) => assert_eq!(tags(&log, P).unwrap(), expected),
            (Err(LogError::Damaged { byte, path, .. }), None) => {
                assert!(byte >= ends[0] as u64 && byte < ends[1] as u64);
                assert_eq!(path, name);
            }
            (other, _) => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn a_missing_segment_is_damage() {
    let (with, without) = written();
    for files in [&with, &without] {
        let names: Vec<_> = files
            .keys()
            .filter(|path| path.extension().is_some())
            .collect();
        for name in &names[1..names.len() - 1] {
            let mut files = files.clone();
            files.remove(*name);
            assert_eq!(check(&files, "missing"), None);
        }
    }
}

#[test]
fn a_newer_format_is_named() {
    let (_, without) = written();
    let mut files = without.clone();
    let name = files.keys().next().unwrap().clone();
    let head = files.get_mut(&name).unwrap();
    head[8] = 2;
    let crc = crc32fast::hash(&head[..12]);
    head[12..16].copy_from_slice(&crc.to_le_bytes());
    let error = try_open(&MemDisk::with_files(&files), LogOptions::default()).err();
    assert!(matches!(
        error,
        Some(LogError::NewerFormat {
            found: 2,
            known: 1,
            ..
        })
    ));
}
