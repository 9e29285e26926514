//! Files that a person chooses: dialogs that never hold a frame, and what is saved by them.
//!
//! Where the dialog comes from is a port, [`Chooser`], so that tests choose without a desktop.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use eframe::egui::Context;
use rfd::AsyncFileDialog;

use crate::notices::Notices;
use crate::runbook::{ActId, Outcome, Runbook};

/// Between two looks at a dialog that is open.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a dialog asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// One file that is there.
    Open {
        /// Title of the dialog.
        title: String,
        /// Extensions that are shown first, without a dot.
        extensions: Vec<String>,
    },
    /// A place for a new file.
    Save {
        /// Name that is proposed; its extension says what the file is.
        name: String,
    },
}

/// Asks a person for a file. `None` is an answer too: nothing was chosen.
pub trait Chooser {
    /// Asks; the answer arrives on the receiver, and `ctx` is woken for it.
    fn ask(&self, question: Question, ctx: &Context) -> Receiver<Option<PathBuf>>;
}

/// The dialogs of the desktop.
pub struct Desktop;

impl Chooser for Desktop {
    fn ask(&self, question: Question, ctx: &Context) -> Receiver<Option<PathBuf>> {
        let (sender, receiver) = sync_channel(1);
        // Made here, on the thread of the window, as some desktops demand; waited for elsewhere.
        let chosen: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> =
            match question {
                Question::Open { title, extensions } => {
                    let dialog = AsyncFileDialog::new()
                        .set_title(title)
                        .add_filter(extensions.join(", "), &extensions)
                        .add_filter("All files", &["*"]);
                    Box::pin(dialog.pick_file())
                }
                Question::Save { name } => {
                    Box::pin(AsyncFileDialog::new().set_file_name(name).save_file())
                }
            };
        let ctx = ctx.clone();
        let waiting = std::thread::Builder::new()
            .name("file-dialog".to_owned())
            .spawn(move || {
                let path = pollster::block_on(chosen).map(|file| file.path().to_owned());
                if sender.send(path).is_err() {
                    tracing::debug!("nobody waits for the file any more");
                }
                ctx.request_repaint();
            });
        if let Err(error) = waiting {
            // The receiver sees that the sender is gone, which is told as an error.
            tracing::error!(%error, "no thread for a dialog");
        }
        receiver
    }
}

/// Answers in the order given, for programs and tests; then nothing.
pub struct Scripted(std::sync::Mutex<std::collections::VecDeque<PathBuf>>);

impl Scripted {
    /// Will answer with these, one after the other.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(std::sync::Mutex::new(paths.into_iter().collect()))
    }
}

impl Chooser for Scripted {
    fn ask(&self, _question: Question, _ctx: &Context) -> Receiver<Option<PathBuf>> {
        let (sender, receiver) = sync_channel(1);
        let next = match self.0.lock() {
            Ok(mut paths) => paths.pop_front(),
            Err(poisoned) => poisoned.into_inner().pop_front(),
        };
        if sender.send(next).is_err() {
            tracing::debug!("nobody waits for the file");
        }
        receiver
    }
}

/// A file that is being chosen.
#[derive(Debug)]
pub struct Choosing(Receiver<Option<PathBuf>>);

/// What became of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Still open.
    Waiting,
    /// Closed without a choice.
    Nothing,
    /// This one.
    File(PathBuf),
    /// There is no dialog on this desktop.
    NoDialog,
}

impl Choosing {
    /// Looks, and asks for another look while it is open.
    pub fn poll(&self, ctx: &Context) -> Chosen {
        match self.0.try_recv() {
            Ok(Some(path)) => Chosen::File(path),
            Ok(None) => Chosen::Nothing,
            Err(TryRecvError::Empty) => {
                ctx.request_repaint_after(LOOK_EVERY);
                Chosen::Waiting
            }
            Err(TryRecvError::Disconnected) => Chosen::NoDialog,
        }
    }
}

