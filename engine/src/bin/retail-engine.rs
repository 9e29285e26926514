//! The headless program; all of it is `retail_engine::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    retail_engine::cli::main()
}
