//! Opening a log: what is there is checked, and the torn end that a crash leaves is cut.
//!
//! A group is written only after the one before it is durable. So a crash can tear the last group
//! only, and everything else that does not fit is damage, reported by name and left as it is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::ports::{Disk, LogError};

use super::checkpoint::{self, Checkpoint};
use super::format::{Carried, Preamble};
use super::segment::{self, Segment, SegmentState, io_error};
use super::slots::{PARTITIONS_MAX, Slots};

/// Bytes read and written at once where bytes are written over themselves.
const REWRITE: u64 = 1024 * 1024;

/// A log as it was found.
pub(super) struct Recovered {
    pub(super) slots: Slots,
    pub(super) carried: Carried,
    pub(super) segments: VecDeque<SegmentState>,
    /// Sequence of the next group.
    pub(super) next_sequence: u64,
}

/// Whether segments follow, all of which were begun when this one was durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Last,
    Before,
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    found: Option<Recovered>,
    /// Where the bytes of the last segment begin that may not be durable: those of the last group
    /// that was read, or of the preamble. `None` when the checkpoint covers all.
    doubtful: Option<u64>,
}

/// Opens the log in `dir`, or makes one with partitions as `wanted`.
pub(super) fn recover(disk: &dyn Disk, dir: &Path, wanted: Slots) -> Result<Recovered, LogError> {
    let names = disk
        .list(dir)
        .map_err(io_error("cannot list the log", dir))?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| segment::number_of(name))
        .collect();
    numbers.sort_unstable();
    let has_checkpoint = names.iter().any(|name| {
        name.file_name()
            .is_some_and(|name| name == checkpoint::FILE)
    });
    let checkpoint = if has_checkpoint {
        Checkpoint::load(disk, dir)?
    } else {
        None
    };
    let mut recovery = Recovery {
        disk,
        dir,
        found: None,
        doubtful: None,
    };
    if let Some(checkpoint) = checkpoint {
        numbers = recovery.begin_at(checkpoint, &numbers)?;
    }
    recovery.read_on(&numbers)?;
    recovery.finish(wanted)
}