/// Makes the bytes of a file, once its place is known.
type Content = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// A file whose place is being chosen.
struct Saving {
    choosing: Choosing,
    /// The name that was proposed.
    name: String,
    content: Content,
    /// What it is in the runbook.
    act: Option<ActId>,
}

/// A file that is being written.
struct Writing {
    written: Receiver<Result<PathBuf, String>>,
    act: Option<ActId>,
}

/// Dialogs, and the files that are saved by them.
pub struct Files {
    chooser: Box<dyn Chooser>,
    saving: Vec<Saving>,
    writing: Vec<Writing>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (saving, writing) = (self.saving.len(), self.writing.len());
        write!(f, "Files {{ saving: {saving}, writing: {writing} }}")
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::with(Desktop)
    }
}

impl Files {
    /// With dialogs of this kind.
    pub fn with(chooser: impl Chooser + 'static) -> Self {
        Self {
            chooser: Box::new(chooser),
            saving: Vec::new(),
            writing: Vec::new(),
        }
    }

    /// Asks for a file that is there.
    pub fn open(&self, ctx: &Context, title: &str, extensions: &[&str]) -> Choosing {
        let question = Question::Open {
            title: title.to_owned(),
            extensions: extensions.iter().map(|&ext| ext.to_owned()).collect(),
        };
        Choosing(self.chooser.ask(question, ctx))
    }

    /// Asks where to save, then makes the bytes on a thread of their own and writes them: beside,
    /// then renamed, so that a file is whole or not there. What became of it is told in notices.
    pub fn save(
        &mut self,
        ctx: &Context,
        name: &str,
        content: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) {
        self.ask_where(ctx, name, Box::new(content), None);
    }

    /// The same as an act of the runbook, which learns what became of it, and where the file is.
    pub fn save_as_act(
        &mut self,
        ctx: &Context,
        name: &str,
        act: ActId,
        content: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) {
        self.ask_where(ctx, name, Box::new(content), Some(act));
    }

    fn ask_where(&mut self, ctx: &Context, name: &str, content: Content, act: Option<ActId>) {
        let name = name.to_owned();
        let question = Question::Save { name: name.clone() };
        self.saving.push(Saving {
            choosing: Choosing(self.chooser.ask(question, ctx)),
            name,
            content,
            act,
        });
    }

    /// Takes what was chosen and what was written; once per frame.
    pub fn refresh(&mut self, ctx: &Context, notices: &mut Notices, runbook: &mut Runbook) {
        for saving in std::mem::take(&mut self.saving) {
            match saving.choosing.poll(ctx) {
                Chosen::Waiting => self.saving.push(saving),
                Chosen::Nothing => {
                    let outcome = Outcome::Failed("no place was chosen".to_owned());
                    end(runbook, saving.act, outcome);
                }
                Chosen::File(path) => {
                    if let Some(act) = saving.act {
                        runbook.put_file(act, &saving.name, &path);
                    }
                    match write(ctx, path, saving.content) {
                        Ok(written) => self.writing.push(Writing {
                            written,
                            act: saving.act,
                        }),
                        Err(error) => {
                            let told = format!("nothing was saved: {error}");
                            end(runbook, saving.act, Outcome::Failed(told.clone()));
                            notices.push(told, None);
                        }
                    }
                }
                Chosen::NoDialog => {
                    let outcome = Outcome::Failed("this desktop shows no file dialog".to_owned());
                    end(runbook, saving.act, outcome);
                    no_dialog(notices);
                }
            }
        }
        self.writing.retain(|writing| {
            let outcome = match writing.written.try_recv() {
                Ok(Ok(path)) => {
                    let told = format!("Saved {}", path.display());
                    notices.done(told.clone());
                    Outcome::Done(told)
                }
                Ok(Err(error)) => {
                    let remedy = "free some space, or choose another folder";
                    notices.push(error.clone(), Some(remedy.to_owned()));
                    Outcome::Failed(error)
                }
                Err(TryRecvError::Empty) => {
                    ctx.request_repaint_after(LOOK_EVERY);
                    return true;
                }
                Err(TryRecvError::Disconnected) => {
                    let what = "the file was not written: its thread ended with a panic";
                    notices.push(what.to_owned(), None);
                    Outcome::Failed(what.to_owned())
                }
            };
            end(runbook, writing.act, outcome);
            false
        });
    }
}

