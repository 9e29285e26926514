//! A file of offsets, read on a thread of its own: whoever chose a wrong file or a slow disk waits
//! for it, and not the window.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use eframe::egui::Context;
use retail_engine::model::{Offset, TopicPartition};
use retail_engine::replay::file;

/// Bytes of a file of offsets at most: one of every partition has a few hundred.
const BYTES_MAX: u64 = 1 << 20;
/// Between two looks at a file that is being read.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where each partition is to go.
pub(super) type Offsets = BTreeMap<TopicPartition, Offset>;

/// What was read, or why not and what to do about it.
type Answer = Result<Offsets, (String, String)>;

/// A file that is being read.
pub(super) struct Reading {
    path: PathBuf,
    answer: Receiver<Answer>,
}

impl Reading {
    /// Begins to read; `ctx` is woken when it was read. Why it cannot, and what to do about it.
    pub(super) fn begin(path: PathBuf, ctx: &Context) -> Result<Self, (String, String)> {
        // One answer; the thread never waits for a frame.
        let (sender, answer) = sync_channel(1);
        let (file, ctx) = (path.clone(), ctx.clone());
        let started = std::thread::Builder::new()
            .name("read-offsets".to_owned())
            .spawn(move || {
                if sender.send(offsets_of(&file)).is_err() {
                    tracing::debug!("nobody waits for the offsets any more");
                }
                ctx.request_repaint();
            });
        match started {
            Ok(_runs_by_itself) => Ok(Self { path, answer }),
            Err(error) => Err((
                format!("{} was not read: {error}", path.display()),
                "close other programs, then choose the file again".to_owned(),
            )),
        }
    }

    /// Which file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks, and asks for another look while it is read; `None` until then.
    pub(super) fn poll(&self, ctx: &Context) -> Option<Answer> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => {
                ctx.request_repaint_after(LOOK_EVERY);
                None
            }
            Err(TryRecvError::Disconnected) => {
                let file = self.path.display();
                Some(Err((
                    format!("{file} was not read: its thread ended with a panic"),
                    "choose the file again, or type the offsets".to_owned(),
                )))
            }
        }
    }
}

fn offsets_of(path: &Path) -> Answer {
    let not_read = |why: String, remedy: &str| {
        let message = format!("{} was not read: {why}", path.display());
        Err((message, remedy.to_owned()))
    };
    let mut text = String::new();
    // A byte more, so that a file that is too large is not taken for a whole one.
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(error) => return not_read(error.to_string(), "choose a file of text"),
        Ok(bytes) if bytes as u64 > BYTES_MAX => {
            let why = "it has more than 1 MiB".to_owned();
            return not_read(why, "choose a file of topic,partition,offset");
        }
        Ok(_) => {}
    }
    file::parse(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        (message, error.remedy().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use retail_engine::model::{Region, Topic};

    use super::*;

    /// What a file of this text comes to.
    fn read(path: &Path) -> Answer {
        let ctx = Context::default();
        let reading = Reading::begin(path.to_owned(), &ctx).unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(answer) = reading.poll(&ctx) {
                return answer;
            }
            assert!(Instant::now() < until, "not read in time");
            std::thread::yield_now();
        }
    }

    #[test]
    fn offsets_are_read_on_a_thread_of_their_own_and_waited_for_by_looking() {
        let (sender, answer) = sync_channel(1);
        let path = PathBuf::from("offsets.csv");
        let reading = Reading { path, answer };
        let ctx = Context::default();
        assert_eq!(reading.poll(&ctx), None);
        let partition = TopicPartition::new(Topic::Lines(Region::Europe), 1);
        let offsets = Offsets::from([(partition, Offset(25))]);
        sender.send(Ok(offsets.clone())).unwrap();
        assert_eq!(reading.poll(&ctx), Some(Ok(offsets.clone())));
        drop(sender);
        let (message, remedy) = reading.poll(&ctx).unwrap().unwrap_err();
        assert!(message.contains("offsets.csv") && !remedy.is_empty());

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("offsets.csv");
        std::fs::write(&file, file::write(&offsets)).unwrap();
        assert_eq!(read(&file), Ok(offsets));
    }

    #[test]
    fn offsets_that_cannot_be_read_name_the_file_and_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let file = dir.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            file
        };
        let line = b"europe-transactions,0,1\n";
        let large = line.repeat(usize::try_from(BYTES_MAX).unwrap() / line.len() + 1);
        let twice = "europe-transactions,0,1\neurope-transactions,0,2\n";
        for (path, why, remedy) in [
            (dir.path().join("none.csv"), "was not read", "file of text"),
            (
                file("bytes.csv", b"\xff\xfe,"),
                "was not read",
                "file of text",
            ),
            (
                file("large.csv", &large),
                "more than 1 MiB",
                "topic,partition",
            ),
            (file("twice.csv", twice.as_bytes()), "line 2", "keep one"),
        ] {
            let (message, found) = read(&path).unwrap_err();
            let name = path.file_name().unwrap().to_string_lossy();
            assert!(message.contains(&*name), "{message}");
            assert!(message.contains(why), "{message}");
            assert!(found.contains(remedy), "{message}: {found}");
        }
    }
}