impl Recovery<'_> {
    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(segment::file_name(number))
    }

    fn open(&self, number: u64) -> Result<Segment, LogError> {
        let path = self.path(number);
        let file = self
            .disk
            .open(&path)
            .map_err(io_error("cannot open the log", &path))?;
        Ok(Segment { number, path, file })
    }

    fn missing(&self, number: u64) -> LogError {
        LogError::Damaged {
            what: "the segment is missing".to_owned(),
            byte: 0,
            path: self.path(number),
        }
    }

    /// Takes over what the checkpoint says, and gives the numbers of the segments after it.
    fn begin_at(&mut self, checkpoint: Checkpoint, numbers: &[u64]) -> Result<Vec<u64>, LogError> {
        let mut segments = VecDeque::new();
        let first = checkpoint
            .segments
            .first()
            .map_or(0, |record| record.number);
        let last = checkpoint.segments.last().map_or(0, |record| record.number);
        for record in checkpoint.segments {
            if !numbers.contains(&record.number) {
                return Err(self.missing(record.number));
            }
            let segment = self.open(record.number)?;
            let size = segment.size()?;
            if size < record.end || (size > record.end && record.number != last) {
                let what = format!("the segment has {size} bytes instead of {}", record.end);
                return Err(segment.damaged(size.min(record.end), what));
            }
            segments.push_back(SegmentState {
                segment: segment.into(),
                end: record.end,
                index: record.index,
            });
        }
        // Retention writes the checkpoint first and was ended before it had removed the files.
        for number in numbers.iter().filter(|number| **number < first) {
            let path = self.path(*number);
            self.disk
                .remove(&path)
                .map_err(io_error("cannot remove a dropped segment", &path))?;
        }
        self.found = Some(Recovered {
            slots: checkpoint.slots,
            carried: checkpoint.carried,
            segments,
            next_sequence: checkpoint.next_sequence,
        });
        let after: Vec<u64> = numbers
            .iter()
            .copied()
            .filter(|number| *number > last)
            .collect();
        self.read_groups(if after.is_empty() {
            Place::Last
        } else {
            Place::Before
        })?;
        Ok(after)
    }

    fn read_on(&mut self, numbers: &[u64]) -> Result<(), LogError> {
        for (at, number) in numbers.iter().enumerate() {
            let expected = self
                .found
                .as_ref()
                .and_then(|found| found.segments.back())
                .map_or(*number, |last| last.segment.number + 1);
            if *number != expected {
                return Err(self.missing(expected));
            }
            let place = if at + 1 == numbers.len() {
                Place::Last
            } else {
                Place::Before
            };
            if self.read_start(*number, place)? {
                self.read_groups(place)?;
            }
        }
        Ok(())
    }

    /// Reads the preamble of a segment; `false` when nothing of the segment was ever durable.
    fn read_start(&mut self, number: u64, place: Place) -> Result<bool, LogError> {
        let segment = self.open(number)?;
        let size = segment.size()?;
        let (preamble, start) = match segment.read_start(size) {
            Ok(start) => start,
            Err(error @ LogError::Damaged { .. }) => {
                return if place == Place::Last && self.was_never_begun(&segment, size)? {
                    self.begin_again(number)?;
                    Ok(false)
                } else {
                    Err(error)
                };
            }
            Err(error) => return Err(error),
        };
        if preamble.number != number {
            return Err(segment.damaged(0, format!("this is segment {}", preamble.number)));
        }
        if let Some(found) = &self.found {
            if preamble.first_sequence != found.next_sequence {
                let what = format!(
                    "groups {} to {} are missing before this segment",
                    found.next_sequence, preamble.first_sequence
                );
                return Err(segment.damaged(0, what));
            }
            if preamble.slots != found.slots || preamble.carried.ends != found.carried.ends {
                return Err(segment.damaged(0, "the segment does not continue the one before"));
            }
        }
        let state = SegmentState::new(segment, start, &preamble.carried);
        let mut segments = self
            .found
            .take()
            .map_or_else(VecDeque::new, |found| found.segments);
        segments.push_back(state);
        self.found = Some(Recovered {
            slots: preamble.slots,
            carried: preamble.carried,
            segments,
            next_sequence: preamble.first_sequence,
        });
        self.doubtful = Some(0);
        Ok(true)
    }

    /// Whether a crash during the making of a segment explains its unreadable preamble: it has no
    /// group, and what it carried is known from the segment before, or is nothing.
    fn was_never_begun(&self, segment: &Segment, size: u64) -> Result<bool, LogError> {
        if self.found.is_none() && segment.number != 1 {
            return Ok(false);
        }
        let slots = match (&self.found, Slots::new(PARTITIONS_MAX)) {
            (Some(found), _) => found.slots,
            (None, Some(widest)) => widest,
            (None, None) => return Ok(false),
        };
        Ok(segment.find_group(0, size, 0, slots)?.is_none())
    }

    /// Makes a segment again that a crash left half made.
    fn begin_again(&mut self, number: u64) -> Result<(), LogError> {
        // The first segment is made again by `finish`, which knows what is wanted.
        if let Some(found) = &mut self.found {
            let preamble = Preamble {
                number,
                first_sequence: found.next_sequence,
                slots: found.slots,
                carried: found.carried.clone(),
            };
            let state = segment::create(self.disk, self.dir, &preamble)?;
            found.segments.push_back(state);
        }
        Ok(())
    }

    /// Reads the groups of the last segment found so far, from its end on.
    fn read_groups(&mut self, place: Place) -> Result<(), LogError> {
        let Some(found) = &mut self.found else {
            return Ok(());
        };
        let Some(state) = found.segments.back_mut() else {
            return Ok(());
        };
        let segment = std::sync::Arc::clone(&state.segment);
        let size = segment.size()?;
        while state.end < size {
            let group = match segment.verify_group(state.end, size, found.slots) {
                Ok(group) => group,
                Err(LogError::Damaged { what, byte, path }) => {
                    let torn = place == Place::Last
                        && segment
                            .find_group(state.end + 1, size, found.next_sequence, found.slots)?
                            .is_none();
                    if torn {
                        tracing::warn!(%what, byte, ?path, "cutting the torn end of the log");
                        segment
                            .file
                            .set_len(state.end)
                            .map_err(io_error("cannot cut the torn end of the log", &path))?;
                        break;
                    }
                    return Err(LogError::Damaged { what, byte, path });
                }
                Err(error) => return Err(error),
            };
            if group.header.sequence != found.next_sequence {
                let what = format!(
                    "group {} is where group {} should be",
                    group.header.sequence, found.next_sequence
                );
                return Err(segment.damaged(state.end, what));
            }
            let ends_before = found.carried.ends.clone();
            found
                .carried
                .apply(&group.table)
                .map_err(|what| segment.damaged(state.end, what))?;
            self.doubtful = Some(state.end);
            state.push(&group.header, &ends_before);
            found.next_sequence += 1;
        }
        Ok(())
    }

    /// Makes durable what was found, or makes the first segment.
    fn finish(self, wanted: Slots) -> Result<Recovered, LogError> {
        if let Some(found) = self.found {
            if let Some(last) = found.segments.back() {
                make_durable(last, self.doubtful)
                    .and_then(|()| self.disk.sync_dir(self.dir))
                    .map_err(io_error("cannot sync the log", &last.segment.path))?;
            }
            return Ok(found);
        }
        let carried = Carried::empty(wanted);
        let preamble = Preamble {
            number: 1,
            first_sequence: 1,
            slots: wanted,
            carried,
        };
        if let Some(parent) = self.dir.parent() {
            self.disk
                .sync_dir(parent)
                .map_err(io_error("cannot sync the data directory", parent))?;
        }
        let state = segment::create(self.disk, self.dir, &preamble)?;
        Ok(Recovered {
            slots: wanted,
            carried: preamble.carried,
            segments: VecDeque::from([state]),
            next_sequence: 1,
        })
    }
}

/// Writes the bytes from `doubtful` on over themselves, and syncs.
///
/// A process that was killed leaves bytes that only the page cache has. If its last sync failed,
/// their pages count as clean and another sync alone would not write them.
fn make_durable(last: &SegmentState, doubtful: Option<u64>) -> std::io::Result<()> {
    let file = &last.segment.file;
    let mut position = doubtful.unwrap_or(last.end);
    let mut buffer = Vec::new();
    while position < last.end {
        let len = (last.end - position).min(REWRITE);
        buffer.resize(usize::try_from(len).unwrap_or_default(), 0);
        file.read_exact_at(&mut buffer, position)?;
        file.write_all_at(&buffer, position)?;
        position += len;
    }
    file.sync_data()
}
