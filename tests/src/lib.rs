//! What the test suites and benchmark programs share.
//!
//! * [`program`] runs the headless program as a process, the way a user does;
//! * [`generate`] makes files of any length from the real one;
//! * [`naive`] counts a file in the plainest way there is, to check the engine against.

pub mod generate;
pub mod naive;
pub mod program;

use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The whole real file, packed.
pub fn full_file() -> PathBuf {
    root().join("assets/Online_Retail.csv.gz")
}

/// Its first 10,000 rows as a spreadsheet program saves them.
pub fn sample_file() -> PathBuf {
    root().join("assets/Online_Retail_first_10k.csv")
}
