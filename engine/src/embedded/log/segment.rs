//! Segments: the files of the log, read at a place and checked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::ports::{Disk, DiskFile, LogError};

use super::format::{
    self, BLOCK_HEAD, Carried, FILE_HEAD, Frame, HEADER, HeadError, Header, IndexEntry, Preamble,
    Table, VERSION,
};
use super::slots::Slots;

/// First bytes of a segment.
const SEGMENT_MAGIC: [u8; 8] = *b"RTL-LOG\n";

/// Bytes between two entries of the index: what a fetch has to walk at most before it is at the
/// record that it was asked for. An entry takes some 100 bytes, so the index is about 1/2500 of
/// the log.
pub(super) const INDEX_STEP: u64 = 256 * 1024;

/// Bytes read at once while walking from group to group: a page, which has the header and the
/// table of a usual group.
const WALK_READ: usize = 4096;

/// Bytes read at once while checking frames in recovery.
const CHECK_READ: usize = 1024 * 1024;

/// A file of the log.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) file: Box<dyn DiskFile>,
}

/// A segment with what is known of its contents.
pub(super) struct SegmentState {
    pub(super) segment: Arc<Segment>,
    /// End of the last group that is acknowledged.
    pub(super) end: u64,
    /// The first entry is where the groups begin.
    pub(super) index: Vec<IndexEntry>,
}

impl SegmentState {
    /// A segment without groups.
    pub(super) fn new(segment: Segment, start: u64, carried: &Carried) -> Self {
        Self {
            segment: Arc::new(segment),
            end: start,
            index: vec![IndexEntry {
                position: start,
                latest_ms: i64::MIN,
                ends: carried.ends.as_slice().into(),
            }],
        }
    }

    /// Where the first group begins.
    pub(super) fn start(&self) -> u64 {
        self.index.first().map_or(0, |entry| entry.position)
    }

    /// Ends of all partitions before the first group.
    pub(super) fn first_ends(&self) -> &[u64] {
        self.index.first().map_or(&[], |entry| &entry.ends)
    }

    /// Notes a group that begins at the end, and moves the end behind it.
    pub(super) fn push(&mut self, header: &Header, ends_before: &[u64]) {
        let far = |entry: &IndexEntry| self.end - entry.position >= INDEX_STEP;
        if self.index.last().is_some_and(far) {
            self.index.push(IndexEntry {
                position: self.end,
                latest_ms: header.appended_ms,
                ends: ends_before.into(),
            });
        } else if let Some(entry) = self.index.last_mut() {
            entry.latest_ms = entry.latest_ms.max(header.appended_ms);
        }
        self.end += header.group_len();
    }
}

/// A group without the bytes of its frames.
pub(super) struct Group {
    pub(super) header: Header,
    pub(super) table: Table,
    /// Where the group begins.
    pub(super) position: u64,
}

impl Group {
    /// Where the group ends.
    pub(super) fn end(&self) -> u64 {
        self.position.saturating_add(self.header.group_len())
    }

    /// The frames with the places of their bytes.
    pub(super) fn frames(&self) -> impl Iterator<Item = (&Frame, u64)> {
        let mut place = self.position + HEADER as u64 + u64::from(self.header.table_len);
        self.table.frames.iter().map(move |frame| {
            let start = place;
            place = place.saturating_add(frame.len);
            (frame, start)
        })
    }
}

/// Names the operation and the file of an I/O error.
pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    move |source| LogError::Io {
        what,
        source,
        path: path.to_owned(),
    }
}

/// File name of a segment.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:08}.log")
}

/// Number of a segment from its file name.
pub(super) fn number_of(name: &Path) -> Option<u64> {
    let number = name.file_name()?.to_str()?.strip_suffix(".log")?;
    number.parse().ok().filter(|number| *number > 0)
}

/// Makes a segment durably, over what a crash may have left of one.
pub(super) fn create(
    disk: &dyn Disk,
    dir: &Path,
    preamble: &Preamble,
) -> Result<SegmentState, LogError> {
    let path = dir.join(file_name(preamble.number));
    let mut head = Vec::new();
    format::put_file_head(&mut head, SEGMENT_MAGIC);
    format::put_block(&mut head, &preamble.encode());
    let write = || {
        let file = disk.open(&path)?;
        file.set_len(0)?;
        file.write_all_at(&head, 0)?;
        file.sync_data()?;
        disk.sync_dir(dir)?;
        Ok(file)
    };
    let file = write().map_err(io_error("cannot begin a segment of the log", &path))?;
    let segment = Segment {
        number: preamble.number,
        path,
        file,
    };
    Ok(SegmentState::new(
        segment,
        head.len() as u64,
        &preamble.carried,
    ))
}

impl Segment {
    pub(super) fn damaged(&self, byte: u64, what: impl Into<String>) -> LogError {
        LogError::Damaged {
            what: what.into(),
            byte,
            path: self.path.clone(),
        }
    }

    pub(super) fn size(&self) -> Result<u64, LogError> {
        self.file
            .size()
            .map_err(io_error("cannot ask for the size of the log", &self.path))
    }

    fn read(&self, buffer: &mut [u8], position: u64) -> Result<(), LogError> {
        self.file
            .read_exact_at(buffer, position)
            .map_err(io_error("cannot read the log", &self.path))
    }

