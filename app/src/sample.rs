//! The sample that ships inside the program, so that it is one click away on any machine.

use std::io;
use std::path::{Path, PathBuf};

/// UCI Online Retail, CC BY 4.0; the attribution stands in `assets/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../assets/Online_Retail.csv.gz");
const NAME: &str = "Online_Retail.csv.gz";

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