fn end(runbook: &mut Runbook, act: Option<ActId>, outcome: Outcome) {
    if let Some(act) = act {
        runbook.end(act, outcome);
    }
}

/// Makes the bytes and writes them, on a thread of their own.
fn write(
    ctx: &Context,
    path: PathBuf,
    content: Content,
) -> std::io::Result<Receiver<Result<PathBuf, String>>> {
    let (sender, receiver) = sync_channel(1);
    let ctx = ctx.clone();
    std::thread::Builder::new()
        .name("save-file".to_owned())
        .spawn(move || {
            let written = content().and_then(|bytes| whole(&path, &bytes));
            if sender.send(written.map(|()| path)).is_err() {
                tracing::debug!("the console was closed while a file was saved");
            }
            ctx.request_repaint();
        })?;
    Ok(receiver)
}

/// Says that this desktop has no dialogs.
pub fn no_dialog(notices: &mut Notices) {
    let remedy = "drop the file on the window, or name it on the command line";
    let what = "this desktop shows no file dialog";
    notices.push(what.to_owned(), Some(remedy.to_owned()));
}

fn whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| format!("{} was not saved: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(files: &mut Files, notices: &mut Notices, runbook: &mut Runbook) {
        let ctx = Context::default();
        let begun = std::time::Instant::now();
        while notices.all().is_empty() {
            files.refresh(&ctx, notices, runbook);
            assert!(begun.elapsed() < Duration::from_secs(10), "nothing came");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_saved_file_is_whole_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        let mut files = Files::with(Scripted::new([path.clone()]));
        let mut notices = Notices::default();
        let mut runbook = Runbook::default();
        let args = ["rejects", "--export", "a.csv"].map(str::to_owned);
        let at = chrono::DateTime::UNIX_EPOCH;
        let act = runbook.begin(at, "Export", Some(args.to_vec()));
        let content = || Ok(b"x,y\n".to_vec());
        files.save_as_act(&Context::default(), "a.csv", act, content);
        assert_eq!(runbook.acts()[0].outcome, Outcome::Running);
        settle(&mut files, &mut notices, &mut runbook);
        let saved = path.display().to_string();
        let done = &runbook.acts()[0];
        assert_eq!(done.outcome, Outcome::Done(format!("Saved {saved}")));
        assert_eq!(done.args.as_ref().unwrap().last(), Some(&saved));
        assert!(notices.all()[0].message.starts_with("Saved"));
        assert_eq!(std::fs::read(&path).unwrap(), b"x,y\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no such folder").join("a.csv");
        let mut files = Files::with(Scripted::new([path]));
        let mut notices = Notices::default();
        files.save(&Context::default(), "a.csv", || Ok(Vec::new()));
        settle(&mut files, &mut notices, &mut Runbook::default());
        assert!(notices.all()[0].message.contains("a.csv was not saved"));
    }

    #[test]
    fn nothing_chosen_is_nothing_done() {
        let mut files = Files::with(Scripted::new([]));
        let mut notices = Notices::default();
        let mut runbook = Runbook::default();
        let act = runbook.begin(chrono::DateTime::UNIX_EPOCH, "Export", None);
        let ctx = Context::default();
        files.save_as_act(&ctx, "a.csv", act, || Err("never made".into()));
        files.refresh(&ctx, &mut notices, &mut runbook);
        let outcome = Outcome::Failed("no place was chosen".to_owned());
        assert_eq!(runbook.acts()[0].outcome, outcome);
        assert!(notices.all().is_empty() && files.saving.is_empty() && files.writing.is_empty());
    }
}