    /// Reads the preamble, and where the groups begin.
    pub(super) fn read_start(&self, size: u64) -> Result<(Preamble, u64), LogError> {
        let whole = (FILE_HEAD + BLOCK_HEAD) as u64;
        if size < whole {
            return Err(self.damaged(size, "the segment ends within its head"));
        }
        let mut head = [0; FILE_HEAD];
        self.read(&mut head, 0)?;
        match format::check_file_head(&head, SEGMENT_MAGIC) {
            Ok(()) => {}
            Err(HeadError::Damaged) => {
                return Err(self.damaged(0, "the file does not begin as a segment"));
            }
            Err(HeadError::Newer(found)) => {
                return Err(LogError::NewerFormat {
                    found,
                    known: VERSION,
                    path: self.path.clone(),
                });
            }
        }
        let mut block = [0; BLOCK_HEAD];
        self.read(&mut block, FILE_HEAD as u64)?;
        let (len, crc) = format::read_block_head(block);
        let end = whole + u64::from(len);
        if end > size {
            return Err(self.damaged(whole, "the segment ends within its preamble"));
        }
        let mut bytes = vec![0; len as usize];
        self.read(&mut bytes, whole)?;
        if crc32fast::hash(&bytes) != crc {
            return Err(self.damaged(whole, "the checksum of the preamble does not fit"));
        }
        let preamble = Preamble::decode(&bytes)
            .map_err(|error| self.damaged(whole, format!("the preamble: {error}")))?;
        Ok((preamble, end))
    }

    /// Reads header and table of the group at `position`, which must end by `limit`. The bytes of
    /// its frames are not looked at.
    pub(super) fn read_group(
        &self,
        position: u64,
        limit: u64,
        slots: Slots,
    ) -> Result<Group, LogError> {
        let rest = limit.saturating_sub(position);
        let ahead = usize::try_from(rest).unwrap_or(WALK_READ).min(WALK_READ);
        let mut window = vec![0; ahead];
        self.read(&mut window, position)?;
        let Some((head, tail)) = window.split_first_chunk::<HEADER>() else {
            return Err(self.damaged(position, "the file ends within a group's header"));
        };
        let header = Header::decode(head)
            .ok_or_else(|| self.damaged(position, "a group's header is not what was written"))?;
        if header.group_len() > rest {
            return Err(self.damaged(position, "the file ends within a group"));
        }
        let table_len = header.table_len as usize;
        let table = if let Some(bytes) = tail.get(..table_len) {
            self.decode_table(bytes, &header, position, slots)?
        } else {
            let mut bytes = vec![0; table_len];
            self.read(&mut bytes, position + HEADER as u64)?;
            self.decode_table(&bytes, &header, position, slots)?
        };
        Ok(Group {
            header,
            table,
            position,
        })
    }

    fn decode_table(
        &self,
        bytes: &[u8],
        header: &Header,
        position: u64,
        slots: Slots,
    ) -> Result<Table, LogError> {
        let what = if crc32fast::hash(bytes) == header.table_crc {
            match Table::decode(bytes, slots) {
                Ok(table) => {
                    let bodies = table
                        .frames
                        .iter()
                        .try_fold(0_u64, |sum, frame| sum.checked_add(frame.len));
                    if bodies == Some(header.bodies_len) {
                        return Ok(table);
                    }
                    "the frames of a group do not add up to its length".to_owned()
                }
                Err(error) => format!("the table of a group: {error}"),
            }
        } else {
            "the checksum of a group's table does not fit".to_owned()
        };
        Err(self.damaged(position, what))
    }

    /// Reads the bytes of a frame and checks them.
    pub(super) fn read_frame(&self, frame: &Frame, place: u64) -> Result<Bytes, LogError> {
        let len = usize::try_from(frame.len)
            .map_err(|_wide| self.damaged(place, "a frame is longer than the memory"))?;
        let mut bytes = BytesMut::zeroed(len);
        self.read(&mut bytes, place)?;
        if crc32fast::hash(&bytes) == frame.crc {
            Ok(bytes.freeze())
        } else {
            Err(self.damaged(place, "the checksum of a frame does not fit"))
        }
    }

    /// Reads a group and checks all of it.
    pub(super) fn verify_group(
        &self,
        position: u64,
        limit: u64,
        slots: Slots,
    ) -> Result<Group, LogError> {
        let group = self.read_group(position, limit, slots)?;
        let mut buffer = Vec::new();
        for (frame, place) in group.frames() {
            let mut hasher = crc32fast::Hasher::new();
            let mut done = 0;
            while done < frame.len {
                let step = (frame.len - done).min(CHECK_READ as u64);
                buffer.resize(usize::try_from(step).unwrap_or(CHECK_READ), 0);
                self.read(&mut buffer, place + done)?;
                hasher.update(&buffer);
                done += step;
            }
            if hasher.finalize() != frame.crc {
                return Err(self.damaged(place, "the checksum of a frame does not fit"));
            }
        }
        Ok(group)
    }

    /// Looks from `position` on for a whole group of at least `sequence`.
    ///
    /// A group is written only when the one before is durable, so if there is one, what lies
    /// before it is not the torn end of a crash but damage.
    pub(super) fn find_group(
        &self,
        position: u64,
        size: u64,
        sequence: u64,
        slots: Slots,
    ) -> Result<Option<u64>, LogError> {
        let mut buffer = Vec::new();
        let mut start = position;
        while start + (HEADER as u64) <= size {
            let len = (size - start).min(CHECK_READ as u64);
            buffer.resize(usize::try_from(len).unwrap_or(CHECK_READ), 0);
            self.read(&mut buffer, start)?;
            for (at, window) in buffer.windows(HEADER).enumerate() {
                if !window.starts_with(&format::GROUP_MAGIC) {
                    continue;
                }
                let header = window.first_chunk().and_then(Header::decode);
                let place = start + at as u64;
                if header.is_some_and(|header| header.sequence >= sequence) {
                    match self.verify_group(place, size, slots) {
                        Ok(_whole) => return Ok(Some(place)),
                        Err(LogError::Damaged { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            // The next window begins where the last whole one of this buffer was tried.
            start += len - (HEADER as u64 - 1);
        }
        Ok(None)
    }
}
