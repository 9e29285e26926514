//! The sample that ships inside the program, so that it is one click away on any machine.

use std::io;
use std::path::{Path, PathBuf};

use eframe::egui::Context;

use crate::later::{Came, Later};
use crate::notices::Notices;

/// UCI Online Retail, CC BY 4.0; the attribution stands in `assets/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../assets/Online_Retail.csv.gz");
/// Name of its file.
pub const NAME: &str = "Online_Retail.csv.gz";

/// Writes the sample beside the data, unless it is there; its path.
pub fn unpack(data_dir: &Path) -> io::Result<PathBuf> {
    let folder = data_dir.join("sample");
    let path = folder.join(NAME);
    let there = std::fs::metadata(&path).is_ok_and(|known| known.len() == SAMPLE.len() as u64);
    if !there {
        std::fs::create_dir_all(&folder)?;
        let beside = folder.join(format!(".{NAME}.new"));
        std::fs::write(&beside, SAMPLE)?;
        std::fs::rename(&beside, &path)?;
    }
    Ok(path)
}

/// The sample while it is written.
#[derive(Debug, Default)]
pub(crate) struct Unpacking(Option<Later<io::Result<PathBuf>>>);

impl Unpacking {
    /// Begins, on a thread of its own; what keeps it from that is told in notices.
    pub(crate) fn begin(ctx: &Context, data_dir: &Path, notices: &mut Notices) -> Self {
        let dir = data_dir.to_owned();
        match Later::begin(ctx, "unpack-sample", move || unpack(&dir)) {
            Ok(later) => Self(Some(later)),
            Err(error) => {
                refuse(&error.to_string(), notices);
                Self(None)
            }
        }
    }

    /// Whether it is not there yet.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.0.is_some()
    }

    /// Its path, once it is there; told once.
    pub(crate) fn take(&mut self, notices: &mut Notices) -> Option<PathBuf> {
        let came = self.0.as_ref()?.poll();
        let why = match came {
            Came::NotYet => return None,
            Came::Value(Ok(path)) => {
                self.0 = None;
                return Some(path);
            }
            Came::Value(Err(error)) => error.to_string(),
            Came::Lost => "its thread ended with a panic".to_owned(),
        };
        self.0 = None;
        refuse(&why, notices);
        None
    }
}

fn refuse(why: &str, notices: &mut Notices) {
    let remedy = "free some space, or choose another data directory";
    let message = format!("the sample cannot be written: {why}");
    notices.push(message, Some(remedy.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_written_once_and_mended_when_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = unpack(dir.path()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), SAMPLE);
        std::fs::write(&path, b"cut").unwrap();
        unpack(dir.path()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap().len(), SAMPLE.len());
    }
}
