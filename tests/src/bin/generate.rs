//! Writes a file that is as long as the real one times a number:
//!
//! ```text
//! generate COPIES TARGET.csv
//! ```

use anyhow::{Context, Result};
use retail_tests::{full_file, generate};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let copies = words.next().context("how many copies?")?.parse()?;
    let target = words.next().context("which file?")?;
    generate::copies(&full_file(), target.as_ref(), copies)
}
